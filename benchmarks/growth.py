"""How commands grow with the books: processor time, the clock and memory, for 100,000 entries too.

    make bench-growth                # renews docs/performance.md, docs/scale.md and the plot
    python benchmarks/growth.py BOOKS [--sizes 1000 10000 100000] [--rounds 3] [--record]

BOOKS is a directory outside the checkout. It keeps what is slow to make: books of which every entry
is posted to an embedded ledger by one apply. An apply that was interrupted is continued. It also
keeps what was measured of the package, so that the command can be interrupted and started again.
Remove `measured.json` there to measure anew.

*First* is without any cache, and *again* is the next run. Over a socket, `ledger serve` serves the
same database. Each command must prove that it did its work.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from books import ROOT, write_workspace, write_zone
from compare import CHANGED, NOTHING, PEERS, ours, peer, record
from earlier import checkout
from growth_tables import (
    AGAIN,
    BARE,
    CHANGES,
    COMMITS,
    CREATES,
    EARLIER,
    EMBEDDED,
    FIRST,
    FLOOR,
    HELP,
    OCTODNS,
    OFFLINE,
    POSTING,
    READS,
    SCHEMA,
    SERVER,
    SOCKET,
    VALIDATE,
    Measured,
    growth_table,
    scale_table,
    shares_table,
    targets_table,
)
from ledger import processor_seconds, server
from measure import Command, NotDone, Sample, pattern_of, require_bytecode, run

PLOT = ROOT / "docs" / "pictures" / "growth.png"
SMALL, FEW = 1_000, 10_000
"""Only books of at most so many entries: what a page compares there alone, and peers that are slow.
Larger books are measured in one round, in which only what is quick is repeated."""

BEFORE = "bc790ed646f374b2e91295afffe243846d70c9aa"
"""The commit whose cost the targets call that of today: before the cache and the query."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the books of one size are, with their ledger and the copy of a peer."""

    folder: Path
    size: int

    @property
    def books(self) -> Path:
        return self.folder / "books"

    def forget(self) -> None:
        """Remove every cache, so that the next run is a first one."""
        state = self.books / ".reconciler"
        for path in (*state.glob("files.db*"), *state.glob("cache.db*"), *self.marks()):
            path.unlink()
        for path in state.glob("ledger-query*"):
            shutil.rmtree(path)

    def marks(self) -> Iterator[Path]:
        return self.books.glob(".floor*")

    def edit(self, old: str = "Generated entry", new: str = "Changed entry") -> None:
        """Change the notes of some entries."""
        for path in sorted((self.books / "2026" / "0000").glob("*.yaml"))[:CHANGED]:
            path.write_text(path.read_text().replace(old, new))

    def restore(self) -> None:
        """Undo an edit, also that of a run that was interrupted."""
        self.edit("Changed entry", "Generated entry")


def filled(place: Place) -> Sample | None:
    """Post the entries of a place, unless they are. Gives what one whole apply took, if known."""
    done = place.folder / "applied.json"
    if not done.exists():
        whole = not place.books.exists()
        if whole:
            write_workspace(place.folder / "new", place.size).rename(place.books)
        print(f"posting {place.size:,} entries", flush=True)
        place.restore()
        sample = run(applying(place.books, place.size))
        done.write_text(json.dumps(asdict(sample) if whole else None))
    known = json.loads(done.read_text())
    return Sample(**known) if known else None


def applying(books: Path, size: int, **environment: str) -> Command:
    words = ("apply", "-w", str(books), "--auto-approve")
    return ours(*words, proof=f"JE-0*{size}\\b", environment=environment)


def measured(place: Place, number: int, repeats: int) -> Iterator[tuple[str, Sample]]:
    """One round: what ran, and what it took. What is quick is repeated."""
    books, size = place.books, place.size
    target = ("-w", str(books))

    def twice(name: str, command: Command) -> Iterator[tuple[str, Sample]]:
        place.forget()
        yield f"{name}, {FIRST}", run(command)
        for _ in range(repeats):
            yield f"{name}, {AGAIN}", run(command)

    def edited(name: str, command: Command) -> Iterator[tuple[str, Sample]]:
        place.edit()
        try:
            for _ in range(repeats):
                yield f"{name}, {CHANGES}", run(command)
        finally:
            place.restore()

    place.restore()
    yield OCTODNS, run(octodns(place))
    if size <= FEW:
        yield SCHEMA, run(check_jsonschema(place))
    if size <= SMALL:
        yield from small(place, number)
    yield from twice(
        VALIDATE, ours("validate", *target, proof=f"{pattern_of(size)} entries: 0 errors")
    )
    yield from twice(OFFLINE, ours("plan", *target, "--offline", proof="OFFLINE[^$]*No changes"))
    yield from twice(EMBEDDED, ours("plan", *target, proof=NOTHING))
    changing = f"{CHANGED} to up"
    yield from edited(EMBEDDED, ours("plan", *target, proof=changing))
    with served(place) as (environment, process):

        def both(samples: Iterator[tuple[str, Sample]]) -> Iterator[tuple[str, Sample]]:
            before = processor_seconds(process)
            for name, sample in samples:
                now = processor_seconds(process)
                yield name, sample
                yield (
                    name + SERVER,
                    Sample(cpu=now - before, memory=peak(process), wall=sample.wall),
                )
                before = now

        yield from both(
            twice(SOCKET, ours("plan", *target, proof=NOTHING, environment=environment))
        )
        yield from both(
            edited(SOCKET, ours("plan", *target, proof=changing, environment=environment))
        )
    if size == FEW:
        yield from creates(place)


def a_round(place: Place, number: int, repeats: int) -> list[tuple[str, dict[str, float]]]:
    """A round as it is kept. Tells what it measured."""
    found = []
    for name, sample in measured(place, number, repeats):
        print(f"{place.size:,}, {name}: {sample.cpu:.2f} s", flush=True)
        found.append((name, asdict(sample)))
    return found


def small(place: Place, number: int) -> Iterator[tuple[str, Sample]]:
    """What is measured of small books alone."""
    books = place.books
    yield HELP, run(ours("--help", proof="Commands"))
    yield BARE, run(Command(words=(sys.executable, "-c", "print('pass')"), proof="pass"))
    for verb in (VALIDATE, "plan"):
        place.forget()
        words = (sys.executable, str(ROOT / "benchmarks" / "floor.py"), str(books), verb)
        for state in (FIRST, AGAIN):
            least = Command(words=words, proof=f"{place.size} entries")
            yield f"{FLOOR.format(verb)}, {state}", run(least)
    place.forget()
    reads = ours("plan", "-w", str(books), "--live", "reads", proof=NOTHING)
    yield f"{READS}, {FIRST}", run(reads)
    yield f"{READS}, {AGAIN}", run(reads)
    for version, root in versions(place):
        scratch = place.folder / f"posting-{number}"
        write_workspace(scratch, place.size)
        yield POSTING + version, run(applying(scratch, place.size, PYTHONPATH=str(root)))
        shutil.rmtree(scratch)
    words = (sys.executable, str(ROOT / "benchmarks" / "daybook.py"), "--row", "append, 40 at once")
    daybook = place.folder / f"daybook-{number}.db"
    ended = subprocess.run([*words, "--place", str(daybook)], capture_output=True, check=True)
    # Two writes a create: what is asked, and what came of it.
    commits = 2 * json.loads(ended.stdout)["commits"]
    yield COMMITS, Sample(cpu=commits, memory=commits, wall=commits)
    for path in place.folder.glob(f"{daybook.name}*"):
        path.unlink()


def creates(place: Place) -> Iterator[tuple[str, Sample]]:
    """An offline plan of new entries, and what an earlier version takes for it."""
    new = Place(folder=place.folder / "creates", size=place.size)
    if not new.books.exists():
        write_workspace(new.books, place.size)
    words = ("plan", "-w", str(new.books), "--offline")
    for version, root in versions(place):
        shutil.rmtree(new.books / ".reconciler", ignore_errors=True)
        command = ours(
            *words, proof=f"{pattern_of(place.size)} to create", environment={"PYTHONPATH": root}
        )
        yield f"{CREATES}{version}, {FIRST}", run(command)
        if not version:
            yield f"{CREATES}, {AGAIN}", run(command)


def versions(place: Place) -> Iterator[tuple[str, str]]:
    """This version, and the one before the cache and the query."""
    yield "", str(ROOT)
    before = place.folder / "earlier"
    if not before.exists():
        checkout(BEFORE, before)
    yield EARLIER, str(before)


def octodns(place: Place) -> Command:
    zone = place.folder / "zone"
    if not zone.exists():
        write_zone(zone, place.size)
    config = str(zone / "octodns.yaml")
    return peer("octodns-sync", "--config-file", config, proof="No changes were planned")


def check_jsonschema(place: Place) -> Command:
    files = [str(path) for path in sorted((place.books / "2026").rglob("*.yaml"))]
    schema = str(ROOT / "schemas" / "journal-entry.schema.json")
    return peer("check-jsonschema", "--schemafile", schema, *files, proof="ok")


@contextmanager
def served(place: Place) -> Iterator[tuple[dict[str, str], int]]:
    """The ledger of a place on a socket: the variables that lead to it, and its process."""
    state = place.books / ".reconciler"
    keys = json.loads((state / "ledger-client.json").read_text())
    with server(f"sqlite:///{state / 'ledger.db'}") as (url, process):
        yield (
            {"ZUORA_BASE_URL": url, **{f"ZUORA_{name}".upper(): keys[name] for name in keys}},
            process,
        )


def peak(process: int) -> float:
    """The peak memory of a process in MiB, as Linux counts it."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def shares(place: Place) -> dict[str, dict[str, float]]:
    """Where the next run of each command spends its time."""
    place.restore()
    found = {}
    for name, words in (
        (VALIDATE, ("validate",)),
        (OFFLINE, ("plan", "--offline")),
        (EMBEDDED, ("plan",)),
    ):
        found[name] = stages(place, words, {})
    with served(place) as (environment, _):
        found[SOCKET] = stages(place, ("plan",), environment)
    return found


def stages(place: Place, words: tuple[str, ...], environment: dict[str, str]) -> dict[str, float]:
    """The seconds of each stage of the second of two runs."""
    script = str(ROOT / "benchmarks" / "stages.py")
    ended = [
        subprocess.run(
            [sys.executable, script, *words, "-w", str(place.books)],
            env={**os.environ, **environment},
            check=True,
            capture_output=True,
            text=True,
        )
        for _ in range(2)
    ]
    taken: dict[str, float] = json.loads(ended[-1].stdout.splitlines()[-1])
    return taken


class Kept:
    """What was measured of one version of the package, in a file; of any other, nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._version, changed = (
            subprocess.run(
                ["git", "-C", str(ROOT), *words], check=True, capture_output=True, text=True
            ).stdout.strip()
            for words in (
                ("rev-parse", "HEAD:reconciler"),
                ("status", "--porcelain", "reconciler"),
            )
        )
        found = json.loads(path.read_text()) if path.exists() and not changed else {}
        self._parts = found["parts"] if found.get("version") == self._version else {}

    def of(self, name: str, measure: Callable[[], Any]) -> Any:
        """What was measured before, or what is measured now."""
        if name not in self._parts:
            self._parts[name] = measure()
            held = {"version": self._version, "parts": self._parts}
            self._path.write_text(json.dumps(held, indent=1))
        return self._parts[name]


def results(folder: Path, sizes: list[int], rounds: int) -> Measured:
    """Every sample of every size, and the shares of the least and the largest."""
    folder.mkdir(parents=True, exist_ok=True)
    places = [Place(folder=folder / str(size), size=size) for size in sizes]
    taken = Measured()
    for place in places:
        place.folder.mkdir(exist_ok=True)
        if (whole := filled(place)) is not None:
            taken.add(place.size, "apply", whole)
    kept = Kept(folder / "measured.json")
    for place in places:
        turns, repeats = (rounds, 1) if place.size <= FEW else (1, rounds)
        for number in range(turns):
            name = f"{place.size}, {rounds}, {number}"
            for ran, sample in kept.of(name, partial(a_round, place, number, repeats)):
                taken.add(place.size, ran, Sample(**sample))
    for place in {places[0], places[-1]}:
        taken.shares[place.size] = kept.of(f"shares {place.size}", partial(shares, place))
    return taken


def draw(taken: Measured) -> None:
    """Draw the growth with the Python of the peers, which has what draws."""
    subprocess.run(
        [PEERS / "python", Path(__file__).with_name("growth_plot.py"), PLOT],
        input=json.dumps(taken.curves()),
        text=True,
        check=True,
    )


def main() -> int:
    """Fill, measure, print, record; 2 when a command did not do its work."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("books", type=Path, help="a directory that keeps the books")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--record", action="store_true", help="write tables and plot into docs/")
    asked = parser.parse_args()
    try:
        require_bytecode()
        taken = results(asked.books.resolve(), sorted(asked.sizes), asked.rounds)
    except NotDone as error:
        print(error, file=sys.stderr)
        return 2
    growth, targets, shared = growth_table(taken), targets_table(taken), shares_table(taken)
    print(f"\n{growth}\n{targets}\n{shared}")
    if asked.record:
        draw(taken)
        performance = ROOT / "docs" / "performance.md"
        plot = f"![Growth with the number of entries](pictures/{PLOT.name})\n"
        record(performance, "growth", f"{growth}\n{plot}")
        record(performance, "targets", targets)
        record(performance, "shares", shared)
        record(ROOT / "docs" / "scale.md", "scale", scale_table(taken))
    return 0


if __name__ == "__main__":
    sys.exit(main())
