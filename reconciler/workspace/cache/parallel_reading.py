"""Reads the YAML of many files in several processes."""

import os
import signal
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice
from multiprocessing import get_context

from reconciler.workspace.cache.known_files import KnownFile, known_from, row_of
from reconciler.workspace.files import FoundFile
from reconciler.workspace.loader import declaring

_AT_ONCE = 250
_MOST_PROCESSES = 8


def read_in_processes(files: Sequence[FoundFile]) -> Mapping[str, KnownFile]:
    """The files that only declare and have no problem, by path. The caller reads all others.

    It gives none where there is one processor, or where processes cannot be started.
    """
    workers = min(_processors(), _MOST_PROCESSES)
    if workers < 2:
        return {}
    rest = iter(files)
    parts = iter(lambda: tuple(islice(rest, _AT_ONCE)), ())
    try:
        # A new interpreter shares no thread and no connection, and exists on every platform.
        with ProcessPoolExecutor(
            workers, mp_context=get_context("spawn"), initializer=_ignore_interrupts
        ) as pool:
            rows = chain.from_iterable(pool.map(_rows, parts))
            return {path: known_from(row, digest, path) for path, digest, row in rows}
    except (BrokenProcessPool, ImportError, NotImplementedError, OSError):
        # Some containers have no semaphores, or too little memory for another process.
        return {}


def _rows(files: Sequence[FoundFile]) -> list[tuple[str, str, bytes]]:
    """Path, digest and row of each file that only declares."""
    read = ((file.path, declaring(file)) for file in files)
    return [(path, known.digest, row_of(known)) for path, known in read if known is not None]


def _ignore_interrupts() -> None:
    # A terminal interrupts every process of a command. The first one ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
