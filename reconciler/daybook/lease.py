"""The lease: who may write to a daybook, since when, until when, under which fence."""

import getpass
import os
import socket
import threading
import uuid
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta

import msgspec

from reconciler.daybook.events import Damaged, EventType, LeaseBroken, LeaseTaken
from reconciler.daybook.state import DaybookState
from reconciler.daybook.store import Store
from reconciler.daybook.tables import Head, head_of
from reconciler.daybook.transaction import Transaction
from reconciler.errors import DaybookError
from reconciler.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The process that holds a lease, as messages show it."""

    user: str
    host: str
    pid: int
    command: str = "apply"
    run: str = ""
    """The URL of the CI run; empty outside of CI."""

    def __str__(self) -> str:
        run = f", {self.run}" if self.run else ""
        return f"{self.user}@{self.host}, process {self.pid}{run}"

    @property
    def is_gone(self) -> bool:
        """Whether its process certainly ended: it ran on this host, and no longer exists."""
        # On Windows, the call below would end the process or interrupt this one.
        if self.host != socket.gethostname() or not hasattr(os, "getuid"):
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:
            return False
        return False


def this_process(environment: Mapping[str, str] = os.environ, *, command: str = "apply") -> Holder:
    """This process as a holder; in CI with the URL of its run."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):
        user = str(os.getuid()) if hasattr(os, "getuid") else "unknown"
    run = environment.get("CI_JOB_URL", "")
    if environment.get("GITHUB_RUN_ID"):
        server = environment.get("GITHUB_SERVER_URL", "https://github.com")
        repository = environment.get("GITHUB_REPOSITORY", "")
        run = f"{server}/{repository}/actions/runs/{environment['GITHUB_RUN_ID']}"
    host = socket.gethostname()
    return Holder(user=user, host=host, pid=os.getpid(), command=command, run=run)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A lease as the daybook stores it. Without `until` it lasts as long as its process."""

    id: str
    fence: int
    holder: Holder
    since: str
    until: str | None = None

    def __str__(self) -> str:
        until = f", until {self.until} unless it is renewed" if self.until else ""
        return f"{self.holder}, since {self.since}{until}, lease {self.id}"


class HeldByAnother(DaybookError):
    """Another process may write, and this one may not. `lease` is None when it does not say."""

    def __init__(self, place: str, lease: Lease | None) -> None:
        command = lease.holder.command if lease else "apply"
        who = f": {lease}" if lease else ""
        unlock = (
            f" If it is stuck, or gone for good: `reconciler daybook unlock {lease.id}`."
            if lease
            else ""
        )
        super().__init__(
            f"another {command} is writing to the daybook {place}{who}",
            remedy="Wait until it has ended and run the command again, or let it wait with "
            f"--lock-timeout.{unlock}",
        )
        self.lease = lease


def lease_in(transaction: Transaction) -> Lease | None:
    """The current lease of a daybook. Raises Damaged."""
    return _lease(head_of(transaction))


def take_lease(
    transaction: Transaction,
    state: DaybookState,
    holder: Holder,
    *,
    now: datetime,
    seconds: int | None,
) -> Lease:
    """Take the lease and raise the fence, after all events of others were read."""
    state.catch_up(transaction)
    before = head_of(transaction)
    lease = Lease(
        id=str(uuid.uuid4()),
        fence=before.fence + 1,
        holder=holder,
        since=now.isoformat(timespec="seconds"),
        until=None if seconds is None else _end(now, seconds),
    )
    content = LeaseTaken(
        id=lease.id, fence=lease.fence, holder=asdict(holder), instead_of=before.lease or ""
    )
    state.append(transaction, EventType.LEASE_TAKEN, content, at=now.isoformat())
    text = msgspec.json.encode(asdict(holder)).decode()
    transaction.change(
        "UPDATE head SET fence = ?, lease = ?, holder = ?, since = ?, until = ?",
        *(lease.fence, lease.id, text, lease.since, lease.until),
    )
    return lease


def unexpired_lease(transaction: Transaction, now: datetime) -> Lease | None:
    """A lease that has not expired; its row is locked until the transaction ends."""
    lease = _lease(head_of(transaction, lock=True))
    if lease is None or lease.until is None or datetime.fromisoformat(lease.until) <= now:
        return None
    return lease


def release_lease(transaction: Transaction, lease: Lease) -> None:
    transaction.change(
        "UPDATE head SET lease = NULL, holder = NULL, since = NULL, until = NULL "
        "WHERE fence = ? AND lease = ?",
        *(lease.fence, lease.id),
    )


def break_lease(
    transaction: Transaction, state: DaybookState, asked: str, *, by: Holder, now: datetime
) -> Lease:
    """End the lease with this id; its holder can write nothing more. Raises DaybookError."""
    lease = _lease(head_of(transaction, lock=True))
    if lease is None:
        raise DaybookError(
            "nobody holds the daybook, so there is nothing to unlock",
            remedy="Run the command that was refused again.",
        )
    if lease.id != asked:
        raise DaybookError(
            f"{asked} is not the current lease of the daybook; that is {lease}",
            remedy="Check that its holder has ended or hangs, then give the id of that lease.",
        )
    state.catch_up(transaction)
    fence = lease.fence + 1
    content = LeaseBroken(id=lease.id, fence=fence, holder=asdict(lease.holder), by=asdict(by))
    state.append(transaction, EventType.LEASE_BROKEN, content, at=now.isoformat())
    transaction.change(
        "UPDATE head SET lease = NULL, holder = NULL, since = NULL, until = NULL, fence = ?", fence
    )
    return lease


def _end(now: datetime, seconds: int) -> str:
    return (now + timedelta(seconds=seconds)).isoformat(timespec="seconds")


def _lease(row: Head) -> Lease | None:
    if row.lease is None:
        return None
    try:
        holder = Holder(**msgspec.json.decode(row.holder or "{}"))
    except (msgspec.MsgspecError, TypeError) as error:
        raise Damaged("the holder of its lease cannot be read") from error
    since = row.since or ""
    return Lease(id=row.lease, fence=row.fence, holder=holder, since=since, until=row.until)


_RENEW = "UPDATE head SET until = ? WHERE fence = ? AND lease = ?"

RENEWALS_PER_TERM = 4
"""The number of renewals within the duration of a lease."""


class LeaseRenewer:
    """Renews the lease until stopped or lost. Every write still checks whether it may write."""

    def __init__(self, store: Store, lease: Lease, *, seconds: int) -> None:
        self._store = store
        self._lease = lease
        self._seconds = seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="daybook lease", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop; returns when no renewal is in progress."""
        self._stopped.set()
        self._thread.join()

    def _renew(self) -> None:
        while not self._stopped.wait(self._seconds / RENEWALS_PER_TERM):
            try:
                with self._store.writing() as transaction:
                    until = _end(self._store.now(transaction), self._seconds)
                    same = self._lease.fence, self._lease.id
                    kept = transaction.change(_RENEW, until, *same)
            except DaybookError:
                continue
            if not kept:
                return
