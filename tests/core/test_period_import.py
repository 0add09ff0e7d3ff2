"""The entries of an accounting period that are imported, and why others are not."""

import pytest
from builders import KIND, MARKER, NUMBER, WORKSPACE, live, recorded

from reconciler.core.model.marker import IN_NOTES
from reconciler.core.recovery.marker_search import UnexpectedRows
from reconciler.core.recovery.period_import import (
    ListedEntry,
    listed_entries,
    reason_to_skip,
    select_entries,
    statement_for,
)

NEW = "JE-00000002"


def row(number=NUMBER, status="Created", marker=None, made="Manual"):
    return {"number": number, "status": status, "marker": marker, "transactiontype": made}


def seen(number=NUMBER, status="Created", marker=None, transaction_type="Manual"):
    return ListedEntry(
        number=number, status=status, marker=marker, transaction_type=transaction_type
    )


def test_the_name_of_a_period_is_no_part_of_the_query():
    asked = statement_for(KIND, "Jan' OR 'a'='a", MARKER)
    assert asked.endswith("WHERE p.name IN ('Jan'' OR ''a''=''a')")


@pytest.mark.parametrize(
    ("place", "marker", "read"),
    [
        (MARKER, "books/a", "books/a"),
        (MARKER, None, None),
        (IN_NOTES, "Seen\n[reconciler:books/a]", "books/a"),
        (IN_NOTES, "Seen", None),
    ],
)
def test_what_a_row_says(place, marker, read):
    assert [one.marker for one in listed_entries([row(marker=marker)], place)] == [read]


@pytest.mark.parametrize("broken", [{"number": None}, {"status": None}], ids=str)
def test_a_row_without_number_or_status_is_none(broken):
    with pytest.raises(UnexpectedRows):
        list(listed_entries([row() | broken], MARKER))


@pytest.mark.parametrize(
    ("one", "book", "why"),
    [
        pytest.param(seen(), [], "", id="nobody's"),
        pytest.param(seen(marker="books/a"), [], "", id="this workspace's, and not recorded"),
        pytest.param(seen(marker="theirs/a"), [], "to another workspace", id="I-22 theirs"),
        pytest.param(seen(marker="books2/a"), [], "another workspace", id="I-22 a longer name"),
        pytest.param(seen(status="Cancelled"), [], "has the status Cancelled", id="cancelled"),
        pytest.param(seen(status="Draft"), [], "has the status Draft", id="under review"),
        pytest.param(
            seen(transaction_type="Invoice Item"), [], "made by a journal run", id="a run's"
        ),
        pytest.param(seen(), [recorded()], "already recorded as true-up", id="recorded"),
        pytest.param(
            seen(), [recorded(number=NEW, leftovers=(NUMBER,))], "recorded as", id="a leftover"
        ),
        pytest.param(
            seen(), [recorded(number=None, retired=(NUMBER,))], "forgotten, as true-up",
            id="forgotten",
        ),
    ],
)  # fmt: skip
def test_what_is_left_and_why(one, book, why):
    found = select_entries(KIND, [one, one], book, workspace=WORKSPACE)
    assert found.wanted == (() if why else (NUMBER,))
    assert [why in said for _, said in found.left] == ([True] if why else [])


def test_numbers_come_in_order():
    found = select_entries(KIND, [seen(NEW), seen()], [], workspace=WORKSPACE)
    assert found.wanted == (NUMBER, NEW)


@pytest.mark.parametrize(
    ("held", "why"),
    [
        pytest.param(live(marker=None), "", id="as it was seen"),
        pytest.param(None, "no longer in the ledger", id="gone"),
        pytest.param(live(marker="theirs/a"), "another workspace", id="I-22 taken since"),
        pytest.param(live(status="Cancelled"), "has the status Cancelled", id="cancelled since"),
        pytest.param(
            live(marker=None, accountingPeriodName="Feb-2026"), "no longer in Jan-2026", id="moved"
        ),
    ],
)
def test_a_read_has_the_last_word(held, why):
    said = reason_to_skip(KIND, held, period="Jan-2026", workspace=WORKSPACE, place=MARKER)
    assert (why in said) and bool(said) is bool(why)
