"""Journal runs and adoptions, applied to a real ledger with faults on the line."""

import threading
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal

import pytest
from apply_harness import (
    each,
    every,
    instead,
    lost_after,
    lost_before,
    nth,
    of,
    outcomes,
    refusal,
)
from apply_runs import RUN, TYPES, load, run, runs
from builders import credit, debit, declared

from reconciler.core.model.history import Act, Result
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.plan import Action
from reconciler.core.model.resource import Address, Live
from reconciler.daybook import CallOutcome, Daybook, Intent
from reconciler.engine.call_outcome import settlement_of
from reconciler.engine.ports import PollingPolicy
from reconciler.engine.read_back import progress_of
from reconciler.engine.spill import SpillingDaybook, take_in
from reconciler.errors import CancelledInPart, DaybookError, RunFailed, StillAtWork

QUICK = PollingPolicy(longest_wait=0, grace=0, shortest=0.001)


def entries(bench):
    return {
        row["number"]: row["status"]
        for row in bench.rows("select * from journal_entries where not deleted order by number")
    }


def standing(bench):
    return [number for number, status in entries(bench).items() if status == "Created"]


def amounts(bench):
    """What the entries of the books come to: each transaction once, or not at all."""
    found = bench.rows(
        "select i.amount from journal_entry_items i join journal_entries e "
        "on e.id = i.journal_entry_id where e.status = 'Created' and not e.deleted "
        "and i.type = 'Debit'"
    )
    return sorted(Decimal(row["amount"]) for row in found)


EACH_ONCE = [Decimal(at) + Decimal("0.50") for at in range(1, 11)]


def planned(bench, wanted):
    with bench.daybook(write=False) as book, bench.client() as client:
        return bench.plan(client, book, wanted)


def settled_down(bench, wanted):
    """Nothing is left to do, and a second apply sends nothing (I-02)."""
    assert planned(bench, wanted).pending == ()
    before = len(bench.line.sent)
    assert bench.apply(wanted).applied == ()
    assert len(bench.line.sent) == before


def transfer(number):
    """What a ledger connector does, before the ledger has begun to cancel."""

    def fault(line, request):
        answer = line.deliver(request)
        transfer.bench.execute(
            "update journal_entries set transferred_to_accounting = 'Yes' "
            f"where number = '{number}'"
        )
        return answer

    return fault


def test_a_run_is_created_waited_for_and_taken_back_whole(books):
    report = books.apply(run())
    assert (outcomes(report), runs(books)) == ({"done"}, {"JR-00000001": "Completed"})
    assert (len(standing(books)), amounts(books)) == (10, EACH_ONCE)
    settled_down(books, run())
    assert books.verbs() == ["create"]
    assert outcomes(books.apply({})) == {"done"}
    assert (runs(books), entries(books)) == ({}, {})
    assert books.verbs() == ["cancel", "delete"]
    settled_down(books, {})


def test_every_edit_replaces_a_run_and_loses_no_transaction(books):
    books.apply(run())
    books.verbs()
    edited = run(journalEntryDate="2026-01-30")
    assert outcomes(books.apply(edited)) == {"done"}
    assert books.verbs() == ["cancel", "create", "delete"]
    assert (runs(books), amounts(books)) == ({"JR-00000002": "Completed"}, EACH_ONCE)
    settled_down(books, edited)


def test_one_run_is_at_work_at_a_time(make_bench, tmp_path):
    bench = make_bench(parallelism=8, over_socket=True)
    load(bench, tmp_path)
    wanted = {**run("one", TYPES[:4]), **run("two", TYPES[4:7]), **run("three", TYPES[7:])}
    assert outcomes(bench.apply(wanted)) == {"done"}
    assert (len(runs(bench)), amounts(bench)) == (3, EACH_ONCE)
    settled_down(bench, wanted)


def test_the_worked_example_is_blocked_before_anything_is_cancelled(books):
    """I-23: of ten entries one is transferred, so the plan says that the run cannot go."""
    books.apply(run())
    books.verbs()
    books.execute(
        "update journal_entries set transferred_to_accounting = 'Yes' where number = 'JE-00000004'"
    )
    (change,) = planned(books, {}).pending
    assert (change.action, change.wanted) == (Action.BLOCKED, Action.REMOVE)
    assert "JE-00000004 (Yes)" in change.block.message
    assert outcomes(books.apply({})) == {"blocked"}
    assert (books.verbs(), len(standing(books))) == ([], 10)


def test_the_worked_example_happens_when_an_entry_is_transferred_meanwhile(books):
    """API facts 5.4: nine of ten are cancelled, one stays, and the run is Completed again."""
    books.apply(run())
    transfer.bench = books
    books.line.choose = nth(1, transfer("JE-00000004"), "cancel")
    (item,) = books.apply({}).applied
    assert isinstance(item.error, CancelledInPart)
    assert item.message == (
        "JR-00000001 was cancelled in part: 9 of 10 entries are cancelled, and JE-00000004 (Yes) "
        "remains posted"
    )
    assert (runs(books), standing(books)) == ({"JR-00000001": "Completed"}, ["JE-00000004"])
    # Still undeclared: the plan says what holds it. Declared again: it stands, and has drifted.
    assert planned(books, {}).pending[0].block.rule == "transferred"
    plan = planned(books, run())
    assert (plan.pending, plan.drift[0].comparison.fields[0].before) == (
        (),
        "9 of 10 cancelled; blocked by JE-00000004 (Yes)",
    )
    # The way out: another run takes up what was set free, and nothing is posted twice.
    wanted = {**run(), **run("rest")}
    assert outcomes(books.apply(wanted)) == {"done"}
    assert amounts(books) == EACH_ONCE


def test_an_entry_transferred_between_plan_and_apply_stops_the_run(books):
    """I-31: what is cancelled is what was reviewed."""
    books.apply(run())
    books.verbs()
    report = books.apply(
        {},
        between=lambda: books.execute(
            "update journal_entries set transferred_to_accounting = 'Yes' "
            "where number = 'JE-00000004'"
        ),
    )
    assert outcomes(report) == {"failed"}
    assert "changed since the plan was made" in report.applied[0].message
    assert (books.verbs(), len(standing(books))) == ([], 10)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(lost_before, id="N07", marks=pytest.mark.long),
        pytest.param(lost_after, id="N08"),
    ],
)
@pytest.mark.parametrize("at", [1, 2, 3], ids=["cancel", "create", "delete"])
def test_a_lost_answer_ends_in_one_run_and_each_transaction_once(books, fault, at):
    """I-01, I-07: whatever call of a replacement loses its answer, the next apply sets it right."""
    books.apply(run())
    books.line.choose = nth(at, fault)
    edited = run(journalEntryDate="2026-01-30")
    first = books.apply(edited, ports={"polling": QUICK})
    books.line.choose = lambda sent: None
    books.apply(edited)
    assert list(runs(books).values()) == ["Completed"], first
    assert amounts(books) == EACH_ONCE
    settled_down(books, edited)


@pytest.mark.parametrize("fault", [lost_before, lost_after], ids=["N07", "N08"])
def test_a_run_whose_create_lost_every_answer_is_created_once(books, fault):
    books.line.choose = every(fault)
    assert outcomes(books.apply(run())) <= {"unknown", "failed"}
    books.line.choose = lambda sent: None
    books.apply(run())
    assert (list(runs(books).values()), amounts(books)) == (["Completed"], EACH_ONCE)
    settled_down(books, run())


def known_entries(bench):
    with bench.daybook(write=False) as book:
        return next(iter(book.recorded().values())).entries


def test_the_entries_of_a_run_are_recorded_with_its_create(books):
    books.apply(run())
    assert known_entries(books) == tuple(entries(books))
    books.apply(run(journalEntryDate="2026-01-30"))
    assert known_entries(books) == tuple(entries(books)), "of the new run alone"
    renamed = run("other", journalEntryDate="2026-01-30")
    (declared_now,) = renamed.values()
    books.apply({"other": replace(declared_now, previous_name=RUN)})
    with books.daybook(write=False) as book:
        states = {address.name: state.entries for address, state in book.recorded().items()}
    assert states == {RUN: (), "other": tuple(entries(books))}


def test_the_entries_of_a_run_are_recorded_with_its_adoption(books):
    books.apply(run())
    books.daybook_path.unlink()
    (wanted,) = run().values()
    books.apply({RUN: replace(wanted, adopts="JR-00000001")})
    assert known_entries(books) == tuple(entries(books))


@pytest.mark.parametrize("lost", ["every outcome", "the outcome with the entries"])
def test_i43_the_entries_of_a_run_are_kept_in_the_spill_file(books, monkeypatch, lost):
    path, write = books.root / "daybook.db.rescue", Daybook.record_outcome

    def full(book, intent, outcome):
        if outcome.entries or lost == "every outcome":
            raise DaybookError("the disk is full", remedy="")
        write(book, intent, outcome)

    with monkeypatch.context() as patch, books.daybook() as book:
        patch.setattr(Daybook, "record_outcome", full)
        asked = Intent(address=Address("JournalRun", RUN), act=Act.CREATE, key="k")
        rescue = SpillingDaybook(book, path, show=print)
        intent = rescue.record_intent(asked)
        for made in ((), ("JE-00000001", "JE-00000002")):
            outcome = CallOutcome(result=Result.DONE, number="JR-00000001", entries=made)
            with suppress(DaybookError):
                rescue.record_outcome(intent, outcome)
    believed = settlement_of(intent, Result.DONE, number="JR-00000001")
    with books.daybook() as book:
        list(take_in(book, path, confirm=lambda *_: believed))
    assert known_entries(books) == ("JE-00000001", "JE-00000002")
    assert not path.exists()


def test_the_entries_of_a_run_are_recorded_when_its_create_is_settled(books):
    books.line.choose = every(lost_after)
    books.apply(run())
    books.line.choose = lambda sent: None
    books.ledger.work()
    with books.daybook() as book, books.client() as client:
        (settled,) = books.settle(client, book)
    assert settled.entries == known_entries(books) == tuple(entries(books))


BUSY = "update run_jobs set claim = 'another', claimed_until = 99999999999"
FREE = "update run_jobs set claim = null, claimed_until = 0"


def busy(bench):
    """The ledger takes the call, and is slow to do its work."""

    def fault(line, request):
        answer = line.deliver(request)
        bench.execute(BUSY)
        return answer

    return fault


def test_a_run_that_takes_too_long_is_created_and_left_to_its_work(books):
    books.line.choose = each(busy(books))
    (item,) = books.apply(run(), ports={"polling": QUICK}).applied
    assert isinstance(item.error, StillAtWork)
    assert "JR-00000001 was still Pending" in item.message
    assert [step.verb for step in item.steps] == ["create"]
    (change,) = planned(books, run()).pending
    assert (change.action, change.block.rule) == (Action.BLOCKED, "run-at-work")
    books.execute(FREE)
    books.ledger.work()
    assert amounts(books) == EACH_ONCE
    assert known_entries(books) == ()
    settled_down(books, run())
    assert known_entries(books) == tuple(entries(books))


def test_a_cancel_that_takes_too_long_is_settled_by_the_next_run(books):
    books.apply(run())
    books.line.choose = each(busy(books))
    (item,) = books.apply({}, ports={"polling": QUICK}).applied
    assert isinstance(item.error, StillAtWork)
    (still,) = books.apply({}).settled
    assert (still.result, "CancelInprogress" in still.message) == ("unknown", True)
    books.execute(FREE)
    report = books.apply({})
    while not report.settled or report.settled[0].result == "unknown":
        report = books.apply({})
    books.apply({})
    assert (runs(books), entries(books)) == ({}, {})
    settled_down(books, {})


def test_a_signal_ends_the_waiting_and_loses_nothing(books):
    stop = threading.Event()

    def tell(said):
        if "Pending" in said or "Processing" in said:
            stop.set()

    books.line.choose = each(busy(books))
    polling = replace(PollingPolicy(), tell=tell)
    (item,) = books.apply(run(), ports={"polling": polling, "stop": stop}).applied
    assert isinstance(item.error, StillAtWork)
    assert "when the run was interrupted" in item.message
    books.execute(FREE)
    books.ledger.work()
    settled_down(books, run())
    assert books.verbs() == ["create"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "JR-00000001 is Completed"),
        ({"totalJournalEntryCount": Decimal(1)}, "JR-00000001 is Completed, 1 entry"),
        ({"totalJournalEntryCount": Decimal(2)}, "JR-00000001 is Completed, 2 entries"),
    ],
)
def test_progress_counts_entries(fields, said):
    live = Live(number="JR-00000001", status="Completed", fields=fields)
    assert progress_of(live, busy=False) == said


def test_progress_is_told_once_for_each_step_that_shows(books):
    told = []
    books.apply(run(), ports={"polling": replace(PollingPolicy(), tell=told.append)})
    assert told[-1] == "JR-00000001 is Completed, 10 entries"
    assert len(told) == len(set(told))


def test_a_run_that_ends_in_an_error_is_taken_back_and_run_again(books):
    def fail(line, request):
        answer = line.deliver(request)
        books.execute("update journal_runs set status = 'Error'")
        books.execute("delete from run_jobs")
        return answer

    books.line.choose = each(fail)
    (item,) = books.apply(run()).applied
    assert isinstance(item.error, RunFailed)
    (change,) = planned(books, run()).pending
    assert (change.action, change.reason) == (Action.REPLACE, "failed-in-ledger")
    assert outcomes(books.apply(run())) == {"done"}
    assert (list(runs(books).values()), amounts(books)) == (["Completed"], EACH_ONCE)
    settled_down(books, run())


def adopting(name, number, amount="1.50", **more):
    fields = {"currency": "USD", "journalEntryDate": "2026-01-31", **more.pop("fields", {})}
    return {name: declared(of(amount, **fields), name=name, adopts=number, **more)}


def posted_by_hand(bench, **fields):
    """An entry that somebody posted without us."""
    body = {
        **{name: value for name, value in of("1.50").items() if name != "journalEntryItems"},
        "journalEntryItems": [
            {**line, "amount": str(line["amount"])} for line in of("1.50")["journalEntryItems"]
        ],
        **fields,
    }
    return bench.api("POST", "/v1/journal-entries", body)["journalEntryNumber"]


def test_an_adopted_entry_is_marked_and_nothing_else_of_it_moves(either):
    number = posted_by_hand(either, notes="By hand", Ticket__c="T-1")
    wanted = adopting("mine", number)
    with either.client() as client:
        before = client.read(KINDS["JournalEntry"], number)
        assert outcomes(either.apply(wanted)) == {"done"}
        after = client.read(KINDS["JournalEntry"], number)
    assert after.fields == {**before.fields, "ReconcilerKey__c": "books/mine"}
    assert either.verbs() == ["basic-information"]
    settled_down(either, wanted)


@pytest.mark.parametrize("fault", [lost_before, lost_after], ids=["N07", "N08"])
def test_an_adoption_whose_answer_is_lost_is_finished(bench, fault):
    """I-01: it is neither created beside the live entry nor taken for somebody else's."""
    number = posted_by_hand(bench)
    bench.line.choose = every(fault)
    bench.apply(adopting("mine", number))
    bench.line.choose = lambda sent: None
    bench.apply(adopting("mine", number))
    assert entries(bench) == {number: "Created"}
    settled_down(bench, adopting("mine", number))


def test_an_adopted_entry_is_then_changed_and_removed_like_any_other(bench):
    number = posted_by_hand(bench)
    bench.apply(adopting("mine", number))
    bench.apply(adopting("mine", number, "2.00"))
    assert entries(bench) == {"JE-00000002": "Created"}
    settled_down(bench, adopting("mine", number, "2.00"))
    bench.apply({})
    assert entries(bench) == {}
    # The file comes back by a revert: it declares an entry, which is posted.
    bench.apply(adopting("mine", number, "2.00"))
    assert entries(bench) == {"JE-00000003": "Created"}


def test_a_number_that_is_not_there_is_never_created(bench):
    """I-01: after the daybook is lost, an adopted entry is not posted a second time."""
    report = bench.apply(adopting("mine", "JE-00000077"))
    assert (outcomes(report), bench.verbs(), entries(bench)) == ({"blocked"}, [], {})


def test_an_adoption_survives_the_loss_of_the_daybook(bench):
    number = posted_by_hand(bench)
    bench.apply(adopting("mine", number))
    bench.verbs()
    bench.daybook_path.unlink()
    assert outcomes(bench.apply(adopting("mine", number))) == {"done"}
    assert (bench.verbs(), entries(bench)) == ([], {number: "Created"})
    settled_down(bench, adopting("mine", number))


def test_entries_of_a_run_are_managed_for_their_basic_information(books):
    books.apply(run())
    first = amounts(books)[0]
    number = standing(books)[0]
    mine = adopting("mine", number, str(of_number(books, number)), made_by="JR-00000001")
    assert outcomes(books.apply({**run(), **mine})) == {"done"}
    noted = {
        name: replace(item, spec={**item.spec, "notes": "Looked at"}) for name, item in mine.items()
    }
    assert outcomes(books.apply({**run(), **noted})) == {"done"}
    settled_down(books, {**run(), **noted})
    # Not the run alone, nor the entry alone: its amounts are the run's.
    assert outcomes(books.apply(noted)) == {"blocked"}
    assert outcomes(books.apply(run())) == {"done"}
    assert (len(standing(books)), amounts(books)[0]) == (10, first)
    settled_down(books, run())
    # Both: the run takes its entry along.
    books.apply({**run(), **noted})
    assert outcomes(books.apply({})) == {"done"}
    assert (runs(books), entries(books)) == ({}, {})
    settled_down(books, {})


def of_number(bench, number):
    (row,) = bench.rows(
        "select i.amount from journal_entry_items i join journal_entries e "
        f"on e.id = i.journal_entry_id where e.number = '{number}' and i.type = 'Debit'"
    )
    return Decimal(row["amount"])


def test_an_entry_whose_run_was_cancelled_by_hand_is_not_posted_again(books):
    """I-01: its transactions are free for the next run, so posting it would double them."""
    books.apply(run())
    number = standing(books)[0]
    mine = adopting("mine", number, str(of_number(books, number)), made_by="JR-00000001")
    books.apply({**run(), **mine})
    books.api("PUT", "/v1/journal-runs/JR-00000001/cancel")
    books.ledger.work()
    report = books.apply({**run(), **mine})
    assert outcomes(report) == {"done", "blocked"}
    assert amounts(books) == EACH_ONCE
    assert len(standing(books)) == 10


@pytest.mark.parametrize("parallelism", [1, 4])
@pytest.mark.parametrize("fails", [True, False])
def test_a_run_is_cancelled_after_the_removed_reversal_of_its_entry(books, parallelism, fails):
    books.apply(run())
    lines = (debit("1.50", "Subscription Revenue"), credit("1.50", "Deferred Revenue"))
    undo = declared({**of(), "journalEntryItems": lines}, name="undo", reverses="JE-00000001")
    books.apply({**run(), "undo": undo})
    settled_down(books, {**run(), "undo": undo})
    if fails:
        books.line.choose = nth(1, instead(refusal(52030030, "No")))
    report = books.apply({}, parallelism=parallelism, continue_on_error=True)
    found = {one.change.address.name: (one.outcome.value, one.message) for one in report.applied}
    if fails:
        said = "undo, which reverses JE-00000001, was not cancelled"
        assert (found["undo"][0], found[RUN]) == ("failed", ("not_attempted", said))
        assert len(standing(books)) == 11
        report = books.apply({})
    assert outcomes(report) == {"done"}
    assert [sent.path.split("/")[-2] for sent in books.line.sent if sent.verb == "cancel"][-2:] == [
        "JE-00000011", "JR-00000001"]  # fmt: skip
    settled_down(books, {})
