"""What the command line has to do with a rescue file: written, warned of, taken in."""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

import click

from reconciler.cli.terminal import err
from reconciler.core.model.history import Result
from reconciler.core.model.money import shown
from reconciler.engine.settle import claim_fault, settle
from reconciler.engine.spill import SpillingDaybook, take_in

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.app.session import Desk
    from reconciler.core.model.report import Settled
    from reconciler.daybook import Daybook, Intent


def book_of(desk: "Desk", *, style: str = "text") -> SpillingDaybook:
    """The daybook to write to, with what it cannot take kept beside it, or shown on stdout.

    Where stdout is a document, it is shown on stderr.
    """
    lock, told = threading.Lock(), False

    def show(text: str) -> None:
        nonlocal told
        with lock:
            stream = sys.stdout if style == "text" else sys.stderr
            if not told:
                click.echo(f"Save each line that begins with {{ as {desk.rescue}:", file=stream)
                told = True
            click.echo(text, file=stream)
            stream.flush()

    return SpillingDaybook(desk.daybook, desk.rescue, show=show)


def made_by(desk: "Desk", intent: "Intent", number: str) -> bool:
    """Whether an open create made what stands under a number, as far as a read tells."""
    settings = desk.settings
    return not claim_fault(
        desk.client, intent, number, workspace=settings.name, marker_place=settings.marker
    )


def take_in_rescue(desk: "Desk") -> "tuple[Settled, ...]":
    """Have the daybook take in what lies in a rescue file, and say so. Raises DaybookError.

    Returns what was taken in; the rest is still open, and to be settled.
    """
    from reconciler.render.report import settled_line

    def trusted(intent: "Intent", number: str) -> bool:
        return made_by(desk, intent, number)

    taken = []
    for item in take_in(desk.daybook, desk.rescue, trusted=trusted):
        if item.result is not Result.UNKNOWN:
            taken.append(item)
        err([settled_line(item)])
    return tuple(taken)


def settle_first(
    desk: "Desk",
    *,
    style: str = "text",
    may_send: bool | None = None,
    between: Callable[[], None] = lambda: None,
) -> "tuple[Settled, ...]":
    """Take in a rescue file and settle what earlier runs left open, before anything is decided.

    `between` is called after each call that was settled. For `may_send` see `settle_open`.
    Raises DaybookError.
    """
    settled = [*take_in_rescue(desk)]
    for item in settle_open(desk, style=style, may_send=may_send):
        settled.append(item)
        between()
    return tuple(settled)


def settle_open(desk: "Desk", *, style: str, may_send: bool | None = None) -> "Iterator[Settled]":
    """Settle every open call, and tell of each.

    Unless it is said, nothing is sent again where the policy requires approvals: who forgets,
    imports or recovers is asked for none.
    """
    from reconciler.render.report import settled_line

    for item in settle(
        book_of(desk, style=style),
        desk.client,
        workspace=desk.settings.name,
        marker_place=desk.settings.marker,
        adopts=desk.books.adopts,
        may_send=not desk.settings.policy.approvals.tiers if may_send is None else may_send,
    ):
        err([settled_line(item)])
        yield item


def open_call_warnings(daybook: "Daybook") -> "Iterator[str]":
    """What a reader of a plan has to know of calls that the next apply settles before it."""
    for intent in daybook.unsettled():
        yield (
            f"the {intent.act.value} of {intent.address.name}{_money_of(intent)} is open since an "
            "earlier run; the next apply settles it first, and may send it again"
        )


def _money_of(intent: "Intent") -> str:
    """The debits that a call posts, as far as its payload tells."""
    payload = json.loads(intent.payload or "null", parse_float=Decimal, parse_int=Decimal)
    rows = payload.get("journalEntryItems") if isinstance(payload, dict) else None
    if not isinstance(rows, list):
        return ""
    debits = (Decimal(str(row["amount"])) for row in rows if row.get("type") == "Debit")
    currency = str(payload.get("currency"))
    return f", {currency} {shown(sum(debits, Decimal(0)), currency)}"


def rescue_warnings(path: "Path") -> Iterator[str]:
    """What a reader of a plan has to know of a rescue file."""
    if path.exists() or path.is_symlink():
        yield (
            f"{path} holds what the daybook could not take when it was last written to, so the "
            "plan may be wrong about it; the next apply takes it in first"
        )
