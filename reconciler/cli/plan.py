"""`reconciler plan`: shows what apply would do."""

from pathlib import Path
from typing import Any

import click

from reconciler.app.files.text_files import require_writable, write_text
from reconciler.app.plan import plan_workspace
from reconciler.app.provenance import issued, plan_key
from reconciler.app.rehearsing import MOST_CHANGES, RehearsalOptions
from reconciler.app.session import Access
from reconciler.cli.inputs import checked_workspace, given_plan_options
from reconciler.cli.options import (
    EXISTING_FILE,
    file_option,
    flag_option,
    ledger_options,
    output_options,
    plan_options,
    take,
)
from reconciler.cli.show import print_plan, require_text, summary_option
from reconciler.cli.terminal import ending_with_refusal, note, progress, refused_beside
from reconciler.core.documents.plan_file import plan_text
from reconciler.core.model.command import suggested
from reconciler.errors import ExpectationFailed, Refused, UsageError
from reconciler.render import RENDERERS
from reconciler.render.phrases import refused_text

CHANGES_PENDING = 2


@click.command()
@file_option("--out", "save_to", text="Save the plan, for `apply FILE` and `show FILE`.")
@click.option(
    "--expires",
    "hours",
    type=click.IntRange(1, 24 * 366),
    default=24 * 7,
    show_default=True,
    metavar="HOURS",
    help="How long the saved plan may be applied.",
)
@flag_option("--detailed-exitcode", text="Exit 2 if changes are pending, 0 if there are none.")
@flag_option("--expect-no-changes", text="Exit 7 if changes are pending.")
@flag_option(
    "--offline",
    text="Plan from files and daybook alone, without connection or credentials. The "
    "plan cannot be applied.",
)
@click.option(
    "--base",
    metavar="REVISION",
    help="With --offline, compare with the files at the commit where the change began, and with no "
    "daybook. [default: the target branch of the CI job, where no daybook is in a file]",
)
@click.option(
    "--by",
    multiple=True,
    metavar="DIMENSION",
    help="Divide every row of the impact by this segment or listed custom field. Repeatable.",
)
@flag_option(
    "--rehearse",
    text="Apply the plan to a scratch ledger in memory. Exit 7 if that refuses a change or ends "
    "with other balances.",
)
@click.option(
    "--rehearse-as",
    "permissions",
    metavar="PERMISSIONS",
    help="The permissions of the rehearsal, separated by commas. [default: to create, edit, cancel "
    "and delete entries and runs]",
)
@click.option(
    "--rehearse-limit",
    "limit",
    type=click.IntRange(min=0),
    default=MOST_CHANGES,
    show_default=True,
    metavar="N",
    help="The most changes that are rehearsed.",
)
@click.option(
    "--transactions",
    type=EXISTING_FILE,
    metavar="FILE",
    help="Source transactions that new journal runs of the rehearsal summarize, as `ledger "
    "load-transactions` takes them.",
)
@plan_options
@ledger_options
@summary_option
@output_options(*RENDERERS)
def plan(
    *,
    save_to: Path | None,
    hours: int,
    detailed_exitcode: bool,
    expect_no_changes: bool,
    offline: bool,
    rehearse: bool,
    permissions: str | None,
    limit: int,
    transactions: Path | None,
    summary: bool,
    style: str,
    **given: Any,
) -> int:
    """Compare files and ledger, and show what apply would do. Changes nothing.

    --target, --exclude, --period and --select limit the plan, which is then marked as partial.
    """
    require_text(style, summary=summary)
    if offline and given["find"]:
        raise UsageError(
            "--find searches the ledger, so it cannot be combined with --offline",
            remedy="Omit one of the two.",
        )
    if given["base"] is not None and not (offline and given["base"]):
        raise UsageError(
            "--base names a commit for --offline",
            remedy="Name a commit, and add --offline. Or omit --base.",
        )
    for flag, given_value in (("--rehearse-as", permissions), ("--transactions", transactions)):
        if given_value is not None and not rehearse:
            raise UsageError(f"{flag} needs --rehearse", remedy=f"Add it, or omit {flag}.")
    if rehearse:
        names = tuple(filter(None, map(str.strip, (permissions or "").split(","))))
        given["rehearsal"] = RehearsalOptions(
            permissions=names, limit=limit, transactions=transactions
        )
    options, access = given_plan_options(given, offline=offline), take(Access, given)
    require_writable(save_to)
    workspace = checked_workspace(cached=not options.reading.no_cache)
    with ending_with_refusal(style):
        found = plan_workspace(workspace, options, access, progress=progress)
    made = found.plan
    if save_to is not None:
        made = issued(made, workspace.root, at=found.at, hours=hours)
        # Only what is saved shows it, and it takes the clients of the forges.
        from reconciler.app.approvals import with_sign_off

        made = with_sign_off(made, workspace.root, since=found.since, ca_bundle=access.ca_bundle)
        write_text(save_to, plan_text(made, key=plan_key()))
    print_plan(made, style, summary=summary)
    if save_to is not None:
        apply_it = f" To apply exactly this: {suggested('apply', save_to)}"
        note(f"Saved to {save_to}.{'' if offline or made.refusals else apply_it}")
    if made.refusals:
        refused_beside(refused_text(made.refusals), style)
        return Refused.exit_code
    if made.rehearsal is not None and not made.rehearsal.holds:
        return ExpectationFailed.exit_code
    if (made.pending or made.unanswered) and expect_no_changes:
        return ExpectationFailed.exit_code
    # An apply answers nothing that the ledger alone asks for.
    return CHANGES_PENDING if made.asked and detailed_exitcode else 0
