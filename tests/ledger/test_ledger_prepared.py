"""Prepared reads give what the library's do, see one state, and outlive a lost connection."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from ledger_harness import ENTRIES, credit, debit, entry
from sqlalchemy import Integer, bindparam, column, insert, select, table
from sqlalchemy.exc import DBAPIError

from reconciler.ledger.auth import clients
from reconciler.ledger.journals import view
from reconciler.ledger.reference_data import tenant_settings
from reconciler.ledger.storage.tables import counters

pytestmark = pytest.mark.both_databases

STATEMENTS = {
    "caller": clients._CALLER,
    "settings": tenant_settings._SETTINGS,
    "entry": view._BY_NUMBER,
    "items": view._ITEMS_OF_ONE,
}
"""Every select of the route that reads an entry."""

NAMES = select(counters.c.name).where(counters.c.tenant_id == bindparam("tenant"))


def typed(rows):
    """Rows with the type of each value: True is not 1, and 1.0 is not 1."""
    return [{name: (type(value), value) for name, value in row.items()} for row in rows]


@pytest.fixture
def quiet(make_bench):
    """A ledger in process."""
    return make_bench()


def posted(client):
    """An entry with everything that is stored in a form of its own: amounts, JSON, truth values."""
    lines = [debit("400.90", CostCenter__c="a"), credit("0.07"), credit("400.83")]
    body = entry(*lines, ReconcilerKey__c="books/a", notes="100 %s")
    answer = client.post(ENTRIES, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["journalEntryNumber"]


def values_of(bench, number):
    (entry_row,) = bench.truth(f"SELECT id FROM journal_entries WHERE number = '{number}'")
    (token,) = bench.truth("SELECT token_hash FROM tokens")
    tenant = bench.ledger.tenant_id
    return {
        "caller": {"hash": token["token_hash"], "now": 0},
        "settings": {"tenant": tenant},
        "entry": {"tenant": tenant, "number": number},
        "items": {"tenant": tenant, "entry": entry_row["id"]},
    }


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_prepared_select_reads_what_the_library_reads(quiet, name):
    values = values_of(quiet, posted(quiet.client()))[name]
    with quiet.ledger.store.reading() as tx:
        wanted = [dict(row) for row in tx.execute(STATEMENTS[name], values).mappings()]
    assert wanted, "there is something to compare"
    for _ in range(2):  # prepared, then again
        with quiet.ledger.store.reading_prepared() as tx:
            found = list(tx.execute(STATEMENTS[name], values).mappings())
        assert typed(found) == typed(wanted)


def test_a_token_that_is_revoked_ends_with_the_next_request(bench):
    revoked, kept = bench.client(), bench.client()
    path = f"{ENTRIES}/{posted(revoked)}"
    assert [one.get(path).status_code for one in (revoked, kept)] == [200, 200]
    token = revoked.headers["Authorization"].removeprefix("Bearer ")
    bench.database.run(f"DELETE FROM tokens WHERE token_hash = '{clients._hash(token)}'")
    assert [one.get(path).status_code for one in (revoked, kept)] == [401, 200]
    bench.database.run("DELETE FROM clients")
    assert [one.get(path).status_code for one in (revoked, kept)] == [401, 401]


def test_a_prepared_read_sees_one_state_while_others_write(quiet):
    store, asked = quiet.ledger.store, {"tenant": "t"}
    with store.reading_prepared() as reader:
        assert list(reader.execute(NAMES, asked).mappings()) == []
        with store.writing() as tx:
            tx.execute(insert(counters).values(tenant_id="t", name="a", value=1))
        assert list(reader.execute(NAMES, asked).mappings()) == []
    with store.reading_prepared() as reader:
        assert list(reader.execute(NAMES, asked).mappings()) == [{"name": "a"}]


def test_connections_are_kept_for_as_many_threads_as_read_at_once(quiet):
    client = quiet.client()
    path = f"{ENTRIES}/{posted(client)}"
    wanted = client.get(path).json()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: client.get(path).json(), range(40)))
    assert found == [wanted] * 40
    assert 1 <= len(quiet.ledger.store._prepared._idle) <= 4


def test_a_select_that_fails_leaves_nothing_behind(quiet):
    missing = select(column("a", Integer)).select_from(table("no_such_table"))
    store = quiet.ledger.store
    for _ in range(2):
        with pytest.raises(DBAPIError, match="no_such_table"), store.reading_prepared() as reader:
            reader.execute(missing, {})
    with store.reading_prepared() as reader:
        assert list(reader.execute(NAMES, {"tenant": "t"}).mappings()) == []


def test_one_row_is_one_row(quiet):
    store = quiet.ledger.store
    with store.writing() as tx:
        tx.execute(insert(counters), [{"tenant_id": "t", "name": n, "value": 1} for n in "ab"])
    with store.reading_prepared() as reader:
        rows = reader.execute(NAMES, {"tenant": "t"}).mappings()
        for asked in (rows.one, rows.one_or_none):
            with pytest.raises(ValueError):
                asked()


@pytest.mark.only_postgresql
def test_a_server_that_ended_the_connections_is_connected_to_again(quiet):
    client = quiet.client()
    path = f"{ENTRIES}/{posted(client)}"
    assert client.get(path).status_code == 200
    quiet.truth(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    assert client.get(path).status_code == 200
