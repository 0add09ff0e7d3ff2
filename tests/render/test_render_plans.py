"""Plans as people read them: one golden file for each sort of change, block, guard and drift."""

import pytest
from document_schemas import must_fit
from plan_scenes import SCENES

from reconciler.core.documents.plan_file import plan_text
from reconciler.core.documents.plan_json import plan_from
from reconciler.core.model.json_text import read_json
from reconciler.render.styled_text import plain_text
from reconciler.render.text import drift_lines, plan_lines


@pytest.mark.parametrize("name", SCENES)
def test_a_plan_reads_like_this(name, golden):
    plan = SCENES[name]().plan()
    golden(f"plan-{name}.txt", plain_text(plan_lines(plan)))
    must_fit("plan", plan_text(plan))


@pytest.mark.parametrize("name", SCENES)
def test_a_saved_plan_reads_like_the_plan(name):
    plan = SCENES[name]().plan()
    saved = plan_from(read_json(plan_text(plan), what="the file"))
    assert plain_text(plan_lines(saved)) == plain_text(plan_lines(plan))


@pytest.mark.parametrize("name", ["drift-notes", "drift-cancelled", "drift-gone", "nothing"])
def test_drift_reads_like_this(name, golden):
    golden(f"drift-{name}.txt", plain_text(drift_lines(SCENES[name]().plan())))


@pytest.mark.parametrize("name", SCENES)
def test_a_plan_keeps_its_shape(name):
    """Each line has no trailing space, and nothing stands out of its column."""
    text = plain_text(plan_lines(SCENES[name]().plan()))
    assert all(row == row.rstrip() for row in text.splitlines())
    # A refused plan ends with its refusal.
    ends = "REFUSED, nothing was applied: " if name.startswith("refused") else "Digest: sha256:"
    assert text.splitlines()[-1].startswith(ends)
    assert "\n\n\n" not in text
