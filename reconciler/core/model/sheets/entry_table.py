"""Declared entries as a table: one row for each line, amounts by side."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from reconciler.core.model.enumerations import Side
from reconciler.core.model.kinds.journal_entry import JOURNAL_ENTRY
from reconciler.core.model.money import ZERO, total
from reconciler.core.model.resource import Declared, Value, rows_of, text_of
from reconciler.values import dataclass

FIXED = (
    ("Journal", "metadata.name"),
    ("Period", "accountingPeriodName"),
    ("Date", "journalEntryDate"),
    ("Currency", "currency"),
    ("Notes", "notes"),
    ("Organization", "organizationLabel"),
    ("Account", "accountingCodeName"),
    ("Account type", "accountingCodeType"),
    ("Debit", "debit"),
    ("Credit", "credit"),
    ("Home debit", "homeDebit"),
    ("Home credit", "homeCredit"),
    ("Line notes", "notes"),
    ("GL string", "glString"),
)
"""The columns that are always there, in their order, and the field that each holds."""

DATE = 2
"""The position of the column with the date, from 0."""

_CURRENCY = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryTable:
    """The names of the columns, the rows, and the totals by currency and side.

    After the fixed columns follow a column for each segment, then those of custom fields; a custom
    field of a line is named `Line FIELD__c`, and a segment with the name of a fixed column
    `Segment NAME`. A cell is a text, an amount or None.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    totals: Mapping[str, Mapping[Side, Decimal]]
    entries: int
    home_currency: str

    def currency_of(self, row: Sequence[Value], column: int) -> str:
        """The currency of an amount: of the entry, or the home currency. `column` is from 0."""
        in_home = self.columns[column].startswith("Home ")
        return self.home_currency if in_home else str(row[_CURRENCY])


def entry_table(declared: Iterable[Declared], *, home_currency: str) -> EntryTable:
    """The lines of journal entries, in the order of the declarations. Other kinds are left out."""
    entries = [one for one in declared if one.address.kind == JOURNAL_ENTRY.name]
    more = [*dict.fromkeys(name for one in entries for name in _more_columns(one))]
    # Segments first and in the order of the rule, then fields of entries, then of lines.
    more = sorted(more, key=lambda one: (one.endswith("__c"), one.startswith("Line ")))
    columns = (*(name for name, _ in FIXED), *more)
    return EntryTable(
        columns=columns,
        rows=tuple(
            tuple(row.get(column) for column in columns) for one in entries for row in _rows(one)
        ),
        totals=_totals(entries),
        entries=len(entries),
        home_currency=home_currency,
    )


def _more_columns(declared: Declared) -> Iterator[str]:
    yield from (column for column, _ in _segments(declared))
    yield from (name for name in declared.spec if name.endswith("__c"))
    for line in rows_of(declared.spec.get(JOURNAL_ENTRY.lines)):
        yield from (f"Line {name}" for name in line if name.endswith("__c"))


def _segments(declared: Declared) -> Iterator[tuple[str, Value]]:
    """The segments of an entry by their columns."""
    for segment in rows_of(declared.spec.get("segments")):
        name = str(segment["segmentName"])
        taken = name in dict(FIXED) or name.endswith("__c")
        yield (f"Segment {name}" if taken else name), segment["segmentValue"]


def _rows(declared: Declared) -> Iterator[Mapping[str, Value]]:
    spec = declared.spec
    entry: dict[str, Value] = {"Journal": declared.address.name}
    entry |= {column: spec.get(field) for column, field in FIXED[1:6]}
    entry |= _segments(declared)
    entry |= {name: value for name, value in spec.items() if name.endswith("__c")}
    for line in rows_of(spec.get(JOURNAL_ENTRY.lines)):
        side = str(line["type"])
        yield {
            **entry,
            "Account": line["accountingCodeName"],
            "Account type": line.get("accountingCodeType"),
            side: line["amount"],
            f"Home {side.lower()}": line.get("homeCurrencyAmount"),
            "Line notes": line.get("notes"),
            "GL string": line.get("glString"),
            **{f"Line {name}": value for name, value in line.items() if name.endswith("__c")},
        }


def _totals(entries: Sequence[Declared]) -> Mapping[str, Mapping[Side, Decimal]]:
    sums: dict[str, dict[Side, Decimal]] = {}
    for one in entries:
        currency = text_of(one.spec.get(JOURNAL_ENTRY.currency)) or ""
        of_currency = sums.setdefault(currency, dict.fromkeys(Side, ZERO))
        for line in rows_of(one.spec.get(JOURNAL_ENTRY.lines)):
            amount, side = line["amount"], Side(str(line["type"]))
            assert isinstance(amount, Decimal)
            of_currency[side] = total((of_currency[side], amount))
    return dict(sorted(sums.items()))
