"""A tenant says the same in other words than the embedded ledger, or contradicts itself.

A proxy on a socket stands before the ledger and changes how entries are answered.
"""

import json
import sqlite3
from contextlib import ExitStack, closing
from itertools import count

import httpx
import pytest
from books_harness import SMALL, by_hand, credit, debit
from deadlines import impatient
from socket_server import on_a_socket

READS = "/v1/journal-entries/"


class Proxy:
    """A WSGI application that forwards each request, and changes each entry of an answer."""

    def __init__(self, ledger, change):
        self._ledger, self._change = ledger, change

    def __call__(self, environ, start):
        target = environ["PATH_INFO"] + "?" * bool(environ["QUERY_STRING"])
        answer = self._ledger.request(
            environ["REQUEST_METHOD"],
            target + environ["QUERY_STRING"],
            content=environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)),
            headers={
                name[5:].replace("_", "-"): value
                for name, value in environ.items()
                if name.startswith("HTTP_") and name != "HTTP_ACCEPT_ENCODING"
            }
            | {"Content-Type": environ.get("CONTENT_TYPE", "")},
        )
        body = answer.content
        if environ["REQUEST_METHOD"] == "GET" and environ["PATH_INFO"].startswith(READS):
            entry = answer.json()
            if entry["success"]:
                entry = self._change(entry) or entry
            body = json.dumps(entry).encode()
        kept = ("content-type", "date")
        headers = [(name, text) for name, text in answer.headers.items() if name in kept]
        start(f"{answer.status_code} Status", [*headers, ("Content-Length", str(len(body)))])
        return [body]


def adds_attributes(entry):
    entry |= {"approvalStatus": "Approved", "links": [{"rel": "self"}]}
    for row in (*entry["journalEntryItems"], *entry["segments"]):
        row |= {"rowId": f"{id(row)}"}


def turns_lines(entry, turns=count()):  # noqa: B008 - one count for all answers
    if next(turns) % 2:
        entry["journalEntryItems"].reverse()
        entry["segments"].reverse()


def scales(entry, turns=count()):  # noqa: B008
    """In all digits of a decimal(18,6), and as Java prints a number without its zeros."""
    for row in entry["journalEntryItems"]:
        for name in ("amount", "homeCurrencyAmount"):
            if row.get(name) is not None:
                exact = str(row[name])
                whole, _, part = exact.partition(".")
                digits = whole + part.ljust(6, "0")
                row[name] = f"{whole}.{part.ljust(6, '0')}" if next(turns) % 2 else f"{digits}E-6"


def empties(entry):
    for name in ("homeCurrency", "organizationLabel", "transferDateTime", "timePeriodStart"):
        entry[name] = ""
    entry["transferredToAccounting"] = ""
    for row in entry["journalEntryItems"]:
        row |= {"glAccountName": "", "glAccountNumber": None, "glString": ""}


@pytest.fixture
def changed(served_small):
    """Lets the tool see the ledger through a proxy from now on, without waits."""
    with ExitStack() as stack:
        stack.enter_context(impatient(attempt=60))
        ledger = stack.enter_context(httpx.Client(base_url=served_small.url, timeout=30))

        def through(change):
            url = stack.enter_context(on_a_socket(Proxy(ledger, change)))
            served_small.env["ZUORA_BASE_URL"] = url
            return served_small

        yield through


@pytest.mark.parametrize("change", [adds_attributes, turns_lines, scales, empties])
def test_other_words_for_the_same_change_nothing(changed, change):
    books = changed(change)
    for _ in range(3):
        seen = books.plan_document("--live", "query")
        assert seen["changes"] == []
        assert "stamps-wrong" not in [one["rule"] for one in seen["warning_rules"]]
    assert books.run("drift").code == 0
    books.declare("entry-03", notes="Other notes")
    books.declare("entry-04", debit("5.00"), credit("5.00"), notes="Notes of entry-04")
    books.applied()
    number = by_hand(books)
    imported = books.run("import", number)
    assert imported.code == 0, imported.said
    reversed_ = books.run("reverse", "entry-05", "--period", "Feb-2026")
    assert reversed_.code == 0, reversed_.said
    books.applied()
    assert len(books.posted()) == len(SMALL) + 2


def trims(entry):
    entry["notes"] = entry["notes"] and entry["notes"].strip()


def test_the_remedy_for_a_value_that_the_ledger_changes_ends_well(changed):
    books = changed(trims)
    books.declare("trimmed", notes="Notes ")
    ended = books.apply()
    assert ended.code == 6
    assert "or the ledger stored other values" in ended.said
    assert books.actions() == {"trimmed": "update"}
    # The remedy, to the letter: the value is declared as the ledger shows it.
    books.declare("trimmed", notes="Notes")
    books.applied()


def hides(*numbers):
    """Reads do not find these entries, as for a user who lost access to their organization."""
    reasons = [{"code": 50000040, "message": "Cannot find entity by key"}]

    def change(entry):
        return {"success": False, "reasons": reasons} if entry["number"] in numbers else None

    return change


@pytest.mark.parametrize("lost", [False, True], ids=["a daybook", "a new daybook"])
def test_what_a_query_shows_and_no_read_finds_is_not_posted_again(changed, served_small, lost):
    one, other = served_small.number("entry-03"), served_small.number("entry-04")
    before, url = served_small.content(), served_small.url
    books = changed(hides(one, other))
    if lost:
        for path in (books.root / ".reconciler").glob("daybook.db*"):
            path.unlink()
    refused = books.apply("--max-missing", "2", "--adopt-found", str(len(SMALL)))
    assert refused.code == 4, refused.said
    assert f"a query shows as posted what no read finds: {one}, {other}" in refused.said
    assert books.plan().code == 4
    drift = books.run("drift")
    # A new daybook records nothing that could have changed.
    told = f"unread-posting]: a query shows as posted what no read finds: {one}, {other}"
    assert (told in drift.said) != lost, drift.said
    assert books.content() == before
    # The remedy, to the letter: the user may read them again.
    books.env["ZUORA_BASE_URL"] = url
    books.applied("--adopt-found", str(len(SMALL)))
    assert books.content() == before


def test_an_open_call_is_no_proof_that_nothing_changed(changed):
    """The ledger answered a number whose entry has no marker."""
    books = changed(lambda entry: entry.update(ReconcilerKey__c=None))
    books.declare("unmarked")
    assert books.apply("--target", "unmarked").code == 6
    books.env["ZUORA_BASE_URL"] = books.url
    drift = books.run("drift")
    assert (drift.code, "open-call" in drift.said) == (7, True), drift.said


def test_what_somebody_deleted_is_posted_again(served_small):
    """Query and read agree, so nothing is refused."""
    number = served_small.number("entry-03")
    served_small.cancel("entry-03")
    served_small.call("DELETE", f"journal-entries/{number}")
    served_small.applied()
    assert served_small.number("entry-03") > number


@pytest.mark.parametrize("removed", [False, True], ids=["a file", "a removed file"])
@pytest.mark.parametrize("again", [False, True], ids=["left out", "posted again"])
def test_who_confirms_that_an_entry_is_deleted_may_post_it_again(served_small, removed, again):
    """Neither the query nor the age of the record proves it: the ledger lost the row."""
    number, declaration = served_small.number("entry-03"), served_small.root / "entry-03.yaml"
    with closing(sqlite3.connect(served_small.database)) as ledger, ledger:
        ledger.execute("delete from journal_entries where number = ?", (number,))
    text = declaration.read_text()
    if removed:
        declaration.unlink()
    refused = served_small.apply()
    assert refused.code == 4, refused.said
    assert f"no query shows it as deleted: {number}" in refused.said
    drift = served_small.run("drift").said
    assert f"no query shows it as deleted: {number}" in drift
    assert "no longer exists" not in drift
    assert "To post it again, restore the file after that." in refused.said
    # The remedy, to the letter.
    declaration.unlink(missing_ok=True)
    forgotten = served_small.run("forget", "entry-03", "--auto-approve")
    assert forgotten.code == 0, forgotten.said
    if again:
        declaration.write_text(text)
    # Who approves the plan sees on whose word it posts.
    word = f"entry-03 is posted again, and no read finds what was forgotten: {number}"
    assert (f"information[forgotten-posted]: {word}" in served_small.plan().said) == again
    served_small.applied()
    assert len(served_small.posted()) == len(SMALL) - (not again)
    assert "forgotten-posted" not in served_small.plan().said


def test_a_saved_plan_that_a_search_refuses_is_read_as_it_was_made(served_small):
    """Its digest holds the rules of what the search found, as of any other refusal."""
    number, plan = served_small.number("entry-03"), served_small.root / "plan.json"
    with closing(sqlite3.connect(served_small.database)) as ledger, ledger:
        ledger.execute("delete from journal_entries where number = ?", (number,))
    made = served_small.run("plan", "--out", plan)
    assert (made.code, number in made.said) == (4, True), made.said
    shown = served_small.run("show", plan)
    assert ("was altered" in shown.said, number in shown.said) == (False, True), shown.said


def rounds(entry):
    for row in entry["journalEntryItems"]:
        row["amount"] = round(row["amount"], 1)


def of_amount(amount):
    return {"lines": (debit(amount), credit(amount))}


@pytest.mark.parametrize("repaired", [False, True], ids=["declared as shown", "posted again"])
@pytest.mark.parametrize(
    ("change", "wanted", "fact", "shown", "sends"),
    [
        (trims, {"notes": "Notes "}, 'notes "Notes", although "Notes " was', {"notes": "Notes"}, 2),
        (rounds, of_amount("5.01"), " 5.01", of_amount("5.00"), 1),
    ],
    ids=["a text", "a fixed amount"],
)
def test_what_the_ledger_stores_otherwise_is_not_sent_again_and_again(
    changed, change, wanted, fact, shown, sends, repaired
):
    books = changed(change)

    def declare(lines=(), **fields):
        books.declare("changed", *lines, **fields)

    declare(**wanted)
    for _ in range(sends):
        ended = books.apply()
        assert ended.code == 6, ended.said
    before = books.content()
    for ended in (books.plan(), books.apply()):
        assert "stored-otherwise: " in ended.said
        assert fact in ended.said
    assert ended.code == 4, ended.said
    assert books.run("drift").code == 7
    assert books.content() == before
    # The remedy, to the letter: the value as it is shown, or a ledger that stores the declared one.
    if repaired:
        books.env["ZUORA_BASE_URL"] = books.url
        books.cancel("changed")
    else:
        declare(**shown)
    books.applied()


def test_an_entry_is_adopted_whose_text_the_ledger_changes(changed):
    """Its marker proves the adoption, so the daybook records it, and what is sent is counted."""
    books = changed(trims)
    number = by_hand(books)
    adopted = {"metadata": {"adopts": number}, "notes": "Notes "}
    lines = debit("1234.50"), credit("1234.50")
    books.declare("adopted", *lines, **adopted)
    ended = books.apply()
    assert "a read shows other values than were sent: notes" in ended.said
    assert "daybook-older" not in books.plan().said
    assert books.apply().code == 6
    before = books.content()
    refused = books.apply()
    assert (refused.code, "stored-otherwise: " in refused.said) == (4, True), refused.said
    assert books.content() == before
    # The remedy, to the letter.
    books.declare("adopted", *lines, **adopted | {"notes": "Notes"})
    books.applied()
    assert books.number("adopted") == number
