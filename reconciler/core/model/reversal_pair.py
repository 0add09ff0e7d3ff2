"""An entry with the one that reverses it, and what the two leave on each accounting code."""

from decimal import Decimal

from reconciler.core.model.money import difference
from reconciler.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversalNet:
    """Debits less credits on one code, of an original and of its reversal."""

    code: str
    currency: str
    dimensions: tuple[str, ...] = ()
    """Segments, the organization and custom fields of lines, as `name value`."""
    original: Decimal
    reversal: Decimal

    @property
    def left(self) -> Decimal:
        """What the two leave; zero unless a reversal that is not posted is blocked."""
        return difference(self.original, self.reversal.copy_negate())


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversalPair:
    """An original and its reversal, with their periods. A number is empty until it is posted.

    `original` is its number where no file declares it. Without `nets` the original is not known.
    """

    original: str
    number: str
    period: str
    reversed_by: str
    reversal_number: str
    reversal_period: str
    nets: tuple[ReversalNet, ...] = ()
