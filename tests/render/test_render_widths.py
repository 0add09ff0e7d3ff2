"""Plans on terminals of every width: what a reader must not misread stays in one piece."""

import re

import plan_scenes
import pytest
import run_scenes
from hypothesis import given
from hypothesis import strategies as st
from plan_scenes import Scene, credit, debit, entry

from reconciler.render.change_view import cancelling_text
from reconciler.render.styled_text import columns_of, line, plain_text, table
from reconciler.render.text import overview_lines, plan_lines

PLANS, RUNS = plan_scenes.SCENES, run_scenes.SCENES

WHOLE = re.compile(
    r"\b[A-Z]{3} [\d,]+(?:\.\d+)?|\d[\d,]*(?:\.\d+)? (?:Dr|Cr)\b|\d{4}-\d\d-\d\d"
    r"|\bJ[ER]-\d+|[\w./-]+\.yaml:\d+|sha256:[0-9a-f]+|-/\+ replace|[~+!-] [a-z]+\b(?=  )"
)
"""Amounts, dates, numbers of entries, places in files, digests, actions."""


def broken(text, folded, codes=()):
    """What one line of a text has, and no line of the folded text."""
    there = set(WHOLE.findall(text)) | {code for code in codes if code in text}
    lines = folded.splitlines()
    return sorted(piece for piece in there if not any(piece in row for row in lines))


def too_wide(folded, width):
    """The lines that are wider than the screen, and more than one text that is not broken."""
    pieces = re.compile(r'`[^`]*`\S*|\S*"[^"]*"\S*|\S+')
    return [
        row
        for row in folded.splitlines()
        if columns_of(row) > width and len(pieces.findall(row.replace("Digest: ", ""))) > 1
    ]


CODES = [
    "Cash",
    "Deferred Revenue",
    "売掛金 前受収益",
    "Créances à recevoir",
    "C\u0327re\u0301ances E\u0301chues",
    "Professional Services Revenue of Europe",
]
WORDS = ["rent", "前受収益", "true-up", "e\u0301te\u0301", "2026-01-31", "1,234.56", "of"]
AMOUNTS = st.integers(min_value=1, max_value=10**13).map(lambda cents: f"{cents / 100:.2f}")
NOTES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=30).map(" ".join)
NAMES = st.from_regex(r"2026-01-[a-z]{1,12}(-[a-z]{1,12}){0,2}", fullmatch=True)


@st.composite
def scenes(draw):
    """Entries that are created, updated, replaced and removed; more than ten make a long plan."""
    scene = Scene()
    for name in draw(st.lists(NAMES, min_size=1, max_size=12, unique=True)):
        one, other = (
            entry(
                debit(amount := draw(AMOUNTS), draw(st.sampled_from(CODES)), notes=draw(NOTES)),
                credit(amount, draw(st.sampled_from(CODES))),
                currency=draw(st.sampled_from(["USD", "EUR"])),
                notes=draw(NOTES),
            )
            for _ in range(2)
        )
        declared, was = draw(
            st.sampled_from(
                [(one, None), (one, other), ({**one, "notes": "other"}, one), (None, one)]
            )
        )
        scene.entry(name, declared, was=was)
    return scene


@given(scenes(), st.integers(min_value=60, max_value=200))
def test_nothing_is_broken_and_no_line_is_too_wide(scene, width):
    parts = plan_lines(scene.plan())
    folded = plain_text(parts, width)
    assert broken(plain_text(parts), folded, CODES) == []
    assert too_wide(folded, width) == []


@pytest.mark.parametrize("width", [60, 80, 120])
def test_every_scene_fits_a_screen(width):
    found = {}
    for name, scene in [*PLANS.items(), *((f"run {name}", one) for name, one in RUNS.items())]:
        plan = scene().plan()
        for parts in (plan_lines(plan), overview_lines(plan)):
            text, folded = plain_text(parts), plain_text(parts, width)
            if wrong := [*broken(text, folded), *too_wide(folded, width)]:
                found[name] = wrong
    assert found == {}


@pytest.mark.parametrize("width", [60, 80])
@pytest.mark.parametrize("name", ["everything", "replace-currency", "reversal"])
def test_a_narrow_screen_reads_like_this(name, width, golden):
    golden(f"width-{width}-{name}.txt", plain_text(plan_lines(PLANS[name]().plan()), width))


def test_a_wide_enough_screen_and_a_pipe_show_the_same():
    parts = plan_lines(PLANS["everything"]().plan())
    assert plain_text(parts, 200) == plain_text(parts)


TITLES = ("Code", "Debit", "Credit", "")


@pytest.mark.parametrize(
    ("parts", "width", "shown"),
    [
        pytest.param(
            [line("please run `reconciler apply -w a` to go on", indent=2)],
            30,
            "  please run\n      `reconciler apply -w a`\n      to go on\n",
            id="a command stays whole",
        ),
        pytest.param(
            [line("a total of USD 1,234.56 is posted")],
            20,
            "a total of\n    USD 1,234.56 is\n    posted\n",
            id="an amount stays with its currency",
        ),
        pytest.param(
            [line("look at ", ("my books/a b.yaml:12", "place"), " there")],
            24,
            "look at\n    my books/a b.yaml:12 there\n",
            id="a place in a file stays whole",
        ),
        pytest.param(
            [line('notes: "a value that is longer than the screen"')],
            20,
            'notes: "a value that\n    is longer than\n    the screen"\n',
            id="a long value is broken at blanks",
        ),
        pytest.param(
            [line("x" * 12)], 10, f"{'x' * 12}\n", id="a long word alone is left to the terminal"
        ),
        pytest.param([line("前受 収益")], 8, "前受\n    収益\n", id="two columns a character"),
        pytest.param(
            table([TITLES, ("前受収益", "1.00", "", "n"), ("Cash", "", "1.00", "")],
                  right=frozenset({1, 2}), header=True),
            40,
            "Code      Debit  Credit\n前受収益   1.00          n\nCash               1.00\n",
            id="columns are as wide as a terminal draws them",
        ),
        pytest.param(
            table([TITLES, ("Cash", "10.00", "", "a note"), ("Rent", "", "2.00", "")],
                  right=frozenset({1, 2}), header=True, indent=1),
            20,
            " Code\n Cash\n     Debit   10.00\n     a note\n Rent\n     Credit   2.00\n",
            id="a wide table is a block for each row",
        ),
        pytest.param(
            table([("Deferred Revenue", "EUR", "5.00 Dr", "=", "0")]),
            20,
            "Deferred Revenue\n    EUR  5.00 Dr  =\n    0\n",
            id="a wide table without titles breaks between cells",
        ),
    ],
)  # fmt: skip
def test_a_line_is_folded_like_this(parts, width, shown):
    assert plain_text(parts, width) == shown


def in_two_currencies():
    scene = Scene().entry("2026-01-kept", entry(), was=entry())
    scene.entry("2026-01-a", was=entry(debit("1.00"), credit("1.00"), currency="EUR"))
    return scene.entry("2026-01-b", was=entry(debit("2315.40"), credit("2315.40")))


@pytest.mark.parametrize(
    ("scene", "told"),
    [
        pytest.param(PLANS["create"], "", id="create"),
        pytest.param(PLANS["update"], "", id="update"),
        pytest.param(PLANS["forget"], "", id="forget"),
        pytest.param(PLANS["reversal"], "", id="a reversal cancels nothing"),
        pytest.param(PLANS["blocked-transferred"], "", id="blocked"),
        pytest.param(
            PLANS["replace"], "This cancels 1 posted entry, USD 12,500.00.", id="replacement"
        ),
        pytest.param(
            in_two_currencies,
            "This cancels 2 posted entries, EUR 1.00 and USD 2,315.40.",
            id="several currencies",
        ),
        pytest.param(
            PLANS["remove"], "This cancels 1 posted entry, USD 12,500.00.", id="delete"
        ),
        pytest.param(
            PLANS["remove-keeps-cancelled"],
            "This cancels 1 posted entry, USD 12,500.00.",
            id="cancel alone",
        ),
        pytest.param(
            PLANS["resumed-removal"],
            "This deletes 1 entry that is cancelled already.",
            id="what an earlier run cancelled",
        ),
        pytest.param(
            RUNS["remove"], "This cancels 10 posted entries, USD 45,500.00.", id="a journal run"
        ),
        pytest.param(
            RUNS["replace"],
            "This cancels 2 posted entries, USD 8,300.00.",
            id="a journal run is replaced",
        ),
    ],
)  # fmt: skip
def test_the_question_says_what_is_cancelled(scene, told):
    assert cancelling_text(scene().plan()) == told
