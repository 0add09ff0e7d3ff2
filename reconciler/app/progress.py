"""What a use case tells while it runs, for its caller to show."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TypeAlias

from reconciler.core.model.finding import Problem
from reconciler.core.model.plan import Plan
from reconciler.core.model.report import Applied, CallRecorded, Report, Settled
from reconciler.core.model.review import Assessment
from reconciler.core.model.sheets.sheet_import import SheetFindings, SheetSummary
from reconciler.core.recovery.open_calls import Recovery
from reconciler.values import dataclass

Progress: TypeAlias = Callable[[str, int], AbstractContextManager[Callable[[], None]]]
"""Shows the progress of a task with a number of steps; yields what to call after each."""


def silent(what: str, total: int) -> AbstractContextManager[Callable[[], None]]:
    """Progress that nobody sees."""
    return nullcontext(lambda: None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A sentence that no result depends on."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """A run begins on this workspace and ledger; `commit` is checked out, empty without one."""

    workspace: str
    tenant: str
    host: str
    commit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotReviewed:
    """The plan made now is not the reviewed one; `saved` is None where only a digest is known.

    `interrupted` says that an apply of the reviewed plan did not complete.
    """

    saved: Plan | None
    plan: Plan
    interrupted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingApplied:
    """The report of a run that was refused before its first change, and why.

    `told` says that the plan on the screen ended with the refusals already.
    """

    report: Report
    told: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsavedOutcome:
    """A line that neither the daybook nor the spill file could take: only the screen has it."""

    spill_file: Path
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesWritten:
    """Declarations were written, and files without any were removed."""

    paths: tuple[Path, ...]
    removed: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDifferences:
    """The files that a verb would write; `lines` are a unified diff, if it was asked for."""

    paths: tuple[Path, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileProblems:
    """What a verb read, or would write, has problems."""

    problems: tuple[Problem, ...]
    root: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """The number of entries that are adopted and need no further change."""

    count: int


Event: TypeAlias = (
    Applied
    | Assessment
    | CallRecorded
    | FileDifferences
    | FilesWritten
    | FileProblems
    | Imported
    | Note
    | NotReviewed
    | NothingApplied
    | Plan
    | Recovery
    | Report
    | RunStarted
    | Settled
    | SheetFindings
    | SheetSummary
    | UnsavedOutcome
)
Tell: TypeAlias = Callable[[Event], None]
