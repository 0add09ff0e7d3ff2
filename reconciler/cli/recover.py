"""`reconciler daybook recover`: shows and settles open calls of earlier runs."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import click

from reconciler.app.connection import chosen_ledger
from reconciler.app.session import Access, ReadSession, WriteSession, open_session
from reconciler.app.settlement import Answers, examine_open
from reconciler.app.settlement import recover as settle
from reconciler.app.state_directory import require_recorded
from reconciler.app.workspace import require_valid
from reconciler.cli.inputs import checked_workspace
from reconciler.cli.options import ca_bundle_option, flag_option, output_options
from reconciler.cli.printer import Printer
from reconciler.cli.terminal import out, out_json
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.resource import Address
from reconciler.core.recovery.open_calls import recovery_document
from reconciler.errors import AppliedInPart, UsageError
from reconciler.render.open_calls import verdict_lines


@click.command(short_help="Show and settle open calls of earlier runs.")
@flag_option("--dry-run", text="Only show open calls and what would settle them.")
@click.option(
    "--posted",
    multiple=True,
    metavar="ADDRESS=NUMBER",
    help="The open create posted this: JournalEntry/NAME=JE-… or JournalRun/NAME=JR-…. "
    "It is read and must match.",
)
@click.option(
    "--not-posted",
    multiple=True,
    metavar="ADDRESS",
    help="The open create posted nothing. Refused while it still could, or if a search finds it.",
)
@flag_option(
    "--set-aside",
    text="Read only the lines of a spill file that match the daybook, and rename the file.",
)
@ca_bundle_option
@output_options("text", "json")
def recover(
    *,
    dry_run: bool,
    posted: Sequence[str],
    not_posted: Sequence[str],
    set_aside: bool,
    ca_bundle: str | None,
    style: str,
) -> int:
    """Show every call without a known outcome, and settle what can be settled now.

    Exits 6 if a call stays open, and 0 otherwise.
    """
    made, nothing = _answers(posted, not_posted)
    if dry_run and (made or nothing or set_aside):
        raise UsageError(
            "--dry-run cannot be combined with --posted, --not-posted or --set-aside",
            remedy="Omit --dry-run to settle the calls, or the answers to see them.",
        )
    workspace, printer = checked_workspace(), Printer(style=style)
    access = Access(ca_bundle=ca_bundle)
    settings = require_valid(workspace)
    # Which ledger is meant comes first, as for every verb that opens one.
    chosen_ledger(settings)
    require_recorded(workspace.root, settings)
    if dry_run:
        with open_session(ReadSession, workspace, access, by_base=False) as session:
            recovery = examine_open(session, tell=printer)
    else:
        answers = Answers(posted=made, not_posted=nothing, set_aside=set_aside)
        with open_session(WriteSession, workspace, access, command="recover") as session:
            recovery = settle(session, answers, tell=printer)
    out_json(recovery_document(recovery))
    out(verdict_lines(recovery))
    return 0 if recovery.complete else AppliedInPart.exit_code


def _answers(
    posted: Sequence[str], not_posted: Sequence[str]
) -> tuple[Mapping[Address, str], frozenset[Address]]:
    """A person's answers about open creates: one for each."""
    made = [_answer(text) for text in posted]
    nothing = frozenset(_address(text) for text in not_posted)
    said = Counter([address for address, _ in made] + [*nothing])
    for address in sorted(address for address, times in said.items() if times > 1):
        raise UsageError(f"{address} has two answers", remedy="Give one of them.")
    return dict(made), nothing


def _answer(text: str) -> tuple[Address, str]:
    where, equals, number = text.partition("=")
    address = _address(where)
    if not equals or not re.fullmatch(KINDS[address.kind].number_pattern, number):
        raise UsageError(
            f"--posted takes an address and a number, not {text}",
            remedy="Write it such as JournalEntry/NAME=JE-00000042.",
        )
    return address, number


def _address(text: str) -> Address:
    kind, slash, name = text.partition("/")
    if not slash or kind not in KINDS or not name:
        raise UsageError(
            f"an address is a kind and a name, not {text}",
            remedy="Write it such as JournalEntry/NAME.",
        )
    return Address(kind, name)
