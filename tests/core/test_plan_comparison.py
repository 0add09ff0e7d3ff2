"""A new plan is applied only within the reviewed one (I-30)."""

from dataclasses import replace

import pytest
from builders import (
    basis,
    credit,
    debit,
    declared,
    entry,
    live,
    plan_for,
    plan_of,
    recorded,
    snapshot,
)

from reconciler.core.documents.plan_comparison import unreviewed
from reconciler.core.documents.plan_file import plan_of as read_plan
from reconciler.core.documents.plan_file import plan_text
from reconciler.core.model.plan import Allowances
from reconciler.core.model.policy import Removal

OLD, NEW = "JE-00000001", "JE-00000002"
EUR = entry(currency="EUR")

REPLACED = plan_of(EUR, entry())
"""What was reviewed: cancel, create, delete."""


def resumed(spec=EUR, *, book=None, ledger=(), **base):
    return plan_for(snapshot([declared(spec)], [book or recorded()], ledger), **base)


CANCELLED = live(number=OLD, status="Cancelled")
AFTER_CANCEL = resumed(book=recorded(cancelled=True), ledger=[CANCELLED])
AFTER_CREATE = resumed(
    book=recorded(EUR, number=NEW, leftovers=(OLD,)), ledger=[live(EUR, number=NEW), CANCELLED]
)
DONE = resumed(book=recorded(EUR, number=NEW), ledger=[live(EUR, number=NEW)])


@pytest.mark.parametrize("interrupted", [False, True])
def test_the_same_plan_is_within_its_review(interrupted):
    saved = read_plan(plan_text(REPLACED))
    assert unreviewed(saved, plan_of(EUR, entry()), interrupted=interrupted) == ()


@pytest.mark.parametrize(
    "now",
    [
        pytest.param(AFTER_CANCEL, id="after the cancel"),
        pytest.param(AFTER_CREATE, id="after the create"),
        pytest.param(DONE, id="after the delete"),
    ],
)
def test_the_rest_of_an_interrupted_run_is_within_its_review(now):
    """I-26: the next run finishes without a human. Without an interruption nothing explains it."""
    assert unreviewed(REPLACED, now, interrupted=True) == ()
    assert len(unreviewed(REPLACED, now, interrupted=False)) == 1


def test_a_removal_whose_steps_are_all_done_is_within_its_review():
    gone = plan_for(snapshot([], [recorded(cancelled=True)]))
    assert unreviewed(plan_of(None, entry()), gone, interrupted=True) == ()


CHANGED = "true-up: replace was reviewed; now "


@pytest.mark.parametrize(
    ("now", "said"),
    [
        pytest.param(
            plan_of(entry(currency="JPY"), entry()),
            CHANGED + "it is blocked",
            id="the file moved, and cannot be posted",
        ),
        pytest.param(
            plan_of(entry(debit("7"), credit("7")), entry()),
            CHANGED + "the content of the file differs",
            id="the file moved",
        ),
        pytest.param(
            plan_of(EUR, entry(notes="x")),
            CHANGED + f"{OLD} has changed",
            id="live moved",
        ),
        pytest.param(
            plan_of(entry(notes="b"), entry()), CHANGED + "it is update", id="other action"
        ),
        pytest.param(
            resumed(book=recorded(number=NEW), ledger=[live(number=NEW)]),
            CHANGED + f"its number is {NEW}, not {OLD}",
            id="another entry",
        ),
        pytest.param(
            plan_of(EUR, entry(), removal=Removal.CANCEL),
            CHANGED + "its calls differ",
            id="another policy",
        ),
        pytest.param(
            resumed(
                entry(debit("7"), credit("7")), book=recorded(cancelled=True), ledger=[CANCELLED]
            ),
            CHANGED + "the content of the file differs",
            id="the file moved after the cancel",
        ),
        pytest.param(
            resumed(
                book=recorded(number=NEW, cancelled=True),
                ledger=[live(number=NEW, status="Cancelled")],
            ),
            CHANGED + f"its number is {NEW}, not {OLD}",
            id="the rest of a change of another entry",
        ),
        pytest.param(
            plan_for(snapshot([declared(EUR), declared(name="z")], [recorded()], [live()])),
            "z: create was not reviewed",
            id="one more",
        ),
    ],
)
@pytest.mark.parametrize("interrupted", [False, True])
def test_what_was_not_reviewed_is_named(now, said, interrupted):
    assert unreviewed(REPLACED, now, interrupted=interrupted) == (said,)


@pytest.mark.parametrize(
    "moved",
    [
        replace(REPLACED, basis=basis(workspace="other")),
        replace(REPLACED, basis=basis(tenant_id="2")),
        replace(REPLACED, basis=basis(entity_id="2")),
        replace(REPLACED, basis=basis(home_currency="USD")),
        replace(REPLACED, basis=basis(marker_place="notes")),
        replace(REPLACED, allowances=Allowances(max_removals=9)),
    ],
)
def test_a_plan_for_other_books_was_not_reviewed(moved):
    now = replace(moved, digest="sha256:other")
    said = ("the workspace, the ledger or the allowances differ",)
    assert unreviewed(REPLACED, now, interrupted=True) == said


@pytest.mark.parametrize(
    ("base", "interrupted", "said"),
    [
        pytest.param({"serial": 9}, False, False, id="the daybook grew"),
        pytest.param({"serial": 6}, True, True, id="I-44 an older copy of it"),
        pytest.param({"lineage": "other"}, True, True, id="I-41 another one"),
    ],
)
def test_a_plan_goes_on_from_the_daybook_it_was_reviewed_with(base, interrupted, said):
    digest = "sha256:other" if interrupted else REPLACED.digest
    now = replace(REPLACED, basis=basis(**base), digest=digest)
    found = unreviewed(REPLACED, now, interrupted=interrupted)
    assert len(found) == said
    assert all("daybook" in text for text in found)


def test_an_update_that_clears_more_than_was_reviewed_is_named():
    """File and ledger stand still; what the daybook remembers as ours moved."""
    held = entry(notes="a", Ticket__c="T-1")
    spec = entry(notes="b")
    one = plan_of(spec, held, applied=entry(notes="a"))
    other = plan_of(spec, held, applied=held)
    assert unreviewed(one, other, interrupted=False) == (
        "true-up: update was reviewed; now its calls differ",
    )


def adopting(number, **more):
    """The plan of an adoption that makes no call: the entry carries the marker already."""
    wanted = declared(adopts=number, **more)
    kind = "Invoice Item" if more.get("made_by") else "Manual"
    held = live(number=number, transactionType=kind)
    of = snapshot([wanted], [], [held])
    return plan_for(of)


@pytest.mark.parametrize(
    "now",
    [
        pytest.param(adopting(NEW), id="another number"),
        pytest.param(adopting(OLD, made_by="JR-00000001"), id="as an entry of a run"),
    ],
)
def test_an_adoption_without_calls_is_held_to_its_review_too(now):
    """I-35: what the digest covers is what was approved, whether it takes a call or not."""
    reviewed = adopting(OLD)
    assert reviewed.feasible
    assert unreviewed(reviewed, now, interrupted=False)
