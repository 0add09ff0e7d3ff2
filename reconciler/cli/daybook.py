"""`reconciler daybook …`: look at the daybook, check it, unlock it, carry it elsewhere."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.files import read_text, write_text
from reconciler.cli.options import HELP, common, common_options, format_option
from reconciler.cli.recover import recover
from reconciler.cli.terminal import counted, out, out_text
from reconciler.errors import DaybookError
from reconciler.render.styled_text import Line, line

if TYPE_CHECKING:
    from reconciler.core.model.history import Recorded
    from reconciler.daybook import CallRecord, Daybook
    from reconciler.daybook.lease import Lease
    from reconciler.workspace.settings import Settings

FORMAT_VERSION = "1.0"


@click.group(context_settings=HELP)
@common_options
def daybook() -> None:
    """Look at what the daybook remembers, check it, unlock it, carry it elsewhere."""


daybook.add_command(recover)


@daybook.command(short_help="Say what the daybook remembers.")
@format_option("text", "json")
@common_options
def show(*, style: str) -> None:
    """Show entries with their numbers, open calls, runs, and who is writing. Reads no ledger."""
    with closing(_open(write=False)) as book:
        document = _document(book)
    if style == "json":
        out_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    else:
        out(_lines(document))


@daybook.command(short_help="Check every event of the daybook.")
@click.option(
    "--against",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="An export that the daybook must have grown from: tells an older or another one.",
)
@common_options
def verify(*, against: Path | None) -> None:
    """Check that no event was altered, removed or moved since it was written."""
    from reconciler.daybook.transfer import compare, read_export

    with closing(_open(write=False)) as book:
        copy = read_export(read_text(against)) if against is not None else None
        if copy is not None:
            wrong = compare(book, copy)
            if wrong is not None:
                raise DaybookError(
                    f"the daybook {book.place} does not follow {against}: {wrong}",
                    remedy="Restore the newest copy; an apply with an older one searches the "
                    "ledger for what it lacks.",
                )
        seq, digest = book.head
        out([line(f"{counted(seq, 'event')}, serial {book.serial}: none was altered or removed.")])
        out([line(f"The last one has the hash {digest}.")])


@daybook.command(short_help="Break the lease of a writer that is stuck.")
@click.argument("lease", metavar="ID")
@common_options
def unlock(*, lease: str) -> None:
    """End the lease with this ID, which a refused command names. Its holder can write no more."""
    from reconciler.app.state_directory import daybook_place
    from reconciler.daybook import unlock as break_it
    from reconciler.daybook.lease import this_process

    settings = _settings()
    place = daybook_place(common().workspace, settings)
    holder = this_process(command="unlock")
    broken = break_it(place, lease, workspace=settings.name, holder=holder)
    out([line(f"Unlocked: {broken}.")])
    out([line("That run can write nothing more; the next apply settles what it left open.")])


@daybook.command("export", short_help="Write the whole daybook into a file.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@common_options
def export_(*, file: Path) -> None:
    """Write the daybook as lines of JSON into FILE, with the chain that proves it whole."""
    from reconciler.daybook.lease import this_process
    from reconciler.daybook.transfer import write_export

    if not _exists():
        raise DaybookError("there is no daybook yet", remedy="The first apply makes it.")
    with closing(_open(write=True)) as book:
        book.note_export(this_process(command="export"))
        write_text(file, write_export(book))
        out([line(f"Wrote {counted(book.head[0], 'event')}, serial {book.serial}.")])


@daybook.command("import", short_help="Make a new daybook from an export.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@common_options
def import_(*, file: Path) -> None:
    """Take an export into this workspace's daybook, which must be new, in a file or on PostgreSQL.

    It keeps its lineage. Let nobody use the old one any more.
    """
    from reconciler.daybook.lease import this_process
    from reconciler.daybook.transfer import import_export, read_export

    carry = read_export(read_text(file))
    _require_tenant(carry.state.tenant)
    with closing(_open(write=True)) as book:
        import_export(book, carry, holder=this_process(command="import"))
        out([line(f"Imported {counted(len(carry.chain), 'event')}, serial {book.serial}.")])


def _require_tenant(tenant: str | None) -> None:
    target = _settings().target
    pinned = target.tenant_id if target else None
    if pinned is not None and tenant is not None and tenant.rpartition("/")[0] != pinned:
        raise DaybookError(
            f"the export belongs to {tenant}, and the workspace pins tenant {pinned}",
            remedy="Import it in the workspace of its own tenant.",
        )


def _settings() -> "Settings":
    """What the workspace says of itself; other files may have problems, they are not needed."""
    from reconciler.app.workspace import read_books, require_valid

    books = read_books(common().workspace)
    return books.settings if books.settings is not None else require_valid(books)


def _open(*, write: bool) -> "Daybook":
    from reconciler.app.state_directory import open_book

    return open_book(common().workspace, _settings(), write=write)


def _exists() -> bool:
    with closing(_open(write=False)) as book:
        return bool(book.lineage)


def _document(book: "Daybook") -> dict[str, Any]:
    """All that the daybook remembers, in the shape of `--format json`."""
    history = book.history()
    last = {tried.intent.address: tried for tried in history}
    return {
        "format_version": FORMAT_VERSION,
        "daybook": book.place,
        "lineage": book.lineage,
        "workspace": book.workspace,
        "tenant": book.tenant,
        "complete": book.complete,
        "serial": book.serial,
        "events": book.head[0],
        "hash": book.head[1],
        "lease": _lease(book.held_by()),
        "entries": [
            {
                "address": str(address),
                "number": state.number,
                "state": _state(state),
                "last": _last(last[address]),
            }
            for address, state in sorted(book.recorded().items())
        ],
        "unsettled": [
            {"seq": item.seq, "address": str(item.address), "act": item.act.value}
            for item in book.unsettled()
        ],
        "runs": [
            {"run": run.run, "plan": run.plan, "begun": run.begun, "ended": run.ended}
            for run in book.runs()
        ],
    }


def _lease(lease: "Lease | None") -> dict[str, Any] | None:
    if lease is None:
        return None
    return {
        "id": lease.id,
        "holder": str(lease.holder),
        "command": lease.holder.command,
        "since": lease.since,
        "until": lease.until,
        "gone": lease.until is None and lease.holder.is_gone,
    }


def _last(tried: "CallRecord") -> dict[str, str | None]:
    result = tried.result.value if tried.result is not None else None
    return {"act": tried.intent.act.value, "at": tried.at, "result": result}


def _state(state: "Recorded") -> str:
    if state.unsettled:
        return "unknown"
    if state.number is None:
        return "gone"
    return "cancelled" if state.cancelled else "recorded"


def _lines(document: dict[str, Any]) -> Iterator[Line]:
    yield line(("Daybook ", ""), (document["daybook"], "strong"))
    if not document["lineage"]:
        yield line("It does not exist yet; the first apply makes it.", indent=2)
        return
    yield line(f"lineage {document['lineage']}, serial {document['serial']}", indent=2)
    yield line(f"begun with {document['tenant'] or 'no ledger yet'}", indent=2)
    lease = document["lease"]
    if lease is None:
        yield line("nobody is writing", indent=2)
    else:
        until = f", until {lease['until']} unless it is renewed" if lease["until"] else ""
        gone = "; it is gone, and the next apply takes over" if lease["gone"] else ""
        who = f"{lease['command']} of {lease['holder']}, since {lease['since']}{until}{gone}"
        yield line(f"held by {who}", indent=2)
        yield line(f"lease {lease['id']}", indent=2)
    yield line("")
    yield line((counted(len(document["entries"]), "entry", "entries"), "strong"))
    for entry in document["entries"]:
        last = f"{entry['last']['act']} {entry['last']['result'] or 'open'} {entry['last']['at']}"
        facts = f"{entry['number'] or '-'}  {entry['state']}  {last}"
        yield line(f"{entry['address']}  {facts}", indent=2)
    if document["unsettled"]:
        yield line((counted(len(document["unsettled"]), "open call"), "strong"))
    for item in document["unsettled"]:
        yield line(f"{item['seq']}  {item['act']}  {item['address']}", indent=2)
    yield line((counted(len(document["runs"]), "run"), "strong"))
    for run in document["runs"]:
        yield line(f"{run['begun']}  {run['ended'] or 'not ended'}  {run['plan']}", indent=2)
