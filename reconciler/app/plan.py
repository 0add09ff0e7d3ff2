"""Makes plans: from files, daybook and ledger, or from files and daybook alone."""

from collections.abc import Iterable, Mapping, Set
from contextlib import suppress
from dataclasses import field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from types import MappingProxyType

from reconciler.app.offline.known import known_offline
from reconciler.app.progress import Progress
from reconciler.app.rehearsing import RehearsalOptions, rehearse
from reconciler.app.session import Access, ReadSession, open_session
from reconciler.app.state_directory import CACHE, keep_private, require_daybook, workspace_cache
from reconciler.app.warnings import (
    absence_warnings,
    age_warnings,
    reading_warnings,
    scope_warnings,
    session_warnings,
    snapshot_warnings,
    workspace_warnings,
)
from reconciler.app.workspace import CheckedWorkspace, require_as_read, require_valid
from reconciler.core.documents.plan_digest import with_digest, with_refusals
from reconciler.core.model.finding import PlanWarning, Refusal, counted
from reconciler.core.model.history import Recorded
from reconciler.core.model.kinds import KINDS, RUN_ENTRY_KIND
from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.plan import Allowances, Plan, SearchOptions
from reconciler.core.model.policy import EVERY_RULE, Policy
from reconciler.core.model.resource import Address, Live
from reconciler.core.model.scope import EVERYTHING, TRANSFER, WHOLE, Scope, Selection
from reconciler.core.planner import make_plan
from reconciler.core.planning.dimensions import UNKNOWN_DIMENSION, unknown_dimension
from reconciler.core.planning.kept import Asked, known_settled, live_state_of, newly_kept
from reconciler.core.planning.offline import assumed_live, without_assumed_numbers
from reconciler.core.planning.posting import transfer_states
from reconciler.core.planning.reversing.proof import undeclared_originals
from reconciler.core.planning.selection import Workspace, select
from reconciler.core.planning.snapshot import Snapshot, to_read
from reconciler.core.rules.plan_warnings import ACKNOWLEDGED, READING_RULES, strict_refusals
from reconciler.core.rules.severities import governed
from reconciler.engine.live_state import LastReads, Look, look
from reconciler.engine.observe import read_all
from reconciler.engine.search import SearchedPlan, SearchPolicy, ages, plan_with_search
from reconciler.errors import ReconcilerError, UsageError
from reconciler.git.repository import Repository
from reconciler.values import dataclass
from reconciler.workspace.cache.kept_reads import keep_reads, kept_reads
from reconciler.workspace.cache.rows import Cache
from reconciler.workspace.files import SUFFIXES
from reconciler.zuora.rate_limit import hourly_limit

QUERY_FROM = 200
"""A query is a job of some seconds. For fewer entries than these, reads are as fast."""


class LiveSource(StrEnum):
    """How the live state of entries is learnt."""

    QUERY = "query"
    """A query says which entries did not move since they were read. The others are read."""
    READS = "reads"
    """Every entry is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """How the ledger is read: by default by a query where that saves time.

    `max_age` is how many days a read holds. With `no_cache` no earlier run counts.
    """

    live: LiveSource | None = None
    max_age: int = 7
    no_cache: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """What a plan is about, what it may do, and how the ledger is searched for it."""

    allowances: Allowances = field(default_factory=Allowances)
    scope: Scope = WHOLE
    search: SearchOptions = field(default_factory=SearchOptions)
    strict: bool = False
    """Whether every warning stops the plan."""
    base: str | None = None
    """The revision that an offline plan is compared with; by default that of the CI job."""
    by: tuple[str, ...] = ()
    """The dimensions that divide every row of the impact."""
    reading: ReadOptions = field(default_factory=ReadOptions)
    rehearsal: RehearsalOptions | None = None
    """How the plan is rehearsed, if it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MadePlan:
    """A plan, with what its file needs beside it."""

    plan: Plan
    at: datetime | None = None
    """The time by the ledger's clock; None if it is unknown."""
    since: str = ""
    """The commit that the last complete apply or the base is of; empty if it is unknown."""


def plan_workspace(
    workspace: CheckedWorkspace, options: PlanOptions, access: Access, *, progress: Progress
) -> MadePlan:
    if fault := unknown_dimension(options.by, workspace.tenant):
        raise UsageError(fault, remedy=UNKNOWN_DIMENSION)
    if options.scope.offline and options.scope.by_transfer:
        raise UsageError(
            f"--select {TRANSFER}=… needs the ledger, so it excludes --offline",
            remedy="Omit --offline, or select by a label of the files.",
        )
    if options.scope.offline:
        return plan_offline(workspace, options)
    with open_session(ReadSession, workspace, access) as session:
        found = plan_and_search(session, options, progress=progress)
        at, since = session.ledger.server_time(), session.daybook.applied_commit
    return MadePlan(plan=_rehearsed(found.plan, found.snapshot, options), at=at, since=since)


def _rehearsed(plan: Plan, snapshot: Snapshot, options: PlanOptions) -> Plan:
    """The plan with its rehearsal, if one is asked for. Nothing of a refused plan is applied."""
    if options.rehearsal is None or plan.refusals:
        return plan
    return replace(plan, rehearsal=rehearse(plan, snapshot, options.rehearsal))


def drift_plan(
    workspace: CheckedWorkspace, reading: ReadOptions, access: Access, *, progress: Progress
) -> Plan:
    """A plan whose drift shows what changed in the ledger since the last apply."""
    with open_session(ReadSession, workspace, access, by_base=False) as session:
        # Without a daybook nothing is compared, so nothing can have changed.
        require_daybook(session.daybook.lineage)
        options = PlanOptions(reading=reading)
        found = plan_and_search(session, options, progress=progress, posting=False)
        wanted = READING_RULES | {ACKNOWLEDGED, "open-call", "unread-spill"}
        of_plan = (one for one in found.plan.warnings if one.rule in wanted)
        told = (*of_plan, *age_warnings(found, new=session.daybook.new), *absence_warnings(found))
        return replace(found.plan, warnings=told)


def plan_without_search(session: ReadSession, *, progress: Progress) -> Plan:
    """Read the ledger and plan from what the daybook records."""
    snapshot, _ = _snapshot(session, progress)
    return make_plan(snapshot, basis=session.basis, allowances=Allowances())


def plan_and_search(
    session: ReadSession, options: PlanOptions, *, progress: Progress, posting: bool = True
) -> SearchedPlan:
    """Read the ledger and plan, and search it for what the daybook may lack.

    A plan searches as the apply does that carries it out: both judge by the same evidence. Without
    `posting`, nobody will carry it out. Only what is in scope is read. Raises UsageError when that
    is nothing.
    """

    def read(wanted: tuple[tuple[Kind, str], ...]) -> Mapping[str, Live | None]:
        with progress("Reading what was found", len(wanted)) as advance:
            return read_all(
                wanted, session.ledger, parallelism=session.parallelism, advance=advance
            )

    complete, probe_from = session.daybook.complete, options.search.probe_from
    if probe_from is None and complete:
        # A daybook that may lack entries knows no such number: what it lacks may be below.
        probe_from = session.daybook.last_number(RUN_ENTRY_KIND.name, checked=True)
    recorded, scope = session.daybook.recorded(), options.scope
    # What is selected by its transfer is known only once everything else in scope was read.
    wide = replace(scope, labels=()) if scope.by_transfer else scope
    given = Selection(scope=wide)
    selection, included = (
        _selected(session.workspace, recorded, given) if wide.partial else (given, ())
    )
    cache = _cache_of(session, options.reading)
    snapshot, seen = _snapshot(
        session, progress, selection, cache=cache, max_age=timedelta(days=options.reading.max_age)
    )
    if scope.by_transfer:
        states = transfer_states(snapshot)
        selection, included = _selected(session.workspace, recorded, Selection(scope=scope), states)
        snapshot = replace(snapshot, selection=selection)
    found = plan_with_search(
        snapshot,
        partial(make_plan, basis=session.basis, allowances=options.allowances, by=options.by),
        ledger=session.ledger,
        read=read,
        finding=SearchPolicy(
            complete=complete,
            new=session.daybook.new,
            posting=posting,
            # Whether another apply posted the same is seen only by a search after it.
            asked=options.search.find or bool(session.daybook.unchecked),
            first_apply=options.search.first_apply,
            probe_from=probe_from,
            dropped=session.daybook.dropped(),
            ages=partial(ages, session.ledger, session.daybook),
        ),
    )
    if cache is not None and seen.asked is not None:
        _keep(cache, found, seen.asked, only=bool(seen.wrong))
    damage = (cache.damage if cache else "") or session.workspace.cache_damage
    warnings = (
        *session_warnings(session, found, included),
        *reading_warnings(seen.failure, seen.wrong, damage),
    )
    require_as_read(session.workspace, found.plan)
    live = live_state_of(found.snapshot, seen.asked) if seen.asked is not None else None
    warnings, refusals = _judged(
        warnings, session.settings.policy, options, alone=not found.plan.pending
    )
    plan = replace(
        found.plan,
        search=options.search,
        warnings=warnings,
        live=live,
        waiting=session.workspace.waiting,
    )
    return replace(found, plan=with_refusals(plan, refusals) if refusals else plan)


def plan_offline(workspace: CheckedWorkspace, options: PlanOptions) -> MadePlan:
    """Plan as if the ledger held what the daybook or the base says: without connection.

    Raises FilesRefused, DaybookError when there is a daybook that cannot be read, and UsageError
    or Refused when the base cannot be.
    """
    known = known_offline(workspace, require_valid(workspace), options.base)
    given = Selection(scope=options.scope, base=options.base or "")
    selection, included = (
        _selected(workspace, known.recorded, given) if given.scope.partial else (given, ())
    )
    declared, recorded, tenant = workspace.declared, known.recorded, workspace.tenant
    moved = known.marked_in != tenant.marker
    snapshot = Snapshot(
        declared=declared,
        recorded=recorded,
        live=assumed_live(declared, recorded, tenant, marked_in=known.marked_in),
        tenant=replace(tenant, former_markers=(known.marked_in,)) if moved else tenant,
        policy=known.policy,
        selection=selection,
        # Where the marker moved, file and record say the same of an entry that changes.
        unread=frozenset() if moved else known_settled(declared, recorded),
        left_out=_left_out(workspace.root, recorded.keys() - declared.keys(), None),
    )
    plan = make_plan(snapshot, basis=known.basis, allowances=options.allowances, by=options.by)
    require_as_read(workspace, plan)
    warnings = (
        *known.warnings,
        *reading_warnings("", (), workspace.cache_damage),
        *scope_warnings(included),
        *workspace_warnings(workspace, plan, known.policy),
        *snapshot_warnings(plan, snapshot),
    )
    warnings, refusals = _judged(warnings, known.policy, options, alone=not plan.pending)
    plan = replace(plan, warnings=warnings, waiting=workspace.waiting)
    plan = _rehearsed(with_refusals(plan, refusals) if refusals else plan, snapshot, options)
    if known.base is not None:
        plan = with_digest(replace(without_assumed_numbers(plan), base=known.base))
    return MadePlan(plan=plan, since=known.since)


def _judged(
    warnings: Iterable[PlanWarning], policy: Policy, options: PlanOptions, *, alone: bool
) -> tuple[tuple[PlanWarning, ...], tuple[Refusal, ...]]:
    """The warnings as the policy governs them, and the refusals for those that fail.

    `alone`: no entry changes, so that a changed policy can be applied as its remedy asks.
    """
    failing = policy.failing | (frozenset({EVERY_RULE}) if options.strict else frozenset())
    warnings = tuple(governed(warnings, policy))
    judged = [one for one in warnings if not (alone and one.rule == "policy-changed")]
    return warnings, strict_refusals(judged, failing)


def _cache_of(session: ReadSession, reading: ReadOptions) -> Cache | None:
    """What earlier runs read of this ledger; None where it does not count."""
    count = len(session.daybook.recorded())
    by_query = reading.live is LiveSource.QUERY or (reading.live is None and count >= QUERY_FROM)
    if reading.no_cache or not by_query:
        return None
    basis = session.basis
    ledger = (basis.workspace, basis.host, session.tenant, basis.lineage, basis.marker_place)
    return workspace_cache(session.workspace.root, CACHE, basis=ledger)


def _keep(cache: Cache, found: SearchedPlan, asked: Asked, *, only: bool) -> None:
    """Keep what was read, for the next plan; with `only`, nothing of before."""
    if only:
        cache.throw_away("")
    with suppress(ReconcilerError):
        keep_private(cache.path.parent)
    kept, known = newly_kept(found.plan, found.snapshot, asked), found.snapshot.recorded
    keep_reads(cache, kept, known=known, since=asked.at - asked.max_age)


def _snapshot(
    session: ReadSession,
    progress: Progress,
    selection: Selection = EVERYTHING,
    *,
    cache: Cache | None = None,
    max_age: timedelta = timedelta(),
) -> tuple[Snapshot, Look]:
    """Files, daybook and ledger as they are now; of the ledger, what is selected."""
    recorded = session.daybook.recorded()
    declared = session.workspace.declared
    wanted = to_read(
        {address: item for address, item in declared.items() if address in selection},
        # What lost its file is read in any case: it may be what a chosen file is about now.
        (
            item
            for item in recorded.values()
            if item.address in selection or item.address not in declared
        ),
    )
    chosen = (item for address, item in declared.items() if address in selection)
    wanted = (*wanted, *undeclared_originals(chosen, wanted))
    dropped, former = session.daybook.dropped(), session.daybook.markers
    known = {number for _, number in wanted}
    telling = (one for one in dropped.telling if one not in known)
    wanted = (*wanted, *((KINDS[dropped.numbers[one].kind], one) for one in telling))
    last = None
    if cache is not None:
        last = LastReads(
            kept=kept_reads(cache), declared=declared, recorded=recorded, max_age=max_age
        )
    seen = look(
        wanted,
        session.ledger,
        last=last,
        parallelism=session.parallelism,
        progress=lambda what, count: progress(what + _budget(session.host, count), count),
    )
    snapshot = Snapshot(
        declared=declared,
        recorded=recorded,
        live=seen.live,
        tenant=replace(
            session.workspace.tenant,
            codes=seen.codes,
            periods=seen.periods,
            former_markers=tuple(one for one in former if one != session.settings.marker),
        ),
        policy=session.settings.policy,
        selection=selection,
        unread=seen.unread,
        left_out=_left_out(
            session.workspace.root, recorded.keys() - declared.keys(), session.repository
        ),
    )
    return snapshot, seen


def _left_out(root: Path, unfiled: Set[Address], opened: Repository | None) -> tuple[str, ...]:
    """The files that git keeps out of the work tree. Asked if a record lacks its file."""
    repository = (opened or Repository.around(root)) if unfiled else None
    found = repository.left_out() if repository is not None else ()
    return tuple(one for one in found if one.endswith(SUFFIXES))


def _budget(host: str, count: int) -> str:
    """How many calls a task makes, and whether that is more than the ledger allows in an hour."""
    told, limit = f", about {counted(count, 'call')}", hourly_limit(host)
    if limit is None or count <= limit[0]:
        return told
    return f"{told}; {limit[1]} allows {limit[0]:,} an hour"


def _selected(
    workspace: CheckedWorkspace,
    recorded: Mapping[Address, Recorded],
    given: Selection,
    transfers: Mapping[Address, frozenset[str]] = MappingProxyType({}),
) -> tuple[Selection, tuple[Address, ...]]:
    """What a scope selects, and what else the selection depends on. Raises UsageError."""
    selection, included, problems = select(
        given.scope,
        Workspace(
            declared=workspace.declared,
            recorded=recorded,
            periods=workspace.tenant.periods_by_name,
            transfers=transfers,
        ),
        given.base,
    )
    if problems:
        facts, remedies = zip(*problems, strict=True)
        raise UsageError("; ".join(facts), remedy=" ".join(dict.fromkeys(remedies)))
    return selection, tuple(included)
