"""The report accounts for every pending change (I-33)."""

import json

from builders import declared, entry, live, plan_for, recorded, snapshot
from document_schemas import must_fit

from reconciler.core.model.history import Result
from reconciler.core.model.plan import Step, Verb
from reconciler.core.model.report import Applied, Outcome, Settled, report_document, report_of
from reconciler.errors import RequestRefused

PLAN = plan_for(
    snapshot(
        [
            declared(name="created"),
            declared(entry(accountingPeriodName="Dec-2025"), name="blocked"),
            declared(name="kept"),
            declared(name="never-reached"),
            declared(name="refused"),
        ],
        [recorded(name="kept")],
        [live(name="kept")],
    )
)
CHANGE = {change.address.name: change for change in PLAN.changes}
CREATED = Applied(
    change=CHANGE["created"],
    outcome=Outcome.DONE,
    number="JE-00000002",
    steps=(Step(verb=Verb.CREATE),),
)
REFUSED = Applied(
    change=CHANGE["refused"],
    outcome=Outcome.FAILED,
    message="no",
    error=RequestRefused("no", codes=[53200020]),
)
SETTLED = tuple(
    Settled(address=CHANGE["created"].address, act="create", result=result)
    for result in (Result.DONE, Result.UNKNOWN)
)
REPORT = report_of(
    [REFUSED, CREATED], PLAN.pending, settled=SETTLED, plan_digest=PLAN.digest, interrupted=True
)


def test_every_pending_change_is_in_one_list_in_plan_order():
    assert [(item.change.address.name, item.outcome) for item in REPORT.applied] == [
        ("blocked", Outcome.BLOCKED),
        ("created", Outcome.DONE),
        ("never-reached", Outcome.NOT_ATTEMPTED),
        ("refused", Outcome.FAILED),
    ]
    assert sum(len(REPORT.ended(outcome)) for outcome in Outcome) == len(PLAN.pending)


def test_a_blocked_change_says_why():
    (blocked,) = REPORT.ended(Outcome.BLOCKED)
    assert blocked.message == "the accounting period Dec-2025 is closed"
    assert blocked.remedy


def test_what_is_still_open_is_listed():
    assert [item.result for item in REPORT.still_open] == [Result.UNKNOWN]


def test_the_document_says_the_same():
    document = report_document(REPORT)
    must_fit("report", json.dumps(document))
    assert document["plan_digest"] == PLAN.digest
    assert document["interrupted"] is True
    assert document["summary"] == {
        "done": 1, "failed": 1, "not_attempted": 1, "unknown": 0, "blocked": 1,
    }  # fmt: skip
    assert [row["result"] for row in document["settled"]] == ["done", "unknown"]
    (created,) = [row for row in document["changes"] if row["outcome"] == "done"]
    assert created["steps"] == [{"verb": "create", "number": None}]
    assert created["number"] == "JE-00000002"
    (refused,) = [row for row in document["changes"] if row["outcome"] == "failed"]
    assert refused["codes"] == [53200020]
