"""JUnit's XML, as build servers list it."""

from collections.abc import Iterable
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from reconciler.core.model.plan import Plan
from reconciler.render.escaping import escaped
from reconciler.render.notice import scope_badges
from reconciler.render.text import WORDS, headline_facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case: failed when it has a `failure`. `output` is a text of several lines."""

    name: str
    file: str = ""
    failure: str = ""
    sort: str = ""
    output: str = ""


def junit(suite: str, cases: Iterable[Case]) -> str:
    """A document with one suite."""
    cases = tuple(cases)
    failures = sum(1 for case in cases if case.failure)
    counts = {"tests": str(len(cases)), "failures": str(failures), "errors": "0"}
    root = ET.Element("testsuites", {"name": "reconciler", **counts})
    group = ET.SubElement(root, "testsuite", {"name": suite, "skipped": "0", **counts})
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
        elif text:
            ET.SubElement(node, "system-out").text = text
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def plan_junit(plan: Plan, prefix: str) -> str:
    """A case for each refusal, which has failed, and each change, which has when it is blocked."""
    refusals = [
        Case(name=row.rule, failure=row.message, sort=row.rule, output=row.remedy)
        for row in plan.refusals
    ]
    changes = [
        Case(
            name=f"{WORDS[change.action].word} {change.address.name} {change.number or ''}".strip(),
            file=prefix + change.source.path if change.source else "",
            failure=change.block.message if change.block else "",
            sort=change.block.rule if change.block else "",
            output=change.block.remedy
            if change.block
            else (headline_facts(change) if change.after or change.before else ""),
        )
        for change in plan.pending
    ]
    badges = "".join(f" ({badge})" for badge in scope_badges(plan))
    return junit(f"reconciler plan{badges}", (*refusals, *changes))
