"""What the daybook remembers of an address: a fold over everything that was tried."""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.core.model.resource import Address, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The state of one address after all recorded outcomes.

    `number` is the live entry's, None when none is known to exist. `spec` is what was last
    applied to it. `leftovers` are numbers of cancelled predecessors that were not deleted.
    `incarnation` counts finished creates, `attempt` the definite failures since; both are part of
    the next create's key; an adoption counts as a create. `cancelled` says that our own cancel of
    `number` succeeded. `unsettled` says that a create was sent whose outcome is not known.
    `adopted` is the number that it was adopted under, whatever it has now.
    `from_run` says that the entry was adopted from a journal run, so that it is never created,
    cancelled or replaced. `retired` are numbers that stay in the ledger with this address's marker
    and that nobody speaks of: they were forgotten, or left to their journal run.
    """

    address: Address
    number: str | None = None
    spec: Mapping[str, Value] | None = None
    protect: bool = False
    cancelled: bool = False
    leftovers: tuple[str, ...] = ()
    incarnation: int = 0
    attempt: int = 0
    unsettled: bool = False
    from_run: bool = False
    adopted: str | None = None
    retired: tuple[str, ...] = ()
