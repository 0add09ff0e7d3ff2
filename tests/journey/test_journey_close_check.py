"""`close-check` says whether a period can be closed, and what mends each item that fails."""

import re
from pathlib import Path

import pytest
from books_harness import by_hand, credit, debit
from document_schemas import must_fit

NEXT = "next-period-start"
MANAGED = ("close-check", "--managed-only", "Jan-2026")


def failing(books, *args):
    """The items that fail, each with what it names; the exit code is that of the check."""
    ended = books.run(*(args or ("close-check", "Jan-2026")), "--format", "json")
    (period,) = ended.json["periods"]
    must_fit("close-check", ended.out)
    found = {one["item"]: one["found"] for one in period["items"] if one["state"] == "fails"}
    assert (ended.code, period["ready"]) == ((7, False) if found else (0, True)), ended.said
    return found


@pytest.fixture
def ready(small):
    """Books whose January is ready: all is posted and transferred, and December is closed."""
    periods = small.call("GET", "accounting-periods")["accountingPeriods"]
    earlier = sorted(one["startDate"] for one in periods if one["startDate"] < "2026-01-01")
    small.close_period(next(one["name"] for one in periods if one["startDate"] == earlier[-1]))
    for name in small.posted():
        small.set(name, transferredToAccounting="Yes")
    assert failing(small) == {}
    return small


def test_a_ready_period_is_said_to_be(ready):
    before = ready.content()
    ended = ready.run("close-check", "Jan-2026")
    assert (ended.code, ended.err) == (0, "")
    assert "\nJan-2026 (Open)  ready to be closed\n" in ended.out
    assert "  Not checked:\n    draft and processing billing documents, trial" in ended.out
    assert ready.content() == before


def test_an_earlier_period_is_open(ready):
    ended = ready.run("close-check", "Feb-2026")
    assert ended.code == 7
    assert "earlier-period" in ended.out and "        Jan-2026 (Open)\n" in ended.out
    periods = ready.call("GET", "accounting-periods")["accountingPeriods"]
    (january,) = (one["id"] for one in periods if one["name"] == "Jan-2026")
    for how in ("pending-close", "close"):
        ready.call("PUT", f"accounting-periods/{january}/{how}")
    assert failing(ready, "close-check", "Feb-2026") == {}


def test_what_is_pending_is_applied(ready):
    ready.declare("late", debit("9.00"), credit("9.00"))
    assert failing(ready) == {"pending-change": ["late (create)"]}
    ended = ready.run("close-check", "Jan-2026")
    assert "To fix: Run `reconciler apply" in ended.out
    ready.applied()
    assert failing(ready) == {"not-transferred": [f"late {ready.number('late')} No"]}
    assert failing(ready, "close-check", "Jan-2026", "--allow", "not-transferred") == {}
    assert failing(ready, "close-check", "Feb-2026", "--allow", "earlier-period") == {}


def test_what_is_blocked_or_without_an_answer_is_named(ready):
    number = ready.number("entry-00")
    ready.remove("entry-00")
    assert failing(ready) == {"blocked-change": ["entry-00 (transferred)"]}
    assert number in ready.run("plan").out


@pytest.mark.parametrize(
    ("state", "item"),
    [
        ("No", "not-transferred"),
        ("Processing", "not-transferred"),
        ("Error", "transfer-error"),
        ("Ignore", ""),
        ("Yes", ""),
    ],
)
def test_the_transfer_of_each_entry_counts(ready, state, item):
    ready.set("entry-00", transferredToAccounting=state)
    number = ready.number("entry-00")
    assert failing(ready) == ({item: [f"entry-00 {number} {state}"]} if item else {})


def test_what_nobody_declares_is_imported_or_not_looked_for(ready):
    number = by_hand(ready)
    assert failing(ready) == {"unmanaged": [number]}
    ended = ready.run("close-check", "Jan-2026")
    assert "To fix: Run `reconciler import --period Jan-2026" in ended.out
    ended = ready.run(*MANAGED)
    assert ended.code == 0
    assert "  Not checked:\n    entries that nobody declares\n    draft" in ended.out
    assert ready.run("import", "--period", "Jan-2026", "--yes").code == 0
    assert "unmanaged" not in failing(ready)


def test_a_reversal_that_is_due_is_written_and_applied(ready):
    again = {"metadata": {"reverseOn": "next-period-start"}}
    ready.declare("accrual", debit("9.00"), credit("9.00"), **again)
    ready.applied()
    only = ("close-check", "Feb-2026", "--allow", "earlier-period", "--allow", "not-transferred")
    assert failing(ready, *only) == {"reversal-due": ["accrual.reversal of accrual"]}
    ended = ready.run("close-check", "Feb-2026")
    assert "To fix: Run `reconciler generate" in ended.out
    assert ready.run("generate").code == 0
    assert set(failing(ready, *only)) == {"reversal-due", "pending-change"}
    ready.applied()
    assert failing(ready, *only) == {}


def test_a_period_that_the_reference_lacks_is_added_to_it(ready):
    ready.declare("accrual", debit("9.00"), credit("9.00"), metadata={"reverseOn": NEXT})
    ready.applied()
    whole = (ready.root / "reference.yaml").read_text()
    kept = [row for row in whole.splitlines(keepends=True) if "Feb-2026" not in row]
    ready.write("reference.yaml", "".join(kept))
    only = ("close-check", "Feb-2026", "--allow", "earlier-period", "--allow", "not-transferred")
    lacking = ["Feb-2026 is not in reference.yaml"]
    assert failing(ready, *only)["period-in-reference"][:1] == lacking
    ended = ready.run(*only)
    assert "To fix: Correct Feb-2026 in reference.yaml, then run `reconciler generate" in ended.out
    ready.write("reference.yaml", whole)
    assert ready.run("generate").code == 0
    assert set(failing(ready, *only)) == {"reversal-due", "pending-change"}


def test_the_page_shows_what_is_printed(small):
    page = (Path(__file__).parents[2] / "docs" / "close.md").read_text()
    (shown,) = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    small.declare("rent", accountingPeriodName="Feb-2026", journalEntryDate="2026-02-28")
    periods = small.call("GET", "accounting-periods")["accountingPeriods"]
    earlier = sorted(one["startDate"] for one in periods if one["startDate"] < "2026-01-01")
    small.close_period(next(one["name"] for one in periods if one["startDate"] == earlier[-1]))
    (january,) = (one["id"] for one in periods if one["name"] == "Jan-2026")
    small.call("PUT", f"accounting-periods/{january}/pending-close")
    ended = small.run("close-check", "Feb-2026")
    printed = ended.out.replace(f" -w {small.root}", "").partition("\n\n")[2]
    assert printed == shown
