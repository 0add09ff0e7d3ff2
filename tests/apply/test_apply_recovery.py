"""What an older daybook or an open call must not lead to: I-06, I-08, I-44."""

import shutil

import pytest
from apply_bench import every, files, instead, lost_before, nth, of, outcomes, refusal
from test_apply_runs import books, run, runs  # noqa: F401 - a fixture, by its name

REFUSED = instead(refusal(58490020, "refused for good"))


@pytest.fixture
def copied(bench):
    """Takes a copy of the daybook, and puts it back."""

    def take():
        shutil.copy(bench.daybook_path, bench.root / "copy.db")

    def restore():
        for path in bench.root.glob("daybook.db*"):
            path.unlink()
        shutil.copy(bench.root / "copy.db", bench.daybook_path)

    return take, restore


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


def test_i08_entries_that_were_gone_before_an_open_cancel_are_no_part_of_it(books):  # noqa: F811
    books.apply(run())
    books.execute("update journal_entries set status = 'Cancelled' where number = 'JE-00000001'")
    books.line.choose = every(lost_before, "cancel")
    assert outcomes(books.apply({})) == {"unknown"}
    books.line.choose = lambda sent: None
    report = books.apply({})
    assert [(item.result.value, item.message) for item in report.settled] == [("unsent", "")]
    assert outcomes(report) == {"done"}
    assert runs(books) == {}


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
