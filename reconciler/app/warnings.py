"""Every warning of a plan, apart from those about renamed files."""

import json
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path

from reconciler.app.offline.posted_facts import POSTED_REMEDY
from reconciler.app.policy_history import policy_warnings
from reconciler.app.session import ReadSession
from reconciler.app.state_directory import waits_to_be_read
from reconciler.app.workspace import CheckedWorkspace
from reconciler.core.model.command import suggested
from reconciler.core.model.enumerations import PeriodStatus
from reconciler.core.model.finding import (
    MOST_NAMED,
    PlanWarning,
    Problem,
    Severity,
    counted,
    listed,
)
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.money import shown
from reconciler.core.model.plan import Action, Change, Plan, Reason
from reconciler.core.model.policy import Policy
from reconciler.core.model.resource import Address
from reconciler.core.planning.dimensions import transferred_moves
from reconciler.core.planning.limits.guards import equal_postings
from reconciler.core.planning.renames import possible_renames
from reconciler.core.planning.reversing.removals import originals_alone
from reconciler.core.planning.snapshot import Snapshot
from reconciler.core.planning.unanswered import acknowledged_states
from reconciler.core.recovery.marker_search import (
    UNREAD_POSTING,
    Search,
    unrecorded,
    untracked,
)
from reconciler.core.rules.file_rules import PASSING_FACTS
from reconciler.core.rules.plan_warnings import warning
from reconciler.core.rules.severities import governed, waiver_of, waiver_text
from reconciler.daybook import Intent
from reconciler.engine.search import SearchedPlan
from reconciler.workspace.loader import WORKSPACE_FILE


def session_warnings(
    session: ReadSession, found: SearchedPlan, included: Sequence[Address]
) -> Iterator[PlanWarning]:
    """The warnings of a plan that was made from a ledger."""
    yield from left_behind(session.daybook.unsettled(), session.spill_file)
    yield from policy_warnings(session.held)
    yield from scope_warnings(included)
    yield from workspace_warnings(session.workspace, found.plan, session.settings.policy)
    yield from snapshot_warnings(found.plan, found.snapshot)
    if any(one.acknowledges for one in found.snapshot.declared.values()):
        yield from acknowledged_states(found.plan.changes, found.snapshot)
    new = session.daybook.new
    if found.search is not None:
        yield from _search_warnings(found.search, doubts=found.doubts if new else 0)
    yield from age_warnings(found, new=new)
    if found.snapshot.found:
        yield from _untracked(found)
    unmarked = any(
        change.posts and not KINDS[change.address.kind].carries_marker
        for change in found.plan.pending
    )
    if unmarked and new and not _known(session, found):
        yield warning(
            "daybook-new",
            "the daybook is new, and a search cannot find journal runs, for they have no "
            "marker; if runs of this workspace were applied before, restore its daybook "
            "first",
        )


def left_behind(unsettled: Iterable[Intent], spill_file: Path) -> Iterator[PlanWarning]:
    """What earlier runs left open, so that the plan may be wrong about it."""
    if waits_to_be_read(spill_file):
        yield warning(
            "unread-spill",
            f"{spill_file} contains outcomes that the daybook could not record, so the "
            "plan may be wrong about them; the next apply reads them first",
        )
    for intent in unsettled:
        yield warning(
            "open-call",
            f"the {intent.act.value} of {intent.address.name}{_money_of(intent)} is open "
            "since an earlier run; the next apply settles it first and may send it again",
        )


def snapshot_warnings(plan: Plan, snapshot: Snapshot) -> Iterator[PlanWarning]:
    """The warnings that follow from what was declared and recorded at earlier times."""
    new = [one for one in plan.changes if one.wanted is Action.CREATE and not one.renamed_from]
    removals = [one for one in plan.changes if one.wanted is Action.REMOVE]
    if new:
        yield from possible_renames(snapshot.names, new, removals)
    if removals:
        yield from originals_alone(removals, snapshot)
    if any(one.retired for one in snapshot.recorded.values()):
        yield from _posted_after_forgetting(plan, snapshot)
    equal = tuple(equal_postings(plan.changes, snapshot)) if snapshot.equal else ()
    if equal and len(equal) <= (plan.allowances.allow_equal or 0):
        posts = counted(len(equal), "entry is", "entries are")
        text = f"{posts} posted although the ledger has an equal one: {listed(equal)}"
        yield warning("equal-allowed", text)


def _posted_after_forgetting(plan: Plan, snapshot: Snapshot) -> Iterator[PlanWarning]:
    """What is posted because somebody stated that the earlier entry of the name is deleted."""
    for change in plan.feasible:
        record = snapshot.recorded.get(change.address) if change.posts else None
        gone = [one for one in record.retired if not snapshot.live.get(one)] if record else ()
        if gone:
            text = f"{change.address.name} is posted again, and no read finds what was forgotten: "
            yield warning("forgotten-posted", f"{text}{listed(gone)}")


def _known(session: ReadSession, found: SearchedPlan) -> bool:
    """Whether the daybook records entries with a marker, or anything if only runs are declared."""

    def marked(addresses: Iterable[Address]) -> tuple[Address, ...]:
        return tuple(one for one in addresses if KINDS[one.kind].carries_marker)

    recorded = found.snapshot.recorded
    return bool(marked(recorded) if marked(session.workspace.declared) else recorded)


def offline_warnings(
    workspace: CheckedWorkspace, *, in_file: bool, known: bool
) -> Iterator[PlanWarning]:
    """What a plan without a ledger does not know. `known`: something says what is posted."""
    if not in_file and not known:
        yield warning(
            "offline-daybook",
            "the daybook is in a database, which an offline plan does not open, so "
            "everything counts as new",
        )
    if not workspace.tenant.complete:
        yield warning(
            "no-reference",
            "there is no reference.yaml, so accounting codes and periods are not checked: "
            "the ledger may refuse a change",
        )
    if not known:
        yield warning(
            "limits-unchecked",
            "the policy's limits on changes and money are not checked: without a daybook, "
            "everything that is declared counts as new",
        )


def scope_warnings(included: Sequence[Address]) -> Iterator[PlanWarning]:
    """What the selection includes because it depends on it."""
    if included:
        names = listed([address.name for address in included])
        text = f"also included, because the selection depends on them: {names}"
        yield warning("selection-extended", text)


def workspace_warnings(
    workspace: CheckedWorkspace, plan: Plan, policy: Policy
) -> Iterator[PlanWarning]:
    """The warnings about files that the plan changes; the others are counted."""
    yield from (warning("waiver-applied", text) for text in workspace.waived)
    if workspace.tenant.dimensions:
        yield from transferred_moves(plan.changes, workspace.tenant.dimensions)
    facts = [
        item
        for item in workspace.problems
        if item.of_tenant and item.severity is Severity.ERROR and item.rule not in PASSING_FACTS
    ]
    if facts:
        yield from _posted_facts(facts, plan.changes)
    target = workspace.settings.target if workspace.settings is not None else None
    if target is not None and target.manages_close is None:
        yield from _pending(plan.feasible)
    touched = {change.source.path for change in plan.pending if change.source}
    others, left = 0, []
    for problem in workspace.problems:
        if waiver := waiver_of(problem, policy, today=workspace.today):
            yield warning("waiver-applied", waiver_text(problem.rule, waiver))
        else:
            left.append(problem)
    for problem in governed(left, policy):
        # What is posted may stay. A change is blocked, with the state of the ledger as reason.
        if problem.severity is Severity.ERROR or problem.rule in PASSING_FACTS:
            continue
        if problem.path in touched:
            place = f"{problem.path}:{problem.line}:{problem.column}"
            yield PlanWarning(
                rule=problem.rule, message=problem.message, place=place, severity=problem.severity
            )
        elif problem.severity is Severity.WARNING:
            others += 1
    if others:
        text = (
            f"{counted(others, 'warning')} in files that do not change: see `reconciler validate`"
        )
        yield warning("file-warnings", text)


def _pending(changes: Iterable[Change]) -> Iterator[PlanWarning]:
    """The changes in a period that is PendingClose: nobody says who may post there."""
    for change in changes:
        posts = change.posts or change.cancels
        pending = change.period_status == PeriodStatus.PENDING_CLOSE
        if posts and pending and KINDS[change.address.kind].needs_open_period:
            name = change.address.name
            text = f"{name} is in {change.period}, which is PendingClose: only Manage Close Process"
            yield warning("period-pending-close", f"{text} posts and cancels there")


def _posted_facts(facts: Iterable[Problem], changes: Iterable[Change]) -> Iterator[PlanWarning]:
    """Facts of the tenant that what is posted does not fit, and that stop nothing."""
    files = {change.source.path for change in changes if change.posts and change.source}
    found = [item for item in facts if item.path not in files]
    for item in found[:MOST_NAMED]:
        place = f"{item.path}:{item.line}:{item.column}"
        # A finding about the settings is not about one entry.
        remedy = item.remedy if item.path == WORKSPACE_FILE else POSTED_REMEDY
        text = f"{item.message}. {remedy}"
        yield PlanWarning(rule=item.rule, message=text, place=place)
    if (left := len(found) - MOST_NAMED) > 0:
        text = f"{left} more warnings about posted entries: see `reconciler validate`"
        yield warning("file-warnings", text)


def _money_of(intent: Intent) -> str:
    """The debits that a call posts, as far as its payload tells."""
    payload = json.loads(intent.payload or "null", parse_float=Decimal, parse_int=Decimal)
    rows = payload.get("journalEntryItems") if isinstance(payload, dict) else None
    if not isinstance(rows, list):
        return ""
    debits = (Decimal(str(row["amount"])) for row in rows if row.get("type") == "Debit")
    currency = str(payload.get("currency"))
    return f", {currency} {shown(sum(debits, Decimal(0)), currency)}"


def _search_warnings(search: Search, *, doubts: int) -> Iterator[PlanWarning]:
    """What a search does not cover. With a new daybook there may be `doubts`."""
    text = ""
    if search.failure and doubts:
        text = (
            "the daybook is new, so every entry counts as new, and the ledger cannot be searched: "
            f"{search.failure}; if this workspace was applied before, restore its daybook first"
        )
    elif search.failure:
        text = (
            "the ledger cannot be searched for entries that the daybook does not know: "
            f"{search.failure}; the plan relies on the daybook alone"
        )
    elif search.probed:
        text = (
            f"the ledger cannot be searched: {search.instead_of}; {search.probed} were probed one "
            "by one instead. Entries below that range, or above a gap in it, are not covered."
        )
    if text:
        yield warning("ledger-not-searched", text)


def age_warnings(found: SearchedPlan, *, new: bool) -> Iterator[PlanWarning]:
    """What shows that the daybook or the ledger is a copy from before the last apply (I-44)."""
    again = found.snapshot.again
    if again:
        named = listed([f"{number} ({address.name})" for number, address in again.items()])
        was = "was removed and is" if len(again) == 1 else "were removed and are"
        yield warning(
            "ledger-older",
            "the ledger is older than the daybook, such as one restored from a backup: "
            f"{named} {was} posted again",
        )
    since = unrecorded(found.snapshot) if found.snapshot.found and not new else ()
    if since:
        named = listed([f"{number} ({address.name})" for address, number in since])
        older = (
            f"the ledger also holds what the daybook does not record: {named}"
            if again
            else "the daybook is older than the ledger, such as a restored copy: it does not "
            f"record {named}. A plan shows what an apply does. No search finds journal runs"
        )
        yield warning("daybook-older", older)
    gone = [
        f"{change.number} ({change.address.name})"
        for change in found.plan.changes
        if change.reason is Reason.MISSING_IN_LEDGER
    ]
    if gone:
        why = (
            "the ledger is the older one"
            if again
            else "somebody deleted it, the ledger was restored from a backup, the daybook is an "
            "older copy, or the API user may not see it"
        )
        fact = f"no read finds what is recorded as posted, {listed(gone)}: {why}"
        yield warning("ledger-older" if again else "daybook-older", fact)


def absence_warnings(found: SearchedPlan) -> Iterator[PlanWarning]:
    """Which recorded entries may be posted although no read finds them: nothing proves it."""
    for one in found.plan.refusals:
        if one.rule == UNREAD_POSTING:
            yield PlanWarning(rule=one.rule, message=one.message)


def reading_warnings(failure: str, wrong: Sequence[str], damage: str) -> Iterator[PlanWarning]:
    """Why entries were read although a query could have spared it."""
    if failure:
        text = f"no Data Query says what changed, so every entry was read: {failure}"
        yield warning("stamps-unavailable", text)
    if wrong:
        text = (
            f"{listed(wrong)} changed, but the Data Query did not say so; every entry was read, "
            "and nothing of earlier runs counts"
        )
        yield warning("stamps-wrong", text)
    if damage:
        text = f"the cache was deleted, and nothing of it counts: {damage}"
        yield warning("cache-discarded", text)


def _untracked(found: SearchedPlan) -> Iterator[PlanWarning]:
    strangers = untracked(found.snapshot)
    for address, number in strangers[:MOST_NAMED]:
        yield warning(
            "untracked-entry",
            f'{number} in the ledger has the marker of "{address.name}", but it is neither '
            "declared nor recorded; it is not changed; to declare it: "
            f"{suggested('import', number)}; to stop this warning: "
            f"{suggested('forget', address.name)}",
        )
    more = len(strangers) - MOST_NAMED
    if more > 0:
        entries = counted(more, "more entry is", "more entries are")
        yield warning("untracked-entry", f"{entries} in the ledger neither declared nor recorded")
