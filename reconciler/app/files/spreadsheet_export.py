"""The entries of a workspace as a spreadsheet: as files declare them, or as the ledger has them."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from reconciler.app.plan import LiveSource, PlanOptions, ReadOptions, plan_and_search
from reconciler.app.progress import Note, Progress, Tell
from reconciler.app.session import Access, ReadSession, open_session
from reconciler.app.state_directory import require_daybook
from reconciler.app.workspace import CheckedWorkspace, require_valid
from reconciler.core.model.command import suggested
from reconciler.core.model.finding import counted, listed
from reconciler.core.model.kinds.journal_entry import JOURNAL_ENTRY
from reconciler.core.model.plan import CANCELLED
from reconciler.core.model.resource import Declared, Source
from reconciler.core.model.sheets.entry_table import entry_table
from reconciler.core.planning.adoption import declaration_of
from reconciler.core.planning.snapshot import AddressState, Snapshot
from reconciler.engine.search import SearchedPlan
from reconciler.errors import Refused, UsageError
from reconciler.values import dataclass
from reconciler.workspace.spreadsheet.writing import csv_text, workbook_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """Which entries are exported: all, or those of these periods with one of these labels."""

    periods: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


def exported(workspace: CheckedWorkspace, style: str, options: ExportOptions) -> bytes:
    """The declared entries as `csv` or `xlsx`.

    Raises FilesRefused for a workspace with problems, and UsageError if no entry matches.
    """
    require_valid(workspace)
    return _sheet(workspace, workspace.declared.values(), style, options, "declared")


def exported_live(
    workspace: CheckedWorkspace,
    style: str,
    options: ExportOptions,
    access: Access,
    *,
    progress: Progress,
    tell: Tell,
) -> bytes:
    """The entries of the workspace as the ledger has them now, under the names of their records.

    Raises Refused where it is unknown what the ledger has, or whose entry it is. What is not
    posted is told.
    """
    with open_session(ReadSession, workspace, access, by_base=False) as session:
        require_daybook(session.daybook.lineage)
        _require_settled(session)
        reading = PlanOptions(reading=ReadOptions(live=LiveSource.READS))
        found = plan_and_search(session, reading, progress=progress, posting=False)
        _require_complete(session, found)
    posted, left = _posted(found.snapshot)
    for text in left:
        tell(Note(text=text))
    return _sheet(workspace, posted, style, options, "posted")


def _sheet(
    workspace: CheckedWorkspace,
    entries: Iterable[Declared],
    style: str,
    options: ExportOptions,
    state: str,
) -> bytes:
    chosen = [
        one
        for one in sorted(entries, key=lambda one: one.address)
        if one.address.kind == JOURNAL_ENTRY.name
        and (not options.periods or one.spec.get(JOURNAL_ENTRY.period) in options.periods)
        and (
            not options.labels
            or any(f"{name}={text}" in options.labels for name, text in one.labels.items())
        )
    ]
    if not chosen:
        raise UsageError(
            f"no {state} entry matches, so nothing was exported",
            remedy="Check --period and --select.",
        )
    table = entry_table(chosen, home_currency=workspace.tenant.home_currency or "")
    return csv_text(table).encode() if style == "csv" else workbook_bytes(table)


def _require_settled(session: ReadSession) -> None:
    """Refuse to say what the ledger has while the outcome of a call is unknown."""
    if session.unread_spill:
        raise _unknown(f"{session.spill_file} contains outcomes that the daybook does not record")
    for one in session.daybook.unsettled():
        raise _unknown(f"the outcome of the {one.act.value} of {one.address.name} is unknown")


def _require_complete(session: ReadSession, found: SearchedPlan) -> None:
    """Refuse to export what may be a part: the daybook may lack entries of the workspace."""
    search = found.search
    if search is not None and search.failure and not session.daybook.complete:
        raise Refused(
            "the daybook may lack entries of this workspace, and the ledger cannot be searched: "
            f"{search.failure}",
            remedy="Grant the permission for Data Query, or restore the daybook.",
        )


def _unknown(fact: str) -> Refused:
    return Refused(
        f"{fact}, so it is unknown what the ledger has",
        remedy=f"Settle it with {suggested('daybook', 'recover')}, then export again.",
    )


def _posted(snapshot: Snapshot) -> tuple[list[Declared], list[str]]:
    """The posted entries as declarations, and what is left out, in words."""
    posted: list[Declared] = []
    cancelled: list[str] = []
    unposted: list[str] = []
    for address in sorted({*snapshot.records_by_current_name, *snapshot.declared, *snapshot.found}):
        if address.kind != JOURNAL_ENTRY.name:
            continue
        state = AddressState.of(address, snapshot)
        _require_own(state)
        if state.posted:
            posted.append(_as_declared(state))
        elif state.live is not None:
            cancelled.append(f"{address.name} ({state.number})")
        elif state.declared is not None:
            unposted.append(address.name)
    left = (_left_out(cancelled, "cancelled"), _left_out(unposted, "declared but not posted"))
    return posted, [text for text in left if text]


def _left_out(names: list[str], state: str) -> str:
    if not names:
        return ""
    are = counted(len(names), "entry is", "entries are")
    return f"{are} {state}, and left out: {listed(names)}"


def _require_own(state: AddressState) -> None:
    """Refuse where file, daybook and ledger do not agree which entry is that of a name."""
    for fact in _doubts(state):
        raise Refused(
            f"{state.address.name}: {fact}, so nothing was exported",
            remedy=f"{suggested('plan')} shows what an apply would do about it.",
        )


def _doubts(state: AddressState) -> Iterator[str]:
    number, address = state.number, state.address
    unknown = state.snapshot.found.get(address, ())
    if state.duplicates:
        yield f"{', '.join(state.duplicates)} are posted under this name"
    elif number is None and unknown:
        yield f"{unknown[0]} has its marker, and neither a file nor the daybook has the name"
    elif state.live is None and number is not None:
        yield f"{number} is not in the ledger"
    elif state.posted and not (state.marks.owned or state.marker_lost):
        yield f"{number} has another marker or content than the daybook recorded"
    elif state.live is not None and not state.posted and state.live.status != CANCELLED:
        yield f'{number} has the status "{state.live.status}"'


def _as_declared(state: AddressState) -> Declared:
    """A posted entry as a declaration, with the labels of its file."""
    assert state.live is not None
    tenant = state.snapshot.tenant
    spec = declaration_of(state.kind, state.live, marker_place=tenant.marker, tenant=tenant)
    if state.declared is not None:
        return replace(state.declared, spec=spec)
    return Declared(address=state.address, spec=spec, source=Source(""))
