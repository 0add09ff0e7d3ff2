"""Runs one call on many threads at once."""

import threading
from collections.abc import Callable

from reconciler.errors import ReconcilerError


def in_threads(count: int, call: Callable[[], object]) -> list[object]:
    """Runs a call on so many threads at once and returns how each ended, errors included."""
    endings: list[object] = []
    start = threading.Barrier(count)

    def ended() -> None:
        start.wait()
        try:
            endings.append(call())
        except ReconcilerError as error:
            endings.append(error)

    workers = [threading.Thread(target=ended) for _ in range(count)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return endings
