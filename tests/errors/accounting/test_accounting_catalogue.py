"""Every accounting rule a file can break, as one file that breaks it and the text people read.

`NAME.yaml` is read beside the settings and the Reference below, as `reconciler validate` reads
it; `NAME.txt` is everything reported. Begin NAME with the id of the rule it shows.
"""

import pathlib

import pytest

from reconciler.app.workspace import read_workspace
from reconciler.core.model.finding import Problem
from reconciler.core.rules.catalog import PLAN_RULES
from reconciler.core.rules.file_rules import FILE_RULES
from reconciler.core.rules.schedule_rules import SCHEDULE_RULES
from reconciler.render.problems import problem_lines

HERE = pathlib.Path(__file__).parent
CASES = sorted(HERE.glob("*.yaml"))

WORKSPACE = """\
apiVersion: journal.reconciler/v1
kind: Workspace
metadata: {name: acme-books}
"""
REFERENCE = """\
apiVersion: journal.reconciler/v1
kind: Reference
metadata: {name: acme}
spec:
  homeCurrency: USD
  currencies: [USD, EUR, JPY]
  accountingPeriods:
    - {name: Dec-2025, startDate: 2025-12-01, endDate: 2025-12-31, status: Closed}
    - {name: Jan-2026, startDate: 2026-01-01, endDate: 2026-01-31}
  accountingCodes:
    - {name: Deferred Revenue, type: DeferredRevenue}
    - {name: License Revenue, type: SalesRevenue, status: Inactive}
    - {name: Subscription Revenue, type: SalesRevenue}
    - {name: Suspense, type: OtherAssets}
    - {name: Suspense, type: OtherLiabilities}
  segmentationRule: {name: Default, segments: [Department, Region]}
  customFields:
    JournalEntry: [{name: ReconcilerKey__c}, {name: Preparer__c}]
    JournalEntryItem: [{name: CostCenter__c, maxLength: 10}]
"""

SHOWN_ELSEWHERE = {
    **dict.fromkeys(SCHEDULE_RULES, "needs more periods: tests/schedules"),
    "notes-length": "the schema speaks first, except with the marker in notes: tests/core",
}


def problems_of(
    case: pathlib.Path, root: pathlib.Path, content: bytes | None = None
) -> tuple[Problem, ...]:
    """All that validate reports about a workspace whose only entries stand in this file."""
    content = (case.read_bytes() if content is None else content).decode()
    (root / "reconciler.yaml").write_text(WORKSPACE)
    if "kind: Reference" not in content and not content.startswith("# Without a Reference."):
        (root / "reference.yaml").write_text(REFERENCE)
    (root / case.name).write_text(content)
    return read_workspace(root).problems


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_broken_rule_is_reported_in_these_words(case, tmp_path, request):
    expected = case.with_suffix(".txt")
    problems = problems_of(case, tmp_path)
    text = "".join(f"{line}\n" for problem in problems for line in problem_lines(problem))
    if request.config.getoption("--bless", default=False):
        expected.write_text(text)
    assert text == expected.read_text()
    assert any(case.stem.startswith(problem.rule) for problem in problems)


def test_no_accounting_rule_is_missing_from_the_catalogue(tmp_path_factory):
    shown = {
        problem.rule
        for case in CASES
        for problem in problems_of(case, tmp_path_factory.mktemp("case"))
    }
    assert shown | set(SHOWN_ELSEWHERE) == set(FILE_RULES)
    assert not shown & set(SHOWN_ELSEWHERE)


@pytest.mark.parametrize("name", [*FILE_RULES, *PLAN_RULES])
def test_a_rule_explains_itself_in_whole_sentences(name):
    rule = {**FILE_RULES, **PLAN_RULES}[name]
    sentences = (rule.summary, rule.why, rule.remedy)
    assert all(sentence.endswith(".") for sentence in sentences)
    text = " ".join(sentences).lower()
    assert not [word for word in ("invalid", "failed to", "illegal") if word in text]
