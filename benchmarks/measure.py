"""Measures whole processes, in turns: processor time, peak memory and the clock.

The clock of a shared machine changes from one second to the next. So commands that are compared run
in turns, round by round, and what is reported is the median of the ratios of the rounds, with the
least and the greatest.
"""

import importlib.util
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import reconciler


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One run: processor seconds (user and system), peak memory in MiB, seconds of the clock."""

    cpu: float
    memory: float
    wall: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command to measure. `proof` is a pattern that its output must have: it did its work.

    `before` prepares each round, and is not measured.
    """

    words: Sequence[str]
    proof: str
    environment: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[], object] = lambda: None
    codes: tuple[int, ...] = (0,)


def pattern_of(count: int) -> str:
    """A pattern for a count, as this version writes it or as an earlier one did."""
    return rf"\b(?:{count}|{count:,})"


class NotDone(Exception):
    """A command did not do its work, so its time means nothing."""


def run(command: Command) -> Sample:
    """Run a command once. Raises NotDone when it failed, or when its output lacks the proof."""
    command.before()
    with tempfile.TemporaryFile() as output:
        began = time.monotonic()
        process = subprocess.Popen(
            command.words,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **command.environment},
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        said = output.read().decode(errors="replace")
    if process.returncode not in command.codes or not re.search(command.proof, said):
        raise NotDone(f"{' '.join(command.words)}: exit {process.returncode}\n{said[-2000:]}")
    return Sample(cpu=usage.ru_utime + usage.ru_stime, memory=usage.ru_maxrss / 1024, wall=wall)


def in_turns(commands: Mapping[str, Command], rounds: int) -> dict[str, tuple[Sample, ...]]:
    """The samples of each command, all commands once a round; a round before is not counted."""
    for command in commands.values():
        run(command)
    taken: dict[str, list[Sample]] = {name: [] for name in commands}
    for number in range(rounds):
        # The order turns, so that no command always follows the same one.
        names = list(commands)
        for name in names if number % 2 == 0 else reversed(names):
            taken[name].append(run(commands[name]))
    return {name: tuple(samples) for name, samples in taken.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A median, with the least and the greatest."""

    median: float
    least: float
    greatest: float

    def __str__(self) -> str:
        return f"{self.median:.2f} [{self.least:.2f}..{self.greatest:.2f}]"


def spread(values: Sequence[float]) -> Spread:
    return Spread(median=statistics.median(values), least=min(values), greatest=max(values))


def ratio(ours: Sequence[Sample], theirs: Sequence[Sample]) -> Spread:
    """How much processor time ours takes of theirs, round by round."""
    return spread([one.cpu / other.cpu for one, other in zip(ours, theirs, strict=True)])


def require_bytecode() -> None:
    """Raises NotDone when the package would be compiled at every start."""
    source = reconciler.__file__ or ""
    cached = Path(importlib.util.cache_from_source(source))
    if os.environ.get("PYTHONDONTWRITEBYTECODE") or sys.dont_write_bytecode or not cached.is_file():
        raise NotDone(
            "there is no bytecode of the package: unset PYTHONDONTWRITEBYTECODE, and run "
            f"{sys.executable} -m compileall -q {Path(source).parent}"
        )
