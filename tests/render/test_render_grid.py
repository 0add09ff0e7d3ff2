"""Every form of a plan for every sort of it: one golden file each, to be read side by side."""

import hashlib
from dataclasses import replace

import plan_scenes
import pytest
import run_scenes
from document_schemas import must_fit
from html_harness import large_plan

from reconciler.core.documents.plan_file import plan_text
from reconciler.core.model.review import Requirement
from reconciler.render.annotations import plan_annotations
from reconciler.render.html.document import plan_html
from reconciler.render.junit import plan_junit
from reconciler.render.markdown import LIMIT, plan_markdown
from reconciler.render.spreadsheet import plan_csv
from reconciler.render.styled_text import plain_text
from reconciler.render.text import overview_lines, plan_lines

PLANS = plan_scenes.SCENES
RUNS = run_scenes.SCENES
SCENES = {
    "create": PLANS["create-foreign"],
    "update": PLANS["update"],
    "replace": PLANS["replace"],
    "remove": PLANS["remove"],
    "blocked": PLANS["blocked-transferred"],
    "drift": PLANS["drift-and-change"],
    "adopt": RUNS["adopt"],
    "run with a stuck entry": RUNS["held"],
    "empty": PLANS["nothing"],
    "waiting": PLANS["waiting"],
    "rehearsal refused": PLANS["rehearsal-refused"],
    "rehearsal differs": PLANS["rehearsal-differs"],
}
FORMS = {
    "txt": lambda plan: plain_text(plan_lines(plan)),
    "summary.txt": lambda plan: plain_text(overview_lines(plan)),
    "md": plan_markdown,
    "json": plan_text,
    "github.txt": lambda plan: plan_annotations(plan, "journals/"),
    "junit.xml": lambda plan: plan_junit(plan, "journals/"),
    "csv": plan_csv,
}
"""HTML has golden files of its own, beside the tests that look at it in a browser."""

ENDS = 60
"""So many lines of a long text are kept from each end, with a digest of all of it."""


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", SCENES)
def test_every_form_of_every_plan(name, form, golden):
    golden(f"grid/{name.replace(' ', '-')}.{form}", FORMS[form](SCENES[name]().plan()))


@pytest.fixture(scope="module")
def five_hundred():
    return large_plan(500)


@pytest.mark.parametrize("form", FORMS)
def test_five_hundred_changes_in_every_form(five_hundred, form, golden):
    text = FORMS[form](five_hundred)
    rows = text.splitlines()
    digest = hashlib.sha256(text.encode()).hexdigest()
    ends = rows if len(rows) <= 2 * ENDS else [*rows[:ENDS], "[...]", *rows[-ENDS:]]
    golden(f"grid/500.{form}", "\n".join((*ends, f"[{len(rows)} lines, {digest}]", "")))


def test_five_hundred_changes_stay_within_a_comment(five_hundred):
    text = plan_markdown(five_hundred)
    assert len(text) <= LIMIT
    assert "left out for length" in text


@pytest.mark.parametrize("name", SCENES)
def test_the_json_of_every_plan_is_what_its_schema_describes(name):
    must_fit("plan", FORMS["json"](SCENES[name]().plan()))


@pytest.mark.parametrize("form", [*FORMS, "html"])
def test_every_form_for_people_says_which_approvals_are_required(form):
    """Annotations, cases and rows are about single changes, and leave it to the others."""
    needed = Requirement(approvals=2, because=("USD 100,000.00 and more",))
    plan = replace(SCENES["create"]().plan(), requirement=needed)
    text = plan_html(plan) if form == "html" else FORMS[form](plan)
    told = "100,000.00 and more" in text or "100&#44;000&#46;00 and more" in text
    assert told is (form not in ("github.txt", "junit.xml", "csv"))
