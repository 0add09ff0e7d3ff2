"""The daybook of one ledger used with another, and a ledger that lost its memory."""

import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from books_harness import SERVED, Books, ServedBooks, credentials


@pytest.fixture
def elsewhere(served_small, opened, empty_template) -> ServedBooks:
    """A ledger of another tenant, served; `served_small` points at it with good credentials."""
    other_template = empty_template.with_name("other-tenant")
    if not other_template.exists():
        shutil.copytree(empty_template, other_template)
        shutil.rmtree(other_template / ".reconciler")
        with closing(Books(other_template)) as fresh:
            assert fresh.plan().code == 0
    other = opened(other_template, place=SERVED, name="other")
    served_small.env = dict(other.env)
    return other


@pytest.mark.parametrize("verb", ["plan", "apply", "drift", "doctor"])
def test_the_daybook_of_another_ledger_is_refused(served_small, elsewhere, verb):
    tenant = elsewhere.rows("select tenant_id from tenants")[0]["tenant_id"]
    audited = elsewhere.rows("select count(*) as n from audit_events")
    ended = served_small.run(verb, *(["--auto-approve"] if verb == "apply" else []))
    assert ended.code == 4
    assert "wrong-tenant" in ended.said
    assert tenant in ended.said
    assert elsewhere.posted() == {}
    assert elsewhere.rows("select count(*) as n from audit_events") == audited


def test_a_workspace_that_pins_its_tenant_refuses_another_from_the_first_day(elsewhere):
    elsewhere.settings(spec=f"{{target: {{baseUrl: '{elsewhere.url}', tenantId: 'another'}}}}")
    elsewhere.declare("first")
    ended = elsewhere.apply()
    assert (ended.code, "pins tenant another" in ended.err) == (4, True)
    assert elsewhere.posted() == {}
    assert elsewhere.plan().code == 4


def test_credentials_go_to_no_host_that_the_workspace_does_not_name(elsewhere):
    elsewhere.settings(spec="{target: {baseUrl: 'https://rest.test.zuora.com'}}")
    ended = elsewhere.plan()
    assert ended.code == 1
    assert "The workspace does not allow the host 127.0.0.1." in ended.err


def as_it_was(books: Books, keep: int) -> None:
    """Put the ledger back to when it held so many entries, and its queries with it."""
    for path in books.database.parent.glob("ledger*"):
        if path.is_dir():
            shutil.rmtree(path)
    with closing(sqlite3.connect(books.database)) as connection, connection:
        late = "(select id from journal_entries order by number limit -1 offset ?)"
        connection.execute(
            f"delete from journal_entry_items where journal_entry_id in {late}", (keep,)
        )
        connection.execute(f"delete from journal_entries where id in {late}", (keep,))


@pytest.fixture
def hours_later(monkeypatch):
    """No read of what was applied before can lag any more."""
    monkeypatch.setattr("reconciler.engine.search.LAG", -timedelta(hours=1))


@pytest.mark.usefixtures("hours_later")
def test_a_restored_ledger_that_misses_many_entries_is_refused(small):
    as_it_was(small, keep=2)
    before = small.content()
    for ended in (small.plan(), small.apply(), small.apply("--max-missing", "3")):
        assert ended.code == 4
        assert "missing-in-ledger: 4 of 6 recorded entries are not in the ledger" in ended.out
        assert "--max-missing 4." in ended.out
    assert small.content() == before
    assert small.apply("--max-missing", "4").code == 0
    assert len(small.posted()) == 6
    assert small.plan("--detailed-exitcode").code == 0


@pytest.mark.usefixtures("hours_later")
def test_a_few_missing_entries_are_posted_again(small):
    as_it_was(small, keep=4)
    assert small.run("drift").code == 7
    small.applied()
    assert len(small.posted()) == 6


def test_a_number_that_was_given_again_is_not_taken_for_ours(small):
    """After a restore the ledger gives the lost numbers to entries of others."""
    as_it_was(small, keep=5)
    body = {
        "accountingPeriodName": "Jan-2026",
        "currency": "USD",
        "journalEntryDate": "2026-01-31",
        "journalEntryItems": [
            {"accountingCodeName": name, "type": side, "amount": 7, "homeCurrencyAmount": 7}
            for name, side in (("Deferred Revenue", "Debit"), ("Hosting Costs", "Credit"))
        ],
    }
    with closing(sqlite3.connect(small.database)) as connection, connection:
        connection.execute("update counters set value = 5 where name = 'JE'")
    number = small.call("POST", "journal-entries", **body)["journalEntryNumber"]
    assert number == "JE-00000006"
    theirs = small.content()
    planned = small.plan()
    assert "! blocked  entry-05  JE-00000006" in planned.out
    assert "ownership: " in planned.out
    assert small.apply().code == 4
    assert small.content() == theirs


def test_a_lost_daybook_does_not_post_everything_twice(small):
    """Without the daybook the markers in the ledger tell what is ours."""
    before = small.content()
    Path(small.root / ".reconciler" / "daybook.db").unlink()
    assert set(small.actions().values()) == {"adopt"}
    refused = small.apply()
    assert (refused.code, "--adopt-found 6" in refused.out) == (4, True)
    small.applied("--adopt-found", 6)
    assert small.content() == before


@pytest.mark.parametrize("spoil", ["zeros", "text", "cut", "another format"])
def test_a_broken_daybook_stops_everything(small, spoil):
    daybook = small.root / ".reconciler" / "daybook.db"
    content = daybook.read_bytes()
    if spoil == "another format":
        with closing(sqlite3.connect(daybook)) as connection, connection:
            connection.execute("update meta set value = '99' where key = 'format'")
    else:
        spoilt = {"zeros": b"\0" * 4096, "text": b"not a database\n" * 99, "cut": content[:5000]}
        daybook.write_bytes(spoilt[spoil])
        for rest in daybook.parent.glob("daybook.db-*"):
            rest.unlink()
    before = small.content()
    for verb in (("plan",), ("apply", "--auto-approve"), ("drift",), ("doctor",)):
        ended = small.run(*verb)
        assert ended.code == 1, ended.said
        assert "the daybook" in ended.said
        assert "Traceback" not in ended.said
    assert small.content() == before


def test_an_unknown_client_is_an_access_problem(served_small):
    served_small.env |= credentials(served_small.database)
    served_small.env["ZUORA_CLIENT_SECRET"] = "x" * 42
    for verb in ("plan", "drift", "doctor"):
        assert served_small.run(verb).code == 8
    assert served_small.apply().code == 8
