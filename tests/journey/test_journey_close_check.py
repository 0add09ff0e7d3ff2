"""`close-check` says whether a period can be closed, and what mends each item that fails."""

import contextlib
import re
import shlex
import shutil
import sqlite3
from pathlib import Path

import pytest
from books_fixtures import template_of
from books_harness import REFERENCE, by_hand, credit, debit
from document_schemas import must_fit

from reconciler.core.model.history import Act
from reconciler.core.model.resource import Address
from reconciler.core.rules.close_rules import CLOSE_ITEMS
from reconciler.daybook import Intent, open_daybook

NEXT = "next-period-start"
MONTHLY = """\
apiVersion: journal.reconciler/v1
kind: JournalSchedule
metadata: {name: hosting}
spec:
  method: recurring
  from: Jan-2026
  parts: 2
  entry:
    currency: USD
    journalEntryItems:
      - {accountingCodeName: Deferred Revenue, type: Debit, amount: 5.00}
      - {accountingCodeName: Subscription Revenue, type: Credit, amount: 5.00}
"""
MANAGED = ("close-check", "--managed-only", "Jan-2026")


FOLLOWED = set()
"""The items whose remedy a test of this module follows to the letter."""


def follows(*items):
    """Marks a test that follows the remedies of items."""
    FOLLOWED.update(items)
    return lambda test: test


def execute(books, statement):
    """Change the ledger's database, as nothing but the ledger itself does."""
    with contextlib.closing(sqlite3.connect(books.database)) as connection:
        connection.execute(statement)
        connection.commit()


def failing(books, *args):
    """The items that fail, each with what it names; the exit code is that of the check."""
    ended = books.run(*(args or ("close-check", "Jan-2026")), "--format", "json")
    (period,) = ended.json["periods"]
    must_fit("close-check", ended.out)
    found = {one["item"]: one["found"] for one in period["items"] if one["state"] == "fails"}
    assert (ended.code, period["ready"]) == ((7, False) if found else (0, True)), ended.said
    return found


@pytest.fixture(scope="session")
def ready_template(small_template):
    with template_of(small_template, "ready") as books:
        periods = books.call("GET", "accounting-periods")["accountingPeriods"]
        earlier = sorted(one["startDate"] for one in periods if one["startDate"] < "2026-01-01")
        books.close_period(next(one["name"] for one in periods if one["startDate"] == earlier[-1]))
        for name in books.posted():
            books.set(name, transferredToAccounting="Yes")
        assert failing(books) == {}
    return books.root


@pytest.fixture
def ready(opened, ready_template):
    """Books whose January is ready: all is posted and transferred, and December is closed."""
    return opened(ready_template)


def test_a_ready_period_is_said_to_be(ready):
    before = ready.content()
    ended = ready.run("close-check", "Jan-2026")
    assert (ended.code, ended.err) == (0, "")
    assert "\nJan-2026 (Open)  ready to be closed\n" in ended.out
    assert "  Not checked:\n    draft and processing billing documents, trial" in ended.out
    assert ready.content() == before


@follows("earlier-period")
def test_an_earlier_period_is_open(ready):
    ended = ready.run("close-check", "Feb-2026")
    assert ended.code == 7
    assert "earlier-period" in ended.out and "        Jan-2026 (Open)\n" in ended.out
    periods = ready.call("GET", "accounting-periods")["accountingPeriods"]
    (january,) = (one["id"] for one in periods if one["name"] == "Jan-2026")
    for how in ("pending-close", "close"):
        ready.call("PUT", f"accounting-periods/{january}/{how}")
    assert failing(ready, "close-check", "Feb-2026") == {}


@follows("pending-change", "not-transferred")
def test_what_is_pending_is_applied(ready):
    ready.declare("late", debit("9.00"), credit("9.00"))
    assert failing(ready) == {"pending-change": ["late (create)"]}
    ended = ready.run("close-check", "Jan-2026")
    assert "To fix: Run `reconciler apply" in ended.out
    ready.applied()
    assert failing(ready) == {"not-transferred": [f"late {ready.number('late')} No"]}
    ended = ready.run("close-check", "Jan-2026")
    assert "To fix: Transfer the entries. Or allow it with `--allow not-transferred`." in ended.out
    assert failing(ready, "close-check", "Jan-2026", "--allow", "not-transferred") == {}
    ready.set("late", transferredToAccounting="Yes")
    assert failing(ready) == {}
    assert failing(ready, "close-check", "Feb-2026", "--allow", "earlier-period") == {}


@follows("blocked-change")
def test_what_is_blocked_is_resolved_as_the_plan_says(ready):
    ready.declare("entry-00", debit("1.00"), credit("1.00"), notes="Notes of entry-00")
    assert failing(ready) == {"blocked-change": ["entry-00 (transferred)"]}
    ended = ready.run("close-check", "Jan-2026")
    assert "To fix: Run `reconciler plan" in ended.out
    (command,) = re.findall(r"To fix: Run `reconciler (.*?)`", ready.run("plan").out)
    words = command.replace(f" -w {ready.root}", "").split()
    assert ready.run(*words).code == 0
    ready.applied()
    for name in ("entry-00-reversal", "entry-00-rebooked"):
        ready.set(name, transferredToAccounting="Yes")
    assert failing(ready) == {}


@follows("transfer-error")
def test_a_failed_transfer_is_sent_again(ready):
    ready.set("entry-00", transferredToAccounting="Error")
    assert set(failing(ready)) == {"transfer-error"}
    ended = ready.run("close-check", "Jan-2026")
    assert "Correct the cause in the connector, and set the transfer state of" in ended.out
    ready.set("entry-00", transferredToAccounting="No")
    assert set(failing(ready)) == {"not-transferred"}
    ready.set("entry-00", transferredToAccounting="Yes")
    assert failing(ready) == {}


@follows("run-not-done", "run-missing")
def test_a_run_is_declared_and_ends_well(billing):
    (billing.root / "billing.yaml").rename(billing.root / "billing.txt")
    billing.settings(spec="{close: {runs: [Invoice Item, Taxation Item]}}")
    assert billing.run("apply", "--auto-approve").code == 0
    only = ("close-check", "Jan-2026", "--allow", "earlier-period", "--allow", "not-transferred")
    assert failing(billing, *only) == {"run-missing": ["Invoice Item", "Taxation Item"]}
    ended = billing.run(*only)
    assert "To fix: Declare a journal run of the period with the type, and run `rec" in ended.out
    (billing.root / "billing.txt").rename(billing.root / "billing.yaml")
    billing.applied()
    assert failing(billing, *only) == {}
    execute(billing, "update journal_runs set status = 'Error'")
    assert set(failing(billing, *only)) == {"run-not-done", "run-missing", "pending-change"}
    ended = billing.run(*only)
    assert "To fix: Wait until the run has ended in the ledger, then run `reconciler" in ended.out
    billing.applied()
    assert failing(billing, *only) == {}


@follows("open-call")
def test_an_open_call_is_settled_by_the_next_apply(ready):
    book = open_daybook(ready.root / ".reconciler" / "daybook.db", write=True)
    with contextlib.closing(book):
        name = Address("JournalEntry", "entry-00")
        number = ready.number("entry-00")
        book.record_intent(Intent(address=name, act=Act.UPDATE, number=number, payload="{}"))
    assert failing(ready)["open-call"] == ["update of entry-00"]
    ended = ready.run("close-check", "Jan-2026")
    assert "To fix: Run `reconciler apply" in ended.out
    assert ready.run("apply", "--auto-approve").code == 0
    assert failing(ready) == {}


@follows("open-call")
def test_a_period_is_not_ready_while_a_spill_file_is_not_read(ready):
    """Otherwise the check is green while a plan says that the daybook may lack outcomes."""
    spill = ready.root / ".reconciler" / "daybook.db.rescue"
    spill.touch()
    assert failing(ready)["open-call"] == [f"{spill} is not read yet"]
    assert ready.run("apply", "--auto-approve").code == 0
    assert failing(ready) == {}


def test_what_the_settings_allow_is_shown_with_its_reason(ready):
    ready.set("entry-00", transferredToAccounting="No")
    allow = "[{item: not-transferred, reason: The connector runs on Monday.}]"
    ready.settings(spec=f"{{close: {{allow: {allow}}}}}")
    ended = ready.run("close-check", "Jan-2026")
    assert ended.code == 0
    assert f"        entry-00 {ready.number('entry-00')} No\n" in ended.out
    assert "        Allowed: The connector runs on Monday.\n" in ended.out


@pytest.mark.parametrize(
    ("state", "item"),
    [
        ("No", "not-transferred"),
        ("Processing", "not-transferred"),
        ("Error", "transfer-error"),
        ("Ignore", ""),
        ("Yes", ""),
    ],
)
def test_the_transfer_of_each_entry_counts(ready, state, item):
    ready.set("entry-00", transferredToAccounting=state)
    number = ready.number("entry-00")
    assert failing(ready) == ({item: [f"entry-00 {number} {state}"]} if item else {})


@follows("unmanaged")
def test_what_nobody_declares_is_imported_or_not_looked_for(ready):
    number = by_hand(ready)
    assert failing(ready) == {"unmanaged": [number]}
    ended = ready.run("close-check", "Jan-2026")
    assert "To fix: Run `reconciler import --period Jan-2026" in ended.out
    ended = ready.run(*MANAGED)
    assert ended.code == 0
    assert "  Not checked:\n    entries that nobody declares\n    draft" in ended.out
    assert ready.run("import", "--period", "Jan-2026", "--yes").code == 0
    assert "unmanaged" not in failing(ready)
    # The other way that the remedy names.
    number = by_hand(ready)
    assert failing(ready)["unmanaged"] == [number]
    ready.call("PUT", f"journal-entries/{number}/cancel")
    assert "unmanaged" not in failing(ready)


# A daybook that is an older copy: what an apply posted since is in the ledger alone.


def remedies(books):
    """What to do about each item that fails."""
    (period,) = books.run("close-check", "Jan-2026", "--format", "json").json["periods"]
    return {one["item"]: one["remedy"] for one in period["items"] if one["remedy"]}


def run_named(books, text, verb):
    """Run the command of a verb that a remedy names, as it stands there."""
    (command,) = re.findall(f"`reconciler ({verb} .*?)`", text)
    ended = books.run(*shlex.split(command.replace(f" -w {books.root}", "")), "--yes")
    assert ended.code == 0, ended.said


@contextlib.contextmanager
def restored_after(books):
    """Restores the daybook as it was, and gives the path of the newer one."""
    daybook = books.root / ".reconciler" / "daybook.db"
    copy = books.root.parent / "daybook.copy"
    shutil.copy(daybook, copy)
    newer = books.root.parent / "daybook.newer"
    yield newer
    shutil.copy(daybook, newer)
    shutil.copy(copy, daybook)


def posted_late(books):
    books.declare("late", debit("9.00"), credit("9.00"))
    books.applied()
    books.set("late", transferredToAccounting="Yes")


@pytest.mark.parametrize("way", ["restore", "adopt"])
def test_what_an_older_daybook_lacks_is_pending_until_an_apply_may_adopt_it(ready, way):
    with restored_after(ready) as newer:
        posted_late(ready)
    assert failing(ready) == {"pending-change": ["late (adopt)"]}
    ended = ready.run("close-check", "Jan-2026")
    assert "warning[daybook-older]: the daybook is older than the ledger" in ended.out
    remedy = remedies(ready)["pending-change"]
    assert "It is refused now (unproved-entries): first do what `reconciler plan" in remedy
    said = " ".join(ready.run("plan").out.split())
    assert "is an older copy, restore it. If it cannot be restored, and" in said
    if way == "restore":
        shutil.copy(newer, ready.root / ".reconciler" / "daybook.db")
    else:
        assert "adopt them with --adopt-found 1." in said
        assert ready.apply("--adopt-found", 1).code == 0
    assert ready.apply().code == 0
    assert failing(ready) == {}


@follows("unmanaged")
@pytest.mark.parametrize("way", ["restore", "import", "cancel"])
def test_what_neither_a_file_nor_an_older_daybook_knows_is_restored_or_imported(ready, way):
    with restored_after(ready) as newer:
        posted_late(ready)
        text = (ready.root / "late.yaml").read_text()
        number = ready.number("late")
    ready.remove("late")
    assert failing(ready) == {"unmanaged": [f"{number} (late, not recorded)"]}
    remedy = remedies(ready)["unmanaged"]
    if way == "restore":
        assert remedy.startswith("If the daybook is an older copy, restore the newest one.")
        shutil.copy(newer, ready.root / ".reconciler" / "daybook.db")
        ready.write("late.yaml", text)
    elif way == "import":
        run_named(ready, remedy, "import")
    else:
        ready.set("late", transferredToAccounting="No")
        ready.call("PUT", f"journal-entries/{number}/cancel")
    assert failing(ready) == {}


def test_what_was_replaced_since_an_older_daybook_is_adopted_by_the_apply(ready):
    ready.set("entry-00", transferredToAccounting="No")
    with restored_after(ready):
        ready.declare("entry-00", debit("9.00"), credit("9.00"))
        ready.applied()
        ready.set("entry-00", transferredToAccounting="Yes")
    assert failing(ready) == {"pending-change": ["entry-00 (adopt)"]}
    assert "refused" not in remedies(ready)["pending-change"]
    assert ready.apply().code == 0
    assert failing(ready) == {}


@follows("unmanaged")
def test_a_second_entry_of_a_name_is_cancelled(ready):
    """An import refuses it: the name has an entry already."""
    held = ready.number("entry-00")
    other = by_hand(ready, ReconcilerKey__c="acme-books/entry-00")
    assert failing(ready)["unmanaged"] == [f"{other} (entry-00, as {held})"]
    remedy = remedies(ready)["unmanaged"]
    assert remedy == "Look at both entries of a name in the ledger, and cancel the wrong one."
    ready.call("PUT", f"journal-entries/{other}/cancel")
    assert failing(ready) == {}


@follows("pending-change")
@pytest.mark.parametrize("item", ["pending-change", "schedule-due"])
def test_an_apply_that_a_limit_refuses_is_not_advised_without_a_word(ready, item):
    ready.settings(spec="{policy: {limits: {money: {USD: 4}}}}")
    ready.write("hosting.yaml", MONTHLY)
    assert ready.run("generate", "--through", "Jan-2026").code == 0
    remedy = remedies(ready)[item]
    assert "It is refused now (money-limit): first do what `reconciler plan" in remedy
    assert "the limit changed" in ready.run("plan").out
    ready.settings(spec="{policy: {limits: {money: {USD: 5}}}}")
    assert "refused" not in remedies(ready)[item]
    assert ready.apply().code == 0
    assert item not in failing(ready)


@follows("reversal-due")
def test_a_reversal_that_is_due_is_written_and_applied(ready):
    again = {"metadata": {"reverseOn": "next-period-start"}}
    ready.declare("accrual", debit("9.00"), credit("9.00"), **again)
    ready.applied()
    only = ("close-check", "Feb-2026", "--allow", "earlier-period", "--allow", "not-transferred")
    assert failing(ready, *only) == {"reversal-due": ["accrual.reversal of accrual"]}
    ended = ready.run("close-check", "Feb-2026")
    assert "To fix: Run `reconciler generate" in ended.out
    assert ready.run("generate").code == 0
    assert set(failing(ready, *only)) == {"reversal-due", "pending-change"}
    ready.applied()
    assert failing(ready, *only) == {}


@follows("schedule-due")
def test_a_part_that_is_due_is_generated_up_to_the_period(ready):
    ready.write("hosting.yaml", MONTHLY)
    assert ready.run("generate", "--through", "Jan-2026").code == 0
    ready.applied()
    only = ("close-check", "Feb-2026", "--allow", "earlier-period", "--allow", "not-transferred")
    part = ["hosting.2026-02-01 of hosting"]
    assert failing(ready, *only) == {"schedule-due": part}
    ended = ready.run(*only)
    assert "To fix: Run `reconciler generate --through Feb-2026" in ended.out
    assert "  hosting  1 of 2 parts    USD 5.00  Feb-2026\n" in ended.out
    assert ready.run("generate", "--through", "Feb-2026").code == 0
    ready.applied()
    assert failing(ready, *only) == {}


@follows("period-in-reference")
def test_a_period_that_the_reference_lacks_is_added_to_it(ready):
    ready.declare("accrual", debit("9.00"), credit("9.00"), metadata={"reverseOn": NEXT})
    ready.applied()
    whole = (ready.root / "reference.yaml").read_text()
    kept = [row for row in whole.splitlines(keepends=True) if "Feb-2026" not in row]
    ready.write("reference.yaml", "".join(kept))
    only = ("close-check", "Feb-2026", "--allow", "earlier-period", "--allow", "not-transferred")
    lacking = ["Feb-2026 is not in reference.yaml"]
    assert failing(ready, *only)["period-in-reference"][:1] == lacking
    ended = ready.run(*only)
    assert "To fix: Correct Feb-2026 in reference.yaml, then run `reconciler generate" in ended.out
    ready.write("reference.yaml", whole)
    assert ready.run("generate").code == 0
    assert set(failing(ready, *only)) == {"reversal-due", "pending-change"}


def test_what_is_posted_in_a_closed_period_brings_no_warning(small):
    """Every period is closed in the end; a warning for each entry in it would hide all others."""
    closed = re.sub("(name: .*-2026.*-01-31.*)Open}", r"\1Closed}", REFERENCE.read_text())
    small.write("reference.yaml", closed)
    assert "Jan-2026, startDate: 2026-01-01, endDate: 2026-01-31" in closed
    validated = small.run("validate")
    assert (validated.code, validated.said.count("[open-period]")) == (0, 0), validated.said
    small.declare("entry-00", debit("1.00"), credit("1.00"))
    assert small.run("validate").said.count("[open-period]") == 1
    planned = small.plan()
    assert "[open-period]" not in planned.out
    assert "entry-00 " in planned.out and "period-closed: " in planned.out


def test_a_test_follows_the_remedy_of_every_item():
    assert {*CLOSE_ITEMS} == FOLLOWED


def test_the_page_shows_what_is_printed(small):
    page = (Path(__file__).parents[2] / "docs" / "close.md").read_text()
    (shown,) = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    small.declare("rent", accountingPeriodName="Feb-2026", journalEntryDate="2026-02-28")
    periods = small.call("GET", "accounting-periods")["accountingPeriods"]
    earlier = sorted(one["startDate"] for one in periods if one["startDate"] < "2026-01-01")
    small.close_period(next(one["name"] for one in periods if one["startDate"] == earlier[-1]))
    (january,) = (one["id"] for one in periods if one["name"] == "Jan-2026")
    small.call("PUT", f"accounting-periods/{january}/pending-close")
    ended = small.run("close-check", "Feb-2026")
    printed = ended.out.replace(f" -w {small.root}", "").partition("\n\n")[2]
    assert printed == shown
