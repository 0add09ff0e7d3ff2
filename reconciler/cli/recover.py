"""`reconciler daybook recover`: shows and settles what earlier runs left open."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence

import click

from reconciler.app.session import ReadSession, WriteSession, open_session
from reconciler.app.settlement import Answers, examine_open
from reconciler.app.settlement import recover as settle
from reconciler.cli.inputs import checked_workspace
from reconciler.cli.options import common_options, format_option
from reconciler.cli.printer import Printer
from reconciler.cli.terminal import out, out_text
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.resource import Address
from reconciler.core.recovery.open_calls import recovery_document
from reconciler.errors import AppliedInPart
from reconciler.render.open_calls import verdict_lines


@click.command(short_help="Show and settle what earlier runs left open.")
@click.option("--dry-run", is_flag=True, help="Only show what is open, and what would settle it.")
@click.option(
    "--posted",
    multiple=True,
    metavar="ADDRESS=NUMBER",
    help="An open create made this: JournalEntry/NAME=JE-… or JournalRun/NAME=JR-…. It is read, "
    "and must fit.",
)
@click.option(
    "--not-posted",
    multiple=True,
    metavar="ADDRESS",
    help="An open create made nothing. Refused while it still might, and when a search finds it.",
)
@click.option(
    "--set-aside",
    is_flag=True,
    help="Take in of a rescue file only what fits the daybook, and rename it.",
)
@format_option("text", "json")
@common_options
def recover(
    *,
    dry_run: bool,
    posted: Sequence[str],
    not_posted: Sequence[str],
    set_aside: bool,
    style: str,
) -> int:
    """Show every call whose outcome is not known, and settle what can be settled now.

    Exits 6 when something stays unknown, and 0 when nothing does.
    """
    made, nothing = _answers(posted, not_posted)
    if dry_run and (made or nothing or set_aside):
        raise click.UsageError("--dry-run changes nothing: say it without the answers.")
    workspace, printer = checked_workspace(), Printer(style=style)
    if dry_run:
        with open_session(ReadSession, workspace) as session:
            recovery = examine_open(session, tell=printer)
    else:
        answers = Answers(posted=made, not_posted=nothing, set_aside=set_aside)
        with open_session(WriteSession, workspace, command="recover") as session:
            recovery = settle(session, answers, tell=printer)
    if style == "json":
        document = recovery_document(recovery)
        out_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    else:
        out(verdict_lines(recovery))
    return 0 if recovery.complete else AppliedInPart.exit_code


def _answers(
    posted: Sequence[str], not_posted: Sequence[str]
) -> tuple[Mapping[Address, str], frozenset[Address]]:
    """What somebody says of open creates: one thing of each."""
    made = [_answer(text) for text in posted]
    nothing = frozenset(_address(text) for text in not_posted)
    said = Counter([address for address, _ in made] + [*nothing])
    for address in sorted(address for address, times in said.items() if times > 1):
        raise click.UsageError(f"Two answers are given for {address}: give one.")
    return dict(made), nothing


def _answer(text: str) -> tuple[Address, str]:
    """An address with its number."""
    where, equals, number = text.partition("=")
    address = _address(where)
    if not equals or not re.fullmatch(KINDS[address.kind].number_pattern, number):
        raise click.UsageError(
            f"--posted takes an address and a number, as JournalEntry/NAME=JE-00000042: {text}"
        )
    return address, number


def _address(text: str) -> Address:
    kind, slash, name = text.partition("/")
    if not slash or kind not in KINDS or not name:
        raise click.UsageError(f"An address is a kind and a name, as JournalEntry/NAME: {text}")
    return Address(kind, name)
