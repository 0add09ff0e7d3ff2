"""Writes lines to stdout and stderr: styled on a terminal, plain in a pipe."""

import logging
import os
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from itertools import islice
from pathlib import Path
from time import monotonic

import click

from reconciler.cli.options import CommonOptions, given_options
from reconciler.cli.streams import (
    LineHandler,
    bar_console,
    shown_together,
    stderr_is_terminal,
    write_document,
    write_lines,
)
from reconciler.core.model.command import completed_document
from reconciler.core.model.finding import Problem, Severity, counted
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.resource import Address
from reconciler.errors import ReconcilerError, Refused
from reconciler.render.escaping import escaped
from reconciler.render.pace import Pace
from reconciler.render.problems import problem_lines
from reconciler.render.styled_text import Line, Part, line, mapped


def out(lines: Iterable[Part]) -> None:
    """Results, on stdout; nothing under `--format json`."""
    if _given().style != "json":
        write_lines(mapped(lines, _given().completed), colour=_colour())


def err(lines: Iterable[Part]) -> None:
    """Progress and diagnostics, on stderr."""
    write_lines(mapped(lines, _given().completed), to_stderr=True, colour=_colour())


def out_text(text: str) -> None:
    """A result in a machine format, on stdout, as it is."""
    _given().printed = True
    write_document(text)


def out_json(document: Mapping[str, object]) -> None:
    """Add to the result that `--format json` prints at the end of the command."""
    given_options().result.update(document)


def _given() -> CommonOptions:
    """The common options; the usual ones before and after a command."""
    context = click.get_current_context(silent=True)
    return _USUAL if context is None else context.ensure_object(CommonOptions)


_USUAL = CommonOptions(workspace=Path())


def whole_commands(document: object) -> object:
    """A document whose suggested commands can be pasted."""
    return completed_document(document, _given().completed)


def json_text(document: object) -> str:
    """A document as indented JSON; numbers have the digits of their Decimal."""
    from reconciler.core.model.canonical import readable_json

    return readable_json(document)


def note(text: str) -> None:
    """A sentence on stderr, unless --quiet."""
    noter()(text)


def noter() -> Callable[[str], None]:
    """A function like `note` that any thread may call."""
    quiet = given_options().quiet
    return lambda text: None if quiet else err([line(text)])


def counted_by_kind(declared: Iterable[Address]) -> str:
    """The number of each kind that occurs; of entries, even zero."""
    counts = Counter(address.kind for address in declared)
    first, *others = sorted(KINDS.values(), key=lambda kind: kind.rank)
    told = (first, *(kind for kind in others if counts[kind.name]))
    return ", ".join(counted(counts[kind.name], *kind.nouns) for kind in told)


def show_error(error: ReconcilerError, command: str = "") -> None:
    """Print an error on stderr, in the words of the command that it ends."""
    head = "Error: "
    if isinstance(error, Refused):
        head = "REFUSED, nothing was applied: " if command in APPLYING else "REFUSED: "
    err([line((head, "bad"), error.message)])
    if error.remedy:
        err([line(("To fix: ", "strong"), error.remedy, indent=4)])


APPLYING = frozenset({"apply", "forget", "import", "plan", "recover", "show"})
"""The verbs that apply something, or show what an apply does."""


def refused_beside(text: str, style: str) -> None:
    """Repeat on stderr the refusal that text on stdout ends with, unless both are read together."""
    if style != "text" or not shown_together():
        err([line((text, "bad"))])


@contextmanager
def ending_with_refusal(style: str) -> Iterator[None]:
    """Ends stdout with the refusal, where it has text and stderr is not shown beside it.

    Its remedy is on stderr.
    """
    try:
        yield
    except Refused as error:
        if style == "text" and not shown_together():
            out([line((f"REFUSED, nothing was applied: {error.message}", "bad"))])
        raise


def path_prefix(root: Path) -> str:
    """The path from the current directory to the files of a workspace."""
    here = Path.cwd()
    inside = root.absolute()
    root = inside.relative_to(here) if inside.is_relative_to(here) else root
    return "" if root == Path() else f"{root.as_posix()}/"


def problem_spans(problems: Iterable[Problem], root: Path) -> Iterator[Line]:
    """Problems as styled lines, at most MAX_SHOWN; their paths start at the current directory."""
    prefix = path_prefix(root)
    shown = iter(problems)
    for problem in islice(shown, MAX_SHOWN):
        fact, *remedy = problem_lines(problem)
        style = "bad" if problem.severity is Severity.ERROR else "warning"
        place, mark, rest = fact.partition(f" {problem.severity}[")
        yield line((escaped(prefix) + place, "strong"), (mark + rest, style))
        yield from (line((text, "")) for text in remedy)
    if more := sum(1 for _ in shown):
        told = counted(more, "more problem")
        yield line((f"{told}. `reconciler validate --format json` lists all.", "bad"))


MAX_SHOWN = 500
"""Problems that are shown on a screen."""


def has_bar() -> bool:
    """Whether a progress bar is shown: on a terminal, unless --quiet."""
    return stderr_is_terminal() and not given_options().quiet


def log_steps() -> None:
    """With --verbose, show every call on stderr. Nothing that is logged holds a secret (I-45)."""
    if given_options().verbose:
        logger = logging.getLogger("reconciler")
        logger.handlers = [LineHandler()]
        logger.setLevel(logging.DEBUG)


INTERVAL = 30.0
"""Seconds from one line about a task to the next where no line can be written over."""
LONG = 1000
"""Steps of a task that is named at its beginning where no bar can show it."""


@contextmanager
def progress(
    what: str, total: int, *, tell: Callable[[Pace], None] | None = None
) -> Iterator[Callable[[], None]]:
    """Shows on stderr how far a task is; yields what to call after each step.

    On a terminal it is a bar. Elsewhere, such as in a CI job, it is a line at intervals, and a long
    task is named when it begins. `tell` gets what such a line says, also with --quiet.
    """
    say, bar = noter(), has_bar()

    def told(pace: Pace) -> None:
        if not bar:
            say(f"{what}: {pace.text}.")
        if tell is not None:
            tell(pace)

    if total >= LONG and not bar:
        say(f"{what}.")
    with _bar(what, total) if bar and total else nullcontext(_nothing) as show:
        yield Meter(what, total, show=show, tell=told).step


class Meter:
    """Counts the steps of a task, which any thread may end.

    `show` gets the pace of each step, and `tell` that of a step after each INTERVAL.
    """

    def __init__(
        self,
        task: str,
        total: int,
        *,
        show: Callable[[Pace], None],
        tell: Callable[[Pace], None],
    ) -> None:
        self._task, self._total, self._show, self._tell = task, total, show, tell
        self._done, self._lock = 0, threading.Lock()
        self._began = self._told = monotonic()

    def step(self) -> None:
        """One step more has ended."""
        with self._lock:
            now = monotonic()
            self._done += 1
            elapsed = now - self._began
            pace = Pace(task=self._task, done=self._done, total=self._total, elapsed=elapsed)
            self._show(pace)
            if now - self._told >= INTERVAL:
                self._told = now
                self._tell(pace)


def _nothing(pace: Pace) -> None:
    """No bar shows it."""


@contextmanager
def _bar(what: str, total: int) -> Iterator[Callable[[Pace], None]]:
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[text]}"))
    bar = Progress(*columns, console=bar_console(colour=_colour()), transient=True)
    with bar:
        begun = Pace(task=what, done=0, total=total, elapsed=0)
        task = bar.add_task(escaped(what), total=total, text=begun.text)
        yield lambda pace: bar.update(task, completed=pace.done, text=pace.text)


def _colour() -> bool:
    context = click.get_current_context(silent=True)
    allowed = not given_options().no_color if context is not None else "--no-color" not in sys.argv
    return allowed and not (os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb")
