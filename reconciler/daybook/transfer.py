"""Exports and imports a daybook as lines of text, with its chain of hashes."""

import msgspec

from reconciler.daybook.daybook import Daybook
from reconciler.daybook.events import FORMAT, STATE, Damaged, Event
from reconciler.daybook.lease import Holder
from reconciler.daybook.state import DaybookState
from reconciler.errors import DaybookError
from reconciler.values import dataclass


class _Heading(msgspec.Struct, kw_only=True):
    daybook: str
    lineage: str
    workspace: str
    tenant: str | None
    events: int
    serial: int
    hash: str


class _Line(msgspec.Struct):
    """An event. Its content is the exact text that was hashed."""

    seq: int
    at: str
    type: str
    content: msgspec.Raw
    hash: str


_heading = msgspec.json.Decoder(_Heading)
_line = msgspec.json.Decoder(_Line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    chain: tuple[Event, ...]
    state: DaybookState


def write_export(daybook: Daybook) -> str:
    """A daybook as text for `read_export`: a heading, then one line an event."""
    chain = daybook.events()
    heading = _Heading(
        daybook=FORMAT,
        lineage=daybook.lineage,
        workspace=daybook.workspace,
        tenant=daybook.tenant,
        events=chain[-1].seq,
        serial=sum(event.type in STATE for event in chain),
        hash=chain[-1].hash,
    )
    encode = msgspec.json.encode
    lines = [encode(heading)]
    for event in chain:
        content = msgspec.Raw(event.content.encode())
        lines.append(encode(_Line(event.seq, event.at, event.type, content, event.hash)))
    return b"".join(text + b"\n" for text in lines).decode()


def read_export(text: str) -> Export:
    """Read an export. Raises DaybookError when any check of it fails."""
    first, *lines = text.split("\n")
    try:
        heading = _heading.decode(first)
    except (ValueError, msgspec.MsgspecError) as error:
        raise _damaged("it has no heading") from error
    if heading.daybook != FORMAT:
        raise DaybookError(
            f"the export has format {heading.daybook}; this version reads format {FORMAT} only",
            remedy="Use the version of reconciler that wrote it, or a newer one.",
        )
    state, chain = DaybookState(), []
    try:
        for line in filter(None, lines):
            chain.append(_event(line))
            state.take(chain[-1])
    except Damaged as error:
        raise _damaged(str(error)) from error
    except (ValueError, msgspec.MsgspecError) as error:
        raise _damaged(f"line {state.seq + 2} cannot be read") from error
    if not chain:
        raise _damaged("it holds no event")
    if state.seq != heading.events:
        raise _damaged(f"it ends after event {state.seq} of {heading.events}")
    if (state.hash, state.serial, state.lineage) != (heading.hash, heading.serial, heading.lineage):
        raise _damaged("its heading does not match its events")
    return Export(chain=tuple(chain), state=state)


def _event(text: str) -> Event:
    line = _line.decode(text)
    return Event(line.seq, line.at, line.type, bytes(line.content).decode(), line.hash)


def _damaged(said: str) -> DaybookError:
    return DaybookError(f"the export is damaged: {said}", remedy="Export the daybook again.")


def import_export(daybook: Daybook, export: Export, *, holder: Holder) -> None:
    """Replace an empty daybook of the same workspace by an export. Raises DaybookError."""
    theirs = export.state
    if daybook.workspace and theirs.workspace and daybook.workspace != theirs.workspace:
        raise DaybookError(
            f"the export belongs to the workspace {theirs.workspace}, not to {daybook.workspace}",
            remedy="Import it in its own workspace.",
        )
    if daybook.serial or daybook.tenant is not None:
        raise _not_empty(daybook, theirs)
    daybook.replace_by(list(export.chain), theirs, holder)


def _not_empty(daybook: Daybook, theirs: DaybookState) -> DaybookError:
    if daybook.lineage == theirs.lineage:
        fact = f"is the same one at serial {daybook.serial}, and the export is at {theirs.serial}"
    else:
        fact = f"has the lineage {daybook.lineage}, and the export {theirs.lineage}"
    return DaybookError(
        f"the daybook {daybook.place} is not empty: it {fact}; nothing was imported",
        remedy="Import into a daybook that does not exist yet. Two daybooks are never merged.",
    )


def compare(daybook: Daybook, export: Export) -> str | None:
    """Why a daybook does not continue an export; None when it does."""
    theirs = export.state
    if daybook.lineage != theirs.lineage:
        return f"its lineage is {daybook.lineage}, and that of the export {theirs.lineage}"
    chain = daybook.events()
    if len(chain) < theirs.seq:
        ours = daybook.serial
        return f"it is older than the export: serial {ours}, and the export has {theirs.serial}"
    if chain[theirs.seq - 1].hash != theirs.hash:
        return f"it and the export differ at or before event {theirs.seq}"
    return None
