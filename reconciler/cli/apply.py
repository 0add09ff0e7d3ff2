"""`reconciler apply`: converge the ledger, as planned and no further."""

from pathlib import Path
from typing import Any

import click

from reconciler.app.apply import ApplyOptions, Interaction, Stop, apply_workspace
from reconciler.app.approvals import change_options
from reconciler.app.provenance import plan_key
from reconciler.app.reviewed_plan import Consent, options_of
from reconciler.app.session import WriteSession, open_session
from reconciler.app.state_directory import LockWait
from reconciler.cli.inputs import (
    asking,
    checked_workspace,
    plan_options,
    require_terminal,
    saved_plan,
)
from reconciler.cli.options import (
    allowance_options,
    common_options,
    forge_options,
    format_option,
    parallelism_option,
    scope_options,
    search_options,
)
from reconciler.cli.printer import Printer
from reconciler.cli.signals import stopping
from reconciler.cli.terminal import progress
from reconciler.render.text import plan_lines, verdict_lines


@click.command()
@click.argument("planfile", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--auto-approve", "--yes", "-y", is_flag=True, help="Apply without asking.")
@click.option(
    "--plan-digest",
    metavar="sha256:…",
    help="Apply only if the plan made now has this digest, the one that was reviewed.",
)
@scope_options
@allowance_options
@search_options
@click.option(
    "--first-apply",
    is_flag=True,
    help="Nothing of this workspace was ever applied to this ledger, or nothing but what "
    "--probe-from finds: go on with a new daybook where the ledger cannot be searched.",
)
@click.option(
    "--lock-timeout",
    type=click.FloatRange(min=0),
    default=0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait when another run is writing to the daybook.",
)
@parallelism_option
@click.option(
    "--continue-on-error",
    is_flag=True,
    help="Go on in an accounting period after a change in it did not succeed.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=360,
    show_default=True,
    metavar="MINUTES",
    help="How long the whole run may take. Then nothing new is begun, and what is in flight is "
    "settled.",
)
@click.option(
    "--run-timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=30,
    show_default=True,
    metavar="MINUTES",
    help="How long the ledger may work on a journal run before apply no longer waits.",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the report as JSON, even when the run ends badly.",
)
@forge_options
@format_option("text", "json")
@common_options
def apply(
    *,
    planfile: Path | None,
    plan_digest: str | None,
    auto_approve: bool,
    lock_timeout: float,
    parallelism: int,
    timeout: float,
    report: Path | None,
    style: str,
    **given: Any,
) -> int:
    """Converge the ledger: settle what is open, plan, ask, and carry the plan out.

    With PLANFILE or --plan-digest, the plan is made anew and must be the one that was reviewed.
    """
    saved = saved_plan(planfile, key=plan_key()) if planfile is not None else None
    consent = Consent(saved=saved, digest=plan_digest, everything=auto_approve)
    if not consent.given:
        require_terminal("Name a saved plan, or add --plan-digest or --auto-approve.")
    plan = options_of(saved, plan_options(given))
    options = ApplyOptions(consent=consent, plan=plan, change=change_options(given), **given)
    workspace, stop = checked_workspace(), Stop()
    interaction = Interaction(
        tell=Printer(
            style=style,
            report_file=report,
            draw_plan=plan_lines if consent.reviewed is None else verdict_lines,
        ),
        progress=progress,
        confirm=asking("Apply", "applied", "change"),
        stop=stop,
    )
    with (
        stopping(stop, after=60 * timeout),
        open_session(
            WriteSession,
            workspace,
            command="apply",
            parallelism=parallelism,
            sleep=stop.pause,
            lock_wait=LockWait(timeout=lock_timeout, pause=stop.pause_or_end),
        ) as session,
    ):
        return apply_workspace(session, options, interaction)
