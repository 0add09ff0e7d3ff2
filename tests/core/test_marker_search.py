"""The search by marker: its queries, when it is needed, what follows from the numbers it finds."""

from dataclasses import replace

import pytest
from builders import MARKER, WORKSPACE, address, credit, debit, declared, entry, live, plan_for
from builders import recorded as record
from builders import snapshot as snapshot_of

from reconciler.core.model.history import NOTHING_DROPPED
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.marker import IN_NOTES
from reconciler.core.model.plan import Action, Reason, Verb
from reconciler.core.model.resource import Address, Declared, Source
from reconciler.core.planning.decisions import decide_all
from reconciler.core.recovery.marker_search import (
    MOST_NAMES,
    Search,
    UnexpectedRows,
    addresses_to_search,
    all_recorded,
    matches,
    missing_numbers,
    shown_deleted,
    statement_of,
    unread_postings,
    untracked,
    with_found,
)
from reconciler.engine.search import search_ledger

ENTRY = KINDS["JournalEntry"]
OLD, NEW, THIRD = "JE-00000001", "JE-00000002", "JE-00000003"
DEARER = entry(debit("401.00"), credit("401.00"))
CANCELLED = live(status="Cancelled")
COLUMNS = f"number AS number, status AS status, {MARKER} AS marker"


@pytest.mark.parametrize(
    ("workspace", "place", "names", "asked"),
    [
        pytest.param(
            "books", MARKER, (),
            f"SELECT {COLUMNS} FROM JournalEntry WHERE {MARKER} LIKE 'books/%' ESCAPE '\\'",
            id="all of a workspace",
        ),
        pytest.param(
            "my_books", MARKER, (),
            f"SELECT {COLUMNS} FROM JournalEntry WHERE {MARKER} LIKE 'my\\_books/%' ESCAPE '\\'",
            id="an underscore is no joker",
        ),
        pytest.param(
            "books", MARKER, ("a", "b"),
            f"SELECT {COLUMNS} FROM JournalEntry WHERE {MARKER} IN ('books/a', 'books/b')",
            id="some names, which an index serves",
        ),
        pytest.param(
            "books", IN_NOTES, ("a",),
            "SELECT number AS number, status AS status, notes AS marker FROM JournalEntry "
            "WHERE notes LIKE '%[reconciler:books/%' ESCAPE '\\'",
            id="in notes it is a part of the text",
        ),
    ],
)  # fmt: skip
def test_what_is_asked(workspace, place, names, asked):
    assert statement_of(ENTRY, workspace, place, names) == asked


def row(number=OLD, status="Created", marker="books/true-up"):
    return {"number": number, "status": status, "marker": marker}


@pytest.mark.parametrize(
    ("place", "rows", "seen"),
    [
        pytest.param(MARKER, [row()], [("true-up", OLD)], id="an entry of ours"),
        pytest.param(MARKER, [row(status="Cancelled")], [], id="out of the books"),
        pytest.param(MARKER, [row(status="Draft")], [("true-up", OLD)], id="a status to look at"),
        pytest.param(MARKER, [row(marker="books2/true-up")], [], id="I-22 another workspace"),
        pytest.param(MARKER, [row(marker="books/")], [], id="no name"),
        pytest.param(MARKER, [row(marker=None)], [], id="no marker"),
        pytest.param(
            IN_NOTES, [row(marker="Seen\n[reconciler:books/a]")], [("a", OLD)], id="in notes"
        ),
        pytest.param(
            IN_NOTES, [row(marker="[reconciler:books/a] is not at the end")], [], id="quoted"
        ),
    ],
)
def test_what_a_row_says(place, rows, seen):
    found = matches(ENTRY, rows, workspace=WORKSPACE, place=place)
    assert [(where.name, number) for where, number in found] == seen


@pytest.mark.parametrize("broken", [{"number": None}, {"status": None}], ids=str)
def test_a_row_without_number_or_status_is_no_sighting(broken):
    with pytest.raises(UnexpectedRows):
        list(matches(ENTRY, [row() | broken], workspace=WORKSPACE, place=MARKER))


@pytest.mark.parametrize(
    "spec", [entry(), entry(organizationLabel="North")], ids=["gone", "unseen"]
)
def test_what_is_blocked_does_not_refuse_the_others(spec):
    """An entry of an organization that the client may not see is blocked by itself."""
    before = snapshot_of([declared(spec)], [record(spec)], [])
    found = replace(before, live={OLD: None})
    changes, _ = decide_all(found)
    search, taken = Search(numbers={address(): (OLD,)}), spec == entry()
    assert [one.action is Action.BLOCKED for one in changes] == [not taken]
    assert missing_numbers(changes) == ({"JournalEntry": (OLD,)} if taken else {})
    assert unread_postings(changes, found, search, NOTHING_DROPPED) == ((OLD,) if taken else ())


@pytest.mark.parametrize(
    ("change", "proves"),
    [
        pytest.param({}, True, id="deleted"),
        pytest.param({"deleted": "true"}, True, id="as text"),
        pytest.param({"deleted": False}, False, id="not deleted"),
        pytest.param({"deleted": None}, False, id="unknown"),
        pytest.param({"number": "JE-00000099"}, False, id="another number"),
        pytest.param({"marker": "books/other"}, False, id="another declaration"),
        pytest.param({"marker": None}, False, id="no marker"),
    ],
)
def test_what_proves_that_a_number_was_deleted(change, proves):
    rows = [row(status="Cancelled") | {"deleted": True} | change]
    assert (shown_deleted(rows, MARKER).get(OLD) == "books/true-up") is proves
    assert not shown_deleted([], MARKER)


class Queried:
    """A ledger that answers every query with the same rows."""

    def __init__(self, *rows):
        self.rows, self.asked = rows, []

    def query(self, statement):
        self.asked.append(statement)
        return self.rows


def test_a_search_is_one_query_and_names_every_number_once():
    ledger = Queried(row(NEW), row(OLD), row(OLD))
    search = search_ledger(ledger, WORKSPACE, MARKER)
    assert (len(ledger.asked), search.everything, search.failure) == (1, True, "")
    assert search.numbers == {address(): (OLD, NEW)}


@pytest.mark.parametrize(
    ("count", "everything"), [(MOST_NAMES, False), (MOST_NAMES + 1, True)], ids=str
)
def test_many_names_are_asked_for_together(count, everything):
    ledger = Queried()
    names = tuple(address(f"n{number}") for number in range(count))
    assert search_ledger(ledger, WORKSPACE, MARKER, names=names).everything is everything
    assert (" LIKE " in ledger.asked[0]) is everything


def test_journal_runs_are_not_asked_for():
    ledger = Queried()
    search_ledger(ledger, WORKSPACE, MARKER, names=[Address("JournalRun", "billing")])
    assert ledger.asked == []


RUN = Declared(
    address=Address("JournalRun", "billing"),
    source=Source("billing.yaml"),
    spec={"accountingPeriodName": "Jan-2026", "journalEntryDate": "2026-01-31"},
)
SOUND = ([declared()], [record()], [live()])
NOTHING_KNOWN = ([declared()], [], [])


@pytest.mark.parametrize(
    ("complete", "posting", "books", "doubtful"),
    [
        pytest.param(True, False, SOUND, False, id="a plan without changes"),
        pytest.param(True, True, SOUND, False, id="an apply without changes"),
        pytest.param(False, True, SOUND, False, id="a new daybook that knows all there is"),
        pytest.param(True, False, NOTHING_KNOWN, False, id="a plan of something new"),
        pytest.param(True, True, NOTHING_KNOWN, True, id="I-44 it is about to be posted"),
        pytest.param(False, False, NOTHING_KNOWN, True, id="I-44 the daybook is new"),
        pytest.param(
            True, False, ([declared()], [record()], []), True, id="I-44 recorded, and gone"
        ),
        pytest.param(
            True, False, ([declared()], [record()], [CANCELLED]), True,
            id="I-44 recorded, and cancelled by somebody else",
        ),
        pytest.param(
            True, False, ([declared()], [record(cancelled=True)], [CANCELLED]), False,
            id="a replacement cut after its cancel, as the daybook saw it begin",
        ),
        pytest.param(
            True, False, ([declared()], [record(incarnation=1, cancelled=True)], [CANCELLED]),
            True, id="I-44 a replacement cut, that a later copy may have finished",
        ),
        pytest.param(
            True, False, ([declared()], [record(number=None, incarnation=1)], []), True,
            id="posted once, and declared again",
        ),
        pytest.param(True, False, ([], [record()], []), True, id="removed from files and ledger"),
        pytest.param(
            True, True, ([declared(DEARER)], [record()], [live()]), False, id="a replacement"
        ),
        pytest.param(
            False, True, ([declared(adopts=OLD)], [], [live(marker=None)]), True,
            id="I-03 an adoption, beside which another entry may stand",
        ),
        pytest.param(
            False, True, ([declared(adopts=OLD)], [], [CANCELLED]), True,
            id="I-44 what was to be adopted was replaced since",
        ),
        pytest.param(False, True, ([RUN], [], []), False, id="a journal run has no marker"),
    ],
)  # fmt: skip
def test_when_it_is_asked(complete, posting, books, doubtful):
    snapshot = snapshot_of(*books)
    doubts = addresses_to_search(
        plan_for(snapshot).changes, snapshot.recorded, complete=complete, posting=posting
    )
    assert bool(doubts) is doubtful


def found(files, book, ledger, *numbers):
    """The snapshot after a search that saw these numbers under the plain marker."""
    before = snapshot_of(files, book, ledger)
    search = Search(numbers={address(): numbers}, everything=True)
    read = {**dict.fromkeys(numbers), **before.live}
    return with_found(before, search, read, workspace=WORKSPACE, place=MARKER)


def only_change(snapshot):
    (change,) = plan_for(snapshot).changes
    return change


NEW_LIVE = live(number=NEW)
NEW_NOTED = live(number=NEW, notes="by hand")
NEW_CHEAPER = live(number=NEW)


@pytest.mark.parametrize(
    ("files", "book", "ledger", "action", "steps"),
    [
        pytest.param([declared()], [], [NEW_LIVE], Action.ADOPT, [], id="I-44 the same"),
        pytest.param(
            [declared(entry(notes="as filed"))], [], [NEW_NOTED], Action.ADOPT,
            [(Verb.UPDATE, NEW)], id="I-44 other notes go with it",
        ),
        pytest.param(
            [declared(DEARER)], [], [NEW_CHEAPER], Action.REPLACE,
            [(Verb.CANCEL, NEW), (Verb.CREATE, None), (Verb.DELETE, NEW)],
            id="I-44 other amounts replace it at once",
        ),
        pytest.param(
            [declared()], [record()], [CANCELLED, NEW_LIVE], Action.ADOPT,
            [(Verb.DELETE, OLD)], id="I-44 the record is of its cancelled predecessor",
        ),
        pytest.param(
            [declared()], [record()], [NEW_LIVE], Action.ADOPT, [],
            id="I-44 the record is of what is gone",
        ),
        pytest.param(
            [declared(adopts=THIRD)], [], [live(number=THIRD, status="Cancelled"), NEW_LIVE],
            Action.ADOPT, [], id="I-44 what it adopted was replaced",
        ),
        pytest.param(
            [declared()], [record()], [live()], Action.KEEP, [], id="not seen by a lagging query"
        ),
    ],
)  # fmt: skip
def test_what_follows_from_one_number(files, book, ledger, action, steps):
    change = only_change(found(files, book, ledger, NEW))
    assert change.action is action
    assert [(step.verb, step.number) for step in change.steps] == steps
    if action is not Action.KEEP:
        assert (change.reason, change.number) == (Reason.FOUND, NEW)


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(live(number=NEW, marker="books/other"), id="I-22 another marker"),
        pytest.param(live(number=NEW, marker=None), id="I-22 no marker"),
        pytest.param(live(number=NEW, marker="others/true-up"), id="I-22 another workspace"),
        pytest.param(live(number=NEW, status="Cancelled"), id="X11 cancelled since"),
    ],
)
def test_what_a_read_does_not_confirm_is_not_found(seen):
    change = only_change(found([declared()], [], [seen], NEW))
    assert (change.action, change.reason) == (Action.CREATE, Reason.NEW)


TWO = [live(), NEW_LIVE]
BLOCKS = [
    pytest.param("doubled", Action.CREATE, [declared()], [], id="N29 the daybook knows neither"),
    pytest.param("doubled", Action.KEEP, [declared()], [record()], id="N29 it knows one of them"),
    pytest.param("doubled", Action.REPLACE, [declared(DEARER)], [record()], id="one to replace"),
    pytest.param("doubled", Action.REMOVE, [], [record()], id="one to remove"),
]


@pytest.mark.parametrize(("rule", "wanted", "files", "book"), BLOCKS)
def test_two_with_one_marker_are_nobodys_to_choose_from(rule, wanted, files, book):
    change = only_change(found(files, book, TWO, OLD, NEW))
    assert (change.action, change.wanted, change.block.rule) == (Action.BLOCKED, wanted, rule)
    assert OLD in change.block.message
    assert NEW in change.block.message


def test_an_unmarked_entry_is_not_adopted_beside_the_one_that_is_ours():
    files = [declared(adopts=OLD)]
    change = only_change(found(files, [], [live(marker=None), NEW_LIVE], NEW))
    # The unmarked one is no double of ours: it may be anybody's.
    assert (change.action, change.block.rule) == (Action.BLOCKED, "adoption")
    assert f"{NEW} has the marker of this declaration" in change.block.message


def test_a_transferred_entry_is_taken_back_and_not_replaced():
    held = live(number=NEW, transferredToAccounting="Yes")
    assert only_change(found([declared()], [], [held], NEW)).action is Action.ADOPT
    change = only_change(found([declared(DEARER)], [], [held], NEW))
    assert (change.action, change.block.rule) == (Action.BLOCKED, "transferred")


@pytest.mark.parametrize(
    ("files", "book", "left"),
    [
        pytest.param([], [], [(address(), NEW)], id="declared and recorded nowhere"),
        pytest.param([], [record()], [(address(), NEW)], id="recorded under another number"),
        pytest.param([], [record(number=NEW)], [], id="recorded"),
        pytest.param([declared()], [], [], id="declared"),
    ],
)
def test_what_nobody_speaks_of_is_named_and_left_alone(files, book, left):
    snapshot = found(files, book, [NEW_LIVE], NEW)
    assert list(untracked(snapshot)) == left
    assert all_recorded(snapshot.found, snapshot.recorded.values()) is (
        [item.number for item in book] == [NEW]
    )
