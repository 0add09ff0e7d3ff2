"""A line of an entry as a posting: where, on which side, how much, in which dimensions."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import TypeAlias

from reconciler.core.model.kinds import KINDS
from reconciler.core.model.money import ZERO
from reconciler.core.model.resource import Value, rows_of, text_of
from reconciler.core.planning.request_body import completed
from reconciler.values import dataclass

Values: TypeAlias = tuple[str, ...]
"""The values of dimensions, in the order of their names; empty text where a line has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One line as a posting: where, on which side, how much.

    `line` and `segments` are what it has its dimensions from.
    """

    period: str
    code: str
    code_type: str
    currency: str
    debit: Decimal
    credit: Decimal
    home_net: Decimal | None
    line: Mapping[str, Value]
    segments: Mapping[str, str]

    def values(self, names: Iterable[str]) -> Values:
        """The values for these dimensions: segments, or custom fields of the line."""
        return tuple(map(self._value, names))

    def _value(self, name: str) -> str:
        if name in self.segments:
            return self.segments[name]
        value = self.line.get(name)
        return "" if value is None else str(value)


def postings(kind: str, spec: Mapping[str, Value], home_currency: str | None) -> Iterator[Posting]:
    """The lines of an entry as postings.

    The home amount is signed, debit positive, and None where no home currency is known.
    """
    known_kind = KINDS[kind]
    period = text_of(spec.get(known_kind.period)) or ""
    currency = text_of(spec.get(known_kind.currency)) or ""
    types = known_kind.line_address_type
    # All lines of an entry have its segments.
    segments = {
        text_of(row.get("segmentName")) or "": text_of(row.get("segmentValue")) or ""
        for row in rows_of(spec.get("segments"))
    }
    for line in rows_of(completed(known_kind, spec, home_currency).get(known_kind.lines)):
        amount = line["amount"]
        # Any other amount would be missing in every sum.
        assert isinstance(amount, Decimal)
        home = line.get("homeCurrencyAmount") if home_currency is not None else None
        debit = line.get("type") == "Debit"
        home_net = home if isinstance(home, Decimal) else None
        if home_net is not None and not debit:
            # The minus operator rounds to the digits of the default context; this does not.
            home_net = home_net.copy_negate()
        yield Posting(
            period=period,
            code=text_of(line.get("accountingCodeName")) or "",
            code_type=text_of(known_kind.canonical_spelling(types, line.get(types))) or "",
            currency=currency,
            debit=amount if debit else ZERO,
            credit=ZERO if debit else amount,
            home_net=home_net,
            line=line,
            segments=segments,
        )
