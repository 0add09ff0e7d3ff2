"""Every problem of a schedule, its text, and its remedy followed to the letter.

After the edits that a remedy asks for, `reconciler generate` is run, and nothing is left.
"""

from dataclasses import dataclass, field

import pytest
from schedule_books import (
    LINES,
    WORKSPACE,
    amendment,
    entry,
    items,
    key,
    reference,
    schedule,
    write,
)

from reconciler.app.workspace import read_workspace
from reconciler.cli.main import run
from reconciler.core.rules.file_rules import FILE_RULES
from reconciler.core.rules.schedule_rules import SCHEDULE_RULES
from reconciler.render.problems import problem_lines

MONTHLY = "method: recurring, from: Jan-2026, parts: 2"
THREE = "method: straight-line, from: Jan-2026, parts: 3"
FOUR = (
    "Debit Hosting Costs 10.00",
    "Debit Rent 20.00",
    "Credit Prepaid Expenses 15.00",
    "Credit Accrued Expenses 15.00",
)
ALLOCATED = ("Debit Hosting Costs 30.00 {allocate: heads}", "Credit Prepaid Expenses 30.00")
TARGETS = ("share: 2, CostCenter__c: A", "share: 1, CostCenter__c: B")
SEGMENTS = "share: 2, segments: [{segmentName: Department, segmentValue: A}]"
GAP = reference(5, without=("Mar",))
MARCH = "    - {name: Mar-2026, startDate: 2026-03-01, endDate: 2026-03-31}\n"
FOUR_CENTS = (
    "Debit Hosting Costs 0.04",
    "Credit Prepaid Expenses 0.01",
    "Credit Accrued Expenses 0.01",
    "Credit Rent 0.01",
    "Credit Rent 0.01 {balancing: true}",
)
PART = entry("hosting.2026-01-01", ", generatedBy: JournalSchedule/hosting")


@dataclass(frozen=True)
class Case:
    """Documents of one file, and what a reader replaces in them, or in another file."""

    documents: tuple[str, ...]
    edits: tuple[tuple[str, str], ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    mended: dict[str, str] = field(default_factory=dict)


def case(*documents, edits=(), files=None, mended=None):
    return Case(documents, tuple(edits), files or {}, mended or {})


CASES = {
    "generated-stale": case(schedule(MONTHLY, *LINES), PART),
    "generated-stale-not-a-part": case(
        schedule(MONTHLY, *LINES), PART.replace("01-01", "01-02")
    ),
    "generated-orphan": case(PART),
    "generated-orphan-reversal": case(
        entry(), entry("accrual.reversal", ", generatedBy: JournalEntry/accrual")
    ),
    "generated-missing": case(schedule(MONTHLY, *LINES)),
    "generated-missing-reversal": case(entry(metadata=", reverseOn: next-period-start")),
    "generated-name-taken": case(
        schedule(MONTHLY, *LINES),
        entry("hosting.2026-01-01"),
        edits=[("{name: hosting.2026-01-01}", "{name: hosting-by-hand}")],
    ),
    "generated-name-long": case(
        schedule(MONTHLY, name="n" * 53), edits=[("n" * 53, "n" * 52)]
    ),
    "generated-name-reversal": case(
        entry("n" * 55, ", reverseOn: next-period-start"), edits=[("n" * 55, "n" * 54)]
    ),
    "reversal-waiting": case(
        entry(metadata=", reverseOn: next-period-start", period="Jul"),
        mended={"reference": reference(8)},
    ),
    "reversal-waiting-named": case(
        entry(metadata=", reverseOn: {period: Aug-2026}"), mended={"reference": reference(8)}
    ),
    "schedule-method": case(
        schedule("method: straight-line, from: Jan-2026"),
        edits=[("Jan-2026", "Jan-2026\n  parts: 2")],
    ),
    "schedule-method-daily": case(
        schedule("method: daily, start: 2026-02-01, end: 2026-01-31"),
        edits=[("end: 2026-01-31", "end: 2026-02-28")],
    ),
    "schedule-method-once": case(
        schedule("method: once, from: Jan-2026", more=amendment("from: Feb-2026, total: 2.00")),
        edits=[(amendment("from: Feb-2026, total: 2.00"), ""), ("12000.00", "2.00")],
    ),
    "schedule-period": case(
        schedule("method: once, from: Jam-2026"), edits=[("Jam", "Jan")]
    ),
    "schedule-period-through": case(
        schedule(MONTHLY),
        files={"reconciler": f"{WORKSPACE}  generate: {{through: Fab-2026}}\n"},
        mended={"reconciler": f"{WORKSPACE}  generate: {{through: Feb-2026}}\n"},
    ),
    "schedule-period-earlier": case(
        entry(metadata=", reverseOn: {period: Jan-2026}", period="Feb", day=28),
        edits=[("{period: Jan-2026}", "{period: Mar-2026}")],
    ),
    "schedule-period-endless": case(
        entry(metadata=", reverseOn: next-period-start")
        .replace("Jan-2026", "Open-Ended").replace("2026-01-31", "2027-06-01"),
        edits=[("next-period-start", "{period: Open-Ended}")],
    ),
    "schedule-gap": case(
        schedule(THREE), files={"reference": GAP}, mended={"reference": reference(5)}
    ),
    "schedule-balancing": case(
        schedule(THREE, *FOUR), edits=[("amount: 20.00", "amount: 20.00, balancing: true")]
    ),
    "schedule-sign": case(
        schedule("method: straight-line, from: Jan-2026, parts: 2", *FOUR_CENTS),
        edits=[
            (", balancing: true", ""),
            ("amount: 0.04", "amount: 0.04, balancing: true"),
        ],
    ),
    "schedule-zero": case(
        schedule(
            THREE,
            "Debit Hosting Costs 30.00/0.01",
            "Credit Prepaid Expenses 30.00/0.01",
            currency="EUR",
        ),
        edits=[("parts: 3", "parts: 1")],
    ),
    "schedule-negative": case(
        schedule(THREE, more=amendment("from: Mar-2026, total: 7000.00")),
        edits=[("total: 7000.00", "parts: 2, remainder: none")],
    ),
    "schedule-amendment": case(
        schedule(THREE, more=amendment("from: Mar-2026, parts: 2")),
        edits=[("parts: 2,", "parts: 2, remainder: none,")],
    ),
    "schedule-amendment-order": case(
        schedule(
            THREE, more=amendment("from: Mar-2026, total: 13000", "from: Feb-2026, total: 14000")
        ),
        edits=[("from: Mar-2026, total: 13000", "from: Feb-2026, total: 14000"),
               ("{from: Feb-2026, total: 14000, reason: agreed}\n  entry",
                "{from: Mar-2026, total: 15000, reason: agreed}\n  entry")],
    ),
    "schedule-override": case(
        schedule(MONTHLY, more="  overrides:\n    2026-01-31: {notes: First}\n"),
        edits=[("2026-01-31:", "2026-01-01:")],
    ),
    "allocation-empty": case(
        schedule(MONTHLY, *ALLOCATED),
        key("share: 0, CostCenter__c: A"),
        edits=[("share: 0", "share: 1")],
    ),
    "allocation-key": case(
        schedule(MONTHLY, *ALLOCATED), key(SEGMENTS, TARGETS[1]),
        edits=[(SEGMENTS, TARGETS[0])],
    ),
    "allocation-key-unknown": case(
        schedule(MONTHLY, *ALLOCATED), key(*TARGETS, name="headz"),
        edits=[("name: headz", "name: heads")],
    ),
    "line-limit": case(
        schedule(MONTHLY, *ALLOCATED),
        key(*(f"share: 1, CostCenter__c: C{at}" for at in range(100))),
        edits=[("    - {share: 1, CostCenter__c: C99}\n", "")],
    ),
}  # fmt: skip


def problems(root):
    return read_workspace(root).problems


def reported(name, root):
    one = CASES[name]
    write(root, source="---\n".join(one.documents), **one.files)
    return problems(root)


@pytest.mark.parametrize("name", CASES)
def test_a_problem_is_named_by_its_rule_and_its_remedy_ends_well(name, tmp_path, capsys):
    found = reported(name, tmp_path)
    assert any(name.startswith(one.rule) for one in found)
    one = CASES[name]
    text = "---\n".join(one.documents)
    for old, new in one.edits:
        assert old in text
        text = text.replace(old, new)
    if name.startswith("generated-"):
        # The entries that were generated stand in a file of their own.
        documents = text.split("---\n")
        text = "---\n".join(part for part in documents if "generatedBy" not in part)
        parts = "---\n".join(part for part in documents if "generatedBy" in part)
        (tmp_path / "source.generated.yaml").write_text(parts) if parts else None
    (tmp_path / "source.yaml").unlink()
    write(tmp_path, **{**one.files, **one.mended, **({"source": text} if text else {})})
    assert run(["generate", "-w", str(tmp_path)]) == 0, capsys.readouterr()
    assert [found.rule for found in problems(tmp_path)] == []


def test_every_problem_has_its_text(tmp_path_factory, golden):
    texts = []
    for name in sorted(CASES):
        found = reported(name, tmp_path_factory.mktemp("case"))
        texts += [f"== {name}", *(line for one in found for line in problem_lines(one)), ""]
    golden("schedule-problems.txt", "\n".join(texts))


def test_every_rule_of_schedules_has_a_case():
    rules = {*SCHEDULE_RULES}
    named = {max((r for r in FILE_RULES if name.startswith(r)), key=len) for name in CASES}
    assert named == rules | {"line-limit"}


def test_items_are_written_as_they_are_read():
    assert items("Debit Rent 1.00", indent=0).startswith("- {accountingCodeName: Rent")


WEEKS = "".join(
    f"    - {{name: W{at}, startDate: 2026-08-{at * 7 - 6:02}, endDate: 2026-08-{at * 7:02}}}\n"
    for at in (1, 2)
)


@pytest.mark.parametrize(
    ("form", "home"),
    [
        (THREE, "0.02"),
        ("method: daily, start: 2026-01-01, end: 2026-06-30", "0.03"),
        # Before its first period is known, and up to the last day that there is.
        ("method: daily, start: 2028-02-29, end: 2028-12-31", "0.03"),
        ("method: daily, start: 2026-01-01, end: 9999-12-31", "0.01"),
    ],
)
@pytest.mark.parametrize("months", [1, 2, 7])
def test_a_part_of_zero_is_found_before_its_period_is_known(tmp_path, form, home, months):
    """In one currency alone: it would stop the schedule in the month in which it begins."""
    lines = (f"Debit Hosting Costs 90000.00/{home}", f"Credit Prepaid Expenses 90000.00/{home}")
    source = schedule(form, *lines, currency="EUR")
    write(tmp_path, source=source, reference=reference(months))
    assert "schedule-zero" in {one.rule for one in read_workspace(tmp_path).errors}


def test_later_days_are_divided_as_the_last_period_is_long(tmp_path):
    """A hundredth a week is enough for the weeks of this ledger, and for months."""
    lines = ("Debit Hosting Costs 90000.00/0.22", "Credit Prepaid Expenses 90000.00/0.22")
    source = schedule("method: daily, start: 2026-08-01, end: 2026-12-31", *lines, currency="EUR")
    write(tmp_path, source=source, reference=reference(7, more=WEEKS))
    assert {one.rule for one in read_workspace(tmp_path).errors} == set()
    less = source.replace("/0.22", "/0.06").replace(": 0.22", ": 0.06")
    write(tmp_path, source=less, reference=reference(7, more=WEEKS))
    assert "schedule-zero" in {one.rule for one in read_workspace(tmp_path).errors}
    write(tmp_path, source=less, reference=reference(7))
    assert {one.rule for one in read_workspace(tmp_path).errors} == set()
