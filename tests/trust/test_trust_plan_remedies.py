"""Number 26: every remedy that a plan or an apply prints is followed to the letter, and works.

Each test names the rules whose remedies it follows. A rule without a test fails the last one.
"""

import ast
import json
import re
import shlex
import shutil
import sqlite3
from contextlib import closing
from itertools import product
from pathlib import Path

import pytest
from books_fixtures import RUN
from books_harness import (
    SERVED,
    SMALL,
    Books,
    ServedBooks,
    by_hand,
    credit,
    debit,
    standing,
)
from builders import declared, live, plan_for, recorded, snapshot
from builders import entry as spec_of
from checkouts import Checkout
from pairs import pairs
from server_clock import Clock

from reconciler.core.model.finding import Severity
from reconciler.core.rules.catalog import PLAN_RULES
from reconciler.core.rules.plan_warnings import DIFFERENCE_RULES, WARNING_RULES
from reconciler.core.rules.verb_rules import REHEARSAL_RULES, WRITING_RULES
from reconciler.ledger.app import create_app
from reconciler.workspace.ledger_choice import LEDGER_RULES

TESTS = Path(__file__).parents[1]
NINE = (debit("9.00"), credit("9.00"))
FEBRUARY = {"accountingPeriodName": "Feb-2026", "journalEntryDate": "2026-02-28"}
_STANDARD = (
    "Create Journal Entry",
    "Edit Journal Entry",
    "Cancel Journal Entry",
    "Delete Cancelled Journal Entry",
)
FOLLOWED: dict[str, list[str]] = {}
"""The tests of this module by the rule whose remedy they follow."""


def follows(*rules):
    """Registers a test as the one that follows the remedies of these rules."""

    def register(test):
        for rule in rules:
            FOLLOWED.setdefault(rule, []).append(test.__name__)
        return test

    return register


def refused(books, rule, *words, code=4):
    """What an apply prints that refuses under a rule; the remedy has these words."""
    ended = books.apply()
    said = " ".join(ended.said.split())
    assert ended.code == code, ended.said
    assert f"{rule}: " in said, said
    for word in ("To fix: ", *words):
        assert word in said, said
    return said


def warned(books, rule, *words, options=()):
    """The message of a warning of the plan; message and remedy have these words."""
    document = books.plan_document(*options)
    rows = zip(document["warnings"], document["warning_rules"], strict=True)
    message = next(text for text, row in rows if row["rule"] == rule)
    for word in words:
        assert word in f"{message} {WARNING_RULES[rule].remedy}", message
    return message


def is_warned(books, rule, *options):
    return rule in {row["rule"] for row in books.plan_document(*options)["warning_rules"]}


def difference(books, rule, *words):
    """The one difference that nothing answers; its remedy has these words."""
    (found,) = books.plan_document()["unanswered"]
    assert found["rule"] == rule, found
    for word in words:
        assert word in found["remedy"], found["remedy"]
    return found


def ends_well(books):
    """Nothing is pending, nothing differs and nothing waits for a person.

    That `drift` says of a difference what the plan does is proved in test_trust_verdicts.py.
    """
    ended = books.plan("--expect-no-changes", "--format", "json")
    assert ended.code == 0, ended.said
    assert ended.json["drift"] == [], ended.said


def applied_well(books):
    """Nothing is left to do after an apply that goes through."""
    ended = books.apply()
    assert ended.code == 0, ended.said
    ends_well(books)


def run_printed(books, said, verb):
    """Run the command of a verb that a message suggests, as it is printed."""
    command = re.search(f"`reconciler {verb} ([^`]+)`", said)[1]
    ended = books.run(verb, *shlex.split(command))
    assert ended.code == 0, ended.said
    return ended


def apply_printed(books, said):
    """Plan as a message suggests, and apply that plan."""
    planned = run_printed(books, said, "plan")
    assert "blocked" not in planned.out, planned.said
    options = re.search("`reconciler plan ([^`]+)`", said)[1]
    assert books.apply(*shlex.split(options)).code == 0


def sql(books, text):
    """Put the ledger into a state that no call to it produces."""
    with closing(sqlite3.connect(books.database)) as connection, connection:
        connection.execute(text)


def text_of(books, name):
    return (books.root / f"{name}.yaml").read_text()


# Blocks.


@follows("transferred")
@pytest.mark.parametrize("change", ["remove", "replace"])
@pytest.mark.parametrize("state", ["Yes", "Processing"])
def test_t26_a_transferred_entry_is_restored_and_reversed_or_waited_for(small, change, state):
    text = text_of(small, "entry-00")
    small.set("entry-00", transferredToAccounting=state)
    small.remove("entry-00")
    if change == "replace":
        small.declare("entry-00", *NINE)
    said = refused(small, "transferred")
    if state == "Yes":
        if change == "remove":
            assert "To fix: Restore the file and run `reconciler reverse entry-00" in said
            small.write("entry-00.yaml", text)
        run_printed(small, said, "reverse")
    else:
        assert "Wait until the transfer has ended, then plan again." in said
        small.set("entry-00", transferredToAccounting="No")
    applied_well(small)


@follows("reversal-alone")
@pytest.mark.parametrize("way", ["removed", "declared"])
def test_t26_a_reversal_without_its_original_is_removed_or_completed(small, way):
    number = by_hand(small)
    assert small.run("reverse", number, "--to", "undo.yaml").code == 0
    small.applied()
    small.call("PUT", f"journal-entries/{number}/cancel")
    assert small.run("drift").code == 7
    found = difference(small, "reversal-alone", "Remove je-", "declare an entry with the lines")
    assert found["message"].startswith(f"{number} is not posted")
    if way == "removed":
        small.remove("undo")
    else:
        small.edit("undo.yaml", f", reverses: {number}", "")
        small.declare("original", debit("1234.50"), credit("1234.50"))
    applied_well(small)


@follows("reversal-cancelled", "reversal-order")
@pytest.mark.parametrize("way", ["cancelled", "blocked"])
def test_t26_a_reversal_of_what_is_not_posted_is_removed(small, way):
    original = by_hand(small)
    february = ("--period", "Feb-2026")
    assert small.run("reverse", original, "--to", "undo.yaml", *february).code == 0
    if way == "cancelled":
        small.call("PUT", f"journal-entries/{original}/cancel")
        refused(small, "reversal-cancelled", "If a file declares the reversal, remove it.")
        small.remove("undo")
    else:
        small.close_period("Jan-2026")
        small.declare("late", debit("1234.50"), credit("1234.50"))
        small.edit("undo.yaml", f"reverses: {original}", "reverses: late")
        refused(small, "reversal-order", "Resolve what blocks late first, or remove the reversal.")
        small.declare("late", debit("1234.50"), credit("1234.50"), **FEBRUARY)
    applied_well(small)


@follows("reversal-order")
@pytest.mark.parametrize(
    "way", ["restored", "resolved", "--target", "--target *", "--period", "--exclude", "undo"]
)
def test_t26_an_entry_and_its_reversal_are_removed_together(small, way):
    february = ("--period", "Feb-2026")
    assert small.run("reverse", "entry-00", *february).code == 0
    assert small.apply().code == 0
    names = ("entry-00", "entry-00.reversal")
    texts = {name: text_of(small, name) for name in names}
    for name in names:
        small.remove(name)
    alone = {
        "--target": ["--target", "entry-00"],
        "--target *": ["--target", "entry-0?", "--target", "entry-05"],
        "--period": ["--period", "Jan-2026"],
        "--exclude": ["--exclude", "entry-00-reversal"],
        "undo": february,
    }
    if way in alone:
        said = " ".join(small.plan(*alone[way]).out.split())
        other = "entry-00" if way == "undo" else "entry-00-reversal"
        assert f"To fix: Select {other} too: `reconciler plan --target " in said
        apply_printed(small, said)
    else:
        small.set("entry-00-reversal", transferredToAccounting="Processing")
        keeps = "Or resolve what blocks entry-00-reversal first."
        refused(small, "reversal-order", f"Restore the files of both. {keeps}")
        if way == "restored":
            for name, text in texts.items():
                small.write(f"{name}.yaml", text)
        else:
            small.set("entry-00-reversal", transferredToAccounting="No")
    applied_well(small)


@follows("original-alone")
@pytest.mark.parametrize("way", ["applied", "reversed"])
def test_t26_an_entry_whose_reversal_alone_was_cancelled_is_cancelled_or_reversed(small, way):
    """A connector takes the original once its reversal is cancelled, so its own cancel fails."""
    assert small.run("reverse", "entry-00").code == 0
    assert small.apply().code == 0
    text = text_of(small, "entry-00")
    original, undo = small.number("entry-00"), small.number("entry-00-reversal")
    for name in ("entry-00", "entry-00.reversal"):
        small.remove(name)
    taken = (
        f"update journal_entries set transferred_to_accounting = 'Yes' where number = '{original}'"
    )
    when = f"after update of status on journal_entries when new.number = '{undo}'"
    sql(small, f"create trigger taken {when} begin {taken}; end")
    ended = small.apply()
    assert (ended.code, undo in small.posted().values()) == (6, False), ended.said
    fact = f"{original} of entry-00 is posted, and an earlier apply cancelled its reversal "
    fact += f"entry-00-reversal ({undo}): this plan "
    said = refused(small, "transferred", "Restore the file and run `reconciler reverse entry-00")
    assert warned(small, "original-alone") == f"{fact}leaves entry-00 posted"
    if way == "applied":
        small.set("entry-00", transferredToAccounting="No")
        told = warned(small, "original-alone", "Apply the plan: it cancels the original.")
        assert told == f"{fact}cancels entry-00"
    else:
        small.write("entry-00.yaml", text)
        assert not is_warned(small, "original-alone")
        run_printed(small, said, "reverse")
    applied_well(small)
    assert not is_warned(small, "original-alone")


@follows("transferred")
def test_t26_a_transferred_entry_of_a_run_keeps_the_run(billing):
    billing.applied()
    text = (billing.root / "billing.yaml").read_text()
    number = standing(billing)[0]
    billing.call(
        "PUT", f"journal-entries/{number}/basic-information", transferredToAccounting="Yes"
    )
    (billing.root / "billing.yaml").unlink()
    ended = billing.apply("--max-removals", 4)
    assert (ended.code, "Restore the file, and post a reversing entry" in ended.said) == (4, True)
    billing.write("billing.yaml", text)
    applied_well(billing)


@follows("transfer-override")
def test_t26_the_transfer_state_yes_is_restored_in_the_file(small):
    small.settings(spec="{policy: {transferState: managed}}")
    small.declare("entry-00", notes="Notes of entry-00", transferredToAccounting="No")
    assert small.apply().code == 0
    small.set("entry-00", transferredToAccounting="Yes")
    refused(small, "transfer-override", "Restore `transferredToAccounting: Yes` in the file.")
    small.declare("entry-00", notes="Notes of entry-00", transferredToAccounting="Yes")
    applied_well(small)


@follows("protected")
@pytest.mark.parametrize("change", ["remove", "replace", "rebook"])
def test_t26_protection_is_lifted_as_the_remedy_says(small, change):
    small.declare("entry-00", notes="Notes of entry-00", metadata={"protect": True})
    small.applied()
    if change == "replace":
        small.declare("entry-00", *NINE, metadata={"protect": True})
        refused(small, "protected", "Set `protect: false` in the file.")
        small.declare("entry-00", *NINE, metadata={"protect": False})
    elif change == "rebook":
        small.declare("entry-00", *NINE, metadata={"protect": True})
        said = refused(small, "protected", "Or leave the entry posted.")
        run_printed(small, said, "reverse")
    else:
        small.remove("entry-00")
        refused(small, "protected", "Restore the file with `protect: false` and apply it; then")
        small.declare("entry-00", notes="Notes of entry-00", metadata={"protect": False})
        small.applied()
        small.remove("entry-00")
    applied_well(small)


@follows("protected", "run-entries-declared")
def test_t26_a_run_whose_entries_are_declared_and_protected_is_removed_with_their_files(billing):
    billing.applied()
    assert billing.run("import", "--run", "JR-00000001").code == 0
    written = billing.root / "imported" / "jr-00000001.yaml"
    text = written.read_text()
    written.write_text(text.replace("metadata: {", "metadata: {protect: true, ", 1))
    assert written.read_text() != text
    billing.applied()
    (billing.root / "billing.yaml").unlink()
    ended = billing.apply("--max-removals", 9)
    assert "with `protect: false` and apply it; then remove its file." in " ".join(
        ended.said.split()
    )
    billing.write("billing.yaml", RUN)
    written.write_text(text.replace("metadata: {", "metadata: {protect: false, ", 1))
    billing.applied()
    (billing.root / "billing.yaml").unlink()
    ended = billing.apply("--max-removals", 9)
    assert "Remove the files of those entries in the same change." in " ".join(ended.said.split())
    written.unlink()
    billing.applied("--max-removals", 4)
    assert standing(billing) == []
    ends_well(billing)


@follows("period-closed")
@pytest.mark.parametrize("way", ["an open period", "reopened"])
@pytest.mark.parametrize("change", ["create", "replace"])
def test_t26_a_closed_period_is_left_alone_or_reopened(small, change, way):
    small.close_period("Jan-2026")
    name = "late" if change == "create" else "entry-00"
    small.declare(name, *NINE)
    words = (
        "in an open period; the earliest after Jan-2026 is Feb-2026"
        if change == "create"
        else "an open period"
    )
    said = refused(small, "period-closed", words)
    if way == "reopened":
        assert "reopened" in said
        periods = small.call("GET", "accounting-periods")["accountingPeriods"]
        (identity,) = [one["id"] for one in periods if one["name"] == "Jan-2026"]
        small.call("PUT", f"accounting-periods/{identity}/reopen")
    elif change == "create":
        small.declare(name, *NINE, **FEBRUARY)
    else:
        run_printed(small, said, "reverse")
    applied_well(small)


@follows("period-pending-close")
@pytest.mark.parametrize("says", ["", ", managesClose: false", ", managesClose: true"])
def test_t26_who_may_post_in_a_period_that_is_about_to_close_is_said(served_small, says):
    books = served_small
    spec = f"{{target: {{baseUrl: {books.url}{says}}}}}"
    books.settings(spec=spec)
    books.credentials(*_STANDARD)
    del books.env["ZUORA_BASE_URL"]
    periods = books.call("GET", "accounting-periods")["accountingPeriods"]
    earlier = [one["name"] for one in sorted(periods, key=lambda one: one["startDate"])]
    books.close_period(earlier[earlier.index("Jan-2026") - 1])
    (january,) = [one["id"] for one in periods if one["name"] == "Jan-2026"]
    books.call("PUT", f"accounting-periods/{january}/pending-close")
    books.declare("late", *NINE)
    if says:
        assert not is_warned(books, "period-pending-close")
    else:
        message = warned(books, "period-pending-close", "Say with `target.managesClose`")
        assert message.startswith("late is in Jan-2026, which is PendingClose")
        # Without the permission the ledger refuses what the warning is about.
        ended = books.apply()
        assert (ended.code, "Apply with credentials that have Manage Close" in ended.out) == (
            4,
            True,
        )
        assert "late" not in books.posted()
        return
    if says.endswith("false"):
        refused(books, "period-pending-close", "Apply with credentials that have Manage Close")
        books.settings(spec=spec.replace("false", "true"))
    books.credentials(*_STANDARD, "Manage Close Process")
    del books.env["ZUORA_BASE_URL"]
    applied_well(books)


@follows("period-frozen")
@pytest.mark.parametrize("way", ["another period", "the policy"])
@pytest.mark.parametrize("change", ["create", "replace", "remove"])
def test_t26_a_frozen_period_is_avoided_or_thawed_first(small, change, way):
    text = text_of(small, "entry-00")
    small.settings(spec="{policy: {freeze: [{periods: [Jan-2026]}]}}")
    small.applied()
    name = "late" if change == "create" else "entry-00"
    if change == "remove":
        small.remove(name)
    else:
        small.declare(name, *NINE)
    words = "Declare the entry in" if change == "create" else "Restore the file, and post"
    said = refused(small, "period-frozen", words, "a period that is not frozen")
    changed = text_of(small, name) if change != "remove" else None
    if way == "the policy":
        assert "have `policy.freeze` changed, and apply that change alone first" in said
        (small.root / f"{name}.yaml").unlink(missing_ok=True)
        if change != "create":
            small.write("entry-00.yaml", text)
        small.settings(spec="{}")
        small.applied()
        if changed is None:
            small.remove(name)
        else:
            small.write(f"{name}.yaml", changed)
    elif change == "create":
        small.declare(name, *NINE, **FEBRUARY)
    else:
        small.write("entry-00.yaml", text)
        small.declare("correction", *NINE, **FEBRUARY)
    applied_well(small)


@follows("removal-forbidden")
@pytest.mark.parametrize("way", ["restore", "the policy"])
def test_t26_a_forbidden_removal_is_undone_or_allowed_first(small, way):
    text = text_of(small, "entry-00")
    small.settings(spec="{policy: {removal: forbid}}")
    small.applied()
    small.remove("entry-00")
    refused(small, "removal-forbidden", "Restore the file. Or have the policy changed, and apply")
    small.write("entry-00.yaml", text)
    small.applied()
    if way == "the policy":
        small.settings(spec="{}")
        small.applied()
        small.remove("entry-00")
        small.applied()
    ends_well(small)


@follows("adoption")
@pytest.mark.parametrize("way", ["import", "write"])
def test_t26_an_adoption_writes_what_the_ledger_holds_and_changes_it_later(small, way):
    number = by_hand(small)
    small.declare("adopted", *NINE, metadata={"adopts": number})
    refused(small, "adoption", "Write what the ledger holds into the file, for example by import")
    small.remove("adopted")
    if way == "import":
        assert small.run("import", number, "--name", "adopted").code == 0
    else:
        small.declare(
            "adopted",
            debit("1234.50"),
            credit("1234.50"),
            notes="Posted by hand: 100 %",
            metadata={"adopts": number},
        )
        small.applied()
        small.declare("adopted", *NINE)
        small.applied()
    ends_well(small)


@follows("adoption")
@pytest.mark.parametrize(
    "what", ["missing", "cancelled", "recorded", "second", "the other", "old name", "new name"]
)
def test_t26_each_other_obstacle_of_an_adoption_has_a_way_out(small, what):
    number, text = small.number("entry-00"), text_of(small, "entry-00")
    fields = {"notes": "Notes of entry-00"}
    if what == "missing":
        small.declare("adopted", *NINE, metadata={"adopts": "JE-00009999"})
        refused(small, "adoption", "Correct `metadata.adopts`, or remove it")
        small.declare("adopted", *NINE)
    elif what == "cancelled":
        theirs = by_hand(small)
        small.call("PUT", f"journal-entries/{theirs}/cancel")
        small.declare("adopted", *NINE, metadata={"adopts": theirs})
        refused(small, "adoption", "Remove the file: the entry is not posted")
        small.remove("adopted")
    elif what == "recorded":
        small.declare("adopted", **fields, metadata={"adopts": number})
        refused(small, "adoption", "Keep that name, or remove this file.")
        small.remove("adopted")
    elif what == "second":
        theirs = by_hand(small)
        small.declare("entry-00", **fields, metadata={"adopts": theirs})
        refused(small, "adoption", "Remove `metadata.adopts` to keep the recorded entry")
        small.declare("entry-00", **fields)
    elif what == "the other":
        theirs = by_hand(small)
        small.declare("entry-00", **fields, metadata={"adopts": theirs})
        refused(small, "adoption", "Or remove the file, forget the name, and adopt the other")
        small.remove("entry-00")
        assert small.run("forget", "entry-00", "--auto-approve").code == 0
        assert small.run("import", theirs, "--name", "entry-00").code == 0
    else:
        small.remove("entry-00")
        small.declare("adopted", **fields, metadata={"adopts": number})
        said = refused(small, "adoption")
        assert "Restore the file under its old name" in said
        if what == "old name":
            small.remove("adopted")
            small.write("entry-00.yaml", text)
        else:
            assert "replace `metadata.adopts` in the new file by `previousName`" in said
            small.declare("adopted", **fields, metadata={"previousName": "entry-00"})
    applied_well(small)


@follows("doubled")
@pytest.mark.parametrize("whose", ["ours", "theirs"])
def test_t26_of_two_entries_the_daybook_tells_which_one_is_ours(small, whose):
    first = small.number("entry-00")
    second = by_hand(small, ReconcilerKey__c="acme-books/entry-00")
    planned = " ".join(small.plan("--find").said.split())
    assert f"doubled: {first} and {second} are posted" in planned
    assert "Run `reconciler daybook show" in planned
    assert "leave it, and have that repository use a workspace name of its own" in planned
    shown = small.run("daybook", "show").out
    assert (first in shown, second in shown) == (True, False), shown
    if whose == "theirs":
        path = f"journal-entries/{second}/basic-information"
        small.call("PUT", path, ReconcilerKey__c="other-books/entry-00")
    else:
        small.call("PUT", f"journal-entries/{second}/cancel")
    assert small.plan("--find", "--detailed-exitcode").code == 0
    ends_well(small)


@follows("posted-elsewhere")
@pytest.mark.parametrize("way", ["previousName", "restore"])
def test_t26_an_entry_that_stays_under_its_old_name_is_renamed_or_restored(small, way):
    text = text_of(small, "entry-00")
    small.set("entry-00", transferredToAccounting="Yes")
    small.remove("entry-00")
    small.declare("renamed", notes="Notes of entry-00")
    refused(small, "posted-elsewhere", "add `previousName: entry-00`", "or restore its file")
    if way == "previousName":
        metadata = {"previousName": "entry-00"}
        small.declare("renamed", notes="Notes of entry-00", metadata=metadata)
    else:
        small.write("entry-00.yaml", text)
    applied_well(small)


@follows("run-entry")
@pytest.mark.parametrize("way", ["restore", "remove"])
def test_t26_an_entry_of_a_run_is_restored_or_left_to_its_run(billing, way):
    billing.applied()
    assert billing.run("import", "--run", "JR-00000001").code == 0
    written = billing.root / "imported" / "jr-00000001.yaml"
    text = written.read_text()
    written.write_text(text.replace("2026-01-31", "2026-01-30", 1))
    refused(billing, "run-entry", "Restore the file and post a correcting entry. Or remove the")
    if way == "restore":
        written.write_text(text)
        billing.declare("correction", *NINE)
    else:
        written.write_text("---".join(text.split("---")[2:]))
    applied_well(billing)


@follows("run-at-work")
def test_t26_a_run_that_the_ledger_processes_is_waited_for(billing):
    billing.applied()
    sql(billing, "update journal_runs set status = 'Pending'")
    billing.edit("billing.yaml", "2026-01-31", "2026-01-30")
    refused(billing, "run-at-work", "Wait until it has ended, then plan again.")
    sql(billing, "update journal_runs set status = 'Completed'")
    applied_well(billing)


@follows("unknown-status")
def test_t26_a_review_in_the_ledger_is_finished():
    """The client reads no other status today, so only the decision itself can be asked."""
    changed = [declared(spec={**declared().spec, "notes": "Changed"})]
    (change,) = plan_for(snapshot(changed, [recorded()], [live(status="PendingReview")])).changes
    assert change.block is not None
    assert change.block.rule == "unknown-status"
    assert change.block.remedy == "Finish the review in the ledger, then plan again."
    (change,) = plan_for(snapshot(changed, [recorded()], [live()])).changes
    assert change.block is None
    assert change.steps


@follows("period-unknown-status")
def test_t26_a_period_of_unknown_status_is_set_to_a_known_one(small):
    sql(small, "update accounting_periods set status = 'Locked' where name = 'Jan-2026'")
    small.declare("late", *NINE)
    refused(small, "period-unknown-status", "Set the period to Open or Closed in the tenant")
    sql(small, "update accounting_periods set status = 'Open' where name = 'Jan-2026'")
    applied_well(small)


@follows("ledger-facts")
@pytest.mark.parametrize("way", ["the file", "the tenant"])
def test_t26_what_the_ledger_does_not_allow_is_corrected(small, way):
    where = "where name = 'Hosting Costs'"
    sql(small, f"update accounting_codes set status = 'Inactive' {where}")
    small.declare("late", debit("9.00", "Hosting Costs"), credit("9.00"))
    refused(small, "ledger-facts", "active-accounting-code")
    if way == "the file":
        small.declare("late", *NINE)
    else:
        sql(small, f"update accounting_codes set status = 'Active' {where}")
    applied_well(small)


# Guards.


@follows("strict-warning", "possible-rename")
def test_t26_what_strict_refuses_is_resolved(empty):
    empty.declare("one")
    empty.applied("--strict")
    empty.remove("one")
    empty.declare("renamed")
    ended = empty.apply("--strict", "--max-removals", 1)
    said = " ".join(ended.said.split())
    assert (ended.code, "strict-warning: " in said) == (4, True)
    assert "Resolve the warnings that the message names." in said
    assert empty.run("explain", "possible-rename").code == 0
    assert "if it is a new name for that entry, add `previousName: one`" in said
    empty.declare("renamed", metadata={"previousName": "one"})
    empty.applied("--strict")
    ends_well(empty)


@follows("money-limit", "change-limit")
@pytest.mark.parametrize("way", ["split", "the limit"])
@pytest.mark.parametrize(
    ("rule", "limits"),
    [("money-limit", "{money: {USD: 400.90}}"), ("change-limit", "{changes: 1}")],
)
def test_t26_a_limit_is_met_in_parts_or_changed_first(small, rule, limits, way):
    small.settings(spec=f"{{policy: {{limits: {limits}}}}}")
    small.applied()
    small.declare("one-more")
    small.declare("two-more")
    refused(small, rule, "Apply a part of the change at a time, for example with --target.")
    if way == "split":
        for name in ("one-more", "two-more"):
            assert small.apply("--target", name).code == 0
    else:
        texts = {name: text_of(small, name) for name in ("one-more", "two-more")}
        small.remove(*texts)
        small.settings(spec="{}")
        small.applied()
        for name, text in texts.items():
            small.write(f"{name}.yaml", text)
        small.applied()
    ends_well(small)


@follows("money-limit")
@pytest.mark.parametrize(
    "with_it",
    [
        "limits: {money: {EUR: 1000, USD: 1000}}",
        "limits: {money: {EUR: 9}}, rates: {EUR: {USD: 1}}",
    ],
    ids=["a limit", "a rate"],
)
def test_t26_a_currency_without_a_limit_gets_one(small, with_it):
    small.settings(spec="{policy: {limits: {money: {EUR: 1000}}}}")
    small.applied()
    small.declare("dollars", *NINE)
    set_first = (
        "Have a limit for USD set in policy.limits.money, or a rate in policy.rates, and apply "
        "that change alone first."
    )
    refused(small, "money-limit", set_first)
    text = text_of(small, "dollars")
    small.remove("dollars")
    small.settings(spec=f"{{policy: {{{with_it}}}}}")
    small.applied()
    small.write("dollars.yaml", text)
    applied_well(small)


@follows("too-many-removals")
def test_t26_a_limit_of_the_policy_on_removals_is_raised_first(small):
    small.settings(spec="{policy: {limits: {removals: 1}}}")
    small.applied()
    texts = {name: text_of(small, name) for name in SMALL[:2]}
    small.remove(*texts)
    refused(small, "too-many-removals", "raise policy.limits.removals in a separate change")
    for name, text in texts.items():
        small.write(f"{name}.yaml", text)
    small.settings(spec="{policy: {limits: {removals: 2}}}")
    small.applied()
    small.remove(*texts)
    applied_well(small)


@follows("unproved-entries", "equal-entries")
def test_t26_a_daybook_that_was_moved_away_is_restored(small):
    before = small.content()
    shutil.move(small.root / ".reconciler" / "daybook.db", small.root.parent / "daybook.db")
    for rest in (small.root / ".reconciler").glob("daybook.db*"):
        rest.unlink()
    refused(small, "unproved-entries", "If the daybook was lost or is an older copy, restore it.")
    for rest in (small.root / ".reconciler").glob("daybook.db*"):
        rest.unlink()
    shutil.move(small.root.parent / "daybook.db", small.root / ".reconciler" / "daybook.db")
    small.applied()
    small.settings("other-books", "{daybook: .reconciler/other.db}")
    refused(small, "equal-entries", "restore `metadata.name`, `identity.marker` and `daybook`")
    small.settings()
    small.applied()
    assert small.content() == before
    ends_well(small)


@follows("wrong-tenant")
def test_t26_the_daybook_of_another_ledger_gets_its_own_back(
    served_small, opened, empty_template, tmp_path
):
    template = shutil.copytree(empty_template, tmp_path / "template")
    shutil.rmtree(template / ".reconciler")
    with closing(Books(template)) as fresh:
        assert fresh.plan().code == 0
    other = opened(template, place=SERVED, name="other")
    own = dict(served_small.env)
    served_small.env.update(other.env)
    refused(served_small, "wrong-tenant", "Check ZUORA_BASE_URL, the entity and the credentials.")
    served_small.env.update(own)
    applied_well(served_small)


@follows("wrong-tenant")
def test_t26_a_pinned_tenant_gets_its_own_credentials(served_small):
    (row,) = served_small.rows("select tenant_id from tenants")
    target = f"baseUrl: '{served_small.url}', tenantId: "
    served_small.settings(spec=f"{{target: {{{target}another}}}}")
    refused(served_small, "wrong-tenant", "Use the credentials of the pinned tenant.")
    served_small.settings(spec=f"{{target: {{{target}'{row['tenant_id']}'}}}}")
    served_small.applied()


@follows("wrong-host")
def test_t26_a_tenant_that_moved_is_named_outside_of_the_change(served_small):
    served_small.settings(spec="{target: {baseUrl: 'https://rest.zuora.com'}}")
    checkout = Checkout(served_small)
    served_small.settings(spec=f"{{target: {{baseUrl: '{served_small.url}'}}}}")
    checkout.commit("Direct it elsewhere")
    url = served_small.env.pop("ZUORA_BASE_URL")
    refused(served_small, "wrong-host", "set ZUORA_BASE_URL to its URL outside of the change")
    served_small.env["ZUORA_BASE_URL"] = url
    applied_well(served_small)


def test_t26_a_wrong_host_that_was_never_applied_is_over_once_it_is_corrected(served_small):
    """After an apply its commit is the base, and what a later one named sends nothing anywhere."""
    right = f"{{target: {{baseUrl: '{served_small.url}'}}}}"
    served_small.settings(spec=right)
    checkout = Checkout(served_small)
    del served_small.env["ZUORA_BASE_URL"]
    served_small.applied()
    served_small.settings(spec="{target: {baseUrl: 'https://rest.zuora.example'}}")
    checkout.commit("Direct it elsewhere")
    served_small.settings(spec=right)
    checkout.commit("Direct it back")
    applied_well(served_small)


# Differences that no change answers.


@follows("ownership")
@pytest.mark.parametrize("way", ["its marker", "empty"])
def test_t26_a_lost_marker_is_written_by_hand_or_by_an_apply(small, way):
    small.set("entry-00", ReconcilerKey__c="other-books/entry-00")
    number = next(iter(small.rows("select number from journal_entries")))["number"]
    refused(small, "ownership", "empty the field of its marker there")
    path = f"journal-entries/{number}/basic-information"
    marker = "acme-books/entry-00" if way == "its marker" else None
    small.call("PUT", path, ReconcilerKey__c=marker)
    applied_well(small)


@follows("ownership")
@pytest.mark.parametrize("way", ["empty", "no file", "post it"])
def test_t26_what_is_to_be_adopted_belongs_to_somebody_else(small, way):
    """Nothing is recorded of it, so there is no name to forget."""
    number = by_hand(small, ReconcilerKey__c="other-books/entry")
    lines = (debit("1234.50"), credit("1234.50"))
    small.declare("wanted", *lines, metadata={"adopts": number})
    said = refused(small, "ownership", "empty the field of its marker there", "remove the file.")
    assert "reconciler forget" not in said
    if way == "empty":
        small.call("PUT", f"journal-entries/{number}/basic-information", ReconcilerKey__c=None)
    elif way == "no file":
        small.remove("wanted")
    else:
        small.declare("wanted", *lines)
    applied_well(small)
    assert (small.posted().get("wanted") == number) == (way == "empty")


@pytest.fixture
def two_organizations(empty_template, tmp_path, monkeypatch):
    """Books with entries of North and South, on a served ledger of a tenant with Multi-Org.

    The ledger permits no Data Query where `denied` has a path of it.
    """
    denied, clock = set(), Clock()

    def serving(ledger):
        app = create_app(ledger, clock=clock)

        def answer(environ, start):
            if environ["PATH_INFO"] in denied:
                start("403 Forbidden", [("Content-Length", "0")])
                return []
            return app(environ, start)

        return answer

    monkeypatch.setattr("books_harness.create_app", serving)
    root = Path(shutil.copytree(empty_template, tmp_path / "books"))
    shutil.rmtree(root / ".reconciler")
    reference = root / "reference.yaml"
    organizations = "  organizations: [{id: O-1, name: North}, {id: O-2, name: South}]\n"
    reference.write_text(reference.read_text().replace("spec:\n", f"spec:\n{organizations}", 1))
    with closing(ServedBooks(root)) as books:
        books.declare("north", organizationLabel="North")
        for name in ("south", "south-2"):
            books.declare(name, notes=name, organizationLabel="South")
        # One after the other, so that south-2 has the last number.
        assert books.apply("--parallelism", 1).code == 0
        books.denied, books.clock = denied, clock
        yield books


def seeing(books, *organizations):
    """Let the requests of the books see these organizations alone."""
    ids = ", ".join(organizations)
    books.settings(spec=f"{{target: {{baseUrl: '{books.url}', organizationIds: [{ids}]}}}}")


@follows("organization-unseen", "posted-elsewhere")
@pytest.mark.parametrize("change", ["none", "another organization", "no file", "a new name"])
def test_t26_an_entry_that_the_credentials_may_not_see_is_not_gone(two_organizations, change):
    books = two_organizations
    number, before = books.number("north"), books.posted()
    if change in ("no file", "a new name"):
        books.remove("north")
    if change == "a new name":
        books.declare("new", metadata={"previousName": "north"}, organizationLabel="North")
    elif change == "another organization":
        books.declare("north", organizationLabel="South")
    seeing(books, "O-2")
    refused(books, "organization-unseen", "list its id if the target has `organizationIds`")
    assert books.posted() == before
    assert number in books.run("daybook", "show").out
    seeing(books, "O-1", "O-2")
    applied_well(books)
    assert len(standing(books)) == (2 if change == "no file" else 3)
    assert change != "a new name" or books.number("new") == number


@follows("organization-unseen")
def test_t26_a_part_that_reads_no_other_entry_of_an_organization_is_planned_with_the_rest(
    two_organizations,
):
    books = two_organizations
    number = books.number("south-2")
    books.call("PUT", f"journal-entries/{number}/cancel")
    books.call("DELETE", f"journal-entries/{number}")
    books.denied.add("/query/jobs")
    books.clock.pass_by(hours=5)
    said = " ".join(books.plan("--target", "south-2").out.split())
    assert "To fix: Plan everything, which reads other entries of it: `reconciler plan -w" in said
    whole = run_printed(books, said, "plan")
    assert "organization-unseen" not in whole.out
    books.denied.clear()
    applied_well(books)


@follows("organization-unseen")
@pytest.mark.parametrize("again", ["left out", "posted again"])
def test_t26_the_only_entry_of_an_organization_that_was_deleted_is_forgotten(
    two_organizations, again
):
    books = two_organizations
    number, path = books.number("north"), books.root / "north.yaml"
    books.call("PUT", f"journal-entries/{number}/cancel")
    books.call("DELETE", f"journal-entries/{number}")
    said = refused(books, "organization-unseen", "remove its file and run `reconciler forget north")
    assert '"North"' in said
    text = path.read_text()
    path.unlink()
    assert books.run("forget", "north", "--auto-approve").code == 0
    if again == "posted again":
        path.write_text(text)
    applied_well(books)
    assert ("north" in books.posted()) == (again == "posted again")


@follows("transfer-reset")
@pytest.mark.parametrize(
    ("state", "managed", "way"),
    pairs(["No", "Ignore"], ["managed", "observed"], ["Yes", "the live state"]),
)
def test_t26_a_transfer_that_was_reset_is_set_or_declared(small, state, managed, way):
    if managed == "managed":
        small.settings(spec="{policy: {transferState: managed}}")
    small.declare("entry-00", notes="Notes of entry-00", transferredToAccounting="Yes")
    small.set("entry-00", transferredToAccounting="Yes")
    assert small.apply().code == 0
    ends_well(small)
    small.set("entry-00", transferredToAccounting=state)
    if managed == "managed" and not small.plan_document()["unanswered"]:
        applied_well(small)
        return
    difference(small, "transfer-reset", "Set the transfer state of", "write the live state")
    if way == "Yes":
        small.set("entry-00", transferredToAccounting="Yes")
    else:
        small.declare("entry-00", notes="Notes of entry-00", transferredToAccounting=state)
        small.applied()
    ends_well(small)


@follows("transfer-error")
@pytest.mark.parametrize("way", ["No", "acknowledge"])
def test_t26_a_failed_transfer_of_an_entry_of_a_run_is_sent_again_or_accepted(billing, way):
    billing.applied()
    number = standing(billing)[0]
    path = f"journal-entries/{number}/basic-information"
    billing.call("PUT", path, transferredToAccounting="Error")
    found = difference(billing, "transfer-error", f"set the transfer state of {number} to `No`")
    if way == "No":
        billing.call("PUT", path, transferredToAccounting="No")
    else:
        item = re.search(r"`(acknowledges: \[.*\])`", found["remedy"])[1]
        name = "{name: 2026-01-billing"
        billing.edit("billing.yaml", name, f"{name}, {item}")
        billing.applied()
    ends_well(billing)


FALLBACKS = ("changed-in-ledger", "marker-lost")
"""What is said where no other rule applies. Nothing is known that leads there."""


@follows(*FALLBACKS)
def test_t26_no_entry_gets_the_remedy_of_a_fallback():
    """When one does, its remedy needs a test of its own."""
    specs = [spec_of(notes="Seen"), spec_of(), spec_of(notes="Moved")]
    space = product(
        specs, [None, *specs], specs, ["Created", "Cancelled", None], ["", None], [True, False]
    )
    for before, file, now, status, marker, managed in space:
        ledger = [] if status is None else [live(now, status=status, marker=marker)]
        files = [] if file is None else [declared(file)]
        plan = plan_for(snapshot(files, [recorded(before)], ledger, manage_transfer_state=managed))
        assert not {one.rule for one in plan.unanswered} & {*FALLBACKS}


# Warnings.


@follows("acknowledges-unused")
def test_t26_an_acknowledgement_of_what_is_not_so_is_removed(small):
    number = small.number("entry-00")
    item = {"number": number, "status": "Cancelled", "reason": "By hand"}
    metadata = {"acknowledges": [item]}
    small.declare("entry-00", notes="Notes of entry-00", metadata=metadata)
    warned(small, "acknowledges-unused", "Remove the item from `acknowledges`.")
    small.declare("entry-00", notes="Notes of entry-00")
    assert not is_warned(small, "acknowledges-unused")
    small.applied()


@follows("dimension-transferred")
@pytest.mark.parametrize("way", ["the former value", "an entry"])
def test_t26_a_dimension_of_a_transferred_entry_is_put_back_or_moved(small, way):
    def declare(center):
        line = debit("400.90", CostCenter__c=center)
        small.declare("entry-00", line, credit("400.90"), notes="Notes of entry-00")

    small.settings(spec="{dimensions: [CostCenter__c]}")
    declare("PLAT")
    small.applied()
    small.set("entry-00", transferredToAccounting="Yes")
    declare("PROD")
    said = warned(small, "dimension-transferred", "Put the former value back into the file.")
    assert "CostCenter__c PLAT -> PROD" in said
    declare("PLAT")
    if way == "an entry":
        code = "Deferred Revenue"
        lines = (debit("400.90", code, CostCenter__c="PROD"), credit("400.90", code))
        small.declare("moved", lines[0], {**lines[1], "CostCenter__c": "PLAT"})
        rows = small.plan_document()["impact"]
        found = {row["dimensions"]["CostCenter__c"]: row["net_change"] for row in rows}
        assert found == {"": "0", "PLAT": "-400.9", "PROD": "400.9"}
    assert not is_warned(small, "dimension-transferred")
    applied_well(small)


@follows("untracked-entry")
@pytest.mark.parametrize("way", ["import", "forget"])
def test_t26_an_entry_that_nobody_declares_is_imported_or_forgotten(small, way):
    number = by_hand(small, ReconcilerKey__c="acme-books/stray")
    said = warned(small, "untracked-entry", options=("--find",))
    (command,) = re.findall(rf"reconciler ({way} [^;`]*)", said)
    words = [word.strip("`") for word in command.split() if word != "-w"][:2]
    assert words == [way, number if way == "import" else "stray"]
    assert small.run(*words, *(["--auto-approve"] if way == "forget" else [])).code == 0
    assert not is_warned(small, "untracked-entry", "--find")
    ends_well(small)


@follows("no-reference")
def test_t26_a_reference_is_written(small):
    text = (small.root / "reference.yaml").read_text()
    (small.root / "reference.yaml").unlink()
    warned(small, "no-reference", "Write a reference.yaml", options=("--offline",))
    small.write("reference.yaml", text)
    assert not is_warned(small, "no-reference", "--offline")


@follows("offline-daybook", "limits-unchecked")
def test_t26_an_offline_plan_without_a_daybook_is_made_where_the_daybook_is(small):
    limits = "policy: {limits: {changes: 2}}"
    small.settings(spec=f"{{{limits}}}")
    small.applied()
    small.settings(spec=f'{{{limits}, daybook: "postgresql://db.example/daybook"}}')
    warned(small, "offline-daybook", "keep the daybook in a file", options=("--offline",))
    warned(small, "limits-unchecked", "Plan where the daybook is", options=("--offline",))
    Checkout(small)
    assert not is_warned(small, "limits-unchecked", "--offline", "--base=main")
    small.settings(spec=f"{{{limits}}}")
    assert not is_warned(small, "offline-daybook", "--offline")
    assert not is_warned(small, "limits-unchecked", "--offline")
    assert small.plan("--detailed-exitcode").code == 0


@follows("reference-changed")
def test_t26_a_changed_reference_is_of_no_matter_to_a_plan_with_the_ledger(small):
    Checkout(small)
    small.edit("reference.yaml", "name: Hosting Costs", "name: Hosting Expenses")
    warned(small, "reference-changed", "asks the tenant.", options=("--offline", "--base=main"))
    assert not is_warned(small, "reference-changed")


@follows("file-warnings")
def test_t26_warnings_of_other_files_are_shown_by_validate(small):
    said = warned(small, "file-warnings", "see `reconciler validate")
    count = int(said.split()[0])
    found = small.run("validate", "--format", "json").json["problems"]
    assert len([row for row in found if row["severity"] == "warning"]) == count


@follows("daybook-new")
def test_t26_a_daybook_that_knows_the_runs_is_restored(billing):
    billing.applied()
    daybook = billing.root / ".reconciler" / "daybook.db"
    shutil.move(daybook, billing.root.parent / "kept.db")
    for rest in daybook.parent.glob("daybook.db*"):
        rest.unlink()
    warned(billing, "daybook-new", "Restore the daybook if runs of this workspace were applied")
    shutil.move(billing.root.parent / "kept.db", daybook)
    assert not is_warned(billing, "daybook-new")
    ends_well(billing)


@follows("policy-changed")
@pytest.mark.parametrize("strict", ["", "strict: [policy-changed], "])
def test_t26_a_change_of_the_settings_is_applied_alone(small, strict):
    small.settings(spec=f"{{policy: {{{strict}limits: {{changes: 2}}}}}}")
    small.applied()
    small.settings(spec=f"{{policy: {{{strict}limits: {{changes: 3}}}}}}")
    small.declare("another")
    warned(small, "policy-changed", "then apply it alone")
    assert small.plan().code == (4 if strict else 0)
    small.remove("another")
    small.applied()
    assert not is_warned(small, "policy-changed")


@pytest.mark.parametrize("offline", [(), ("--offline",), ("--offline", "--base=main")])
@pytest.mark.parametrize("options", [("--exclude", "entry-00"), ("--exclude", "*")])
def test_t26_what_a_scope_cannot_leave_out_is_planned_by_the_command_of_its_remedy(
    small, options, offline
):
    Checkout(small)
    assert small.run("reverse", "entry-00").code == 0
    said = small.plan(*options, *offline)
    assert said.code == 64
    words = shlex.split(re.search("`reconciler plan ?([^`]*)`", said.err)[1])
    ended = small.plan(*words)
    assert ended.code == 0, ended.said
    assert " ".join(words).startswith(" ".join(offline).replace("=", " "))
    assert "entry-00-reversal" in ended.out


# Which ledger is meant, and what an apply refuses beside its plan.


@follows("unknown-variable")
@pytest.mark.parametrize("way", ["correct", "remove"])
def test_t26_a_misspelt_variable_is_corrected_or_removed(small, way):
    small.env.update(CI="true", RECONCILER_MAX_REMOVAL="4")
    ended = small.plan()
    assert ended.code != 0, ended.said
    assert "unknown-variable" in ended.said
    assert "RECONCILER_MAX_REMOVALS" in ended.said
    value = small.env.pop("RECONCILER_MAX_REMOVAL")
    if way == "correct":
        small.env["RECONCILER_MAX_REMOVALS"] = value
    small.applied()


@follows("stale-plan")
@pytest.mark.parametrize("by", ["file", "digest"])
def test_t26_a_stale_plan_is_made_and_reviewed_again(small, tmp_path, by):
    saved = tmp_path / "plan.json"
    small.declare("one-more", *NINE)
    assert small.plan("--out", saved).code == 0
    digest = json.loads(saved.read_text())["digest"]
    small.declare("two-more", *NINE, **FEBRUARY)
    words = (saved,) if by == "file" else ("--plan-digest", digest)
    ended = small.run("apply", *words)
    assert ended.code == 5, ended.said
    assert "Plan again" in ended.said or "Or plan again" in ended.said
    assert small.plan("--out", saved).code == 0
    digest = json.loads(saved.read_text())["digest"]
    words = (saved,) if by == "file" else ("--plan-digest", digest)
    assert small.run("apply", *words).code == 0
    ends_well(small)


FOLLOWED_ELSEWHERE = {
    "all-entries-removed": (
        "journey/test_journey_mass_deletion.py::test_the_last_few_entries_are_every_entry_too"
    ),
    "approval-evidence": (
        "trust/test_trust_people.py::"
        "test_t22_what_was_pushed_to_the_branch_directly_stops_an_apply_and_has_a_way_out"
    ),
    "approvals": "forge/test_forge_life.py::test_more_money_needs_more_people",
    "cancelled-in-part": "trust/test_trust_verdicts.py::test_t12_a_run_cancelled_in_part",
    "files-left-out": (
        "trust/test_trust_git.py::"
        "test_t19_a_file_that_git_keeps_out_of_the_work_tree_is_not_removed"
    ),
    "daybook-older": (
        "trust/test_trust_identity.py::"
        "test_t10_a_plan_saved_with_an_older_daybook_is_applied_as_it_is"
    ),
    "stamps-wrong": (
        "journey/test_journey_live_state.py::"
        "test_stamps_that_never_move_are_found_out_by_the_sample"
    ),
    "ledger-blank": "trust/test_trust_ledger_choice.py::test_t01_each_way_of_a_refusal_ends_it",
    "ledger-contradiction": (
        "trust/test_trust_ledger_choice.py::test_t01_each_way_of_a_refusal_ends_it"
    ),
    "ledger-not-named": "trust/test_trust_ledger_choice.py::test_t01_each_way_of_a_refusal_ends_it",
    "ledger-older": (
        "trust/test_trust_identity.py::"
        "test_t09_a_ledger_that_is_older_than_the_daybook_is_not_all_well"
    ),
    "missing-in-ledger": (
        "journey/test_journey_wrong_ledger.py::"
        "test_a_restored_ledger_that_misses_many_entries_is_refused"
    ),
    "open-call": (
        "journey/test_journey_interruptions.py::test_a_stopped_apply_is_finished_by_the_next"
    ),
    "rehearsal-differs": (
        "trust/test_trust_rehearsal.py::test_a_difference_is_shown_and_gone_with_its_cause"
    ),
    "rehearsal-refused": (
        "trust/test_trust_rehearsal.py::test_a_refusal_ends_with_the_permission_or_the_declaration"
    ),
    "file-modified": (
        "journey/test_journey_reversals.py::test_a_reversal_is_written_again_into_its_file"
    ),
    "reversal-name": "journey/test_journey_reversals.py::test_a_long_name_needs_a_shorter_one",
    "reversal-period": (
        "journey/test_journey_reversals.py::test_without_an_open_period_the_verb_says_so"
    ),
    "lease": "daybook/test_daybook_lease.py::test_a_lease_is_waited_for_as_long_as_was_asked",
    "ledger-not-searched": (
        "apply/test_apply_probing.py::"
        "test_i44_a_lost_daybook_is_written_anew_from_a_number_that_the_user_names"
    ),
    "unsearched-ledger": (
        "apply/test_apply_probing.py::test_i44_each_way_out_of_an_unsearched_ledger_ends_it"
    ),
    "unread-posting": (
        "trust/test_trust_tenant_answers.py::"
        "test_who_confirms_that_an_entry_is_deleted_may_post_it_again"
    ),
    "stored-otherwise": (
        "trust/test_trust_tenant_answers.py::"
        "test_what_the_ledger_stores_otherwise_is_not_sent_again_and_again"
    ),
    "unread-spill": (
        "cli/test_cli_recover.py::"
        "test_i43_a_posted_entry_is_kept_for_its_owner_alone_and_never_posted_again"
    ),
    "unsettled": (
        "journey/test_journey_interruptions.py::test_a_stopped_apply_is_finished_by_the_next"
    ),
}
"""Tests of other modules that follow a remedy to the letter."""

BESIDE_THE_PLAN = ("stale-plan", "lease")
"""Refusals of an apply that have no rule."""


def test_t26_every_rule_of_a_plan_has_a_test_that_follows_its_remedy():
    known = {**PLAN_RULES, **DIFFERENCE_RULES, **WARNING_RULES, **LEDGER_RULES, **REHEARSAL_RULES}
    known |= WRITING_RULES
    # An information asks for nothing.
    wanted = {*BESIDE_THE_PLAN}
    wanted |= {name for name, rule in known.items() if rule.severity is not Severity.INFORMATION}
    assert wanted - {*FOLLOWED, *FOLLOWED_ELSEWHERE} == set(), "no test follows these remedies"
    assert {*FOLLOWED, *FOLLOWED_ELSEWHERE} - wanted == set(), "these are no rules"
    for place in FOLLOWED_ELSEWHERE.values():
        file, _, name = place.partition("::")
        tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, place
