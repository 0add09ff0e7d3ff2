"""The lines of a part: their sums, and the one that takes the difference of the others."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from reconciler.core.model.money import difference, total
from reconciler.core.model.resource import Line, Value

AMOUNT, HOME = "amount", "homeCurrencyAmount"


def debits(lines: Iterable[Line]) -> Decimal:
    """The sum of the debits, in the currency of the entry."""
    return total(decimal_of(line[AMOUNT]) for line in lines if line["type"] == "Debit")


def balancing_line(items: Sequence[Line]) -> int | None:
    """The line that takes the difference of each part; None if it is not known."""
    marked = [at for at, line in enumerate(items) if line.get("balancing") is True]
    if marked:
        return marked[0] if len(marked) == 1 else None
    for side in ("Credit", "Debit"):
        alone = [at for at, line in enumerate(items) if line["type"] == side]
        if len(alone) == 1:
            return alone[0]
    return None


def balanced(lines: Sequence[Line], balancing: int) -> tuple[Line, ...]:
    """The lines, with the balancing one as the difference of the others, in both currencies."""
    taking = lines[balancing]
    amounts: dict[str, Value] = {}
    for name in (AMOUNT, HOME):
        if name in taking:
            others = [line for at, line in enumerate(lines) if at != balancing]
            opposite = [line for line in others if line["type"] != taking["type"]]
            same = [line for line in others if line["type"] == taking["type"]]
            amounts[name] = difference(_sum(opposite, name), _sum(same, name))
    changed: Line = {**taking, **amounts}
    return (*lines[:balancing], changed, *lines[balancing + 1 :])


def _sum(lines: Iterable[Line], name: str) -> Decimal:
    return total(decimal_of(line[name]) for line in lines if name in line)


def decimal_of(value: Value) -> Decimal:
    """An amount of a line."""
    # An inexact amount would silently be missing in the sums (I-53).
    assert isinstance(value, Decimal)
    return value
