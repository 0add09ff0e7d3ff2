"""What an older daybook, an open call or a ledger at rest must not lead to: I-06 to I-11, I-44."""

import json
from itertools import count

import httpx
import pytest
from apply_harness import (
    Line,
    answer,
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
    whole,
)
from apply_runs import RUN, run, runs
from builders import address

from reconciler.app.apply import exit_code
from reconciler.app.session import Stop
from reconciler.cli.inputs import stopping
from reconciler.core.model.history import CallOutcome, Result
from reconciler.core.model.plan import Action, Change, Reason
from reconciler.core.model.report import Applied, Outcome, report_document, report_of
from reconciler.core.model.resource import Address
from reconciler.engine.manual_settlement import close_manually
from reconciler.engine.settle import settle
from reconciler.errors import AppliedInPart, Refused

LONG = pytest.mark.long
REFUSED = instead(refusal(58490020, "refused for good"))


def test_i06_i44_content_that_comes_back_over_a_restored_copy_gets_an_entry_of_its_own(
    bench, copied
):
    """The incarnation comes a second time, and must not bring a deleted entry's number."""
    take, restore = copied
    first, second = files(a=of("1.00")), files(a=of("2.00"))
    bench.converge(first)
    take()
    for wanted in (second, first, second):
        bench.converge(wanted)
    restore()
    bench.line.sent.clear()
    bench.converge(first)
    assert [sent.verb for sent in bench.line.sent] == ["cancel", "create", "delete"]


def test_i08_entries_that_were_gone_before_an_open_cancel_are_no_part_of_it(books):
    books.apply(run())
    books.execute("update journal_entries set status = 'Cancelled' where number = 'JE-00000001'")
    books.line.choose = every(lost_before, "cancel")
    assert outcomes(books.apply({})) == {"unknown"}
    books.line.choose = lambda sent: None
    report = books.apply({})
    assert [(item.result.value, item.message) for item in report.settled] == [("unsent", "")]
    assert outcomes(report) == {"done"}
    assert runs(books) == {}


@pytest.mark.parametrize("kept", [None, "books/"], ids=["ignored", "cut off"])
@pytest.mark.parametrize("lost", [False, True], ids=["answered", "answered later"])
def test_i01_a_marker_that_the_ledger_does_not_keep_is_no_reason_to_post_again(bench, kept, lost):
    """No search finds the entry, however old its create is. What it was answered with does."""

    def forgets(line, request):
        body = json.loads(request.read())
        body.pop("ReconcilerKey__c")
        held = {name: request.headers[name] for name in ("authorization", "idempotency-key")}
        kept_of_it = {"ReconcilerKey__c": kept} if kept else {}
        request = httpx.Request("POST", request.url, headers=held, json=body | kept_of_it)
        response = line.deliver(request)
        return lost_before(line, request) if lost and not hours else response

    one, hours = files(a=of()), 0
    bench.line.choose = every(forgets, "create")
    for hours in (0, 1, 29, 30):
        bench.clock.pass_by(hours=hours)
        report = bench.apply(one)
        assert report.still_open or outcomes(report) == {"unknown"}
    assert "does not carry the marker" in report.settled[0].message
    ((number, *_),) = bench.all_entries()
    # The way out that the message names: the entry is cancelled in the ledger.
    bench.line.choose = lambda sent: None
    bench.api("PUT", f"/v1/journal-entries/{number}/cancel")
    bench.converge(one)


def test_of_several_answers_the_first_one_is_named(bench):
    """Each run names the same entry, which somebody has to look at."""
    bench.line.choose = every(lost_before, "create")
    bench.apply(files(a=of()))
    numbers = [bench.post_foreign() for _ in range(8)]
    with bench.daybook() as book:
        (call,) = book.unsettled()
        for number in numbers:
            book.record_outcome(call, CallOutcome(result=Result.UNKNOWN, number=number))
    bench.clock.pass_by(hours=30)
    (settled,) = bench.apply(files(a=of())).settled
    assert (settled.result, settled.number) == (Result.UNKNOWN, numbers[0])


def test_what_the_ledger_stores_otherwise_is_known_where_the_answer_was_lost(bench):
    """The next run settles the create by a read, and does not replace its entry.

    That a read or the file has lines or fields in another order makes nothing new of it.
    """

    def rounded(line, request, turns=count()):  # noqa: B008 - one count for all reads
        response = line.deliver(request)
        if "/journal-entries/" not in request.url.path:
            return response
        document = json.loads(b"".join(response.stream).replace(b"400.9", b"400.5"))
        if next(turns) % 2:
            document.get("journalEntryItems", []).reverse()
        response = answer(response.status_code, document)
        return whole(response, response.content)

    bench.line.reads = rounded
    bench.line.choose = every(lost_after, "create")
    assert outcomes(bench.apply(files(a=of()))) == {"unknown"}
    bench.line.choose = lambda sent: None
    for _ in range(2):
        bench.apply(files(a=of()))
        (change,) = bench.planned.changes
        assert change.block is not None
        assert change.block.rule == "stored-otherwise"
    assert bench.live() == {"a": ["JE-00000001"]}


def test_what_lies_in_no_known_period_does_not_stop_what_has_nothing_to_do_with_it(bench):
    """Of a predecessor that is left to be deleted, nobody knows the period any more."""
    bench.converge(files(a=of("1.00"), b=of("1.00")))
    first = {numbers[0] for numbers in bench.live().values()}

    def keep(sent):
        return REFUSED if sent.verb == "delete" and sent.path.split("/")[3] in first else None

    bench.line.choose = keep
    bench.apply(files(a=of("2.00"), b=of("2.00")), continue_on_error=True)
    bench.apply({}, continue_on_error=True)
    assert {number for number, _, _ in bench.all_entries()} == first
    bench.line.choose = nth(1, REFUSED)
    report = bench.apply({})
    assert {change.period for change in bench.planned.pending} == {""}
    assert sorted(item.outcome.value for item in report.applied) == ["done", "failed"]
    bench.converge({})


# Every run ends.

MANY = files(**{name: of("1.00") for name in "abcd"})


@pytest.mark.parametrize(
    "after",
    [
        pytest.param("86400", id="seconds"),
        pytest.param("Wed, 01 Jan 2098 00:00:00 GMT", id="a date", marks=LONG),
        pytest.param("9" * 400, id="more digits than a number has", marks=LONG),
        pytest.param("-5", id="less than nothing", marks=LONG),
        pytest.param("", id="nothing", marks=LONG),
    ],
)
def test_i11_n15_a_ledger_that_wants_to_rest_for_a_day_is_left_and_the_run_ends(bench, after):
    headers = {"Retry-After": after} if after else {}
    limited = instead(httpx.Response(429, headers=headers, json={"message": "slow down"}))
    bench.line.choose = each(None, *[limited] * 99)
    report = bench.apply(MANY)
    assert len(bench.line.sent) <= 1 + 6, "attempts are bounded"
    assert [item.outcome.value for item in report.applied].count("done") == 1
    assert outcomes(report) == {"done", "failed", "not_attempted"}
    bench.converge(MANY)


def test_i11_when_its_time_is_up_a_run_begins_nothing_new_and_settles_what_is_in_flight(bench):
    stop = Stop()

    def late(line, request):
        stop.late = True
        stop.event.set()
        return line.deliver(request)

    bench.line.choose = nth(2, late)
    ports = {"stop": stop.event, "why_stopped": stop.why}
    report = bench.apply(MANY, ports=ports)
    assert [item.outcome.value for item in report.applied].count("done") == 2
    left = [item for item in report.applied if item.outcome.value == "not_attempted"]
    assert {item.message for item in left} == {"the run reached its time limit"}
    assert len(left) == len(MANY) - 2
    bench.require_true(report)
    bench.converge(MANY)


def test_i11_the_time_of_a_run_is_real_time():
    stop = Stop()
    with stopping(stop, after=0.01):
        assert stop.event.wait(10)
    assert (stop.late, stop.signalled) == (True, False)
    with pytest.raises(AppliedInPart, match="reached its time limit"):
        stop.check()
    unhurried = Stop()
    with stopping(unhurried, after=1e12):
        unhurried.check()


@pytest.mark.parametrize(
    ("late", "ended", "code"),
    [
        pytest.param(True, 1, 6, id="some left"),
        pytest.param(True, 2, 0, id="all done in the last moment"),
        pytest.param(False, 1, 1, id="not its time"),
    ],
)
def test_a_run_whose_time_was_up_says_so_by_its_exit_code(late, ended, code):
    changes = [
        Change(
            address=address(name),
            action=Action.CREATE,
            wanted=Action.CREATE,
            reason=Reason.NEW,
        )
        for name in "ab"
    ]
    applied = [Applied(change=change, outcome=Outcome.DONE) for change in changes[:ended]]
    report = report_of(applied, changes, timed_out=late)
    assert exit_code(report) == code
    assert report_document(report)["timed_out"] is late


# A journal run whose create nobody answered.


def left_open(bench, fault=lost_after):
    """A run whose create lost every answer, so long ago that no key protects it any more."""
    bench.line.choose = every(fault, "create")
    assert outcomes(bench.apply(run())) == {"unknown"}
    bench.line.choose = lambda sent: None
    bench.ledger.work()
    bench.clock.pass_by(hours=30)


@pytest.mark.parametrize(
    "part",
    [
        pytest.param("/journal-entries/", id="the entry that the create is answered with"),
        pytest.param("/accounting-periods", id="the time of the ledger"),
    ],
)
@pytest.mark.parametrize("hours", [1, 30])
def test_i07_a_read_that_is_refused_settles_no_open_create(bench, part, hours):
    """A proxy redirects reads alone. Whether the create took effect, no refused read tells."""
    bench.line.choose = every(lost_after, "create")
    assert outcomes(bench.apply(files(a=of("1.00")))) == {"unknown"}
    bench.line.choose = lambda sent: None
    bench.clock.pass_by(hours=hours)
    elsewhere = instead(httpx.Response(302, headers={"Location": "https://sign-in.example/"}))

    def read(line, request):
        fault = elsewhere if part in request.url.path else Line.deliver
        return fault(line, request)

    bench.line.reads = read
    # With a token fetched elsewhere, only an answer tells the ledger's time.
    with bench.client() as signed_in:
        token = signed_in._tokens.token(deadline=1e12).text
    with bench.daybook() as book, bench.client(token=token) as client:
        settled = bench.settle(client, book)
        assert [item.result.value for item in settled] == ["unknown"]
        assert [intent.address.name for intent in book.unsettled()] == ["a"]


def settled_with(bench, **adopts):
    with bench.daybook() as book, bench.client() as client:
        return [
            (item.result.value, item.number)
            for item in settle(
                book,
                client,
                workspace="books",
                marker_place="ReconcilerKey__c",
                adopts={Address("JournalRun", name): number for name, number in adopts.items()},
            )
        ]


def close(bench, **answers):
    with bench.daybook() as book, bench.client() as client:
        return close_manually(
            book,
            client,
            workspace="books",
            marker_place="ReconcilerKey__c",
            posted=answers.get("posted", {}),
            not_posted=answers.get("not_posted", ()),
        )


def test_i07_a_file_that_names_the_run_closes_its_open_create(books):
    left_open(books)
    assert settled_with(books) == [("unknown", None)]
    assert settled_with(books, billing="JR-00000009") == [("unknown", None)]
    assert settled_with(books, billing="JR-00000001") == [("done", "JR-00000001")]
    books.line.sent.clear()
    assert books.apply(run()).applied == ()
    assert books.line.sent == []


def test_i07_somebodys_word_closes_the_open_create_of_a_run_that_fits(books):
    left_open(books)
    ((settled),) = close(books, posted={Address("JournalRun", RUN): "JR-00000001"})
    assert (settled.result.value, settled.number) == ("done", "JR-00000001")
    assert books.apply(run()).applied == ()
    assert runs(books) == {"JR-00000001": "Completed"}


@pytest.mark.parametrize(
    ("set_to", "said"),
    [
        pytest.param("journal_entry_date = '2026-01-30'", "journalEntryDate", id="another date"),
        pytest.param("target_start_date = '2026-01-02'", "accountingPeriodName", id="other days"),
        pytest.param("status = 'Cancelled'", "Cancelled", id="cancelled since", marks=LONG),
        pytest.param("status = 'Processing'", "until that has ended", id="at work", marks=LONG),
    ],
)
def test_i07_a_run_that_does_not_fit_is_not_taken_for_what_was_asked_for(books, set_to, said):
    left_open(books)
    books.execute(f"update journal_runs set {set_to}")
    with pytest.raises(Refused, match=said):
        close(books, posted={Address("JournalRun", RUN): "JR-00000001"})
    assert settled_with(books, billing="JR-00000001") == [("unknown", None)]


@pytest.mark.parametrize("hours", [27, pytest.param(1, marks=LONG), pytest.param(21, marks=LONG)])
def test_i09_nobodys_word_counts_while_the_first_request_may_still_arrive(books, hours):
    books.line.choose = every(lost_before, "create")
    books.apply(run())
    books.clock.pass_by(hours=hours)
    with pytest.raises(Refused, match="until 28 hours have passed"):
        close(books, not_posted=[Address("JournalRun", RUN)])


def test_i07_after_a_day_and_more_somebodys_word_lets_a_run_be_asked_for_again(books):
    left_open(books, lost_before)
    first = {sent.key for sent in books.line.sent}
    close(books, not_posted=[Address("JournalRun", RUN)])
    books.line.sent.clear()
    assert outcomes(books.apply(run())) == {"done"}
    assert first.isdisjoint({sent.key for sent in books.line.sent})
    assert list(runs(books).values()) == ["Completed"]


BILLING = Address("JournalRun", RUN)


def test_i07_one_run_is_not_what_two_open_creates_made(books):
    books.line.choose = every(lost_after, "create")
    books.apply({**run("one"), **run("two")}, continue_on_error=True)
    books.line.choose = lambda sent: None
    books.ledger.work()
    answers = {Address("JournalRun", name): "JR-00000001" for name in ("one", "two")}
    with pytest.raises(Refused, match="recorded already"):
        close(books, posted=answers)


def test_i07_a_create_is_not_said_to_be_posted_and_not_posted(books):
    left_open(books)
    with pytest.raises(Refused, match="by both --posted and --not-posted"):
        close(books, posted={BILLING: "JR-00000001"}, not_posted=[BILLING])


# What a spill file says of a call that was made again, or that the ledger does not bear out.


def refused_elsewhere(bench, without_room):
    """An entry that was refused once, which only a spill file knows, and that lies elsewhere."""
    path, block = without_room
    one = files(a=of("1.00"))
    bench.converge({})
    bench.line.choose = every(instead(answer(403, {"message": "no permission"})), "create")
    with block():
        bench.apply(one)
    return path, one, path.rename(path.with_name("elsewhere"))


def test_i07_i43_a_kept_refusal_does_not_outdo_a_later_attempt(bench, without_room):
    """It is sent again here, and posted unheard."""
    path, one, elsewhere = refused_elsewhere(bench, without_room)
    bench.line.choose = each(*[lost_after] * 6)
    bench.apply(one)
    elsewhere.rename(path)
    assert bench.take_in(path) == ["unknown"]
    assert path.exists()
    bench.converge(one)
    assert bench.take_in(path) == []
    assert not path.exists()


class Died(BaseException):
    """The end of a process, between a call and what it would have written of it."""


def test_i07_i43_a_kept_refusal_does_not_outdo_an_attempt_that_nothing_was_written_of(
    bench, without_room
):
    path, one, elsewhere = refused_elsewhere(bench, without_room)

    def dies(line, request):
        line.deliver(request)
        raise Died

    bench.line.choose = every(dies, "create")
    with pytest.raises(Died):
        bench.apply(one)
    bench.line.choose = lambda sent: None
    elsewhere.rename(path)
    assert bench.take_in(path) == ["unknown"]
    bench.converge(one)
    assert len(bench.live()["a"]) == 1
    assert bench.take_in(path) == []


def test_i43_a_line_that_is_not_believed_yet_is_kept_until_it_is(books, without_room):
    path, block = without_room
    for times in (1, 2):
        with block():
            books.apply(run())
        books.ledger.work()
        books.execute("update journal_runs set status = 'Processing'")
        assert (books.take_in(path), path.exists()) == (["unknown"], True)
        books.execute("update journal_runs set status = 'Completed'")
        assert (books.take_in(path), path.exists()) == (["done"], False)
        assert len(list(books.root.glob("daybook.db.rescue.taken*"))) == times
        books.apply({})
