"""Commands that messages suggest: as a shell reads them, and for the workspace of the run."""

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from reconciler.core.model.finding import Problem, Refusal, UnansweredDifference
from reconciler.core.model.plan import Plan

_PROGRAM = "reconciler"
_COMMAND = re.compile(
    # Text in double quotes is a value from a file or a ledger, and stays as it is.
    r'"(?:[^"\\]|\\.)*"'
    r"|`reconciler (?P<verb>[a-z]+)(?P<rest>(?:'[^']*'|\"[^\"]*\"|[^`'\"])*)`"
)
_WITHOUT_WORKSPACE = frozenset({"ledger", "schema", "version"})


def suggested(*words: object) -> str:
    """A command of this program in backquotes, which a shell reads as these words."""
    return f"`{shlex.join([_PROGRAM, *map(str, words)])}`"


def completed(text: str, workspace: str) -> str:
    """A text whose suggested commands name a workspace, as somebody named it for this run."""
    return _COMMAND.sub(lambda found: _completed(found, shlex.quote(workspace)), text)


def _completed(found: re.Match[str], workspace: str) -> str:
    verb, rest = found["verb"], found["rest"] or ""
    if verb is None or verb in _WITHOUT_WORKSPACE or re.search(r" (?:-w|--workspace)\b", rest):
        return found[0]
    # The verb that begins a workspace takes its directory as it is.
    option = "" if verb == "init" else "-w "
    return f"`{_PROGRAM} {verb}{rest} {option}{workspace}`"


Complete = Callable[[str], str]
"""Completes the commands that a text suggests."""


def completed_plan(plan: Plan, complete: Complete) -> Plan:
    """A plan to be shown, with the commands in its texts completed."""
    return replace(
        plan,
        refusals=tuple(completed_remedy(one, complete) for one in plan.refusals),
        warnings=tuple(replace(one, message=complete(one.message)) for one in plan.warnings),
        unanswered=tuple(completed_remedy(one, complete) for one in plan.unanswered),
        changes=tuple(
            one if one.block is None else replace(one, block=completed_remedy(one.block, complete))
            for one in plan.changes
        ),
    )


def completed_document(document: object, complete: Complete) -> object:
    """A document to be shown, with the commands in its messages and remedies completed."""
    if isinstance(document, Mapping):
        return {
            name: complete(value)
            if name in _TEXTS and isinstance(value, str)
            else completed_document(value, complete)
            for name, value in document.items()
        }
    if isinstance(document, list | tuple):
        return [completed_document(item, complete) for item in document]
    return document


_TEXTS = frozenset({"message", "remedy"})
_Told = TypeVar("_Told", Refusal, UnansweredDifference, Problem)


def completed_remedy(told: _Told, complete: Complete) -> _Told:
    """What is told, with the commands in its message and its remedy completed."""
    return replace(told, message=complete(told.message), remedy=complete(told.remedy))
