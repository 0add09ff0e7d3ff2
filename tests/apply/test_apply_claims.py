"""What the daybook records as applied to an entry that a call left without a known outcome.

Somebody else may have posted or changed it. So the daybook claims what the call sent and the entry
has. What a file gives up of that is cleared, and what others wrote is not.
"""

import pytest
from apply_harness import (
    KIND,
    answer,
    every,
    files,
    instead,
    lost_after,
    lost_before,
    nth,
    of,
    outcomes,
)
from builders import address

from reconciler.engine.manual_settlement import close_manually
from reconciler.engine.settle import settle

SENT = files(a=of(notes="x", Ticket__c="T-1"))
WORDS = {"workspace": "books", "marker_place": "ReconcilerKey__c"}


def set_by_hand(bench, number, **fields):
    bench.api("PUT", f"/v1/journal-entries/{number}/basic-information", fields)


def unanswered(bench, _, fault, move):
    """A create that got no answer, and what somebody does after it."""
    bench.line.choose = every(fault, "create")
    assert outcomes(bench.apply(SENT)) == {"unknown"}
    bench.line.choose = lambda sent: None
    return move()


def by_key(bench, room, fault, move):
    number = unanswered(bench, room, fault, move)
    if fault is lost_before:
        answered = answer(200, {"success": True, "journalEntryNumber": number})
        bench.line.choose = nth(1, instead(answered), "create")
    settled(bench)
    return number


def settled(bench, **words):
    with bench.daybook() as book, bench.client() as client:
        (found,) = settle(book, client, **WORDS, **words)
    assert found.result.value == "done"


def by_marker(bench, room, fault, move):
    number = unanswered(bench, room, fault, move)
    bench.clock.pass_by(hours=30)
    settled(bench)
    return number


def by_file(bench, room, fault, move):
    number = unanswered(bench, room, fault, move)
    settled(bench, adopts={address("a"): number})
    return number


def by_person(bench, room, fault, move):
    number = unanswered(bench, room, fault, move)
    with bench.daybook() as book, bench.client() as client:
        close_manually(book, client, **WORDS, posted={address("a"): number}, not_posted=())
    return number


def answering(bench, fault, move):
    """The ledger answers a create, and somebody is faster than the read after it."""

    def fault_after(line, request):
        if fault is lost_after:
            answered = line.deliver(request)
            move()
            return answered
        document = {"success": True, "journalEntryNumber": move()}
        return instead(answer(200, document))(line, request)

    return every(fault_after, "create")


def by_spill_file(bench, room, fault, move):
    path, block = room
    bench.line.choose = answering(bench, fault, move)
    with block():
        bench.apply(SENT)
    assert bench.take_in(path) == ["done"]
    return bench.live()["a"][0]


def by_read(bench, room, fault, move):
    bench.line.choose = answering(bench, fault, move)
    assert outcomes(bench.apply(SENT)) == {"failed"}
    return bench.live()["a"][0]


WAYS = [by_key, by_marker, by_file, by_person, by_spill_file, by_read]


@pytest.mark.parametrize("way", WAYS)
def test_i09_what_a_file_gives_up_is_cleared_although_another_field_was_changed(
    bench, without_room, way
):
    def move():
        (number,) = bench.live()["a"]
        set_by_hand(bench, number, notes="by hand")
        return number

    way(bench, without_room, lost_after, move)
    bench.converge(files(a=of(notes="x")))


@pytest.mark.parametrize("way", WAYS)
def test_i09_what_another_apply_wrote_is_not_cleared(bench, without_room, way):
    # The lines are those of the file, so that nothing has to be replaced.
    theirs = {"notes": "posted by another", "Ticket__c": "T-2"}
    number = way(
        bench,
        without_room,
        lost_before,
        lambda: bench.post_foreign(**theirs, ReconcilerKey__c="books/a"),
    )
    bench.line.choose = lambda sent: None
    bench.apply(files(a=of()))
    with bench.client() as client:
        kept = client.read(KIND, number).fields
    assert {name: kept[name] for name in theirs} == theirs


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("amount", ["400.91", "400.90"])
def test_i09_no_way_hides_another_amount(bench, without_room, way, amount):
    """The entry of another apply has the amount 400.90."""
    number = way(
        bench,
        without_room,
        lost_before,
        lambda: bench.post_foreign(notes="x", ReconcilerKey__c="books/a"),
    )
    bench.line.choose = lambda sent: None
    wanted = files(a=of(amount, notes="x"))
    bench.converge(wanted)
    assert (bench.live()["a"] == [number]) is (amount == "400.90")


def update_lost(bench, wanted, move):
    """The answer of an update is lost, and nothing can be read until somebody was faster."""

    def unreadable(line, request):
        if line.sent and line.sent[-1].verb == "basic-information":
            return instead(answer(503, {}))(line, request)
        return line.deliver(request)

    bench.line.choose, bench.line.reads = every(lost_after, "basic-information"), unreadable
    assert outcomes(bench.apply(wanted)) == {"unknown"}
    bench.line.choose, bench.line.reads = (lambda sent: None), None
    bench.line.sent.clear()
    move()
    with bench.daybook() as book, bench.client() as client:
        (found,) = settle(book, client, **WORDS)
    assert found.result.value == "unsent"


def update_answered(bench, wanted, move):
    def faster(line, request):
        answered = line.deliver(request)
        move()
        return answered

    bench.line.choose = every(faster, "basic-information")
    assert outcomes(bench.apply(wanted)) == {"failed"}


@pytest.mark.parametrize("way", [update_lost, update_answered])
def test_i09_what_an_update_added_is_cleared_although_another_field_was_changed(bench, way):
    bench.converge(files(a=of(notes="x")))
    (number,) = bench.live()["a"]
    way(bench, SENT, lambda: set_by_hand(bench, number, notes="by hand"))
    bench.converge(files(a=of(notes="x")))
    assert bench.live()["a"] == [number]


def test_i09_an_adoption_that_was_never_executed_claims_nothing_of_another_apply(bench):
    """The marker was there before, so it does not prove that the update took effect."""
    theirs = {"notes": "posted by another", "Ticket__c": "T-2"}
    number = bench.post_foreign(**theirs, ReconcilerKey__c="books/a")
    bench.line.choose = every(lost_before, "basic-information")
    assert outcomes(bench.apply(SENT)) == {"unknown"}
    bench.line.choose = lambda sent: None
    settled(bench)
    bench.apply(files(a=of()))
    with bench.client() as client:
        kept = client.read(KIND, number).fields
    assert {name: kept[name] for name in theirs} == theirs
