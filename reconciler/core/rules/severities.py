"""How a policy governs warnings: which it may lower, and which it may waive for one entry."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

from reconciler.core.model.finding import PlanWarning, Problem, Severity
from reconciler.core.model.policy import EVERY_RULE, Level, Policy, Waiver

LOWERABLE = frozenset(
    {"cache-discarded", "editor-schema", "file-spreadsheet", "file-warnings", "no-reference"}
    | {"open-period", "period-pending-close", "period-status-spelling", "selection-extended"}
    | {"stamps-unavailable"}
)
"""The rules whose warnings may be lowered or left out.

All others guard money or evidence: what is posted twice, in another period, or not at all.
"""

WAIVABLE = frozenset(
    {"date-in-period", "reversal-unproved", "run-overlap", "same-economics", "unusual-rate"}
)
"""The rules whose warnings about one declaration may be waived, with a reason and an end."""

_Warning = TypeVar("_Warning", Problem, PlanWarning)


def governed(warnings: Iterable[_Warning], policy: Policy) -> Iterator[_Warning]:
    """The warnings with the severities that the policy gives to their rules; errors as they are.

    One that is raised to an error is a warning here: whoever knows what it stops lets it fail.
    """
    for one in warnings:
        level = policy.severities.get(one.rule)
        if level is None or one.severity is Severity.ERROR:
            yield one
        elif level in (Level.ERROR, Level.WARNING):
            yield replace(one, severity=Severity.WARNING)
        elif one.rule not in LOWERABLE:
            yield one
        elif level is not Level.OFF:
            yield replace(one, severity=Severity(str(level)))


def waiver_of(problem: Problem, policy: Policy, *, today: str) -> Waiver | None:
    """The waiver that covers a warning on a day; None for errors, and where there is none."""
    if not problem.name or problem.severity is Severity.ERROR:
        return None
    for waiver in policy.waivers:
        if (waiver.rule, waiver.name) == (problem.rule, problem.name) and today <= waiver.expires:
            return waiver
    return None


def waiver_text(rule: str, waiver: Waiver) -> str:
    """What a plan says of a waiver that applied."""
    return f"{rule} is waived for {waiver.name} until {waiver.expires}: {waiver.reason}"


def made_strict(
    problem: Problem, failing: frozenset[str], policy: Policy, *, today: str
) -> Problem:
    """The problem, as an error if its rule is one whose warnings fail and nothing waives it."""
    if problem.severity is Severity.ERROR or not failing & {EVERY_RULE, problem.rule}:
        return problem
    left = [one for one in governed((problem,), policy) if one.severity is Severity.WARNING]
    fails = left and waiver_of(problem, policy, today=today) is None
    return replace(problem, severity=Severity.ERROR) if fails else problem
