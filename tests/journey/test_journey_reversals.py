"""Corrections of what can no longer be cancelled: reversed and rebooked, in files, with proof."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from books_fixtures import template_of
from books_harness import SCHEDULE, SERVED, by_hand, credit, debit, reconciler, standing

RENT = """\
# The rent of Tokyo.
apiVersion: journal.reconciler/v1
kind: JournalEntry
metadata: {name: rent, labels: {team: office}}  # who
spec:
  accountingPeriodName: Jan-2026
  currency: USD
  journalEntryDate: 2026-01-31
  # from the contract
  journalEntryItems:
    - {accountingCodeName: Deferred Revenue, type: Debit, amount: 400.90}
    - {accountingCodeName: Subscription Revenue, type: Credit, amount: 400.90}
"""
REVERSED = """\
# Reverses rent (JE-00000001) of Jan-2026, which is closed. Written by reconciler reverse.
apiVersion: journal.reconciler/v1
kind: JournalEntry
metadata: {name: rent-reversal, labels: {team: office}, reverses: rent}
spec:
  accountingPeriodName: Feb-2026
  currency: USD
  journalEntryDate: 2026-02-01
  notes: "Reversal of JE-00000001: billed twice"
  journalEntryItems:
    - {accountingCodeName: Deferred Revenue, type: Credit, amount: 400.90}
    - {accountingCodeName: Subscription Revenue, type: Debit, amount: 400.90}
"""
REBOOKED = (
    RENT.replace("name: rent", "name: rent-rebooked")
    .replace("Jan-2026", "Feb-2026")
    .replace("2026-01-31", "2026-02-01")
)


def committed(books, message, *, begin=False):
    """Commit all files; `begin` makes the repository."""
    commit = f"-c user.name=a -c user.email=a@b.c commit -qm {message}"
    for command in (*["init -q"] * begin, "add .", commit):
        subprocess.run(["git", *command.split()], cwd=books.root, check=True)


@pytest.fixture(scope="session")
def rent_template(empty_template):
    with template_of(empty_template, "rent") as books:
        books.write("rent.yaml", RENT)
        books.applied()
        committed(books, "Books", begin=True)
    return books.root


@pytest.fixture(scope="session")
def closed_template(rent_template):
    with template_of(rent_template, "closed") as books:
        books.close_period("Jan-2026")
    return books.root


@pytest.fixture
def rent(opened, rent_template):
    """One posted entry, in a commit; its period is open."""
    return opened(rent_template)


@pytest.fixture
def closed(opened, closed_template):
    """The same after its period was closed."""
    return opened(closed_template)


def files(books):
    return {file.name: file.read_text() for file in books.root.glob("**/*.yaml")}


def transferred(books, name="rent"):
    books.set(name, transferredToAccounting="Yes")


def follow(books, said):
    """Run the first command of a remedy, as it is printed."""
    command = re.search(r"`reconciler ([^`]+)`", said)[1]
    ended = reconciler(*shlex.split(command))
    assert ended.code == 0, ended.said
    return ended


def test_a_closed_entry_is_reversed_and_nets_to_zero(closed):
    ended = closed.run("reverse", "rent", "--reason", "billed twice")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == f"wrote {closed.root}/rent.reversal.yaml\n"
    assert files(closed)["rent.reversal.yaml"] == REVERSED
    closed.applied()
    assert set(closed.posted()) == {"rent", "rent-reversal"}


def test_an_edit_of_a_transferred_entry_is_rebooked_as_the_plan_says(rent):
    """Edit, plan says blocked, run the command, apply: the edit is posted and the file restored."""
    transferred(rent)
    rent.edit("rent.yaml", "Debit, amount: 400.90", "Debit, amount: 300.10")
    rent.edit("rent.yaml", "Credit, amount: 400.90", "Credit, amount: 300.10")
    rent.close_period("Jan-2026")
    planned = rent.plan()
    assert "blocked  rent" in planned.out
    follow(rent, planned.out)
    written = files(rent)
    assert written["rent.yaml"] == RENT
    reversal, _, rebooked = written["rent.reversal.yaml"].partition("---\n")
    assert reversal == REVERSED.replace("notes: \"Reversal of JE-00000001: billed twice\"",
                                        "notes: Reversal of JE-00000001")  # fmt: skip
    assert rebooked == REBOOKED.replace("400.90", "300.10")
    rent.applied()
    assert set(rent.posted()) == {"rent", "rent-reversal", "rent-rebooked"}


@pytest.mark.parametrize(
    ("edit", "period", "date"),
    [
        ({"Jan-2026": "Feb-2026", "2026-01-31": "2026-02-15"}, "Feb-2026", "2026-02-15"),
        ({"2026-01-31": "2026-01-30"}, "Jan-2026", "2026-01-30"),
        ({"400.90": "300.10"}, "Jan-2026", "2026-01-31"),
    ],
    ids=["another period", "another date", "another amount"],
)
def test_a_corrected_period_or_date_is_rebooked_too(rent, edit, period, date):
    transferred(rent)
    text = RENT
    for before, after in edit.items():
        text = text.replace(before, after)
    rent.write("rent.yaml", text)
    follow(rent, rent.plan().said)
    assert files(rent)["rent.yaml"] == RENT
    rent.applied()
    rebooked = rent.get(rent.number("rent-rebooked"))
    assert (rebooked["accountingPeriodName"], rebooked["journalEntryDate"]) == (period, date)
    assert rent.get(rent.number("rent-reversal"))["accountingPeriodName"] == "Jan-2026"


@pytest.mark.parametrize("given", [(), ("--period", "Mar-2026")])
def test_an_edit_keeps_its_date_in_the_open_period_that_it_names_and_only_there(closed, given):
    moved = RENT.replace("Jan-2026", "Feb-2026").replace("2026-01-31", "2026-02-15")
    for text, stays in (
        (moved, True),
        # These periods take no entries, so the one of the reversal does.
        (RENT.replace("2026-01-31", "2026-01-30"), False),
        (moved.replace("Feb-2026", "Dec-2025").replace("2026-02-15", "2025-12-31"), False),
    ):
        closed.write("rent.yaml", text)
        assert closed.run("reverse", "rent", "--rebook", *given).code == 0
        written = files(closed)
        reversal, rebooked = written["rent.reversal.yaml"].split("---\n")
        dates = [re.findall(r"journalEntryDate: (.*)", one)[0] for one in (reversal, rebooked)]
        first = "2026-03-01" if given else "2026-02-01"
        assert dates == [first, "2026-02-15" if stays else first]
        (closed.root / "rent.reversal.yaml").unlink()


def test_a_blocked_edit_of_both_shows_that_what_stays_nets_to_zero(rent):
    assert rent.run("reverse", "rent", "--period", "Feb-2026").code == 0
    rent.applied()
    transferred(rent, "rent-reversal")
    for path in ("rent.yaml", "rent.reversal.yaml"):
        text = (rent.root / path).read_text().replace("400.90", "300.10")
        rent.write(path, text.replace("Feb-2026", "Mar-2026").replace("2026-02-01", "2026-03-01"))
    plan = rent.plan_document()
    assert {one["action"] for one in plan["changes"]} == {"blocked"}
    (pair,) = plan["reversals"]
    assert (pair["period"], pair["reversal_period"]) == ("Jan-2026", "Feb-2026")
    sums = {(one["original"], one["reversal"]) for one in pair["nets"]}
    assert sums == {("400.9", "-400.9"), ("-400.9", "400.9")}


def test_a_pair_says_what_of_it_is_blocked_and_not_posted(closed):
    sides = ({**debit("1.00"), "type": "Credit"}, {**credit("1.00"), "type": "Debit"})
    february = {"accountingPeriodName": "Feb-2026", "journalEntryDate": "2026-02-01"}
    closed.declare("late", debit("1.00"), credit("1.00"))
    closed.declare("undo", *sides, **february, metadata={"reverses": "late"})
    plan = closed.plan()
    shown = "late (blocked, not posted) Jan-2026 reversed by undo (blocked, not posted) Feb-2026\n"
    assert shown in plan.out
    assert "not known without the ledger" not in plan.out


def test_a_saved_plan_shows_what_a_blocked_reversal_of_a_number_holds(closed, tmp_path):
    number = by_hand(closed, accountingPeriodName="Feb-2026", journalEntryDate="2026-02-28")
    closed.run("reverse", number, "--name", "undo")
    closed.applied()
    transferred(closed, "undo")
    path = f"reversals/{number.lower()}.yaml"
    closed.write(path, re.sub(r"amount: [0-9.]+", "amount: 7.77", (closed.root / path).read_text()))
    saved = tmp_path / "plan.json"
    assert closed.plan("--out", saved).code == 0
    shown = reconciler("show", saved)
    assert shown.code == 0, shown.said
    assert "=  0.00" in shown.out.partition("Reversals")[2]


def test_without_a_commit_the_file_is_restored_from_the_daybook(closed):
    shutil.rmtree(closed.root / ".git")
    closed.write("rent.yaml", RENT.replace("400.90", "300.10"))
    assert closed.run("reverse", "rent", "--rebook").code == 0
    restored = files(closed)["rent.yaml"]
    assert "300.10" not in restored
    assert restored.count("400.90") == 2
    closed.applied()


def test_a_copy_is_rebooked_where_nothing_was_edited(closed):
    assert closed.run("reverse", "rent", "--rebook").code == 0
    rebooked = files(closed)["rent.reversal.yaml"].partition("---\n")[2]
    assert "name: rent-rebooked" in rebooked
    assert rebooked.count("400.90") == 2
    assert closed.run("validate", "--strict").code == 0
    closed.applied()


def test_an_entry_is_corrected_once_whatever_the_second_correction_is_named(closed):
    assert closed.run("reverse", "rent", "--rebook").code == 0
    before = files(closed)
    for more in ((), ("--name", "rent-again")):
        refused = closed.run("reverse", "rent", "--rebook-only", *more)
        assert refused.code == 4
        assert "To fix: Edit rent-rebooked in rent.reversal.yaml." in refused.err
        assert files(closed) == before
    reversal, rebooked = files(closed)["rent.reversal.yaml"].split("---\n")
    closed.write("rent.reversal.yaml", f"{reversal}---\n{rebooked.replace('400.90', '300.10')}")
    closed.applied()


def test_the_corrected_entry_alone_is_declared_beside_a_reversal(closed):
    first = closed.run("reverse", "rent", "--rebook-only")
    assert (first.code, "nothing reverses rent" in first.err) == (4, True)
    closed.run("reverse", "rent")
    closed.write("rent.yaml", RENT.replace("400.90", "300.10"))
    found = closed.run("validate")
    assert (found.code, "reversal-nets" in found.out) == (3, True)
    follow(closed, found.out)
    assert files(closed)["rent.yaml"] == RENT
    assert files(closed)["rent.reversal.yaml"].count("300.10") == 2
    closed.applied()


def test_a_reversal_is_written_again_into_its_file(closed):
    closed.run("reverse", "rent", "--reason", "billed twice")
    subprocess.run(["git", "add", "."], cwd=closed.root, check=True)
    closed.edit("rent.reversal.yaml", "Credit, amount: 400.90", "Credit, amount: 300.90")
    found = closed.run("validate")
    assert "lines-balance" in found.out
    remedy = ("reverse", "rent", "--to", "rent.reversal.yaml")
    (closed.root / "rent.reversal.yaml").write_text(REVERSED.replace("400.90", "300.90"))
    refused = closed.run(*remedy)
    assert (refused.code, "file-modified" in refused.err) == (4, True)
    committed(closed, "Wrong")
    assert closed.run(*remedy, "--check").code == 7
    found = closed.run("validate")
    commands = re.findall(r"`reconciler ([^`]+)`", found.out)
    assert reconciler(*shlex.split(commands[1])).code == 0
    assert files(closed)["rent.reversal.yaml"] == REVERSED
    assert closed.run(*remedy, "--check").code == 0


def test_the_verb_run_twice_is_refused_and_changes_nothing(closed):
    closed.run("reverse", "rent")
    before = files(closed)
    again = closed.run("reverse", "rent")
    assert (again.code, files(closed)) == (4, before)
    assert "reversal-twice: rent is reversed by rent-reversal already" in again.err
    other = closed.run("reverse", "rent", "--to", "other.yaml")
    assert (other.code, files(closed)) == (4, before)


def test_a_reversal_is_not_reversed_but_removed_or_rebooked(closed):
    closed.run("reverse", "rent")
    closed.applied()
    refused = closed.run("reverse", "rent-reversal")
    assert (refused.code, "reversal-of-reversal" in refused.err) == (4, True)
    transferred(closed, "rent-reversal")
    follow(closed, refused.err)
    closed.applied()
    assert set(closed.posted()) == {"rent", "rent-reversal", "rent-rebooked"}


def test_an_entry_that_nobody_declares_is_reversed_by_its_number(closed):
    period, date = "Feb-2026", "2026-02-28"
    number = by_hand(closed, accountingPeriodName=period, journalEntryDate=date)
    assert closed.run("reverse", number, "--name", "undo").code == 0
    written = files(closed)[f"{number.lower()}.yaml"]
    assert (closed.root / "reversals" / f"{number.lower()}.yaml").exists()
    assert f"# Reverses {number} of Feb-2026, which is open." in written
    assert f"reverses: {number}" in written
    assert f"journalEntryDate: {date}" in written
    closed.applied()


def test_a_number_stands_for_the_name_that_has_it(closed):
    assert closed.run("reverse", "JE-00000001").code == 0
    assert "reverses: rent\n" in files(closed)["rent.reversal.yaml"].replace("}", "\n")


@pytest.mark.parametrize("named", ["JE-00000001", "rent", "lease"])
def test_an_entry_with_a_new_name_that_no_apply_wrote_is_rebooked_under_it(closed, named):
    """Its number and its previous name mean the file that is edited, not an entry of nobody."""
    lease = RENT.replace("name: rent", "name: lease, previousName: rent")
    closed.write("rent.yaml", lease.replace("400.90", "300.10"))
    done = closed.run("reverse", named, "--rebook")
    assert done.code == 0, done.said
    assert "400.90" in files(closed)["rent.yaml"]
    closed.applied()
    posted = closed.posted()
    assert set(posted) == {"lease", "lease-reversal", "lease-rebooked"}
    assert posted["lease"] == "JE-00000001"


@pytest.mark.parametrize("way", ["renamed", "moved", "renamed and moved"])
def test_the_comments_of_what_is_restored_are_those_of_the_last_apply(closed, way):
    name, file = "rent", "rent.yaml"
    text = RENT
    if "renamed" in way:
        name = "lease"
        text = text.replace("name: rent, ", "name: lease, previousName: rent, ")
    if "moved" in way:
        (closed.root / file).unlink()
        file = "other.yaml"
    closed.write(file, text.replace("400.90", "300.10"))
    done = closed.run("reverse", name, "--rebook")
    assert (done.code, "without comments" in done.said) == (0, False), done.said
    assert files(closed)[file] == text
    closed.applied()


def test_a_file_of_a_commit_that_is_no_text_does_not_end_the_search(closed):
    (closed.root / "latin.yaml").write_bytes("# für rent".encode("latin-1"))
    committed(closed, "text")
    for file in ("latin.yaml", "rent.yaml"):
        (closed.root / file).unlink()
    closed.write("other.yaml", RENT.replace("400.90", "300.10"))
    done = closed.run("reverse", "rent", "--rebook")
    assert done.code == 0, done.said
    assert files(closed)["other.yaml"] == RENT
    closed.applied()


def test_a_file_that_no_commit_has_as_it_is_posted_is_restored_and_says_so(closed):
    shutil.rmtree(closed.root / ".git")
    closed.write("rent.yaml", RENT.replace("400.90", "300.10"))
    done = closed.run("reverse", "rent", "--rebook")
    assert done.code == 0, done.said
    assert "rent.yaml is restored from the daybook, without comments: no commit" in done.said
    assert files(closed)["rent.yaml"].count("#") == 0
    closed.applied()


def test_offline_the_daybook_says_what_is_posted(closed):
    assert closed.run("reverse", "rent", "--offline", "--period", "Feb-2026").code == 0
    written = files(closed)["rent.reversal.yaml"]
    assert "of Jan-2026, which is open, as the daybook recorded it." in written
    assert written.count("400.90") == 2
    closed.applied()


def test_a_foreign_entry_keeps_its_rate(empty):
    fields = {"accountingPeriodName": "Jan-2026", "currency": "EUR"}
    lines = (
        debit("100.00", homeCurrencyAmount="117.00"),
        credit("100.00", homeCurrencyAmount="117.00"),
    )
    empty.declare("loan", *lines, **fields)
    empty.applied()
    assert empty.run("reverse", "loan").code == 0
    assert files(empty)["loan.reversal.yaml"].count("homeCurrencyAmount: 117.00") == 2
    empty.applied()


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        pytest.param(["rnt"], 64, 'Did you mean "rent"?', id="a name that nobody knows"),
        pytest.param(["JE-1"], 64, "Write a number such as JE-00000042.", id="no number"),
        pytest.param(["JE-00000099"], 4, "JE-00000099 is not posted", id="a number that is gone"),
        pytest.param(["rent", "rnt"], 64, "no entry is named rnt", id="one of two"),
        pytest.param(["rent", "--period", "Mai-2026"], 3, "known-period", id="an unknown period"),
        pytest.param(["rent", "--to", "../x.yaml"], 64, "outside the workspace", id="outside"),
        pytest.param(["rent", "--date", "1.2.2026"], 64, "YYYY-MM-DD", id="no date"),
        pytest.param(["rent", "--name", "rent"], 4, "declared already", id="a name that is taken"),
        pytest.param(["rent", "rent2", "--name", "x"], 64, "exactly one", id="one name for two"),
        pytest.param(["rent", "--rebook", "--rebook-only"], 64, "combined", id="two of one"),
        pytest.param([], 64, "Missing argument", id="no name"),
    ],
)  # fmt: skip
def test_what_is_refused_leaves_no_file(closed, args, code, said):
    before = files(closed)
    ended = closed.run("reverse", *args)
    assert (ended.code, files(closed)) == (code, before)
    assert said in ended.err


@pytest.mark.parametrize(
    ("refused", "remedy", "followed"),
    [
        (["rnt"], 'Did you mean "rent"?', ["rent"]),
        (["rent", "--name", "rent"], "another name with --name.", ["rent", "--name", "undo"]),
        (["rent", "--period", "Mai-2026"], "other values with --period,",
         ["rent", "--period", "Mar-2026"]),
        (["rent", "--rebook-only"], "Run `reconciler reverse rent --rebook ",
         ["rent", "--rebook"]),
    ],
    ids=["name of an entry", "name of the reversal", "period", "nothing to rebook"],
)  # fmt: skip
def test_each_remedy_of_the_verb_ends_its_refusal(closed, refused, remedy, followed):
    assert remedy in " ".join(closed.run("reverse", *refused).err.split())
    assert closed.run("reverse", *followed).code == 0
    closed.applied()


def test_without_an_open_period_the_verb_says_so(rent):
    text = (rent.root / "reference.yaml").read_text()
    rent.close_period(re.findall(r"name: ([^,]+), .*endDate", text)[-1])
    refused = rent.run("reverse", "rent")
    assert (refused.code, refused.out) == (4, "")
    assert "reversal-period: no open period follows Jan-2026" in refused.err
    # One way of the remedy: a period is named. Whether it is open is for the plan to say.
    assert rent.run("reverse", "rent", "--period", "Feb-2026").code == 0
    assert "period-closed" in rent.plan().out
    # The other way: the last period is reopened.
    (rent.root / "rent.reversal.yaml").unlink()
    periods = rent.call("GET", "accounting-periods")["accountingPeriods"]
    last = max((one for one in periods if one["endDate"]), key=lambda one: one["startDate"])
    rent.call("PUT", f"accounting-periods/{last['id']}/reopen")
    assert rent.run("reverse", "rent").code == 0
    rent.applied()


def test_a_reversal_goes_past_a_frozen_period(rent):
    """The remedy of a closed period, followed: its command ends in a plan that is not blocked."""
    rent.settings(spec="{policy: {freeze: [{periods: [Jan-2026, Feb-2026]}]}}")
    assert rent.run("reverse", "rent").code == 0
    assert "accountingPeriodName: Mar-2026" in (rent.root / "rent.reversal.yaml").read_text()
    rent.applied()


def test_a_long_name_needs_a_shorter_one(empty):
    name = "n" * 63
    empty.declare(name)
    empty.applied()
    refused = empty.run("reverse", name)
    assert (refused.code, f"reversal-name: {name}-reversal has 72 characters" in refused.err) == (
        4,
        True,
    )
    assert empty.run("reverse", name, "--name", "short").code == 0
    empty.applied()


def test_a_cancelled_entry_is_not_reversed(rent):
    rent.cancel("rent")
    refused = rent.run("reverse", "rent")
    assert (refused.code, "JE-00000001 is Cancelled" in refused.err) == (4, True)


def test_what_could_still_be_cancelled_is_said_and_written_all_the_same(rent):
    ended = rent.run("reverse", "rent")
    assert ended.code == 0
    assert INSTEAD in ended.said
    rent.applied()


INSTEAD = "If you remove its declaration instead, the next apply cancels it."


def test_what_is_said_to_be_cancelled_instead_is_cancelled(rent):
    assert INSTEAD in rent.run("reverse", "rent", "--dry-run").said
    rent.declare("other", debit("9.00"), credit("9.00"))
    rent.applied()
    rent.remove("rent")
    rent.applied()
    assert set(rent.posted()) == {"other"}


def test_an_entry_that_no_apply_cancels_is_not_said_to_be_cancelled(rent):
    """Without its file a generated entry is stale, and a protected one is blocked."""
    rent.declare("rent", debit("400.90"), credit("400.90"), metadata={"protect": True})
    rent.write("insurance.yaml", INSURANCE)
    assert rent.run("generate", "--through", "Jan-2026").code == 0
    rent.applied()
    for name in ("rent", "insurance.2026-01-01"):
        ended = rent.run("reverse", name)
        assert (ended.code, INSTEAD in ended.said) == (0, False), ended.said


def test_an_entry_of_a_journal_run_is_not_said_to_be_cancelled(billing):
    """Its run made it, so an apply without the file leaves it in the ledger."""
    billing.applied()
    assert billing.run("import", "--run", "JR-00000001").code == 0
    billing.applied()
    number = standing(billing)[0]
    ended = billing.run("reverse", number.lower())
    assert (ended.code, INSTEAD in ended.said) == (0, False), ended.said
    assert f"The source transactions of {number} stay with JR-00000001" in ended.said


def test_a_run_is_not_cancelled_while_a_reversal_of_its_entry_stays(billing):
    billing.applied()
    number = standing(billing)[0]
    assert billing.run("reverse", number).code == 0
    reversal, run = f"{number.lower()}-reversal", "2026-01-billing"
    edited = (
        (billing.root / "billing.yaml").read_text().replace("    - {type: Taxation Item}\n", "")
    )
    # Not posted yet, it is not posted beside the cancellation of what it reverses.
    billing.write("billing.yaml", edited)
    before = billing.plan_document()
    blocks = {one["name"]: one["blocked"]["message"] for one in before["changes"] if one["blocked"]}
    assert blocks == {reversal: f"this plan cancels {number}, which it reverses"}
    billing.write("billing.yaml", edited + "    - {type: Taxation Item}\n")
    billing.applied()
    # Once it is posted, the run stays with it, whatever a plan selects.
    for text in (edited, None):
        (billing.root / "billing.yaml").unlink()
        if text is not None:
            billing.write("billing.yaml", text)
        for scope in ((), ("--target", run)):
            plan = billing.plan("--max-removals", "5", *scope)
            assert (
                f"{reversal}, which reverses {number}, stays posted: this plan keeps it" in plan.out
            )
            assert (
                f"To fix: Remove {reversal} in the same change, or restore this file." in plan.out
            )
            assert "Balance: nothing is posted or cancelled" in plan.out
    # The first remedy.
    (billing.root / "reversals" / f"{number.lower()}.yaml").unlink()
    assert billing.apply("--max-removals", "5").code == 0
    assert not standing(billing)


@pytest.mark.parametrize("scope", [("--target", "rent"), ("--period", "Jan-2026")])
def test_an_original_does_not_change_without_its_posted_reversal(rent, scope):
    """Neither is planned without the other, whether files say other amounts or are removed."""
    rent.run("reverse", "rent", "--period", "Feb-2026")
    rent.applied()
    assert [one["name"] for one in rent.plan_document(*scope)["changes"]] == []
    for path in ("rent.yaml", "rent.reversal.yaml"):
        rent.write(path, (rent.root / path).read_text().replace("400.90", "300.10"))
    plan = rent.plan_document(*scope)
    assert {one["name"]: one["action"] for one in plan["changes"]} == {
        "rent": "replace",
        "rent-reversal": "replace",
    }
    # A reversal by number outlives the file of its original.
    rent.edit("rent.reversal.yaml", "reverses: rent", "reverses: JE-00000001")
    rent.remove("rent")
    plan = rent.plan(*scope, "--max-removals", "2")
    assert "rent-reversal, which reverses it, stays posted" in plan.out


def test_a_look_shows_and_writes_nothing(closed):
    before = files(closed)
    shown = closed.run("reverse", "rent", "--reason", "billed twice", "--dry-run")
    assert shown.code == 0
    added = [line[1:] for line in shown.out.splitlines() if re.match(r"\+(?!\+\+)", line)]
    assert "\n".join(added) + "\n" == REVERSED
    assert closed.run("reverse", "rent", "--check").code == 7
    assert files(closed) == before


STATES = ("No", "Processing", "Yes", "Error", "Ignore")


def set_period(books, status):
    """Give January a status; the periods before it are closed, as the ledger demands."""
    periods = books.call("GET", "accounting-periods")["accountingPeriods"]
    earlier = sorted(one["startDate"] for one in periods if one["startDate"] < "2026-01-01")
    if status != "Open":
        name = next(one["name"] for one in periods if one["startDate"] == earlier[-1])
        books.close_period(name)
        (january,) = [one["id"] for one in periods if one["name"] == "Jan-2026"]
        for how in ("pending-close", "close")[: 1 + (status == "Closed")]:
            books.call("PUT", f"accounting-periods/{january}/{how}")


def reverses_every_state(books, status):
    """Entries in every transfer state are reversed by one command, and the ledger takes it."""
    for state in STATES:
        books.declare(f"e-{state.lower()}", debit("9.00"), credit("9.00"), notes=state)
    books.applied()
    for state in STATES:
        books.set(f"e-{state.lower()}", transferredToAccounting=state)
    set_period(books, status)
    names = [f"e-{state.lower()}" for state in STATES]
    ended = books.run("reverse", *names)
    assert ended.code == 0, ended.said
    assert books.apply().code == 0
    assert books.plan("--detailed-exitcode").code == 0
    assert set(books.posted()) == {*names, *(f"{name}-reversal" for name in names)}
    period = "Jan-2026" if status == "Open" else "Feb-2026"
    written = [text for name, text in files(books).items() if "reversal" in name]
    assert [f"accountingPeriodName: {period}" in text for text in written] == [True] * len(names)


@pytest.mark.parametrize("status", ["Open", "PendingClose", "Closed"])
def test_what_is_written_is_applied_whatever_the_period_and_the_transfer(empty, status):
    reverses_every_state(empty, status)


@pytest.mark.long
@pytest.mark.parametrize("status", ["Open", "PendingClose", "Closed"])
@pytest.mark.parametrize("more", [(), ("Manage Close Process",)], ids=["standard", "closer"])
def test_the_same_with_the_permissions_of_a_role(opened, empty_template, status, more):
    books = opened(empty_template, place=SERVED)
    books.credentials(
        "Create Journal Entry", "Edit Journal Entry", "Cancel Journal Entry",
        "Delete Cancelled Journal Entry", *more,
    )  # fmt: skip
    reverses_every_state(books, status)


def test_the_page_shows_what_the_commands_print(empty, monkeypatch):
    page = (Path(__file__).parents[2] / "docs" / "reversals.md").read_text()
    rent, written = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    blocked, command, pairs = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(empty.root)
    empty.write("rent.yaml", rent)
    empty.applied()
    committed(empty, "Books", begin=True)
    transferred(empty)
    empty.close_period("Jan-2026")
    empty.write("rent.yaml", rent.replace("400.90", "300.10"))
    assert blocked in reconciler("plan").out
    typed, _, printed = command.partition("\n")
    ended = reconciler(*shlex.split(typed.removeprefix("$ reconciler ")))
    assert (ended.code, ended.out) == (0, printed)
    assert (empty.root / "rent.yaml").read_text() == rent
    assert (empty.root / "rent.reversal.yaml").read_text() == written
    assert pairs in reconciler("plan").out
    assert reconciler("apply", "--auto-approve").code == 0


def test_a_reversal_takes_the_new_name_of_its_original(small):
    again = {"accountingPeriodName": "Feb-2026", "journalEntryDate": "2026-02-01"}
    sides = ({**debit("400.90"), "type": "Credit"}, {**credit("400.90"), "type": "Debit"})
    small.declare("undo", *sides, **again, metadata={"reverses": "entry-00"})
    small.applied()
    small.remove("entry-00")
    notes = "Notes of entry-00"
    small.declare("rent", notes=notes, metadata={"previousName": "entry-00"})
    small.applied()
    assert "[reversal-renamed]: entry-00 is named rent now" in small.run("validate").said
    assert "To fix: Write `reverses: rent`." in small.run("validate").said
    small.edit("undo.yaml", '"entry-00"', '"rent"')
    assert small.plan("--expect-no-changes").code == 0
    small.declare("rent", notes=notes)
    assert small.plan("--expect-no-changes").code == 0
    assert "[reversal-" not in small.run("validate").said


ACCRUAL = RENT.replace("}  # who", ", reverseOn: next-period-start}")


def generated(closed):
    """The closed books with the reversal that `reverseOn` asks for, in a commit, then edited."""
    closed.write("rent.yaml", ACCRUAL)
    assert closed.run("generate").code == 0
    closed.applied()
    committed(closed, "Accrual")
    closed.write("rent.yaml", ACCRUAL.replace("400.90", "300.10"))


def test_an_edit_of_an_accrual_is_rebooked_beside_its_generated_reversal(closed):
    generated(closed)
    before = files(closed)["rent.generated.yaml"]
    found = closed.run("validate")
    assert found.code == 3
    assert "generated-stale" in found.out
    follow(closed, found.out)
    assert files(closed)["rent.yaml"] == ACCRUAL
    assert files(closed)["rent.generated.yaml"] == before
    assert closed.run("generate").code == 0
    closed.applied()
    assert set(closed.posted()) == {
        "rent", "rent.reversal", "rent-rebooked", "rent-rebooked.reversal"
    }  # fmt: skip


def test_an_edited_accrual_whose_reversal_was_generated_again_is_rebooked_all_the_same(closed):
    """The plan names a command, its refusal the next one, and its note the last one."""
    generated(closed)
    before = files(closed)["rent.generated.yaml"]
    assert closed.run("generate", "--restate").code == 0
    planned = closed.plan()
    commands = re.findall(r"To fix: Run `reconciler ([^`]+)`", planned.out)
    assert [one.partition(" -w")[0] for one in commands] == [
        "reverse rent --rebook",
        "reverse rent --rebook-only",
    ]
    refused = reconciler(*shlex.split(commands[0]))
    assert (refused.code, "reversal-twice" in refused.err) == (4, True)
    follow(closed, follow(closed, refused.err).err)
    assert (files(closed)["rent.yaml"], files(closed)["rent.generated.yaml"]) == (ACCRUAL, before)
    closed.applied()
    assert set(closed.posted()) == {"rent", "rent.reversal", "rent-rebooked"}


def test_a_generated_reversal_is_written_again_by_generate(closed):
    generated(closed)
    closed.write("rent.yaml", ACCRUAL)
    before = files(closed)["rent.generated.yaml"]
    refused = closed.run("reverse", "rent")
    assert (refused.code, "reversal-twice" in refused.err) == (4, True)
    closed.write("rent.generated.yaml", before.replace("400.90", "300.10"))
    follow(closed, refused.err)
    assert files(closed)["rent.generated.yaml"] == before


INSURANCE = SCHEDULE.replace("hosting", "insurance").replace("9.00", "1000.00")


def test_a_part_that_is_reversed_and_restated_is_restored_as_the_plan_says(rent):
    accrual = INSURANCE.replace("insurance}", "insurance, reverseOn: next-period-start}")
    rent.write("insurance.yaml", accrual)
    assert rent.run("generate", "--through", "Jan-2026").code == 0
    rent.applied()
    rent.close_period("Jan-2026")
    rent.write("insurance.yaml", accrual.replace("1000.00", "1200.00"))
    assert rent.run("generate", "--restate").code == 0
    said = rent.plan().out
    assert said.count("Restore insurance and run") == 2
    rent.write("insurance.yaml", accrual)
    follow(rent, said)
    assert "No changes" in rent.plan().out


def test_a_part_of_a_closed_period_is_rebooked_as_the_plan_says(rent):
    rent.write("insurance.yaml", INSURANCE)
    assert rent.run("generate").code == 0
    rent.applied()
    committed(rent, "Insurance")
    rent.close_period("Jan-2026")
    rent.write("insurance.yaml", INSURANCE.replace("1000.00", "1200.00"))
    assert rent.run("generate", "--restate").code == 0
    said = rent.plan().out
    assert "Restore insurance and run" in said
    rent.write("insurance.yaml", INSURANCE)
    generate, reverse = re.findall(r"`reconciler ([^`]+)`", said)[:2]
    assert reconciler(*shlex.split(generate)).code == 0
    assert reconciler(*shlex.split(reverse)).code == 0
    file = "insurance.generated.reversal.yaml"
    assert "generatedBy" not in files(rent)[file]
    reversal, _, rebooked = files(rent)[file].partition("---\n")
    rent.write(file, f"{reversal}---\n{rebooked.replace('500.00', '600.00')}")
    rent.applied()
    assert "insurance.2026-01-01-rebooked" in rent.posted()


def test_a_run_is_not_reversed_and_its_entries_are_found(billing):
    """A run's own name and number lead to the numbers of its entries."""
    assert billing.run("apply", "--auto-approve").code == 0
    assert billing.run("apply", "--auto-approve").code == 0
    shown = billing.run("daybook", "show").out
    for named in ("2026-01-billing", "JR-00000001"):
        refused = billing.run("reverse", named)
        assert (refused.code, "is a journal run" in refused.err) == (64, True), refused.said
        assert "JE numbers, which `reconciler daybook show" in " ".join(refused.err.split())
    number = re.search(r"its entries: (JE-\d+),", shown)
    assert number is not None, shown
    assert billing.run("reverse", number[1]).code == 0


def test_an_entry_that_is_named_twice_is_reversed_once(small):
    number = small.number("entry-00")
    assert small.run("reverse", "entry-00", number).code == 0
    assert files(small)["entry-00.reversal.yaml"].count("kind: JournalEntry") == 1
