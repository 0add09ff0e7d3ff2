"""The input of a plan, and the state of one address in it."""

from collections.abc import Iterable, Mapping
from dataclasses import field
from functools import cached_property
from types import MappingProxyType

from reconciler.core.model.canonical import LiveDeclaration, fingerprint
from reconciler.core.model.history import Recorded, other_adopted_number
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.marker import Marks, marker_in, marker_of, split_marker
from reconciler.core.model.plan import (
    CANCELLED,
    UNCHANGED,
    Action,
    Change,
    Comparison,
    Reason,
    Step,
    Verb,
)
from reconciler.core.model.policy import Policy
from reconciler.core.model.resource import EMPTY, Address, Declared, Live, Value, header_of, text_of
from reconciler.core.model.scope import EVERYTHING, Selection
from reconciler.core.model.tenant import Tenant
from reconciler.core.planning.diff import compare
from reconciler.core.planning.renames import Names, by_current_name, previous_of, renames_of
from reconciler.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything a plan is computed from.

    `live` maps every number that was read to its entry, or to None if the ledger has none. The
    caller must read every number except those of declared addresses outside the `selection`.
    `declared` and `recorded` are always complete: selected addresses may conflict with others.
    `found` are the posted numbers with the marker of an address, as a search found them.
    """

    declared: Mapping[Address, Declared]
    recorded: Mapping[Address, Recorded]
    live: Mapping[str, Live | None]
    tenant: Tenant
    policy: Policy = field(default_factory=Policy)
    found: Mapping[Address, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    again: Mapping[str, Address] = field(default_factory=lambda: MappingProxyType({}))
    """The posted numbers that the daybook records as removed or missing: the ledger is older."""
    equal: Mapping[Address, tuple[Live, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """The posted entries of others that equal what would be posted with a new daybook."""
    selection: Selection = EVERYTHING
    unread: frozenset[str] = frozenset()
    """The numbers in `live` that were not read for this plan: they are as they were read before."""
    left_out: tuple[str, ...] = ()
    """Files that git keeps out of the work tree, so that nobody knows what they declare."""
    names: Names = field(init=False)
    """The sources of names: declarations, records, live entries and search results."""
    renames: Mapping[Address, Address] = field(init=False)
    """Each renamed declaration with its previous address."""
    records_by_current_name: Mapping[Address, Recorded] = field(init=False)
    """The records with renamed entries under their new names. Decisions use these."""
    run_of: Mapping[str, Address] = field(init=False)
    """The journal run of every live entry that a declared or recorded run made."""
    claims: Mapping[str, tuple[Address, ...]] = field(init=False)
    """The declarations that have or adopt each number."""

    def __post_init__(self) -> None:
        names = Names(
            declared=self.declared,
            recorded=self.recorded,
            live=self.live,
            found=self.found,
            workspace=self.tenant.workspace,
            place=self.tenant.marker,
            former_places=self.tenant.former_markers,
        )
        renames = renames_of(names)
        records = by_current_name(self.recorded, renames, self.live) if renames else self.recorded
        runs = {
            member.number: address
            for address, recorded in records.items()
            if address in self.selection
            and recorded.number is not None
            and (live := self.live.get(recorded.number)) is not None
            for member in live.members
        }
        claims: dict[str, tuple[Address, ...]] = {}
        for address, declared in self.declared.items():
            recorded = records.get(address)
            number = (recorded.number if recorded else None) or declared.adopts
            if number is not None:
                claims[number] = (*claims.get(number, ()), address)
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "renames", renames)
        object.__setattr__(self, "records_by_current_name", records)
        object.__setattr__(self, "run_of", runs)
        object.__setattr__(self, "claims", claims)


def to_read(
    declared: Mapping[Address, Declared], recorded: Iterable[Recorded]
) -> tuple[tuple[Kind, str], ...]:
    """The numbers whose live state a plan needs, each with its kind."""
    known = {item.address: item for item in recorded}
    wanted = {
        (item.address.kind, number)
        for item in known.values()
        for number in (item.number, *item.leftovers)
        if number is not None
    }
    for address, one in declared.items():
        own = known.get(address)
        if one.adopts is not None and (own is None or own.number is None):
            wanted.add((address.kind, one.adopts))
            if one.made_by is not None:
                # One read of the run shows all entries that it made.
                run = next(kind for kind in KINDS.values() if kind.members == address.kind)
                wanted.add((run.name, one.made_by))
        elif one.adopts is not None and (other := other_adopted_number(one, own)) is not None:
            wanted.add((address.kind, other))
        before = known.get(previous_of(one)) if one.previous_name is not None else None
        for state in (own, before):
            if state is not None and state.retired:
                wanted |= {(address.kind, retired) for retired in state.retired}
    return tuple((KINDS[kind], number) for kind, number in sorted(wanted))


@dataclass(frozen=True, kw_only=True)
class AddressState:
    """One address with its declaration, record and live entry.

    `number` is the recorded number, or the one to adopt, or with `found` the one that a search
    found by its marker.
    """

    address: Address
    kind: Kind
    snapshot: Snapshot
    declared: Declared | None
    recorded: Recorded
    number: str | None
    live: Live | None
    posted: bool
    adopts: bool
    """Whether the number still has to be adopted."""
    found: bool
    marked_numbers: tuple[str, ...]
    """The posted numbers with its marker, as searches and retired records have them."""
    predecessors: tuple[str, ...]
    """The numbers of cancelled predecessors, including that of an outdated record."""
    leftover_steps: tuple[Step, ...]
    """Deletions of cancelled predecessors that an interrupted replacement still has to do."""
    previous: Address | None
    """The address that the entry had before a rename."""

    @classmethod
    def of(cls, address: Address, snapshot: Snapshot, or_number: str = "") -> "AddressState":
        """The state of an address; `or_number` counts where neither record nor file has a number.

        Raises KeyError when a number that it needs was not read.
        """
        recorded = snapshot.records_by_current_name.get(address) or Recorded(address=address)
        declared = snapshot.declared.get(address)
        previous = snapshot.renames.get(address)
        number = recorded.number or (declared.adopts if declared else None) or or_number or None
        live = snapshot.live[number] if number is not None else None
        if live is None and recorded.number is None and recorded.incarnation:
            # An adopted entry that was deleted later is created like any other.
            number = None
        marked = _posted_numbers(snapshot, address)
        ours = declared is not None or snapshot.again.keys() >= {*marked}
        found = ours and len(marked) == 1 and _is_not_ours(snapshot, address, recorded, live)
        before: tuple[str | None, ...] = recorded.leftovers
        if found:
            # Daybook or ledger is an older copy: the marker proves that the entry belongs here.
            number, outdated, live = marked[0], live, snapshot.live[marked[0]]
            # Another entry may have the recorded number now.
            before += (recorded.number,) * (outdated is None or outdated.status == CANCELLED)
        predecessors = tuple(one for one in before if one is not None and one != number)
        deletes = snapshot.policy.delete_cancelled
        kind = KINDS[address.kind]
        return cls(
            address=address,
            kind=kind,
            snapshot=snapshot,
            declared=declared,
            recorded=recorded,
            number=number,
            live=live,
            posted=live is not None and live.status in kind.posted_states,
            adopts=number is not None and number != recorded.number,
            found=found,
            marked_numbers=marked,
            predecessors=predecessors,
            leftover_steps=tuple(
                Step(verb=Verb.DELETE, number=one)
                for one in predecessors
                if deletes and snapshot.live[one] is not None
            ),
            previous=previous,
        )

    @cached_property
    def live_fields(self) -> Mapping[str, Value]:
        """The live fields without the marker; empty where nothing is live."""
        place = self.snapshot.tenant.marker
        return split_marker(self.live.fields, place)[0] if self.live is not None else EMPTY

    @cached_property
    def marks(self) -> Marks:
        """The markers of the live entry, and those of this address."""
        tenant, live = self.snapshot.tenant, self.live
        names = (self.address, self.previous) if self.previous else (self.address,)
        own = tuple(marker_of(tenant.workspace, name) for name in names)
        found = marker_in(live.fields, tenant.marker) if live is not None else None
        return Marks(
            own=own,
            found=found,
            former=("", None) if found in own else self.snapshot.names.former_marker(live),
            needed=self.kind.carries_marker,
            adopts=self.adopts,
        )

    @property
    def duplicates(self) -> tuple[str, ...]:
        """The numbers posted for this address, if there are several, which is an error."""
        posted = {*self.marked_numbers}
        if posted and self.posted and self.number is not None and self.marks.proven:
            posted.add(self.number)
        return tuple(sorted(posted)) if len(posted) > 1 else ()

    @property
    def posted_again(self) -> str:
        """The removed number of the address that is posted again; empty for none."""
        again = self.snapshot.again
        own = (number for number, address in again.items() if address == self.address)
        return self.number if self.number and self.number in again else next(own, "")

    @property
    def marker_lost(self) -> bool:
        """Whether the live entry is the recorded one, and its marker was emptied.

        No call changes period, date, currency or lines of an entry. So an entry without a marker is
        the recorded one only if these are as they were applied.
        """
        return self.marks.missing and self.posted and _as_applied(self.recorded, self.live_fields)

    @property
    def made_by_run(self) -> bool:
        """Whether a journal run made the entry, according to file, daybook or ledger."""
        stated = self.declared is not None and self.declared.made_by is not None
        from_run = self.recorded.from_run and self.recorded.number is not None
        return stated or from_run or self.number in self.snapshot.run_of

    @property
    def delete(self) -> tuple[Verb, ...]:
        """The verb that deletes a cancelled entry, if the policy says so."""
        return (Verb.DELETE,) if self.snapshot.policy.delete_cancelled else ()

    def change(
        self,
        action: Action,
        reason: Reason,
        verbs: Iterable[Verb] = (),
        comparison: Comparison = UNCHANGED,
    ) -> Change:
        """The change with its steps; all verbs except create use the number."""
        steps = tuple(
            Step(verb=verb, number=None if verb is Verb.CREATE else self.number) for verb in verbs
        )
        adopts = action is Action.ADOPT
        fields = self.declared.spec if self.declared else self.live_fields
        period, currency = map(text_of, header_of(fields, self.kind.period, self.kind.currency))
        period = period or self._period_of_dates(fields)
        known_period = self.snapshot.tenant.periods_by_name.get(period)
        place, live = self.snapshot.tenant.marker, self.live.fields if self.live else EMPTY
        return Change(
            address=self.address,
            action=action,
            wanted=action,
            reason=reason,
            steps=(*steps, *self.leftover_steps),
            number=self.number,
            status=self.live.status if self.live else "",
            source=self.declared.source if self.declared else None,
            comparison=comparison,
            before=LiveDeclaration(self.kind, live, place) if self.live is not None else None,
            after=self.declared.spec if self.declared else None,
            period=period,
            period_status=known_period.status if known_period else "",
            transferred=text_of(*header_of(live, self.kind.transfer)) or "",
            currency=currency or "",
            protect=self.declared.protect if self.declared else self.recorded.protect,
            members=self.live.members if self.live else (),
            journal_run=(self.declared.made_by if self.declared else None) or "",
            renamed_from=self.previous.name if self.previous else "",
            fingerprint=fingerprint(self.live) if steps or adopts else "",
        )

    def _period_of_dates(self, fields: Mapping[str, Value]) -> str:
        """The accounting period of a run, by its dates."""
        if self.kind.span is None:
            return ""
        first, last = (text_of(fields.get(field)) or "" for field in self.kind.span)
        period = self.snapshot.tenant.period_holding(first, last)
        return period.name if period is not None else ""


def _posted_numbers(snapshot: Snapshot, address: Address) -> tuple[str, ...]:
    """The posted numbers with the marker of an address or of its previous name.

    They come from searches and from retired records. While one is posted, the declaration must not
    be posted again.
    """
    state, source = snapshot.recorded.get(address), snapshot.renames.get(address)
    unknown = state is None or state.number is None
    numbers = snapshot.names.unrecorded(address) if unknown else snapshot.found.get(address, ())
    return numbers if source is None else (*numbers, *snapshot.names.unrecorded(source))


def _is_not_ours(
    snapshot: Snapshot, address: Address, recorded: Recorded, live: Live | None
) -> bool:
    """Whether the recorded number is not posted, or is that of another entry by now.

    Another entry has no marker of this address, and its lines are not those that were applied.
    """
    if live is None or live.status == CANCELLED:
        return True
    names = (address, snapshot.renames.get(address))
    marked = any(name is not None and snapshot.names.is_posted_as(name, live) for name in names)
    return recorded.number == live.number and not marked and not _as_applied(recorded, live.fields)


def _as_applied(recorded: Recorded, fields: Mapping[str, Value]) -> bool:
    """Whether everything is as it was applied that no call changes."""
    spec = recorded.spec
    if spec is None:
        return False
    return not compare(KINDS[recorded.address.kind], spec, spec, fields).forced_by
