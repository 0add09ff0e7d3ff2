"""A machine that can die at any moment, with its disk: what unwinds after that changes nothing."""

import contextlib
import re
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import httpx

from reconciler.daybook import sqlite


class Crash(BaseException):
    """The process ends here, as at a kill."""


@dataclass
class Machine:
    """What one run of the tool is on. Once it crashed, every way out of it is closed."""

    dead: bool = False

    def crash(self) -> None:
        self.dead = True
        raise Crash

    def require_alive(self) -> None:
        if self.dead:
            raise Crash


DiskFault = Callable[[Callable[[], None]], None]
"""What becomes of a commit: it is given the commit itself, to be done or not."""


@dataclass
class Disk:
    """The disk under the databases whose file has a certain name: each commit may meet a fault.

    `choose` is told what sort of event a transaction wrote last, and answers with a fault or None.
    """

    machine: Machine
    name: str
    choose: Callable[[str], DiskFault | None] = field(default=lambda wrote: None)

    @contextlib.contextmanager
    def under(self) -> Iterator[None]:
        """While the block runs, databases of that name are opened on this disk."""
        disk, connect = self, sqlite.connect_to_write

        class Connection(_Connection):
            _disk = disk

        def connect_here(path: Path) -> sqlite3.Connection:
            if path.name != self.name:
                return connect(path)
            return sqlite3.connect(path, check_same_thread=False, factory=Connection)

        with mock.patch.object(sqlite, "connect_to_write", connect_here):
            yield


class _Connection(sqlite3.Connection):
    _disk: Disk
    _wrote = ""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.set_trace_callback(self._note)

    def _note(self, statement: str) -> None:
        if statement.startswith("INSERT INTO events"):
            # The sort is the first of the values that is a plain word.
            found = re.search(r", '([a-z-]+)', '", statement)
            self._wrote = found[1] if found else ""

    def commit(self) -> None:
        wrote, self._wrote = self._wrote, ""
        self._disk.machine.require_alive()
        fault = self._disk.choose(wrote) if wrote else None
        if fault is None:
            super().commit()
        else:
            fault(super().commit)


def full(commit: Callable[[], None]) -> None:
    """F4: there is no room, and nothing was written."""
    raise sqlite3.OperationalError("database or disk is full")


def unsure(commit: Callable[[], None]) -> None:
    """F4: it was written, and the sync that says so failed."""
    commit()
    raise sqlite3.OperationalError("disk I/O error")


class Wire(httpx.BaseTransport):
    """The wire of a machine: a dead one sends nothing."""

    def __init__(self, inner: httpx.BaseTransport, machine: Machine) -> None:
        self._inner = inner
        self._machine = machine

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._machine.require_alive()
        return self._inner.handle_request(request)

    def close(self) -> None:
        self._inner.close()
