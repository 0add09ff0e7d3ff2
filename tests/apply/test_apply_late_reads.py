"""A ledger that shows an acknowledged call late: reads lag for a moment, queries for minutes."""

from itertools import chain, repeat

import pytest
from apply_harness import (
    HASTY,
    answer,
    files,
    instead,
    lost_after,
    nth,
    of,
    outcomes,
    refusal,
    whole,
)

from reconciler.core.model.kinds import KINDS
from reconciler.core.model.plan import Reason
from reconciler.core.model.policy import Policy, Removal

ONE = files(a=of())
NOT_FOUND = refusal(50000040, "Cannot find entity by key", 404)
NOT_PERMITTED = answer(403, {"code": "FORBIDDEN", "message": "Data Query is not permitted"})
LAG = 600
"""Seconds by which a query lags, as it may by its documentation (API facts 6.1)."""
LASTING = HASTY.late_reads + 10


class Late:
    """Reads of a number that show it as it was before its last change, so many times each."""

    def __init__(self, bench, times):
        self._bench, self._times = bench, times
        self._before, self._left = {}, {}
        bench.on_commit = self._changed

    def _changed(self, commit):
        """Remember what the next reads show. A new entry was not there before."""
        for number in self._before.keys() | {number for number, *_ in self._bench.all_entries()}:
            self._left.setdefault(number, 0)
        number = commit.path.split("/")[3] if commit.path.count("/") > 2 else self._newest()
        self._left[number] = self._times

    def hide(self, number):
        """Let the next reads of an entry not find it."""
        self._left[number] = self._times

    def _newest(self):
        return max(number for number, *_ in self._bench.all_entries())

    def __call__(self, line, request):
        number = request.url.path.rpartition("/")[2]
        if "/journal-entries/" not in request.url.path:
            return line.deliver(request)
        if self._left.get(number, 0) > 0:
            self._left[number] -= 1
            response, raw = self._before.get(number, (NOT_FOUND, NOT_FOUND.content))
            return whole(response, raw)
        response = line.deliver(request)
        self._before[number] = (response, raw := b"".join(response.stream))
        return whole(response, raw)


@pytest.fixture
def late(make_bench):
    """A bench on a socket, and a function that lets its reads lag from now on."""
    bench = make_bench(over_socket=True, query_lag=LAG)

    def lag(times):
        bench.line.reads = Late(bench, times)
        return bench

    return lag


@pytest.mark.parametrize("times", [1, 2, 3, HASTY.late_reads, LASTING])
def test_i01_i03_an_entry_that_is_shown_late_is_posted_once(late, times):
    """Neither a read nor a search finds it, which is no proof that it was deleted."""
    bench = late(times)
    report = bench.apply(ONE)
    assert outcomes(report) == ({"unknown"} if times == LASTING else {"done"})
    assert bench.verbs() == ["create"]
    assert len(bench.live()["a"]) == 1
    bench.converge(ONE)


def test_i01_i07_an_open_create_that_is_shown_late_is_not_posted_again(late):
    bench = late(LASTING)
    bench.line.choose = nth(1, lost_after)
    bench.apply(ONE)
    for _ in range(2):
        (settled,) = bench.apply(ONE).settled
        assert settled.result.value == "unknown"
        assert "neither a read nor a query of deleted entries finds" in settled.message
    assert len(bench.live()["a"]) == 1
    bench.converge(ONE)


@pytest.mark.parametrize("times", [1, 3, HASTY.late_reads])
@pytest.mark.parametrize(
    ("wanted", "sent"),
    [
        (files(a=of(notes="new")), ["basic-information"]),
        (files(a=of("5.00")), ["cancel", "create", "delete"]),
        ({}, ["cancel", "delete"]),
    ],
    ids=["update", "replace", "remove"],
)
def test_i10_i32_a_call_that_is_shown_late_is_waited_for(late, times, wanted, sent):
    bench = late(0)
    bench.converge(ONE)
    bench.verbs()
    late(times)
    assert outcomes(bench.apply(wanted)) == {"done"}
    assert bench.verbs() == sent
    bench.converge(wanted)


def delete_by_hand(bench, number):
    bench.api("PUT", f"/v1/journal-entries/{number}/cancel")
    bench.api("DELETE", f"/v1/journal-entries/{number}")


def refused(bench, wanted=ONE):
    report = bench.apply(wanted)
    assert outcomes(report) == {"not_attempted"}
    (found,) = (one for one in bench.planned.refusals if one.rule == "unread-posting")
    return found.message


@pytest.mark.parametrize("wanted", [ONE, {}], ids=["declared", "removed"])
@pytest.mark.parametrize("queries", [None, instead(NOT_PERMITTED)], ids=["late", "forbidden"])
def test_i01_i03_a_recorded_entry_that_no_read_finds_is_not_taken_for_gone(late, queries, wanted):
    """An apply posted it a moment ago, and another one reads what lags."""
    bench = late(0)
    bench.converge(ONE)
    bench.verbs()
    bench.line.queries = queries
    late(LASTING).line.reads.hide("JE-00000001")
    for _ in range(2):
        assert "JE-00000001" in refused(bench, wanted)
    assert bench.verbs() == []
    assert len(bench.live()["a"]) == 1
    bench.line.queries = None
    bench.converge(wanted)


def test_what_a_query_shows_as_deleted_is_posted_again(late):
    bench = late(0)
    bench.converge(ONE)
    delete_by_hand(bench, "JE-00000001")
    assert "JE-00000001" in refused(bench)
    bench.clock.pass_by(seconds=LAG)
    bench.converge(ONE)


@pytest.mark.parametrize("queries", [None, instead(NOT_PERMITTED)], ids=["late", "forbidden"])
def test_what_no_read_finds_after_the_lag_is_posted_again(late, queries):
    """A deleted row is shown for a month. The age of the record is evidence enough."""
    bench = late(0)
    bench.converge(ONE)
    bench.clock.pass_by(hours=3)
    delete_by_hand(bench, "JE-00000001")
    bench.line.queries = queries
    assert "JE-00000001" in refused(bench)
    bench.execute("delete from journal_entries where number = 'JE-00000001'")
    bench.clock.pass_by(hours=2)
    found = {"probe_from": "JE-00000001"} if queries else {}
    assert outcomes(bench.apply(ONE, finding=found)) == {"done"}
    assert bench.live()["a"] == ["JE-00000002"]


@pytest.mark.parametrize("queries", [None, instead(NOT_PERMITTED)], ids=["late", "forbidden"])
def test_what_we_cancelled_needs_no_proof_that_it_is_gone(make_bench, queries):
    """Somebody deleted what an apply had cancelled: nothing of it was posted any more."""
    bench = make_bench(over_socket=True, query_lag=LAG, policy=Policy(removal=Removal.CANCEL))
    for wanted in (ONE, {}):
        assert outcomes(bench.apply(wanted)) == {"done"}
    bench.api("DELETE", "/v1/journal-entries/JE-00000001")
    bench.line.queries = queries
    found = {"probe_from": "JE-00000001"} if queries else {}
    assert outcomes(bench.apply(ONE, finding=found)) == {"done"}
    assert bench.live() == {"a": ["JE-00000002"]}


@pytest.mark.parametrize("wanted", [files(a=of("5.00")), {}], ids=["replace", "remove"])
def test_i10_i33_a_cancel_that_shows_much_later_is_ours(late, wanted):
    """The daybook knows that the ledger acknowledged it."""
    bench = late(0)
    bench.converge(ONE)
    late(LASTING)
    report = bench.apply(wanted)
    assert outcomes(report) == {"unknown"}
    assert "acknowledged the cancel of JE-00000001" in report.applied[0].message
    bench.line.reads = None
    with bench.daybook(write=False) as book, bench.client() as client:
        (change,) = bench.plan(client, book, wanted).changes
    assert change.reason is Reason.RESUMED
    bench.verbs()
    assert outcomes(bench.apply(wanted)) == {"done"}
    assert "cancel" not in bench.verbs()
    bench.converge(wanted)


def test_i07_what_a_query_shows_as_deleted_and_a_read_as_posted_is_unknown(make_bench):
    """Of two servers that answer reads, one lags. The key answers with what is deleted."""
    bench = make_bench(over_socket=True, query_lag=LAG)
    bench.converge(ONE)
    shown = []

    def remembers(line, request):
        response = line.deliver(request)
        shown.append((response, b"".join(response.stream)))
        return whole(*shown[-1])

    def lags(line, request):
        if not request.url.path.endswith("/JE-00000001"):
            return line.deliver(request)
        return line.deliver(request) if next(servers) == "new" else whole(*shown[0])

    bench.line.reads = remembers
    with bench.client() as client:
        client.read(KINDS["JournalEntry"], "JE-00000001")
    delete_by_hand(bench, "JE-00000001")
    bench.clock.pass_by(seconds=LAG)
    bench.daybook_path.unlink()
    servers = chain(["new"], repeat("old"))
    bench.line.reads = lags
    assert outcomes(bench.apply(ONE)) == {"unknown"}
    bench.line.reads = None
    bench.converge(ONE)
    assert bench.live() == {"a": ["JE-00000002"]}
