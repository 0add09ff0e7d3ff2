"""Findings: a rule that a file or a plan breaks, at its place."""

from dataclasses import dataclass
from enum import StrEnum

from reconciler.core.model.resource import Path, Source


class Severity(StrEnum):
    """How much a finding weighs: an error stops the plan, a warning is shown."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Problem:
    """A finding in a file, at its place. Lines and columns count from 1."""

    path: str
    line: int
    column: int
    rule: str
    message: str
    remedy: str = ""
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A finding in a declaration, at a path inside its document; `Problem` once it is located."""

    source: Source
    path: Path
    rule: str
    message: str
    remedy: str = ""
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule a file or a plan is held to: what `explain` prints.

    `id` is stable and appears in every message; `summary` states the rule in one sentence, `why`
    the reason behind it, `remedy` what to do when it is broken.
    """

    id: str
    summary: str
    why: str
    remedy: str
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a change or a plan is not allowed: the rule, the fact, and what to do."""

    rule: str
    message: str
    remedy: str
