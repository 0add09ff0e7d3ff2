"""What fails a close check: a row for each item, and what each names."""

from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType

import pytest
from builders import declared, entry, live, plan_for, recorded, snapshot, tenant_of
from run_builders import declared_run, live_run, recorded_run

from reconciler.core.model.resource import Address
from reconciler.core.model.schedule import WaitingParts
from reconciler.core.model.tenant import AccountingPeriod
from reconciler.core.planning.closing.readiness import (
    CloseFacts,
    DeclaredRun,
    SearchedPeriod,
    UnmanagedEntry,
    close_check,
)

PERIODS = tuple(
    AccountingPeriod(name=name, start_date=start, end_date=end, status=status)
    for name, start, end, status in (
        ("Dec-2025", "2025-12-01", "2025-12-31", "Closed"),
        ("Jan-2026", "2026-01-01", "2026-01-31", "PendingClose"),
        ("Feb-2026", "2026-02-01", "2026-02-28", "Open"),
        ("Later", "2026-03-01", None, "Open"),
    )
)
TENANT = tenant_of(periods=PERIODS)
FEBRUARY = {"accountingPeriodName": "Feb-2026", "journalEntryDate": "2026-02-28"}
TRANSFERRED = {"transferredToAccounting": "Yes"}

RENT = WaitingParts(
    kind="JournalSchedule",
    name="rent",
    currency="USD",
    amount=Decimal(9),
    parts=1,
    whole=1,
    awaited="its first period",
)


def facts(files, book, ledger, **changes):
    plan = plan_for(snapshot(files, book, ledger, tenant=TENANT))
    searched = {name: SearchedPeriod(entries=1) for name in ("Jan-2026", "Feb-2026")}
    periods = TENANT.periods_by_name
    given = {"searched": searched, "reference": periods, **changes}
    return CloseFacts(plan=plan, periods=periods, **given)


def failing(checked, period="Jan-2026", allowed=MappingProxyType({})):
    check = close_check(period, checked, allowed=allowed)
    return {item.item: item.found for item in check.failing}


OTHER = UnmanagedEntry(number="JE-00000009")
SOUND = ([declared()], [recorded()], [live(**TRANSFERRED)])
DUE = declared(entry(**FEBRUARY), name="part", generated_by=Address("JournalSchedule", "rent"))


def test_the_sound_books_are_ready():
    check = close_check("Jan-2026", facts(*SOUND), allowed={})
    assert check.ready
    assert check.not_checked == ("draft and processing billing documents, trial balance run",)


@pytest.mark.parametrize(
    ("books", "changes", "period", "found"),
    [
        pytest.param(SOUND, {}, "Feb-2026", {"earlier-period": ("Jan-2026 (PendingClose)",)}),
        pytest.param(
            SOUND, {"open_calls": ("create of rent",)}, "Jan-2026",
            {"open-call": ("create of rent",)},
        ),
        pytest.param(
            SOUND,
            {"searched": {"Jan-2026": SearchedPeriod(entries=2, unmanaged=(OTHER,))}},
            "Jan-2026",
            {"unmanaged": ("JE-00000009",)},
        ),
        pytest.param(
            SOUND, {"due": (DUE,)}, "Feb-2026",
            {"earlier-period": ("Jan-2026 (PendingClose)",), "schedule-due": ("part of rent",)},
        ),
        pytest.param(
            SOUND, {"due": (replace(DUE, reverses="rent"),)}, "Feb-2026",
            {"earlier-period": ("Jan-2026 (PendingClose)",), "reversal-due": ("part of rent",)},
        ),
        pytest.param(SOUND, {"due": (DUE,)}, "Jan-2026", {}),
        pytest.param(
            SOUND, {"reference": {}, "waiting": (RENT,)}, "Jan-2026",
            {"period-in-reference": (
                "Jan-2026 is not in reference.yaml", "rent waits for its first period",
            )},
        ),
        pytest.param(SOUND, {"reference": {}}, "Jan-2026", {}),
        pytest.param(
            SOUND, {"reference": {"Jan-2026": replace(PERIODS[1], end_date="2026-01-30")}},
            "Jan-2026",
            {"period-in-reference": (
                "Jan-2026 has other days in the ledger: 2026-01-01 to 2026-01-31",
            )},
        ),
    ],
)  # fmt: skip
def test_each_item(books, changes, period, found):
    checked = facts(*books, **changes)
    assert failing(checked, period) == found
    assert failing(checked, period, allowed=dict.fromkeys(found, "a reason")) == {}


def test_what_was_not_queried_is_said():
    check = close_check("Jan-2026", facts(*SOUND, searched={}), allowed={})
    assert check.ready
    assert check.not_checked[0] == "entries that nobody declares"
    states = {item.item: str(item.state) for item in check.items}
    assert states.pop("unmanaged") == "not-checked"
    assert {*states.values()} == {"ok"}


def test_each_item_counts_what_was_looked_at():
    check = close_check("Jan-2026", facts(*SOUND, due=(DUE,)), allowed={})
    assert {item.item: item.checked for item in check.items} == {
        "earlier-period": 1,
        "period-in-reference": 1,
        "pending-change": 1,
        "blocked-change": 1,
        "run-not-done": 0,
        "run-missing": 0,
        "unmanaged": 1,
        "not-transferred": 1,
        "reversal-due": 0,
        "schedule-due": 0,
        "open-call": 0,
        "transfer-error": 1,
    }


def test_an_entry_counts_once_whatever_is_wrong_with_it():
    """A block of what somebody cancelled is a difference that no change answers, too."""
    december = entry(accountingPeriodName="Dec-2025", journalEntryDate="2025-12-31")
    gone = live(december, status="Cancelled")
    checked = facts([declared(december)], [recorded(december)], [gone])
    assert [one.rule for one in checked.plan.unanswered] == ["period-closed"]
    found = {item.item: item for item in close_check("Dec-2025", checked, allowed={}).items}
    name = checked.plan.changes[0].address.name
    assert found["blocked-change"].found == (f"{name} (period-closed)",)
    assert found["blocked-change"].checked == 1


def test_a_replacement_counts_in_both_periods():
    checked = facts([declared(entry(**FEBRUARY))], [recorded()], [live()])
    name = checked.plan.changes[0].address.name
    for period in ("Jan-2026", "Feb-2026"):
        assert failing(checked, period)["pending-change"] == (f"{name} (replace)",)


@pytest.mark.parametrize(
    ("status", "item"),
    [
        ("Completed", ""),
        ("Pending", "blocked-change run-not-done"),
        ("Processing", "blocked-change run-not-done"),
        ("Error", "pending-change run-not-done"),
    ],
)
def test_a_run_has_ended_well(status, item):
    checked = facts([declared_run()], [recorded_run()], [live_run(status=status)])
    found = failing(checked)
    assert " ".join(sorted(found)) == item
    if item:
        assert found["run-not-done"] == (f"billing JR-00000001 {status}",)
    assert "run-not-done" not in failing(checked, "Feb-2026")


@pytest.mark.parametrize(
    ("last", "types", "status", "found"),
    [
        pytest.param("2026-01-31", ("Invoice Item", "Taxation Item"), "Completed", (), id="whole"),
        pytest.param("2026-01-30", ("Invoice Item", "Taxation Item"), "Completed",
                     ("Invoice Item", "Taxation Item"), id="a part of the period"),
        pytest.param("2026-01-31", ("Invoice Item",), "Completed", ("Taxation Item",), id="a type"),
        pytest.param("2026-01-31", ("Invoice Item", "Taxation Item"), "Processing",
                     ("Invoice Item", "Taxation Item"), id="at work"),
    ],
)  # fmt: skip
def test_each_type_of_the_settings_needs_a_run(last, types, status, found):
    run = DeclaredRun(address=declared_run().address, types=types, first="2026-01-01", last=last)
    books = ([declared_run()], [recorded_run()], [live_run(status=status)])
    checked = facts(*books, runs=(run,), expected=("Invoice Item", "Taxation Item"))
    assert failing(checked).get("run-missing", ()) == found
