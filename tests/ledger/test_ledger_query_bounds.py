"""Data Query against those who mean harm: everything is refused or bounded, and nothing breaks."""

import time
from itertools import count
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from query_harness import JOBS, done, job_body, submit

from reconciler.ledger.query import execution, jobs

ALL = "select count(*) from accountingcode a"

MALICIOUS = {
    "a pragma": "pragma table_info(journal_entries)",
    "attach": "attach database '/tmp/x.db' as x",
    "detach": "detach database main",
    "vacuum": "vacuum into '/tmp/x.db'",
    "an insert": "insert into journalentry select * from journalentry",
    "an update": "update journalentry set status = 'x'",
    "a delete": "delete from journalentry",
    "a drop": "drop table journalentry",
    "a new table": "create table x as select 1",
    "select into": "select 1 into x from journalentry",
    "explain": "explain select 1",
    "set": "set session x = 1",
    "two statements": "select 1; drop table journalentry",
    "two selects": "select 1; select 2",
    "only a semicolon": ";",
    "only a comment": "-- nothing",
    "only blanks": "  ",
    "no columns": "select from journalentry",
    "nothing else": "select",
    "a table of the database": "select * from sqlite_master",
    "a table of the ledger": "select * from clients",
    "a qualified table": "select * from main.journalentry",
    "a schema": "select * from information_schema.tables",
    "a pragma function": "select * from pragma_table_info('x')",
    "a series": "select * from generate_series(1, 1000000000)",
    "a recursion": "with recursive x(n) as (select 1 union all select n from x) select n from x",
    "a hidden recursion": "with recursive x as (select n from x) select n from x",
    "a hidden table": "with journalentry as (select 1 as n) select n from journalentry",
    "an extension": "select load_extension('x')",
    "a file": "select readfile('/etc/passwd')",
    "a written file": "select writefile('/tmp/x', 'y')",
    "a blob": "select randomblob(1000000000)",
    "zeros": "select zeroblob(1000000000)",
    "a pattern": "select regexp_like('aaaa', '(a+)+b')",
    "padding": "select lpad('x', 1000000000, 'y')",
    "repetition": "select repeat('x', 1000000000)",
    "a window": "select count(*) over () from journalentry",
    "a union": "select 1 union select 2",
    "values": "values (1)",
    "an array": "select " + "array[" * 30 + "1" + "]" * 30,
    "rows": "select " + "row(" * 30 + "1" + ")" * 30,
    "brackets": "select " + "(" * 5000 + "1" + ")" * 5000,
    "open brackets": "select " + "(" * 5000,
    "negations": "select " + "not " * 9000 + "true",
    "signs": "select " + "- " * 9000 + "1",
    "cases": "select " + "case when " * 3000 + "true",
    "a chain": "select " + "1 + " * 9000 + "1",
    "conditions": "select 1 from journalentry where " + "1 = 1 and " * 5000 + "true",
    "queries in queries": "select 1 where exists (" * 100 + "select 1" + ")" * 100,
    "many tables": "select 1 from journalentry" + ", journalentry" * 20,
    "a long query": "select '" + "x" * 200_000 + "'",
    "an open quote": "select 'x",
    "an open comment": "select 1 /* x",
    "an unknown column": "select nothing from journalentry",
    "an unclear column": "select id from journalentry a, journalentry b",
    "an unknown function": "select decimal_sum(amount) from journalentryitem",
    "a quotient": "select amount / 3 from journalentryitem",
    "an average": "select avg(amount) from journalentryitem",
    "a product": "select amount * amount from journalentryitem",
    "a text as amount": "select amount from journalentryitem where amount > '10'",
    "a text as date": "select id from journalentry where createddate > '2026-01-01'",
    "no such day": "select date '2026-02-30'",
    "an ungrouped column": "select number, count(*) from journalentry",
    "a limit that is none": "select 1 limit 'x'",
    "a null character": "select '\x01'",
    "columns of nothing": "show columns from sqlite_master",
}


@pytest.mark.parametrize("query", MALICIOUS.values(), ids=MALICIOUS.keys())
def test_what_the_subset_has_not_is_refused(shared, caller, query):
    began = time.process_time()
    response = caller.post(JOBS, json=job_body(query))
    assert response.status_code == 400, response.text
    assert set(response.json()) == {"code", "message"}
    assert len(response.json()["message"]) < 300
    assert time.process_time() - began < 5


def test_a_query_of_a_megabyte_is_too_large(shared, caller):
    response = caller.post(JOBS, json=job_body("select " + "1, " * 400_000 + "1"))
    assert response.status_code == 413


def test_a_huge_join_ends_in_time(make_bench, monkeypatch):
    clock = count()  # a second passes whenever the time is asked for
    monkeypatch.setattr(execution, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    client = make_bench().client()
    joined = ", ".join(f"accountingcode t{number}" for number in range(10))
    job = done(client, f"select count(*) from {joined} where t0.id < t9.id")
    assert job["queryStatus"] == "failed"
    assert "seconds" in job["errorMessage"]
    assert next(clock) < execution.MAX_SECONDS + 10


def test_a_result_has_an_end(make_bench, monkeypatch):
    monkeypatch.setattr(execution, "MAX_ROWS", 48)
    client = make_bench().client()
    crossed = "select a.id from accountingcode a, accountingcode b"
    job = done(client, crossed)
    assert job["queryStatus"] == "failed"
    assert "48 rows" in job["errorMessage"]
    assert done(client, f"{crossed} limit 48")["outputRows"] == 48


def test_more_jobs_than_may_run_wait(make_bench, monkeypatch):
    monkeypatch.setattr(jobs, "MAX_RUNNING", 0)
    client = make_bench().client()
    for _ in range(10):
        job = submit(client, "show tables")
    assert client.get(f"{JOBS}/{job}").json()["data"]["queryStatus"] == "accepted"
    refused = client.post(JOBS, json=job_body("show tables"))
    assert refused.status_code == 429
    assert set(refused.json()) == {"code", "message"}


SPOKEN = (
    "select from where group by having order limit offset distinct as with in is not null and or"
    " between like case when then else end exists join left on using ( ) ( ) , , . * + - = < ||"
    " journalentry journalentryitem accountingcode a b id number amount type createddate deleted"
    " count( sum( max( coalesce( cast( date timestamp varchar decimal(18,6) 1 1.5 'x' '2026-01-01'"
    ' true now() upper( if( substr( _col0 "id" ; --'
)
WORDS = st.sampled_from(SPOKEN.split())


@settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(words=st.lists(WORDS, max_size=14))
def test_no_text_breaks_the_ledger(caller, words):
    text = "select " + " ".join(words)
    response = caller.post(JOBS, json=job_body(text))
    assert response.status_code in (200, 400), text
    if response.status_code == 200:
        job = caller.get(f"{JOBS}/{response.json()['data']['id']}").json()["data"]
        assert job["queryStatus"] in ("completed", "failed"), text
        assert "unexpected" not in job.get("errorMessage", ""), text
