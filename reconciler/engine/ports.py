"""What the engine acts through: narrow views of a ledger and of a daybook."""

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import datetime
from threading import Event
from typing import Protocol

from reconciler.core.model.history import Recorded
from reconciler.core.model.json_text import Texts
from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.resource import Address, Live, Value
from reconciler.core.model.tenant import AccountingCode, AccountingPeriod
from reconciler.daybook import CallOutcome, Intent
from reconciler.values import dataclass


class LedgerReader(Protocol):
    """Reads and searches a ledger. None of its methods can change anything."""

    def read(self, kind: Kind, number: str) -> Live | None: ...
    def query(self, statement: str) -> tuple[Mapping[str, Value], ...]: ...
    def query_texts(self, statement: str, columns: tuple[str, ...]) -> tuple[Texts, ...]: ...
    def accounting_codes(self) -> tuple[AccountingCode, ...]: ...
    def accounting_periods(self) -> tuple[AccountingPeriod, ...]: ...
    def server_time(self) -> datetime | None: ...


class PostingLedger(LedgerReader, Protocol):
    """Writes to a ledger too.

    `read_status` reads a journal run without its entries. `sent_before` says that an earlier run
    may have sent the same create. Then only the ledger's own answer under its key is a refusal.
    """

    def read_status(self, kind: Kind, number: str) -> Live | None: ...
    def create(
        self, kind: Kind, body: bytes, *, key: str, track_id: str = "", sent_before: bool = False
    ) -> str: ...
    def update(self, kind: Kind, number: str, body: bytes, *, track_id: str = "") -> None: ...
    def cancel(self, kind: Kind, number: str, *, track_id: str = "") -> None: ...
    def delete(self, kind: Kind, number: str, *, track_id: str = "") -> None: ...


class CallLog(Protocol):
    """Writes intents and outcomes to a daybook."""

    def record_intent(self, intent: Intent) -> Intent: ...
    def record_outcome(self, intent: Intent, outcome: CallOutcome) -> None: ...


class SettlingDaybook(CallLog, Protocol):
    """A daybook that also lists its open calls."""

    def unsettled(self) -> tuple[Intent, ...]: ...
    def recorded(self) -> Mapping[Address, Recorded]: ...
    def last_number(self, kind: str, *, before: Intent | None = None) -> str | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PollingPolicy:
    """How to wait for what the ledger shows or does after a call. All times are in seconds.

    The pause between two reads grows from `shortest` to `longest`. `grace` is how long a ledger
    that acknowledged a call on a run may show no progress. `late_reads` is how many more reads may
    show an entry as it was before an acknowledged call: by default, for six seconds. `tell` is
    called with each new status.
    """

    longest_wait: float = 1800
    grace: float = 30
    late_reads: int = 7
    shortest: float = 0.05
    longest: float = 10
    clock: Callable[[], float] = time.monotonic
    tell: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """What `apply` acts through. Setting `stop` ends the run after the calls in flight.

    `why_stopped` says what ended the run. `manages_close` says whether the credentials may post in
    a period that is PendingClose, None if nobody says.
    """

    ledger: PostingLedger
    daybook: CallLog
    stop: Event = field(default_factory=Event)
    why_stopped: Callable[[], str] = lambda: "the run was interrupted"
    polling: PollingPolicy = PollingPolicy()
    manages_close: bool | None = None
    new_track_id: Callable[[], str] = lambda: f"rec-{uuid.uuid4().hex}"
