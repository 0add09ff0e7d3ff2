"""Whether an entry that no read finds is gone: its organization must be one that reads show."""

from collections.abc import Iterable, Mapping

from reconciler.core.model.command import suggested
from reconciler.core.model.finding import joined
from reconciler.core.model.history import Recorded
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.plan import Action, Change, Reason
from reconciler.core.model.resource import Address, Value, header_of, rows_of
from reconciler.core.model.tenant import Tenant
from reconciler.core.planning.snapshot import Snapshot
from reconciler.core.rules.catalog import refusal


def with_known_absence(snapshot: Snapshot, changes: list[Change]) -> list[Change]:
    """The changes, with those blocked whose entry may be in the ledger, but not for this client.

    A client sees the entries of its organizations alone, and all others look deleted (API facts
    1.1). So each organization of a missing entry must be that of another entry that was read.
    """
    missing = _missing(snapshot, changes)
    if not missing:
        return changes
    shown, tenant = _shown(snapshot), snapshot.tenant
    read = {
        name for number, each in shown.items() if number not in snapshot.unread for name in each
    }
    several = bool(shown or tenant.organizations)
    facts = {
        one: _why_unseen(record, tenant, read, several=several) for one, record in missing.items()
    }
    return [
        _blocked(snapshot, one, fact)
        if one.action is not Action.BLOCKED and (fact := facts.get(one.address))
        else one
        for one in changes
    ]


def unread_witnesses(snapshot: Snapshot, changes: Iterable[Change]) -> frozenset[str]:
    """The unread numbers of which a read may show an organization of a missing entry."""
    missing = _missing(snapshot, changes).values()
    wanted = {name for one in missing for name in _organizations_of(one, snapshot.tenant)}
    shown = _shown(snapshot) if wanted else {}
    return frozenset(one for one in snapshot.unread if not wanted.isdisjoint(shown.get(one, ())))


def _missing(snapshot: Snapshot, changes: Iterable[Change]) -> Mapping[Address, Recorded]:
    """The records of the entries that no read finds."""
    records = snapshot.records_by_current_name
    missing = (one.address for one in changes if one.reason is Reason.MISSING_IN_LEDGER)
    return {address: records[address] for address in missing if address in records}


def _shown(snapshot: Snapshot) -> Mapping[str, set[str]]:
    """The organizations of each live number that has any."""
    kinds, tenant = {one.address.kind for one in snapshot.recorded.values()}, snapshot.tenant
    shown = {
        number: {name for kind in kinds for name in _organizations(KINDS[kind], one.fields, tenant)}
        for number, one in snapshot.live.items()
        if one is not None
    }
    return {number: names for number, names in shown.items() if names}


def _blocked(snapshot: Snapshot, change: Change, fact: str) -> Change:
    """The change, blocked because its entry may be in the ledger, unseen."""
    declared, selection = change.address in snapshot.declared, snapshot.selection
    remedy = _REMEDY.format(
        number=change.number,
        file="remove its file and " if declared else "",
        forget=suggested("forget", change.address.name),
        again=" To post it again, restore the file after that." if declared else "",
    )
    if selection.scope.partial and _has_others(snapshot, change.address):
        whole = suggested(*selection.command())
        remedy = f"Plan everything, which reads other entries of it: {whole}. Or else: {remedy}"
    return change.blocked_by(refusal("organization-unseen", fact, remedy))


def _has_others(snapshot: Snapshot, address: Address) -> bool:
    """Whether entries of the same organizations are recorded that this plan does not read."""
    own = _organizations_of(snapshot.records_by_current_name[address], snapshot.tenant)
    unread = (one for one in snapshot.recorded.values() if one.number not in snapshot.live)
    others = frozenset[str]().union(*(_organizations_of(one, snapshot.tenant) for one in unread))
    return bool(own) and own <= others


_REMEDY = (
    "Give the API user access to the organization, and list its id if the target has "
    "`organizationIds`. Then plan again. If {number} was deleted in the ledger, {file}run "
    "{forget}.{again}"
)


def _why_unseen(recorded: Recorded, tenant: Tenant, read: set[str], *, several: bool) -> str:
    """Why the entry of a record may be in the ledger, unseen; empty if it is gone."""
    own = _organizations_of(recorded, tenant)
    if several and not own:
        return f"no read finds {recorded.number}, and its organization is not recorded"
    unseen = joined([f'"{one}"' for one in sorted(own - read)])
    fact = f"no read finds {recorded.number}, nor any other entry of its organization: {unseen}"
    return fact if unseen else ""


def _organizations_of(recorded: Recorded, tenant: Tenant) -> set[str]:
    return _organizations(KINDS[recorded.address.kind], recorded.spec or {}, tenant)


def _organizations(kind: Kind, fields: Mapping[str, Value], tenant: Tenant) -> set[str]:
    """The names of the organizations in the fields of an entry or run; an id if it has no name."""
    (stated,) = header_of(fields, kind.organizations)
    if isinstance(stated, str):
        return {stated} - {""}
    names: dict[Value, str] = {one.id: one.name for one in tenant.organizations}
    return {
        str(row.get("organizationName") or names.get(key) or key)
        for row in rows_of(stated)
        if (key := row.get("organizationId")) or row.get("organizationName")
    }
