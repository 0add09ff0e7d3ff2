"""Which declarations are renames, and the records after them."""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import replace

from reconciler.core.model.finding import PlanWarning
from reconciler.core.model.history import Recorded
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.marker import marker_in, marker_of
from reconciler.core.model.plan import CANCELLED, Change
from reconciler.core.model.resource import Address, Declared, Live, Value, text_of
from reconciler.core.planning.diff import compare
from reconciler.core.planning.line_matching import postings_of
from reconciler.core.rules.plan_warnings import warning
from reconciler.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The sources of names: files, daybook, ledger and search.

    Numbers that are missing in `live` were not read.
    """

    declared: Mapping[Address, Declared]
    recorded: Mapping[Address, Recorded]
    live: Mapping[str, Live | None]
    found: Mapping[Address, tuple[str, ...]]
    workspace: str
    place: str
    former_places: tuple[str, ...] = ()

    def posted_entry(self, address: Address) -> Live | None:
        """The recorded live entry of an address, unless it is cancelled."""
        state = self.recorded.get(address)
        live = self.live.get(state.number or "") if state is not None else None
        return None if live is None or live.status == CANCELLED else live

    def unrecorded(self, address: Address) -> tuple[str, ...]:
        """The posted numbers with an address's marker: found by search, or retired."""
        state = self.recorded.get(address)
        retired = (
            number
            for number in (state.retired if state is not None else ())
            if self.is_posted_as(address, self.live.get(number))
        )
        return tuple(dict.fromkeys((*self.found.get(address, ()), *retired)))

    def is_posted_as(self, address: Address, live: Live | None) -> bool:
        """Whether a live entry is not cancelled and, where it can, carries the address's marker."""
        if live is None or live.status == CANCELLED:
            return False
        ours = marker_of(self.workspace, address)
        return not KINDS[address.kind].carries_marker or self.marker(live) == ours

    def marker(self, live: Live | None) -> str | None:
        """The marker in its field; where that is empty, in a field that held it before."""
        own = marker_in(live.fields, self.place) if live is not None else None
        return own or self.former_marker(live)[1]

    def former_marker(self, live: Live | None) -> tuple[str, str | None]:
        """The field that held the marker at an earlier time, and the marker in it, if any."""
        for place in self.former_places if live is not None else ():
            if live is not None and (marker := marker_in(live.fields, place)):
                return place, marker
        return "", None


def renames_of(names: Names) -> Mapping[Address, Address]:
    """Every renamed declaration with the previous address of its entry.

    A live marker is proof, even if the daybook has the entry under an undeclared name. Otherwise
    `previousName` counts if an entry is recorded or found under it. If none ever was, the only
    undeclared entry of equal content counts.
    """
    lost = tuple(sorted(address for address in names.recorded if address not in names.declared))
    asking = [one for one in names.declared.values() if one.previous_name is not None]
    if not lost and not asking:
        return {}
    numbers = frozenset(names.recorded[address].number for address in lost)
    renames: dict[Address, Address] = {}
    for source in lost:
        address = _marked_for(names, source)
        if address in names.declared and _is_free(names, address, numbers):
            renames.setdefault(address, source)
    for one in asking:
        source = previous_of(one)
        free = one.address not in renames and _is_free(names, one.address, numbers)
        if free and source not in names.declared and _is_known(names, source):
            renames[one.address] = source
    taken = frozenset(renames.values())
    alike = EqualEntries(names, (address for address in lost if address not in taken))
    guesses = {
        one.address: meant[0]
        for one in asking
        if one.address not in renames and _is_new(names, one)
        if len(meant := alike.equal_to(one)) == 1
    }
    claims = Counter(guesses.values())
    return renames | {at: source for at, source in guesses.items() if claims[source] == 1}


def previous_of(declared: Declared) -> Address:
    """The address that `previousName` states."""
    return Address(declared.address.kind, declared.previous_name or "")


def possible_renames(
    names: Names, new: Iterable[Change], removals: Iterable[Change]
) -> Iterator[PlanWarning]:
    """Warnings about new entries that may be renames of other entries."""
    removed = EqualEntries(names, (one.address for one in removals))
    for one in (names.declared[change.address] for change in new):
        alike = [source.name for source in removed.equal_to(one)]
        keys = " or ".join(f"`previousName: {name}`" for name in alike)
        if one.previous_name is not None:
            source = previous_of(one)
            state = names.recorded.get(source)
            if state is None:
                fact = "is unknown"
            elif state.number is not None and names.live.get(state.number) is None:
                fact = "has an entry that no read finds"
            else:
                fact = "no longer has a posted entry"
            hint = f"; entries of equal content: {keys}" if keys else ""
            yield warning(
                "possible-rename",
                f'the previous name "{source.name}" {fact}, so {one.address.name} is a new entry'
                + hint,
            )
        elif keys:
            yield warning(
                "possible-rename",
                f'"{one.address.name}" has the content of "{alike[0]}", which is removed; if it is '
                f"a new name for that entry, add {keys} to its metadata",
            )


def _marked_for(names: Names, source: Address) -> Address:
    """The address in the marker of the recorded entry of `source`."""
    marker = names.marker(names.posted_entry(source)) if KINDS[source.kind].carries_marker else None
    owner, _, name = (marker or "").partition("/")
    return Address(source.kind, name if owner == names.workspace else "")


def _is_free(names: Names, address: Address, spare: frozenset[str | None]) -> bool:
    """Whether an address has no recorded or found entry."""
    state = names.recorded.get(address) or Recorded(address=address)
    found = any(number not in spare for number in names.unrecorded(address))
    return state.number is None and not found and not state.unsettled


def _is_known(names: Names, source: Address) -> bool:
    """Whether an entry is or may be posted under a name; a create of unknown outcome counts."""
    state = names.recorded.get(source)
    unsettled = state is not None and state.unsettled
    return unsettled or names.posted_entry(source) is not None or bool(names.unrecorded(source))


def _is_new(names: Names, declared: Declared) -> bool:
    """Whether neither a declaration nor its previous name was ever applied."""
    return declared.adopts is None and not any(
        address in names.recorded or address in names.found
        for address in (declared.address, previous_of(declared))
    )


class EqualEntries:
    """The posted entries of some addresses, indexed by content: a plan may remove thousands.

    With `missing`, those that no read finds count as well.
    """

    def __init__(self, names: Names, sources: Iterable[Address], *, missing: bool = False) -> None:
        self._names = names
        self._sources: dict[Hashable, list[Address]] = {}
        for source in sources:
            state = names.recorded.get(source)
            if (
                state is not None
                and state.spec is not None
                and (
                    names.is_posted_as(source, names.posted_entry(source))
                    or (missing and names.live.get(state.number or "") is None)
                )
            ):
                self._sources.setdefault(_posted(source, state.spec), []).append(source)

    def equal_to(self, declared: Declared) -> tuple[Address, ...]:
        """The addresses whose entries equal a declaration."""
        kind = KINDS[declared.address.kind]
        return tuple(
            source
            for source in self._sources.get(_posted(declared.address, declared.spec), ())
            if (applied := self._names.recorded[source].spec) is not None
            and not compare(kind, declared.spec, applied, applied, manage_observed=True)
        )


def _posted(address: Address, spec: Mapping[str, Value]) -> Hashable:
    """The key that two declarations of equal content always share."""
    kind = KINDS[address.kind]
    headline = tuple(text_of(spec.get(name)) for name in kind.headline if name)
    return kind.name, headline, postings_of(kind, spec)


def by_current_name(
    recorded: Mapping[Address, Recorded],
    renames: Mapping[Address, Address],
    live: Mapping[str, Live | None],
) -> Mapping[Address, Recorded]:
    """The records with each renamed entry under its new name."""
    records = dict(recorded)
    for address, source in renames.items():
        old = recorded.get(source) or Recorded(address=source)
        own = recorded.get(address) or Recorded(address=address)
        entry = live.get(old.number or "")
        if entry is not None and entry.status != CANCELLED:
            records[address] = taken_over(own, old)
            records[source] = replace(
                old, number=None, spec=None, protect=False, cancelled=False, entries=()
            )
        elif old.unsettled:
            records[address] = replace(own, unsettled=True)
    return records


def taken_over(own: Recorded, old: Recorded) -> Recorded:
    """The record of a name that takes over another's entry; it keeps its own create count."""
    return replace(
        own,
        number=old.number,
        spec=old.spec,
        protect=old.protect,
        cancelled=old.cancelled,
        unsettled=own.unsettled or old.unsettled,
        from_run=old.from_run,
        adopted=old.adopted,
        entries=old.entries,
    )


def renamed(own: Recorded, old: Recorded | None) -> Recorded:
    """The record for a change that renames an entry, with the record of its old name."""
    return own if old is None or old.number is None else taken_over(own, old)
