"""Decisions about journal runs and adoptions, and their impact."""

from dataclasses import replace

import pytest
from builders import (
    KIND,
    MARKER,
    address,
    basis,
    credit,
    debit,
    declared,
    entry,
    live,
    recorded,
    snapshot,
    tenant_of,
)
from run_builders import (
    BILLING,
    JE,
    JR,
    JR2,
    RUN,
    adopting,
    declared_run,
    live_run,
    recorded_run,
    run,
)

from reconciler.core.documents.plan_file import plan_of, plan_text
from reconciler.core.model.history import Act, CallHistory, Result, fold
from reconciler.core.model.money import plain
from reconciler.core.model.plan import Action, Allowances, Reason
from reconciler.core.model.tenant import Organization
from reconciler.core.planner import make_plan
from reconciler.core.planning.adoption import declaration_of
from reconciler.core.planning.decisions import decide_all
from reconciler.core.planning.reversing.removals import originals_alone
from reconciler.core.planning.run_members import cancelled_in_part, unposted_numbers
from reconciler.core.planning.snapshot import to_read


def member(number=JE, **fields):
    """An entry that a run made; nobody marked it."""
    fields = {"transactionType": "Invoice Item", **fields}
    return live(number=number, marker=fields.pop("marker", None), **fields)


HELD = member("JE-00000002", transferredToAccounting="Yes")
GONE = member("JE-00000003", status="Cancelled")


def decided(*args, **policy):
    """The change of the run, or the one change there is."""
    changes, _ = decide_all(snapshot(*args, **policy))
    return next((change for change in changes if change.address == BILLING), changes[0])


def steps(change):
    return [f"{step.verb.value} {step.number or ''}".strip() for step in change.steps]


BACK = entry(debit(code="Subscription Revenue"), credit(code="Deferred Revenue"))
UNDO = live(BACK, name="undo", number="JE-00000009")


@pytest.mark.parametrize("held", [True, False])
@pytest.mark.parametrize("declared_still", [True, False])
def test_the_removed_reversal_of_a_runs_entry_is_cancelled_with_the_run(held, declared_still):
    members = [member(), HELD] if held else [member()]
    files = [declared_run(run(journalEntryDate="2026-01-30"))] if declared_still else []
    book = [recorded_run(), recorded(BACK, name="undo", number="JE-00000009")]
    changes, _ = decide_all(snapshot(files, book, [live_run(*members), UNDO]))
    undo = next(one for one in changes if one.address.name == "undo")
    assert undo.reverses == members[-1].number
    blocks = {one.address.name: one.block.message for one in changes if one.block is not None}
    assert blocks.keys() == ({"billing", "undo"} if held else set())
    if held:
        made = "billing, which made JE-00000002, stays posted: it is blocked by transferred"
        assert blocks["undo"] == made


def test_a_run_stays_with_the_removed_reversal_of_its_entry():
    book = [recorded_run(), recorded(BACK, name="undo", number="JE-00000009")]
    undo = live(BACK, name="undo", number="JE-00000009", transferredToAccounting="Yes")
    changes, _ = decide_all(snapshot([], book, [live_run(member()), undo]))
    blocks = {one.address.name: one.block for one in changes if one.block is not None}
    assert {name: block.rule for name, block in blocks.items()} == {
        "billing": "reversal-order",
        "undo": "transferred",
    }
    fact = f"undo, which reverses {JE}, stays posted: it is blocked by transferred"
    assert blocks["billing"].message == fact


@pytest.mark.parametrize("held", [True, False])
def test_the_entry_of_a_run_is_named_whose_reversal_was_cancelled_before(held):
    undo = recorded(BACK, name="undo", number="JE-00000009")
    undo = replace(undo, number=None, spec=None, last=undo.number, reversed=JE)
    members = [member(), HELD] if held else [member()]
    seen = snapshot([], [recorded_run(), undo], [live_run(*members)])
    removals = [one for one in decide_all(seen)[0] if one.wanted is Action.REMOVE]
    ends = "this plan leaves billing posted" if held else "this plan cancels billing"
    fact = "JE-00000001 of billing is posted, and an earlier apply cancelled its reversal undo"
    told = [one.message for one in originals_alone(removals, seen)]
    assert told == [f"{fact} (JE-00000009): {ends}"]


@pytest.mark.parametrize(
    ("files", "book", "ledger", "action", "reason", "verbs"),
    [
        pytest.param(
            [declared_run()], [], [], Action.CREATE, Reason.NEW, ["create"], id="only declared"
        ),
        pytest.param(
            [declared_run()], [recorded_run()], [live_run(member())],
            Action.KEEP, Reason.UNCHANGED, [], id="as it was run, whatever the order of types",
        ),
        pytest.param(
            [declared_run(run(journalEntryDate="2026-01-30"))], [recorded_run()],
            [live_run(member())], Action.REPLACE, Reason.CHANGED,
            [f"cancel {JR}", "create", f"delete {JR}"], id="another date",
        ),
        pytest.param(
            [declared_run(run(accountingPeriodName="Feb-2026"))], [recorded_run()],
            [live_run(member())], Action.REPLACE, Reason.CHANGED,
            [f"cancel {JR}", "create", f"delete {JR}"],
            id="another period, which no read shows",
        ),
        pytest.param(
            [declared_run(run(transactionTypes=({"type": "Invoice Item"},)))], [recorded_run()],
            [live_run(member())], Action.REPLACE, Reason.CHANGED,
            [f"cancel {JR}", "create", f"delete {JR}"], id="a type less",
        ),
        pytest.param(
            [declared_run(protect=True)], [recorded_run()], [live_run(member())],
            Action.UPDATE, Reason.RECORD_ONLY, [], id="protection is a matter of the daybook",
        ),
        pytest.param(
            [], [recorded_run()], [live_run(member())],
            Action.REMOVE, Reason.UNDECLARED, [f"cancel {JR}", f"delete {JR}"],
            id="no longer declared",
        ),
        pytest.param(
            [declared_run()], [recorded_run()], [live_run(status="Error")],
            Action.REPLACE, Reason.FAILED_IN_LEDGER, [f"cancel {JR}", "create", f"delete {JR}"],
            id="failed in the ledger",
        ),
        pytest.param(
            [], [recorded_run()], [live_run(status="Error")],
            Action.REMOVE, Reason.UNDECLARED, [f"cancel {JR}", f"delete {JR}"],
            id="failed, and no longer declared",
        ),
        pytest.param(
            [declared_run()], [recorded_run()], [live_run(GONE, status="Cancelled")],
            Action.REPLACE, Reason.CANCELLED_IN_LEDGER, ["create", f"delete {JR}"],
            id="cancelled by someone else",
        ),
        pytest.param(
            [], [recorded_run(cancelled=True)], [live_run(GONE, status="Cancelled")],
            Action.REMOVE, Reason.RESUMED, [f"delete {JR}"], id="interrupted after the cancel",
        ),
        pytest.param(
            [declared_run()], [recorded_run(number=JR2, leftovers=(JR,))],
            [live_run(member(), number=JR2), live_run(GONE, status="Cancelled")],
            Action.REPLACE, Reason.RESUMED, [f"delete {JR}"], id="interrupted before the delete",
        ),
        pytest.param(
            [declared_run()], [recorded_run()], [live_run(member(), GONE)],
            Action.KEEP, Reason.UNCHANGED, [], id="cancelled in part: it stands, and drifts",
        ),
    ],
)  # fmt: skip
def test_what_becomes_of_a_run(*, files, book, ledger, action, reason, verbs):
    change = decided(files, book, ledger)
    assert (change.action, change.reason, steps(change)) == (action, reason, verbs)


@pytest.mark.parametrize(
    ("label", "action"),
    [
        ({"organizationId": "O-1"}, Action.CREATE),
        ({"organizationName": "North"}, Action.CREATE),
        ({"organizationId": "O-2"}, Action.BLOCKED),
        ({"organizationName": "South"}, Action.BLOCKED),
    ],
)
def test_a_run_is_gone_if_reads_show_all_its_organizations(label, action):
    """A client sees a run only with all of them."""
    names = {"O-1": "North", "O-2": "South"}
    tenant = tenant_of(
        organizations=tuple(Organization(id=key, name=names[key]) for key in names),
    )
    labelled = run(organizationLabels=({"organizationId": "O-1"}, label))
    shown = entry(organizationLabel="North")
    changes, _ = decide_all(
        snapshot(
            [declared_run(labelled), declared(shown)],
            [recorded_run(labelled), recorded(shown)],
            [live(shown)],
            tenant=tenant,
        )
    )
    assert {one.address: one.action for one in changes}[BILLING] is action


@pytest.mark.parametrize(
    ("label", "action"),
    [
        pytest.param({"organizationName": "EMEA"}, Action.KEEP, id="by its name"),
        pytest.param({"organizationId": "o-1"}, Action.KEEP, id="by its id"),
        pytest.param({"organizationName": "APAC"}, Action.REPLACE, id="another"),
    ],
)
def test_a_label_is_read_with_both_id_and_name(label, action):
    spec = run(organizationLabels=(label,))
    shown = live_run(
        member(), organizationLabels=({"organizationId": "o-1", "organizationName": "EMEA"},)
    )
    applied = spec if action is Action.KEEP else run()
    assert decided([declared_run(spec)], [recorded_run(applied)], [shown]).wanted is action


FROM_RUN = adopting(made_by=JR)

BLOCKS = [
    # rule, message, wanted, files, book, ledger
    pytest.param(
        "transferred",
        "1 of 2 entries of JR-00000001 would stay posted because of transferredToAccounting: "
        "JE-00000002 (Yes)",
        Action.REMOVE, [], [recorded_run()], [live_run(member(), HELD)],
        id="I-23 a run with a transferred entry",
    ),
    pytest.param(
        "transferred",
        "1 of 1 entries of JR-00000001 would stay posted because of transferredToAccounting: "
        "JE-00000001 (Processing)",
        Action.REPLACE, [declared_run(run(journalEntryDate="2026-01-30"))], [recorded_run()],
        [live_run(member(transferredToAccounting="Processing"))],
        id="I-23 a run with an entry on its way",
    ),
    pytest.param(
        "protected", "billing is protected", Action.REMOVE,
        [], [recorded_run(protect=True)], [live_run(member())], id="a protected run",
    ),
    pytest.param(
        "run-at-work", 'JR-00000001 has the status "Processing"', Action.KEEP,
        [declared_run(run(journalEntryDate="2026-01-30"))], [recorded_run()],
        [live_run(status="Processing")], id="a run at work is left alone",
    ),
    pytest.param(
        "run-at-work", 'JR-00000001 has the status "CancelInprogress"', Action.REMOVE,
        [], [recorded_run()], [live_run(status="CancelInprogress")],
        id="a run that is being cancelled",
    ),
    pytest.param(
        "run-entries-declared", "entries of JR-00000001 are declared: JE-00000001 (true-up)",
        Action.REMOVE, [FROM_RUN], [recorded_run(), recorded(from_run=True)],
        [live_run(member(marker="books/true-up")), member(marker="books/true-up")],
        id="a run whose entry is declared",
    ),
    pytest.param(
        "run-entry", "a journal run made JE-00000001", Action.REPLACE,
        [replace(FROM_RUN, spec=entry(currency="EUR"))], [recorded(from_run=True)],
        [member(marker="books/true-up")], id="another amount for an entry of a run",
    ),
    pytest.param(
        "run-entry", "a journal run made JE-00000001", Action.REPLACE,
        [FROM_RUN], [recorded(from_run=True)],
        [member(marker="books/true-up", status="Cancelled")],
        id="I-01 an entry cancelled with its run is not posted again",
    ),
    pytest.param(
        "run-entry", "a journal run made JE-00000001", Action.CREATE,
        [FROM_RUN], [recorded(from_run=True)], [], id="I-01 nor one that went with its run",
    ),
    pytest.param(
        "run-entry", "JE-00000001 was made by a journal run, but the file does not name it",
        Action.ADOPT, [adopting()], [], [member()], id="adopt an entry of a run like another",
    ),
    pytest.param(
        "adoption", "JE-00000001 is not in the ledger", Action.ADOPT,
        [adopting()], [], [], id="I-01 adopt what is not there",
    ),
    pytest.param(
        "adoption", 'JE-00000001 has the status "Cancelled"', Action.ADOPT,
        [adopting()], [], [live(marker=None, status="Cancelled")], id="adopt what is cancelled",
    ),
    pytest.param(
        "adoption", "the file and JE-00000001 differ in fields that cannot be updated: "
        "journalEntryItems", Action.ADOPT,
        [adopting(entry(debit("1"), credit("1")))], [], [live(marker=None)],
        id="adopt and change an amount at once",
    ),
    pytest.param(
        "adoption", "JE-00000001 is already recorded as other", Action.ADOPT,
        [adopting(), declared(name="other")], [recorded(name="other")],
        [live(name="other")], id="adopt what another declaration has",
    ),
    pytest.param(
        "ownership", 'JE-00000001 carries the marker "theirs/x", not "books/true-up"',
        Action.ADOPT, [adopting()], [], [live(marker="theirs/x")],
        id="I-22 adopt what another workspace has",
    ),
    pytest.param(
        "run-entry", "JE-00000001 was not made by a journal run, but the file names one",
        Action.ADOPT, [FROM_RUN], [], [live(marker=None)],
        id="I-02 a manual entry is not left to a run that never made it",
    ),
    pytest.param(
        "adoption", "JR-00000001 is for 2026-01-01 to 2026-01-31, which is not Feb-2026",
        Action.ADOPT,
        [declared_run(run(accountingPeriodName="Feb-2026"), adopts=JR)], [],
        [live_run(member())], id="adopt a run under another period",
    ),
    pytest.param(
        "adoption", "JE-00000001 is also adopted by new", Action.REMOVE,
        [adopting(name="new")], [recorded(number="JE-00000002", adopted=JE)],
        [live(number="JE-00000002"), live(name="new", status="Cancelled")],
        id="I-01 an adopted entry that was replaced, and whose file was renamed",
    ),
    pytest.param(
        "protected", "JE-00000001 of JR-00000001 is protected as true-up", Action.REMOVE,
        [], [recorded_run(), recorded(from_run=True, protect=True)],
        [live_run(member(marker="books/true-up")), member(marker="books/true-up")],
        id="a run with a protected entry",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "message", "wanted", "files", "book", "ledger"), BLOCKS)
def test_a_change_is_blocked(*, rule, message, wanted, files, book, ledger):
    numbers = {item.adopts for item in files if item.adopts}
    there = {item.number for item in ledger}
    of = snapshot(files, book, ledger) if numbers <= there else absent(files, book, ledger, numbers)
    changes, _ = decide_all(of)
    first = next(change for change in changes if change.block and change.wanted is wanted)
    assert (first.action, first.wanted) == (Action.BLOCKED, wanted)
    assert (first.block.rule, first.block.message) == (rule, message)
    assert first.block.remedy


def absent(files, book, ledger, numbers):
    """A snapshot in which the numbers to adopt were looked for and not found."""
    of = snapshot([], book, ledger)
    return replace(
        of,
        declared={item.address: item for item in files},
        live={**dict.fromkeys(numbers), **of.live},
    )


def test_the_other_name_of_an_adopted_entry_is_not_taken_back():
    """I-01: a rename by hand must not cancel what the new name adopts."""
    changes, _ = decide_all(snapshot([adopting(name="new")], [recorded()], [live()]))
    assert [(change.address.name, change.action) for change in changes] == [
        ("new", Action.BLOCKED),
        ("true-up", Action.BLOCKED),
    ]


@pytest.mark.parametrize(
    ("files", "book", "ledger", "action", "reason", "verbs"),
    [
        pytest.param(
            [adopting()], [], [live(marker=None)],
            Action.ADOPT, Reason.ADOPTED, [f"update {JE}"], id="an unmarked entry is marked",
        ),
        pytest.param(
            [adopting()], [], [live()],
            Action.ADOPT, Reason.ADOPTED, [], id="one with our marker is only recorded",
        ),
        pytest.param(
            [adopting(entry(notes="b"))], [], [live()],
            Action.ADOPT, Reason.ADOPTED, [f"update {JE}"], id="with other notes",
        ),
        pytest.param(
            [adopting(entry(transferredToAccounting="No"))], [],
            [live(marker=None, transferredToAccounting="Yes")],
            Action.ADOPT, Reason.ADOPTED, [f"update {JE}"],
            id="a transfer state is not ours to take back",
        ),
        pytest.param(
            [FROM_RUN], [], [member()],
            Action.ADOPT, Reason.ADOPTED, [f"update {JE}"], id="an entry of a run",
        ),
        pytest.param(
            [declared_run(adopts=JR)], [], [live_run(member())],
            Action.ADOPT, Reason.ADOPTED, [], id="a run, which can carry no marker",
        ),
        pytest.param(
            [adopting()], [recorded()], [live()],
            Action.KEEP, Reason.UNCHANGED, [], id="what is adopted stays so",
        ),
        pytest.param(
            [FROM_RUN], [recorded(number=None, spec=None, incarnation=1)], [member()],
            Action.ADOPT, Reason.ADOPTED, [f"update {JE}"], id="adopted, left, and adopted again",
        ),
        pytest.param(
            [replace(FROM_RUN, spec=entry(notes="b"))], [recorded(from_run=True)],
            [member(marker="books/true-up")],
            Action.UPDATE, Reason.CHANGED, [f"update {JE}"],
            id="an entry of a run has basic information",
        ),
        pytest.param(
            [], [recorded(from_run=True)], [member(marker="books/true-up")],
            Action.FORGET, Reason.LEFT_TO_RUN, [], id="an undeclared entry is left to its run",
        ),
    ],
)  # fmt: skip
def test_what_becomes_of_an_adoption(*, files, book, ledger, action, reason, verbs):
    change = decided(files, book, ledger)
    assert (change.action, change.reason, steps(change)) == (action, reason, verbs)


def test_what_was_adopted_and_removed_is_created_when_its_file_comes_back():
    book = [recorded(number=None, spec=None, incarnation=1)]
    (change,), _ = decide_all(absent([adopting()], book, [], {JE}))
    assert (change.action, steps(change), change.number) == (Action.CREATE, ["create"], None)


def test_an_entry_of_a_run_goes_with_its_run_when_both_files_are_gone():
    book = [recorded_run(), recorded(from_run=True)]
    mine = member(marker="books/true-up")
    changes, _ = decide_all(snapshot([], book, [live_run(mine), mine]))
    assert [(change.action, steps(change)) for change in changes] == [
        (Action.FORGET, []),
        (Action.REMOVE, [f"cancel {JR}", f"delete {JR}"]),
    ]


def test_a_run_cancelled_in_part_is_drift():
    _, (moved,) = decide_all(
        snapshot([declared_run()], [recorded_run()], [live_run(member(), HELD, GONE)])
    )
    (field,) = moved.comparison.fields
    assert (moved.status, field.name, field.before) == (
        "Completed",
        "entries",
        "1 of 3 cancelled; blocked by JE-00000002 (Yes)",
    )


def test_numbers_to_adopt_are_read_too():
    files = {item.address: item for item in (adopting(), declared_run(adopts=JR))}
    assert to_read(files, ()) == ((KIND, JE), (RUN, JR))
    assert to_read(files, (recorded(), recorded_run())) == ((KIND, JE), (RUN, JR))


def planned(*args):
    return make_plan(snapshot(*args), basis=basis(), allowances=Allowances(max_removals=9))


def rows(plan):
    return {
        (row.code, row.currency): (plain(row.net_before), plain(row.net_change))
        for row in plan.impact
    }


def test_a_removed_run_takes_the_amounts_of_its_entries_along():
    """I-60: impact and balance count what a run takes back, and nothing that is gone already."""
    members = (member(), member("JE-00000002", status="Cancelled"))
    plan = planned([], [recorded_run()], [live_run(*members)])
    assert rows(plan) == {
        ("Deferred Revenue", "USD"): ("400.9", "-400.9"),
        ("Subscription Revenue", "USD"): ("-400.9", "400.9"),
    }
    assert [(plain(row.removed_debit), row.holds) for row in plan.balance] == [("400.9", True)]


def test_an_entry_that_is_declared_counts_once_beside_its_run():
    mine = member(marker="books/true-up")
    plan = planned(
        [FROM_RUN, declared_run(), declared(name="more")],
        [recorded(from_run=True), recorded_run()],
        [live_run(mine), mine],
    )
    assert rows(plan)["Deferred Revenue", "USD"] == ("400.9", "400.9")


def test_a_blocked_run_moves_nothing():
    plan = planned([], [recorded_run()], [live_run(member(), HELD)])
    assert (plan.impact, plan.balance) == ((), ())


def test_a_plan_with_a_run_is_saved_with_its_entries():
    plan = planned([], [recorded_run()], [live_run(member(), HELD)])
    again = plan_of(plan_text(plan))
    assert again.digest == plan.digest
    shown = [
        (item.number, item.fields["transferredToAccounting"]) for item in again.changes[0].members
    ]
    assert shown == [(JE, "No"), ("JE-00000002", "Yes")]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        pytest.param((), live_run(member(), HELD), "", id="nothing happened"),
        pytest.param((), live_run(GONE, status="Cancelled"), "", id="cancelled whole"),
        pytest.param(
            (), live_run(GONE, HELD),
            "JR-00000001 was cancelled in part: 1 of 2 entries is cancelled, and "
            "JE-00000002 (Yes) remains posted",
            id="in part",
        ),
        pytest.param((GONE,), live_run(GONE, HELD), "", id="somebody had cancelled it before"),
    ],
)  # fmt: skip
def test_what_a_cancel_came_to(before, after, said):
    assert cancelled_in_part(after, gone=unposted_numbers(before)) == said


def tried(act, result=Result.DONE, number=JE, **more):
    return CallHistory(address=address(), act=act, result=result, number=number, **more)


@pytest.mark.parametrize(
    ("history", "number", "from_run", "incarnation"),
    [
        pytest.param([tried(Act.ADOPT)], JE, False, 1, id="adopted"),
        pytest.param([tried(Act.ADOPT_FROM_RUN)], JE, True, 1, id="adopted from a run"),
        pytest.param([tried(Act.ADOPT, Result.UNSENT)], None, False, 0, id="not adopted"),
        pytest.param([tried(Act.ADOPT, None)], None, False, 0, id="open"),
        pytest.param(
            [tried(Act.ADOPT_FROM_RUN), tried(Act.FORGET)], None, True, 1, id="left to its run"
        ),
        pytest.param(
            [tried(Act.ADOPT), tried(Act.CREATE, number="JE-00000009")],
            "JE-00000009", False, 2, id="replaced after it was adopted",
        ),
    ],
)  # fmt: skip
def test_what_is_remembered_of_an_adoption(history, number, from_run, incarnation):
    state = fold(history)[address()]
    assert (state.number, state.from_run, state.incarnation) == (number, from_run, incarnation)


def test_a_cancel_in_part_leaves_the_record_as_it_was():
    state = fold([tried(Act.CREATE), tried(Act.CANCEL, Result.PARTLY)])[address()]
    assert (state.number, state.cancelled) == (JE, False)


def test_a_declaration_made_of_a_live_entry_says_no_more_than_it_must():
    shown = live(
        entry(debit(home="400.90"), credit(home="400.90"), notes="Hello"),
        transferredToAccounting="Yes",
        Ticket__c="T-1",
    )
    tenant = tenant_of(home_currency="USD")
    assert declaration_of(KIND, shown, marker_place=MARKER, tenant=tenant) == entry(
        notes="Hello", Ticket__c="T-1"
    )


def test_a_declaration_names_the_type_of_a_code_whose_name_is_shared():
    lines = (
        debit(code="Suspense", accountingCodeType="OtherAssets"),
        credit(accountingCodeType="SalesRevenue"),
    )
    spec = declaration_of(KIND, live(entry(*lines)), marker_place=MARKER, tenant=tenant_of())
    assert spec["journalEntryItems"] == (lines[0], credit())


@pytest.mark.parametrize(
    ("end", "stated"),
    [
        pytest.param("2026-01-31", {"accountingPeriodName": "Jan-2026"}, id="a whole period"),
        pytest.param(
            "2026-01-30", {"targetStartDate": "2026-01-01", "targetEndDate": "2026-01-30"},
            id="a part of one",
        ),
    ],
)  # fmt: skip
def test_a_declaration_made_of_a_run_names_its_period(end, stated):
    shown = live_run(member(), targetEndDate=end)
    spec = declaration_of(RUN, shown, marker_place=MARKER, tenant=tenant_of())
    assert spec == {
        "journalEntryDate": "2026-01-31",
        "transactionTypes": ({"type": "Taxation Item"}, {"type": "Invoice Item"}),
        **stated,
    }


def test_a_run_counts_with_its_entries_where_removals_are_limited():
    """I-21: one file may stand for a thousand entries."""
    members = tuple(member(f"JE-{at:08}") for at in range(11, 16))
    of = snapshot([declared()], [recorded_run(), recorded()], [live_run(*members), live()])
    plan = make_plan(of, basis=basis(), allowances=Allowances())
    (refusal,) = plan.refusals
    assert refusal.message == "5 of 6 recorded entries would be removed; the limit is 3"
