"""A plan holds each reversal to what is posted, and posts none without its original."""

from dataclasses import replace

import pytest
from builders import address, credit, debit, declared, entry, live, plan_for, recorded, snapshot

from reconciler.core.documents.plan_json import document_of, plan_from
from reconciler.core.model.plan import CANCELLED, Action
from reconciler.core.model.policy import Approvals, Policy, Tier
from reconciler.core.model.scope import Scope, Selection
from reconciler.core.planning.reversing.proof import undeclared_originals
from reconciler.core.planning.reversing.removals import originals_alone
from reconciler.core.planning.selection import Workspace, select

ORIGINAL, NUMBER = "true-up", "JE-00000018"
BACK = (debit(code="Subscription Revenue"), credit(code="Deferred Revenue"))
CLOSED = {"accountingPeriodName": "Dec-2025", "journalEntryDate": "2025-12-31"}


def original(spec=None, **more):
    return declared(spec, name=ORIGINAL, **more)


def reversal(*lines, of=ORIGINAL, **fields):
    return declared(entry(*(lines or BACK), **fields), name="undo", reverses=of)


def posted(spec=None, **more):
    return live(spec, **{"name": ORIGINAL, "number": NUMBER, **more})


RECORD = recorded(name=ORIGINAL, number=NUMBER)
GONE = recorded(name=ORIGINAL, number=NUMBER, cancelled=True)


def planned(files, book=(), ledger=(), **policy):
    plan = plan_for(snapshot(files, book, ledger, **policy))
    return {change.address.name: change for change in plan.changes}


BLOCKS = [
    # rule, message, files, book, ledger
    pytest.param(
        "reversal-nets",
        f"with {NUMBER}, it leaves Deferred Revenue USD 100.00 Dr, "
        "Subscription Revenue USD 100.00 Cr",
        [original(), reversal()], [RECORD],
        [posted(entry(debit("500.90"), credit("500.90")), transferredToAccounting="Yes")],
        id="the ledger holds another amount",
    ),
    pytest.param(
        "reversal-nets",
        f"with {NUMBER}, it leaves Deferred Revenue USD 400.90 Cr, "
        "Deferred Revenue (Department Sales) USD 400.90 Dr, "
        "Subscription Revenue USD 400.90 Dr and 1 more",
        [reversal(of=NUMBER)], [],
        [posted(entry(segments=({"segmentName": "Department", "segmentValue": "Sales"},)))],
        id="the undeclared original has a segment",
    ),
    pytest.param(
        "reversal-cancelled", f"{NUMBER}, which it reverses, is Cancelled",
        [reversal(of=NUMBER)], [], [posted(status=CANCELLED)], id="a cancelled number",
    ),
    pytest.param(
        "reversal-cancelled", f"{NUMBER}, which it reverses, is not in the ledger",
        [reversal(of=NUMBER)], [recorded(name="other", number=NUMBER)], [], id="a lost number",
    ),
    pytest.param(
        "reversal-cancelled", f"this plan cancels {NUMBER}, which it reverses",
        [reversal(of=NUMBER)], [RECORD], [posted()], id="a number that is removed now",
    ),
    pytest.param(
        "reversal-order",
        f"{ORIGINAL}, which it reverses, is not posted, and is blocked by period-closed",
        [original(entry(**CLOSED)), reversal()], [], [], id="its original is blocked",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "message", "files", "book", "ledger"), BLOCKS)
def test_a_reversal_is_blocked(rule, message, files, book, ledger):
    change = planned(files, book, ledger)["undo"]
    assert (change.action, change.wanted) == (Action.BLOCKED, Action.CREATE)
    assert (change.block.rule, change.block.message) == (rule, message)
    assert change.block.remedy


@pytest.mark.parametrize(
    ("files", "book", "ledger"),
    [
        pytest.param([original(), reversal()], [RECORD], [posted()], id="a posted original"),
        pytest.param([original(), reversal()], [], [], id="both are new"),
        pytest.param([reversal(of=NUMBER)], [], [posted()], id="a number nobody declares"),
        pytest.param(
            [original(entry(notes="new")), reversal()], [RECORD],
            [posted(transferredToAccounting="Yes")], id="a transferred original",
        ),
        pytest.param(
            [declared(name="a", previous_name=ORIGINAL), reversal()], [RECORD], [posted()],
            id="an original that is renamed",
        ),
        pytest.param(
            [original(), reversal()], [RECORD], [posted(status=CANCELLED)],
            id="an original that this plan posts again",
        ),
    ],
)  # fmt: skip
def test_a_reversal_is_posted(files, book, ledger):
    changes = planned(files, book, ledger)
    assert changes["undo"].action is Action.CREATE
    assert changes["undo"].reverses in (*changes, NUMBER)


def test_a_posted_reversal_is_left_alone_whatever_becomes_of_its_original():
    """A block would only hide the change: nothing is posted."""
    files = [original(entry(**CLOSED)), reversal()]
    book = [recorded(entry(*BACK), name="undo", number="JE-00000019")]
    ledger = [live(entry(*BACK), name="undo", number="JE-00000019")]
    assert planned(files, book, ledger)["undo"].action is Action.KEEP


def test_offline_an_undeclared_original_is_not_judged():
    assert planned([reversal(of="JE-00000099")])["undo"].action is Action.CREATE


def test_the_link_is_a_part_of_the_plan_document_and_of_its_digest():
    files = [original(), reversal()]
    plan = plan_for(snapshot(files, [RECORD], [posted()]))
    document = document_of(plan)
    rows = {row["name"]: row for row in document["changes"]}
    assert rows["undo"]["reverses"] == ORIGINAL
    (pair,) = document["reversals"]
    assert (pair["original"], pair["number"], pair["reversed_by"]) == (ORIGINAL, NUMBER, "undo")
    assert [(net["original"], net["reversal"]) for net in pair["nets"]] == [
        ("400.9", "-400.9"),
        ("-400.9", "400.9"),
    ]
    again = plan_from(document)
    assert again.reversals == plan.reversals
    assert [change.reverses for change in again.pending] == [ORIGINAL]
    alone = declared(entry(*BACK), name="undo")
    assert plan.digest != plan_for(snapshot([original(), alone], [RECORD], [posted()])).digest


def test_a_tier_may_ask_for_approvals_of_reversals():
    tier = Tier(required=2, actions=("reverse",))
    policy = Policy(approvals=Approvals(tiers=(tier,)))
    for files, required in (([original(), reversal()], 2), ([original()], 0)):
        plan = plan_for(snapshot(files), policy=policy)
        assert plan.requirement.approvals == required


def test_a_selected_reversal_includes_its_original():
    files = {one.address: one for one in (original(), reversal(), declared(name="other"))}
    selection, linked, problems = select(
        Scope(targets=("undo",)), Workspace(declared=files, recorded={}, periods={})
    )
    assert (problems, linked) == ((), (address(ORIGINAL),))
    assert address("other") not in selection


def test_a_number_is_read_once():
    files = [reversal(of=NUMBER), original()]
    (wanted,) = undeclared_originals(files, ())
    assert wanted[1] == NUMBER
    assert undeclared_originals(files, [wanted]) == ()


@pytest.mark.parametrize(
    ("of", "files", "ledger", "alone"),
    [
        pytest.param(NUMBER, [], posted(status=CANCELLED), True, id="a number"),
        pytest.param(NUMBER, [], posted(), False, id="a posted number"),
        pytest.param(
            ORIGINAL, [original(entry(**CLOSED))], posted(entry(**CLOSED), status=CANCELLED),
            True, id="a name that is blocked",
        ),
        pytest.param(
            ORIGINAL, [original()], posted(status=CANCELLED), False,
            id="a name that is posted again",
        ),
    ],
)  # fmt: skip
def test_a_posted_reversal_without_its_original_needs_a_person(of, files, ledger, alone):
    book = [recorded(entry(*BACK), name="undo", number="JE-00000019"), *([RECORD] if files else [])]
    undo = live(entry(*BACK), name="undo", number="JE-00000019")
    plan = plan_for(snapshot([*files, reversal(of=of)], book, [ledger, undo]))
    rules = [(one.rule, one.name) for one in plan.unanswered]
    assert (("reversal-alone", "undo") in rules) is alone


# What no file declares any more: the lines prove which entry reverses which.

UNDO = recorded(entry(*BACK), name="undo", number="JE-00000019")


def undo(**fields):
    return live(entry(*BACK), **{"name": "undo", "number": "JE-00000019", **fields})


def removed(files=(), book=(RECORD, UNDO), ledger=None, **more):
    ledger = [posted(), undo()] if ledger is None else ledger
    return {
        one.address.name: one for one in plan_for(snapshot(files, book, ledger, **more)).changes
    }


def test_a_removed_reversal_is_linked_to_its_original():
    changes = removed()
    assert (changes["undo"].reverses, changes[ORIGINAL].reversed_by) == (ORIGINAL, "undo")
    assert {one.action for one in changes.values()} == {Action.REMOVE}


def test_an_original_is_shown_with_its_reversal():
    changes = planned(
        [original(entry(notes="new")), reversal()], [RECORD, UNDO], [posted(), undo()]
    )
    assert changes[ORIGINAL].reversed_by == "undo"


YES = {"transferredToAccounting": "Yes"}
ONLY = {name: Selection(scope=Scope(targets=(name,)), addresses=frozenset({address(name)}))
        for name in (ORIGINAL, "undo")}  # fmt: skip


@pytest.mark.parametrize(
    ("blocked", "message", "files", "ledger", "more"),
    [
        pytest.param(
            ORIGINAL, "undo, which reverses it, stays posted: it is blocked by transferred",
            [], [posted(), undo(**YES)], {}, id="the reversal is transferred",
        ),
        pytest.param(
            "undo", f"{ORIGINAL}, which it reverses, stays posted: it is blocked by transferred",
            [], [posted(**YES), undo()], {}, id="the original is transferred",
        ),
        pytest.param(
            ORIGINAL, "undo, which reverses it, stays posted: its removal is not selected",
            [], None, {"selection": ONLY[ORIGINAL]}, id="the original alone is selected",
        ),
        pytest.param(
            "undo", f"{ORIGINAL}, which it reverses, stays posted: its removal is not selected",
            [], None, {"selection": ONLY["undo"]}, id="the reversal alone is selected",
        ),
        pytest.param(
            ORIGINAL, "undo, which reverses it, stays posted: it is blocked by transferred",
            [original(entry(debit("1"), credit("1")))], [posted(), undo(**YES)], {},
            id="the original is edited instead",
        ),
        pytest.param(
            ORIGINAL, "undo, which reverses it, stays posted: this plan keeps it",
            [reversal(of=NUMBER)], None, {}, id="the reversal stays declared by the number",
        ),
        pytest.param(
            ORIGINAL, "undo, which reverses it, stays posted: it is blocked by transferred",
            [original(entry(debit("1"), credit("1"))),
             reversal(debit("1", "Subscription Revenue"), credit("1", "Deferred Revenue"))],
            [posted(), undo(**YES)], {}, id="both are edited",
        ),
    ],
)  # fmt: skip
def test_an_entry_is_not_cancelled_while_the_other_of_its_pair_stays(
    blocked, message, files, ledger, more
):
    change = removed(files, ledger=ledger, **more)[blocked]
    assert (change.action, change.block.rule) == (Action.BLOCKED, "reversal-order")
    assert change.block.message == message
    assert change.block.remedy


CANCELLED_UNDO = replace(UNDO, cancelled=True, reversed=ORIGINAL)
DELETED_UNDO = replace(CANCELLED_UNDO, number=None, spec=None, last=UNDO.number)


@pytest.mark.parametrize(
    ("files", "book", "ledger", "ends"),
    [
        pytest.param([], [RECORD, CANCELLED_UNDO], [posted(), undo(status=CANCELLED)],
                     f"this plan cancels {ORIGINAL}", id="cancelled"),
        pytest.param([], [RECORD, DELETED_UNDO], [posted()],
                     f"this plan cancels {ORIGINAL}", id="deleted"),
        pytest.param([], [RECORD, DELETED_UNDO], [posted(**YES)],
                     f"this plan leaves {ORIGINAL} posted", id="the original is transferred"),
        pytest.param([], [RECORD, CANCELLED_UNDO], [posted(), undo()], "",
                     id="the reversal is posted again"),
        pytest.param([original()], [RECORD, DELETED_UNDO], [posted()], "",
                     id="a file keeps the original"),
        pytest.param([original(), reversal()], [RECORD, DELETED_UNDO], [posted()], "",
                     id="both files are restored"),
        pytest.param([], [replace(RECORD, number="JE-00000020"), DELETED_UNDO],
                     [posted(number="JE-00000020")], "", id="another original of that name"),
        pytest.param([], [RECORD, replace(DELETED_UNDO, reversed="")], [posted()], "",
                     id="it reversed nothing"),
    ],
)  # fmt: skip
def test_an_original_is_named_whose_reversal_was_cancelled_before(files, book, ledger, ends):
    seen = snapshot(files, book, ledger)
    removals = [one for one in plan_for(seen).changes if one.wanted is Action.REMOVE]
    told = [one.message for one in originals_alone(removals, seen)]
    fact = f"{NUMBER} of {ORIGINAL} is posted, and an earlier apply cancelled its reversal undo"
    assert told == ([f"{fact} (JE-00000019): {ends}"] if ends else [])


def series(*amounts, **notes):
    """Removed entries in the order of posting; a negative amount has the sides swapped."""
    book, ledger = [], []
    for at, amount in enumerate(amounts, 1):
        name, number = f"e{at}", f"JE-{at:08}"
        sides = (debit, credit) if amount > 0 else (credit, debit)
        codes = ("Deferred Revenue", "Subscription Revenue")
        lines = (side(str(abs(amount)), code) for side, code in zip(sides, codes, strict=True))
        spec = entry(*lines, notes=notes.get(name))
        book.append(recorded(spec, name=name, number=number))
        ledger.append(live(spec, name=name, number=number))
    return {name: one.reverses for name, one in removed((), book, ledger).items() if one.reverses}


@pytest.mark.parametrize(
    ("amounts", "notes", "pairs"),
    [
        pytest.param((9, -9), {}, {"e2": "e1"}, id="a pair"),
        pytest.param((-9, 9), {}, {"e2": "e1"}, id="the later one is the reversal"),
        pytest.param((9, -8), {}, {}, id="another amount"),
        pytest.param((9, 9), {}, {}, id="the same sides"),
        pytest.param((9, -9, 9, -9), {}, {"e2": "e1", "e4": "e3"}, id="every month again"),
        pytest.param((9, 9, -9), {}, {"e3": "e2"}, id="the latest before it"),
        pytest.param(
            (9, 9, -9), {"e3": "Reversal of JE-00000001"}, {"e3": "e1"}, id="the one in its notes"
        ),
    ],
)
def test_no_removed_entry_is_in_two_pairs(amounts, notes, pairs):
    assert series(*amounts, **notes) == pairs
