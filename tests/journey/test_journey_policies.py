"""What the workspace decides about removal, transfer and protection."""

import pytest
from books_harness import credit, debit


def test_removal_may_stop_at_cancelled(small):
    small.settings(spec="{policy: {removal: cancel}}")
    number = small.number("entry-00")
    small.remove("entry-00")
    small.applied()
    assert small.entries()["entry-00"] == [(number, "Cancelled")]
    small.declare("entry-01", debit("1.00"), credit("1.00"))
    small.applied()
    assert [status for _, status in small.entries()["entry-01"]] == ["Cancelled", "Created"]


def test_a_kept_cancelled_entry_comes_back_under_a_new_number(small):
    small.settings(spec="{policy: {removal: cancel}}")
    text = (small.root / "entry-00.yaml").read_text()
    small.remove("entry-00")
    small.applied()
    small.write("entry-00.yaml", text)
    small.applied()
    assert [status for _, status in small.entries()["entry-00"]] == ["Cancelled", "Created"]


def test_removal_may_be_forbidden(small):
    small.settings(spec="{policy: {removal: forbid}}")
    small.remove("entry-00")
    before = small.content()
    planned = small.plan()
    assert planned.code == 0
    assert "removal-forbidden" in planned.out
    assert small.apply().code == 4
    assert small.content() == before
    small.declare("entry-01", debit("1.00"), credit("1.00"))
    assert "1 replaced, 1 blocked" in small.apply().out


def test_a_transfer_state_is_managed_only_when_the_policy_says_so(small):
    small.declare("new", debit("1.00"), credit("1.00"), transferredToAccounting="No")
    assert small.apply().code == 0
    small.set("new", transferredToAccounting="Processing")
    assert small.plan("--detailed-exitcode").code == 0
    small.settings(spec="{policy: {transferState: managed}}")
    assert small.run("drift").code == 7
    assert "transferredToAccounting: No -> Processing\n" in small.plan().out
    small.applied()
    assert small.get(small.number("new"))["transferredToAccounting"] == "No"


def test_a_transfer_state_that_is_declared_later_drifts_too(small):
    small.settings(spec="{policy: {transferState: managed}}")
    small.declare("entry-00", notes="Notes of entry-00", transferredToAccounting="No")
    assert small.apply().code == 0
    small.set("entry-00", transferredToAccounting="Processing")
    assert small.actions() == {"entry-00": "update"}
    assert small.run("drift").code == 7


def test_a_managed_transfer_state_does_not_leave_yes(small):
    small.settings(spec="{policy: {transferState: managed}}")
    small.declare("entry-00", notes="Notes of entry-00", transferredToAccounting="No")
    assert small.apply().code == 0
    small.set("entry-00", transferredToAccounting="Yes")
    planned = small.plan()
    assert "transfer-override" in planned.out
    assert small.apply().code == 4
    assert small.get(small.number("entry-00"))["transferredToAccounting"] == "Yes"


@pytest.mark.parametrize("state", ["Yes", "Processing"])
@pytest.mark.parametrize("change", ["remove", "replace"])
def test_an_entry_on_its_way_to_accounting_stays(small, state, change):
    small.set("entry-00", transferredToAccounting=state)
    if change == "remove":
        small.remove("entry-00")
    else:
        small.declare("entry-00", debit("1.00"), credit("1.00"))
    before = small.content()
    planned = small.plan()
    assert f"transferredToAccounting {state}, so it cannot be" in planned.out
    assert "To fix: " in planned.out
    assert small.apply().code == 4
    assert small.content() == before


def test_notes_of_a_transferred_entry_may_change(small):
    small.set("entry-00", transferredToAccounting="Yes")
    small.edit("entry-00.yaml", "Notes of", "More notes of")
    small.applied()
    assert small.get(small.number("entry-00"))["transferredToAccounting"] == "Yes"


@pytest.mark.parametrize("change", ["remove", "replace"])
def test_a_protected_entry_stays(small, change):
    small.declare("entry-00", notes="Notes of entry-00", metadata={"protect": True})
    small.applied()
    if change == "remove":
        small.remove("entry-00")
    else:
        small.declare("entry-00", debit("1.00"), credit("1.00"), metadata={"protect": True})
    before = small.content()
    assert "protected: entry-00 is protected" in small.plan().out
    assert small.apply().code == 4
    assert small.content() == before


def test_protection_is_lifted_by_an_apply_of_its_own(small):
    small.declare("entry-00", notes="Notes of entry-00", metadata={"protect": True})
    small.applied()
    small.declare("entry-00", notes="Notes of entry-00")
    small.applied()
    small.remove("entry-00")
    small.applied()
    assert "entry-00" not in small.posted()


def test_nothing_moves_in_a_closed_period(small):
    small.close_period("Jan-2026")
    assert small.plan("--detailed-exitcode").code == 0
    small.remove("entry-00")
    small.declare("entry-01", debit("1.00"), credit("1.00"))
    small.declare("late")
    small.declare("feb", accountingPeriodName="Feb-2026", journalEntryDate="2026-02-28")
    before = set(small.posted().items())
    planned = small.plan()
    assert planned.out.count("period-closed: the accounting period Jan-2026 is closed") == 3
    assert "Plan: 1 to create, 3 blocked.\n" in planned.out
    applied = small.apply()
    assert applied.code == 4
    assert {name for name, _ in set(small.posted().items()) - before} == {"feb"}
