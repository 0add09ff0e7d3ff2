"""Every problem a file can have, as one file that has it and the exact text people read.

`NAME.yaml` is put beside a sound `reconciler.yaml` and `reference.yaml`, and read as a workspace;
`NAME.txt` is everything reported. Begin NAME with the id of the rule it shows.
"""

import pathlib

import pytest

from reconciler.core.model.finding import Problem
from reconciler.render.problems import problem_lines
from reconciler.workspace import RULES, load

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
  currencies: [USD, EUR, JPY]
  accountingPeriods:
    - {name: Jan-2026, startDate: 2026-01-01, endDate: 2026-01-31}
  accountingCodes:
    - {name: Cash, type: Cash}
    - {name: Deferred Revenue, type: DeferredRevenue}
    - {name: Subscription Revenue, type: SalesRevenue}
"""

# A rule that one YAML file of a sound workspace cannot break is shown elsewhere, and here is why.
SHOWN_ELSEWHERE = {
    "workspace-file": "needs a missing reconciler.yaml: tests/workspace/test_workspace.py",
    "file-name": "needs a name that git may refuse to store: tests/workspace/test_files.py",
    "file-spreadsheet": "needs a name that does not end in .yaml: "
    "tests/workspace/test_spreadsheet_import.py",
    "file-ignored": "needs a name that does not end in .yaml: tests/workspace/test_files.py",
    "file-repository": "needs directories: tests/workspace/test_files.py",
    "file-link": "needs a symbolic link: tests/workspace/test_files.py",
    "file-special": "needs a pipe: tests/workspace/test_files.py",
    "file-unreadable": "needs a file without permissions: tests/workspace/test_files.py",
    "house-schema": "needs a policy in reconciler.yaml: tests/workspace/test_custom_rules.py",
    "policy-name": "needs a policy in reconciler.yaml: tests/workspace/test_custom_rules.py",
    "policy-severity": "needs a policy in reconciler.yaml: tests/trust/test_trust_severities.py",
    "period-status-spelling": "needs a policy in reconciler.yaml: tests/trust/test_trust_words.py",
    "editor-schema": "needs a reconciler.schema.json: tests/cli/test_cli_editors.py",
    "daybook-unread": "needs a daybook: tests/trust/test_trust_history.py",
    "waiver-expired": "needs a policy in reconciler.yaml: tests/workspace/test_custom_rules.py",
    "waiver-unused": "needs a policy in reconciler.yaml: tests/workspace/test_custom_rules.py",
    "file-size": "needs a file of more than 1 MiB: tests/workspace/test_files.py",
}


def problems_of(
    case: pathlib.Path, root: pathlib.Path, content: bytes | None = None
) -> tuple[Problem, ...]:
    """All that is reported about a workspace whose only entries stand in this file."""
    content = case.read_bytes() if content is None else content
    (root / "reconciler.yaml").write_text(WORKSPACE)
    if b"kind: Reference" not in content:
        (root / "reference.yaml").write_text(REFERENCE)
    (root / case.name).write_bytes(content)
    return load(root).problems


def report(problems: tuple[Problem, ...]) -> str:
    return "".join(f"{line}\n" for problem in problems for line in problem_lines(problem))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_bad_file_is_reported_in_these_words(case, tmp_path, request):
    expected = case.with_suffix(".txt")
    text = report(problems_of(case, tmp_path))
    if request.config.getoption("--bless", default=False):
        expected.write_text(text)
    assert text == expected.read_text()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_bad_file_breaks_the_rule_it_is_named_for(case, tmp_path):
    """I-20, I-56, I-81: every finding has a rule, that of text which is not NFC included."""
    broken = {problem.rule for problem in problems_of(case, tmp_path)}
    assert any(case.stem == rule or case.stem.startswith(f"{rule}-") for rule in broken)


def test_no_rule_is_missing_from_the_catalogue(tmp_path_factory):
    shown = {
        problem.rule
        for case in CASES
        for problem in problems_of(case, tmp_path_factory.mktemp("case"))
    }
    assert shown | set(SHOWN_ELSEWHERE) == set(RULES)
    assert not shown & set(SHOWN_ELSEWHERE)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_explains_itself_without_blame(name):
    rule = RULES[name]
    text = f"{rule.summary} {rule.why} {rule.remedy}".lower()
    assert all(sentence.endswith(".") for sentence in (rule.summary, rule.why, rule.remedy))
    assert not [word for word in ("invalid", "failed to", "illegal", "wrong") if word in text]
