"""A ledger that shows an acknowledged call late: reads lag for a moment, queries for minutes."""

import pytest
from apply_harness import HASTY, files, lost_after, nth, of, outcomes, refusal, whole

ONE = files(a=of())
NOT_FOUND = refusal(50000040, "Cannot find entity by key", 404)
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
