"""`reconciler drift`: shows what changed in the ledger since the last apply."""

from dataclasses import replace
from typing import Any

import click

from reconciler.app.plan import LiveSource, drift_plan
from reconciler.app.session import Access
from reconciler.cli.inputs import checked_workspace, given_reading
from reconciler.cli.options import ledger_options, output_options, reading_options, take
from reconciler.cli.terminal import out, out_json, progress
from reconciler.core.documents.plan_json import document_of
from reconciler.core.model.finding import Severity
from reconciler.errors import ExpectationFailed
from reconciler.render.text import drift_lines

_KEYS = (
    *("workspace", "target", "live"),
    *("drift", "unanswered", "transfers", "warnings", "warning_rules"),
)


@click.command()
@click.option(
    "--ignore",
    "ignored",
    multiple=True,
    type=click.Choice(["transfer-error"]),
    help="Leave out differences under this rule. Repeatable.",
)
@reading_options
@ledger_options
@output_options("text", "json")
def drift(
    *,
    ignored: tuple[str, ...],
    style: str,
    **given: Any,
) -> int:
    """Show what changed in the ledger since the last apply.

    Exits 7 if anything did, or if a difference remains that no change answers.
    """
    reading, access = given_reading(given), take(Access, given)
    if reading.live is None:
        reading = replace(reading, live=LiveSource.READS)
    workspace = checked_workspace(cached=not reading.no_cache)
    plan = drift_plan(workspace, reading, access, progress=progress)
    told = tuple(one for one in plan.unanswered if one.rule not in ignored)
    plan = replace(plan, unanswered=told)
    if style == "json":
        document = document_of(plan)
        out_json({key: document[key] for key in _KEYS if key in document})
    else:
        out(drift_lines(plan))
    warned = any(one.severity is Severity.WARNING for one in plan.warnings)
    differs = plan.drift or plan.unanswered or warned
    return ExpectationFailed.exit_code if differs else 0
