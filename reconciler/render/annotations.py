"""Annotations on the lines of a pull request, as GitHub's runners take them from the output."""

from collections.abc import Iterable
from typing import Literal, TypeAlias

from reconciler.core.model.plan import Change, Plan
from reconciler.render.escaping import runner_property, runner_text
from reconciler.render.moves import moves_text
from reconciler.render.notice import scope_badges, scope_notice
from reconciler.render.text import WORDS, headline_facts, summary

Level: TypeAlias = Literal["error", "warning", "notice"]


def annotation(
    level: Level,
    *texts: str,
    title: str,
    file: str = "",
    line: int = 1,
    column: int = 0,
) -> str:
    """One command to the runner. Its texts are lines; no text can end it or begin another."""
    properties = [f"title={runner_property(title)}"]
    if file:
        properties += [f"file={runner_property(file)}", f"line={line}"]
        properties += [f"col={column}"] * bool(column)
    message = "%0A".join(runner_text(text) for text in texts if text)
    return f"::{level} {','.join(properties)}::{message}\n"


def plan_annotations(plan: Plan, prefix: str) -> str:
    """The verdict, what refuses the plan, and each change that is blocked or takes entries back.

    `prefix` leads from the repository to the workspace. What creates or only updates is left to
    the plan itself: a runner shows few annotations, and these are the ones not to be missed.
    """
    told = [annotation("warning", text, title="scope of the plan") for text in scope_notice(plan)]
    told += [annotation("error", row.message, row.remedy, title=row.rule) for row in plan.refusals]
    told += [annotation("warning", text, title="plan") for text in plan.warnings]
    told += _changes(plan.pending, prefix)
    badges = "".join(f" ({badge})" for badge in scope_badges(plan))
    verdict = (summary(plan) if plan.pending else "no changes.") + badges
    told.append(annotation("notice", verdict, plan.digest, title=f"plan of {plan.basis.workspace}"))
    return "".join(told)


def _changes(changes: Iterable[Change], prefix: str) -> Iterable[str]:
    for change in changes:
        blocked = change.block is not None
        if not blocked and not change.takes_back:
            continue
        word = WORDS[change.action].word
        title = f"{word} {change.address.name} {change.number or ''}".rstrip()
        if change.block is not None:
            texts = (f"{change.block.rule}: {change.block.message}", change.block.remedy)
        else:
            out = f"takes a posted entry out of the books: {moves_text(change)}"
            texts = (out, headline_facts(change))
        level: Level = "error" if blocked else "warning"
        file, row = "", 1
        if change.source is not None:
            file, row = prefix + change.source.path, change.source.line
        yield annotation(level, *texts, title=title, file=file, line=row)
