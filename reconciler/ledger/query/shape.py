"""The form in which rows are kept for queries: the same for what is and for what has been."""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from .as_of import Past
from .columns import ENTRY, ITEM, ITEM_OF_ENTRY, ORGANIZATION, RUN
from .decimal_functions import PLACES, canonical
from .schema import Kind, QueryTable, segment_column

Values = tuple[object, ...]


class Shape:
    """The columns in which the rows of a table are kept: those of its source, then the tenant's."""

    def __init__(self, plain: tuple[str, ...], table: QueryTable) -> None:
        self._more = tuple(name for name in table.columns if name not in plain)
        self._decimals = tuple(
            place for place, name in enumerate(plain) if table.columns.get(name) is Kind.DECIMAL
        )
        self._plain = plain
        self.columns = (*plain, *self._more)

    def row(
        self, values: list[Any], custom: Mapping[str, object], segments: Mapping[str, object]
    ) -> Values:
        """The values of a row, from those of its source."""
        for place in self._decimals:
            values[place] = _amount(values[place])
        if not self._more:
            return tuple(values)
        found = {name.lower(): value or None for name, value in custom.items()}
        return (*values, *[segments.get(name) or found.get(name) for name in self._more])

    def past(self, name: str, was: Past) -> Iterator[Values]:
        """The rows that an entry or a run had in the table of this name."""
        for found, custom, segments in _PAST[name](was):
            yield self.row([found.get(column) for column in self._plain], custom, segments)


_Found = tuple[Mapping[str, object], Mapping[str, object], Mapping[str, object]]


def _named(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, object]:
    return {name: row.get(column) for name, column in names.items()}


def _past_entry(was: Past) -> Iterator[_Found]:
    found = {**_named(was.row, ENTRY), "transactioncount": was.transactions}
    segments = {segment_column(name): value for name, value in was.row["segments"]}
    yield found, was.row["custom_fields"], segments


def _past_items(was: Past) -> Iterator[_Found]:
    of_entry = _named(was.row, ITEM_OF_ENTRY)
    for item in was.items:
        yield {**_named(item, ITEM), **of_entry}, item["custom_fields"], {}


def _past_run(was: Past) -> Iterator[_Found]:
    names = was.row.get("organizations")
    whose = None if names is None else json.dumps(names, separators=(",", ":"))
    yield {**_named(was.row, RUN), ORGANIZATION: whose}, {}, {}


_PAST = {
    "journalentry": _past_entry,
    "journalentryitem": _past_items,
    "journalrun": _past_run,
}


def _amount(value: Decimal | str | None) -> str | None:
    if type(value) is str and value.isascii():
        whole, _point, part = value.partition(".")
        if whole.isdigit() and len(part) <= PLACES and (part or "0").isdigit():
            return f"{whole}.{part.ljust(PLACES, '0')}"  # what `canonical` says, much sooner
    return None if value is None else canonical(value)
