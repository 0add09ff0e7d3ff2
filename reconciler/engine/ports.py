"""What the engine acts through: narrow views of a ledger and of a daybook."""

import time
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import field
from datetime import datetime
from threading import Event
from typing import Protocol

from reconciler.core.model.history import Recorded
from reconciler.core.model.json_text import Texts
from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.resource import Address, Live, Value
from reconciler.core.model.tenant import AccountingCode, AccountingPeriod
from reconciler.daybook import CallOutcome, CallRecord, Intent
from reconciler.values import dataclass


class LedgerReader(Protocol):
    """Reads a ledger. None of its methods can change anything."""

    def read(self, kind: Kind, number: str) -> Live | None: ...
    def accounting_codes(self) -> tuple[AccountingCode, ...]: ...
    def accounting_periods(self) -> tuple[AccountingPeriod, ...]: ...


class Searchable(Protocol):
    """Searches a ledger. A query changes nothing."""

    def query(self, statement: str) -> tuple[Mapping[str, Value], ...]: ...


class Stamped(Protocol):
    """Tells what moved in a ledger."""

    def query_texts(self, statement: str, columns: tuple[str, ...]) -> tuple[Texts, ...]: ...
    def server_time(self) -> datetime | None: ...


class SearchedLedger(Searchable, Protocol):
    """A ledger that is searched, and whose entries are read."""

    def read(self, kind: Kind, number: str) -> Live | None: ...


class LedgerWriter(Protocol):
    """Writes to a ledger.

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


class LedgerClock(Protocol):
    """A ledger that knows its time after any answer, such as its periods."""

    def server_time(self) -> datetime | None: ...
    def accounting_periods(self) -> tuple[AccountingPeriod, ...]: ...


class PostingLedger(LedgerWriter, SearchedLedger, LedgerClock, Protocol):
    """A ledger that is also searched for what another apply posted, and asked for its periods."""


class CallLog(Protocol):
    """Writes intents and outcomes to a daybook."""

    def record_intent(self, intent: Intent) -> Intent: ...
    def record_outcome(self, intent: Intent, outcome: CallOutcome) -> None: ...


class SettlingDaybook(CallLog, Protocol):
    """A daybook that also lists its open calls."""

    def unsettled(self) -> tuple[Intent, ...]: ...
    def recorded(self) -> Mapping[Address, Recorded]: ...
    def last_number(self, kind: str, *, before: Intent | None = None) -> str | None: ...


class CallRecords(Protocol):
    """A daybook that returns one of its calls."""

    @property
    def lineage(self) -> str: ...
    def tried(self, seq: int) -> CallRecord | None: ...


class SpillableDaybook(CallRecords, SettlingDaybook, Protocol):
    """A daybook that takes outcomes and returns one of its calls."""


class DatedCalls(Protocol):
    """A daybook that tells when it recorded the last call on a number."""

    def last_calls(self, numbers: Collection[str]) -> Mapping[str, datetime]: ...


class CompletenessLog(Protocol):
    """A daybook that can be marked as complete, and as incomplete."""

    @property
    def new(self) -> bool: ...
    def recorded(self) -> Mapping[Address, Recorded]: ...
    def mark_complete(self) -> None: ...
    def mark_incomplete(self) -> None: ...


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
