"""`reconciler daybook recover`: shows and settles what earlier runs left open."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from reconciler.cli.options import common, common_options, format_option
from reconciler.cli.terminal import err, out, out_text, problem_spans
from reconciler.core.model.resource import Address
from reconciler.errors import AppliedInPart

if TYPE_CHECKING:
    from reconciler.app.session import Desk
    from reconciler.core.model.report import Settled
    from reconciler.core.recovery.open_calls import OpenCall, Recovery
    from reconciler.engine.spill import SpillContents


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
    from reconciler.app.session import open_desk
    from reconciler.app.workspace import read_books
    from reconciler.core.recovery.open_calls import recovery_document
    from reconciler.render.open_calls import verdict_lines

    answers, nothing = _answers(posted, not_posted)
    if dry_run and (answers or nothing or set_aside):
        raise click.UsageError("--dry-run changes nothing: say it without the answers.")
    books = read_books(common().workspace)
    err(problem_spans(books.errors, books.root))
    with open_desk(books, write=not dry_run, parallelism=1) as desk:
        recovery = _recover(
            desk,
            dry_run=dry_run,
            set_aside=set_aside,
            posted=answers,
            not_posted=nothing,
            style=style,
        )
    if style == "json":
        document = recovery_document(recovery)
        out_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    else:
        out(verdict_lines(recovery))
    return 0 if recovery.complete else AppliedInPart.exit_code


def _recover(
    desk: "Desk",
    *,
    dry_run: bool,
    set_aside: bool,
    posted: Mapping[Address, str],
    not_posted: Iterable[Address],
    style: str,
) -> "Recovery":
    from dataclasses import replace

    from reconciler.app.settlement import book_of, settle_open
    from reconciler.core.model.history import Result
    from reconciler.core.recovery.open_calls import Recovery
    from reconciler.engine.manual_settlement import close_by_word
    from reconciler.engine.spill import examine
    from reconciler.render.open_calls import open_lines
    from reconciler.render.report import settled_line

    found = examine(desk.daybook, desk.rescue)
    recovery = Recovery(
        open=tuple(_open_calls(desk)),
        rescue=str(desk.rescue) if found else "",
        kept=found.lines if found else (),
        problems=found.problems if found else (),
        changed=not dry_run,
    )
    if style == "text":
        out(open_lines(recovery))
    if dry_run or (recovery.problems and not set_aside):
        return recovery
    settled = [] if found is None else [*_take_in(desk, found, anyway=set_aside)]
    settled += close_by_word(
        book_of(desk, style=style),
        desk.client,
        workspace=desk.settings.name,
        marker_place=desk.settings.marker,
        posted=posted,
        not_posted=not_posted,
    )
    err(settled_line(item) for item in settled)
    # What was not believed of a rescue file is open, and settled with all the rest.
    settled = [item for item in settled if item.result is not Result.UNKNOWN]
    settled += settle_open(desk, style=style)
    return replace(recovery, problems=(), settled=tuple(settled))


def _take_in(desk: "Desk", found: "SpillContents", *, anyway: bool) -> "Iterator[Settled]":
    """What fits of a rescue file; the file is then out of the way, unless something is left."""
    from reconciler.app.settlement import made_by
    from reconciler.core.model.history import Result
    from reconciler.engine.spill import apply_records, archive

    whole = not found.problems
    for item in apply_records(
        desk.daybook, found.lines, trusted=lambda intent, number: made_by(desk, intent, number)
    ):
        whole = whole and item.result is not Result.UNKNOWN
        yield item
    if whole or anyway:
        archive(desk.rescue, "taken" if whole else "refused")


def _open_calls(desk: "Desk") -> "Iterator[OpenCall]":
    from reconciler.core.recovery.open_calls import OpenCall
    from reconciler.engine.manual_settlement import what_settles
    from reconciler.engine.settle import age_of

    for intent in desk.daybook.unsettled():
        age = age_of(desk.client, intent)
        yield OpenCall(
            address=intent.address,
            act=intent.act.value,
            number=intent.number,
            since=intent.server_at,
            age=age,
            track_id=intent.track_id or "",
            settled_by=what_settles(intent, age),
        )


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
    from reconciler.core.model.kinds import KINDS
    from reconciler.zuora.decoding import is_number

    where, equals, number = text.partition("=")
    address = _address(where)
    if not equals or not is_number(number, kind=KINDS[address.kind]):
        raise click.UsageError(
            f"--posted takes an address and a number, as JournalEntry/NAME=JE-00000042: {text}"
        )
    return address, number


def _address(text: str) -> Address:
    from reconciler.core.model.kinds import KINDS

    kind, slash, name = text.partition("/")
    if not slash or kind not in KINDS or not name:
        raise click.UsageError(f"An address is a kind and a name, as JournalEntry/NAME: {text}")
    return Address(kind, name)
