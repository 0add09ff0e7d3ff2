"""Shows, verifies, unlocks, exports and imports the daybook of a workspace."""

from pathlib import Path
from typing import Any

from reconciler.app.files.text_files import read_text, require_writable, write_text
from reconciler.app.state_directory import daybook_place, require_daybook, workspace_daybook
from reconciler.app.workspace import read_workspace, require_valid
from reconciler.core.model.history import Recorded
from reconciler.daybook import CallRecord, unlock
from reconciler.daybook.lease import Lease, this_process
from reconciler.daybook.transfer import compare, import_export, read_export, write_export
from reconciler.errors import DaybookError, FilesRefused
from reconciler.workspace.loader import WORKSPACE_FILE
from reconciler.workspace.settings import Settings


def daybook_document(root: Path) -> dict[str, Any]:
    """All that the daybook records, in the shape of `--format json`."""
    with workspace_daybook(root, _settings(root)) as daybook:
        last = {call.intent.address: call for call in daybook.history()}
        return {
            "daybook": daybook.place,
            "lineage": daybook.lineage,
            "workspace": daybook.workspace,
            "tenant": daybook.tenant,
            "complete": daybook.complete,
            "serial": daybook.serial,
            "events": daybook.head[0],
            "hash": daybook.head[1],
            "lease": _lease(daybook.held_by()),
            "entries": [
                {
                    "address": str(address),
                    "number": recorded.number,
                    "state": _state(recorded),
                    "last": _last(last[address]),
                    "run_entries": list(recorded.entries),
                }
                for address, recorded in sorted(daybook.recorded().items())
            ],
            "unsettled": [
                {"seq": item.seq, "address": str(item.address), "act": item.act.value}
                for item in daybook.unsettled()
            ],
            "runs": [
                {"run": run.run, "plan": run.plan, "begun": run.begun, "ended": run.ended}
                for run in daybook.runs()
            ],
        }


def _lease(lease: Lease | None) -> dict[str, Any] | None:
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


def _last(call: CallRecord) -> dict[str, str | None]:
    result = call.result.value if call.result is not None else None
    return {"act": call.intent.act.value, "at": call.at, "result": result}


def _state(recorded: Recorded) -> str:
    if recorded.unsettled:
        return "unknown"
    if recorded.number is None:
        return "gone"
    return "cancelled" if recorded.cancelled else "recorded"


def verify_daybook(root: Path, *, against: Path | None) -> tuple[int, int, str]:
    """Check every event, and that the daybook continues an export; Raises DaybookError.

    Returns the number of events, the serial, and the hash of the last event.
    """
    with workspace_daybook(root, _settings(root)) as daybook:
        require_daybook(daybook.lineage)
        copy = read_export(read_text(against)) if against is not None else None
        wrong = compare(daybook, copy) if copy is not None else None
        if wrong is not None:
            raise DaybookError(
                f"the daybook {daybook.place} does not continue {against}: {wrong}",
                remedy="Restore the newest copy. With an older one, apply searches the ledger for "
                "what it lacks.",
            )
        events, digest = daybook.head
        return events, daybook.serial, digest


def unlock_daybook(root: Path, lease: str) -> str:
    """End a lease, so that its holder can write no more; returns whose it was."""
    settings = _settings(root)
    holder = this_process(command="unlock")
    return str(unlock(daybook_place(root, settings), lease, workspace=settings.name, holder=holder))


def export_daybook(root: Path, file: Path) -> tuple[int, int]:
    """Write the whole daybook into a file; returns the number of events, and the serial."""
    settings = _settings(root)
    with workspace_daybook(root, settings) as daybook:
        require_daybook(daybook.lineage)
    require_writable(file)
    with workspace_daybook(root, settings, command="export") as daybook:
        daybook.note_export(this_process(command="export"))
        write_text(file, write_export(daybook))
        return daybook.head[0], daybook.serial


def import_daybook(root: Path, file: Path) -> tuple[int, int]:
    """Make a new daybook from an export; returns the number of events, and the serial."""
    export, settings = read_export(read_text(file)), _settings(root)
    pinned, tenant = settings.target.tenant_id if settings.target else None, export.state.tenant
    if pinned is not None and tenant is not None and tenant.rpartition("/")[0] != pinned:
        raise DaybookError(
            f"the export belongs to {tenant}, but the workspace pins tenant {pinned}",
            remedy="Import it in the workspace of that tenant.",
        )
    with workspace_daybook(root, settings, command="import") as daybook:
        import_export(daybook, export, holder=this_process(command="import"))
        return len(export.chain), daybook.serial


def _settings(root: Path) -> Settings:
    """The workspace's settings; problems in other files do not matter here."""
    workspace = read_workspace(root)
    if workspace.settings is not None:
        return workspace.settings
    first = next((item for item in workspace.errors if item.path in (".", WORKSPACE_FILE)), None)
    if first is None:
        return require_valid(workspace)
    place = f"{root / first.path}:{first.line}:{first.column}"
    raise FilesRefused(f"{place}: error[{first.rule}]: {first.message}", remedy=first.remedy)
