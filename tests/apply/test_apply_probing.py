"""A ledger without Data Query is looked at number by number: I-09, I-44."""

import pytest
from apply_harness import answer, each, files, instead, lost_after, lost_before, of, outcomes
from builders import address, declared

from reconciler.engine.manual_settlement import close_manually
from reconciler.errors import Refused

BOOKS = files(a=of("1.00"), b=of("2.00"), c=of("3.00"))
ONE = files(a=of("1.00"))
TWO = files(a=of("1.00"), b=of("2.00"))
LATER = {"hours": 30}


@pytest.fixture
def unsearchable(bench):
    """A bench whose ledger answers no query."""
    bench.line.queries = instead(answer(404, {"code": "x", "message": "no such resource"}))
    return bench


def begin(bench):
    with bench.daybook(write=False) as book:
        return book.last_number("JournalEntry")


def planned(bench):
    return {change.address.name: change.action.value for change in bench.planned.pending}


def test_i44_a_lost_daybook_is_written_anew_from_a_number_that_the_user_names(unsearchable):
    bench = unsearchable
    bench.apply(BOOKS, finding={"first_apply": True})
    before = bench.live()
    for path in bench.root.glob("daybook.db*"):
        path.unlink()
    bench.clock.pass_by(**LATER)
    bench.verbs()
    report = bench.apply(BOOKS, finding={"probe_from": "JE-00000001"})
    assert outcomes(report) == {"done"}
    assert planned(bench) == dict.fromkeys("abc", "adopt")
    assert (bench.verbs(), bench.live()) == ([], before)
    bench.require_converged(BOOKS)
    # Above a gap there may be more: the daybook is complete when somebody says so.
    with bench.daybook(write=False) as book:
        assert not book.complete
    bench.apply(BOOKS, finding={"probe_from": "JE-00000001", "asked": True, "first_apply": True})
    with bench.daybook(write=False) as book:
        assert book.complete


def test_i44_what_stands_above_a_gap_is_not_posted_again(unsearchable):
    bench = unsearchable
    many = files(**{f"x{at}": of("1.00") for at in range(51)})
    bench.apply(ONE, finding={"first_apply": True})
    bench.apply({**ONE, **many})
    bench.apply(TWO)
    before = bench.live()
    for path in bench.root.glob("daybook.db*"):
        path.unlink()
    bench.clock.pass_by(**LATER)
    bench.verbs()
    bench.apply(TWO, finding={"probe_from": "JE-00000001"})
    (refusal,) = bench.planned.refusals
    assert (refusal.rule, "1 entry would be posted" in refusal.message) == (
        "unsearched-ledger",
        True,
    )
    assert "Probing JE-00000001 to JE-00000051 found no marker" in refusal.message
    assert (bench.verbs(), bench.live()) == ([], before)
    named = {**ONE, "b": declared(of("2.00"), name="b", adopts=before["b"][0])}
    bench.apply(named, finding={"probe_from": "JE-00000001"})
    assert planned(bench) == {"a": "adopt", "b": "adopt"}


def test_i44_an_older_copy_is_brought_up_to_date_from_the_last_number_it_knows(
    unsearchable,
    copied,
):
    bench, (take, restore) = unsearchable, copied
    bench.apply(ONE, finding={"first_apply": True})
    take()
    bench.apply(BOOKS)
    bench.apply(files(a=of("1.00"), b=of("2.00"), c=of("4.00")))
    before = bench.live()
    restore()
    bench.clock.pass_by(**LATER)
    bench.verbs()
    wanted = files(a=of("1.00"), b=of("2.00"), c=of("4.00"))
    bench.apply(wanted, finding={"probe_from": begin(bench)})
    assert planned(bench) == {"b": "adopt", "c": "adopt"}
    assert (bench.verbs(), bench.live()) == ([], before)
    bench.require_converged(wanted)


@pytest.mark.parametrize(
    ("way", "wanted"),
    [
        ("restore the daybook", {}),
        ("have Data Query enabled", dict.fromkeys("abc", "adopt")),
        ("give the first number", dict.fromkeys("abc", "adopt")),
    ],
)
def test_i44_each_way_out_of_an_unsearched_ledger_ends_it(unsearchable, copied, way, wanted):
    """The daybook of posted entries is lost, so `--first-apply` is no way: it would be untrue."""
    bench, (take, restore) = unsearchable, copied
    bench.apply(BOOKS, finding={"first_apply": True})
    take()
    before = bench.live()
    for path in bench.root.glob("daybook.db*"):
        path.unlink()
    bench.clock.pass_by(**LATER)
    bench.apply(BOOKS)
    assert [refusal.rule for refusal in bench.planned.refusals] == ["unsearched-ledger"]
    assert bench.live() == before
    finding = {}
    if way == "restore the daybook":
        restore()
    elif way == "have Data Query enabled":
        bench.line.queries = None
    else:
        finding = {"probe_from": "JE-00000001"}
    bench.verbs()
    bench.apply(BOOKS, finding=finding)
    assert (bench.planned.refusals, planned(bench)) == ((), wanted)
    assert (bench.verbs(), bench.live()) == ([], before)


def test_i44_a_first_apply_that_is_one_ends_an_unsearched_ledger(unsearchable):
    bench = unsearchable
    bench.apply(BOOKS)
    assert [refusal.rule for refusal in bench.planned.refusals] == ["unsearched-ledger"]
    assert bench.live() == {}
    bench.apply(BOOKS, finding={"first_apply": True})
    assert set(bench.live()) == {"a", "b", "c"}


def left_open(bench, fault):
    """An entry whose create lost every answer, on a day before."""
    bench.apply(ONE, finding={"first_apply": True})
    bench.line.choose = each(*[fault] * 6)
    assert outcomes(bench.apply(TWO)) == {"unknown"}
    bench.line.choose = lambda sent: None


@pytest.mark.parametrize("hours", [21, pytest.param(30, marks=pytest.mark.long)])
def test_i09_t3_what_is_found_by_its_number_settles_an_old_create(unsearchable, hours):
    bench = unsearchable
    left_open(bench, lost_after)
    bench.clock.pass_by(hours=hours)
    bench.verbs()
    report = bench.apply(TWO)
    assert [(item.result.value, item.number) for item in report.settled] == [
        ("done", bench.live()["b"][0])
    ]
    assert bench.verbs() == []
    bench.require_converged(TWO)


@pytest.mark.parametrize("hours", [30, pytest.param(24 * 30, marks=pytest.mark.long)])
def test_i07_i09_that_no_number_has_it_never_lets_a_create_be_sent_again(unsearchable, hours):
    bench = unsearchable
    left_open(bench, lost_before)
    bench.clock.pass_by(hours=hours)
    bench.verbs()
    report = bench.apply(TWO)
    assert [item.result.value for item in report.settled] == ["unknown"]
    assert "none of JE-00000001 to JE-00000051 carries its marker" in report.settled[0].message
    assert (outcomes(report), bench.verbs()) == ({"blocked"}, [])


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(lost_before, id="N07", marks=pytest.mark.long),
        pytest.param(lost_after, id="N08"),
    ],
)
def test_i07_the_word_that_nothing_was_posted_is_held_against_the_numbers(unsearchable, fault):
    bench = unsearchable
    left_open(bench, fault)
    bench.clock.pass_by(**LATER)
    with bench.daybook() as book, bench.client() as client:
        answers = {"posted": {}, "not_posted": [address("b")]}
        words = {"workspace": "books", "marker_place": "ReconcilerKey__c"}
        if fault is lost_after:
            with pytest.raises(Refused, match="was posted: JE-00000002 carries its marker"):
                close_manually(book, client, **words, **answers)
        else:
            close_manually(book, client, **words, **answers)
    bench.apply(TWO)
    bench.require_converged(TWO)
