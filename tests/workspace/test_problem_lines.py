"""A problem on screen: one line and its remedy, whatever the file tried to smuggle in."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.model.finding import Problem, Severity
from reconciler.render.problems import problem_lines


def lines(message, *, path="2026/a.yaml", remedy="Do that.", severity=Severity.ERROR):
    return problem_lines(
        Problem(
            path=path,
            line=14,
            column=3,
            rule="lines-balance",
            message=message,
            remedy=remedy,
            severity=severity,
        )
    )


def test_a_problem_is_its_place_its_rule_the_fact_and_the_remedy():
    assert lines("debits exceed credits by USD 0.10") == (
        "2026/a.yaml:14:3: error[lines-balance]: debits exceed credits by USD 0.10",
        "    To fix: Do that.",
    )


def test_a_warning_says_so_and_a_missing_remedy_takes_no_line():
    assert lines("m", remedy="", severity=Severity.WARNING) == (
        "2026/a.yaml:14:3: warning[lines-balance]: m",
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("a\x1b[2Kb", "a\\x1b[2Kb", id="escape sequence"),
        pytest.param("a\nb\r\tc", "a\\x0ab\\x0d\\x09c", id="line ends and tab"),
        pytest.param("a\x9b1m", "a\\x9b1m", id="C1 control"),
        pytest.param("a\u202eb\u2066", "a\\u202eb\\u2066", id="turned text"),
        pytest.param("a\u2028b\u0085", "a\\u2028b\\x85", id="line separators"),
        pytest.param("a\u200bb\ufeff", "a\\u200bb\\ufeff", id="nothing to see"),
        pytest.param("a\udcff", "a\\udcff", id="lone surrogate"),
        pytest.param("a\U000e0041", "a\\U000e0041", id="tag character"),
        pytest.param("Zürich 💰 ｗｉｄｅ", "Zürich 💰 ｗｉｄｅ", id="letters stay"),  # noqa: RUF001
    ],
)
def test_what_could_forge_output_is_shown_escaped(text, shown):
    fact, remedy = lines(text, path=f"{text}.yaml", remedy=text)
    assert fact == f"{shown}.yaml:14:3: error[lines-balance]: {shown}"
    assert remedy == f"    To fix: {shown}"


@given(st.text(st.characters(codec=None)))
def test_any_text_stays_on_its_line(text):
    for line in lines(text, path=text, remedy=text):
        assert len(line.splitlines()) <= 1
        assert not [c for c in line if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]
        assert line.encode()
