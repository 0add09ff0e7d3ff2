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
    """The text of a decimal with six places. Raises ArithmeticError if digits are lost.

    Each number has one text: zero has no sign.
    """
    exact = _EXACT.quantize(_EXACT.create_decimal(value), _UNIT)
    return format(exact if exact else abs(exact), "f")


def compare(first: Value, second: Value) -> int:
    """Negative, zero or positive, as the first is less, equal or greater."""
    return int(_EXACT.compare(Decimal(first), Decimal(second)))


def _null_safe(calculate: Callable[..., Value]) -> Callable[..., Value | None]:
    def called(*values: Value | None) -> Value | None:
        return None if None in values else calculate(*values)

    return called


def _add(first: Value, second: Value) -> str:
    return canonical(_EXACT.add(Decimal(first), Decimal(second)))


def _subtract(first: Value, second: Value) -> str:
    return canonical(_EXACT.subtract(Decimal(first), Decimal(second)))


def _multiply(first: Value, second: Value) -> str:
    return canonical(_EXACT.multiply(Decimal(first), Decimal(second)))


def _negate(value: Value) -> str:
    return canonical(_EXACT.minus(Decimal(value)))


def _absolute(value: Value) -> str:
    return canonical(_EXACT.abs(Decimal(value)))


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
    """The least or greatest of the values that are not null; null when there is none."""

    side = 0

    def __init__(self) -> None:
        self._found: Value | None = None

    def step(self, value: Value | None) -> None:
        if value is not None and (
            self._found is None or compare(value, self._found) * self.side > 0
        ):
            self._found = value

    def finalize(self) -> Any:
        return self._found


class _Least(_Extreme):
    side = -1


class _Greatest(_Extreme):
    side = 1


def _lower(value: object) -> str:
    return str(value).lower()


def _upper(value: object) -> str:
    return str(value).upper()


COLLATION = "decimal_order"
_SCALARS: dict[str, tuple[int, Callable[..., Value]]] = {
    "decimal_of": (1, canonical),
    "decimal_compare": (2, compare),
    "decimal_add": (2, _add),
    "decimal_subtract": (2, _subtract),
    "decimal_multiply": (2, _multiply),
    "decimal_negate": (1, _negate),
    "decimal_absolute": (1, _absolute),
    "lower": (1, _lower),  # SQLite's own know ASCII only
    "upper": (1, _upper),
}
_AGGREGATES: dict[str, Callable[[], _Sum | _Extreme]] = {
    "decimal_sum": _Sum,
    "decimal_min": _Least,
    "decimal_max": _Greatest,
}
NAMES = frozenset({*_SCALARS, *_AGGREGATES})


def register(connection: sqlite3.Connection) -> None:
    """Register the functions and the collation on a connection."""
    for name, (arity, calculate) in _SCALARS.items():
        connection.create_function(name, arity, _null_safe(calculate), deterministic=True)
    for name, aggregate in _AGGREGATES.items():
        connection.create_aggregate(name, 1, aggregate)
    connection.create_collation(COLLATION, compare)
