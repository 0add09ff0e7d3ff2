"""The story of the product, on the example books: on the embedded ledger, and on a served one."""

import re
import shutil
from decimal import Decimal

import pytest
from books_harness import BY_COMMAND, EMBEDDED, JOURNALS, Books

TRUE_UP = "2026-01-deferred-revenue-true-up"
TRUE_UP_FILE = "2026/01/deferred-revenue-true-up.yaml"
COMMISSIONS = "2026-01-commissions"
COMMISSIONS_FILE = "2026/01/commissions.yaml"
RENT = "2026-02-tokyo-office-rent"
RENT_FILE = "2026/02/tokyo-office-rent.yaml"
ENTRIES = 35


def change_of(document, name):
    return next(change for change in document["changes"] if change["name"] == name)


@pytest.fixture(params=[EMBEDDED, BY_COMMAND])
def fresh(request, opened, tmp_path) -> Books:
    """The example books, with nothing applied."""
    template = shutil.copytree(
        JOURNALS, tmp_path / "fresh", ignore=shutil.ignore_patterns(".reconciler")
    )
    return opened(template, place=request.param)


def test_the_first_apply_posts_every_entry_and_leaves_nothing_to_do(fresh):
    first = fresh.plan("--detailed-exitcode")
    assert first.code == 2
    assert f"Plan: {ENTRIES} to create.\n" in first.out
    assert re.search("^posted +EUR +1,490,800.00  1,490,800.00  equal$", first.out, re.MULTILINE)

    applied = fresh.apply()
    assert (applied.code, applied.out.splitlines()[-1]) == (0, f"Applied: {ENTRIES} created.")
    assert len(fresh.posted()) == ENTRIES

    second = fresh.plan("--detailed-exitcode")
    assert second.code == 0
    assert "No changes. The ledger holds what the files declare.\n" in second.out
    assert fresh.run("drift").code == 0
    assert fresh.apply().out.splitlines()[-1] == "Applied: nothing to do."


def test_an_edit_of_notes_updates_in_place_and_moves_no_money(example):
    before = example.posted()
    example.edit(TRUE_UP_FILE, "True-up of deferred revenue to", "True-up of contracts to")
    document = example.plan_document()
    assert [change["action"] for change in document["changes"]] == ["update"]
    assert document["impact"] == document["balance"] == []
    text = example.plan().out
    assert f"~ update  {TRUE_UP}  {before[TRUE_UP]}" in text
    assert "Impact: none, no amount in the books changes.\n" in text

    example.applied()
    assert example.posted() == before
    assert example.get(before[TRUE_UP])["notes"].startswith("True-up of contracts to")


def test_an_edit_of_an_amount_replaces_and_names_what_forces_it(example):
    before = example.posted()
    text = (example.root / TRUE_UP_FILE).read_text()
    example.write(TRUE_UP_FILE, text.replace("400.90", "400.91"))
    change = change_of(example.plan_document(), TRUE_UP)
    assert change["action"] == "replace"
    assert change["forces_replacement"] == ["journalEntryItems"]
    assert [step["verb"] for step in change["steps"]] == ["cancel", "create", "delete"]
    assert "journalEntryItems  # forces replacement\n" in example.plan().out

    example.applied()
    after = example.posted()
    assert after.keys() == before.keys()
    assert {name for name in after if after[name] != before[name]} == {TRUE_UP}
    assert example.entries()[TRUE_UP][0] == (before[TRUE_UP], "Deleted")
    lines = example.get(after[TRUE_UP])["journalEntryItems"]
    assert {Decimal(str(line["amount"])) for line in lines} == {Decimal("400.91")}


def test_a_removed_file_cancels_and_deletes_its_entry(example):
    before = example.posted()
    (example.root / TRUE_UP_FILE).unlink()
    change = change_of(example.plan_document(), TRUE_UP)
    assert (change["action"], change["reason"]) == ("remove", "undeclared")
    assert [step["verb"] for step in change["steps"]] == ["cancel", "delete"]

    example.applied()
    assert example.posted() == {name: before[name] for name in before if name != TRUE_UP}
    assert example.entries()[TRUE_UP] == [(before[TRUE_UP], "Deleted")]


def test_a_transferred_entry_is_blocked_with_the_way_out_and_the_rest_is_applied(example):
    before = example.posted()
    example.set(TRUE_UP, transferredToAccounting="Yes")
    assert example.plan("--detailed-exitcode").code == 0, "a transfer is the connector's, no drift"
    text = (example.root / TRUE_UP_FILE).read_text()
    example.write(TRUE_UP_FILE, text.replace("400.90", "400.91"))
    example.edit(COMMISSIONS_FILE, "Commissions earned", "Commissions agreed")

    planned = example.plan()
    assert planned.code == 0
    assert f"! blocked  {TRUE_UP}  {before[TRUE_UP]}" in planned.out
    assert f"transferred: {before[TRUE_UP]} has transferredToAccounting Yes" in planned.out
    assert f"To fix: Run `reconciler reverse {TRUE_UP} --rebook" in planned.out
    assert "Plan: 1 to update, 1 blocked.\n" in planned.out

    applied = example.apply()
    assert applied.code == 4
    assert "Applied: 1 updated, 1 blocked.\n" in applied.out
    assert example.posted() == before
    assert example.get(before[COMMISSIONS])["notes"].startswith("Commissions agreed")
    assert example.get(before[TRUE_UP])["transferredToAccounting"] == "Yes"

    example.write(TRUE_UP_FILE, text)
    assert example.plan("--detailed-exitcode").code == 0


def test_drift_is_told_apart_from_intended_change_and_applied_back(example):
    example.set(COMMISSIONS, notes="Changed by hand")
    example.edit(TRUE_UP_FILE, "True-up of deferred revenue to", "True-up of contracts to")
    drift = example.run("drift")
    assert drift.code == 7
    assert COMMISSIONS in drift.out
    assert TRUE_UP not in drift.out

    document = example.plan_document()
    assert [moved["name"] for moved in document["drift"]] == [COMMISSIONS]
    reasons = {change["name"]: change["reason"] for change in document["changes"]}
    assert reasons == {COMMISSIONS: "drifted", TRUE_UP: "changed"}
    text = example.plan().out
    assert "Note: these entries changed in the ledger since they were applied.\n" in text
    assert '-> "Changed by hand"\n' in text
    assert "changed in the ledger, not in the file\n" in text

    example.applied()
    assert example.get(example.number(COMMISSIONS))["notes"].startswith("Commissions earned")
    assert example.run("drift").code == 0


@pytest.mark.parametrize("deleted", [False, True], ids=["cancelled", "cancelled and deleted"])
def test_an_entry_that_somebody_took_out_is_posted_again(example, deleted):
    number = example.number(RENT)
    example.cancel(RENT)
    if deleted:
        example.call("DELETE", f"journal-entries/{number}")
    assert example.run("drift").code == 7
    example.applied()
    assert example.number(RENT) != number
    assert [status for _, status in example.entries()[RENT]] == ["Deleted", "Created"]


def test_an_entry_that_is_recorded_and_gone_is_forgotten_when_its_file_goes_too(example):
    example.cancel(RENT)
    example.call("DELETE", f"journal-entries/{example.entries()[RENT][0][0]}")
    (example.root / RENT_FILE).unlink()
    assert example.actions() == {RENT: "forget"}
    example.applied()
    assert RENT not in example.posted()
