"""The live state that a plan without a ledger assumes: what was recorded, or what is declared."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from reconciler.core.model.history import Recorded
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.kinds.journal_run import TRANSACTION_TYPES
from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.marker import marker_of, with_marker
from reconciler.core.model.plan import CANCELLED, Change, Plan
from reconciler.core.model.resource import (
    EMPTY,
    Address,
    Declared,
    LateFields,
    Live,
    Value,
    header_of,
)
from reconciler.core.model.tenant import Tenant


def assumed_live(
    declared: Mapping[Address, Declared],
    recorded: Mapping[Address, Recorded],
    tenant: Tenant,
    *,
    marked_in: str,
) -> Mapping[str, Live]:
    """The numbers that a plan needs, as the daybook recorded them, with their markers in a field.

    Entries to adopt are assumed to be as declared. Nothing is assumed to be transferred, and
    journal runs have no entries: only the ledger knows these facts.
    """
    adoptions = (
        live
        for address, one in declared.items()
        if (live := _adopted(one, recorded.get(address), tenant)) is not None
    )
    records = (
        live
        for one in recorded.values()
        for live in _recorded(one, declared, tenant.workspace, marked_in)
    )
    return {live.number: live for live in (*adoptions, *records)}


_FIRST_ASSUMED = 10**15
"""The ledger counts its entries from 1, so no entry has a number like this."""
_NUMBER = re.compile(r"\bJ[A-Z]-[0-9]+")


def recorded_at(declared: Iterable[Declared]) -> dict[Address, Recorded]:
    """The record of a daybook if an apply of these declarations had just completed.

    Whoever shows a plan of it removes the assumed numbers with `without_assumed_numbers`.
    """
    return {
        one.address: Recorded(
            address=one.address,
            number=one.adopts or _assumed_number(one.address, at),
            spec=one.spec,
            protect=one.protect,
            incarnation=1,
            from_run=one.made_by is not None,
            adopted=one.adopts,
        )
        for at, one in enumerate(sorted(declared, key=lambda one: one.address))
    }


def _assumed_number(address: Address, at: int) -> str:
    prefix = KINDS[address.kind].number_pattern.partition("[")[0]
    return f"{prefix}{_FIRST_ASSUMED + at}"


def without_assumed_numbers(plan: Plan) -> Plan:
    """The plan without the numbers and fingerprints that only `recorded_at` gave to entries."""
    rehearsal = plan.rehearsal
    rehearsed = tuple(
        replace(one, message=_without_numbers(one.message))
        for one in (rehearsal.changes if rehearsal else ())
    )
    return replace(
        plan,
        changes=tuple(map(_without_number, plan.changes)),
        reversals=tuple(
            replace(one, number=_known(one.number), reversal_number=_known(one.reversal_number))
            for one in plan.reversals
        ),
        unanswered=tuple(replace(one, number=_known(one.number)) for one in plan.unanswered),
        rehearsal=rehearsal and replace(rehearsal, changes=rehearsed),
    )


def _known(number: str) -> str:
    """The number; empty if it is an assumed one."""
    digits = number.partition("-")[2]
    return "" if digits.isdecimal() and int(digits) >= _FIRST_ASSUMED else number


def _without_numbers(message: str) -> str:
    return _NUMBER.sub(lambda found: _known(found[0]) or "the entry", message)


def _without_number(change: Change) -> Change:
    if change.number is None or _known(change.number):
        return change
    steps = tuple(replace(step, number=_known(step.number or "") or None) for step in change.steps)
    return replace(change, number=None, steps=steps, fingerprint="")


def _recorded(
    one: Recorded, declared: Mapping[Address, Declared], workspace: str, place: str
) -> Iterator[Live]:
    kind = KINDS[one.address.kind]
    spec = one.spec
    if spec is None:
        # The applied content is not recorded: the file is the best guess.
        spec = declared[one.address].spec if one.address in declared else EMPTY
    fields = spec
    if kind.carries_marker:
        fields = _Marked(spec, place, marker_of(workspace, one.address))
    for number in one.leftovers:
        yield Live(number=number, status=CANCELLED, fields=fields)
    for number in one.retired:
        yield Live(number=number, status=_posted_status(kind), fields=fields)
    if one.number is not None:
        status = CANCELLED if one.cancelled else _posted_status(kind)
        yield Live(number=one.number, status=status, fields=fields)


class _Marked(LateFields):
    """A spec with a marker."""

    __slots__ = ("_marker", "_place", "_spec")

    def __init__(self, spec: Mapping[str, Value], place: str, marker: str) -> None:
        super().__init__()
        self._spec, self._place, self._marker = spec, place, marker

    def _make(self) -> Mapping[str, Value]:
        return with_marker(self._spec, self._place, self._marker)

    def _some(self, names: tuple[str, ...]) -> tuple[Value, ...]:
        some = header_of(self._spec, *names)
        if self._place not in names:
            return some
        marked = with_marker(dict(zip(names, some, strict=True)), self._place, self._marker)
        return tuple(map(marked.get, names))


def _adopted(declared: Declared, recorded: Recorded | None, tenant: Tenant) -> Live | None:
    if declared.adopts is None or (recorded is not None and recorded.number is not None):
        return None
    kind = KINDS[declared.address.kind]
    fields = dict(declared.spec)
    if declared.made_by is not None:
        fields["transactionType"] = min(TRANSACTION_TYPES)
    period = tenant.periods_by_name.get(str(fields.get(kind.period)))
    if kind.span is not None and period is not None:
        fields.update(zip(kind.span, (period.start_date, period.end_date), strict=True))
    return Live(number=declared.adopts, status=_posted_status(kind), fields=fields)


def _posted_status(kind: Kind) -> str:
    return min(kind.posted_states)
