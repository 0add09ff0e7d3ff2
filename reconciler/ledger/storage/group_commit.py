"""Group commit: the writers of a process work one at a time and share commits.

A commit waits for the disk, which takes longer than the work before it. A writer that finishes
while others wait leaves the transaction open. The next one works in it, behind a savepoint. The
last one commits for all. No writer returns, with a result or an error, before the commit. If the
commit fails, it fails for all. A group has at most as many members as there are threads, because
each waits for the commit.

A writer waits LOCK_WAIT seconds in all. The transaction may wait for other processes for what is
left after the turn. So a lock of another process delays all writers at the same time, not one after
the other.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, Engine

from . import backend
from .transaction import Transaction, transaction


class SharedCommitFailed(Exception):
    """The shared commit failed."""


class WriteTurnTimeout(Exception):
    """No turn came within LOCK_WAIT."""


class GroupCommit:
    """The writers of one database in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turn = threading.Condition(self._lock)  # for writers that wait for the turn
        self._end = threading.Condition(self._lock)  # for members that wait for the commit
        self._busy = False
        self._waiting = 0
        self._group: _Group | None = None  # used only with the turn

    @contextmanager
    def shared(self, engine: Engine) -> Iterator[Connection]:
        """A turn in a transaction that others may share; it is on disk when the block ends."""
        wait = self._take_turn()
        with self._member(engine, wait) as connection:
            yield connection

    @contextmanager
    def exclusive(self, engine: Engine, *, unless_open: bool = False) -> Iterator[Connection]:
        """A turn in a transaction of its own; `unless_open` joins an open shared one."""
        wait = self._take_turn()
        if unless_open and self._group is not None:
            with self._member(engine, wait) as connection:
                yield connection
            return
        try:
            if self._group is not None:
                with suppress(Exception):  # its members get the failure
                    self._conclude(self._group)
            with transaction(engine, wait=wait) as connection:
                yield connection
        finally:
            self._leave_turn()

    @contextmanager
    def _member(self, engine: Engine, wait: float) -> Iterator[Connection]:
        """Work in the open transaction, or begin one. Needs the turn and releases it."""
        try:
            group = self._group = self._group or _Group(engine, wait)
        except BaseException:
            self._leave_turn()
            raise
        try:
            with group.part() as connection:
                yield connection
        finally:
            self._settle(group)

    def _settle(self, group: "_Group") -> None:
        """Return when the transaction has ended. Raises if its commit failed."""
        if group.members == 0 or self._is_last(group):
            try:
                self._conclude(group)
            finally:
                self._leave_turn()
        elif group.failure is not None:
            raise SharedCommitFailed from group.failure

    def _is_last(self, group: "_Group") -> bool:
        """Release the turn and wait. True, with the turn, if this member has to commit."""
        with self._lock:
            self._busy = False
            self._wake()
            while not group.over:
                if not self._busy and not self._waiting:
                    self._busy = True
                    return True
                self._end.wait()
        return False

    def _conclude(self, group: "_Group") -> None:
        """Commit, or roll back if the first member failed."""
        try:
            group.transaction.end(commit=group.members > 0)
        except BaseException as error:
            group.failure = error
            raise
        finally:
            self._group = None
            with self._lock:
                group.over = True
                self._end.notify_all()

    def _take_turn(self) -> float:
        """Wait for the turn; returns what is left of LOCK_WAIT. Raises WriteTurnTimeout."""
        deadline = time.monotonic() + backend.LOCK_WAIT
        with self._lock:
            self._waiting += 1
            try:
                self._await_turn(deadline)
            except BaseException:
                self._waiting -= 1
                self._wake()  # this thread may have been the one that was woken
                raise
            self._waiting -= 1
            self._busy = True
        return max(0.0, deadline - time.monotonic())

    def _await_turn(self, deadline: float) -> None:
        while self._busy:
            left = deadline - time.monotonic()
            if left <= 0:
                raise WriteTurnTimeout
            self._turn.wait(left)

    def _leave_turn(self) -> None:
        with self._lock:
            self._busy = False
            self._wake()

    def _wake(self) -> None:
        if self._waiting:
            self._turn.notify()
        else:
            self._end.notify_all()


class _Group:
    def __init__(self, engine: Engine, wait: float) -> None:
        self.transaction = Transaction(engine, wait=wait)
        self.members = 0
        self.over = False
        self.failure: BaseException | None = None

    @contextmanager
    def part(self) -> Iterator[Connection]:
        """One member's work. A failure rolls back to its savepoint, or all for the first one."""
        connection = self.transaction.connection
        if self.members == 0:
            yield connection
        else:
            with connection.begin_nested():
                yield connection
        self.members += 1
