"""Text from files and servers cannot move the cursor, hide a line, or forge one (I-80)."""

import pytest
from hostile_texts import HOSTILE, is_safe, plan_of

from reconciler.core.model.finding import Problem, Refusal
from reconciler.core.model.plan import Action, Change, Reason
from reconciler.core.model.report import Applied, Outcome, report_of
from reconciler.core.model.resource import Address
from reconciler.render.escaping import escaped
from reconciler.render.problems import problem_lines
from reconciler.render.report import applied_line, report_lines
from reconciler.render.styled_text import columns_of, plain_text, table
from reconciler.render.text import drift_lines, plan_lines


def sound(text):
    """The rows of a text, with every hostile piece neutral."""
    assert is_safe(text)
    return text.splitlines()


@pytest.fixture(params=HOSTILE.values(), ids=HOSTILE)
def hostile(request):
    return request.param


def test_a_plan_is_safe_and_has_as_many_lines_as_a_calm_one(hostile):
    if "\ud800" in hostile:
        pytest.skip("half a surrogate pair is refused when files and answers are read")
    for draw in (plan_lines, drift_lines):
        rows = sound(plain_text(draw(plan_of(hostile))))
        calm = sound(plain_text(draw(plan_of("strange"))))
        assert len(rows) == len(calm)
        assert [row for row in rows if row.startswith("Plan: ")] == [
            row for row in calm if row.startswith("Plan: ")
        ]
        assert not [row for row in rows if row.startswith("::")]


def test_a_report_is_safe(hostile):
    change = Change(
        address=Address("JournalEntry", "name"),
        action=Action.BLOCKED,
        wanted=Action.CREATE,
        reason=Reason.NEW,
        block=Refusal(rule="transferred", message=hostile, remedy=hostile),
    )
    failed = Applied(
        change=change,
        outcome=Outcome.FAILED,
        number=hostile,
        message=hostile,
        remedy=hostile,
        track_id=hostile,
    )
    report = report_of((failed,), (change,))
    text = plain_text((*report_lines(report), applied_line(failed)))
    rows = sound(text)
    assert len([row for row in rows if row.startswith("Applied: ")]) == 1
    assert not [row for row in rows if row.startswith(("Plan:", "::", "Digest:"))]


def test_a_problem_is_one_line_and_its_remedy_another(hostile):
    problem = Problem(
        path=hostile, line=1, column=1, rule="lines-balance", message=hostile, remedy=hostile
    )
    lines = problem_lines(problem)
    assert len(lines) == 2
    assert all(is_safe(row) and "\n" not in row for row in lines)


def test_a_cell_does_not_break_its_table(hostile):
    rows = sound(plain_text(table([("a", hostile, "1"), ("b", "x", "2")], right=frozenset({2}))))
    assert len(rows) == 2
    assert len({columns_of(row) for row in rows}) == 1


def test_what_is_escaped_can_still_be_told():
    assert escaped("a\x1bb") == "a\\x1bb"
    assert escaped("\u2028") == "\\u2028"
    assert escaped("Grüße, 東京 ¥") == "Grüße, 東京 ¥"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("##[add-mask]9,000.00", "\\x23#[add-mask]9,000.00", id="the older shape"),
        pytest.param("a ##[error]b", "a \\x23#[error]b", id="which counts anywhere"),
        pytest.param("::add-mask::x", "\\x3a:add-mask::x", id="the newer shape"),
        pytest.param("  ::error file=a::b", "  \\x3a:error file=a::b", id="after blanks"),
        pytest.param("a::error::b", "a\\x3a:error::b", id="which a cut may begin with"),
        pytest.param("::group", "\\x3a:group", id="whose end is in another text"),
    ],
)
def test_no_text_gives_a_command_to_the_runner_of_a_job(text, shown):
    assert escaped(text) == shown
    assert escaped(shown) == shown


@pytest.mark.parametrize("text", ["std::string", "12:30", "#[1]", "a :: b", "## x", "::", "1::2"])
def test_what_only_looks_a_little_like_a_command_stays(text):
    assert escaped(text) == text
