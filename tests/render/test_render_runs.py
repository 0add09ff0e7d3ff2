"""Journal runs and adoptions as people read them, a golden file each."""

from dataclasses import replace

import plan_scenes
import pytest
from document_schemas import must_fit
from run_scenes import IN_PART, SCENES, TEN, RunScene, spec

from reconciler.core.documents.plan_file import plan_text
from reconciler.core.model.resource import Address
from reconciler.core.rules.catalog import refusal
from reconciler.render.sections.plan_rows import reversal_rows
from reconciler.render.styled_text import plain_text
from reconciler.render.text import drift_lines, plan_lines


def shown(found, golden, name, lines):
    golden(f"{name}.txt", plain_text(lines(found.plan())))


@pytest.mark.parametrize("name", SCENES)
def test_a_plan_with_a_run_reads_like_this(name, golden):
    shown(SCENES[name](), golden, f"run-{name}", plan_lines)
    must_fit("plan", plan_text(SCENES[name]().plan()))


def test_a_run_cancelled_in_part_reads_like_this_as_drift(golden):
    scene = RunScene().run(spec(), was=spec(), members=IN_PART)
    shown(scene, golden, "drift-run-in-part", drift_lines)


def test_a_run_whose_entries_were_deleted_reads_like_this_as_drift(golden):
    entries = tuple(one.number for one in TEN)
    scene = RunScene().run(spec(), was=spec(), members=IN_PART[2:5], entries=entries[:5])
    shown(scene, golden, "drift-run-deleted", drift_lines)


def test_a_blocked_run_marks_no_entry_of_its_name_in_a_pair_of_reversals():
    plan = plan_scenes.SCENES["reversal"]().plan()
    (run,) = SCENES["create"]().plan().changes
    name = Address(run.address.kind, plan.reversals[0].original)
    blocked = replace(run, address=name).blocked_by(refusal("period-frozen", "it is frozen"))
    assert reversal_rows(plan.reversals, (*plan.changes, blocked)) == reversal_rows(
        plan.reversals, plan.changes
    )
