"""The Reference is checked itself: everything else is judged by it."""

import subprocess

import pytest
from program import Program

from reconciler.app.workspace import read_workspace

WORKSPACE = """\
apiVersion: journal.reconciler/v1
kind: Workspace
metadata: {name: books}
"""


def reference(*, currencies="[USD, EUR]", periods="", more=""):
    return f"""\
apiVersion: journal.reconciler/v1
kind: Reference
metadata: {{name: acme}}
spec:
  currencies: {currencies}
  accountingPeriods: [{periods}]
  accountingCodes: [{{name: Cash, type: Cash}}]
  customFields: {{JournalEntry: [{{name: ReconcilerKey__c}}]}}
{more}"""


def period(name, start, end=""):
    return f"{{name: {name}, startDate: {start}" + (f", endDate: {end}}}" if end else "}")


JANUARY = period("Jan-2026", "2026-01-01", "2026-01-31")

FLAWED = [
    # text, rule, line
    (
        reference(periods=f"{JANUARY}, {period('Feb-2026', '2026-01-31', '2026-02-28')}"),
        "reference-overlap",
        6,
    ),
    (
        reference(periods=f"{period('Q1', '2026-01-01', '2026-03-31')}, {JANUARY}"),
        "reference-overlap",
        6,
    ),
    (
        reference(periods=f"{period('Open', '2026-01-01')}, {period('End', '2027-01-01')}"),
        "reference-overlap",
        6,
    ),
    (reference(periods=f"{period('Open', '2025-01-01')}, {JANUARY}"), "reference-overlap", 6),
    (reference(periods=period("Jan-2026", "2026-01-31", "2026-01-01")), "reference-period", 6),
    (
        reference(periods=f"{JANUARY}, {period('JAN-2026', '2026-02-01', '2026-02-28')}"),
        "reference-duplicate",
        6,
    ),
    (reference(more="  homeCurrency: CHF\n"), "reference-currency", 9),
    (reference(more="  homeCurrency: CHX\n"), "reference-currency", 9),
    (reference(more="  aggregateCurrency: true\n"), "reference-currency", 9),
    (reference(currencies="[USD, EUX]"), "reference-currency", 5),
    (
        reference(more="  segmentationRule: {name: R, segments: [Region, REGION]}\n"),
        "reference-duplicate",
        9,
    ),
]

FLAWED += [
    (reference(currencies=currencies, more=more), rule, line)
    for currencies, more, rule, line in (
        ("[USD, {code: USD}]", "", "reference-duplicate", 5),
        ("[USD, {code: EUX, inactiveSince: 2020-01-01}]", "", "reference-currency", 5),
        ("[{code: USD, minorUnits: 3}]", "", "reference-currency", 5),
        ("[USD, {code: HRK, minorUnits: 0}]", "", "reference-currency", 5),
        (
            "[USD, {code: HRK, inactiveSince: 2023-01-01}]",
            "  homeCurrency: HRK\n",
            "reference-currency",
            9,
        ),
        ("[{code: USD, minorUnits: 9}]", "", "schema-range", 5),
        ("[USD, {minorUnits: 2}]", "", "schema-missing-field", 5),
        ("[USD, {code: XYZ, minorUnit: 2}]", "", "schema-unknown-field", 5),
        ("[USD, {code: HRK, inactiveSince: 2023}]", "", "schema-date", 5),
        (
            "[USD]",
            (
                "  segmentationRule: {name: R, segments: [A]}\n"
                "  segmentationRules: [{name: R, segments: [A]}]\n"
            ),
            "reference-history",
            9,
        ),
        (
            "[USD]",
            "  segmentationRules: [{name: R, segments: [A]}, {name: S, segments: [B]}]\n",
            "reference-history",
            9,
        ),
        (
            "[USD]",
            (
                "  segmentationRules:\n"
                "    - {name: R, segments: [A], inactiveSince: 2026-01-02}\n"
                "    - {name: S, segments: [B], activeSince: 2026-01-01}\n"
            ),
            "reference-history",
            11,
        ),
        (
            "[USD]",
            "  segmentationRules:\n    - {name: R, segments: [A, a], inactiveSince: 2026-01-01}\n",
            "reference-duplicate",
            10,
        ),
    )
]

SOUND = [
    reference(
        currencies="[USD, {code: HRK, inactiveSince: 2023-01-01, minorUnits: 2}, "
        "{code: XYZ, minorUnits: 3}]",
        more="  homeCurrency: XYZ\n"
        "  segmentationRules:\n"
        "    - {name: R, segments: [A], inactiveSince: 2026-01-01}\n"
        "    - {name: S, segments: [A, B], activeSince: 2026-01-01}\n",
    ),
    reference(periods=f"{JANUARY}, {period('Mar-2026', '2026-03-01', '2026-03-31')}"),
    reference(periods=f"{period('Open', '2026-02-01')}, {JANUARY}"),
    reference(currencies="[USD, HRK, BGN]", more="  homeCurrency: USD\n"),
]


def books(root, text):
    (root / "reconciler.yaml").write_text(WORKSPACE)
    (root / "reference.yaml").write_text(text)
    return root


@pytest.mark.parametrize(("text", "rule", "line"), FLAWED)
def test_t05_a_reference_that_contradicts_itself_is_refused_at_its_place(
    tmp_path, text, rule, line
):
    (found,) = read_workspace(books(tmp_path, text)).problems
    assert (found.rule, found.path, found.line) == (rule, "reference.yaml", line)
    assert found.severity == "error"


@pytest.mark.parametrize("text", SOUND)
def test_t05_gaps_and_withdrawn_currencies_are_no_flaw(tmp_path, text):
    assert read_workspace(books(tmp_path, text)).problems == ()


def test_t05_organizations_may_have_periods_of_the_same_days(tmp_path):
    """The Reference does not say whose they are, so that is said."""
    text = reference(
        periods=f"{JANUARY}, {period('North Jan', '2026-01-01', '2026-01-31')}",
        more="  organizations: [{id: O-1, name: North}]\n",
    )
    (found,) = read_workspace(books(tmp_path, text)).problems
    assert (found.rule, found.severity) == ("reference-overlap", "warning")


def test_t05_the_command_line_refuses_a_reference_that_contradicts_itself(tmp_path):
    text, rule, line = FLAWED[0]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    for verb in (["validate"], ["plan", "--offline"]):
        run = Program([*verb, "-w", books(tmp_path, text)], **pipes)
        out, err = run.communicate()
        assert run.returncode == 3
        assert f"reference.yaml:{line}:" in out + err
        assert f"error[{rule}]" in out + err
