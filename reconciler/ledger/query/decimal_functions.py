"""Exact arithmetic for SQLite: decimals as text with six places.

SQLite would calculate with floats. These functions take text or integers and return text. Equal
numbers have equal text.
"""

import sqlite3
from collections.abc import Callable
from decimal import ROUND_DOWN, Context, Decimal, Inexact, InvalidOperation
from typing import Any

PLACES = 6
"""Decimal places of every amount: the documented type is decimal(18,6) (API facts 6.1)."""
_UNIT = Decimal(1).scaleb(-PLACES)
_EXACT = Context(prec=60, rounding=ROUND_DOWN, traps=[Inexact, InvalidOperation])

Value = str | int


def canonical(value: Decimal | Value) -> str:
    """The one text of a decimal, with six places. Raises ArithmeticError if digits are lost."""
    exact = _EXACT.quantize(_EXACT.create_decimal(value), _UNIT)
    return format(exact if exact else abs(exact), "f")


def compare(first: Value, second: Value) -> int:
    """Negative, zero or positive, as the first is less, equal or greater."""
    return int(_EXACT.compare(Decimal(first), Decimal(second)))


def _null_safe(calculate: Callable[..., Value]) -> Callable[..., Value | None]:
    def called(*values: Value | None) -> Value | None:
        return None if None in values else calculate(*values)

    return called


def _exactly(calculate: Callable[..., Decimal]) -> Callable[..., str]:
    return lambda *values: canonical(calculate(*map(Decimal, values)))


class _Sum:
    """The sum of the values that are not null; null when there is none."""

    def __init__(self) -> None:
        self._total: Decimal | None = None

    def step(self, value: Value | None) -> None:
        if value is not None:
            self._total = _EXACT.add(self._total or Decimal(0), Decimal(value))

    def finalize(self) -> Any:
        return None if self._total is None else canonical(self._total)


class _Extreme:
    """The least (-1) or greatest (1) of the values that are not null; null when there is none."""

    def __init__(self, side: int) -> None:
        self._side = side
        self._found: Value | None = None

    def step(self, value: Value | None) -> None:
        if value is not None and (
            self._found is None or compare(value, self._found) * self._side > 0
        ):
            self._found = value

    def finalize(self) -> Any:
        return self._found


COLLATION = "decimal_order"
_SCALARS: dict[str, tuple[int, Callable[..., Value]]] = {
    "decimal_of": (1, canonical),
    "decimal_compare": (2, compare),
    "decimal_add": (2, _exactly(_EXACT.add)),
    "decimal_subtract": (2, _exactly(_EXACT.subtract)),
    "decimal_multiply": (2, _exactly(_EXACT.multiply)),
    "decimal_negate": (1, _exactly(_EXACT.minus)),
    "decimal_absolute": (1, _exactly(_EXACT.abs)),
    "lower": (1, lambda value: str(value).lower()),  # SQLite's own know ASCII only
    "upper": (1, lambda value: str(value).upper()),
}
_AGGREGATES: dict[str, Callable[[], _Sum | _Extreme]] = {
    "decimal_sum": _Sum,
    "decimal_min": lambda: _Extreme(-1),
    "decimal_max": lambda: _Extreme(1),
}
NAMES = frozenset({*_SCALARS, *_AGGREGATES})


def register(connection: sqlite3.Connection) -> None:
    for name, (arity, calculate) in _SCALARS.items():
        connection.create_function(name, arity, _null_safe(calculate), deterministic=True)
    for name, aggregate in _AGGREGATES.items():
        connection.create_aggregate(name, 1, aggregate)
    connection.create_collation(COLLATION, compare)
