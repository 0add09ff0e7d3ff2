"""Opens a daybook: finds its place, checks its format, and takes the lease to write."""

import os
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

from reconciler.daybook.daybook import Daybook
from reconciler.daybook.events import FORMAT, Created, EventType
from reconciler.daybook.lease import (
    HeldByAnother,
    Holder,
    Lease,
    break_lease,
    lease_in,
    take_lease,
    this_process,
    unexpired_lease,
)
from reconciler.daybook.state import DaybookState
from reconciler.daybook.store import Store
from reconciler.daybook.tables import fill, meta_of
from reconciler.daybook.transaction import Transaction
from reconciler.errors import DaybookError

_TURN = 0.5
"""Seconds between two attempts, while another process holds the daybook."""

_STUCK = (
    "If a process hangs in the middle of a write, end it with `kill -9`. Then nothing has to be "
    "unlocked."
)


def _now() -> datetime:
    return datetime.now(UTC)


def open_daybook(  # noqa: PLR0913 - keywords, each with its usual value
    place: Path | str,
    *,
    write: bool,
    workspace: str = "",
    holder: Holder | None = None,
    lock_timeout: float = 0,
    pause: Callable[[float], None] = time.sleep,
    clock: Callable[[], datetime] = _now,
    hurry: Event | None = None,
) -> Daybook:
    """Open a workspace's daybook: in a file, or on PostgreSQL by a URL.

    For reading, a daybook that does not exist yet is empty, and nothing is created. For writing,
    it is created if there is none, and held against other writers until `close`. If another
    process holds it, the call waits for at most `lock_timeout` seconds. Once `hurry` is set, a
    server that does not answer is given up soon. Raises DaybookError when
    the daybook cannot be used, when it has another format, or when any check of it fails.
    """
    store = _store(place, write=write, workspace=workspace, clock=clock, hurry=hurry)
    state = DaybookState()
    try:
        with store.readable():
            if write:
                lease = _wait(
                    lambda: _take(store, state, holder or this_process(), workspace, clock),
                    lock_timeout=lock_timeout,
                    pause=pause,
                )
                return Daybook(store, state, clock=clock, lease=lease)
            follows = store.exists()
            if follows:
                _require_format(store)
                with store.reading() as transaction:
                    state.catch_up(transaction)
            _require_workspace(state.workspace if state.serial else "", workspace, store.place)
            return Daybook(store, state, clock=clock, follows=follows)
    except BaseException:
        store.close()
        raise


def no_daybook() -> Daybook:
    """An empty daybook without a place, for a plan where no daybook can be read."""
    store = _store(Path(os.devnull), write=False, workspace="", clock=_now)
    return Daybook(store, DaybookState(), clock=_now, follows=False)


def unlock(
    place: Path | str, lease: str, *, workspace: str = "", holder: Holder | None = None
) -> Lease:
    """Break the current lease, which has this id, and return it. Raises DaybookError."""
    store = _store(place, write=True, workspace=workspace, clock=_now)
    try:
        with store.readable():
            if not store.exists():
                raise DaybookError("nobody holds the daybook under a lease", remedy=_STUCK)
            _require_format(store)
            with store.writing() as transaction:
                by = holder or this_process(command="unlock")
                now = store.now(transaction)
                broken = break_lease(transaction, DaybookState(), lease, by=by, now=now)
                # Before the commit: should it fail, the fence still keeps two writers apart.
                store.replace_lock()
            return broken
    finally:
        store.close()


def _store(
    place: Path | str,
    *,
    write: bool,
    workspace: str,
    clock: Callable[[], datetime],
    hurry: Event | None = None,
) -> Store:
    if isinstance(place, str) and "://" in place:
        from reconciler.daybook.postgresql import PostgresStore  # noqa: PLC0415 - few need it

        return PostgresStore(place, workspace, hurry=hurry)
    from reconciler.daybook.sqlite import SqliteStore  # noqa: PLC0415 - as above

    return SqliteStore(Path(place), write=write, clock=clock)


def _wait(
    attempt: Callable[[], Lease], *, lock_timeout: float, pause: Callable[[float], None]
) -> Lease:
    """Attempt until nobody else holds the daybook, or the time is up."""
    deadline = time.monotonic() + lock_timeout
    while True:
        try:
            return attempt()
        except HeldByAnother:
            left = deadline - time.monotonic()
            if left <= 0:
                raise
            pause(min(left, _TURN))


def _take(
    store: Store, state: DaybookState, holder: Holder, workspace: str, clock: Callable[[], datetime]
) -> Lease:
    """Create the daybook if there is none, and take the lease. Raises HeldByAnother."""
    try:
        store.lock()
    except BlockingIOError:
        raise HeldByAnother(store.place, _held(store)) from None
    if not store.exists():
        store.create(lambda transaction: _begin(transaction, workspace, clock()))
    _require_format(store)
    with store.writing() as transaction:
        now = store.now(transaction)
        if store.lease_seconds is not None:
            other = unexpired_lease(transaction, now)
            if other is not None:
                raise HeldByAnother(store.place, other)
        lease = take_lease(transaction, state, holder, now=now, seconds=store.lease_seconds)
        _require_workspace(state.workspace if state.serial else "", workspace, store.place)
        return lease


def _held(store: Store) -> Lease | None:
    """Who holds a locked daybook; None while it is being created."""
    if not store.exists():
        return None
    _require_format(store)
    with store.reading() as transaction:
        return lease_in(transaction)


def _begin(transaction: Transaction, workspace: str, at: datetime) -> None:
    lineage = str(uuid.uuid4())
    content = Created(lineage=lineage, workspace=workspace)
    (event,) = DaybookState().next_events([(EventType.CREATED, content)], at=at.isoformat())
    fill(transaction, lineage=lineage, first=event)


def _require_format(store: Store) -> None:
    with store.reading() as transaction:
        stated = meta_of(transaction)
    version = stated.get("format", "")
    if version == FORMAT:
        return
    if version in _EARLIER:
        remedy = "Use the version of reconciler that wrote it. Keep the file: it is your record."
    elif writer := stated.get("written_with"):
        remedy = f"Use reconciler {writer}, which wrote it, or a newer version."
    else:
        remedy = "Use the version of reconciler that wrote it, or a newer one."
    raise DaybookError(
        f"the daybook {store.place} has format {version}; this version reads format {FORMAT} only",
        remedy=remedy,
    )


_EARLIER = frozenset({"1", "2"})
"""Formats that no release has written."""


def _require_workspace(owner: str, workspace: str, place: str) -> None:
    # A daybook without any call has no owner yet.
    if owner and workspace and owner != workspace:
        raise DaybookError(
            f"the daybook {place} belongs to the workspace {owner}, not to {workspace}",
            remedy=f"Restore `metadata.name: {owner}` in reconciler.yaml, or restore `daybook` if "
            "it named another place. A workspace keeps its name: every entry is marked with it.",
        )
