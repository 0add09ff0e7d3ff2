"""The two sides of entries: exact sums of debits and of credits."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from ..journals.amounts import total


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """A sum of debits, a sum of credits, and their difference."""

    debit: Decimal
    credit: Decimal

    @classmethod
    def of(cls, amounts: Iterable[tuple[str, Decimal]]) -> Self:
        """The sums of amounts, each after the name of its side."""
        every = list(amounts)
        debit, credit = (
            total(amount for side, amount in every if side == wanted)
            for wanted in ("Debit", "Credit")
        )
        return cls(debit=debit, credit=credit)

    @classmethod
    def together(cls, sides: Iterable[Self]) -> Self:
        every = list(sides)
        return cls(
            debit=total(each.debit for each in every), credit=total(each.credit for each in every)
        )

    @property
    def net(self) -> Decimal:
        """The difference, never negative; `side` is its side."""
        return abs(total((self.debit, self.credit.copy_negate())))

    @property
    def side(self) -> str:
        return "" if self.debit == self.credit else "Dr" if self.debit > self.credit else "Cr"
