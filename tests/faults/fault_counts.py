"""Counts what faults were injected, where, and how the runs ended; draws the table of it.

Records are lines of JSON in a directory, one file for each process, so that workers, forked
children and killed processes may all write to one tally.
"""

import contextlib
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

DECLARED, REACHED, CONVERGED, UNKNOWN, VIOLATION = (
    "declared",
    "reached",
    "converged",
    "unknown",
    "violation",
)
FOLDER = "FAULT_TALLY"
"""The environment variable with the directory, for processes that a test starts."""


@dataclass(frozen=True, kw_only=True)
class Tally:
    """A tally in a directory. A fault is one like `F1` or `N08`, a point one like `C06 create`."""

    folder: Path

    def declare(self, fault: str, *points: str) -> None:
        """Say that a run has to reach these points at least once."""
        for point in points:
            self._write(fault, point, DECLARED)

    def reached(self, fault: str, point: str) -> None:
        """The fault was really injected there. Safe to call just before a process kills itself."""
        self._write(fault, point, REACHED)

    def converged(self, fault: str, point: str) -> None:
        """The run after the fault ended with everything in place."""
        self._write(fault, point, CONVERGED)

    def unknown(self, fault: str, point: str, *, why: str) -> None:
        """The run could not tell, and said so."""
        self._write(fault, point, UNKNOWN, why)

    def violated(self, fault: str, point: str, *, what: str) -> None:
        self._write(fault, point, VIOLATION, what)

    @contextlib.contextmanager
    def watching(self, fault: str, point: str) -> Iterator[None]:
        """A block that ends converged: what it raises is counted as a violation."""
        try:
            yield
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
            # What a run wrote ends with how it ended.
            self.violated(
                fault, point, what=said if len(said) < 1000 else f"{said[:100]} … {said[-900:]}"
            )
            raise
        self.converged(fault, point)

    def read(self) -> "Counts":
        """What every process has written so far."""
        counts = Counts()
        for file in sorted(self.folder.glob("*.jsonl")):
            for line in file.read_text().splitlines():
                fault, point, what, why = json.loads(line)
                counts.add(fault, point, what, why)
        return counts

    def _write(self, fault: str, point: str, what: str, why: str = "") -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        line = json.dumps([fault, point, what, why]) + "\n"
        # One write to a file of this process: whole, and in the kernel before any kill.
        place = self.folder / f"{os.getpid()}.jsonl"
        handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(handle, line.encode())
        finally:
            os.close(handle)


@dataclass
class Counts:
    """A tally that was read."""

    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    whys: dict[str, Counter[str]] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)

    def add(self, fault: str, point: str, what: str, why: str = "") -> None:
        self.counts[fault, point, what] += 1
        if what == UNKNOWN:
            self.whys.setdefault(fault, Counter())[why] += 1
        if what == VIOLATION:
            self.violations.append(f"{fault} at {point}: {why}")

    def of(self, fault: str, what: str) -> int:
        """How often something was written of a fault class, at whatever point."""
        return sum(
            count for (of, _, kind), count in self.counts.items() if (of, kind) == (fault, what)
        )

    def missed(self) -> tuple[str, ...]:
        """The declared points that nothing ever reached."""
        declared = {key[:2] for key in self.counts if key[2] == DECLARED}
        reached = {key[:2] for key in self.counts if key[2] == REACHED}
        return tuple(f"{fault} at {point}" for fault, point in sorted(declared - reached))

    @property
    def faults(self) -> tuple[str, ...]:
        return tuple(sorted({fault for fault, _, _ in self.counts}))


BEGIN, END = "<!-- faults: begin -->\n", "<!-- faults: end -->\n"


def record(document: Path, counts: Counts, on: date) -> None:
    """Write the table into a document, between the marks that it has for it."""
    from fault_words import WORDS

    before, rest = document.read_text().split(BEGIN)
    after = rest.split(END)[1]
    drawn = f"As counted on {on}:\n\n{table(counts, WORDS)}"
    document.write_text(f"{before}{BEGIN}\n{drawn}\n{END}{after}")


def table(counts: Counts, words: Mapping[str, str]) -> str:
    """The table of docs/reliability.md. `words` says in words what a fault class is."""
    lines = [
        "| fault class | points | injected | converged | unknown (and why) | violations |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for fault in counts.faults:
        points = {point for of, point, what in counts.counts if (of, what) == (fault, REACHED)}
        whys = counts.whys.get(fault, Counter())
        unknown = "; ".join(f"{count}: {why}" for why, count in sorted(whys.items())) or "0"
        name = f"{fault}: {words[fault]}" if fault in words else fault
        figures = (len(points), counts.of(fault, REACHED), counts.of(fault, CONVERGED))
        cells = (name, *figures, unknown, counts.of(fault, VIOLATION))
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + "\n"
