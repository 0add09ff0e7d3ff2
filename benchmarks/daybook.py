"""What the daybook costs: its import, opening it, and durable writes alone or in groups.

    python benchmarks/daybook.py [--rounds 5] [--compared FOLDER]

Every row is measured in a process of its own, in turns, round by round. With `--compared`, a folder
that holds another version of the package, each row also has what that version takes. Processor time
is that of all threads, user and system. Writes go to a file, or with `--postgresql` to a server of
its own with fsync on.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

EVENTS = 1_000
"""Creates in the daybook that is opened: an intent and an outcome each."""

APPENDS = 400
WORKERS = (1, 4, 8, 40)


def main() -> None:
    """Measure each row in turns, and print the medians."""
    asked = _arguments()
    if asked.row:
        print(json.dumps(_ROWS[asked.row](asked.place)))
        return
    versions = {"this": str(ROOT), **({"other": asked.compared} if asked.compared else {})}
    taken: dict[tuple[str, str], list[dict[str, float]]] = {}
    with ExitStack() as stack:
        places = _places(stack, postgresql=asked.postgresql)
        for _ in range(asked.rounds):
            for row in _ROWS:
                for version, path in versions.items():
                    taken.setdefault((row, version), []).append(_measured(row, path, places()))
    print(f"{'row':<22}{'version':<9}{'CPU ms':>9}{'wall ms':>9}{'commits':>9}")
    for (row, version), samples in taken.items():
        cpu, wall, commits = (
            statistics.median(sample[name] for sample in samples)
            for name in ("cpu", "wall", "commits")
        )
        print(f"{row:<22}{version:<9}{cpu:>9.3f}{wall:>9.3f}{commits:>9.2f}")


def _places(stack: ExitStack, *, postgresql: bool) -> Callable[[], str]:
    """Where the next daybook may be: nothing is there yet."""
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    if not postgresql:
        return lambda: f"{tempfile.mkdtemp(dir=folder)}/daybook.db"
    import postgresql_server  # noqa: PLC0415 - it needs a driver that not everybody has

    server = stack.enter_context(postgresql_server.running(listens=True, durable=True))

    def place() -> str:
        name = f"daybook_{time.monotonic_ns()}"
        server.make(name)
        return server.url_of_daybook(name)

    return place


def _measured(row: str, path: str, place: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--row", row, "--place", place]
    environment = {**os.environ, "PYTHONPATH": path}
    ended = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    sample: dict[str, float] = json.loads(ended.stdout)
    return sample


def _timed(work: Callable[[], object], *, each: int = 1) -> dict[str, float]:
    """Milliseconds for each of so many pieces of work."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {"cpu": 1000 * cpu / each, "wall": 1000 * wall / each, "commits": 0}


def _import(place: str) -> dict[str, float]:
    def work() -> None:
        import reconciler.daybook.sqlite  # noqa: F401, PLC0415 - what is measured

    return _timed(work)


def _open(place: str) -> dict[str, float]:
    with _opened(place) as book:
        for number in range(EVENTS):
            _create(book, number)

    def work() -> None:
        with _opened(place, write=False) as book:
            assert book.serial == 2 * EVENTS

    return _timed(work)


def _compare(place: str) -> dict[str, float]:
    with _opened(place) as book:
        for number in range(EVENTS):
            _create(book, number)
    with _opened(place, write=False) as book:

        def work() -> None:
            specs = [recorded.spec for recorded in book.recorded().values()]
            # A plan compares what it keeps several times.
            assert all(spec == declared and declared == spec for spec in specs)

        declared = _spec()
        return _timed(work)


def _appends(workers: int) -> Callable[[str], dict[str, float]]:
    """Durable writes by so many threads at once: milliseconds and commits for each write."""

    def measure(place: str) -> dict[str, float]:
        with _opened(place) as book:
            _create(book, 0)
            commits = _counted(book)

            def write(first: int) -> None:
                for number in range(first, APPENDS, 2 * workers):
                    _create(book, number)

            def work() -> None:
                threads = [threading.Thread(target=write, args=[at]) for at in range(workers)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()

            before = book.serial
            taken = _timed(work)
            written = book.serial - before
        each = {name: value / written for name, value in taken.items()}
        return {**each, "commits": len(commits) / written}

    return measure


def _counted(book):  # type: ignore[no-untyped-def]
    """A list that grows with every transaction that writes."""
    store, begun = book._store, []  # noqa: SLF001 - commits are counted from outside
    writer = store.writer

    def counted():  # type: ignore[no-untyped-def]
        begun.append(1)
        return writer()

    store.writer = counted
    return begun


def _opened(place: str, *, write: bool = True):  # type: ignore[no-untyped-def]
    from contextlib import closing  # noqa: PLC0415 - nothing is loaded before the import is timed

    from reconciler.daybook import open_daybook  # noqa: PLC0415 - as above

    where = place if "://" in place else Path(place)
    return closing(open_daybook(where, write=write, workspace="books"))


def _create(book, number: int) -> None:  # type: ignore[no-untyped-def]
    from reconciler.core.model.history import Act, Result  # noqa: PLC0415 - as above
    from reconciler.core.model.resource import Address  # noqa: PLC0415 - as above
    from reconciler.daybook import Intent  # noqa: PLC0415 - as above

    address = Address("JournalEntry", f"accrual-{number}")
    asked = Intent(address=address, act=Act.CREATE, spec=_spec(), payload="x" * 400, key="key")
    book.record_outcome(book.record_intent(asked), Result.DONE, number=f"JE-{number:08}")


def _spec() -> dict[str, object]:
    lines = tuple(
        {"accountingCodeName": code, "type": side, "amount": Decimal("400.90")}
        for code, side in (("Deferred Revenue", "Debit"), ("Hosting Costs", "Credit")) * 2
    )
    return {"currency": "USD", "journalEntryDate": "2026-01-31", "journalEntryItems": lines}


_ROWS: dict[str, Callable[[str], dict[str, float]]] = {
    "import": _import,
    f"open {2 * EVENTS + 2} events": _open,
    f"compare {EVENTS} specs": _compare,
    **{f"append, {workers} at once": _appends(workers) for workers in WORKERS},
}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--compared", default="", help="a folder with another version")
    parser.add_argument("--postgresql", action="store_true", help="write to a server")
    parser.add_argument("--row", default="", help=argparse.SUPPRESS)
    parser.add_argument("--place", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
