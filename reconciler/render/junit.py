"""JUnit's XML, which build servers list."""

from collections.abc import Iterable, Iterator
from xml.etree import ElementTree as ET

from reconciler.core.model.plan import Plan
from reconciler.core.model.proofs.rehearsal import Rehearsal, Rehearsed
from reconciler.render.escaping import escaped
from reconciler.render.plan_view import view_of
from reconciler.render.sections.rehearsal_text import (
    DIFFERS,
    REFUSED,
    REHEARSAL_AMOUNTS,
    RehearsalView,
)
from reconciler.render.styled_text import plain_text, table
from reconciler.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case: failed when it has a `failure`. `output` is a text of several lines.

    A case that nobody looked at is skipped.
    """

    name: str
    file: str = ""
    failure: str = ""
    sort: str = ""
    output: str = ""
    skipped: bool = False


def junit(suite: str, cases: Iterable[Case], *, about: Iterable[str] = ()) -> str:
    """A document with one suite, and lines about all of it."""
    cases = tuple(cases)
    failures = sum(1 for case in cases if case.failure)
    skipped = sum(1 for case in cases if case.skipped)
    counts = {"tests": str(len(cases)), "failures": str(failures), "errors": "0"}
    root = ET.Element("testsuites", {"name": "reconciler", **counts})
    group = ET.SubElement(root, "testsuite", {"name": suite, "skipped": str(skipped), **counts})
    for case in cases:
        place = {"file": escaped(case.file)} if case.file else {}
        named = {"classname": suite, "name": escaped(case.name), **place}
        node = ET.SubElement(group, "testcase", named)
        text = "\n".join(escaped(row) for row in case.output.split("\n"))
        if case.failure:
            failure = ET.SubElement(
                node, "failure", type=escaped(case.sort), message=escaped(case.failure)
            )
            failure.text = text
        elif case.skipped:
            ET.SubElement(node, "skipped", message=text)
        elif text:
            ET.SubElement(node, "system-out").text = text
    if lines := "\n".join(map(escaped, about)):
        ET.SubElement(group, "system-out").text = lines
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _rehearsal_cases(rehearsal: Rehearsal, view: RehearsalView) -> Iterator[Case]:
    """A case for each change on the scratch ledger, and one for its trial balance."""
    remedies = {rule: f"To fix: {remedy}" for rule, remedy in view.remedies}
    for one in rehearsal.changes:
        accepted = one.outcome is Rehearsed.ACCEPTED
        yield Case(
            name=f"rehearsal: {one.action} {one.name}",
            failure="" if accepted else f"{one.outcome.replace('-', ' ')}: {one.message}",
            sort=REFUSED,
            output="accepted" if accepted else remedies[REFUSED],
        )
    rows = (view.titles, *view.rows) if view.rows else ()
    balances = plain_text(table(rows, right=REHEARSAL_AMOUNTS)).splitlines()
    yield Case(
        name="rehearsal: trial balance",
        failure=view.balance if rehearsal.differing else "",
        sort=DIFFERS,
        output="\n".join((view.balance, *balances, *filter(None, [remedies.get(DIFFERS)]))),
    )


def waiting_cases(rows: Iterable[tuple[str, ...]]) -> Iterator[Case]:
    """A case for each source that posts in later periods."""
    for name, *rest in rows:
        yield Case(name=f"{name}, in later periods", output=", ".join(map(escaped, rest)))


def plan_junit(plan: Plan, prefix: str) -> str:
    """A case for each refusal, change, difference that no change answers, and what waits.

    With a rehearsal there is one for each change on the scratch ledger, and for its trial balance.

    Refusals, blocked changes and such differences have failed.
    """
    view = view_of(plan)
    cases = [
        Case(name=row.rule, failure=row.message, sort=row.rule, output=f"To fix: {row.remedy}")
        for row in plan.refusals
    ]
    for change in view.changes:
        block, source = change.change.block, change.change.source
        cases.append(
            Case(
                name=change.title,
                file=prefix + source.path if source else "",
                failure=block.message if block else "",
                sort=block.rule if block else "",
                output=f"To fix: {block.remedy}" if block else change.headline,
            )
        )
    cases += [
        Case(
            name=f"{one.name} {one.number}".rstrip(),
            file=prefix + one.path if one.path else "",
            failure=one.message,
            sort=one.rule,
            output=f"To fix: {one.remedy}",
        )
        for one in view.only_unanswered
    ]
    cases += waiting_cases(view.waiting)
    if plan.rehearsal is not None and view.rehearsal is not None:
        cases += _rehearsal_cases(plan.rehearsal, view.rehearsal)
    return junit(f"reconciler plan{view.marks}", cases, about=view.notices)
