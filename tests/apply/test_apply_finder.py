"""Daybooks that are lost, copied or restored, and creates too old for their key: I-44, T3, X11."""

import contextlib
import random
import shutil
import sqlite3

import pytest
from apply_harness import (
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
    refused_connection,
)
from builders import address

from reconciler.core.model.kinds import KINDS
from reconciler.core.model.policy import Policy, Removal

LONG = pytest.mark.long

BOOKS = files(a=of("1.00"), b=of("2.00"), c=of("3.00"))
ONE = files(a=of("1.00"))
LATER = {"hours": 30}
"""Long after every key is forgotten, and every query has caught up."""
NO_DATA_QUERY = instead(answer(404, {"code": "x", "message": "no such resource"}))


def lose(bench):
    for path in bench.root.glob("daybook.db*"):
        path.unlink()


@pytest.fixture
def copied(bench):
    """Takes a copy of the daybook, and puts it back."""

    def take():
        shutil.copy(bench.daybook_path, bench.root / "copy.db")

    def restore():
        lose(bench)
        shutil.copy(bench.root / "copy.db", bench.daybook_path)

    return take, restore


def planned(bench):
    return {change.address.name: change for change in bench.planned.pending}


@pytest.mark.parametrize(
    "age", [pytest.param({"minutes": 5}, marks=LONG), {"hours": 23}, LATER], ids=str
)
def test_i44_a_lost_daybook_is_written_anew_and_nothing_is_posted(bench, age):
    bench.converge(BOOKS)
    before = bench.live()
    lose(bench)
    bench.clock.pass_by(**age)
    bench.verbs()
    report = bench.apply(BOOKS)
    assert outcomes(report) == {"done"}
    assert {change.action.value for change in planned(bench).values()} == {"adopt"}
    assert {change.reason.value for change in planned(bench).values()} == {"found"}
    assert bench.verbs() == []
    assert bench.live() == before
    bench.require_converged(BOOKS)


@pytest.mark.parametrize("age", [pytest.param({"minutes": 5}, marks=LONG), {"hours": 23}], ids=str)
def test_i44_x11_within_a_day_the_key_protects_what_no_search_finds(bench, age):
    """The same daybook from nothing gives the same incarnation, payload and attempt: one key."""
    bench.converge(BOOKS)
    before, keys = bench.live(), {sent.key for sent in bench.line.sent}
    lose(bench)
    bench.clock.pass_by(**age)
    bench.line.queries = NO_DATA_QUERY
    bench.line.sent.clear()
    bench.apply(BOOKS, finding={"first_apply": True})
    assert {sent.key for sent in bench.line.sent} == keys
    assert bench.live() == before
    bench.require_converged(BOOKS)


def test_x11_a_lagging_query_finds_nothing_yet_and_the_key_protects(make_bench):
    bench = make_bench(query_lag=600)
    bench.converge(BOOKS)
    before, keys = bench.live(), {sent.key for sent in bench.line.sent}
    lose(bench)
    bench.clock.pass_by(minutes=5)
    bench.line.sent.clear()
    bench.apply(BOOKS)
    assert bench.line.searched
    assert {change.action.value for change in planned(bench).values()} == {"create"}
    assert {sent.key for sent in bench.line.sent} == keys
    assert bench.live() == before
    bench.require_converged(BOOKS)


def test_i44_what_differs_is_updated_or_replaced(bench):
    bench.converge(BOOKS)
    lose(bench)
    bench.clock.pass_by(**LATER)
    bench.verbs()
    wanted = files(a=of("1.00"), b=of("2.00", notes="more"), c=of("30.00"), d=of("4.00"))
    assert outcomes(bench.apply(wanted)) == {"done"}
    assert {name: change.action.value for name, change in planned(bench).items()} == {
        "a": "adopt",
        "b": "adopt",
        "c": "replace",
        "d": "create",
    }
    assert sorted(bench.verbs()) == [
        "basic-information",
        "cancel",
        "create",
        "create",
        "delete",
    ]
    bench.require_converged(wanted)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(lost_before, marks=LONG),
        lost_after,
        pytest.param(refused_connection, marks=LONG),
    ],
)
@pytest.mark.parametrize("at", [1, 2, 3])
def test_i26_i44_a_replacement_of_what_was_found_is_finished_by_the_next_run(bench, at, fault):
    bench.converge(ONE)
    lose(bench)
    bench.clock.pass_by(**LATER)
    wanted = files(a=of("7.00"))
    bench.line.choose = nth(at, fault)
    bench.apply(wanted)
    bench.converge(wanted)


def test_i06_there_and_back_within_a_day_over_a_lost_daybook_gives_a_new_entry(bench):
    bench.converge(files(a=of("1.00")))
    bench.converge(files(a=of("2.00")))
    lose(bench)
    bench.converge(files(a=of("1.00")))


def test_i44_a_recovery_that_was_broken_off_is_gone_on_with(bench):
    """A daybook that holds some of the entries again still lacks the others."""
    bench.converge(BOOKS)
    before = bench.live()
    lose(bench)
    bench.clock.pass_by(**LATER)
    bench.apply(files(a=of("1.00")))
    bench.line.queries = NO_DATA_QUERY
    report = bench.apply(BOOKS)
    assert [refusal.rule for refusal in bench.planned.refusals] == ["unsearched-ledger"]
    assert outcomes(report) == {"not_attempted"}
    bench.line.queries = None
    bench.converge(BOOKS)
    assert bench.live() == before


def cut_off(bench):
    """The daybook cannot be written after the first adoption."""
    second = "new.type = 'intent' and exists (select 1 from events where content like '%adopt%')"
    with contextlib.closing(sqlite3.connect(bench.daybook_path)) as connection:
        connection.execute(
            f"create trigger full before insert on events when {second} "
            "begin select raise(abort, 'database or disk is full'); end"
        )
        connection.commit()
        assert outcomes(bench.apply(BOOKS)) == {"done", "failed"}
        connection.execute("drop trigger full")
        connection.commit()


def in_part(bench):
    """The files lack one of the entries for a time."""
    assert outcomes(bench.apply(files(a=of("1.00"), c=of("3.00")))) == {"done"}


@pytest.mark.parametrize("adopts", [cut_off, in_part])
def test_i03_i44_a_copy_of_which_a_part_was_adopted_posts_nothing_before_a_search(
    bench, copied, adopts
):
    take, restore = copied
    bench.converge(ONE)
    take()
    bench.converge(BOOKS)
    before = bench.live()
    restore()
    bench.clock.pass_by(**LATER)
    adopts(bench)
    bench.line.queries = NO_DATA_QUERY
    assert outcomes(bench.apply(BOOKS)) == {"not_attempted"}
    (refusal,) = bench.planned.refusals
    assert "the daybook may be an older copy" in refusal.message
    bench.line.queries = None
    bench.converge(BOOKS)
    assert bench.live() == before
    with bench.daybook(write=False) as book:
        assert book.complete


def test_i44_a_copy_that_is_contradicted_posts_nothing_before_a_search(bench, copied):
    """Also where what contradicts it is not posted by this plan, and after that was recorded."""
    take, restore = copied
    bench.converge(ONE)
    take()
    wanted = files(b=of("2.00"))
    bench.converge(wanted)
    before = bench.live()
    restore()
    bench.clock.pass_by(**LATER)
    bench.line.queries = NO_DATA_QUERY
    assert outcomes(bench.apply(wanted)) == {"not_attempted"}
    assert outcomes(bench.apply({})) == {"done"}
    assert outcomes(bench.apply(wanted)) == {"not_attempted"}
    (refusal,) = bench.planned.refusals
    assert "the daybook may be an older copy" in refusal.message
    bench.line.queries = None
    bench.converge(wanted)
    assert bench.live() == before


def test_i04_a_create_that_is_sent_twice_to_confirm_its_answer_is_open_meanwhile(bench):
    """Under a key that the ledger has just forgotten, the second call posts."""

    def forgotten(line, request):
        bench.clock.pass_by(hours=25)
        return lost_after(line, request)

    bench.converge(ONE)
    (number,) = bench.live()["a"]
    bench.api("PUT", f"/v1/journal-entries/{number}/cancel")
    bench.api("DELETE", f"/v1/journal-entries/{number}")
    lose(bench)
    bench.line.choose = nth(2, forgotten, "create")
    report = bench.apply(ONE)
    assert outcomes(report) == {"unknown"}
    assert len(bench.live()["a"]) == 1
    bench.converge(ONE)


@pytest.mark.parametrize("kept", [False, True], ids=["deleted", "kept cancelled"])
def test_i44_a_copy_from_before_a_replacement(bench, copied, kept):
    take, restore = copied
    bench.policy = Policy(removal=Removal.CANCEL if kept else Removal.DELETE)
    bench.apply(ONE)
    take()
    wanted = files(a=of("5.00"))
    bench.apply(wanted)
    before = bench.live()
    restore()
    bench.clock.pass_by(**LATER)
    bench.verbs()
    assert outcomes(bench.apply(wanted)) == {"done"}
    assert planned(bench)["a"].action.value == "adopt"
    assert bench.verbs() == []
    assert bench.live() == before
    with bench.daybook(write=False) as book, bench.client() as client:
        assert book.recorded()[address("a")].number == before["a"][0]
        assert bench.plan(client, book, wanted).pending == ()


@pytest.mark.parametrize("kept", [False, True], ids=["deleted", "kept cancelled"])
def test_i44_a_copy_that_the_ledger_contradicts_posts_nothing_before_a_search(bench, copied, kept):
    """What it knows is gone, or cancelled: there may be a successor that it does not know."""
    take, restore = copied
    bench.policy = Policy(removal=Removal.CANCEL if kept else Removal.DELETE)
    bench.converge(ONE)
    take()
    wanted = files(a=of("5.00"))
    bench.apply(wanted)
    before = bench.live()
    restore()
    bench.clock.pass_by(**LATER)
    bench.line.queries = NO_DATA_QUERY
    bench.verbs()
    for wanted_now in (wanted, files(a=of("6.00"))):
        report = bench.apply(wanted_now)
        assert outcomes(report) == {"not_attempted"}
        (refusal,) = bench.planned.refusals
        assert refusal.rule == "unsearched-ledger"
        assert "the daybook may be an older copy" in refusal.message
    assert (bench.verbs(), bench.live()) == ([], before)
    bench.line.queries = None
    assert outcomes(bench.apply(wanted)) == {"done"}
    assert (bench.verbs(), bench.live()) == ([], before)


def test_i44_a_copy_from_inside_a_replacement_deletes_what_is_left_of_it(bench, copied):
    take, restore = copied
    bench.converge(ONE)
    take()
    wanted = files(a=of("5.00"))
    bench.line.choose = every(lost_before, "delete")
    bench.apply(wanted)
    assert [status for _, status, _ in bench.all_entries()] == ["Cancelled", "Created"]
    restore()
    bench.clock.pass_by(**LATER)
    bench.converge(wanted)
    assert [status for _, status, _ in bench.all_entries()] == ["Created"]


def test_i44_a_copied_daybook_does_not_post_what_the_other_posted(bench, copied):
    take, restore = copied
    bench.converge(ONE)
    take()
    bench.converge(files(a=of("1.00"), b=of("2.00")))
    bench.converge(files(a=of("1.00"), b=of("2.50")))
    before = bench.live()
    restore()
    bench.clock.pass_by(**LATER)
    wanted = files(a=of("1.00"), b=of("2.50"), c=of("3.00"))
    bench.converge(wanted)
    assert bench.live() == {**before, "c": bench.live()["c"]}


def test_i44_a_removal_is_not_undone_by_an_older_copy(bench, copied):
    take, restore = copied
    bench.converge(BOOKS)
    take()
    bench.converge(ONE)
    restore()
    bench.clock.pass_by(**LATER)
    bench.converge(ONE)


def test_n29_two_with_one_marker_are_blocked_until_one_is_cancelled(bench):
    bench.converge(ONE)
    first = bench.live()["a"][0]
    second = bench.post_foreign(ReconcilerKey__c="books/a")
    bench.doubled.clear()
    lose(bench)
    bench.verbs()
    for _ in range(2):
        assert outcomes(bench.apply(ONE)) == {"blocked"}
        block = planned(bench)["a"].block
        assert block.rule == "doubled"
        assert first in block.message
        assert second in block.message
    assert bench.verbs() == []
    bench.api("PUT", f"/v1/journal-entries/{second}/cancel")
    bench.doubled.clear()
    bench.converge(ONE)
    assert bench.live() == {"a": [first]}


@pytest.mark.parametrize("marker", ["others/a", "books2/a", "bookz/a", "books/ab"], ids=str)
def test_i22_entries_of_others_are_not_taken_over(bench, marker):
    bench.post_foreign(ReconcilerKey__c=marker)
    before = bench.all_entries()
    assert outcomes(bench.apply(ONE)) == {"done"}
    assert planned(bench)["a"].action.value == "create"
    assert bench.all_entries()[: len(before)] == before


def test_what_no_file_speaks_of_is_left_alone(bench):
    bench.converge(BOOKS)
    before = bench.live()
    lose(bench)
    bench.apply(ONE)
    assert bench.live() == before
    with bench.daybook(write=False) as book:
        assert [where.name for where in book.recorded()] == ["a"]
        assert not book.complete


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(NO_DATA_QUERY, id="the tenant lacks Data Query"),
        pytest.param(instead(answer(403, {"code": "x", "message": "no"})), id="no permission"),
        pytest.param(instead(answer(500, {"code": "x", "message": "no"})), id="it breaks"),
        pytest.param(refused_connection, id="it cannot be reached"),
    ],
)
def test_a_ledger_that_cannot_be_searched_takes_nothing_from_a_new_daybook(bench, fault):
    bench.line.queries = fault
    for _ in range(2):
        report = bench.apply(ONE)
        assert [refusal.rule for refusal in bench.planned.refusals] == ["unsearched-ledger"]
        assert outcomes(report) == {"not_attempted"}
    assert bench.verbs() == []
    bench.apply(ONE, finding={"first_apply": True})
    bench.require_converged(ONE)
    # The word was given once, and holds: what is new is posted as from any sound daybook.
    bench.apply(BOOKS)
    bench.require_converged(BOOKS)


def test_a_sound_daybook_and_nothing_to_post_cost_no_search(bench):
    bench.converge(BOOKS)
    bench.line.searched.clear()
    bench.apply(BOOKS)
    changed = files(a=of("9.00"), b=of("2.00", notes="more"))
    bench.apply(changed)
    with bench.daybook(write=False) as book, bench.client() as client:
        bench.plan(client, book, {**changed, **files(d=of("4.00"))})
    assert bench.line.searched == []
    bench.apply({**changed, **files(d=of("4.00"))})
    assert [asked.partition(" WHERE ")[2] for asked in bench.line.searched] == [
        "ReconcilerKey__c IN ('books/d')"
    ]


# Creates whose outcome stayed unknown.


@pytest.mark.parametrize(
    "hours",
    [21, pytest.param(25, marks=LONG), pytest.param(27, marks=LONG), 30,
     pytest.param(24 * 30, marks=LONG)],
)  # fmt: skip
def test_i09_t3_what_is_found_settles_an_old_create(bench, hours):
    bench.line.choose = each(*[lost_after] * 6)
    bench.apply(ONE)
    bench.line.choose = lambda sent: None
    bench.clock.pass_by(hours=hours)
    bench.verbs()
    report = bench.apply(ONE)
    assert [(item.result.value, item.number) for item in report.settled] == [
        ("done", bench.live()["a"][0])
    ]
    assert bench.verbs() == []
    bench.require_converged(ONE)


@pytest.mark.parametrize(
    ("hours", "result"),
    [
        pytest.param(21, "unknown", marks=LONG),
        pytest.param(25, "unknown", marks=LONG),
        (27, "unknown"),
        (28, "refused"),
        pytest.param(30, "refused", marks=LONG),
    ],
)
def test_i09_n28_x11_that_nothing_is_found_counts_only_when_nothing_can_come(bench, hours, result):
    bench.line.choose = each(*[lost_before] * 6)
    bench.apply(ONE)
    bench.line.choose = lambda sent: None
    first = {sent.key for sent in bench.line.sent}
    bench.clock.pass_by(hours=hours)
    bench.verbs()
    report = bench.apply(ONE)
    assert [item.result.value for item in report.settled] == [result]
    if result == "unknown":
        assert outcomes(report) == {"blocked"}
        assert bench.verbs() == []
    else:
        assert outcomes(report) == {"done"}
        assert first.isdisjoint({sent.key for sent in bench.line.sent})
        bench.require_converged(ONE)


@pytest.mark.parametrize("hours", [1, 30], ids=["by its key", "by its marker"])
def test_i09_an_entry_with_other_values_than_were_sent_counts_as_found(bench, hours):
    """Another apply posted it. What it has beside the declared values is not ours to clear."""
    bench.line.choose = every(lost_before, "create")
    bench.apply(files(a=of(notes="sent", Ticket__c="T-1")))
    bench.line.choose = lambda sent: None
    # The same lines as those of a foreign entry, so that nothing has to be replaced.
    theirs = {"notes": "posted by another", "Ticket__c": "T-2"}
    number = bench.post_foreign(**theirs, ReconcilerKey__c="books/a")
    bench.clock.pass_by(hours=hours)
    if hours < 20:
        answered = answer(200, {"success": True, "journalEntryNumber": number})
        bench.line.choose = nth(1, instead(answered), "create")
    bench.verbs()
    report = bench.apply(files(a=of()))
    (settled,) = report.settled
    assert (settled.result.value, settled.number) == ("done", number)
    assert bench.verbs() == (["create"] if hours < 20 else [])
    with bench.client() as client:
        kept = client.read(KINDS["JournalEntry"], number).fields
    assert {name: kept[name] for name in theirs} == theirs
    assert "has other values than were sent: Ticket__c, notes" in settled.message


def test_i08_the_old_create_of_a_replacement_is_found_beside_its_predecessor(bench):
    bench.converge(ONE)
    wanted = files(a=of("5.00"))
    bench.line.choose = lambda sent: lost_after if sent.verb == "create" else None
    bench.apply(wanted)
    bench.clock.pass_by(**LATER)
    bench.converge(wanted)


def test_n29_two_that_an_old_create_may_have_made_leave_it_open(bench):
    bench.line.choose = each(*[lost_after] * 6)
    bench.apply(ONE)
    bench.line.choose = lambda sent: None
    second = bench.post_foreign(ReconcilerKey__c="books/a")
    bench.clock.pass_by(**LATER)
    report = bench.apply(ONE)
    assert [item.result.value for item in report.settled] == ["unknown"]
    assert second in report.settled[0].message
    assert outcomes(report) == {"blocked"}


def test_one_query_settles_several_creates(bench):
    bench.line.choose = lambda sent: lost_after
    bench.apply(BOOKS, continue_on_error=True)
    bench.line.choose = lambda sent: None
    bench.clock.pass_by(**LATER)
    bench.line.searched.clear()
    report = bench.apply(BOOKS)
    assert [item.result.value for item in report.settled] == ["done"] * 3
    assert len(bench.line.searched) == 1
    bench.require_converged(BOOKS)


# Everything at once.


def histories():
    return [pytest.param(seed, marks=pytest.mark.long if seed >= 4 else ()) for seed in range(60)]


@pytest.mark.parametrize("seed", histories())
def test_i01_i44_any_history_with_its_daybook_lost_or_rolled_back_converges(bench, copied, seed):
    chance = random.Random(seed)
    take, restore = copied
    wanted, taken = {}, False
    for _ in range(chance.randint(2, 5)):
        wanted = chosen(chance, wanted)
        bench.apply(wanted)
        if chance.random() < 0.4:
            take()
            taken = True
        if chance.random() < 0.3:
            bench.clock.pass_by(hours=chance.choice([1, 22, 26]))
    restore() if taken and chance.random() < 0.6 else lose(bench)
    bench.clock.pass_by(**LATER)
    wanted = chosen(chance, wanted) if chance.random() < 0.5 else wanted
    for name, numbers in bench.live().items():
        if name not in wanted:
            # An entry that is neither declared nor recorded is never removed by itself.
            for number in numbers:
                bench.api("PUT", f"/v1/journal-entries/{number}/cancel")
    bench.apply(wanted)
    assert bench.doubled == []
    bench.converge(wanted)


def chosen(chance, before):
    """Some of four entries, each new, unchanged, of another amount, or with other notes."""
    specs = {}
    for name in "abcd":
        if chance.random() < 0.3:
            continue
        kept = before.get(name)
        if kept is not None and chance.random() < 0.5:
            specs[name] = kept.spec
        else:
            # Stated in any case: without its daybook nobody knows that a file said more once.
            specs[name] = of(f"{chance.randint(1, 3)}.00", notes=chance.choice(["one", "two"]))
    return files(**specs)
