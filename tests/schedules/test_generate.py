"""`reconciler generate`: what it writes, when it refuses, and what plan and apply make of it."""

import json
import re
import subprocess

import pytest
from schedule_books import (
    WORKSPACE,
    amendment,
    entry,
    reference,
    schedule,
    write,
)

from reconciler.cli.main import run
from reconciler.core.model.schedule import SCHEDULE
from reconciler.core.model.tenant import Tenant
from reconciler.errors import FilesRefused
from reconciler.workspace import schema_text
from reconciler.workspace.formatter.formatter import format_text
from reconciler.workspace.formatter.setting_editor import with_generate_through

THREE = "method: straight-line, from: Jan-2026, parts: 3"
REVERSED = ", reverseOn: next-period-start"
PARTS = "source.generated.yaml"


@pytest.fixture
def books(tmp_path, monkeypatch):
    """A schedule of three parts, in a directory of its own that is the current one."""
    for name in ("ZUORA_BASE_URL", "RECONCILER_DAYBOOK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return write(tmp_path, source=schedule(THREE))


def reconciler(*words):
    return run([*words, "-w", "."])


def parts(root, file=PARTS):
    path = root / file
    text = path.read_text() if path.exists() else ""
    return [row.split("name: ")[1].split(",")[0] for row in text.split("\n") if "name: h" in row]


def test_the_same_input_gives_the_same_bytes(books, capsys):
    assert reconciler("generate") == 0
    first = (books / PARTS).read_bytes()
    assert capsys.readouterr().out == (
        f"wrote {PARTS}\n"
        "hosting  straight-line  3 of 3 parts, 12,000.00 of 12,000.00 USD  wrote 3\n"
    )
    assert reconciler("generate") == reconciler("generate", "--check") == 0
    assert (books / PARTS).read_bytes() == first
    assert run(["fmt", "--check", str(books / PARTS)]) == 0
    assert reconciler("validate", "--strict") == 0


def test_check_and_dry_run_write_nothing(books, capsys):
    assert reconciler("generate", "--check") == 7
    assert capsys.readouterr().out.startswith(f"would write {PARTS}\n")
    assert reconciler("generate", "--dry-run") == 0
    shown = capsys.readouterr().out
    assert f"+++ {PARTS}" in shown
    assert "+    - {accountingCodeName: Hosting Costs, type: Debit, amount: 4000.00}" in shown
    assert not (books / PARTS).exists()


@pytest.mark.parametrize(
    ("through", "extent"),
    [
        ("Jan-2026", "1 of 4 parts, 0.00 of 0.01 USD, 1 of zero without an entry"),
        ("Mar-2026", "3 of 4 parts, 0.01 of 0.01 USD, 2 of zero without an entry"),
        ("Apr-2026", "4 of 4 parts, 0.01 of 0.01 USD, 3 of zero without an entry"),
    ],
)
def test_a_part_of_zero_counts_once_its_period_is_due(books, capsys, through, extent):
    """The first and the last parts too, which no entry follows or precedes."""
    lines = ("Debit Hosting Costs 0.01", "Credit Prepaid Expenses 0.01")
    cents = schedule("method: straight-line, from: Jan-2026, parts: 4", *lines)
    (books / "source.yaml").write_text(cents)
    assert reconciler("generate", "--through", through) == 0
    assert extent in capsys.readouterr().out


@pytest.mark.parametrize(
    ("shorter", "generated", "planned"),
    [
        (
            "from: Mar-2026, parts: 3",
            "without 3 parts: Apr-2026 USD 100.00, May-2026 USD 100.00, Jun-2026 USD 100.00.",
            ["USD 100.00  Apr-2026", "USD 100.00  May-2026", "USD 100.00  Jun-2026"],
        ),
        (
            "from: Mar-2026, parts: 5, remainder: none",
            "hosting ends early, without 1 part: Jun-2026 USD 100.00.",
            ["USD 100.00  Jun-2026"],
        ),
        ("from: Mar-2026, parts: 8", "", []),
        ("from: Mar-2026, total: 900.00", "", []),
    ],
)
def test_the_parts_that_an_amendment_drops_are_named(books, capsys, shorter, generated, planned):
    lines = ("Debit Hosting Costs 600.00", "Credit Prepaid Expenses 600.00")
    half = "method: straight-line, from: Jan-2026, parts: 6"
    (books / "source.yaml").write_text(schedule(half, *lines, more=amendment(shorter)))
    assert reconciler("generate", "--through", "Mar-2026") == 0
    shown = capsys.readouterr().out
    assert generated in shown
    assert ("ends early, without" in shown) is bool(generated)
    for verb in (("plan",), ("plan", "--offline")):
        assert reconciler(*verb) == 0
        shown = re.sub(" {2,}", "  ", capsys.readouterr().out)
        assert re.findall("hosting  dropped by an amendment  (.*)\n", shown) == planned
    # What is due was in its file, so the plan shows its removal.
    assert reconciler("generate", "--through", "Jun-2026") == 0
    assert reconciler("plan", "--offline") == 0
    assert "dropped by an amendment" not in capsys.readouterr().out


def test_the_parts_of_a_daily_schedule_that_an_earlier_end_drops_are_named(books, capsys):
    lines = ("Debit Hosting Costs 59.00", "Credit Prepaid Expenses 59.00")
    days = "method: daily, start: 2026-01-01, end: 2026-02-28"
    shorter = amendment("from: Jan-2026, end: 2026-01-31")
    (books / "source.yaml").write_text(schedule(days, *lines, more=shorter))
    assert reconciler("generate", "--through", "Jan-2026") == 0
    assert "without 1 part: Feb-2026 USD 28.00." in capsys.readouterr().out


def test_through_moves_every_schedule_on_and_removes_no_part(books, capsys):
    assert reconciler("generate", "--through", "Feb-2026") == 0
    assert parts(books) == ["hosting.2026-01-01", "hosting.2026-02-01"]
    settings = (books / "reconciler.yaml").read_text()
    assert settings == f"{WORKSPACE}  generate: {{through: Feb-2026}}\n"
    assert "Waiting: 1 part of 1 schedule, for periods after Feb-2026." in capsys.readouterr().out
    assert reconciler("validate", "--strict") == 0
    assert reconciler("generate", "--through", "Jan-2026") == 0
    assert parts(books) == ["hosting.2026-01-01", "hosting.2026-02-01"]
    assert reconciler("generate", "--through", "Mar-2026") == 0
    assert len(parts(books)) == 3


def test_only_the_named_sources_are_written(books):
    write(books, source="---\n".join((schedule(THREE), schedule(THREE, name="hardware"))))
    assert reconciler("generate", "hosting") == 0
    assert {name[:8] for name in parts(books)} == {"hosting."}
    assert reconciler("generate", "hardware") == 0
    assert len(parts(books)) == 6
    text = schedule(THREE, "Debit Rent 3.00", "Credit Prepaid Expenses 3.00")
    write(books, source="---\n".join((text, schedule(THREE, name="hardware"))))
    before = (books / PARTS).read_text()
    assert reconciler("generate", "hardware") == 0
    assert (books / PARTS).read_text() == before
    assert reconciler("generate", "hostin") == 64


def test_the_file_of_a_removed_schedule_is_deleted(books, capsys):
    assert reconciler("generate") == 0
    (books / "source.yaml").unlink()
    assert reconciler("validate") == 3
    capsys.readouterr()
    assert reconciler("generate") == 0
    assert capsys.readouterr().out == f"removed {PARTS}\n"
    assert not (books / PARTS).exists()
    assert reconciler("validate") == 0


def test_a_file_that_holds_something_else_is_not_overwritten(books, capsys):
    assert reconciler("generate") == 0
    text = (books / PARTS).read_text()
    (books / PARTS).write_text(f"{text}---\n{entry()}")
    assert reconciler("generate") == 4
    assert (
        "source.generated.yaml:35 holds accrual, which is not generated" in capsys.readouterr().err
    )
    # The remedy: another file.
    (books / PARTS).write_text(text)
    (books / "accrual.yaml").write_text(entry())
    assert reconciler("generate") == 0


def test_uncommitted_parts_are_written_again(books):
    def git(*words):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], check=True)

    assert reconciler("generate") == 0
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "Start")
    for amount in ("3.00", "6.00"):
        lines = (f"Debit Rent {amount}", f"Credit Prepaid Expenses {amount}")
        write(books, source=schedule(THREE, *lines))
        assert reconciler("generate") == 0
        assert f"amount: {amount[0]}.00" not in (books / PARTS).read_text()
    assert "amount: 2.00" in (books / PARTS).read_text()


def test_files_with_problems_generate_nothing(books, capsys):
    (books / "other.yaml").write_text("a: [")
    assert reconciler("generate") == 3
    assert "other.yaml" in capsys.readouterr().err
    assert not (books / PARTS).exists()


def test_entries_that_break_a_rule_are_not_written(books, capsys):
    write(books, source=schedule(THREE).replace("USD", "USD\n    notes: " + "n" * 1990))
    settings = WORKSPACE.replace("target", "identity: {marker: notes}\n  target")
    (books / "reconciler.yaml").write_text(settings)
    assert reconciler("generate") == 3
    assert "notes-length" in capsys.readouterr().err
    assert not (books / PARTS).exists()


def test_what_breaks_a_rule_when_it_is_written_is_undone(books, capsys):
    settings = WORKSPACE.replace("target", "identity: {marker: notes}\n  target")
    (books / "reconciler.yaml").write_text(settings)
    # The name of a part is longer than that of its schedule, and stands in the notes.
    long, short = (schedule(THREE).replace("USD", f"USD\n    notes: {'n' * n}") for n in (1960, 9))
    (books / "source.yaml").write_text(long)
    assert reconciler("generate", "--through", "Feb-2026") == 3
    told = capsys.readouterr().err
    assert "notes-length" in told
    assert "Correct the source that `generatedBy` names" in told
    assert not (books / PARTS).exists()
    assert (books / "reconciler.yaml").read_text() == settings
    (books / "source.yaml").write_text(short)
    assert reconciler("generate", "--through", "Feb-2026") == 0


def test_a_posted_part_is_not_restated_by_mistake(books, capsys):
    assert reconciler("generate", "--through", "Feb-2026") == 0
    assert reconciler("apply", "--auto-approve") == 0
    more = ("Debit Hosting Costs 15000.00", "Credit Prepaid Expenses 15000.00")
    write(books, source=schedule(THREE, *more), reconciler=(books / "reconciler.yaml").read_text())
    before = (books / PARTS).read_bytes()
    capsys.readouterr()
    assert reconciler("generate") == 4
    told = capsys.readouterr().err
    assert (
        "schedule-restates: 2 posted entries change: hosting.2026-01-01, hosting.2026-02-01" in told
    )
    assert "Restore hosting and add an amendment from Mar-2026" in told
    assert (books / PARTS).read_bytes() == before
    # The first remedy.
    source = schedule(THREE, more=amendment("from: Mar-2026, total: 15000.00"))
    (books / "source.yaml").write_text(source)
    assert reconciler("generate", "--through", "Mar-2026") == 0
    assert "amount: 7000.00" in (books / PARTS).read_text()
    # The second one.
    (books / "source.yaml").write_text(schedule(THREE, *more))
    assert reconciler("generate", "hosting", "--restate") == 0
    assert "amount: 7000.00" not in (books / PARTS).read_text()
    assert reconciler("apply", "--auto-approve") == 0
    assert reconciler("plan", "--detailed-exitcode") == 0


@pytest.mark.parametrize("why", ["closed", "frozen"])
def test_the_remedy_of_a_part_in_a_period_that_takes_no_entries_works(books, capsys, why):
    """To declare the part elsewhere would make it stale; its source says where it belongs."""
    if why == "closed":
        closed = reference().replace("2026-01-31}", "2026-01-31, status: Closed}")
        (books / "reference.yaml").write_text(closed)
    else:
        freeze = f"{WORKSPACE}  policy: {{freeze: [{{periods: [Jan-2026]}}]}}\n"
        (books / "reconciler.yaml").write_text(freeze)
    assert reconciler("generate") == 0
    capsys.readouterr()
    reconciler("plan")
    told = capsys.readouterr().out
    period = {"closed": "an open period; the earliest after Jan-2026 is Feb-2026"}
    period = period.get(why, "a period that is not frozen")
    assert f"To fix: Edit hosting so that this entry has {period}. Then run `reconc" in told
    (books / "source.yaml").write_text(schedule(THREE.replace("Jan-2026", "Feb-2026")))
    assert reconciler("generate", "hosting") == 0
    assert reconciler("apply", "--auto-approve") == 0
    assert reconciler("plan", "--detailed-exitcode") == 0


def test_a_posted_part_is_not_restated_under_a_new_name(books, capsys):
    assert reconciler("generate") == reconciler("apply", "--auto-approve") == 0
    renamed = schedule(THREE).replace("name: hosting", "name: hosts, previousName: hosting")
    more = renamed.replace("12000.00", "15000.00")
    for again in (False, True):
        (books / "source.yaml").write_text(more)
        capsys.readouterr()
        assert reconciler("generate") == 4
        told = capsys.readouterr().err
        assert "schedule-restates: 3 posted entries change: hosts.2026-01-01" in told
        # The first remedy: the new name alone, and later a change under it.
        (books / "source.yaml").write_text(renamed)
        assert reconciler("generate") == 0, again
    (books / "source.yaml").write_text(more)
    assert reconciler("generate", "hosts", "--restate") == 0
    assert reconciler("apply", "--auto-approve") == 0
    assert reconciler("plan", "--detailed-exitcode") == 0


@pytest.mark.parametrize("named", ["hosting", "hosts"])
def test_a_source_that_is_renamed_and_edited_is_written_by_either_name(books, capsys, named):
    """The remedies of the problems, and of the refusal, are followed to the letter."""
    (books / "source.yaml").write_text(entry(name="hosting", metadata=REVERSED))
    assert reconciler("generate") == reconciler("apply", "--auto-approve") == 0
    edited = entry(name="hosts", metadata=f", previousName: hosting{REVERSED}")
    (books / "source.yaml").write_text(edited.replace("400.90", "500.90"))
    capsys.readouterr()
    assert reconciler("validate") == 3
    assert "run `reconciler generate hosting -w .`" in capsys.readouterr().out
    assert reconciler("generate", named) == 4
    assert "with `reconciler generate hosts --restate -w .`" in capsys.readouterr().err
    assert reconciler("generate", "hosts", "--restate") == 0
    assert parts(books) == ["hosts.reversal"]
    assert reconciler("validate", "--strict") == 0
    assert reconciler("apply", "--auto-approve") == 0
    assert reconciler("plan", "--detailed-exitcode") == 0


def test_notes_of_a_posted_part_may_change_and_a_lost_part_may_not(books, capsys):
    assert reconciler("generate") == 0
    assert reconciler("apply", "--auto-approve") == 0
    notes = schedule(THREE, more="  overrides: {2026-01-01: {notes: First}}\n")
    (books / "source.yaml").write_text(notes)
    assert reconciler("generate") == 0
    (books / "source.yaml").write_text(schedule(THREE.replace("parts: 3", "parts: 2")))
    assert reconciler("generate") == 4
    assert "hosting.2026-03-01" in capsys.readouterr().err


def test_an_accrual_and_its_reversal_are_posted_and_net_to_zero(books, capsys):
    recurring = schedule("method: recurring, from: Jan-2026, parts: 2", metadata=REVERSED)
    (books / "source.yaml").write_text(recurring)
    (books / "accrual.yaml").write_text(entry(metadata=REVERSED))
    assert reconciler("generate") == 0
    assert parts(books) == [
        "hosting.2026-01-01",
        "hosting.2026-01-01.reversal",
        "hosting.2026-02-01",
        "hosting.2026-02-01.reversal",
    ]
    assert "reverses: accrual" in (books / "accrual.generated.yaml").read_text()
    assert reconciler("validate", "--strict") == 0
    assert reconciler("apply", "--auto-approve") == 0
    assert reconciler("plan", "--detailed-exitcode") == 0


def test_a_plan_lists_what_waits(books, capsys):
    (books / "source.yaml").write_text(schedule(THREE, metadata=REVERSED))
    (books / "july.yaml").write_text(entry(metadata=REVERSED, period="Jul"))
    assert reconciler("generate", "--through", "Feb-2026") == 0
    capsys.readouterr()
    assert reconciler("plan") == 0
    shown = capsys.readouterr().out.partition("Waiting for later periods\n")[2]
    assert [row.split("  ") for row in re.sub(" {2,}", "  ", shown).splitlines()[1:3]] == [
        ["", "hosting", "1 of 3 parts", "USD 4,000.00", "Mar-2026"],
        ["", "accrual", "its reversal", "USD 400.90", "a period after Jul-2026"],
    ]
    assert reconciler("generate", "--through", "Mar-2026") == 0
    capsys.readouterr()
    assert reconciler("plan", "--offline") == 0
    shown = capsys.readouterr().out.partition("Waiting for later periods\n")[2]
    assert "accrual" in shown and "  hosting" not in shown


def test_the_parts_of_a_renamed_schedule_keep_their_entries(books, capsys):
    (books / "source.yaml").write_text(schedule(THREE, metadata=REVERSED))
    assert reconciler("generate", "--through", "Feb-2026") == 0
    assert reconciler("apply", "--auto-approve") == 0
    renamed = f", previousName: hosting{REVERSED}"
    (books / "source.yaml").write_text(schedule(THREE, name="hardware", metadata=renamed))
    assert reconciler("generate", "--through", "Mar-2026") == 0
    capsys.readouterr()
    assert reconciler("plan") == 0
    told = capsys.readouterr().out
    assert "Plan: 2 to create, 4 to adopt." in told
    assert reconciler("apply", "--auto-approve") == 0
    assert reconciler("plan", "--detailed-exitcode") == 0


def test_a_reversal_is_written_as_soon_as_its_period_is_known(books):
    (books / "source.yaml").write_text(entry(metadata=REVERSED, period="Jul"))
    (books / "reference.yaml").write_text(reference(7))
    assert reconciler("generate", "--through", "Jan-2026") == 0
    assert not (books / PARTS).exists()
    (books / "reference.yaml").write_text(reference(9, without=("Aug",)))
    assert reconciler("generate") == 0
    assert not (books / PARTS).exists(), "September does not follow July"
    (books / "reference.yaml").write_text(reference(8))
    assert reconciler("generate") == 0
    assert "accountingPeriodName: Aug-2026" in (books / PARTS).read_text()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            "kind: A\nspec:\n  # The ledger.\n  target: embedded  # here\n",
            "kind: A\nspec:\n  generate: {through: Mar-2026}\n  # The ledger.\n"
            "  target: embedded  # here\n",
            id="a new field, above the comment of the next one",
        ),
        pytest.param(
            "kind: A\nspec:\n  generate: {through: Feb-2026}  # month\n  target: embedded\n",
            "kind: A\nspec:\n  generate: {through: Mar-2026}  # month\n  target: embedded\n",
            id="another value",
        ),
        pytest.param(
            "kind: A\nspec: {target: embedded}\n",
            "kind: A\nspec: {generate: {through: Mar-2026}, target: embedded}\n",
            id="in braces",
        ),
        pytest.param(
            "kind: A\nspec: {}\n", "kind: A\nspec: {generate: {through: Mar-2026}}\n", id="empty"
        ),
        pytest.param(
            "kind: A", "kind: A\nspec:\n  generate: {through: Mar-2026}\n", id="without spec"
        ),
        pytest.param(
            "kind: A\nspec:\n  generate:\n    # The month.\n    through: 'Feb: 1'\n",
            "kind: A\nspec:\n  generate:\n    # The month.\n    through: Mar-2026\n",
            id="a block",
        ),
        pytest.param(
            "kind: A\nspec: {}\n---\nkind: Workspace\nspec:\n  target: embedded\n",
            "kind: A\nspec: {}\n---\nkind: Workspace\nspec:\n  generate: {through: Mar-2026}\n"
            "  target: embedded\n",
            id="the Workspace of several documents",
        ),
        pytest.param(
            "kind: A\nspec:\n  generate: {}\n",
            "kind: A\nspec:\n  generate: {through: Mar-2026}\n",
            id="an empty field",
        ),
    ],
)
def test_one_setting_changes_and_everything_else_stays(before, after):
    assert with_generate_through(before, "Mar-2026") == after
    assert with_generate_through(after, "Mar-2026") == after


def test_a_name_that_is_no_plain_text_is_quoted():
    assert with_generate_through("spec: {}\n", "2026/03: a") == (
        'spec: {generate: {through: "2026/03: a"}}\n'
    )


def test_a_layout_that_cannot_be_edited_is_refused():
    with pytest.raises(FilesRefused) as refused:
        with_generate_through("{kind: Workspace}\n", "Mar-2026")
    assert "generate: {through: Mar-2026}" in refused.value.remedy


CANONICAL = """\
apiVersion: journal.reconciler/v1
kind: JournalSchedule
metadata: {name: hosting, reverseOn: next-period-start}
spec:
  method: daily
  start: 2026-01-15
  end: 2026-03-14
  entry:
    currency: USD
    journalEntryItems:
      - {accountingCodeName: Rent, type: Debit, amount: 12.50, allocate: heads}  # by heads
      - {accountingCodeName: Cash, type: Credit, amount: 12.50}
  amendments: [{from: Feb-2026, total: 20.00, reason: agreed}]
---
apiVersion: journal.reconciler/v1
kind: AllocationKey
metadata: {name: heads}
spec:
  targets:
    - {share: 2.5, CostCenter__c: A}
    - {share: 1, notes: the rest}
"""
SHUFFLED = """\
kind: JournalSchedule
apiVersion: journal.reconciler/v1
metadata: {reverseOn: next-period-start, name: hosting}
spec:
  end: 2026-03-14
  start: 2026-01-15
  amendments: [{reason: agreed, total: "20", from: Feb-2026}]
  entry:
    journalEntryItems:
      - {allocate: heads, amount: 12.5, type: Debit, accountingCodeName: Rent}  # by heads
      - {accountingCodeName: Cash, amount: "12.50", type: Credit}
    currency: USD
  method: daily
---
kind: AllocationKey
apiVersion: journal.reconciler/v1
spec:
  targets:
    - {CostCenter__c: A, share: 2.5}
    - {notes: the rest, share: 1}
metadata: {name: heads}
"""


def test_fmt_knows_the_order_of_schedules_and_keys():
    formatted = format_text(SHUFFLED, Tenant())
    assert formatted == CANONICAL
    assert format_text(CANONICAL, Tenant()) == CANONICAL


def test_a_schedule_describes_entries_as_their_own_schema_does():
    ours, theirs = (json.loads(schema_text(kind))["$defs"] for kind in (SCHEDULE, "JournalEntry"))
    for name in ("segment", "amount", "customField"):
        assert ours[name] == theirs[name]
    for name, part, extra in (
        ("entry", "spec", set()),
        ("item", "item", {"balancing", "allocate"}),
    ):
        fields, known = ours[name]["properties"], theirs[part]["properties"]
        assert set(fields) - extra == set(known) - {"accountingPeriodName", "journalEntryDate"}
        for field in set(fields) - extra - {"journalEntryItems"}:
            rules = [
                {key: value for key, value in one.items() if key != "description"}
                for one in (fields[field], known[field])
            ]
            assert rules[0] == rules[1], field


def test_a_saved_plan_has_its_dropped_parts(books, capsys):
    """A plan without any is written as earlier versions wrote it."""
    shown = []
    for more in ("", amendment("from: Feb-2026, parts: 2")):
        (books / "source.yaml").write_text(schedule(THREE, more=more))
        assert reconciler("generate", "--through", "Jan-2026") == 0
        assert reconciler("plan", "--offline", "--out", "plan.json") == 0
        waiting = json.loads((books / "plan.json").read_text())["waiting"]
        shown.append([one.get("dropped") for one in waiting])
        capsys.readouterr()
        assert run(["show", "plan.json"]) == 0
        assert ("dropped by an amendment" in capsys.readouterr().out) is bool(more)
    assert shown == [[None], [None, True]]


def test_a_dropped_part_of_a_period_that_the_reference_lacks_is_named(books, capsys):
    lines = ("Debit Hosting Costs 900.00", "Credit Prepaid Expenses 900.00")
    nine = "method: straight-line, from: Jan-2026, parts: 9"
    shorter = amendment("from: Mar-2026, parts: 7")
    (books / "source.yaml").write_text(schedule(nine, *lines, more=shorter))
    assert reconciler("generate") == 0
    dropped = "without 2 parts: a later period USD 100.00, a later period USD 100.00."
    assert dropped in capsys.readouterr().out
    assert reconciler("plan", "--offline") == 0
    shown = re.sub(" {2,}", "  ", capsys.readouterr().out)
    assert shown.count("hosting  dropped by an amendment  USD 100.00  later periods") == 2
