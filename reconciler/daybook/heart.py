"""Renews a lease in the background, for as long as its process lives and works."""

import threading

from reconciler.daybook.lease import Lease, renew
from reconciler.daybook.store import Store, writing
from reconciler.errors import DaybookError

BEATS = 4
"""How often a lease is renewed in the time that it lasts."""


class Heart:
    """Beats until it is stopped, or the lease is another's. What fails is tried again.

    It decides nothing: whether this process may still write is asked with every write.
    """

    def __init__(self, store: Store, lease: Lease, *, lasts: int) -> None:
        self._store = store
        self._lease = lease
        self._lasts = lasts
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="daybook lease", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Beat no more; returns when nothing is under way."""
        self._stopped.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._stopped.wait(self._lasts / BEATS):
            try:
                with writing(self._store) as connection:
                    now = self._store.now(connection)
                    kept = renew(connection, self._lease, now=now, lasts=self._lasts)
            except DaybookError:
                continue
            if not kept:
                return
