"""Renamed declarations: the entry that is meant, the calls, and what is refused."""

from dataclasses import replace

import pytest
from builders import (
    NUMBER,
    WORKSPACE,
    address,
    credit,
    debit,
    declared,
    entry,
    live,
    plan_for,
    recorded,
    snapshot,
    tenant_of,
)
from run_builders import BILLING, JR, declared_run, live_run, recorded_run, run

from reconciler.app.warnings import snapshot_warnings
from reconciler.core.documents.plan_file import plan_of, plan_text
from reconciler.core.model.history import Act, CallHistory, Recorded, Result, fold
from reconciler.core.model.marker import IN_NOTES
from reconciler.core.model.plan import Action, Reason
from reconciler.core.model.resource import Address
from reconciler.core.model.scope import Selection
from reconciler.core.planning.decisions import decide_all
from reconciler.core.recovery.marker_search import (
    Search,
    addresses_to_search,
    untracked,
    with_found,
    with_previous,
)

OLD, NEW = NUMBER, "JE-00000002"
DEARER = entry(debit("401.00"), credit("401.00"))


def renamed(spec=None, *, name="new", before="old", **more):
    return declared(spec, name=name, previous_name=before, **more)


def steps(change):
    return [f"{step.verb.value} {step.number or ''}".strip() for step in change.steps]


def was(**more):
    """The old name's record."""
    return recorded(name="old", **{"incarnation": 1, **more})


def held(**more):
    """The entry, under the old name."""
    return live(name="old", **more)


@pytest.mark.parametrize(
    ("files", "book", "ledger", "action", "verbs"),
    [
        pytest.param(
            [renamed()], [was()], [held()], Action.ADOPT, [f"update {OLD}"],
            id="live old, recorded old: the marker alone is written",
        ),
        pytest.param(
            [renamed()], [was()], [held(marker="books/new")], Action.ADOPT, [],
            id="live new, recorded old: the daybook alone takes note",
        ),
        pytest.param(
            [declared(name="new")], [was()], [held(marker="books/new")], Action.ADOPT, [],
            id="I-44 the same, and the file says no more where it comes from",
        ),
        pytest.param(
            [renamed(entry(notes="b"))], [was(spec=entry(notes="a"))], [held(notes="a")],
            Action.ADOPT, [f"update {OLD}"], id="notes go with it",
        ),
        pytest.param(
            [renamed(entry(notes="b"))], [was(spec=entry(notes="a"))],
            [held(notes="a", marker="books/new")], Action.ADOPT, [f"update {OLD}"],
            id="notes, and the marker is written already",
        ),
        pytest.param(
            [renamed(DEARER)], [was()], [held()], Action.REPLACE,
            [f"update {OLD}", f"cancel {OLD}", "create", f"delete {OLD}"],
            id="an amount replaces that same number",
        ),
        pytest.param(
            [renamed(DEARER)], [was()], [held(marker="books/new")], Action.REPLACE,
            [f"cancel {OLD}", "create", f"delete {OLD}"],
            id="an amount, and the marker is written already",
        ),
        pytest.param(
            [renamed(protect=True)], [was()], [held()], Action.ADOPT, [f"update {OLD}"],
            id="protected from here on",
        ),
        pytest.param(
            [renamed()], [was(), recorded(name="new", number=None, spec=None, incarnation=2)],
            [held()], Action.ADOPT, [f"update {OLD}"],
            id="a name that was used before, and is free",
        ),
    ],
)  # fmt: skip
def test_a_rename_is_one_change(files, book, ledger, action, verbs):
    changes, drift = decide_all(snapshot(files, book, ledger))
    (change,) = changes
    assert (change.action, change.reason, change.number) == (action, Reason.RENAMED, OLD)
    assert (change.address, change.renamed_from) == (address("new"), "old")
    assert steps(change) == verbs
    assert drift == ()


def test_without_a_rename_the_names_are_two_entries():
    changes, _ = decide_all(snapshot([declared(name="new")], [was()], [held()]))
    assert {change.address.name: change.action for change in changes} == {
        "new": Action.CREATE,
        "old": Action.REMOVE,
    }


@pytest.mark.parametrize("back", [[], [recorded(name="new", cancelled=True, number=NEW)]])
@pytest.mark.parametrize("part", [False, True], ids=["the whole", "a part"])
@pytest.mark.parametrize(
    ("files", "book", "ledger", "blocked"),
    [
        pytest.param([declared(name="new")], [was()], [held(transferredToAccounting="Yes")], True,
                     id="I-23 transferred"),
        pytest.param([declared(name="new")], [was(protect=True)], [held()], True, id="protected"),
        pytest.param([declared(name="new")], [was()], [held()], False, id="it can go"),
        pytest.param([declared(DEARER, name="new")], [was(protect=True)], [held()], False,
                     id="another content"),
    ],
)  # fmt: skip
def test_i03_what_cannot_be_taken_back_under_one_name_is_not_posted_under_another(
    files, book, ledger, blocked, part, back
):
    """As after a rename whose commit is reverted: the old file does not say where it comes from."""
    of = snapshot(
        files,
        [*book, *back],
        [*ledger, *(live(name="new", number=NEW, status="Cancelled") for _ in back)],
    )
    if part:
        of = replace(of, selection=Selection(addresses=frozenset({address("new")})))
    change = next(change for change in decide_all(of)[0] if change.address.name == "new")
    assert (change.action is Action.BLOCKED) is blocked
    if blocked:
        assert change.block.rule == "posted-elsewhere"
        assert "previousName: old" in change.block.remedy


@pytest.mark.parametrize(
    ("files", "book", "ledger", "actions"),
    [
        pytest.param(
            [renamed()], [recorded(name="new")], [live(name="new")], {"new": Action.KEEP},
            id="applied already: the key is simply kept",
        ),
        pytest.param([renamed()], [], [], {"new": Action.CREATE}, id="a name nobody knows"),
        pytest.param(
            [renamed()], [was(cancelled=True)], [held(status="Cancelled")],
            {"new": Action.CREATE, "old": Action.REMOVE},
            id="the old entry is out of the books: its rest goes, a new one comes",
        ),
        pytest.param(
            [renamed()], [was()], [], {"new": Action.CREATE, "old": Action.FORGET},
            id="the old entry is gone",
        ),
        pytest.param(
            [renamed()], [was(leftovers=(NEW,))],
            [held(), live(name="old", number=NEW, status="Cancelled")],
            {"new": Action.ADOPT, "old": Action.REMOVE},
            id="a predecessor that was left behind goes under the name that it carries",
        ),
        pytest.param(
            [renamed()], [recorded(name="new"), was(number=NEW)],
            [live(name="new"), held(number=NEW)],
            {"new": Action.KEEP, "old": Action.REMOVE},
            id="both names have an entry: the old one is not declared any more",
        ),
        pytest.param(
            [renamed()], [was(unsettled=True, number=None, spec=None)], [],
            {"new": Action.BLOCKED, "old": Action.BLOCKED},
            id="I-07 what the old name posted is not known",
        ),
        pytest.param(
            [renamed(before="never")], [was()], [held()], {"new": Action.ADOPT},
            id="a chain whose middle was never applied, and one entry can be meant",
        ),
        pytest.param(
            [renamed(before="never")],
            [was(), recorded(name="other", number=NEW)],
            [held(), live(name="other", number=NEW)],
            {"new": Action.CREATE, "old": Action.REMOVE, "other": Action.REMOVE},
            id="such a chain, and two can be meant",
        ),
        pytest.param(
            [renamed(before="never"), renamed(name="new-b", before="never-b")],
            [was()], [held()],
            {"new": Action.CREATE, "new-b": Action.CREATE, "old": Action.REMOVE},
            id="such a chain, and two declarations can mean it",
        ),
        pytest.param(
            [renamed(DEARER, before="never")], [was()], [held()],
            {"new": Action.CREATE, "old": Action.REMOVE},
            id="such a chain, and the content is another",
        ),
    ],
)  # fmt: skip
def test_what_becomes_of_both_names(files, book, ledger, actions):
    changes, _ = decide_all(snapshot(files, book, ledger))
    assert {change.address.name: change.action for change in changes} == actions


@pytest.mark.parametrize(
    ("rule", "files", "book", "ledger"),
    [
        pytest.param(
            "transferred", [renamed(DEARER)], [was()], [held(transferredToAccounting="Yes")],
            id="I-23 replaced, and transferred",
        ),
        pytest.param(
            "period-closed",
            [renamed(entry(accountingPeriodName="Dec-2025", journalEntryDate="2025-12-31"))],
            [was()], [held()], id="replaced into a closed period",
        ),
        pytest.param(
            "unknown-status", [renamed()], [was()], [held(status="Draft")], id="under review"
        ),
    ],
)  # fmt: skip
def test_what_stands_in_the_way_of_a_replacement_stands_in_that_of_the_rename(
    rule, files, book, ledger
):
    changes, _ = decide_all(snapshot(files, book, ledger))
    (change,) = changes
    assert (change.action, change.block.rule, change.renamed_from) == (
        Action.BLOCKED, rule, "old",
    )  # fmt: skip


def test_a_transferred_entry_is_renamed():
    changes, _ = decide_all(snapshot([renamed()], [was()], [held(transferredToAccounting="Yes")]))
    assert [change.action for change in changes] == [Action.ADOPT]


def test_a_field_that_left_the_file_with_the_rename_is_cleared():
    applied = entry(notes="a")
    (change,), _ = decide_all(snapshot([renamed()], [was(spec=applied)], [held(notes="a")]))
    assert [(field.name, field.after) for field in change.comparison.fields] == [("notes", None)]


def test_a_rename_moves_nothing_in_the_books():
    plan = plan_for(snapshot([renamed()], [was()], [held()]))
    assert (plan.impact, plan.refusals) == ((), ())


def test_a_renamed_workspace_is_no_emptied_one():
    """I-21: records that go on under new names count as declared."""
    count = 8
    files = [renamed(name=f"new-{at}", before=f"old-{at}") for at in range(count)]
    book = [recorded(name=f"old-{at}", number=f"JE-0000001{at}") for at in range(count + 1)]
    ledger = [live(name=f"old-{at}", number=f"JE-0000001{at}") for at in range(count + 1)]
    assert plan_for(snapshot(files, book, ledger)).refusals == ()


def test_a_saved_plan_knows_the_old_name():
    plan = plan_for(snapshot([renamed()], [was()], [held()]))
    assert plan_of(plan_text(plan)).changes[0].renamed_from == "old"
    other = plan_for(snapshot([declared(name="new", adopts=OLD)], [], [held(marker=None)]))
    assert "renamed_from" not in plan_text(other)


# Journal runs carry no marker.


@pytest.mark.parametrize(
    ("spec", "action", "verbs"),
    [
        pytest.param(run(), Action.ADOPT, [], id="the daybook alone takes note"),
        pytest.param(
            run(journalEntryDate="2026-01-30"), Action.REPLACE,
            [f"cancel {JR}", "create", f"delete {JR}"], id="replaced under the new name",
        ),
    ],
)  # fmt: skip
def test_a_run_is_renamed(spec, action, verbs):
    new = replace(
        declared_run(spec, previous_name=BILLING.name), address=Address(BILLING.kind, "other")
    )
    (change,), _ = decide_all(snapshot([new], [recorded_run()], [live_run()]))
    assert (change.action, change.reason, change.number) == (action, Reason.RENAMED, JR)
    assert steps(change) == verbs


# With a daybook that was lost.


NORTH, DEAR_NORTH = (one | {"organizationLabel": "North"} for one in (entry(), DEARER))


@pytest.mark.parametrize(
    ("file", "action"),
    [
        pytest.param(renamed(NORTH), Action.BLOCKED, id="the new name of it"),
        pytest.param(renamed(DEAR_NORTH), Action.BLOCKED, id="its new name and new amounts"),
        pytest.param(declared(NORTH, name="new"), Action.BLOCKED, id="the same content"),
        pytest.param(declared(DEAR_NORTH, name="new"), Action.CREATE, id="another entry"),
    ],
)
def test_an_entry_that_may_be_posted_unseen_is_not_posted_under_a_new_name(file, action):
    changes, _ = decide_all(snapshot([file], [recorded(NORTH, name="old")], []))
    of = {change.address.name: change for change in changes}
    assert {name: change.action for name, change in of.items()} == {
        "new": action,
        "old": Action.BLOCKED,
    }
    if action is Action.BLOCKED:
        assert of["new"].block.rule == "posted-elsewhere"
        assert of["new"].block.remedy == "Resolve the removal of old first."


def test_what_may_be_posted_unseen_counts_out_of_scope_too():
    book = [recorded(NORTH, name="old")]
    seen = snapshot([renamed(NORTH)], book, [])
    (change,), _ = decide_all(
        replace(seen, selection=Selection(addresses=frozenset({address("new")})))
    )
    assert change.block.rule == "posted-elsewhere"


def searched(files, book, ledger, **found):
    """The snapshot after a search that saw numbers under names."""
    before = snapshot(files, book, ledger)
    search = Search(numbers={address(name): each for name, each in found.items()}, everything=True)
    read = {**dict.fromkeys(one for each in found.values() for one in each), **before.live}
    return with_found(before, search, read, workspace=WORKSPACE, place=before.tenant.marker)


def test_i44_what_the_marker_of_the_old_name_finds_is_renamed():
    after = searched([renamed()], [], [held()], old=(OLD,))
    (change,), _ = decide_all(after)
    assert (change.action, change.reason, change.number) == (Action.ADOPT, Reason.RENAMED, OLD)
    assert steps(change) == [f"update {OLD}"]
    assert untracked(after) == ()


def test_i44_a_copy_from_before_a_replacement_finds_what_the_old_name_has_now():
    ledger = [held(status="Cancelled"), held(number=NEW)]
    changes, _ = decide_all(searched([renamed()], [was()], ledger, old=(NEW,)))
    assert {change.address.name: steps(change) for change in changes} == {
        "new": [f"update {NEW}"],
        "old": [f"delete {OLD}"],
    }


def test_i44_a_copy_from_before_the_rename_finds_the_new_name():
    changes, _ = decide_all(searched([renamed()], [was()], [held(marker="books/new")], new=(OLD,)))
    (change,) = changes
    assert (change.action, steps(change)) == (Action.ADOPT, [])


def test_n29_two_under_the_old_marker_are_blocked():
    ledger = [held(), held(number=NEW)]
    (change,), _ = decide_all(searched([renamed()], [], ledger, old=(OLD, NEW)))
    assert change.block.rule == "doubled"


@pytest.mark.parametrize(
    ("files", "book", "ledger", "names"),
    [
        pytest.param([renamed()], [], [], ["new", "old"], id="both names are asked for"),
        pytest.param([renamed()], [was()], [held()], [], id="a sound rename costs no search"),
    ],
)
def test_what_is_searched_for(files, book, ledger, names):
    before = snapshot(files, book, ledger)
    doubts = addresses_to_search(
        plan_for(before).changes, before.recorded, complete=True, posting=True
    )
    assert [one.name for one in with_previous(doubts, before.declared)] == names


# What the daybook makes of it.


def tried(act, name, result=Result.DONE, number=OLD, **more):
    return CallHistory(address=address(name), act=act, result=result, number=number, **more)


@pytest.mark.parametrize(
    ("history", "states"),
    [
        pytest.param(
            [tried(Act.CREATE, "old", spec=entry()), tried(Act.ADOPT, "new", spec=DEARER)],
            {
                "old": {"number": None, "incarnation": 1, "last": OLD},
                "new": {"number": OLD, "spec": DEARER, "incarnation": 1, "adopted": OLD},
            },
            id="one outcome gives the number to one name and takes it from the other",
        ),
        pytest.param(
            [
                tried(Act.CREATE, "old", spec=entry()),
                tried(Act.ADOPT, "new", Result.UNKNOWN, spec=DEARER),
            ],
            {"old": {"number": OLD, "spec": entry(), "incarnation": 1}, "new": {}},
            id="as long as nobody knows, it is the old name's",
        ),
        pytest.param(
            [
                tried(Act.ADOPT_FROM_RUN, "old", spec=entry()),
                tried(Act.ADOPT, "new", spec=entry()),
            ],
            {
                "old": {"incarnation": 1, "adopted": OLD, "from_run": True, "last": OLD},
                "new": {
                    "number": OLD, "spec": entry(), "incarnation": 1, "adopted": OLD,
                    "from_run": True,
                },
            },
            id="an entry of a run stays one under every name",
        ),
        pytest.param(
            [
                tried(Act.ADOPT, "old", number=NEW, spec=entry()),
                tried(Act.CREATE, "old", spec=entry()),
                tried(Act.DELETE, "old", number=NEW),
                tried(Act.ADOPT, "new", spec=entry()),
            ],
            {
                "old": {"incarnation": 2, "adopted": NEW, "last": OLD},
                "new": {"number": OLD, "spec": entry(), "incarnation": 1, "adopted": NEW},
            },
            id="what it was adopted under is known under every name",
        ),
        pytest.param(
            [
                tried(Act.CREATE, "old", spec=entry()),
                tried(Act.DELETE, "old"),
                tried(Act.ADOPT, "new", spec=entry()),
            ],
            {
                "old": {"incarnation": 1, "last": OLD},
                "new": {"number": OLD, "spec": entry(), "incarnation": 1, "adopted": OLD},
            },
            id="a number that the old name gave up",
        ),
    ],
)  # fmt: skip
def test_a_number_is_one_names(history, states):
    assert fold(history) == {
        address(name): Recorded(address=address(name), **state) for name, state in states.items()
    }


# What a plan says beside its changes.


@pytest.mark.parametrize(
    ("files", "book", "ledger", "said"),
    [
        pytest.param(
            [declared(name="new")], [was()], [held()],
            ['"new" has the content of "old"', "previousName: old"], id="a hint at the key",
        ),
        pytest.param([declared(DEARER, name="new")], [was()], [held()], [], id="another content"),
        pytest.param([renamed()], [was()], [held()], [], id="a rename"),
        pytest.param(
            [renamed()], [], [], ['"old" is unknown', "new is a new entry"],
            id="a name nobody knows",
        ),
        pytest.param(
            [renamed()], [was()], [held(status="Cancelled")],
            ['"old" no longer has a posted entry', "new is a new entry"],
            id="a name whose entry is cancelled",
        ),
        pytest.param(
            [renamed()], [was()], [],
            ['"old" has an entry that no read finds', "new is a new entry"],
            id="a name whose entry may be there",
        ),
        pytest.param([renamed()], [recorded(name="new")], [live(name="new")], [], id="applied"),
        pytest.param(
            [renamed(before="never")],
            [was(), recorded(name="other", number=NEW)],
            [held(), live(name="other", number=NEW)],
            ['"never" is unknown', "`previousName: old` or `previousName: other`"],
            id="a chain that may mean two",
        ),
    ],
)  # fmt: skip
def test_what_a_plan_says_of_names(files, book, ledger, said):
    of = snapshot(files, book, ledger)
    found = snapshot_warnings(plan_for(of), of)
    texts = [one.message for one in found if one.rule == "possible-rename"]
    assert len(texts) == bool(said)
    assert all(part in texts[0] for part in said)


def test_a_marker_in_the_notes_is_renamed_there():
    tenant = tenant_of(marker=IN_NOTES)
    ledger = [live(name="old", place=IN_NOTES, notes="Seen")]
    book = [was(spec=entry(notes="Seen"))]
    (change,), _ = decide_all(snapshot([renamed(entry(notes="Seen"))], book, ledger, tenant=tenant))
    assert (change.action, steps(change)) == (Action.ADOPT, [f"update {OLD}"])
    assert not change.comparison
