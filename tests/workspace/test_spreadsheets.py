"""Spreadsheets as people have them: each row is used or named with its cell; no cent changes."""

import datetime
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.worksheet.worksheet import Worksheet
from spreadsheets import workbook

from reconciler.core.model.resource import Source
from reconciler.core.model.tenant import AccountingCode, AccountingPeriod, Tenant
from reconciler.workspace.json_schema import is_valid
from reconciler.workspace.schema_errors import explain
from reconciler.workspace.spreadsheet.cells import SpreadsheetRefused, number_of
from reconciler.workspace.spreadsheet.csv_file import read_csv
from reconciler.workspace.spreadsheet.mapping import SpreadsheetMapping, mapping_from
from reconciler.workspace.spreadsheet.number_formats import is_scaled, other_currency
from reconciler.workspace.spreadsheet.sheet_entries import SheetEntries, entries_of
from reconciler.workspace.spreadsheet.workbook import read_workbook

HEADER = ("Journal", "Period", "Date", "Account", "Debit", "Credit", "Memo")
DAY = datetime.date(2026, 3, 31)
TENANT = Tenant(
    codes=(
        AccountingCode(name="Rent", type="OtherExpenses", gl_account_number="6100"),
        AccountingCode(name="Accrued", type="OtherLiabilities", gl_account_number="2100"),
        AccountingCode(name="Accrued Tax", type="OtherLiabilities", gl_account_number="2200"),
        AccountingCode(name="Accrued Fees", type="OtherLiabilities", gl_account_number="2200"),
    ),
    periods=(
        AccountingPeriod(name="Mar-2026", start_date="2026-03-01", end_date="2026-03-31"),
        AccountingPeriod(name="Open-Ended", start_date="2026-04-01", end_date=None),
    ),
    complete=True,
)


def document(**changed: Any) -> dict[str, Any]:
    """A mapping for HEADER; `entry`, `line` and what else is given replace parts of it."""
    spec = {
        "groupBy": ("Journal",),
        "name": {"prefix": "2026-03-", "column": "Journal"},
        "to": "2026/03/imported",
        "entry": {
            "accountingPeriodName": {"column": "Period"},
            "journalEntryDate": {"column": "Date"},
            "currency": {"value": "USD"},
            "notes": {"column": "Memo"},
            **changed.pop("entry", {}),
        },
        "line": {
            "accountingCodeName": {"column": "Account"},
            "debit": {"column": "Debit"},
            "credit": {"column": "Credit"},
        },
        **changed,
    }
    made = {
        "apiVersion": "journal.reconciler/v1",
        "kind": "SpreadsheetMapping",
        "metadata": {"name": "accruals"},
        "spec": spec,
    }
    assert is_valid("SpreadsheetMapping", made)
    return made


def mapping(**changed: Any) -> SpreadsheetMapping:
    return mapping_from(document(**changed), Source("mapping.yaml"))


def row(
    account: Any = "Rent",
    debit: Any = None,
    credit: Any = None,
    *,
    key: Any = "Rent March",
    period: Any = "Mar-2026",
    day: Any = DAY,
    memo: Any = "Rent",
) -> tuple[Any, ...]:
    return (key, period, day, account, debit, credit, memo)


GOOD = (row(debit=1200.5), row("Accrued", credit=1200.5))
SIGNED = {"accountingCodeName": {"column": "Account"}, "amount": {"column": "Debit"}}


def of_workbook(folder: Path, rows: Any, /, used: SpreadsheetMapping, **more: Any) -> SheetEntries:
    return entries_of(
        read_workbook(workbook(folder / "a.xlsx", rows, **more), sheet=None), used, TENANT
    )


def of_csv(
    folder: Path, text: str, used: SpreadsheetMapping, encoding: str = "utf-8"
) -> SheetEntries:
    path = folder / "march.csv"
    path.write_bytes(text.encode(encoding))
    sheet = read_csv(path, delimiter=used.delimiter, encoding=used.encoding)
    return entries_of(sheet, used, TENANT)


def amounts(found: SheetEntries) -> list[tuple[str, str]]:
    assert found.findings == ()
    return [
        (line["type"][:2], str(line["amount"]))
        for entry in found.entries
        for line in entry.spec["journalEntryItems"]
    ]


def test_rows_become_entries_with_exact_values(tmp_path: Path) -> None:
    found = of_workbook(tmp_path, [HEADER, *GOOD], mapping())
    assert found.findings == ()
    (entry,) = found.entries
    assert (entry.name, entry.key) == ("2026-03-rent-march", "Rent March")
    assert entry.spec == {
        "accountingPeriodName": "Mar-2026",
        "journalEntryDate": "2026-03-31",
        "currency": "USD",
        "notes": "Rent",
        "journalEntryItems": (
            {"accountingCodeName": "Rent", "type": "Debit", "amount": Decimal("1200.5")},
            {"accountingCodeName": "Accrued", "type": "Credit", "amount": Decimal("1200.5")},
        ),
    }
    assert (found.rows, found.totals) == (2, {"USD": Decimal("1200.5")})
    assert entry.cell_of(("spec", "journalEntryItems", 1, "amount")) == (3, 6)
    assert entry.cell_of(("spec", "journalEntryItems", 1, "accountingCodeName")) == (3, 4)
    assert entry.cell_of(("metadata", "name")) == (2, 1)


@pytest.mark.parametrize(
    ("number_format", "shows", "scaled"),
    [
        ("General", "", False),
        ("#,##0.00", "", False),
        ("#,##0.00_);(#,##0.00)", "", False),
        ("_-* #,##0.00_-", "", False),
        ('"$"#,##0.00', "", False),
        ("$#,##0.00", "", False),
        ("[$$-409]#,##0.00", "", False),
        ("[$USD] #,##0.00", "", False),
        ('#,##0.00 "USD"', "", False),
        ('#,##0.00 "Rent"', "", False),
        ("[$US$-409]#,##0.00", "", False),
        ("[$CA$-1009]#,##0.00", "CA$", False),
        ('#,##0.00 "EUR"', "EUR", False),
        ("[$EUR-407] #,##0.00", "EUR", False),
        ("[$€-407] #,##0.00", "€", False),
        ('#,##0.00\\ "€"', "€", False),
        ("#,##0.00\\ \\€", "€", False),
        ("€#,##0.00", "€", False),
        ("£#,##0", "£", False),
        ("[$₿] 0.00", "₿", False),
        ("_€#,##0.00", "", False),
        ("[Red]#,##0.00", "", False),
        ("#,##0,", "", True),
        ('0.0,,"M"', "", True),
        ("0,.00", "", True),
    ],
)
def test_what_the_format_of_a_number_says(number_format: str, shows: str, scaled: bool) -> None:
    assert other_currency(number_format, "USD") == shows
    assert is_scaled(number_format) is scaled


def test_a_hidden_sheet_is_not_read(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [HEADER, *GOOD])
    book = openpyxl.load_workbook(path)
    book.create_sheet("Cover")
    book["Accruals"].sheet_state = "hidden"
    book.active = 1
    book.save(path)
    with pytest.raises(SpreadsheetRefused, match="the sheet `Accruals` is hidden"):
        read_workbook(path, sheet="Accruals")


def test_rows_of_an_entry_need_not_be_adjacent_and_blank_rows_mean_nothing(tmp_path: Path) -> None:
    one, two = GOOD, tuple((("B"), *line[1:]) for line in GOOD)
    rows = [HEADER, one[0], two[0], (None,) * 7, one[1], (), two[1]]
    found = of_workbook(tmp_path, rows, mapping())
    assert [entry.name for entry in found.entries] == ["2026-03-rent-march", "2026-03-b"]
    assert amounts(found) == [("De", "1200.5"), ("Cr", "1200.5")] * 2


@dataclass(frozen=True, kw_only=True)
class Case:
    """A shape of sheet and its verdict: the amounts, or each place with a part of the message."""

    rows: Any
    finds: Mapping[str, str] = field(default_factory=dict)
    gives: Any = ()
    mapping: Mapping[str, Any] = field(default_factory=dict)
    results: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[Worksheet], None] = lambda sheet: None


def hide(sheet: Worksheet) -> None:
    sheet.row_dimensions[4].hidden = True


def percentage(sheet: Worksheet) -> None:
    sheet["E2"].number_format = "0.00%"


def shown_as(number_format: str) -> Callable[[Worksheet], None]:
    def prepare(sheet: Worksheet) -> None:
        sheet["E2"].number_format = number_format

    return prepare


def hide_columns(sheet: Worksheet) -> None:
    """Two columns, which a file has as one element."""
    sheet.column_dimensions.group("D", "E", hidden=True)


def merge_keys(sheet: Worksheet) -> None:
    sheet.merge_cells("A2:A3")


def merge_header(sheet: Worksheet) -> None:
    sheet.insert_rows(1)
    sheet["A1"] = "Accruals of March"
    sheet.merge_cells("A1:G1")


WORKBOOKS = {
    "a double that is no decimal": Case(
        rows=(row(debit=4.3499999999999996), row("Accrued", credit=4.35)),
        gives=[("De", "4.35"), ("Cr", "4.35")],
    ),
    "a difference that lost digits": Case(
        rows=(row(debit=1234.1 - 1229.75), row("Accrued", credit=4.35)),
        finds={"Accruals!E2": "the cell holds 4.34999999999991"},
    ),
    "a formula with a stored result": Case(
        rows=(row(debit="=0.1+0.2"), row("Accrued", credit=0.3)),
        results={"E2": "0.30000000000000004"},
        gives=[("De", "0.3"), ("Cr", "0.3")],
    ),
    "a formula that gives an empty text": Case(
        rows=(row(debit=1, credit='=""'), row("Accrued", credit=1)),
        results={"F2": '=""'},
        gives=[("De", "1"), ("Cr", "1")],
    ),
    "a formula nobody calculated": Case(
        rows=(row(debit="=1+1"), row("Accrued", credit=2)),
        finds={"Accruals!E2": "the formula has no stored result"},
    ),
    "an error value": Case(
        rows=(row(debit="#DIV/0!"), row("Accrued", credit=2)),
        finds={"Accruals!E2": "the cell holds the error #DIV/0!"},
    ),
    "a third decimal": Case(
        rows=(row(debit=1.005), row("Accrued", credit=1.005)),
        finds={
            "Accruals!E2": "USD has 2 decimals, and the cell holds 1.005",
            "Accruals!F3": "USD has 2 decimals, and the cell holds 1.005",
        },
    ),
    "a share that is no amount": Case(
        rows=(row(debit=100 / 3), row("Accrued", credit=33.33)),
        finds={"Accruals!E2": "the cell holds 33.3333333333333"},
    ),
    "more digits than a number cell holds": Case(
        rows=(row(debit=12345678901234.56), row("Accrued", credit="12345678901234.56")),
        finds={"Accruals!E2": "needs more"},
    ),
    "the same as text": Case(
        rows=(row(debit="12345678901234.56"), row("Accrued", credit="12345678901234.56")),
        gives=[("De", "12345678901234.56"), ("Cr", "12345678901234.56")],
    ),
    "both columns filled": Case(
        rows=(row(debit=5, credit=4), row("Accrued", credit=1)),
        finds={"Accruals!F2": "`Debit` and `Credit` both have an amount"},
    ),
    "a zero beside the amount, and rows of zero": Case(
        rows=(row(debit=5, credit=0), row(debit=0, credit=0), row("Accrued", debit="-", credit=5)),
        gives=[("De", "5"), ("Cr", "5")],
    ),
    "no amount": Case(
        rows=(*GOOD, row()), finds={"Accruals!E4": "the row has no amount in `Debit` and `Credit`"}
    ),
    "a negative debit": Case(
        rows=(row(debit=-5), row("Accrued", credit=-5)),
        finds={"Accruals!E2": "holds -5.00, a negative debit", "Accruals!F3": "negative credit"},
    ),
    "signed amounts": Case(
        rows=(row(debit=5), row("Accrued", debit=-5)),
        mapping={"line": {**SIGNED, "amount": {"column": "Debit", "positive": "Debit"}}},
        gives=[("De", "5"), ("Cr", "5")],
    ),
    "signed amounts, credits positive": Case(
        rows=(row(debit=5), row("Accrued", debit="(5.00)")),
        mapping={"line": {**SIGNED, "amount": {"column": "Debit", "positive": "Credit"}}},
        gives=[("Cr", "5"), ("De", "5.00")],
    ),
    "a percentage": Case(
        rows=(row(debit=0.05), row("Accrued", credit=0.05)),
        prepare=percentage,
        finds={"Accruals!E2": "the cell holds a percentage"},
    ),
    "an entry with rows of zero alone": Case(
        rows=(*GOOD, row(key="B", debit=0), row("Accrued", key="B", credit="-")),
        finds={"Accruals!A4": "every row of the entry `B` has the amount zero"},
    ),
    "a totals row": Case(
        rows=(*GOOD, row("", 1200.5, 1200.5, key=None, period=None, day=None, memo=None)),
        finds={"Accruals!A4": "the row has no `Journal`"},
    ),
    "a totals row that is the control total": Case(
        rows=(*GOOD, row("", 1200.5, 1200.5, key=None, period=None, day=None, memo=None)),
        mapping={"controlTotals": {"debit": "E4", "credit": "F4"}},
        gives=[("De", "1200.5"), ("Cr", "1200.5")],
    ),
    "a control total that differs": Case(
        rows=(*GOOD, (), row("", 1200.05, None, key=None)),
        mapping={"controlTotals": {"debit": "E5"}},
        finds={"Accruals!E5": "states 1,200.05, but the debits of the rows are 1,200.50"},
    ),
    "a control total beside a line": Case(
        rows=(*GOOD, (*row(debit=5), 1200.5), row("Accrued", credit=5)),
        mapping={"controlTotals": {"debit": "H4"}},
        finds={"Accruals!D4": "the row holds a line beside the control total at Accruals!H4"},
    ),
    "a control total that is the amount of a line": Case(
        rows=(*GOOD, row(debit=1200.5)),
        mapping={"controlTotals": {"debit": "E4"}},
        finds={"Accruals!D4": "the row holds a line beside the control total at Accruals!E4"},
    ),
    "a totals row with a label in the column of the key": Case(
        rows=(*GOOD, row("", 1200.5, 1200.5, key="Total", period=None, day=None, memo=None)),
        mapping={"controlTotals": {"debit": "E4", "credit": "F4"}},
        gives=[("De", "1200.5"), ("Cr", "1200.5")],
    ),
    "a hidden row": Case(
        rows=(*GOOD, row(debit=1)),
        prepare=hide,
        finds={"Accruals!A4": "the row is hidden, but has values"},
    ),
    "a hidden column of the mapping": Case(
        rows=GOOD,
        prepare=hide_columns,
        finds={
            "Accruals!D1": "the column `Account` is hidden",
            "Accruals!E1": "the column `Debit` is hidden",
        },
    ),
    "an amount that is shown in another currency": Case(
        rows=GOOD,
        prepare=shown_as("[$€-2] #,##0.00"),
        finds={"Accruals!E2": "the format of the cell shows `€`, and the currency is USD"},
    ),
    "an amount that is shown in thousands": Case(
        rows=GOOD,
        prepare=shown_as('#,##0.0,"k"'),
        finds={"Accruals!E2": "shows a smaller number than the cell holds"},
    ),
    "an amount that is shown in the currency": Case(
        rows=GOOD,
        prepare=shown_as('_("$"* #,##0.00_);_("$"* (#,##0.00)'),
        gives=[("De", "1200.5"), ("Cr", "1200.5")],
    ),
    "merged keys": Case(
        rows=GOOD, prepare=merge_keys, finds={"Accruals!A3": "merged with Accruals!A2"}
    ),
    "a merged title above the header": Case(
        rows=GOOD,
        prepare=merge_header,
        mapping={"headerRow": 2},
        gives=[("De", "1200.5"), ("Cr", "1200.5")],
    ),
    "a date as the number of a day": Case(
        rows=(row(debit=1, day=46112), row("Accrued", credit=1)),
        finds={"Accruals!C2": "the cell holds the number 46112, not a date"},
    ),
    "a date with a time": Case(
        rows=(
            row(debit=1, day=datetime.datetime.combine(DAY, datetime.time(9))),
            row("Accrued", credit=1),
        ),
        finds={"Accruals!C2": "time of day"},
    ),
    "a period that the program made a date of": Case(
        rows=(row(debit=1, period=datetime.date(2026, 3, 1)), row("Accrued", credit=1)),
        gives=[("De", "1"), ("Cr", "1")],
    ),
    "a date outside every period": Case(
        rows=(row(debit=1, period=datetime.date(2026, 4, 1)), row("Accrued", credit=1)),
        finds={"Accruals!B2": "0 periods contain the date 2026-04-01"},
    ),
    "a memo that differs": Case(
        rows=(row(debit=1), row("Accrued", credit=1, memo="Lease")),
        finds={"Accruals!G3": "`Memo` is `Lease`, and `Rent` at Accruals!G2"},
    ),
    "fields in the first row only": Case(
        rows=(row(debit=1), row("Accrued", credit=1, memo=None, period=None, day=None)),
        gives=[("De", "1"), ("Cr", "1")],
    ),
    "no date at all": Case(
        rows=(row(debit=1, day=None), row("Accrued", credit=1, day=None)),
        finds={"Accruals!C2": "the entry has no `Date`"},
    ),
    "keys that become one name": Case(
        rows=(*GOOD, *(("Rent-March", *line[1:]) for line in GOOD)),
        finds={"Accruals!A4": "the name 2026-03-rent-march is that of Accruals!A2 too"},
    ),
    "accounts by number": Case(
        rows=(row(6100, debit=1), row("2100", credit=1)),
        mapping={
            "line": {
                "accountingCodeName": {"column": "Account", "lookup": "glAccountNumber"},
                "debit": {"column": "Debit"},
                "credit": {"column": "Credit"},
            }
        },
        gives=[("De", "1"), ("Cr", "1")],
    ),
    "a number of two accounting codes, and of none": Case(
        rows=(row(2200, debit=1), row("9", credit=1)),
        mapping={
            "line": {
                "accountingCodeName": {"column": "Account", "lookup": "glAccountNumber"},
                "debit": {"column": "Debit"},
                "credit": {"column": "Credit"},
            }
        },
        finds={
            "Accruals!D2": "Accrued Fees and Accrued Tax have the general ledger account `2200`",
            "Accruals!D3": "no accounting code has the general ledger account `9`",
        },
    ),
    "a text that the map lacks": Case(
        rows=(row("Miete", debit=1), row("Accrued", credit=1)),
        mapping={
            "line": {
                "accountingCodeName": {"column": "Account", "map": {"Miete": "Rent"}},
                "debit": {"column": "Debit"},
                "credit": {"column": "Credit"},
            }
        },
        finds={"Accruals!D3": "`map` of the mapping does not have `Accrued`"},
    ),
    "a column that is missing": Case(
        rows=GOOD,
        mapping={"groupBy": ("Jurnal",)},
        finds={"Accruals!A1": "row 1 has no column `Jurnal`"},
    ),
    "no rows": Case(rows=(), finds={"Accruals!A1": "no row below the header has a value"}),
}


@pytest.mark.parametrize("case", WORKBOOKS.values(), ids=WORKBOOKS)
def test_a_workbook_gives_entries_or_a_finding_for_each_cell(case: Case, tmp_path: Path) -> None:
    found = of_workbook(
        tmp_path,
        [HEADER, *case.rows],
        mapping(**case.mapping),
        results=case.results,
        prepare=case.prepare,
    )
    assert {finding.place for finding in found.findings} == set(case.finds)
    for finding in found.findings:
        assert case.finds[finding.place] in finding.message
        assert finding.remedy.endswith((".", "?"))
    if not case.finds:
        assert amounts(found) == case.gives


@pytest.mark.parametrize(
    ("amount", "home", "finds"),
    [
        (5, 5.5, {}),
        (0.01, 0, {"Accruals!H4": "the amount in the home currency is zero, and the other is not"}),
        (0.01, "-", {"Accruals!H4": "the amount in the home currency is zero"}),
        (0, "-", {}),
        (0, 0, {}),
        (0, 5.5, {"Accruals!H4": "an amount in the home currency alone"}),
        ("-", "5.50", {"Accruals!H4": "an amount in the home currency alone"}),
        (0, "5.505", {"Accruals!H4": "EUR has 2 decimals"}),
        (None, 5.5, {"Accruals!E4": "the row has no amount"}),
    ],
)
def test_an_amount_in_the_home_currency_is_never_left_out(
    amount: Any, home: Any, finds: Mapping[str, str], tmp_path: Path
) -> None:
    """A row of zero makes no line, so an amount beside the zero would be lost."""
    line = document()["spec"]["line"]
    line |= {"homeDebit": {"column": "In EUR Dr"}, "homeCredit": {"column": "In EUR Cr"}}
    rows = [(*one, *sides) for one, sides in zip(GOOD, ((1100, None), (None, 1100)), strict=True)]
    sheet = [(*HEADER, "In EUR Dr", "In EUR Cr"), *rows, (*row(debit=amount), home, None)]
    path = workbook(tmp_path / "a.xlsx", sheet)
    tenant = replace(TENANT, home_currency="EUR")
    found = entries_of(read_workbook(path, sheet=None), mapping(line=line), tenant)
    assert {finding.place for finding in found.findings} == set(finds)
    for finding in found.findings:
        assert finds[finding.place] in finding.message


CSVS = {
    "thousands": ("1,234.50", {"decimal": ".", "group": ","}, "1234.50"),
    "European": ("1.234,50", {"decimal": ",", "group": "."}, "1234.50"),
    "Swiss": ("1'234.50", {"decimal": ".", "group": "'"}, "1234.50"),
    "Swiss, as programs write it": ("1\u2019234.50", {"group": "'"}, "1234.50"),
    "thin spaces": ("1\u2009234,50", {"decimal": ",", "group": " "}, "1234.50"),
    "no-break spaces": ("1\u00a0234,50", {"decimal": ",", "group": " "}, "1234.50"),
    "plain": ("1234.50", {}, "1234.50"),
    "a comma is no decimal sign": ("1234,50", {}, "`1234,50` is no amount with decimals after `.`"),
    "groups that are none": ("12,34.50", {"group": ","}, "is no amount"),
    "a currency sign": ("$5.00", {}, "is no amount"),
    "three decimals, or a group": ("1.000", {}, "USD has 2 decimals, and the cell holds `1.000`"),
}


@pytest.mark.parametrize("case", CSVS.values(), ids=CSVS)
def test_amounts_that_are_text_are_read_by_the_signs_of_the_mapping(
    case: tuple[str, Mapping[str, str], str], tmp_path: Path
) -> None:
    text, signs, expected = case
    lines = [
        ";".join(HEADER),
        f"A;Mar-2026;31.03.2026;Rent;{text};;Rent",
        f"A;Mar-2026;31.03.2026;Accrued;;{text};Rent",
    ]
    used = mapping(numbers=signs, dates="DD.MM.YYYY", csv={"delimiter": ";"})
    found = of_csv(tmp_path, "\r\n".join(lines), used)
    if expected[0].isdigit():
        assert amounts(found) == [("De", expected), ("Cr", expected)]
    else:
        assert [finding.place for finding in found.findings] == ["march.csv!E2", "march.csv!F3"]
        assert expected in found.findings[0].message


@pytest.mark.parametrize("last", ["", ",", ",Rent"])
def test_an_amount_that_the_delimiter_cuts_in_two_is_no_other_amount(
    last: str, tmp_path: Path
) -> None:
    """1,234.50 without quotes is a cell with 1, and the rows of an entry would still balance."""
    header = "Journal,Period,Date,Account,Debit,Memo"[: None if last else -5]
    start = "A,Mar-2026,2026-03-31"
    lines = [header, f"{start},Rent,1,234.50{last}", f"{start},Accrued,-1,234.50{last}", ",,,,,,,"]
    entry = {"notes": {"column": "Journal"}}
    used = mapping(line={**SIGNED, "amount": {"column": "Debit", "positive": "Debit"}}, entry=entry)
    found = of_csv(tmp_path, "\n".join(lines), used)
    places = ["march.csv!G2", "march.csv!G3"] if last else ["march.csv!F2", "march.csv!F3"]
    assert [finding.place for finding in found.findings] == places
    assert "cells, and the header has" in found.findings[0].message
    quoted = [re.sub(r"-?1,234\.50", r'"\g<0>"', line) for line in lines]
    used = replace(used, group_sign=",")
    assert amounts(of_csv(tmp_path, "\n".join(quoted), used)) == [
        ("De", "1234.50"),
        ("Cr", "1234.50"),
    ]


@pytest.mark.parametrize(
    ("signs", "allowed"),
    [
        ({"group": "."}, False),
        ({"decimal": ".", "group": "."}, False),
        ({"decimal": ",", "group": ","}, False),
        ({"decimal": ",", "group": "."}, True),
        ({"group": ","}, True),
        ({"decimal": ","}, True),
    ],
)
def test_decimals_and_groups_never_have_one_sign(signs: Mapping[str, str], allowed: bool) -> None:
    """1.23 would be 123."""
    made = document()
    made["spec"]["numbers"] = signs
    assert is_valid("SpreadsheetMapping", made) is allowed
    findings = explain("SpreadsheetMapping", made, source=Source("a.yaml"), at_most=9)
    if not allowed:
        assert [(one.rule, one.path) for one in findings] == [
            ("schema-choice", ("spec", "numbers"))
        ]


def test_a_wrong_delimiter_and_a_wrong_encoding_are_named(tmp_path: Path) -> None:
    found = of_csv(tmp_path, ";".join(HEADER) + "\n", mapping())
    assert {finding.remedy for finding in found.findings} == {
        "The row is one cell: set `csv.delimiter` in the mapping."
    }
    with pytest.raises(SpreadsheetRefused, match="not text in utf-8"):
        of_csv(tmp_path, "Kontoführung", mapping(), encoding="cp1252")


def test_a_text_date_is_read_in_the_order_of_the_mapping_only(tmp_path: Path) -> None:
    lines = [",".join(HEADER), "A,Mar-2026,03/31/2026,Rent,1,,", "A,Mar-2026,,Accrued,,1,"]
    found = of_csv(tmp_path, "\n".join(lines), mapping(dates="MM/DD/YYYY"))
    assert found.entries[0].spec["journalEntryDate"] == "2026-03-31"
    found = of_csv(tmp_path, "\n".join(lines), mapping(dates="DD/MM/YYYY"))
    assert "`03/31/2026` is no date written DD/MM/YYYY" in found.findings[0].message


def test_a_table_beside_a_lookup_is_refused() -> None:
    """Only one of the two would decide about the account."""
    both = document()
    account = {"column": "Account", "map": {"Rent": "Rent"}, "lookup": "glAccountNumber"}
    both["spec"]["line"] = {**both["spec"]["line"], "accountingCodeName": account}
    (found,) = explain("SpreadsheetMapping", both, source=Source("mapping.yaml"))
    assert found.message == "`accountingCodeName` takes either `map` or `lookup`, not both"


def test_a_table_without_a_text_gives_no_text_a_meaning(tmp_path: Path) -> None:
    used = mapping(
        line={
            "accountingCodeName": {"column": "Account", "map": {}},
            "debit": {"column": "Debit"},
            "credit": {"column": "Credit"},
        }
    )
    found = of_workbook(tmp_path, (HEADER, *GOOD), used)
    assert {one.message for one in found.findings} == {
        "`map` of the mapping does not have `Rent`",
        "`map` of the mapping does not have `Accrued`",
    }


def test_a_sheet_is_named_where_there_are_several(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [HEADER, *GOOD], others=["Rates"])
    with pytest.raises(SpreadsheetRefused, match="2 sheets: Accruals, Rates"):
        read_workbook(path, sheet=None)
    with pytest.raises(SpreadsheetRefused, match="no sheet `March`; it has Accruals, Rates"):
        read_workbook(path, sheet="March")
    assert read_workbook(path, sheet="Accruals").name == "Accruals"


def test_what_the_library_does_not_know_is_no_warning(tmp_path: Path) -> None:
    """Lists of allowed values are in many workbooks, and a warning here fails the test."""
    lists = "{CCE6A557-97BC-4B89-ADB6-D9C93CAAB3DF}"
    assert amounts(of_workbook(tmp_path, [HEADER, *GOOD], mapping(), extension=lists))


@pytest.mark.parametrize("content", [b"PK\x03\x04 cut off", b"", b"<html>"])
def test_a_file_that_is_no_workbook_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(content)
    with pytest.raises(SpreadsheetRefused, match=r"not an \.xlsx workbook"):
        read_workbook(path, sheet=None)


@given(st.decimals(min_value="0.01", max_value="9999999999999.99", places=2))
def test_fifteen_digits_of_a_number_cell_are_the_decimal_that_was_typed(amount: Decimal) -> None:
    assert number_of(float(amount)) == amount
