"""Decides which addresses a scope selects, and which are linked to them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from fnmatch import fnmatchcase
from types import MappingProxyType

from reconciler.core.model.command import suggested
from reconciler.core.model.history import Recorded, numbered_record
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.resource import Address, Declared
from reconciler.core.model.scope import EVERYTHING, TRANSFER, OutOfScope, Scope, Selection
from reconciler.core.model.similar_names import KnownNames, nearest
from reconciler.core.model.tenant import AccountingPeriod
from reconciler.core.planning.posting import periods_of
from reconciler.core.planning.renames import previous_of
from reconciler.core.planning.reversing.proof import originals_of
from reconciler.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """The addresses that a scope can select, declared or recorded.

    `periods` are those of the Reference. `transfers` are the live transfer states of each address,
    once the ledger was read; they are selected like labels.
    """

    declared: Mapping[Address, Declared]
    recorded: Mapping[Address, Recorded]
    periods: Mapping[str, AccountingPeriod]
    transfers: Mapping[Address, frozenset[str]] = field(
        default_factory=lambda: MappingProxyType({})
    )

    @property
    def addresses(self) -> frozenset[Address]:
        """The addresses of a plan of the whole workspace."""
        known = (address for address, item in self.recorded.items() if _is_recorded(item))
        return frozenset({*self.declared, *known})

    def labels_of(self, address: Address) -> frozenset[str]:
        """The labels of an address as `label=value`, none without a file, and its transfers."""
        declared = self.declared.get(address)
        pairs = declared.labels.items() if declared else ()
        states = self.transfers.get(address, frozenset())
        return frozenset(
            f"{label}={value}" for label, value in (*pairs, *((TRANSFER, one) for one in states))
        )

    def periods_of(self, address: Address) -> frozenset[str]:
        """The recorded and the declared periods of an address."""
        declared, recorded = self.declared.get(address), self.recorded.get(address)
        specs = (declared.spec if declared else None, recorded.spec if recorded else None)
        kind = KINDS[address.kind]
        return frozenset().union(
            *(periods_of(kind, spec, self.periods) for spec in specs if spec is not None)
        )


def select(
    scope: Scope, workspace: Workspace, base: str = ""
) -> tuple[Selection, tuple[Address, ...], tuple[tuple[str, str], ...]]:
    """What a partial scope selects, the linked addresses in it, and its problems with remedies.

    A value that matches nothing is a problem, never an empty selection.
    """
    given = Selection(scope=scope, base=base)
    everything = workspace.addresses
    problems = [*_unmatched(scope, workspace)]
    asked = frozenset(address for address in everything if _chosen(address, scope, workspace))
    linked = _linked(asked, workspace)
    selected = asked.union(linked)
    problems += (
        (
            f"--exclude names {one.name}, which is linked to {linked[one].name}",
            f"Plan both: {suggested(*given.command(one.name, linked[one].name))}. Or exclude both.",
        )
        for one in sorted(linked)
        if _matches_any(one, scope.excludes)
    )
    if not problems and not selected:
        remedy = f"{_WIDER} To plan everything: {suggested(*given.command())}."
        problems.append(("no entry matches all options", remedy))
    left = everything - selected
    unseen = OutOfScope(
        declared=sum(1 for one in left if one in workspace.declared),
        recorded=sum(1 for one in left if one not in workspace.declared),
    )
    found = replace(given, addresses=selected, out_of_scope=unseen)
    return (EVERYTHING if problems else found), tuple(sorted(linked)), tuple(problems)


def _is_recorded(item: Recorded) -> bool:
    """Whether the daybook records an entry that may have to be removed."""
    in_books = item.number is not None and not item.cancelled
    return in_books or bool(item.leftovers) or item.unsettled


def _chosen(address: Address, scope: Scope, workspace: Workspace) -> bool:
    """Whether an address matches every used option and no exclusion."""
    return (
        (not scope.targets or _matches_any(address, scope.targets))
        and (not scope.periods or not workspace.periods_of(address).isdisjoint(scope.periods))
        and (not scope.labels or not workspace.labels_of(address).isdisjoint(scope.labels))
        and not _matches_any(address, scope.excludes)
    )


def _matches_any(address: Address, patterns: Iterable[str]) -> bool:
    """A pattern with a slash matches `Kind/name`, one without matches the name."""
    return any(fnmatchcase(str(address) if "/" in one else address.name, one) for one in patterns)


def _linked(asked: frozenset[Address], workspace: Workspace) -> Mapping[Address, Address]:
    """What else the requested addresses need, each with the one that it is linked to."""
    found: dict[Address, Address] = {}
    known, waiting = workspace.addresses - asked, sorted(asked)
    linked: dict[Address, list[Address]] = {}
    for one, other in _inseparable(workspace):
        linked.setdefault(one, []).append(other)
    while waiting:
        one = waiting.pop()
        for other in linked.get(one, ()):
            if other not in found and other in known:
                found[other] = one
                waiting.append(other)
    return found


def _inseparable(workspace: Workspace) -> Iterator[tuple[Address, Address]]:
    """Pairs of which the first may not be planned without the second.

    A journal run needs its declared entries: cancelling it cancels them. A renamed entry needs
    both names, and a reversal its original. What changes of a posted original needs its reversal.
    """
    numbers = {state.number: address for address, state in workspace.recorded.items()}
    numbers |= {one.adopts: address for address, one in workspace.declared.items()}
    originals = originals_of(workspace.declared, workspace.recorded)
    made = {number: one.address for one in workspace.recorded.values() for number in one.entries}
    for address, declared in workspace.declared.items():
        if named := originals.get(address):
            original = numbers.get(named, Address(address.kind, named))
            yield address, original
            holder = made.get(named, original)
            if _record(address, workspace) is not None and _is_changed(holder, workspace):
                yield holder, address
        if declared.made_by is not None and declared.made_by in numbers:
            yield numbers[declared.made_by], address
        if declared.previous_name is not None and previous_of(declared) in workspace.recorded:
            yield address, previous_of(declared)
            yield previous_of(declared), address


def _record(address: Address, workspace: Workspace) -> Recorded | None:
    return numbered_record(address, workspace.declared.get(address), workspace.recorded.get)


def _is_changed(address: Address, workspace: Workspace) -> bool:
    """Whether something is posted, and no file declares the same."""
    declared, record = workspace.declared.get(address), _record(address, workspace)
    return record is not None and (declared is None or declared.spec != record.spec)


def _unmatched(scope: Scope, workspace: Workspace) -> Iterator[tuple[str, str]]:
    """The values of a scope that match nothing, each with what was probably meant."""
    addresses = workspace.addresses
    names = {address.name for address in addresses} | {str(address) for address in addresses}
    for flag, patterns in (("--target", scope.targets), ("--exclude", scope.excludes)):
        similar = KnownNames(names)
        yield from (
            _no_match(flag, pattern, similar)
            for pattern in patterns
            if not any(_matches_any(address, (pattern,)) for address in addresses)
        )
    periods = frozenset(workspace.periods).union(*map(workspace.periods_of, addresses))
    labels = frozenset[str]().union(*map(workspace.labels_of, addresses))
    for flag, words, known in (
        ("--period", scope.periods, periods),
        ("--select", scope.labels, labels),
    ):
        similar = KnownNames(known)
        yield from (_no_match(flag, word, similar) for word in words if word not in known)


def _no_match(flag: str, word: str, known: KnownNames) -> tuple[str, str]:
    fact = f"{flag} {word} matches nothing in the workspace"
    return fact, nearest(word, known) or f"Write {_WORDS[flag]}."


_WORDS = {
    "--target": "the name of an entry, or a pattern such as accrual-*",
    "--exclude": "the name of an entry, or a pattern such as accrual-*",
    "--period": "an accounting period that the ledger or the Reference has",
    "--select": "a label that declarations have, as LABEL=VALUE",
}
"""What each option takes."""
_WIDER = "Omit an option: another value of an option widens the scope, another option narrows it."
