"""A close check in every format: what fails, what was looked at, what was not."""

import json
from dataclasses import replace

import plan_scenes
import pytest
from builders import plan_for, snapshot
from document_schemas import must_fit
from hostile_texts import HOSTILE, is_safe
from html_harness import without_our_own

from reconciler.core.model.scope import Provenance
from reconciler.core.model.tenant import AccountingPeriod
from reconciler.core.planning.closing.readiness import CloseCheck, CloseItem, CloseReport
from reconciler.core.rules.close_rules import CLOSE_ITEMS
from reconciler.core.rules.plan_warnings import warning
from reconciler.render import CLOSE_RENDERERS
from reconciler.render.styled_text import plain_text

SUFFIXES = {"text": "txt", "markdown": "md", "html": "html", "json": "json", "junit": "junit.xml"}


def report(name="2026-03-rent"):
    """Two periods: one ready, one with an item in each state and more names than are shown."""
    found = {
        "pending-change": (f"{name} (create)",),
        "blocked-change": ("2026-03-sent (transferred)",),
        "not-transferred": tuple(f"entry-{at:02} JE-000000{at:02} No" for at in range(12)),
    }
    counts = {"earlier-period": 14, "period-in-reference": 1, "pending-change": 12}
    counts |= {"blocked-change": 12, "not-transferred": 1200, "transfer-error": 1200}
    items = tuple(
        CloseItem(
            item=item,
            found=found.get(item, ()),
            checked=None if item == "unmanaged" else counts.get(item, 0),
            allowed_because="The connector sends it on Monday." if item == "blocked-change" else "",
            remedy=rule.remedy.format(name),
        )
        for item, rule in CLOSE_ITEMS.items()
    )
    march = AccountingPeriod(
        name="Mar-2026", start_date="2026-03-01", end_date="2026-03-31", status="PendingClose"
    )
    february = AccountingPeriod(
        name="Feb-2026", start_date="2026-02-01", end_date="2026-02-28", status="Open"
    )
    asked = "draft and processing billing documents, trial balance run"
    ready = tuple(CloseItem(item=item, checked=1) for item in CLOSE_ITEMS)
    origin = Provenance(commit="4f1c0de9a7b2", dirty=True)
    basis = plan_for(snapshot([], [], [])).basis
    return CloseReport(
        basis=replace(basis, origin=origin),
        warnings=(warning("daybook-older", f"the daybook does not record {name}"),),
        waiting=plan_scenes.waiting().waiting,
        checked_at="2026-04-02T18:02:11+00:00",
        checks=(
            CloseCheck(period=february, items=ready, not_checked=(asked,)),
            CloseCheck(
                period=march, items=items, not_checked=("entries that nobody declares", asked)
            ),
        ),
    )


def drawn(style, of):
    found = CLOSE_RENDERERS[style](of)
    return found if isinstance(found, str) else plain_text(found)


@pytest.mark.parametrize("style", CLOSE_RENDERERS)
def test_every_format(style, golden):
    text = drawn(style, report())
    golden(f"close-check.{SUFFIXES[style]}", without_our_own(text) if style == "html" else text)
    if style == "json":
        must_fit("close-check", text)
        assert [one["ready"] for one in json.loads(text)["periods"]] == [True, False]


@pytest.mark.parametrize("style", [style for style in CLOSE_RENDERERS if style != "json"])
@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_no_text_forges_a_line(style, hostile):
    text, calm = drawn(style, report(hostile)), drawn(style, report("calm"))
    assert is_safe(text)
    assert len(text.splitlines()) == len(calm.splitlines())
