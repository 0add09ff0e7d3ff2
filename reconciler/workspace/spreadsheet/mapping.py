"""A SpreadsheetMapping: which column of a sheet is which field of an entry."""

from collections.abc import Mapping
from typing import Any

from reconciler.core.model.enumerations import Side
from reconciler.core.model.resource import Source, Value, made_of, mapping_of, rows_of
from reconciler.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSource:
    """Where a text comes from: a column, or the same for every row.

    `meanings` is a table of the texts of the column. With `by_gl_account` the column holds the
    number of the general ledger account.
    """

    column: str = ""
    fixed: str = ""
    meanings: Mapping[str, str] | None = None
    by_gl_account: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountColumns:
    """The columns of an amount: a debit and a credit column, or one with signed amounts."""

    debit: str = ""
    credit: str = ""
    signed: str = ""
    positive: Side = Side.DEBIT

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.debit, self.credit, self.signed)))


@dataclass(frozen=True, slots=True, kw_only=True)
class SpreadsheetMapping:
    """A mapping as declared. Texts of `entry` and `line` are by field, `segments` by name.

    `control_totals` are cells by side, such as D210.
    """

    name: str
    source: Source
    sheet: str | None = None
    header_row: int = 1
    group_by: tuple[str, ...]
    name_prefix: str
    name_column: str
    directory: str
    labels: Mapping[str, str]
    decimal_sign: str
    group_sign: str
    date_order: str
    delimiter: str
    encoding: str
    entry: Mapping[str, TextSource]
    segments: tuple[tuple[str, TextSource], ...]
    line: Mapping[str, TextSource]
    amount: AmountColumns
    home_amount: AmountColumns | None
    control_totals: Mapping[Side, str]

    @property
    def columns(self) -> tuple[str, ...]:
        """The name of every column that is read, each once."""
        sources = (*self.entry.values(), *(one for _, one in self.segments), *self.line.values())
        amounts = (self.amount, *((self.home_amount,) if self.home_amount else ()))
        return tuple(
            dict.fromkeys(
                (
                    *self.group_by,
                    self.name_column,
                    *(source.column for source in sources if source.column),
                    *(name for columns in amounts for name in columns.names),
                )
            )
        )


def mapping_from(document: Mapping[str, Value], source: Source) -> SpreadsheetMapping:
    """The mapping of a document that fits its schema."""
    spec = mapping_of(document["spec"])
    entry = dict(mapping_of(spec["entry"]))
    line = dict(mapping_of(spec["line"]))
    name, csv, numbers = (mapping_of(spec.get(key)) for key in ("name", "csv", "numbers"))
    segments = rows_of(entry.pop("segments", ()))
    signed = mapping_of(line.pop("amount", None))
    amounts = {key: _column(line.pop(key, None)) for key in _AMOUNTS}
    positive = Side(str(signed.get("positive", Side.DEBIT)))
    home = AmountColumns(
        debit=amounts["homeDebit"],
        credit=amounts["homeCredit"],
        signed=amounts["homeCurrencyAmount"],
        positive=positive,
    )
    return made_of(
        SpreadsheetMapping,
        spec,
        name=str(mapping_of(document["metadata"])["name"]),
        source=source,
        name_prefix=str(name.get("prefix", "")),
        name_column=str(name["column"]),
        directory=str(spec["to"]),
        labels={key: str(text) for key, text in mapping_of(spec.get("labels")).items()},
        decimal_sign=str(numbers.get("decimal", ".")),
        group_sign=str(numbers.get("group", "")),
        date_order=str(spec.get("dates", "YYYY-MM-DD")),
        delimiter=str(csv.get("delimiter", ",")),
        encoding=str(csv.get("encoding", "utf-8")),
        entry={key: _text_source(one) for key, one in entry.items()},
        segments=tuple(
            (str(one["segmentName"]), _text_source(one["segmentValue"])) for one in segments
        ),
        line={key: _text_source(one) for key, one in line.items()},
        amount=AmountColumns(
            debit=amounts["debit"],
            credit=amounts["credit"],
            signed=_column(signed),
            positive=positive,
        ),
        home_amount=home if home.names else None,
        control_totals={
            side: str(cell)
            for side in Side
            if (cell := mapping_of(spec.get("controlTotals")).get(side.value.lower()))
        },
    )


_AMOUNTS = ("debit", "credit", "homeDebit", "homeCredit", "homeCurrencyAmount")


def _column(value: Value | Any) -> str:
    return str(mapping_of(value).get("column", ""))


def _text_source(value: Value) -> TextSource:
    found = mapping_of(value)
    return TextSource(
        column=_column(found),
        fixed=str(found.get("value", "")),
        meanings={key: str(text) for key, text in mapping_of(found["map"]).items()}
        if "map" in found
        else None,
        by_gl_account="lookup" in found,
    )
