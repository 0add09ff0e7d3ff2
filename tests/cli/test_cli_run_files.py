"""Files of journal runs: what `validate` and `fmt` say about them, and the guide's examples."""

import re
from pathlib import Path

import pytest
from books_harness import reconciler

from reconciler.core.rules.file_rules import FILE_RULES
from reconciler.workspace import RULES

ROOT = Path(__file__).parent.parent.parent
GUIDE = (ROOT / "docs" / "journal-runs.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
HEAD = "apiVersion: journal.reconciler/v1\nkind: JournalRun\n"


@pytest.fixture
def books(tmp_path):
    """A workspace with the Reference of the example books."""
    (tmp_path / "reconciler.yaml").write_text(
        "apiVersion: journal.reconciler/v1\nkind: Workspace\nmetadata: {name: books}\n"
    )
    (tmp_path / "reference.yaml").write_bytes((ROOT / "journals/reference.yaml").read_bytes())
    return tmp_path


def validate(books):
    return reconciler("validate", "--workspace", books)


def run_of(spec, *, name="billing", metadata=""):
    return f"{HEAD}metadata: {{name: {name}{metadata}}}\nspec:\n{spec}"


PERIOD = "  accountingPeriodName: Jan-2026\n"
DAYS = "  targetStartDate: 2026-01-01\n  targetEndDate: 2026-01-31\n"
REST = "  journalEntryDate: 2026-01-31\n  transactionTypes:\n    - {type: Invoice Item}\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(run_of(PERIOD + REST), id="a period"),
        pytest.param(run_of(DAYS + REST), id="days"),
        pytest.param(run_of(PERIOD + DAYS + REST), id="a period and its days"),
        pytest.param(run_of(PERIOD + REST, metadata=", adopts: JR-00000008"), id="adopted"),
        pytest.param(run_of(PERIOD + REST, metadata=", protect: true"), id="protected"),
        pytest.param(run_of(PERIOD + REST, name="x" * 63), id="the longest name"),
    ],
)
def test_a_sound_run_validates_and_is_canonical(books, text):
    (books / "run.yaml").write_text(text)
    ended = validate(books)
    assert (ended.code, ended.out) == (0, "3 files, 0 entries, 1 run: 0 errors, 0 warnings.\n")
    assert reconciler("fmt", "--check", books / "run.yaml").code == 0


def test_a_run_validates_without_a_reference(books):
    (books / "reference.yaml").unlink()
    (books / "run.yaml").write_text(run_of(DAYS + REST))
    ended = validate(books)
    assert (ended.code, ended.out) == (0, "2 files, 0 entries, 1 run: 0 errors, 0 warnings.\n")


def test_a_run_needs_no_room_for_a_marker(books):
    reference = (books / "reference.yaml").read_text()
    assert "{name: ReconcilerKey__c" in reference
    tight = re.sub(
        r"\{name: ReconcilerKey__c[^}]*}", "{name: ReconcilerKey__c, maxLength: 9}", reference
    )
    (books / "reference.yaml").write_text(tight)
    (books / "run.yaml").write_text(run_of(PERIOD + REST))
    assert validate(books).code == 0


def test_runs_that_share_transactions_are_a_warning(books):
    (books / "a.yaml").write_text(run_of(PERIOD + REST, name="a"))
    (books / "b.yaml").write_text(run_of(DAYS + REST, name="b"))
    ended = validate(books)
    assert ended.code == 0
    assert "b.yaml:8:3: warning[run-overlap]" in ended.out
    assert "4 files, 0 entries, 2 runs: 0 errors, 1 warning." in ended.out


def test_what_the_guide_declares_is_sound_and_canonical(books):
    assert len(EXAMPLES) == 4
    for at, text in enumerate(EXAMPLES):
        (books / f"example-{at}.yaml").write_text(text)
        assert reconciler("fmt", "--check", books / f"example-{at}.yaml").code == 0
    ended = validate(books)
    assert (ended.code, ended.out) == (0, "6 files, 1 entry, 3 runs: 0 errors, 0 warnings.\n")


def test_the_guide_names_every_rule_of_runs():
    rules = {rule for rule in FILE_RULES if rule.startswith("run-")} | {"unique-adoption"}
    assert rules <= {*RULES, *FILE_RULES}
    assert rules <= set(re.findall(r"`([a-z-]+)`", GUIDE))
