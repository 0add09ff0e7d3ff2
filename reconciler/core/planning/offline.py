"""The live state that a plan without a ledger assumes: what the daybook recorded."""

from collections.abc import Iterator, Mapping

from reconciler.core.model.history import Recorded
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.kinds.journal_run import TRANSACTION_TYPES
from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.marker import marker_of, with_marker
from reconciler.core.model.plan import CANCELLED
from reconciler.core.model.resource import EMPTY, Address, Declared, Live
from reconciler.core.model.tenant import Tenant
from reconciler.core.planning.snapshot import adopted


def assumed_live(
    declared: Mapping[Address, Declared], recorded: Mapping[Address, Recorded], tenant: Tenant
) -> Mapping[str, Live]:
    """The numbers that a plan needs, as the daybook recorded them.

    Entries to adopt are assumed to be as declared. Nothing is assumed to be transferred, and
    journal runs have no entries: only the ledger knows these facts.
    """
    adoptions = (
        live
        for address, one in declared.items()
        if (live := _adopted(one, recorded.get(address), tenant)) is not None
    )
    records = (live for one in recorded.values() for live in _recorded(one, declared, tenant))
    return {live.number: live for live in (*adoptions, *records)}


def _recorded(
    one: Recorded, declared: Mapping[Address, Declared], tenant: Tenant
) -> Iterator[Live]:
    kind = KINDS[one.address.kind]
    spec = one.spec
    if spec is None:
        # The applied content is not recorded: the file is the best guess.
        spec = declared[one.address].spec if one.address in declared else EMPTY
    fields = spec
    if kind.carries_marker:
        fields = with_marker(spec, tenant.marker, marker_of(tenant.workspace, one.address))
    for number in one.leftovers:
        yield Live(number=number, status=CANCELLED, fields=fields)
    for number in one.retired:
        yield Live(number=number, status=_posted_status(kind), fields=fields)
    if one.number is not None:
        status = CANCELLED if one.cancelled else _posted_status(kind)
        yield Live(number=one.number, status=status, fields=fields)


def _adopted(declared: Declared, recorded: Recorded | None, tenant: Tenant) -> Live | None:
    number = adopted(declared, recorded)
    if number is None:
        return None
    kind = KINDS[declared.address.kind]
    fields = dict(declared.spec)
    if declared.made_by is not None:
        fields["transactionType"] = min(TRANSACTION_TYPES)
    period = tenant.periods_by_name.get(str(fields.get(kind.period)))
    if kind.span is not None and period is not None:
        fields.update(zip(kind.span, (period.start_date, period.end_date), strict=True))
    return Live(number=number, status=_posted_status(kind), fields=fields)


def _posted_status(kind: Kind) -> str:
    return min(kind.posted_states)
