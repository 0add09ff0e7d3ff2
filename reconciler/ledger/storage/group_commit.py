"""Writers of one process: one at a time, and those who come meanwhile share a commit.

A commit waits for the disk, which takes longer than the work before it. So whoever is done while
others wait for their turn leaves the transaction open, and the next one works in it, behind a
savepoint. Whoever is done with nobody waiting commits for all. Nobody leaves, with a result or with
an error, before everything it may have seen is on disk; when the commit fails, it fails for all.
A group never has more members than there are threads: each waits for the commit before it can
write again.

Who waits for a turn has LOCK_WAIT seconds in all: what is left of them when the turn comes is what
the transaction may wait for other processes. So a lock that another process keeps holds everybody
up at the same time, and not one after the other.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, Engine

from . import backend
from .transaction import Transaction, transaction


class SharedCommitFailed(Exception):
    """The commit that this work shared with others' did not succeed."""


class WriteTurnTimeout(Exception):
    """Others worked, or waited for other processes, for all of LOCK_WAIT."""


class GroupCommit:
    """The turns of the writers of one database in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turn = threading.Condition(self._lock)  # waited for by those who want to work
        self._end = threading.Condition(self._lock)  # waited for by those who want the commit
        self._busy = False
        self._waiting = 0
        self._group: _Group | None = None  # touched only by whoever has the turn

    @contextmanager
    def shared(self, engine: Engine) -> Iterator[Connection]:
        """A turn in a transaction that others may share, on disk when the block is left."""
        wait = self._take_turn()
        with self._member(engine, wait) as connection:
            yield connection

    @contextmanager
    def exclusive(self, engine: Engine, *, unless_open: bool = False) -> Iterator[Connection]:
        """A turn in a transaction of one's own.

        What others have left open is committed first; with `unless_open` it is joined instead.
        """
        wait = self._take_turn()
        if unless_open and self._group is not None:
            with self._member(engine, wait) as connection:
                yield connection
            return
        try:
            if self._group is not None:
                with suppress(Exception):  # its members are told
                    self._conclude(self._group)
            with transaction(engine, wait=wait) as connection:
                yield connection
        finally:
            self._leave_turn()

    @contextmanager
    def _member(self, engine: Engine, wait: float) -> Iterator[Connection]:
        """Work in the open transaction, or begin one. Comes with the turn, leaves without it."""
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
        """Return when the transaction is over. Raises when its commit failed, here or elsewhere."""
        if group.members == 0 or self._is_last(group):
            try:
                self._conclude(group)
            finally:
                self._leave_turn()
        elif group.failure is not None:
            raise SharedCommitFailed from group.failure

    def _is_last(self, group: "_Group") -> bool:
        """Leave the turn, and wait. True, with the turn again, when this one has to commit."""
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
        """Commit, or undo what the first member of a group could not finish."""
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
        """Wait for the turn; answers what is left of LOCK_WAIT then. Raises WriteTurnTimeout."""
        deadline = time.monotonic() + backend.LOCK_WAIT
        with self._lock:
            self._waiting += 1
            try:
                self._await_turn(deadline)
            except BaseException:
                self._waiting -= 1
                self._wake()  # the one that leaves may have been the one that was woken
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
    """One transaction, and who works in it. Raises when it cannot be begun."""

    def __init__(self, engine: Engine, wait: float) -> None:
        self.transaction = Transaction(engine, wait=wait)
        self.members = 0
        self.over = False
        self.failure: BaseException | None = None

    @contextmanager
    def part(self) -> Iterator[Connection]:
        """The work of one member. What fails is undone; of the first one, by ending it all."""
        connection = self.transaction.connection
        if self.members == 0:
            yield connection
        else:
            with connection.begin_nested():
                yield connection
        self.members += 1
