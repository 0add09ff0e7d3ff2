"""What other programs are given: findings as SARIF, JUnit and annotations, plans as rows."""

import csv
import io
import json
import re
from collections import defaultdict
from decimal import Decimal
from xml.etree import ElementTree as ET

import plan_scenes
import pytest
import run_scenes
from hostile_texts import HOSTILE, is_safe, plan_of

from reconciler.app.explain import all_rules
from reconciler.core.model.finding import Problem, Severity
from reconciler.render.annotations import plan_annotations
from reconciler.render.findings import findings_annotations, findings_junit, findings_sarif
from reconciler.render.junit import plan_junit
from reconciler.render.spreadsheet import COLUMNS, plan_csv

SINKS = {
    **HOSTILE,
    "formula": '=HYPERLINK("https://x.invalid","approved")',
    "formula with a sign": "-2+3+cmd|' /C calc'!A0",
    "formula behind a space": " =1+1",
    "formula of another maker": "@SUM(A1:A9)",
    "quote": 'a","=1+1","b',
    "end of a command": "x::error file=a::forged",
    "encoded line feed": "x%0A::error::forged",
    "property": "a,file=b,line=1",
    "end of data": "]]><failure/>",
    "markup of XML": "<testcase name='x'/>&#10;&amp;",
}
SINKS = {name: text for name, text in SINKS.items() if "\ud800" not in text}

PROBLEMS = (
    Problem(
        path="2026/01/true-up.yaml",
        line=9,
        column=3,
        rule="lines-balance",
        message="debits are USD 400.90, credits USD 400.00: 0.90 apart",
        remedy="Correct an amount, or add the line that is missing.",
    ),
    Problem(
        path="2026/01/true-up.yaml",
        line=12,
        column=5,
        rule="lines-balance",
        message="debits are USD 400.90, credits USD 400.00: 0.90 apart",
    ),
    Problem(
        path="2026/02/späte Buchung.yaml",
        line=4,
        column=3,
        rule="date-in-period",
        message="2026-03-01 lies outside Feb-2026",
        severity=Severity.WARNING,
    ),
)
FILES = ("2026/01/rent.yaml", "2026/01/true-up.yaml", "2026/02/späte Buchung.yaml")
COMMAND = re.compile(
    r"::(error|warning|notice) title=[^,:]*(,file=[^,:]*,line=\d+(,col=\d+)?)?::.*"
)


def test_findings_read_like_this_to_code_scanning(golden):
    golden("findings.sarif", findings_sarif(PROBLEMS, "journals/", all_rules(), "0.1.0"))


def test_findings_read_like_this_to_a_build_server(golden):
    golden("findings.junit.xml", findings_junit(PROBLEMS, FILES, "journals/"))


def test_findings_read_like_this_to_a_runner(golden):
    golden("findings.github.txt", findings_annotations(PROBLEMS, "journals/"))


def test_a_finding_keeps_its_fingerprint_when_its_line_moves():
    moved = [
        Problem(path=PROBLEMS[0].path, line=at, column=1, rule="r", message="m") for at in (3, 7)
    ]
    prints = [
        json.loads(findings_sarif([problem], "", {}, "0.1.0"))["runs"][0]["results"][0][
            "partialFingerprints"
        ]
        for problem in moved
    ]
    assert prints[0] == prints[1]
    both = json.loads(findings_sarif(moved, "", {}, "0.1.0"))["runs"][0]["results"]
    assert len({str(result["partialFingerprints"]) for result in both}) == 2


SCENES = {
    **{
        name: plan_scenes.SCENES[name]
        for name in ("everything", "create-foreign", "blocked-transferred", "nothing")
    },
    "refused": plan_scenes.SCENES["refused-too-many-removals"],
    "run-held": run_scenes.SCENES["held"],
    "run-replace": run_scenes.SCENES["replace"],
}


@pytest.mark.parametrize("name", SCENES)
def test_a_plan_reads_like_this_to_a_runner(name, golden):
    golden(f"plan-{name}.github.txt", plan_annotations(SCENES[name]().plan(), "journals/"))


@pytest.mark.parametrize("name", ["everything", "refused"])
def test_a_plan_reads_like_this_to_a_build_server(name, golden):
    golden(f"plan-{name}.junit.xml", plan_junit(SCENES[name]().plan(), "journals/"))


@pytest.mark.parametrize("name", ["everything", "create-foreign", "nothing", "run-replace"])
def test_a_plan_reads_like_this_in_a_spreadsheet(name, golden):
    golden(f"plan-{name}.csv", plan_csv(SCENES[name]().plan()))


@pytest.fixture(params=SINKS.values(), ids=SINKS)
def hostile(request):
    return request.param


def problem_of(text):
    return Problem(path=text, line=1, column=1, rule="lines-balance", message=text, remedy=text)


def test_i80_a_runner_is_given_its_own_commands_alone(hostile):
    """I-80, runner commands: each line is one of ours, and a plan has as many as a calm one."""
    rows = findings_annotations([problem_of(hostile)], "").splitlines()
    assert len(rows) == 1
    plan = plan_annotations(plan_of(hostile), "").splitlines()
    assert len(plan) == len(plan_annotations(plan_of("strange"), "").splitlines())
    assert all(COMMAND.fullmatch(row) and is_safe(row) for row in (*rows, *plan))


def test_i80_a_spreadsheet_has_no_formula_and_no_row_too_many(hostile):
    """I-80, CSV: no cell begins a formula, and every row is whole."""
    table = list(csv.reader(io.StringIO(plan_csv(plan_of(hostile)))))
    calm = list(csv.reader(io.StringIO(plan_csv(plan_of("strange")))))
    assert (len(table), {len(row) for row in table}) == (len(calm), {len(COLUMNS)})
    amounts = re.compile(r"-?[0-9]+(\.[0-9]+)?")
    for value in (value for row in table for value in row):
        assert is_safe(value)
        assert amounts.fullmatch(value) or not value.lstrip().startswith(("=", "+", "-", "@"))


def test_i80_a_build_server_reads_the_cases_there_are(hostile):
    """I-80, XML: it is well formed, and text makes neither a case nor a failure."""
    for text, calm in (
        (findings_junit([problem_of(hostile)], [], ""), findings_junit([problem_of("x")], [], "")),
        (plan_junit(plan_of(hostile), ""), plan_junit(plan_of("strange"), "")),
    ):
        shapes = [[node.tag for node in ET.fromstring(one).iter()] for one in (text, calm)]
        assert shapes[0] == shapes[1]
        assert is_safe("".join(ET.fromstring(text).itertext()))


def test_i80_code_scanning_reads_the_results_there_are(hostile):
    """I-80, SARIF: the text is data, and the path a path inside the repository."""
    [result] = json.loads(findings_sarif([problem_of(hostile)], "", {}, "0.1.0"))["runs"][0][
        "results"
    ]
    assert is_safe(result["message"]["text"])
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert re.fullmatch(r"[A-Za-z0-9%/._~-]+", uri)


@pytest.mark.parametrize("name", SCENES)
def test_the_rows_of_a_spreadsheet_sum_to_the_impact(name):
    plan = SCENES[name]().plan()
    sums = defaultdict(Decimal)
    for row in csv.DictReader(io.StringIO(plan_csv(plan))):
        key = (row["accounting period"], row["accounting code"], row["currency"])
        sums[key] += Decimal(row["net change"])
    assert {key: net for key, net in sums.items() if net} == {
        (row.period, row.code, row.currency): row.net_change
        for row in plan.impact
        if row.net_change
    }
