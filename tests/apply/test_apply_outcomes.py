"""What a lost, refused or doubtful answer makes of a create (reliability 3.2, 3.3)."""

import httpx
import pytest
from apply_harness import (
    answer,
    closed_first,
    each,
    every,
    files,
    instead,
    lost_after,
    lost_before,
    nth,
    of,
    outcomes,
    refusal,
    refused_connection,
)

from reconciler.errors import LedgerUnreachable, OutcomeUnknown, PostedByAnother

LONG = pytest.mark.long

ONE = files(a=of())
LOCKED = instead(refusal(52030050, "Locked"))
LIMITED = instead(httpx.Response(429, json={"success": False}))
BROKEN = instead(httpx.Response(500, json={"success": False}))
PROXY = instead(httpx.Response(404, text="no such page"))
MISMATCH = instead(refusal(52030020, "The key was used with another URL", 422))
DENIED = instead(httpx.Response(403, json={"success": False}))


def test_i01_a_create_is_done_with_one_request(either):
    report = either.apply(ONE)
    assert outcomes(report) == {"done"}
    assert report.applied[0].number == either.live()["a"][0]
    assert either.verbs() == ["create"]
    either.converge(ONE)


@pytest.mark.parametrize("fault", [lost_before, lost_after, BROKEN, LOCKED, refused_connection])
def test_i05_a_retry_inside_a_call_repeats_its_bytes_and_key(either, fault):
    either.line.choose = each(fault, fault)
    assert outcomes(either.apply(ONE)) == {"done"}
    assert len(either.line.sent) == 3
    assert len(set(either.line.sent)) == 1
    either.converge(ONE)


@pytest.mark.parametrize(
    ("faults", "ends"),
    [
        pytest.param([lost_after] * 6, OutcomeUnknown, id="N08 lost for good"),
        pytest.param([lost_before] * 6, OutcomeUnknown, id="N07 lost for good"),
        pytest.param([lost_after] + [refused_connection] * 5, OutcomeUnknown, id="then refused"),
        pytest.param([lost_after] + [LIMITED] * 5, OutcomeUnknown, id="then a limit", marks=LONG),
        pytest.param([lost_after] + [LOCKED] * 5, OutcomeUnknown, id="then a lock", marks=LONG),
        pytest.param([lost_after, DENIED], OutcomeUnknown, id="then denied"),
        pytest.param([lost_after, PROXY], OutcomeUnknown, id="then a proxy's 404"),
        pytest.param([lost_after, MISMATCH], OutcomeUnknown, id="then a mismatch"),
        pytest.param([MISMATCH], PostedByAnother, id="N27 a mismatch at once"),
        pytest.param([BROKEN] * 6, OutcomeUnknown, id="N16 broken for good"),
        pytest.param([refused_connection] * 6, LedgerUnreachable, id="N01 never sent"),
    ],
)
def test_b04_what_may_have_been_delivered_is_never_posted_under_another_key(bench, faults, ends):
    bench.line.choose = each(*faults)
    report = bench.apply(ONE)
    assert isinstance(report.applied[0].error, ends)
    assert outcomes(report) == {"unknown" if ends is OutcomeUnknown else "failed"}
    bench.converge(ONE)
    assert len({sent.key for sent in bench.line.sent}) == 1
    assert len(bench.all_entries()) == 1


@pytest.mark.parametrize(
    "meets", [LIMITED, LOCKED, PROXY, DENIED, BROKEN, lost_before, refused_connection],
    ids=["limit", "lock", "proxy", "denied", "500", "lost", "unreachable"],
)  # fmt: skip
def test_n28_what_meets_the_settling_create_says_nothing_of_the_first_one(bench, meets):
    bench.line.choose = each(*[lost_after] * 6)
    bench.apply(ONE)
    bench.line.choose = every(meets)
    report = bench.apply(ONE)
    assert [item.result for item in report.settled] == ["unknown"]
    assert outcomes(report) == {"blocked"}, "nothing new is planned for it"
    bench.converge(ONE)
    assert len({sent.key for sent in bench.line.sent}) == 1
    assert len(bench.all_entries()) == 1


def test_n27_a_mismatch_that_meets_the_settling_create_is_settled_by_a_search(bench):
    bench.line.choose = each(*[lost_after] * 6)
    bench.apply(ONE)
    bench.line.choose = every(MISMATCH)
    report = bench.apply(ONE)
    assert [item.result for item in report.settled] == ["done"]
    bench.converge(ONE)
    assert len(bench.all_entries()) == 1


def test_n28_a_first_request_that_arrives_late_makes_no_second_entry(bench):
    late = []

    def held_up(line, request):
        late.append(httpx.Request(request.method, request.url, headers=request.headers,
                                  content=request.read()))  # fmt: skip
        raise httpx.ReadError("silence", request=request)

    bench.line.choose = each(*[held_up] * 6)
    assert outcomes(bench.apply(ONE)) == {"unknown"}
    bench.converge(ONE)
    for request in late:
        bench.line.deliver(request)
    bench.require_converged(ONE)
    assert len(bench.all_entries()) == 1


def test_b05_t8_a_definite_refusal_takes_a_new_key_once_its_cause_is_gone(bench):
    bench.line.choose = nth(1, closed_first(bench))
    assert outcomes(bench.apply(ONE)) == {"blocked"}
    bench.reopen_period("Jan-2026")
    bench.converge(ONE)
    assert len({sent.key for sent in bench.line.sent}) == 2


def test_t8_a_stored_refusal_that_is_replayed_raises_the_attempt_too(bench):
    """Lost, then the stored refusal under the same key: it is the first one's own answer."""
    bench.line.choose = each(closed_first(bench, fault=lost_after), *[lost_after] * 5)
    assert outcomes(bench.apply(ONE)) == {"unknown"}
    bench.reopen_period("Jan-2026")
    report = bench.apply(ONE)
    assert [item.result for item in report.settled] == ["refused"]
    assert outcomes(report) == {"done"}
    assert len({sent.key for sent in bench.line.sent}) == 2
    bench.converge(ONE)


@pytest.mark.parametrize("hours", [1, 19])
def test_t1_t2_inside_the_window_the_same_key_settles(bench, hours):
    bench.line.choose = each(*[lost_after] * 6)
    bench.apply(ONE)
    bench.clock.pass_by(hours=hours)
    report = bench.apply(ONE)
    assert [item.result for item in report.settled] == ["done"]
    assert report.applied == ()
    bench.converge(ONE)


@pytest.mark.parametrize("fault", [lost_before, lost_after])
@pytest.mark.parametrize("hours", [20, 25, 24 * 365, -2])
def test_t3_i09_outside_the_window_nothing_is_posted_blindly(bench, hours, fault):
    bench.line.choose = each(*[fault] * 6)
    bench.apply(ONE)
    bench.line.queries = instead(answer(403, {"code": "x", "message": "no Data Query"}))
    bench.clock.pass_by(hours=hours)
    bench.line.choose = lambda sent: None
    bench.verbs()
    for _ in range(2):
        report = bench.apply(ONE)
        assert [item.result for item in report.settled] == ["unknown"]
        assert "books/a" in report.settled[0].message
        assert report.still_open
        assert outcomes(report) == {"blocked"}
    assert bench.verbs() == []


def test_a_token_from_elsewhere_does_not_hide_the_ledgers_time(bench):
    bench.line.choose = each(*[lost_after] * 6)
    bench.apply(ONE)
    with bench.client() as client:
        token = client._tokens.token(deadline=1e12).text
    report = bench.apply(ONE, token=token)
    assert [item.result for item in report.settled] == ["done"]


@pytest.mark.parametrize(
    "now", [{}, files(a=of("999.00"))], ids=["T5 file removed", "T4 file edited"]
)
@pytest.mark.parametrize("fault", [lost_before, lost_after])
def test_i08_an_open_create_is_settled_with_its_original_payload(bench, now, fault):
    bench.line.choose = each(*[fault] * 6)
    bench.apply(ONE)
    bench.line.choose = lambda sent: None
    report = bench.apply(now)
    assert [item.result for item in report.settled] == ["done"]
    assert len({sent.body for sent in bench.line.sent[:7]}) == 1
    bench.converge(now)


def test_i06_t7_from_a_to_b_to_a_within_a_day_gives_a_new_entry_each_time(bench):
    numbers = []
    for amount in ("400.90", "500.00", "400.90"):
        bench.converge(files(a=of(amount)))
        numbers += bench.live()["a"]
    assert len(set(numbers)) == 3
    creates = [sent for sent in bench.line.sent if sent.verb == "create"]
    assert len({sent.key for sent in creates}) == 3
    assert len({sent.body for sent in creates}) == 2


def test_b01_i06_t6_removed_and_declared_again_within_a_day_gives_a_new_entry(bench):
    bench.converge(ONE)
    first = bench.live()["a"]
    bench.converge({})
    bench.converge(ONE)
    assert bench.live()["a"] != first


def test_b01_t10_two_names_with_equal_content_are_two_entries(bench):
    bench.converge(files(a=of(), b=of()))
    assert len(bench.all_entries()) == 2


def test_b12_n21_a_number_of_somebody_elses_entry_enters_no_record(bench):
    other = bench.post_foreign()
    before = bench.foreign()
    bench.line.choose = nth(1, instead(answer(200, {"success": True, "journalEntryNumber": other})))
    report = bench.apply(ONE)
    assert outcomes(report) == {"unknown"}
    assert report.applied[0].number is None
    assert other in report.applied[0].message
    with bench.daybook(write=False) as book:
        assert [(item.number, item.unsettled) for item in book.recorded().values()] == [
            (None, True)
        ]
    bench.converge(ONE)
    assert bench.foreign() == before


def test_b11_a_success_that_a_read_does_not_show_is_no_success(bench):
    said = instead(answer(200, {"success": True}))
    bench.converge(ONE)
    bench.line.choose = every(said)
    ends = {"failed": [files(a=of(notes="new"))], "unknown": [files(a=of("1.00")), {}]}
    for ended, each_wanted in ends.items():
        for wanted in each_wanted:
            assert outcomes(bench.apply(wanted)) == {ended}
    bench.converge(ONE)


def test_b24_i60_an_answer_that_cannot_be_kept_undoes_its_entry(bench):
    """The ledger breaks between entry and answer: the retry must not find half of it."""

    def torn(line, request):
        bench.execute(
            "create trigger torn before update of status on replays "
            "begin select raise(abort, 'torn'); end"
        )
        try:
            return line.deliver(request)
        finally:
            bench.execute("drop trigger torn")

    bench.line.choose = each(torn)
    assert outcomes(bench.apply(ONE)) == {"done"}
    assert [sent.verb for sent in bench.line.sent] == ["create", "create"]
    assert len(bench.all_entries()) == 1
    bench.converge(ONE)
