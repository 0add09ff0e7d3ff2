"""The end of an apply as people read it: one golden file for each way it can end."""

import pytest

from reconciler.core.model.finding import Refusal
from reconciler.core.model.history import Result
from reconciler.core.model.plan import Action, Change, Reason, Step, Verb
from reconciler.core.model.report import Applied, Outcome, Settled, report_of
from reconciler.core.model.resource import Address
from reconciler.render.report import applied_line, report_lines, settled_line
from reconciler.render.styled_text import plain_text


def change(name, action=Action.CREATE, **fields):
    if action in (Action.REMOVE, Action.REPLACE):
        fields = {"number": "JE-00000008", **fields}
    address = Address("JournalEntry", name)
    return Change(address=address, action=action, wanted=action, reason=Reason.NEW, **fields)


def ended(name, outcome, *, action=Action.CREATE, **fields):
    return Applied(change=change(name, action), outcome=outcome, **fields)


DONE = (
    ended("2026-01-hosting", Outcome.DONE, number="JE-00000012"),
    ended("2026-01-notes", Outcome.DONE, action=Action.UPDATE, number="JE-00000001"),
    ended("2026-01-obsolete", Outcome.DONE, action=Action.REMOVE),
    ended("2026-01-true-up", Outcome.DONE, action=Action.REPLACE, number="JE-00000013"),
)
FAILED = ended(
    "2026-01-commissions",
    Outcome.FAILED,
    action=Action.REPLACE,
    number="JE-00000002",
    steps=(Step(verb=Verb.CANCEL, number="JE-00000002"),),
    message='Creating a JournalEntry was refused: the permission "Create Journal Entry" is missing',
    remedy="Have the permission granted, then run the command again.",
    track_id="rec-0123456789abcdef",
)
UNKNOWN = ended(
    "2026-01-rent",
    Outcome.UNKNOWN,
    message="Creating a JournalEntry was sent, and no answer came within 30 seconds",
    remedy="Run the command again.",
    track_id="rec-fedcba9876543210",
)
LEFT = ended(
    "2026-01-vat",
    Outcome.NOT_ATTEMPTED,
    message="another change in Jan-2026 did not succeed",
)
ALSO_LEFT = ended(
    "2026-01-wages",
    Outcome.NOT_ATTEMPTED,
    action=Action.UPDATE,
    number="JE-00000005",
    message="another change in Jan-2026 did not succeed",
)
MOVED = ended(
    "2026-01-usage",
    Outcome.NOT_ATTEMPTED,
    action=Action.UPDATE,
    number="JE-00000006",
    message="the daybook cannot be written",
    remedy="Make room on the disk, then run the command again.",
)
BLOCKED = change(
    "2026-01-sent",
    Action.BLOCKED,
    number="JE-00000004",
    block=Refusal(
        rule="transferred",
        message="JE-00000004 has transferredToAccounting Yes",
        remedy="Restore the file as it was, and correct the books with a reversing entry.",
    ),
)
OPEN = Settled(
    address=Address("JournalEntry", "2026-01-rent"),
    act="create",
    result=Result.UNKNOWN,
    message="the key of its create protects no longer, so it is not sent again",
)

REPORTS = {
    "all-done": report_of(DONE, [item.change for item in DONE]),
    "nothing": report_of((), ()),
    "failed": report_of((*DONE, FAILED, LEFT), [item.change for item in (*DONE, FAILED, LEFT)]),
    "not-attempted": report_of(
        (LEFT, MOVED, ALSO_LEFT), [LEFT.change, MOVED.change, ALSO_LEFT.change]
    ),
    "unknown": report_of((UNKNOWN,), [UNKNOWN.change]),
    "blocked": report_of(DONE[:1], [DONE[0].change, BLOCKED]),
    "interrupted": report_of(
        DONE[:2], [*(item.change for item in DONE), BLOCKED], interrupted=True
    ),
    "still-open": report_of((), (), settled=(OPEN,)),
    "everything": report_of(
        (*DONE, FAILED, UNKNOWN, LEFT),
        [*(item.change for item in (*DONE, FAILED, UNKNOWN, LEFT)), BLOCKED],
        settled=(OPEN,),
    ),
}


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_reads_like_this(name, golden):
    report = REPORTS[name]
    log = [applied_line(item) for item in report.applied]
    golden(f"report-{name}.txt", plain_text((*log, (), *report_lines(report))))


def test_what_was_settled_reads_like_this(golden):
    rows = [
        Settled(
            address=Address("JournalEntry", "2026-01-rent"),
            act=act,
            result=result,
            number="JE-00000009" if result is not Result.UNKNOWN else None,
            message="no answer" if result is Result.UNKNOWN else "",
        )
        for act in ("create", "update", "cancel", "delete")
        for result in Result
    ]
    golden("settled.txt", plain_text(settled_line(row) for row in rows))


@pytest.mark.parametrize("name", REPORTS)
def test_the_counts_of_a_report_are_those_of_its_changes(name):
    report = REPORTS[name]
    text = plain_text(report_lines(report))
    for outcome, word in (
        (Outcome.FAILED, "failed"),
        (Outcome.UNKNOWN, "outcome unknown"),
        (Outcome.NOT_ATTEMPTED, "not attempted"),
        (Outcome.BLOCKED, "blocked"),
    ):
        count = len(report.ended(outcome))
        assert (f"{count} {word}" in text) == (count > 0)
