"""Whether an entry that no read finds is gone: its organization must be one that reads show."""

from collections.abc import Mapping

from reconciler.core.model.command import suggested
from reconciler.core.model.finding import joined
from reconciler.core.model.history import Recorded
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.plan import Action, Change, Reason
from reconciler.core.model.resource import Value, header_of, rows_of
from reconciler.core.model.tenant import Tenant
from reconciler.core.planning.snapshot import Snapshot
from reconciler.core.rules.catalog import refusal


def with_known_absence(snapshot: Snapshot, changes: list[Change]) -> list[Change]:
    """The changes, with those blocked whose entry may be in the ledger, but not for this client.

    A client sees the entries of its organizations alone, and all others look deleted (API facts
    1.1). So each organization of a missing entry must be that of another entry that was read.
    """
    kinds, tenant = {one.address.kind for one in snapshot.recorded.values()}, snapshot.tenant
    seen = {
        name
        for live in snapshot.live.values()
        if live is not None
        for kind in kinds
        for name in _organizations(KINDS[kind], live.fields, tenant)
    }
    return [_unless_unseen(snapshot, one, seen) for one in changes]


def _unless_unseen(snapshot: Snapshot, change: Change, seen: set[str]) -> Change:
    """The change, blocked if it follows from the absence of an entry that may be unseen."""
    recorded = snapshot.records_by_current_name.get(change.address)
    missing = change.reason is Reason.MISSING_IN_LEDGER and change.action is not Action.BLOCKED
    if not missing or recorded is None:
        return change
    fact = _why_unseen(recorded, snapshot.tenant, seen)
    if not fact:
        return change
    declared = change.address in snapshot.declared
    remedy = _REMEDY.format(
        number=recorded.number,
        file="remove its file and " if declared else "",
        forget=suggested("forget", change.address.name),
        again=" To post it again, restore the file after that." if declared else "",
    )
    return change.blocked_by(refusal("organization-unseen", fact, remedy))


_REMEDY = (
    "Give the API user access to the organization, and list its id if the target has "
    "`organizationIds`. Then plan again. If {number} was deleted in the ledger, {file}run "
    "{forget}.{again}"
)


def _why_unseen(recorded: Recorded, tenant: Tenant, seen: set[str]) -> str:
    """Why the entry of a record may be in the ledger, unseen; empty if it is gone."""
    if recorded.spec is None:
        if not seen and not tenant.organizations:
            return ""
        return f"no read finds {recorded.number}, and its organization is not recorded"
    own = _organizations(KINDS[recorded.address.kind], recorded.spec, tenant)
    unseen = [f'"{one}"' for one in sorted(own - seen)]
    if not unseen:
        return ""
    which = joined(unseen)
    return f"no read finds {recorded.number}, nor any other entry of its organization: {which}"


def _organizations(kind: Kind, fields: Mapping[str, Value], tenant: Tenant) -> set[str]:
    """The names of the organizations in the fields of an entry or run; an id if it has no name."""
    (stated,) = header_of(fields, kind.organizations)
    if isinstance(stated, str):
        return {stated}
    names: dict[Value, str] = {one.id: one.name for one in tenant.organizations}
    return {
        str(row.get("organizationName") or names.get(key) or key)
        for row in rows_of(stated)
        if (key := row.get("organizationId")) or row.get("organizationName")
    }
