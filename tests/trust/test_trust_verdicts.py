"""Numbers 12 and 13: what no action answers is no "no changes", and a refusal comes last."""

import json
import re
from itertools import product

import pytest
from builders import declared, entry, live, plan_for, recorded, snapshot, tenant_of

from reconciler.core.model.plan import Action, Plan
from reconciler.core.model.policy import Freeze, Removal
from reconciler.core.model.resource import Acknowledgement
from reconciler.render import RENDERERS
from reconciler.render.plan_view import view_of

ONE = "Nothing to do, 1 difference needs a person"


def says(books, rule):
    """The one difference, told by every exit code and every format."""
    plain = books.plan()
    assert plain.code == 0, plain.said
    assert "No changes" not in plain.out
    assert "difference needs a person" in plain.out
    assert books.plan("--detailed-exitcode").code == 0
    assert books.plan("--expect-no-changes").code == 7
    assert books.run("drift").code == 7
    document = books.plan_document()
    assert document["summary"]["unanswered"] == 1
    (difference,) = document["unanswered"]
    assert difference["rule"] == rule
    assert books.run("drift", "--format", "json").json["unanswered"] == [difference]
    for style in ("markdown", "html", "github"):
        drawn = books.plan("--format", style).out
        assert re.search("difference needs a person", drawn), style
        assert difference["number"] in drawn, style
    junit = books.plan("--format", "junit").out
    assert f'<failure type="{rule}"' in junit
    rows = books.plan("--format", "csv").out.splitlines()
    assert any(row.startswith(f"unanswered,{rule},") for row in rows)
    return difference


def is_quiet(books):
    assert books.plan("--expect-no-changes").code == 0, books.plan().out
    assert "No changes." in books.plan().out
    assert books.run("drift").code == 0


def accepted(remedy):
    """What the remedy says to write, to the letter."""
    return re.search(r"`(acknowledges: \[.*\])`", remedy)[1]


def test_t12_a_run_cancelled_in_part(billing):
    assert billing.apply().code == 0
    run = billing.plan_document()
    assert run["changes"] == []
    numbers = [row["number"] for row in billing.rows("select number from journal_entries")]
    billing.call("PUT", f"journal-entries/{numbers[0]}/cancel")
    difference = says(billing, "cancelled-in-part")
    assert ONE in billing.plan().out
    applied = billing.apply()
    assert applied.code == 0
    assert applied.out.rstrip().endswith("1 difference needs a person.")
    # The way out, to the letter: another run, then the acknowledgement.
    again = (billing.root / "billing.yaml").read_text().replace("2026-01-billing", "again")
    billing.write("again.yaml", again)
    assert billing.apply().code == 0
    name = "{name: 2026-01-billing"
    billing.edit("billing.yaml", name, f"{name}, {accepted(difference['remedy'])}")
    is_quiet(billing)
    # Exactly that state is accepted: any other is a difference again.
    billing.call("PUT", f"journal-entries/{numbers[1]}/cancel")
    assert says(billing, "cancelled-in-part")["message"].startswith("1 of")


def test_t12_an_entry_of_a_run_cancelled_and_deleted(billing):
    """Nothing in the ledger shows it any more: only the daybook knows what the run made."""
    assert billing.apply().code == 0
    numbers = [row["number"] for row in billing.rows("select number from journal_entries")]
    cancel_and_delete(billing, numbers[0])
    difference = says(billing, "cancelled-in-part")
    assert difference["message"] == "1 of 4 entries of JR-00000001 was not found"
    assert "was cancelled in part" in billing.run("drift").out
    closing = billing.run("close-check", "Jan-2026")
    assert closing.code == 7
    assert "2026-01-billing (cancelled-in-part)" in closing.out
    assert billing.plan("--offline", "--expect-no-changes").code == 0
    # An apply does not take what is left for what the run made.
    assert billing.apply().out.rstrip().endswith("1 difference needs a person.")
    assert says(billing, "cancelled-in-part") == difference
    again = (billing.root / "billing.yaml").read_text().replace("2026-01-billing", "again")
    billing.write("again.yaml", again)
    assert billing.apply().code == 0
    lines = (
        "select i.amount from journal_entry_items i join journal_entries e on "
        "e.id = i.journal_entry_id where e.number = '{}' and i.type = 'Debit'"
    )
    (replaced,) = billing.rows("select number from journal_entries where number > 'JE-00000004'")
    lost, new = (billing.rows(lines.format(one)) for one in (numbers[0], replaced["number"]))
    assert lost == new
    name = "{name: 2026-01-billing"
    billing.edit("billing.yaml", name, f"{name}, {accepted(difference['remedy'])}")
    is_quiet(billing)
    assert "acknowledges-unused" not in {
        row["rule"] for row in billing.plan_document()["warning_rules"]
    }
    billing.call("PUT", f"journal-entries/{numbers[1]}/cancel")
    cancel_and_delete(billing, numbers[2])
    difference = says(billing, "cancelled-in-part")
    assert difference["message"] == (
        "1 of 4 entries of JR-00000001 are cancelled, and 1 was not found"
    )
    assert f"{{number: {numbers[2]}, status: gone" in difference["remedy"]


def test_t12_an_imported_entry_of_a_run_that_is_gone_is_told_once(billing):
    assert billing.apply().code == 0
    assert billing.run("import", "--run", "JR-00000001").code == 0
    number = billing.rows("select number from journal_entries")[0]["number"]
    for call in (
        ("PUT", f"journal-entries/{number}/cancel"),
        ("DELETE", f"journal-entries/{number}"),
    ):
        billing.call(*call)
        (difference,) = billing.plan_document()["unanswered"]
        assert (difference["name"], difference["number"]) == (number.lower(), number)
        assert billing.run("drift", "--format", "json").json["unanswered"] == [difference]
    # Without a file of its own it is the run that tells it.
    imported = billing.root / "imported" / "jr-00000001.yaml"
    first, *others = imported.read_text().split("---\n")
    assert number in first
    imported.write_text("---\n".join(others))
    planned = billing.plan_document()["unanswered"]
    assert [(one["name"], one["rule"]) for one in planned] == [
        ("2026-01-billing", "cancelled-in-part")
    ]
    assert billing.apply().code == 0
    assert says(billing, "cancelled-in-part") == planned[0]


def test_t12_a_daybook_that_does_not_record_the_entries_of_a_run_learns_them(billing, monkeypatch):
    """So does an apply that was ended before the run had."""
    with monkeypatch.context() as earlier:
        earlier.setattr("reconciler.engine.change_executor.numbers_of", lambda members: ())
        assert billing.apply().code == 0
    first, second, *_ = (
        row["number"] for row in billing.rows("select number from journal_entries")
    )
    cancel_and_delete(billing, first)
    is_quiet(billing)
    assert billing.apply().code == 0
    cancel_and_delete(billing, second)
    assert says(billing, "cancelled-in-part")["message"].startswith("1 of 3 entries")


def cancel_and_delete(books, number):
    books.call("PUT", f"journal-entries/{number}/cancel")
    books.call("DELETE", f"journal-entries/{number}")


def test_t12_a_failed_transfer(small):
    small.set("entry-00", transferredToAccounting="Error")
    difference = says(small, "transfer-error")
    assert "`No`" in difference["remedy"]
    small.set("entry-00", transferredToAccounting="No")
    is_quiet(small)
    small.set("entry-00", transferredToAccounting="Error")
    text = (small.root / "entry-00.yaml").read_text()
    name = 'metadata: {name: "entry-00"'
    assert name in text
    small.write("entry-00.yaml", text.replace(name, f"{name}, {accepted(difference['remedy'])}"))
    is_quiet(small)
    small.set("entry-00", transferredToAccounting="No")
    assert "acknowledges-unused" in {row["rule"] for row in small.plan_document()["warning_rules"]}


@pytest.mark.parametrize("delete", [False, True], ids=["cancelled", "gone"])
def test_t12_what_nobody_may_post_again(small, delete):
    number = small.number("entry-00")
    small.cancel("entry-00")
    if delete:
        small.call("DELETE", f"journal-entries/{number}")
    small.close_period("Jan-2026")
    difference = says(small, "period-closed")
    assert "1 blocked. Nothing to do, 1 difference needs a person." in small.plan().out
    text = (small.root / "entry-00.yaml").read_text()
    name = 'metadata: {name: "entry-00"'
    small.write("entry-00.yaml", text.replace(name, f"{name}, {accepted(difference['remedy'])}"))
    is_quiet(small)
    # An acknowledgement accepts the ledger's state, and no change of the file.
    small.write("entry-00.yaml", (small.root / "entry-00.yaml").read_text().replace("400.9", "9."))
    assert small.actions() == {"entry-00": "blocked"}


def test_t12_a_block_that_a_file_asks_for_stays_pending(small):
    small.close_period("Jan-2026")
    small.declare("entry-00", journalEntryDate="2026-01-30")
    assert small.plan("--detailed-exitcode").code == 2
    assert "needs a person" not in small.plan().out


def test_t12_what_a_policy_keeps_is_what_the_files_ask_for(small):
    """A removed declaration whose entry somebody cancelled: there is nothing left to do."""
    small.settings(spec="{policy: {removal: cancel}}")
    small.cancel("entry-00")
    small.remove("entry-00")
    is_quiet(small)


STATUSES = ["Created", "Cancelled", "PendingReview", None]
MARKERS = ["", None, "books/other"]
PERIODS = ["Open", "PendingClose", "Closed", "Locked"]
POLICIES = [
    {},
    {"removal": Removal.CANCEL},
    {"removal": Removal.FORBID},
    {"freeze": Freeze(periods=frozenset({"Jan-2026"}))},
]
TRANSFERS = ["No", "Error", "Yes"]


def plan_in(status, marker, period, policy, transfer, *, file=True, notes="Seen") -> Plan:
    """The plan of one entry that was applied as `Seen` and now has these properties."""
    spec = entry(notes="Seen")
    tenant = tenant_of(
        periods=tuple(
            type(one)(
                name=one.name, start_date=one.start_date, end_date=one.end_date, status=period
            )
            for one in tenant_of().periods
        )
    )
    ledger = [live(spec, status=status, marker=marker, transferredToAccounting=transfer)]
    ledger = [] if status is None else [live(ledger[0].fields, number=ledger[0].number,
              status=status, marker=marker, notes=notes)]  # fmt: skip
    files = [declared(spec)] if file else []
    return plan_for(snapshot(files, [recorded(spec)], ledger, tenant=tenant, **policy))


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: "-".join(policy) or "plain")
def test_t12_no_combination_of_differences_is_silent(policy):
    """Property: a ledger that differs has a feasible change or counts as a difference."""
    space = product(STATUSES, MARKERS, PERIODS, TRANSFERS, ["Seen", "Moved"])
    for status, marker, period, transfer, notes in space:
        plan = plan_in(status, marker, period, policy, transfer, notes=notes)
        differs = (status, marker, notes) != ("Created", "", "Seen") or transfer == "Error"
        view = view_of(plan)
        case = (status, marker, period, transfer, notes)
        if not differs:
            assert view.verdict.words == "No changes", case
        elif not plan.feasible:
            assert plan.unanswered, case
            assert "No changes" not in view.headline, case
            assert view.verdict.words != "No changes", case
        assert all(one.rule and one.message and one.remedy for one in plan.unanswered), case


@pytest.mark.parametrize("style", RENDERERS)
def test_t12_every_format_says_it(style):
    plan = plan_in("PendingReview", "", "Open", {}, "No")
    drawn = RENDERERS[style](plan, "")
    text = drawn if isinstance(drawn, str) else "".join(t for row in drawn for t, _ in row)
    assert "unknown-status" in text
    assert "No changes" not in text
    if style not in ("json", "junit", "csv"):
        assert "difference needs a person" in text


@pytest.mark.parametrize(
    ("status", "item", "quiet"),
    [
        ("Cancelled", ("JE-00000001", "Cancelled"), True),
        ("Cancelled", ("JE-00000001", "gone"), False),
        ("Cancelled", ("JE-00000002", "Cancelled"), False),
        (None, ("JE-00000001", "gone"), True),
        (None, ("JE-00000001", "Cancelled"), False),
    ],
)
def test_t12_an_acknowledgement_accepts_exactly_one_state(status, item, quiet):
    one = Acknowledgement(number=item[0], status=item[1], reason="agreed")
    files = [declared(entry(), acknowledges=(one,))]
    ledger = [live(status=status)] if status else []
    plan = plan_for(snapshot(files, [recorded()], ledger))
    (change,) = plan.changes
    assert (change.action is Action.KEEP, plan.drift == ()) == (quiet, quiet)


def test_t12_a_plan_shows_what_its_files_accept(small):
    """Nobody reads "no changes" of books that lack an entry, without the reason."""
    number = small.number("entry-00")
    small.call("PUT", f"journal-entries/{number}/cancel")
    item = {"number": number, "status": "Cancelled", "reason": "Posted twice in July"}
    small.declare("entry-00", notes="Notes of entry-00", metadata={"acknowledges": [item]})
    said = f"entry-00 acknowledges that {number} is Cancelled: Posted twice in July"
    for words in ([], ["--summary"], ["--format", "markdown"]):
        shown = " ".join(re.sub("</?code>", "", small.plan(*words).out).split())
        assert said in shown
        assert "The ledger holds what the files declare or acknowledge." in shown
    drift = small.run("drift")
    assert said in drift.out
    assert drift.out.endswith("The ledger holds what was applied, or what the files acknowledge.\n")
    assert drift.code == 0
    # Once an edit posts the entry again, the state is none to accept.
    small.declare("entry-00", notes="Again", metadata={"acknowledges": [item]})
    assert said not in small.plan().out


def test_t12_the_report_counts_what_needs_a_person(small, tmp_path):
    small.set("entry-00", transferredToAccounting="Error")
    report = tmp_path / "report.json"
    ended = small.process("apply", "--auto-approve", "--report", report)
    assert ended.code == 0
    assert json.loads(report.read_text())["unanswered"] == 1
    assert ended.out.splitlines()[-1] == "Applied: nothing to do, 1 difference needs a person."


# Number 13.

REFUSED = "REFUSED, nothing was applied: "


def refused(books):
    """Books whose plan a guard refuses."""
    books.remove(*(f"entry-{at:02}" for at in range(6)))


def test_t13_a_refused_plan_ends_with_its_refusal(small, tmp_path):
    refused(small)
    ended = small.process("plan", "--out", tmp_path / "plan.json")
    assert ended.code == 4
    screen = ended.out.splitlines()[-24:]
    assert screen[-1].startswith(f"{REFUSED}too-many-removals: 6 of 6")
    assert any("To fix: " in row and "--max-removals 6" in row for row in screen)
    last = ended.err.splitlines()[-1]
    assert last == screen[-1]
    assert "To apply exactly this" not in ended.err
    shown = small.run("show", tmp_path / "plan.json")
    assert shown.out.splitlines()[-1] == last


def test_t13_a_verb_that_applies_nothing_does_not_speak_of_it(small):
    for words in (("close-check", "Jan-1999"), ("reverse", "entry-00", "--name", "entry-01")):
        ended = small.run(*words)
        assert ended.code == 4, ended.said
        assert "REFUSED: " in ended.err
        assert "applied" not in ended.err


@pytest.mark.parametrize("options", [[], ["--report", "report.json"], ["--format", "json"]])
def test_t13_a_refused_apply_ends_with_its_refusal(small, options, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    refused(small)
    before = small.content()
    ended = small.apply(*options)
    assert (ended.code, small.content()) == (4, before)
    assert [row for row in ended.err.splitlines() if row.startswith(REFUSED)] != []
    assert ended.err.splitlines()[-1].startswith(f"{REFUSED}too-many-removals")
    if "json" in options:
        assert ended.json["summary"]["not_attempted"] == 6
    else:
        assert ended.out.splitlines()[-1].startswith(f"{REFUSED}too-many-removals")
        assert "Applied:" not in ended.out


def test_t13_so_does_an_apply_without_its_approvals(small):
    small.settings(spec="{policy: {approvals: {evidence: git, tiers: [{required: 1}]}}}")
    small.declare("new")
    ended = small.apply()
    assert ended.code == 4
    assert ended.out.splitlines()[-1].startswith(REFUSED)
    assert ended.err.splitlines()[-1].startswith(REFUSED)


def test_t13_so_does_an_apply_of_which_every_change_is_blocked(small):
    small.close_period("Jan-2026")
    small.declare("entry-00", journalEntryDate="2026-01-30")
    ended = small.apply()
    assert ended.code == 4
    assert ended.out.splitlines()[-1].startswith(f"{REFUSED}period-closed: ")
    assert ended.err.splitlines()[-1].startswith(f"{REFUSED}period-closed: ")


@pytest.mark.parametrize(
    ("style", "line"),
    [
        pytest.param("markdown", -1, id="markdown"),
        # A runner shows the first ten annotations.
        pytest.param("github", 0, id="github"),
    ],
)
def test_t13_other_formats_end_or_begin_with_it_too(small, style, line):
    refused(small)
    ended = small.plan("--format", style)
    verdict = ended.out.splitlines()[line]
    assert "REFUSED" in verdict
    assert "too-many-removals" in verdict
    assert ended.err.splitlines()[-1].startswith(REFUSED)
