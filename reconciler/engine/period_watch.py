"""Reads the accounting periods again while a plan is applied: a period may be closed meanwhile."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import field, replace
from threading import Lock

from reconciler.core.model.tenant import Tenant
from reconciler.engine.ports import PostingLedger
from reconciler.errors import LedgerError
from reconciler.values import dataclass

LONGEST_AGE = 30.0
"""How old the copy of the periods may be at a write, in seconds."""


@dataclass(slots=True, kw_only=True)
class PeriodWatch:
    """The periods as the ledger lists them: one copy for all workers of a run."""

    ledger: PostingLedger
    clock: Callable[[], float]
    manages_close: bool | None = None
    _tenant: Tenant | None = field(default=None, init=False)
    _read_at: float = field(default=0, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    def tenant(self, *, refused: bool = False) -> Tenant:
        """The periods as they are now. Raises a LedgerError if they cannot be read.

        After the ledger `refused` a call they are read again, as far as that succeeds. Such a
        refusal in a period that is PendingClose shows what the credentials may not do.
        """
        with self._lock:
            now, known = self.clock(), self._tenant
            if known is None or refused or now - self._read_at >= LONGEST_AGE:
                with suppress(*((LedgerError,) if refused else ())):
                    # The age counts from before the read.
                    periods = self.ledger.accounting_periods()
                    known = Tenant(periods=periods, manages_close=self.manages_close)
                    self._tenant, self._read_at = known, now
        known = known or Tenant()
        return replace(known, manages_close=self.manages_close or False) if refused else known
