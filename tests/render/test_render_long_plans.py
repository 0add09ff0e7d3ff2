"""Plans that do not fit a screen, summaries, and plans that are not about everything."""

from dataclasses import replace
from xml.etree import ElementTree

import pytest
from builders import (
    credit,
    debit,
    declared,
    entry,
    live,
    plan_for,
    plan_warning,
    recorded,
    snapshot,
)

from reconciler.core.model.finding import Severity
from reconciler.core.model.plan import Action
from reconciler.core.model.scope import OutOfScope, Scope, Selection
from reconciler.render.annotations import plan_annotations
from reconciler.render.junit import plan_junit
from reconciler.render.markdown import plan_markdown
from reconciler.render.plan_view import view_of
from reconciler.render.styled_text import plain_text
from reconciler.render.text import LARGE, MOST_LISTED, overview_lines, plan_lines

FEB = {"accountingPeriodName": "Feb-2026", "journalEntryDate": "2026-02-28"}
DEC = {"accountingPeriodName": "Dec-2025", "journalEntryDate": "2025-12-31"}


def long_plan(creates=7, removals=3, **more):
    """Creates in February, removals and a replacement in January, one blocked in December."""
    files = [
        declared(entry(debit(f"{at}.00"), credit(f"{at}.00"), **FEB), name=f"feb-{at:03}")
        for at in range(1, creates + 1)
    ]
    files += [declared(entry(currency="EUR"), name="replaced"), declared(entry(**DEC), name="late")]
    book = [recorded(name="replaced", number="JE-00000900")]
    book += [recorded(name=f"gone-{at:02}", number=f"JE-{at:08}") for at in range(1, removals + 1)]
    held = [live(name=item.address.name, number=item.number) for item in book]
    return plan_for(snapshot(files, book, held, **more))


def partial(scope, declared=0, recorded=0, **base):
    selection = Selection(
        scope=scope, out_of_scope=OutOfScope(declared=declared, recorded=recorded)
    )
    of = replace(snapshot([]), selection=selection)
    return plan_for(of, **base)


def test_a_long_plan_reads_like_this(golden):
    """By period, the earliest first; what is dangerous stands at the end as well."""
    golden("long-plan.txt", plain_text(plan_lines(long_plan())))


def test_a_summary_reads_like_this(golden):
    golden("long-summary.txt", plain_text(overview_lines(long_plan())))


def test_many_warnings_of_one_rule_hide_neither_another_rule_nor_what_is_cancelled():
    """The verdict counts them. A comment and a runner show the first ones, one of every rule."""
    dated = [plan_warning("outside", rule="date-in-period", place=f"{at}:1") for at in range(118)]
    twice = plan_warning("the same as a", rule="same-economics", place="b:1")
    told = plan_warning("waived", rule="waiver-applied", severity=Severity.INFORMATION)
    plan = replace(long_plan(), warnings=(*dated, twice, told))
    counts = "119 warnings: date-in-period, same-economics."
    assert counts in view_of(plan).verdict.sentence
    rows = [row for row in plan_markdown(plan).splitlines() if row.startswith(("- W", "- I"))]
    assert [row.partition("</code>")[0] for row in rows[:3]] == [
        "- Warning <code>date-in-period",
        "- Warning <code>same-economics",
        "- Information <code>waiver-applied",
    ]
    assert len(rows) == 120
    verdict, *drawn = plan_annotations(plan, "journals/").splitlines()
    assert counts in verdict, "a runner shows the first ten of a level"
    first = next(at for at, row in enumerate(drawn) if "date-in-period" in row)
    assert all("cancels a posted entry" not in row for row in drawn[first:])
    assert "same-economics" in drawn[first + 1]
    assert drawn[first + 2].startswith("::notice title=waiver-applied")


@pytest.mark.parametrize(
    ("files", "sentence"),
    [([], "The files declare nothing."), (["a"], "The ledger holds what the files declare.")],
)
def test_files_that_declare_nothing_are_not_what_the_ledger_holds(files, sentence):
    """A workspace in the wrong folder looks the same as one whose entries are all posted."""
    of = snapshot(
        [declared(entry(), name=name) for name in files],
        [recorded(name=name, number="JE-00000001") for name in files],
        [live(name=name, number="JE-00000001") for name in files],
    )
    verdict = view_of(plan_for(of)).verdict
    assert (verdict.words, verdict.sentence) == ("No changes", sentence)
    assert (verdict.style == "warning") is not bool(files)


def test_a_warning_makes_the_verdict_one_to_look_at():
    create = plan_for(snapshot([declared(entry(), name="a")]))
    warned = replace(create, warnings=(plan_warning("outside"),))
    assert view_of(create).verdict.style == "good"
    assert view_of(warned).verdict.style == "warning"


@pytest.mark.parametrize("creates", [LARGE - 5, LARGE - 4], ids=["a screenful", "one more"])
def test_a_plan_is_grouped_when_it_is_long(creates):
    plan = long_plan(creates=creates)
    long = len(plan.pending) > LARGE
    text = plain_text(plan_lines(plan))
    assert long is (creates == LARGE - 4)
    assert ("\nJan-2026 (Open): " in text) is long
    assert ("Cancels posted entries:" in text) is long


def test_what_is_dangerous_is_bounded_and_counted():
    plan = long_plan(removals=MOST_LISTED + 30)
    text = plain_text(overview_lines(plan))
    assert text.count("\n  - remove") == MOST_LISTED
    assert "  and 31 more\n" in text
    assert plan.summary[Action.REMOVE] == MOST_LISTED + 30
    assert len(text.splitlines()) < 60


def test_every_change_stands_in_a_long_plan_once():
    plan = long_plan(creates=60)
    lines = plain_text(plan_lines(plan)).splitlines()
    for number in range(1, 61):
        assert sum(f"+ create  feb-{number:03}  " in line for line in lines) == 1


SCOPES = {
    "partial-target": partial(Scope(targets=["rent-*", "a"]), declared=3, recorded=1),
    "partial-all": partial(
        Scope(targets=["a"], periods=["Jan-2026"], labels=["t=x", "t=y"], excludes=["b"]),
        declared=1200,
    ),
    "partial-exclude": partial(Scope(excludes=["b"]), declared=1),
    "offline": partial(Scope(offline=True)),
    "offline-new": partial(Scope(offline=True), lineage=""),
    "offline-partial": partial(Scope(offline=True, targets=["a"]), recorded=1),
    "hostile-target": partial(Scope(targets=["\x1b[31m*", "</code><b>|`@all"])),
}


@pytest.mark.parametrize("name", SCOPES)
def test_a_scope_is_marked_like_this(golden, name):
    plan = SCOPES[name]
    golden(f"scope-{name}.txt", plain_text(plan_lines(plan)))
    golden(f"scope-{name}.md", plan_markdown(plan))


@pytest.mark.parametrize("name", SCOPES)
def test_every_form_marks_header_and_verdict(name):
    plan = SCOPES[name]
    badges = view_of(plan).badges
    assert badges
    assert set(badges) <= {"OFFLINE", "PARTIAL"}
    assert [notice.partition(":")[0] for notice in view_of(plan).notices] == [*badges]
    for lines in (plan_lines(plan), overview_lines(plan)):
        text = plain_text(lines).splitlines()
        for badge in badges:
            assert any(line.startswith(f"{badge}: ") for line in text[:4])
            assert any(f"({badge})" in line for line in text[-4:])
    title = plan_markdown(plan).splitlines()[0]
    assert all(f"({badge})" in title for badge in badges)
    verdict, *notices = plan_annotations(plan, "").splitlines()
    assert all(f"({badge})" in verdict for badge in badges)
    assert [notice.rpartition("::")[2].partition(":")[0] for notice in notices] == [*badges]
    suite = ElementTree.fromstring(plan_junit(plan, ""))[0].get("name")
    assert all(f"({badge})" in suite for badge in badges)


def test_a_plan_of_everything_has_no_mark():
    view = view_of(partial(Scope()))
    assert view.notices == view.badges == ()
