"""`reconciler daybook …`: shows, verifies, unlocks, exports and imports the daybook."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from reconciler.app.daybook import (
    daybook_document,
    export_daybook,
    import_daybook,
    unlock_daybook,
    verify_daybook,
)
from reconciler.cli.main import VerbGroup
from reconciler.cli.options import (
    EXISTING_FILE,
    FILE,
    HELP,
    common_options,
    file_option,
    given_options,
    json_output,
)
from reconciler.cli.recover import recover
from reconciler.cli.terminal import out, out_json
from reconciler.core.model.finding import counted
from reconciler.render.styled_text import Line, line


@click.group(cls=VerbGroup, context_settings=HELP)
@common_options
def daybook() -> None:
    """Show, verify, unlock, export and import the daybook."""


daybook.add_command(recover)


@daybook.command(short_help="Show what the daybook records.")
@json_output
def show() -> None:
    """Show entries with their numbers, open calls, runs, and who is writing. Reads no ledger."""
    document = daybook_document(given_options().workspace)
    out_json(document)
    out(_lines(document))


@daybook.command(short_help="Check every event of the daybook.")
@file_option(
    "--against",
    text="An export that the daybook must continue. This detects an older or a different daybook.",
)
@json_output
def verify(*, against: Path | None) -> None:
    """Check that no event was changed, removed or moved since it was written."""
    events, serial, digest = verify_daybook(given_options().workspace, against=against)
    out_json({"events": events, "serial": serial, "hash": digest})
    out([line(f"{counted(events, 'event')}, serial {serial}: none was changed or removed.")])
    out([line(f"The last event has the hash {digest}.")])


@daybook.command(short_help="Break the lease of a stuck writer.")
@click.argument("lease", metavar="ID")
@json_output
def unlock(*, lease: str) -> None:
    """End the lease with this ID, which a refused command shows. Its holder can write no more."""
    broken = unlock_daybook(given_options().workspace, lease)
    out_json({"unlocked": broken})
    out([line(f"Unlocked: {broken}.")])
    out([line("That run can write no more. The next apply settles its open calls.")])


@daybook.command("export", short_help="Write the whole daybook to a file.")
@click.argument("file", type=FILE)
@json_output
def export_(*, file: Path) -> None:
    """Write the daybook to FILE as lines of JSON, with the hash chain that proves it complete."""
    events, serial = export_daybook(given_options().workspace, file)
    out_json({"events": events, "serial": serial})
    out([line(f"Wrote {counted(events, 'event')}, serial {serial}.")])


@daybook.command("import", short_help="Create a new daybook from an export.")
@click.argument("file", type=EXISTING_FILE)
@json_output
def import_(*, file: Path) -> None:
    """Create this workspace's daybook from an export, in a file or on PostgreSQL.

    It must not exist yet. It keeps its lineage, so the old daybook must not be used any more.
    """
    events, serial = import_daybook(given_options().workspace, file)
    out_json({"events": events, "serial": serial})
    out([line(f"Imported {counted(events, 'event')}, serial {serial}.")])


def _lines(document: dict[str, Any]) -> Iterator[Line]:
    yield line(("Daybook ", ""), (document["daybook"], "strong"))
    if not document["lineage"]:
        yield line("It does not exist yet. The first apply creates it.", indent=2)
        return
    yield line(f"lineage {document['lineage']}, serial {document['serial']}", indent=2)
    yield line(f"created for {document['tenant'] or 'no ledger yet'}", indent=2)
    lease = document["lease"]
    if lease is None:
        yield line("no run is writing", indent=2)
    else:
        until = f", until {lease['until']} unless it is renewed" if lease["until"] else ""
        gone = "; that process has ended, and the next apply takes over" if lease["gone"] else ""
        who = f"{lease['command']} of {lease['holder']}, since {lease['since']}{until}{gone}"
        yield line(f"held by {who}", indent=2)
        yield line(f"lease {lease['id']}", indent=2)
    yield line("")
    yield line((counted(len(document["entries"]), "entry", "entries"), "strong"))
    for entry in document["entries"]:
        last = f"{entry['last']['act']} {entry['last']['result'] or 'open'} {entry['last']['at']}"
        facts = f"{entry['number'] or '-'}  {entry['state']}  {last}"
        yield line(f"{entry['address']}  {facts}", indent=2)
        if entry["run_entries"]:
            yield line(f"its entries: {', '.join(entry['run_entries'])}", indent=6)
    if document["unsettled"]:
        yield line((counted(len(document["unsettled"]), "open call"), "strong"))
    for item in document["unsettled"]:
        yield line(f"{item['seq']}  {item['act']}  {item['address']}", indent=2)
    yield line((counted(len(document["runs"]), "run"), "strong"))
    for run in document["runs"]:
        yield line(f"{run['begun']}  {run['ended'] or 'not ended'}  {run['plan']}", indent=2)
