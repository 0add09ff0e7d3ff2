"""Rules, and the places where files or plans break them."""

from collections.abc import Sequence
from enum import StrEnum
from functools import partial

from reconciler.core.model.resource import Path, Source
from reconciler.values import dataclass


class Severity(StrEnum):
    """An error stops the plan; a warning does so if it is strict; information never does."""

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Problem:
    """A finding with its position in a file. Lines and columns count from 1."""

    path: str
    line: int
    column: int
    rule: str
    message: str
    remedy: str = ""
    severity: Severity = Severity.ERROR
    of_tenant: bool = False
    name: str = ""
    """The declaration that a waiver would name; empty where a finding cannot be waived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A finding at a path in a declaration; with its position it becomes a `Problem`.

    `of_tenant`: it depends on facts of the tenant, which are judged when something is posted.
    `since` is the day on which such a fact began, if it is known.
    """

    source: Source
    path: Path
    rule: str
    message: str
    remedy: str = ""
    severity: Severity = Severity.ERROR
    of_tenant: bool = False
    since: str = ""
    name: str = ""
    """The declaration that a waiver would name; empty where a finding cannot be waived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule for files or plans, as `explain` prints it, under an id in the table of its kind.

    The id is stable and appears in every message. `remedy` says what to do if the rule is broken.
    """

    summary: str
    why: str
    remedy: str
    severity: Severity = Severity.ERROR


warning_rule = partial(Rule, severity=Severity.WARNING)
"""A rule that stops nothing unless a policy makes it strict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanWarning:
    """What a reader of a plan has to know, under a rule that a policy can make strict.

    `place` is the position in a file, where it is about one.
    """

    rule: str
    message: str
    place: str = ""
    severity: Severity = Severity.WARNING

    def __str__(self) -> str:
        text = f"{self.severity}[{self.rule}]: {self.message}"
        return f"{self.place}: {text}" if self.place else text


@dataclass(frozen=True, slots=True, kw_only=True)
class UnansweredDifference:
    """A difference between ledger and files that no change of a plan answers.

    `path` and `line` are those of the declaration, where there is one.
    """

    kind: str
    name: str
    number: str
    rule: str
    message: str
    remedy: str
    path: str = ""
    line: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a change or a plan is not allowed, and what to do."""

    rule: str
    message: str
    remedy: str


MOST_NAMED = 10
"""The most items that a message names; the rest are counted."""


def counted(count: int, one: str, many: str = "") -> str:
    """A count and its noun: `1 entry`, `1,200 entries`, `2 files`."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def listed(names: Sequence[str], most: int = MOST_NAMED, between: str = ", ") -> str:
    """The first names, and how many more there are: `a, b and 3 more`."""
    rest = more(len(names), most)
    return between.join(names[:most]) + (f"{between.strip(', ')} {rest}" if rest else "")


def joined(names: Sequence[str]) -> str:
    """All names: `a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(names[:-1]), *names[-1:]] if len(names) > 1 else names)


def cut(items: Sequence[str], most: int) -> tuple[str, ...]:
    """The first items, and how many more there are."""
    rest = more(len(items), most)
    return (*items[:most], *[rest] * bool(rest))


def more(count: int, most: int, what: str = "") -> str:
    """What follows a list that shows at most `most` of `count`: `and 1,200 more`, or nothing."""
    return f"and {count - most:,} more{what}" if count > most else ""
