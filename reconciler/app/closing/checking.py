"""Reads what a close check needs: the plan, open calls, computed entries and unmanaged entries."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from reconciler.app.plan import LiveSource, PlanOptions, ReadOptions, plan_and_search
from reconciler.app.progress import Progress
from reconciler.app.provenance import committed
from reconciler.app.session import Access, ReadSession, open_session
from reconciler.app.state_directory import require_daybook
from reconciler.app.workspace import CheckedWorkspace
from reconciler.core.documents.plan_file import moment
from reconciler.core.model.history import Recorded
from reconciler.core.model.kinds import KINDS, RUN_ENTRY_KIND
from reconciler.core.model.resource import Address
from reconciler.core.model.similar_names import KnownNames, nearest
from reconciler.core.model.tenant import Tenant
from reconciler.core.planning.closing.readiness import (
    CloseFacts,
    CloseReport,
    DeclaredRun,
    SearchedPeriod,
    UnmanagedEntry,
    close_check,
)
from reconciler.core.recovery.marker_search import UnexpectedRows
from reconciler.core.recovery.period_import import (
    ListedEntry,
    listed_entries,
    select_entries,
    statement_for,
)
from reconciler.core.rules.journal_runs import target_dates, transaction_types
from reconciler.errors import LedgerError, Refused


def check_periods(
    workspace: CheckedWorkspace,
    names: Sequence[str],
    access: Access,
    *,
    allowed: Mapping[str, str],
    managed_only: bool,
    progress: Progress,
) -> CloseReport:
    """Check periods, and change nothing. Raises Refused for a period that the ledger lacks.

    `allowed` has the reason for each item that is allowed in addition to the settings.
    """
    with open_session(ReadSession, workspace, access, by_base=False) as session:
        require_daybook(session.daybook.lineage)
        options = PlanOptions(reading=ReadOptions(live=LiveSource.READS))
        found = plan_and_search(session, options, progress=progress)
        periods = found.snapshot.tenant.periods_by_name
        for name in names:
            if name not in periods:
                raise Refused(
                    f"the ledger has no accounting period {name}",
                    remedy=nearest(name, KnownNames(periods)) or "Check the name.",
                )
        computed = workspace.computed
        at = session.ledger.server_time()
        facts = CloseFacts(
            plan=found.plan,
            periods=periods,
            reference=workspace.tenant.periods_by_name,
            open_calls=tuple(_open_calls(session)),
            due=tuple(one.declared for one in computed.entries.values()) if computed else (),
            waiting=workspace.waiting,
            through=session.settings.generate_through,
            runs=tuple(_runs(workspace, found.snapshot.tenant)),
            expected=session.settings.close.runs,
            searched={} if managed_only else {name: _searched(session, name) for name in names},
        )
        allowed = {**session.settings.close.allowed, **allowed}
    basis = found.plan.basis
    return CloseReport(
        basis=replace(basis, origin=committed(basis.origin, workspace.root)),
        checked_at=moment(at) if at else "",
        waiting=workspace.waiting,
        warnings=found.plan.warnings,
        checks=tuple(close_check(name, facts, allowed=allowed) for name in names),
    )


def _open_calls(session: ReadSession) -> Iterator[str]:
    """The calls without a known outcome. The daybook may lack what a spill file tells of others."""
    for one in session.daybook.unsettled():
        yield f"{one.act} of {one.address.name}"
    if session.unread_spill:
        yield f"{session.spill_file} is not read yet"


def _runs(workspace: CheckedWorkspace, tenant: Tenant) -> Iterator[DeclaredRun]:
    for one in workspace.declared.values():
        if KINDS[one.address.kind].members and (days := target_dates(one, tenant)):
            yield DeclaredRun(
                address=one.address, types=transaction_types(one), first=days[0], last=days[1]
            )


def _searched(session: ReadSession, period: str) -> SearchedPeriod:
    place = session.settings.marker
    try:
        rows = session.ledger.query(statement_for(RUN_ENTRY_KIND, period, place))
        listed = tuple(listed_entries(rows, place))
        recorded = session.daybook.recorded()
        chosen = select_entries(
            RUN_ENTRY_KIND, listed, recorded.values(), workspace=session.settings.name
        ).wanted
    except (LedgerError, UnexpectedRows) as error:
        raise Refused(
            f"the ledger cannot be searched: {error}",
            remedy="Run it with --managed-only: then entries that nobody declares are not checked.",
        ) from error
    return SearchedPeriod(
        entries=len(listed),
        unmanaged=tuple(_unmanaged((one for one in listed if one.number in chosen), recorded)),
    )


def _unmanaged(
    entries: Iterable[ListedEntry], recorded: Mapping[Address, Recorded]
) -> Iterator[UnmanagedEntry]:
    """Entries without an owner, or with the marker of this workspace and without a record."""
    names = {one.number: (one.marker or "").partition("/")[2] for one in entries}
    for number, name in sorted(names.items()):
        held = recorded.get(Address(RUN_ENTRY_KIND.name, name))
        twins = {held.number} if held and held.number else set()
        twins |= {other for other, of in names.items() if name == of and other != number}
        yield UnmanagedEntry(number=number, name=name, twins=tuple(sorted(twins)) if name else ())
