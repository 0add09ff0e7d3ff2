"""Text from files and servers cannot move the cursor, hide a line, or forge one (I-80)."""

import re

import pytest
from hostile_texts import HOSTILE, is_safe, plan_of
from plan_scenes import Scene, entry

from reconciler.core.documents.plan_digest import with_digest
from reconciler.core.documents.plan_file import plan_of as read_plan
from reconciler.core.documents.plan_file import plan_text
from reconciler.core.model.canonical import UNSAFE
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


def test_the_json_of_a_plan_is_safe_and_is_read_as_it_was(hostile):
    if "\ud800" in hostile:
        pytest.skip("half a surrogate pair is refused when files and answers are read")
    plan = plan_of(hostile)
    text = plan_text(plan)
    assert not re.search(f"[{UNSAFE}]", text.replace("\n", ""))
    assert "##[" not in text
    assert plan_text(read_plan(text)) == text
    assert read_plan(text).digest == with_digest(plan).digest


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


@pytest.mark.parametrize(
    "hidden",
    [chr(at) for at in (0xA0, 0x34F, 0x115F, 0x180E, 0x2009, 0x200C, 0x200D, 0x202F, 0x2800,
                        0x3164, 0xFE0F, 0xFFA0, 0xE0100)],
    ids=ascii,
)  # fmt: skip
def test_a_character_that_nobody_sees_is_written_out(hidden):
    """`Sales` cannot become another `Sales`."""
    for text in (f"Sales{hidden}", f"{hidden}Sales", f"Sa{hidden}les"):
        assert escaped(text) == text.replace(hidden, ascii(hidden)[1:-1])


@pytest.mark.parametrize(
    "text", ["e\u0301\u0308", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
             "\U0001f468\u200d\U0001f469", "\u2764\ufe0f", "\u3042\u3000\u3044"], ids=ascii
)  # fmt: skip
def test_what_scripts_and_emoji_need_stays(text):
    assert escaped(text) == text


def test_a_tower_of_marks_is_cut():
    assert escaped("e" + "\u0301" * 4) == "e\u0301\u0301" + "\\u0301" * 2


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (
            "Sales",
            "S\u0430les",
            "Sales -> S\u0430les [U+0430 (cyrillic small letter a) at position 2]",
        ),
        ("Sales", "Rent", "Sales -> Rent"),
    ],
)
def test_a_value_that_looks_the_same_names_the_character(before, after, told):
    scene = Scene().entry("a", entry(Preparer__c=after), was=entry(Preparer__c=before))
    assert f"Preparer__c: {told}" in plain_text(plan_lines(scene.plan()))


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
