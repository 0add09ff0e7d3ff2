"""A period that moves between plan and write: its changes are left out, the others are made."""

import json

import pytest
from apply_harness import answer, closed_first, files, nth, of, outcomes, whole
from test_apply_halts import reversed_pair

from reconciler.app.apply import exit_code
from reconciler.core.model.report import Outcome
from reconciler.engine.period_watch import LONGEST_AGE
from reconciler.engine.ports import PollingPolicy

FEB = {"accountingPeriodName": "Feb-2026", "journalEntryDate": "2026-02-28"}
BEFORE = files(old=of("1.00"), kept=of("5.00", **FEB))
CHANGES = {
    "create": files(old=of("1.00"), new=of("2.00")),
    "replace": files(old=of("3.00")),
    "replace out of it": files(old=of("1.00", **FEB)),
    "replace into it": files(old=of("1.00"), kept=of("5.00")),
    "remove": {},
}


class Periods:
    """Counts the reads of the periods, and answers each with the next of some statuses, if any."""

    def __init__(self, *statuses):
        self.count, self.statuses = 0, statuses

    def __call__(self, line, request):
        response = line.deliver(request)
        if request.url.path != "/v1/accounting-periods":
            return response
        self.count += 1
        if not self.statuses:
            return response
        status = self.statuses[min(self.count, len(self.statuses)) - 1]
        document = json.loads(b"".join(response.stream))
        periods = [{**period, "status": status} for period in document["accountingPeriods"]]
        moved = answer(200, {**document, "accountingPeriods": periods})
        return whole(moved, moved.content)


def blocks(report):
    ended = report.ended(Outcome.BLOCKED)
    return {item.change.address.name: item.change.block.rule for item in ended}


def marked(bench, name):
    return [one for one in bench.all_entries() if one[2] == f"books/{name}"]


@pytest.mark.parametrize("parallelism", [1, 4])
@pytest.mark.parametrize("change", CHANGES)
def test_what_a_closed_period_no_longer_allows_is_left_out_and_the_rest_is_made(
    bench, change, parallelism
):
    bench.converge(BEFORE)
    held = marked(bench, "old")
    wanted = {**CHANGES[change], **files(other=of("7.00", **FEB))}
    bench.verbs()
    report = bench.apply(
        wanted, parallelism=parallelism, between=lambda: bench.close_period("Jan-2026")
    )
    assert [*blocks(report).values()] == ["period-closed"]
    (item,) = report.ended(Outcome.BLOCKED)
    assert item.message == "the accounting period Jan-2026 is closed now"
    assert (item.steps, exit_code(report)) == ((), 4)
    assert outcomes(report) == {"blocked", "done"}
    assert "other" in bench.live()
    assert marked(bench, "old") == held
    assert not marked(bench, "new")


def test_the_remedy_is_a_plan_that_blocks_the_change(bench):
    report = bench.apply(files(a=of()), between=lambda: bench.close_period("Jan-2026"))
    (item,) = report.applied
    assert item.remedy == "Run `reconciler plan`: it blocks this change, and says what to do."
    with bench.daybook() as book, bench.client() as client:
        (change,) = bench.plan(client, book, files(a=of())).pending
    assert (change.block.rule, "Declare the entry in an open period" in change.block.remedy) == (
        "period-closed",
        True,
    )
    bench.reopen_period("Jan-2026")
    bench.converge(files(a=of()))


@pytest.mark.parametrize(
    ("status", "manages", "rule"),
    [
        ("Open", False, ""),
        ("PendingClose", None, ""),
        ("PendingClose", True, ""),
        ("PendingClose", False, "period-pending-close"),
        ("Closed", True, "period-closed"),
        ("Locked", True, "period-unknown-status"),
    ],
)
def test_each_status_at_the_time_of_the_write(bench, status, manages, rule):
    def moves():
        bench.line.reads = Periods(status)

    report = bench.apply(files(a=of()), between=moves, ports={"manages_close": manages})
    assert blocks(report) == ({"a": rule} if rule else {})
    assert exit_code(report) == (4 if rule else 0)
    assert bool(bench.live()) is not bool(rule)


def test_a_status_nobody_knows_leaves_out_an_update_too(bench):
    bench.converge(files(a=of(notes="old")))

    def moves():
        bench.line.reads = Periods("Locked")

    report = bench.apply(files(a=of(notes="new")), between=moves)
    assert blocks(report) == {"a": "period-unknown-status"}


def test_an_update_is_made_in_a_closed_period(bench):
    bench.converge(files(a=of(notes="old")))
    report = bench.apply(files(a=of(notes="new")), between=lambda: bench.close_period("Jan-2026"))
    assert exit_code(report) == 0


@pytest.mark.parametrize("parallelism", [1, 4])
@pytest.mark.parametrize(
    ("passing", "reads"), [(0, 1), (LONGEST_AGE / 20, 1), (LONGEST_AGE, 12), (LONGEST_AGE / 3, 4)]
)
def test_one_copy_serves_all_workers_while_it_is_young(bench, parallelism, passing, reads):
    """Each of twelve changes asks the clock once, and it goes on by the same time at each."""
    counted, now = Periods(), iter(range(10**6))

    def begin():
        bench.line.reads = counted

    clock = PollingPolicy(clock=lambda: next(now) * passing)
    many = files(**{f"n{at:02}": of(f"{at + 1}.00") for at in range(12)})
    report = bench.apply(many, parallelism=parallelism, between=begin, ports={"polling": clock})
    assert outcomes(report) == {"done"}
    assert counted.count == reads


@pytest.mark.parametrize("status", ["PendingClose", "Closed"])
def test_a_refusal_by_the_ledger_for_the_period_is_read_the_same_way(bench, status):
    """The period moves after its read and before the call arrives."""
    wanted = files(a=of(), c=of("3.00", **FEB))
    bench.line.choose = nth(1, closed_first(bench, status))
    may = ("Create Journal Entry", "Edit Journal Entry", "Cancel Journal Entry")
    bench._credentials = bench.ledger.issue_client("clerk", may)
    report = bench.apply(wanted)
    rule = {"PendingClose": "period-pending-close", "Closed": "period-closed"}[status]
    assert blocks(report) == {"a": rule}
    (item,) = report.ended(Outcome.BLOCKED)
    word = {"Closed": "closed"}.get(status, status)
    said = f"the accounting period Jan-2026 is {word} now; the ledger refused it: "
    assert item.message.startswith(said)
    assert exit_code(report) == 4
    assert set(bench.live()) == {"c"}


def test_a_reversal_is_left_out_with_its_original(bench):
    report = bench.apply(reversed_pair(), between=lambda: bench.close_period("Jan-2026"))
    assert blocks(report) == {"b": "period-closed", "a": "reversal-order"}
    assert (exit_code(report), bench.live()) == (4, {})


def test_an_original_is_left_out_with_its_reversal(bench):
    """The period is closed when the reversal is cancelled, and open again after that."""
    bench.converge(reversed_pair())
    report = bench.apply({}, **reopened_between_two_writes(bench))
    assert blocks(report) == {"a": "period-closed", "b": "reversal-order"}
    assert set(bench.live()) == {"a", "b"}


def reopened_between_two_writes(bench):
    def moves():
        bench.line.reads = Periods("Closed", "Open")

    now = iter(range(10**6))
    clock = PollingPolicy(clock=lambda: next(now) * LONGEST_AGE)
    return {"between": moves, "ports": {"polling": clock}}


def test_what_could_not_be_removed_is_not_posted_under_another_name(bench):
    """The period is closed at the removal, and open again when the other name would be posted."""
    bench.converge(files(old=of()))
    report = bench.apply(files(new=of()), **reopened_between_two_writes(bench))
    assert blocks(report) == {"old": "period-closed", "new": "period-closed"}
    assert set(bench.live()) == {"old"}
