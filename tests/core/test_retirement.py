"""A forgotten entry stays in the ledger, is recorded as retired, and is never posted again."""

from dataclasses import replace

import pytest
from builders import (
    MARKER,
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
)
from run_builders import JE, JR, RUN, adopting, declared_run, live_run, recorded_run

from reconciler.core.model.history import Act, CallHistory, Recorded, Result, fold
from reconciler.core.model.plan import Action, Reason, Verb
from reconciler.core.planning.decisions import decide_all
from reconciler.core.planning.offline import assumed_live
from reconciler.core.planning.retirement import addresses_of, retirement_obstacles, retirement_of
from reconciler.core.planning.snapshot import to_read
from reconciler.core.recovery.marker_search import Search, all_recorded, untracked, with_found

NEW = "JE-00000002"
DEARER = entry(debit("401.00"), credit("401.00"))


def retired(*numbers, **more):
    return recorded(**{"number": None, "spec": None, "incarnation": 1, "retired": numbers, **more})


def tried(act, number=NUMBER, result=Result.DONE, **more):
    return CallHistory(address=address(), act=act, result=result, number=number, **more)


CREATED = tried(Act.CREATE, spec=entry())


@pytest.mark.parametrize(
    ("history", "state"),
    [
        pytest.param(
            [CREATED, tried(Act.RETIRE)],
            {"retired": (NUMBER,), "incarnation": 1, "last": NUMBER},
            id="forgotten",
        ),
        pytest.param(
            [CREATED, tried(Act.RETIRE), tried(Act.RETIRE)],
            {"retired": (NUMBER,), "incarnation": 1, "last": NUMBER},
            id="twice is once",
        ),
        pytest.param([tried(Act.RETIRE)], {"retired": (NUMBER,)}, id="what the daybook never knew"),
        pytest.param(
            [CREATED, tried(Act.RETIRE), tried(Act.ADOPT, spec=DEARER)],
            {"number": NUMBER, "spec": DEARER, "incarnation": 2, "adopted": NUMBER},
            id="declared again",
        ),
        pytest.param(
            [CREATED, tried(Act.RETIRE), tried(Act.CREATE, NEW, spec=DEARER)],
            {"number": NEW, "spec": DEARER, "incarnation": 2, "retired": (NUMBER,)},
            id="another entry stands for the name since",
        ),
        pytest.param(
            [CREATED, tried(Act.CREATE, NEW, spec=DEARER), tried(Act.RETIRE)],
            {"number": NEW, "spec": DEARER, "incarnation": 2, "retired": (NUMBER,)},
            id="a cancelled predecessor",
        ),
    ],
)
def test_what_is_remembered(history, state):
    assert fold(history) == {address(): Recorded(address=address(), **state)}


@pytest.mark.parametrize(
    ("files", "ledger", "action", "reason"),
    [
        pytest.param([declared()], [live()], Action.ADOPT, Reason.FOUND, id="declared again"),
        pytest.param(
            [declared(DEARER)], [live()], Action.REPLACE, Reason.FOUND,
            id="declared again with another amount",
        ),
        pytest.param(
            [declared()], [live(status="Cancelled")], Action.CREATE, Reason.NEW,
            id="cancelled since: a new one",
        ),
        pytest.param([declared()], [], Action.CREATE, Reason.NEW, id="gone since: a new one"),
        pytest.param(
            [declared()], [live(marker="theirs/x")], Action.CREATE, Reason.NEW,
            id="I-22 it belongs to another workspace now",
        ),
        pytest.param(
            [declared(name="new", previous_name="true-up")], [live()], Action.ADOPT,
            Reason.RENAMED, id="declared again under another name",
        ),
    ],
)  # fmt: skip
def test_i01_a_forgotten_name_is_not_posted_a_second_time(files, ledger, action, reason):
    """Without any search: the daybook remembers what stands in the ledger."""
    of = snapshot(files, [retired(NUMBER)], ledger)
    assert (RUN, NUMBER) not in to_read(of.declared, of.recorded.values())
    assert NUMBER in [number for _, number in to_read(of.declared, of.recorded.values())]
    (change,), _ = decide_all(of)
    assert (change.action, change.reason) == (action, reason)


def test_i01_what_another_name_took_over_is_not_retired_any_more():
    """Else the forgotten name, used for something new, would find it standing for itself."""
    other = address("other")
    adopted = CallHistory(
        address=other, act=Act.ADOPT, result=Result.DONE, number=NUMBER, spec=entry()
    )
    states = fold([CREATED, tried(Act.RETIRE), adopted])
    assert (states[address()].retired, states[other].number) == ((), NUMBER)


def test_a_plan_offline_has_a_forgotten_entry_back_as_the_live_one_does():
    book = {address(): retired(NUMBER)}
    files = {address(): declared()}
    before = snapshot([declared()], [retired(NUMBER)], [live()])
    offline = replace(
        before, live=assumed_live(files, book, before.tenant, marked_in=before.tenant.marker)
    )
    (there,), (here,) = decide_all(before)[0], decide_all(offline)[0]
    assert (here.action, here.reason, here.number) == (there.action, there.reason, NUMBER)


def test_i01_what_an_open_call_is_about_is_not_forgotten():
    """An open rename would bring it back, under a name that no file declares, to be removed."""
    known = of([], [recorded()], [live()])
    ((fact, _),) = retirement_obstacles(known, address(), frozenset({NUMBER}))
    assert fact == f"an earlier call on {NUMBER} has no known outcome"


def test_n29_two_forgotten_ones_are_nobodys_to_choose_from():
    of = snapshot([declared()], [retired(NUMBER, NEW)], [live(), live(number=NEW)])
    (change,), _ = decide_all(of)
    assert change.block.rule == "doubled"


def test_a_forgotten_run_is_not_run_a_second_time():
    book = [recorded_run(number=None, retired=(JR,))]
    (change,), _ = decide_all(snapshot([declared_run()], book, [live_run()]))
    assert (change.action, change.number) == (Action.ADOPT, JR)


def test_what_is_forgotten_changes_nothing_and_costs_no_read():
    of = snapshot([], [retired(NUMBER)], [])
    assert decide_all(of) == ((), ())
    assert to_read(of.declared, of.recorded.values()) == ()


def test_a_search_passes_by_what_was_forgotten():
    before = snapshot([], [retired(NUMBER)], [live()])
    search = Search(numbers={address(): (NUMBER,)}, everything=True)
    after = with_found(before, search, before.live, workspace=WORKSPACE, place=MARKER)
    assert untracked(after) == ()
    assert all_recorded(after.found, after.recorded.values())


# What may be forgotten.


def of(files=(), book=(), ledger=(), found=()):
    before = snapshot(files, book, ledger)
    search = Search(numbers={address(): tuple(found)} if found else {}, everything=True)
    return with_found(before, search, before.live, workspace=WORKSPACE, place=MARKER)


@pytest.mark.parametrize(
    ("known", "fact"),
    [
        pytest.param(of([], [recorded()], [live()]), "", id="recorded, and no file"),
        pytest.param(of([], [recorded()], [live(marker="theirs/x")]), "", id="somebody else's now"),
        pytest.param(of([], [recorded()], []), "", id="gone"),
        pytest.param(of([], [], [live()], [NUMBER]), "", id="found by its marker alone"),
        pytest.param(
            of([declared()], [recorded()], [live()]), "is declared at 2026/true-up.yaml:1",
            id="declared",
        ),
        pytest.param(
            of([declared(name="new", previous_name="true-up")], [recorded()], [live()]),
            "is the previous name of new", id="about to be renamed",
        ),
        pytest.param(
            of([], [recorded(unsettled=True)], [live()]), "has no known outcome", id="I-07 open"
        ),
        pytest.param(
            of([], [recorded()], [live(), live(number=NEW)], [NEW]),
            f"{NUMBER} and {NEW} are posted", id="N29 two of them",
        ),
    ],
)  # fmt: skip
def test_what_can_be_forgotten(known, fact):
    assert addresses_of(known, "true-up") == (address(),)
    facts = [said for said, _ in retirement_obstacles(known, address())]
    assert [fact in said for said in facts] == ([True] if fact else [])
    if not fact:
        change = retirement_of(known, address())
        assert (change.action, change.reason, change.number, change.steps) == (
            Action.FORGET, Reason.RETIRED, NUMBER, (),
        )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "addresses"),
    [
        ("true-up", 1),
        ("JournalEntry/true-up", 1),
        ("JournalRun/true-up", 0),
        ("Nonsense/true-up", 0),
        ("other", 0),
    ],
)
def test_what_a_name_may_mean(name, addresses):
    assert len(addresses_of(of([], [recorded()], [live()]), name)) == addresses


# What is adopted must fit what is known.


@pytest.mark.parametrize(
    ("book", "ledger", "blocked"),
    [
        pytest.param([recorded(number=NEW)], [live(number=NEW), live()], True, id="both stand"),
        pytest.param(
            [recorded(number=NEW)], [live(number=NEW), live(marker="theirs/x")], True,
            id="I-22 the other one is somebody else's",
        ),
        pytest.param(
            [recorded(number=NEW)], [live(number=NEW), live(status="Cancelled")], False,
            id="replaced since, and the daybook does not know",
        ),
        pytest.param([recorded(number=NEW)], [live(number=NEW)], False, id="replaced and deleted"),
        pytest.param(
            [recorded(number=NEW, adopted=NUMBER)], [live(number=NEW), live(status="Cancelled")],
            False, id="replaced since",
        ),
        pytest.param([recorded()], [live()], False, id="that number"),
    ],
)  # fmt: skip
def test_a_name_that_has_an_entry_adopts_no_other(book, ledger, blocked):
    of = snapshot([declared(adopts=NUMBER)], book, ledger)
    numbers = [number for _, number in to_read(of.declared, of.recorded.values())]
    assert numbers.count(NUMBER) == (book[0].adopted is None)
    (change,), _ = decide_all(of)
    assert (change.action is Action.BLOCKED) is blocked
    if blocked:
        assert change.block.rule == "adoption"
        assert f"recorded as {NEW}, and its file adopts {NUMBER}" in change.block.message
        assert "forget" in change.block.remedy


FROM_RUN = live(marker=None, transactionType="Invoice Item")


@pytest.mark.parametrize(
    ("ledger", "said"),
    [
        pytest.param([FROM_RUN, live_run(FROM_RUN)], "", id="one of its entries"),
        pytest.param(
            [FROM_RUN, live_run(live(number=NEW))],
            f"{JE} is not among the 1 entries of {JR}", id="an entry of another run",
        ),
        pytest.param([FROM_RUN], f"{JR} is not in the ledger", id="no such run"),
    ],
)  # fmt: skip
def test_the_run_that_a_file_names_made_the_entry(ledger, said):
    of = snapshot([adopting(made_by=JR)], [], ledger)
    of = replace(of, live={JR: None, **of.live})
    (change,), _ = decide_all(of)
    assert (change.block.message if change.block else "").startswith(said)
    assert (change.block is None) is (said == "")


def test_a_run_is_read_to_adopt_its_entries_and_never_after():
    files = {one.address: one for one in (adopting(made_by=JR), adopting(name="b", made_by=JR))}
    assert [kind.name for kind, _ in to_read(files, ())] == ["JournalEntry", "JournalRun"]
    book = [recorded(), recorded(name="b")]
    assert [kind.name for kind, _ in to_read(files, book)] == ["JournalEntry"]


# I-22, A10: no path writes to what is not ours.


FOREIGN = ["theirs/true-up", "books/other", None]


def cases():
    """Every way to a write, each as files and records, with the live status it is about."""
    return {
        "update": ([declared(entry(notes="b"))], [recorded()], "Created"),
        "replace": ([declared(DEARER)], [recorded()], "Created"),
        "replace what is cancelled": ([declared()], [recorded()], "Cancelled"),
        "remove": ([], [recorded()], "Created"),
        "remove what is cancelled": ([], [recorded()], "Cancelled"),
        "delete a leftover": (
            [declared()], [recorded(number=NEW, leftovers=(NUMBER,))], "Cancelled",
        ),
        "adopt": ([declared(adopts=NUMBER)], [], "Created"),
        "adopt with notes": ([declared(entry(notes="b"), adopts=NUMBER)], [], "Created"),
        "rename": ([declared(name="new", previous_name="true-up")], [recorded()], "Created"),
        "rename and replace": (
            [declared(DEARER, name="new", previous_name="true-up")], [recorded()], "Created",
        ),
    }  # fmt: skip


@pytest.mark.parametrize("marker", FOREIGN, ids=str)
@pytest.mark.parametrize("case", cases())
def test_i22_a10_what_carries_another_marker_is_not_written_to(case, marker):
    files, book, status = cases()[case]
    ledger = [live(marker=marker, status=status), live(number=NEW)]
    plan = plan_for(snapshot(files, book, ledger))
    # What is as it was applied gets its emptied marker back; nothing is cancelled without one.
    free = marker is None and case in ("adopt", "adopt with notes", "update", "rename")
    writes = [
        (step.verb, step.number)
        for change in plan.feasible
        for step in change.steps
        if step.number == NUMBER
    ]
    assert writes == ([(Verb.UPDATE, NUMBER)] if free else [])
    if not free:
        assert {change.block.rule for change in plan.pending} == {"ownership"}
