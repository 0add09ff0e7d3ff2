"""What ends a run early, and that its report still tells the truth about every change."""

import contextlib
import dataclasses
import json
import sqlite3
import threading
import time

import httpx
import pytest
from apply_harness import (
    Bench,
    each,
    every,
    files,
    instead,
    lost_before,
    nth,
    of,
    outcomes,
    refusal,
    refused_connection,
)

from reconciler.errors import LedgerUnreachable

LONG = pytest.mark.long

MANY = files(**{f"n{index:02}": of(f"{index + 1}.00") for index in range(12)})
TWO_MONTHS = files(
    a=of("1.00"),
    b=of("2.00"),
    c=of("3.00", accountingPeriodName="Feb-2026", journalEntryDate="2026-02-28"),
)
REFUSED = instead(refusal(52030030, "No"))


def by_name(report):
    return {item.change.address.name: item.outcome.value for item in report.applied}


def messages(report):
    return {item.change.address.name: item.message for item in report.applied}


def refuse_events(bench: Bench, what: str) -> None:
    """From now on the database itself refuses every event of a sort, as a full disk would."""
    with contextlib.closing(sqlite3.connect(bench.daybook_path)) as connection:
        connection.execute(
            f"create trigger full before insert on events when new.type = '{what}' "
            "begin select raise(abort, 'database or disk is full'); end"
        )
        connection.commit()


def make_room(bench: Bench) -> None:
    with contextlib.closing(sqlite3.connect(bench.daybook_path)) as connection:
        connection.execute("drop trigger full")
        connection.commit()


def test_a_failure_stops_its_own_period_alone(bench):
    bench.line.choose = nth(1, REFUSED)
    report = bench.apply(TWO_MONTHS)
    assert by_name(report) == {"a": "failed", "b": "not_attempted", "c": "done"}
    assert "Jan-2026" in messages(report)["b"]
    bench.converge(TWO_MONTHS)


def test_a_failure_stops_nothing_when_asked_to_go_on(bench):
    bench.line.choose = nth(1, REFUSED)
    report = bench.apply(TWO_MONTHS, continue_on_error=True)
    assert by_name(report) == {"a": "failed", "b": "done", "c": "done"}


@pytest.mark.parametrize(
    "meets", [refused_connection, instead(httpx.Response(403, json={"success": False}))],
    ids=["unreachable", "N24 access refused"],
)  # fmt: skip
def test_a_ledger_that_cannot_be_used_is_left_alone(bench, meets):
    bench.line.choose = every(meets)
    report = bench.apply(TWO_MONTHS, continue_on_error=True)
    assert by_name(report) == {"a": "failed", "b": "not_attempted", "c": "not_attempted"}
    assert "the ledger could no longer be used" in messages(report)["c"]
    bench.converge(TWO_MONTHS)


@pytest.mark.parametrize(
    "kept", ["", "books/", "BOOKS/A", " books/a"], ids=["ignored", "cut off", "case", "spaces"]
)
@pytest.mark.parametrize("go_on", [False, True])
def test_a_lost_marker_stops_every_further_create_but_no_other_change(bench, kept, go_on):
    """Nothing would know a further entry as ours either, in this run or in the next ones."""

    def forgets(line, request):
        body = json.loads(request.read()) | {"ReconcilerKey__c": kept}
        held = {name: request.headers[name] for name in ("authorization", "idempotency-key")}
        return line.deliver(httpx.Request("POST", request.url, headers=held, json=body))

    bench.apply(files(z=of("9.00")))
    wanted = TWO_MONTHS | files(z=of("9.00", notes="said anew"))
    bench.line.choose = every(forgets, "create")
    report = bench.apply(wanted, continue_on_error=go_on)
    assert by_name(report) == {
        "a": "unknown", "b": "not_attempted", "c": "not_attempted", "z": "done",
    }  # fmt: skip
    assert "ReconcilerKey__c" in report.applied[0].remedy
    why = "the ledger did not keep the marker of a, so no further entry is created"
    assert {messages(report)[name] for name in "bc"} == {why}
    for hours in (0, 1, 29):
        bench.clock.pass_by(hours=hours)
        report = bench.apply(wanted, continue_on_error=go_on)
        assert by_name(report) == {"a": "blocked", "b": "not_attempted", "c": "not_attempted"}
        assert {messages(report)[name] for name in "bc"} == {why}
        assert len(bench.all_entries()) == 2
    bench.line.choose = lambda sent: None
    number = report.settled[0].number
    bench.api(
        "PUT", f"/v1/journal-entries/{number}/basic-information", {"ReconcilerKey__c": "books/a"}
    )
    bench.converge(wanted)
    assert len(bench.all_entries()) == 4


def test_n23_access_refused_mid_run_keeps_what_was_done(bench):
    denied = instead(httpx.Response(401, json={"message": "Authentication error"}))
    bench.line.choose = each(None, denied, denied, denied)
    report = bench.apply(TWO_MONTHS)
    assert by_name(report) == {"a": "done", "b": "failed", "c": "not_attempted"}
    bench.require_true(report)
    bench.converge(TWO_MONTHS)


@pytest.mark.parametrize(
    ("at", "parallelism"),
    [
        (1, 1),
        (3, 4),
        (6, 1),
        *(pytest.param(*pair, marks=LONG) for pair in [(1, 4), (3, 1), (6, 4)]),
    ],
)
def test_i33_a_stop_settles_what_is_in_flight_and_lists_the_rest(make_bench, at, parallelism):
    bench = make_bench(parallelism=parallelism)
    stop = threading.Event()
    seen = []

    def after(commit):
        seen.append(commit)
        if len(seen) == at:
            stop.set()

    bench.on_commit = after
    report = bench.apply(MANY, ports={"stop": stop})
    assert len(report.applied) == len(MANY)
    assert outcomes(report) == {"done", "not_attempted"}
    assert at <= list(by_name(report).values()).count("done") <= at + parallelism
    bench.require_true(report)
    bench.on_commit = lambda commit: None
    bench.converge(MANY)


def test_i03_what_posts_waits_for_what_takes_out_of_its_period(make_bench):
    """A new name without `previousName`: when the old entry cannot go, its double is not posted."""
    bench = make_bench(over_socket=True, parallelism=2)
    bench.converge(files(old=of("1.00")))

    def refused_late(line, request):
        time.sleep(0.3)
        return REFUSED(line, request)

    bench.line.choose = every(refused_late, "cancel")
    report = bench.apply(files(new=of("1.00")))
    assert by_name(report) == {"old": "failed", "new": "not_attempted"}
    assert list(bench.live()) == ["old"]
    bench.converge(files(new=of("1.00")))


def test_a_stop_between_the_calls_of_a_replacement_says_what_was_done(bench):
    bench.converge(files(a=of()))
    stop = threading.Event()
    bench.on_commit = lambda commit: stop.set()
    report = bench.apply(files(a=of("2.00")), ports={"stop": stop})
    (item,) = report.applied
    assert (item.outcome, [step.verb for step in item.steps]) == ("failed", ["cancel"])
    bench.on_commit = lambda commit: None
    bench.converge(files(a=of("2.00")))


@pytest.mark.parametrize("parallelism", [1, 4])
def test_an_unforeseen_error_loses_no_result_of_the_others(make_bench, parallelism):
    bench = make_bench(parallelism=parallelism)

    def break_down(line, request):
        line.deliver(request)
        raise ZeroDivisionError("nobody foresaw this")

    bench.line.choose = nth(2, break_down)
    with pytest.raises(ZeroDivisionError):
        bench.apply(MANY)
    assert len(bench.last.applied) == len(MANY)
    found = by_name(bench.last)
    assert list(found.values()).count("unknown") == 1
    standing = bench.live()
    unknown = next(name for name, outcome in found.items() if outcome == "unknown")
    assert {name for name, outcome in found.items() if outcome == "done"} == set(standing) - {
        unknown
    }
    assert "ZeroDivisionError" in messages(bench.last)[unknown]
    bench.require_true(bench.last)
    bench.converge(MANY)


@pytest.mark.parametrize(
    ("at", "parallelism"),
    [(1, 1), (3, 4), *(pytest.param(*pair, marks=LONG) for pair in [(1, 4), (3, 1)])],
)
def test_i43_what_the_daybook_cannot_take_note_of_is_said(make_bench, at, parallelism):
    """The disk is full after the call and before its outcome is written."""
    bench = make_bench(parallelism=parallelism)
    seen, sent_when_full = [], []

    def fill(commit):
        seen.append(commit)
        if len(seen) == at:
            refuse_events(bench, "outcome")
            sent_when_full.append(len(bench.line.sent))

    bench.on_commit = fill
    report = bench.apply(MANY)
    assert len(report.applied) == len(MANY)
    # From then on nothing is concluded, so each of those at work can send what it had begun, once.
    assert len(bench.line.sent) <= sent_when_full[0] + parallelism, "no further calls"
    failed = [item for item in report.applied if item.outcome == "failed"]
    created = [item for item in failed if item.number is not None]
    assert created
    for item in created:
        assert f"{item.number} was created; this is not recorded" in item.message
        assert item.steps == item.change.steps
    for item in failed:
        # An intent fails with an outcome that is in the same commit, and then nothing is sent.
        assert item.number is not None or (item.steps == () and "written" in item.message), item
    assert "the daybook could no longer be written" in " ".join(messages(report).values())
    bench.require_true(report)
    bench.on_commit = lambda commit: None
    make_room(bench)
    bench.converge(MANY)
    assert len(bench.all_entries()) == len(MANY)


def test_b06_i04_nothing_is_sent_that_could_not_be_written_before(bench):
    with bench.daybook():
        pass
    report = bench.apply(MANY, between=lambda: refuse_events(bench, "intent"))
    assert bench.line.sent == []
    assert set(by_name(report).values()) == {"failed", "not_attempted"}
    assert "the daybook cannot be written" in " ".join(messages(report).values())
    make_room(bench)
    bench.converge(MANY)


def test_i43_an_unknown_outcome_that_cannot_be_written_stays_unknown(bench):
    def fill(line, request):
        if not bench.rows("select 1 from sqlite_master where name = 'full'", bench.daybook_path):
            refuse_events(bench, "outcome")
        return lost_before(line, request)

    bench.line.choose = every(fill)
    report = bench.apply(files(a=of()))
    assert outcomes(report) == {"unknown"}
    assert "this is not recorded" in report.applied[0].message
    make_room(bench)
    bench.converge(files(a=of()))


def test_i33_i43_an_earlier_entry_is_not_reported_as_created(bench):
    """The daybook was lost, so the create has a key that was answered before, and its number."""
    one = files(a=of())
    bench.converge(one)
    bench.converge({})
    bench.daybook_path.unlink()
    with bench.daybook():
        pass
    report = bench.apply(one, between=lambda: refuse_events(bench, "outcome"))
    (item,) = report.applied
    assert (item.outcome.value, item.number, item.steps) == ("failed", None, ())
    assert "the ledger answered JE-00000001, which is not posted" in item.message
    bench.require_true(report)
    make_room(bench)
    bench.converge(one)


def test_a_listener_that_leaves_ends_the_run_between_two_calls(bench):
    from reconciler.engine.apply import apply
    from reconciler.engine.ports import Ports

    with bench.daybook() as book, bench.client() as client:
        plan = bench.plan(client, book, MANY)
        ports = Ports(ledger=client, daybook=book)
        events = apply(plan, {}, ports, parallelism=1)
        next(events)
        events.close()
        assert ports.stop.is_set()
    assert len(bench.line.sent) <= 2
    bench.converge(MANY)


def reversed_pair():
    """An entry of February that reverses one of January; by its name it would come first."""
    lines = of()["journalEntryItems"]
    sides = {"Debit": "Credit", "Credit": "Debit"}
    fields = {"accountingPeriodName": "Feb-2026", "journalEntryDate": "2026-02-01"}
    back = {**of(**fields), "journalEntryItems": tuple(
        {**one, "type": sides[one["type"]]} for one in lines)}  # fmt: skip
    pair = files(a=back, b=of())
    return {**pair, "a": dataclasses.replace(pair["a"], reverses="b")}


@pytest.mark.parametrize("parallelism", [1, 4])
def test_a_reversal_is_posted_after_its_original(bench, parallelism):
    report = bench.apply(reversed_pair(), parallelism=parallelism)
    numbers = {one.change.address.name: one.number for one in report.applied}
    assert numbers["b"] < numbers["a"]
    bench.converge(reversed_pair())


def test_a_reversal_is_not_posted_without_its_original(bench):
    bench.line.choose = nth(1, REFUSED)
    report = bench.apply(reversed_pair(), continue_on_error=True)
    assert by_name(report) == {"b": "failed", "a": "not_attempted"}
    assert messages(report)["a"] == "b, which it reverses, did not succeed"
    bench.converge(reversed_pair())


@pytest.mark.parametrize("parallelism", [1, 4])
def test_a_reversal_is_cancelled_before_its_original(bench, parallelism):
    bench.converge(reversed_pair())
    report = bench.apply({}, parallelism=parallelism)
    assert by_name(report) == {"a": "done", "b": "done"}
    cancels = [sent.path.split("/")[-2] for sent in bench.line.sent if sent.verb == "cancel"]
    assert cancels == ["JE-00000002", "JE-00000001"]


@pytest.mark.parametrize("parallelism", [1, 4])
def test_an_original_is_not_cancelled_while_its_reversal_is_posted(bench, parallelism):
    bench.converge(reversed_pair())
    bench.line.choose = nth(1, REFUSED)
    report = bench.apply({}, parallelism=parallelism, continue_on_error=True)
    assert by_name(report) == {"a": "failed", "b": "not_attempted"}
    assert messages(report)["b"] == "a, which reverses it, was not cancelled"
    assert set(bench.live()) == {"a", "b"}
    bench.converge({})


def test_nothing_more_is_read_once_a_read_failed(bench):
    bench.converge(TWO_MONTHS)
    asked = []

    def lost(line, request):
        asked.append(request.url.path)
        return refused_connection(line, request)

    bench.line.reads = lost
    with pytest.raises(LedgerUnreachable):
        bench.apply(TWO_MONTHS)
    assert len({*asked}) == 1
