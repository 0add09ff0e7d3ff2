"""The tables of a measurement of growth: by size, against targets, and by stage of a command."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import TypeAlias

from measure import Sample

VALIDATE, OFFLINE = "validate", "plan --offline"
EMBEDDED, SOCKET = "plan, embedded ledger", "plan, over a socket"
READS, CREATES = "plan --live reads, embedded ledger", "plan --offline of new entries"
POSTING, COMMITS = "apply", "commits of the daybook for a create, 40 threads"
HELP, BARE = "`--help`", "bare Python"
OCTODNS, SCHEMA, FLOOR = "octoDNS", "check-jsonschema", "floor, {}"
FIRST, AGAIN, CHANGES = "first", "again", "10 changes"
SERVER, EARLIER = " (server)", " (before the cache)"

_CURVES = (VALIDATE, OFFLINE, EMBEDDED, SOCKET, SOCKET + SERVER)

Samples: TypeAlias = dict[int, dict[str, list[Sample]]]


@dataclass(slots=True)
class Measured:
    """Every sample, by the number of entries and by what ran; and the shares of stages."""

    samples: Samples = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    shares: dict[int, dict[str, dict[str, float]]] = field(default_factory=dict)

    def add(self, size: int, name: str, sample: Sample) -> None:
        self.samples[size][name].append(sample)

    @property
    def sizes(self) -> list[int]:
        return sorted(self.samples)

    def middle(self, size: int, name: str, measure: str = "cpu") -> float | None:
        """The median; None where it was not measured."""
        found = self.samples[size][name] if size in self.samples else []
        return median(getattr(sample, measure) for sample in found) if found else None

    def curves(self) -> dict[str, dict[str, dict[int, float]]]:
        """By measure and command, the values by size: what is drawn."""
        names = ("apply", *(f"{name}, {state}" for name in _COMMANDS for state in (FIRST, AGAIN)))
        return {
            measure: {
                name: {
                    size: value
                    for size in self.sizes
                    if (value := self.middle(size, name, measure)) is not None
                }
                for name in names
            }
            for measure in ("cpu", "memory")
        }


_COMMANDS = (VALIDATE, OFFLINE, EMBEDDED, SOCKET)


def named(command: str, state: str) -> str:
    """The name of the samples of a command in a state; of its server, that of the server."""
    served = command.endswith(SERVER)
    return f"{command.removesuffix(SERVER)}, {state}{SERVER if served else ''}"


def growth_table(taken: Measured) -> str:
    """Processor time, clock and memory by size, and how the processor time grew at the end."""
    sizes = taken.sizes
    heads = [f"{size:,} entries" for size in sizes]
    if len(sizes) > 1:
        heads.append(f"growth from {sizes[-2]:,}")
    lines = [f"| CPU s, wall s, MiB | run | {' | '.join(heads)} |", _rule(2 + len(heads))]
    rows = [(command, state, named(command, state)) for command, state in _rows()]
    for command, state, name in (*rows, ("apply", "first", "apply")):
        cells = [_cell(taken, size, name) for size in sizes]
        if any(cells):
            lines.append(f"| {command} | {state} | {' | '.join((*cells, *_grown(taken, name)))} |")
    return "\n".join(lines) + "\n"


def _rows() -> Iterator[tuple[str, str]]:
    for command in _CURVES:
        states = (FIRST, AGAIN)
        if command.startswith((EMBEDDED, SOCKET)):
            states = (*states, CHANGES)
        for state in states:
            yield command, state


def _cell(taken: Measured, size: int, name: str) -> str:
    values = [taken.middle(size, name, measure) for measure in ("cpu", "wall", "memory")]
    if None in values:
        return ""
    cpu, wall, memory = values
    return f"{_seconds(cpu)}, {_seconds(wall)}, {memory:.0f}"


def _grown(taken: Measured, name: str) -> list[str]:
    if len(taken.sizes) < 2:
        return []
    ends = [taken.middle(size, name) for size in taken.sizes[-2:]]
    return [f"{ends[1] / ends[0]:.1f} times" if all(ends) else ""]


def scale_table(taken: Measured) -> str:
    """What a reader of docs/scale.md wants to know: both times, and the memory of the next run."""
    lines = ["| command | entries | first | again | peak memory again |", _rule(5)]
    for command in _COMMANDS:
        shown = f"`{command}`" if command == VALIDATE else _of_plan(command)
        for size in taken.sizes:
            first, again = (taken.middle(size, named(command, one)) for one in (FIRST, AGAIN))
            memory = taken.middle(size, named(command, AGAIN), "memory")
            if None in (first, again, memory):
                continue
            cells = (shown, f"{size:,}", f"{_seconds(first)} s", f"{_seconds(again)} s")
            lines.append(f"| {' | '.join(cells)} | {memory:.0f} MiB |")
            shown = ""
    return "\n".join(lines) + "\n"


def _of_plan(command: str) -> str:
    verb, _, ledger = command.partition(", ")
    alone = ", client alone" if command == SOCKET else ""
    return f"`{verb}`, nothing to do" + (f", {ledger}{alone}" if ledger else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What one row of the targets promises: a measure, or its ratio to that of another command.

    `why` tells in one line what is in the way where it is not met.
    """

    what: str
    size: int
    run: str
    most: float
    of: str
    over: str = ""
    measure: str = "cpu"
    why: str = ""


_READ = "a first plan reads each entry, because a query proves no content"
_YAML = "YAML and schemas are most of it"
_START = "the start and its imports are most of it"
_LEDGER = "the start, and the imports of the ledger, are most of it"
_WHOLE = "spread over files, caches, daybook, query and decisions; no stage is most of it"
_READS = "a read of the embedded ledger in the process takes about 1 ms"
_FILES = "files, their digests, the rules and the cache share it; no stage is most of it"
_CREATES = "more is checked and shown of a new entry; reading, decisions and text take a third each"
_BUSY = "threads that wait for a busy processor share fewer commits"
_HELD = "every file, record and last read is held in memory at once"


def _pair(  # noqa: PLR0913, PLR0917 - a row of the table, in the order of its columns
    what: str, size: int, of: str, over: str, first: float, again: float, *why: str
) -> tuple[Target, Target]:
    """The targets of both runs. `over` without a run is the same for both."""
    reasons = (*why, "", "")
    return tuple(
        Target(
            what=what,
            size=size,
            run=run,
            most=most,
            of=f"{of}, {run}",
            over=f"{over}, {run}" if over.startswith("floor") else over,
            why=reason,
        )
        for run, most, reason in ((FIRST, first, reasons[0]), (AGAIN, again, reasons[1]))
    )


TARGETS: Sequence[Target] = (
    Target(
        what="`--help` / bare Python",
        size=1_000,
        run="",
        most=1.3,
        of=HELP,
        over=BARE,
        why="the package and the text are read beside Python itself",
    ),
    *_pair("validate / check-jsonschema", 1_000, VALIDATE, SCHEMA, 0.09, 0.03, _YAML, _START),
    *_pair("validate / check-jsonschema", 10_000, VALIDATE, SCHEMA, 0.08, 0.01, _YAML, _FILES),
    *_pair("validate / floor", 1_000, VALIDATE, FLOOR.format(VALIDATE), 1.2, 1.3, _START, _START),
    *_pair("validate, seconds", 100_000, VALIDATE, "", 42, 6, _YAML, _FILES),
    *_pair("plan, over a socket / octoDNS", 1_000, SOCKET, OCTODNS, 0.65, 0.22, _READ, _START),
    *_pair("plan, over a socket / octoDNS", 10_000, SOCKET, OCTODNS, 0.40, 0.05, _READ, _WHOLE),
    *_pair("plan, over a socket / octoDNS", 100_000, SOCKET, OCTODNS, 0.40, 0.03, _READ, _WHOLE),
    *_pair(
        "plan, over a socket / floor", 1_000, SOCKET, FLOOR.format("plan"), 2.3, 2.6, _READ, _START
    ),
    *_pair("plan, embedded, by reads / octoDNS", 1_000, READS, OCTODNS, 1.2, 0.8, _READS, _READS),
    *_pair(
        "plan, embedded, by query / octoDNS", 1_000, EMBEDDED, OCTODNS, 0.8, 0.5, _READ, _LEDGER
    ),
    *_pair(
        "plan, embedded, by query / octoDNS", 10_000, EMBEDDED, OCTODNS, 0.5, 0.12, _READ, _WHOLE
    ),
    *_pair("plan --offline / octoDNS", 1_000, OFFLINE, OCTODNS, 0.5, 0.20, _START, _START),
    *_pair(
        "plan --offline of new entries / before",
        10_000,
        CREATES,
        named(CREATES + EARLIER, FIRST),
        0.75,
        0.5,
        _CREATES,
        _CREATES,
    ),
    Target(
        what="plan with 10 changes / nothing to do, over a socket",
        size=10_000,
        run=AGAIN,
        most=1.6,
        of=named(SOCKET, CHANGES),
        over=named(SOCKET, AGAIN),
        why=_READ,
    ),
    Target(
        what="apply, embedded / before",
        size=1_000,
        run=FIRST,
        most=0.5,
        of=POSTING,
        over=POSTING + EARLIER,
        why="half of it is the ledger's own work for a create and a read",
    ),
    Target(what=COMMITS, size=1_000, run="", most=0.25, of=COMMITS, why=_BUSY),
    *(
        Target(
            what=f"peak memory of {command} / octoDNS",
            size=100_000,
            run=run,
            most=most,
            of=named(command, run),
            over=OCTODNS,
            measure="memory",
            why=_HELD,
        )
        for command in (VALIDATE, SOCKET)
        for run, most in ((FIRST, 0.35), (AGAIN, 0.30))
    ),
)


def targets_table(taken: Measured) -> str:
    """Each target with what was measured."""
    lines = ["| ratio of processor time | entries | run | target | measured | |", _rule(6)]
    for target in TARGETS:
        value = taken.middle(target.size, target.of, target.measure)
        if value is not None and target.over:
            over = taken.middle(target.size, target.over, target.measure)
            value = value / over if over else None
        told = "not measured" if value is None else f"{value:.2f}"
        met = "" if value is None else "met" if value <= target.most else f"not met: {target.why}"
        cells = (target.what, f"{target.size:,}", target.run, f"{target.most:g}", told, met)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def shares_table(taken: Measured) -> str:
    """Where the time of each command goes, in hundredths of all of it, by the number of entries."""
    return "\n".join(_shares(size, found) for size, found in sorted(taken.shares.items()))


def _shares(size: int, found: dict[str, dict[str, float]]) -> str:
    totals = {name: sum(stages.values()) for name, stages in found.items()}
    lines = [f"| {size:,} entries | {' | '.join(totals)} |", _rule(1 + len(totals))]
    weights = {
        stage: [100 * stages.get(stage, 0) / totals[name] for name, stages in found.items()]
        for stage in {stage for stages in found.values() for stage in stages}
    }
    for stage in sorted(weights, key=lambda one: -sum(weights[one])):
        if max(weights[stage]) >= 1:
            cells = [f"{weight:.0f} %" if weight >= 0.5 else "" for weight in weights[stage]]
            lines.append(f"| {stage} | {' | '.join(cells)} |")
    seconds = [f"{total:.1f} s" for total in totals.values()]
    lines.append(f"| together | {' | '.join(seconds)} |")
    return "\n".join(lines) + "\n"


def _rule(columns: int) -> str:
    return "|" + " --- |" * columns


def _seconds(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.0f}" if value >= 100 else f"{value:.1f}"
