"""Annotations on the lines of a pull request, which GitHub's runners read from the output."""

from collections.abc import Iterator, Mapping
from typing import Literal, TypeAlias

from reconciler.core.model.finding import Severity, cut
from reconciler.core.model.plan import Plan
from reconciler.render.change_view import ChangeView
from reconciler.render.escaping import runner_property, runner_text
from reconciler.render.plan_view import view_of
from reconciler.render.sections.plan_rows import MOST_WAITING
from reconciler.render.sections.rehearsal_text import DIFFERS, EQUAL, REFUSED, RehearsalView

Level: TypeAlias = Literal["error", "warning", "notice"]


def annotation(
    level: Level, *texts: str, title: str, file: str = "", line: int = 1, column: int = 0
) -> str:
    """One command to the runner. Each text is a line; no text can end it or begin another."""
    properties = [f"title={runner_property(title)}"]
    if file:
        properties += [f"file={runner_property(file)}", f"line={line}"]
        properties += [f"col={column}"] * bool(column)
    message = "%0A".join(runner_text(text) for text in texts if text)
    return f"::{level} {','.join(properties)}::{message}\n"


def plan_annotations(plan: Plan, prefix: str) -> str:
    """The verdict, refusals, each change that is blocked or cancels an entry, and warnings.

    `prefix` is the path from the repository to the workspace. A runner shows the first ten of a
    level, so the verdict comes first, creates and updates have none, and warnings come after what
    an apply would cancel.
    """
    view = view_of(plan)
    level: Level = "error" if view.refused else "notice"
    told = (view.headline + view.marks, view.verdict.sentence, plan.digest, view.refused)
    drawn = [annotation(level, *told, title=f"plan of {plan.basis.workspace}")]
    drawn += [annotation("warning", text, title="scope of the plan") for text in view.notices]
    drawn += [annotation("notice", view.live, title="live state")] * bool(view.live)
    drawn += [
        annotation("error", row.message, f"To fix: {row.remedy}", title=row.rule)
        for row in plan.refusals
    ]
    told_of = (one for one in view.changes if one.change.block is not None or one.cancels)
    drawn += [_of_change(one, prefix) for one in told_of]
    drawn += [
        annotation(
            "warning",
            f"{one.number}: {one.message}".removeprefix(": "),
            f"To fix: {one.remedy}",
            title=one.rule,
            file=prefix + one.path if one.path else "",
            line=one.line,
        )
        for one in view.only_unanswered
    ]
    drawn += [
        annotation(
            "warning" if one.severity is Severity.WARNING else "notice",
            f"{one.place}: {one.message}".removeprefix(": "),
            title=one.rule,
        )
        for one in view.warnings
    ]
    if view.rehearsal is not None:
        drawn += _rehearsal(view.rehearsal, {one.name: one for one in view.changes}, prefix)
    later = cut([f"{row[0]}: {', '.join(row[1:])}" for row in view.waiting], MOST_WAITING)
    drawn += [annotation("notice", *later, title="waiting for later periods")] * bool(later)
    return "".join(drawn)


def _of_change(change: ChangeView, prefix: str) -> str:
    """A change that is blocked, or that cancels a posted entry."""
    block, source = change.change.block, change.change.source
    texts = (f"cancels a posted entry: {change.money}", change.headline)
    if block is not None:
        texts = (f"{block.rule}: {block.message}", f"To fix: {block.remedy}")
    return annotation(
        "warning" if block is None else "error",
        *texts,
        title=change.title,
        file=prefix + source.path if source else "",
        line=source.line if source else 1,
    )


def _rehearsal(
    found: RehearsalView, changes: Mapping[str, ChangeView], prefix: str
) -> Iterator[str]:
    """The result of a rehearsal, and an error on the file of each change that was not accepted."""
    remedies = {rule: f"To fix: {remedy}" for rule, remedy in found.remedies}
    for outcome, name, action, message in found.failed:
        source = changes[name].change.source if name in changes else None
        yield annotation(
            "error",
            f"{outcome} on a scratch ledger: {message}",
            remedies[REFUSED],
            title=f"{REFUSED}: {action} {name}",
            file=prefix + source.path if source else "",
            line=source.line if source else 1,
        )
    if DIFFERS in remedies:
        rows = (
            ", ".join((*row[:3], f"{row[4]} by the ledger", f"{row[5]} by the plan"))
            for row in found.rows
            if row[5] != EQUAL
        )
        shown = cut([row.strip() for row in rows], MOST_WAITING)
        yield annotation("error", *shown, remedies[DIFFERS], title=DIFFERS)
    yield annotation(
        "notice",
        found.headline,
        found.balance,
        found.unknown,
        title="rehearsal on a scratch ledger",
    )
