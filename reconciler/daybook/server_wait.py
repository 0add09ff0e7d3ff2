"""Waits for the server of a daybook, and gives it up by the client's own clock."""

import selectors
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg

SILENCE = 30.0
"""Seconds without any byte after which a server is given up: longer than its own limits."""

CONNECTING = 9.0
"""Seconds within which a server must accept a connection."""

LONGEST = 300.0
"""Seconds that one exchange may take, whatever the server sends meanwhile."""

HURRY = 3.0
"""Seconds that an exchange may still take once the run is to end."""

_TURN = 0.1

# No descriptor more for each wait; Windows has only the second. What the generators of psycopg ask
# for and are sent has the numbers of `selectors`.
_Selector = getattr(selectors, "PollSelector", selectors.SelectSelector)


class ServerGivenUp(psycopg.OperationalError):
    """The server did not answer in time."""


class TimeLimits:
    """How long a daybook waits for its server. `hurry` says that the run is to end.

    A server that was given up in a hurry is not connected to again.
    """

    def __init__(
        self, hurry: threading.Event | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.hurry = hurry or threading.Event()
        self.clock = clock
        self.over = False
        """Whether a server was given up in a hurry."""

    def connect(self, open_connection: Callable[[], "WatchedConnection"]) -> "WatchedConnection":
        """Open a connection. Looking up a name cannot be interrupted, so a thread does it."""
        if self.over:
            raise ServerGivenUp("the server was given up because the run is to end")
        opened: list[WatchedConnection] = []
        failed: list[BaseException] = []
        abandoned = threading.Event()

        def work() -> None:
            try:
                connection = open_connection()
            except BaseException as error:  # noqa: BLE001 - raised by whoever waits
                failed.append(error)
                return
            opened.append(connection)
            if abandoned.is_set():
                connection.close()

        thread = threading.Thread(target=work, name="daybook connection", daemon=True)
        exchange = self.exchange(silence=min(CONNECTING, SILENCE))
        thread.start()
        try:
            while thread.is_alive():
                thread.join(_TURN)
                exchange.check()
        except BaseException:
            abandoned.set()
            raise
        if failed:
            raise failed[0]
        opened[0].limits = self
        return opened[0]

    def exchange(self, *, silence: float = 0) -> "_Exchange":
        return _Exchange(self, silence=silence or SILENCE)


class _Exchange:
    """One exchange with the server: since when, and when it was last heard."""

    def __init__(self, limits: TimeLimits, *, silence: float) -> None:
        self._limits, self._silence = limits, silence
        self._began = self._heard = limits.clock()
        self._hurried: float | None = None

    def heard(self) -> None:
        self._heard = self._limits.clock()

    def check(self) -> None:
        """Raises ServerGivenUp."""
        now = self._limits.clock()
        if self._hurried is None and self._limits.hurry.is_set():
            self._hurried = now
        if self._hurried is not None and now - self._hurried >= HURRY:
            self._limits.over = True
            raise ServerGivenUp(
                f"the server did not answer within {HURRY:.0f} s, and the run is to end"
            )
        if now - self._heard >= self._silence:
            raise ServerGivenUp(f"the server has been silent for {self._silence:.0f} s")
        if now - self._began >= LONGEST:
            raise ServerGivenUp(f"the server took longer than {LONGEST:.0f} s")


class WatchedConnection(psycopg.Connection[Any]):
    """A connection that closes when its server is given up, or the wait is interrupted."""

    limits = TimeLimits()

    def wait(self, gen: Any, interval: float = _TURN, timeout: float | None = None) -> Any:
        """Run a generator of psycopg until it ends."""
        exchange, socket = self.limits.exchange(), self.pgconn.socket
        try:
            wanted = next(gen)
            while True:
                with _Selector() as selector:
                    selector.register(socket, wanted)
                    # A closed connection is ready for what is wanted, which then tells.
                    ready = sum(happened for _, happened in selector.select(_TURN))
                if ready:
                    exchange.heard()
                exchange.check()
                if ready:
                    wanted = gen.send(ready)
        except StopIteration as ended:
            return ended.value
        except BaseException as error:
            if isinstance(error, ServerGivenUp) or not isinstance(error, psycopg.Error):
                # Never ask a silent server to cancel: the next reader sees what it did.
                self.pgconn.finish()
            raise
