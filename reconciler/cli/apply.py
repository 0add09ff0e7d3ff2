"""`reconciler apply`: applies the declarations to the ledger."""

from pathlib import Path
from typing import Any

import click

from reconciler.app.apply import ApplyOptions, Interaction, apply_workspace
from reconciler.app.approvals import change_options
from reconciler.app.provenance import plan_key
from reconciler.app.reviewed_plan import Consent, options_of
from reconciler.app.session import Access, WriteSession, open_session
from reconciler.cli.inputs import (
    asking,
    checked_workspace,
    given_plan_options,
    require_terminal,
    saved_plan,
    stopping,
)
from reconciler.cli.options import (
    FILE,
    file_option,
    flag_option,
    forge_options,
    given_options,
    output_options,
    parallelism_option,
    plan_options,
    take,
)
from reconciler.cli.printer import Printer
from reconciler.cli.run_record import RunRecord
from reconciler.cli.terminal import ending_with_refusal
from reconciler.errors import UsageError
from reconciler.render.text import verdict_lines


@click.command()
@click.argument("planfile", required=False, type=FILE)
@flag_option("--auto-approve", "--yes", "-y", text="Apply without confirmation.")
@click.option(
    "--plan-digest",
    metavar="sha256:…",
    help="Apply only if the new plan has this digest, the one that was reviewed.",
)
@plan_options
@click.option(
    "--lock-timeout",
    type=click.FloatRange(min=0),
    default=0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for another run that writes to the daybook.",
)
@parallelism_option
@flag_option(
    "--continue-on-error", text="Continue in an accounting period after a change in it failed."
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=360,
    show_default=True,
    metavar="MINUTES",
    help="Start no new change after this time. Calls in flight are completed.",
)
@click.option(
    "--run-timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=30,
    show_default=True,
    metavar="MINUTES",
    help="How long to wait for the ledger to complete a journal run.",
)
@file_option("--report", text="Write the report as JSON, however the run ends.")
@click.option(
    "--events",
    metavar="FILE",
    help="Write what happens as it happens, one JSON object a line; - is stdout.",
)
@forge_options
@output_options("text", "json")
def apply(
    *,
    planfile: Path | None,
    plan_digest: str | None,
    auto_approve: bool,
    timeout: float,
    report: Path | None,
    events: str | None,
    style: str,
    **given: Any,
) -> int:
    """Apply the declarations: settle open calls, plan, ask for confirmation, carry out the plan.

    With PLANFILE or --plan-digest, a new plan is made and must match the reviewed one.
    """
    style, access = _style(style, events), take(Access, given)
    streamed = Path(events) if events and events != "-" else None
    files = [one.resolve() for one in (planfile, report, streamed) if one is not None]
    if len({*files}) < len(files):
        # Nor is the refusal recorded in them.
        given_options().recorded = True
        raise UsageError(
            "two of PLANFILE, --report and --events are one file",
            remedy="Name a file of its own for each.",
        )
    printer = Printer(style=style)
    record = RunRecord(printer, style=style, report_file=report, events=events)

    def run() -> int:
        saved = saved_plan(planfile, key=plan_key()) if planfile is not None else None
        consent = Consent(saved=saved, digest=plan_digest, everything=auto_approve)
        if not consent.given:
            require_terminal("Name a saved plan, or add --plan-digest or --auto-approve.")
        plan = options_of(saved, given_plan_options(given))
        options = ApplyOptions(
            consent=consent, plan=plan, change=change_options(given, access.ca_bundle), **given
        )
        # What is left of a plan has another digest, so a digest is refused the second time.
        left = "To see what is left: `reconciler plan`"
        printer.next_step = left if plan_digest else f"To continue: {given_options().again}"
        if consent.reviewed is not None:
            printer.draw_plan = verdict_lines
        workspace = checked_workspace(cached=not plan.reading.no_cache)
        stop = access.stop
        interaction = Interaction(
            tell=record.tell,
            progress=record.progress,
            confirm=asking("Apply", "applied", "change"),
            stop=stop,
        )
        with (
            ending_with_refusal(style),
            stopping(stop, after=60 * timeout, own_process=given_options().own_process),
            open_session(WriteSession, workspace, access, command="apply") as session,
        ):
            return apply_workspace(session, options, interaction)

    return record.of(run)


def _style(style: str, events: str | None) -> str:
    """What stdout has: with the events there, nothing else."""
    if events != "-":
        return style
    if style == "json":
        # The reader of the events gets no document that is none.
        given_options().style = "text"
        raise UsageError(
            "both --events - and --format json write to stdout",
            remedy="Write the events into a file, or omit --format json.",
        )
    return "events"
