"""The proof of reversals: what a reversal posts cancels its original out exactly."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import TypeAlias

from reconciler.core.model.canonical import value_text
from reconciler.core.model.command import suggested
from reconciler.core.model.finding import Finding, listed
from reconciler.core.model.kinds.journal_entry import JOURNAL_ENTRY
from reconciler.core.model.money import ZERO, shown, total
from reconciler.core.model.resource import Address, Declared, Line, Value, rows_of, text_of
from reconciler.core.model.reversal_pair import ReversalNet
from reconciler.core.model.similar_names import KnownNames, nearest
from reconciler.core.model.tenant import Tenant
from reconciler.core.rules.catalog import finding
from reconciler.values import dataclass

MOST_NAMED = 3
"""The most remainders that a message names; the rest are counted."""

REVERSES = ("metadata", "reverses")

_Place: TypeAlias = tuple[str, str, str, frozenset[tuple[str, str]]]
"""A currency, an accounting code, its type, and the dimensions."""

_Spec: TypeAlias = Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remainder:
    """What an entry and its reversal leave on a code: debits less credits, never zero.

    `dimensions` are segments, the organization and the custom fields of lines, as `name value`.
    """

    code: str
    currency: str
    net: Decimal
    home: bool = False
    dimensions: tuple[str, ...] = ()

    def __str__(self) -> str:
        side = "Dr" if self.net > ZERO else "Cr"
        where = f" ({', '.join(self.dimensions)})" if self.dimensions else ""
        what = f"{self.currency} {shown(self.net.copy_abs(), self.currency)} {side}".strip()
        return f"{self.code}{where} {what}" + (" in the home currency" if self.home else "")


def remainders(original: _Spec, reversal: _Spec, tenant: Tenant) -> tuple[Remainder, ...]:
    """What an original and its reversal leave; nothing if the reversal cancels it out.

    Lines may be split or merged. Both currencies count, and so do type of code, segments,
    organization and custom fields of lines; period, date and notes do not.
    """
    both = (original, reversal)
    types = _types_of_codes(both, tenant)
    left = (
        Remainder(
            code=code,
            currency=(tenant.home_currency or "") if home else currency,
            net=net,
            home=home,
            dimensions=_shown_dimensions(dimensions),
        )
        for home in (True, False)
        for (currency, code, _, dimensions), net in _sums(both, types, tenant, home=home).items()
        if net != ZERO
    )
    # In the home currency itself, both amounts are one: the last of two equal ones stays.
    distinct = {(one.code, one.dimensions, one.currency, one.net): one for one in left}
    return tuple(sorted(distinct.values(), key=lambda one: (one.home, one.code, one.dimensions)))


def nets_of(original: _Spec, reversal: _Spec, tenant: Tenant) -> tuple[ReversalNet, ...]:
    """The debits less credits of an original and its reversal, by code and dimensions."""
    types = _types_of_codes((original, reversal), tenant)
    before, after = (_sums((spec,), types, tenant, home=False) for spec in (original, reversal))
    return tuple(
        ReversalNet(
            code=code,
            currency=currency,
            dimensions=_shown_dimensions(dimensions),
            original=before.get(place, ZERO),
            reversal=after.get(place, ZERO),
        )
        for place in sorted({*before, *after}, key=lambda one: (one[1], one[2], sorted(one[3])))
        for currency, code, _, dimensions in (place,)
    )


def net_by_code(spec: _Spec) -> Mapping[object, Decimal]:
    """Debits less credits by currency, code and dimensions, where that is not zero."""
    nets = _sums((spec,), {}, Tenant(), home=False)
    found: dict[object, Decimal] = {}
    for (currency, code, _, dimensions), net in nets.items():
        place = (currency, code, dimensions)
        found[place] = total((found.get(place, ZERO), net))
    return {place: net for place, net in found.items() if net != ZERO}


def _shown_dimensions(dimensions: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(sorted(f"{name} {value}" for name, value in dimensions))


def _sums(
    specs: Iterable[_Spec], types: Mapping[str, str], tenant: Tenant, *, home: bool
) -> Mapping[_Place, Decimal]:
    amounts: dict[_Place, list[Decimal]] = {}
    for spec in specs:
        currency = str(spec.get("currency"))
        shared = _dimensions_of(spec)
        for line in rows_of(spec.get(JOURNAL_ENTRY.lines)):
            amount = _home_amount(line, currency, tenant) if home else line.get("amount")
            if not isinstance(amount, Decimal):
                continue
            code = str(line.get("accountingCodeName"))
            kind = text_of(line.get("accountingCodeType")) or types.get(code, "")
            own = {(name, value_text(line[name])) for name in line if name.endswith("__c")}
            place = (currency, code, kind, shared | {pair for pair in own if pair[1]})
            signed = amount if line.get("type") == "Debit" else amount.copy_negate()
            amounts.setdefault(place, []).append(signed)
    return {place: total(parts) for place, parts in amounts.items()}


def _home_amount(line: Line, currency: str, tenant: Tenant) -> Value:
    """The amount in the home currency; in that currency itself it may be omitted."""
    own = line.get("amount") if currency == tenant.home_currency else None
    return line.get("homeCurrencyAmount", own)


def _dimensions_of(spec: _Spec) -> frozenset[tuple[str, str]]:
    segments = {
        (str(row.get("segmentName")), text_of(row.get("segmentValue")) or "")
        for row in rows_of(spec.get("segments"))
    }
    organization = text_of(spec.get("organizationLabel"))
    return frozenset(segments | ({("organization", organization)} if organization else set()))


def _types_of_codes(specs: Iterable[_Spec], tenant: Tenant) -> Mapping[str, str]:
    """The type of each code that has only one: it may be omitted on a line."""
    found: dict[str, set[str]] = {}
    for spec in specs:
        for line in rows_of(spec.get(JOURNAL_ENTRY.lines)):
            name = str(line.get("accountingCodeName"))
            kind = text_of(line.get("accountingCodeType"))
            known = {code.type for code in tenant.codes_by_name.get(name, ())}
            found.setdefault(name, known).update({kind} if kind else ())
    return {name: kinds.pop() for name, kinds in found.items() if len(kinds) == 1}


class Originals:
    """The entries that `metadata.reverses` can name: by name, by previous name and by number."""

    def __init__(self, entries: Iterable[Declared], numbers: Mapping[str, Address]) -> None:
        self._entries = {one.address.name: one for one in entries}
        self._numbers = {number: address.name for number, address in numbers.items()}
        for one in self._entries.values():
            if one.adopts is not None:
                self._numbers.setdefault(one.adopts, one.address.name)
        self._renamed = {
            one.previous_name: one
            for one in self._entries.values()
            if one.previous_name is not None and one.previous_name not in self._entries
        }
        self._similar: KnownNames | None = None

    def of(self, reversal: Declared) -> Declared | None:
        """The declared original of a reversal; None if no file declares it."""
        return self.named(reversal.reverses or "")

    def named(self, name: str) -> Declared | None:
        """The declaration with this name or previous name, or of the entry with this number."""
        name = self._numbers.get(name, name)
        return self._entries.get(name) or self._renamed.get(name)

    def meant(self, name: str) -> str:
        """The remedy that names a similar entry; empty if there is none."""
        self._similar = self._similar or KnownNames(
            name for name, one in self._entries.items() if one.reverses is None
        )
        return nearest(name, self._similar)


def is_number(named: str) -> bool:
    """Whether `reverses` holds a number of the ledger; a name begins with a small letter."""
    return named.startswith("JE-")


def reversed_names(entries: Iterable[Declared]) -> Mapping[str, Declared]:
    """Every declared entry that is reversed, with its reversal: the way back from `reverses`."""
    entries = tuple(entries)
    originals = Originals(entries, {})
    found: dict[str, Declared] = {}
    for one in entries:
        original = originals.of(one) if one.reverses is not None else None
        if original is not None:
            found.setdefault(original.address.name, one)
    return found


def check_reversals(entries: Iterable[Declared], tenant: Tenant) -> Iterator[Finding]:
    """Findings about the entries that reverse others."""
    entries = tuple(entries)
    originals = Originals(entries, {})
    first: dict[str, Declared] = {}
    for one in entries:
        if one.reverses is None:
            continue
        named = one.reverses
        original = originals.of(one)
        key = named if original is None else original.address.name
        other = first.setdefault(key, one)
        if other is not one:
            fact = f"{key} is reversed by {other.address.name} already ({other.source})"
            yield finding(one, "reversal-twice", REVERSES, fact)
        elif original is not None:
            if named == original.previous_name:
                fact = f"{named} is named {key} now"
                yield finding(one, "reversal-renamed", REVERSES, fact, PRESENT_NAME.format(key))
            yield from _against(one, original, tenant)
        elif is_number(named):
            fact = f"no file declares {named}, so only a plan with the ledger proves the reversal"
            yield finding(one, "reversal-unproved", REVERSES, fact)
        else:
            remedy = FIND_ORIGINAL.format(named)
            if meant := originals.meant(named):
                remedy = f"{meant} {remedy}"
            yield finding(one, "reversal-original", REVERSES, f"no entry is named {named}", remedy)


def _against(one: Declared, original: Declared, tenant: Tenant) -> Iterator[Finding]:
    of = original.address.name
    if original.reverses is not None:
        remedy = UNDO_REVERSAL.format(of, suggested("reverse", original.reverses, "--rebook-only"))
        yield finding(one, "reversal-of-reversal", REVERSES, f"{of} is itself a reversal", remedy)
    elif left := remainders(original.spec, one.spec, tenant):
        again = written_again(one, of)
        rebook = suggested("reverse", of, "--rebook-only")
        remedy = CANCEL_OUT.format(of, original.source, rebook, again)
        yield finding(one, "reversal-nets", REVERSES, uncancelled(of, left), remedy)


def written_again(reversal: Declared, original: str) -> str:
    """The command that writes a reversal again: what was generated is generated."""
    if reversal.generated_by is not None:
        return suggested("generate", reversal.generated_by.name)
    return suggested("reverse", original, "--to", reversal.source.path)


def uncancelled(original: str, left: tuple[Remainder, ...]) -> str:
    """What a reversal leaves of its original, in words."""
    return f"with {original}, it leaves {listed(tuple(map(str, left)), MOST_NAMED)}"


FIND_ORIGINAL = (
    "If its file was removed, restore {0}, or remove both in one change. For an entry outside the "
    "workspace write its JE number."
)

PRESENT_NAME = "Write `reverses: {0}`. It changes nothing in the ledger."

UNDO_REVERSAL = (
    "Remove this document. If {0} is not transferred, remove its file too: apply cancels it. If "
    "it is transferred, run {1}."
)

CANCEL_OUT = (
    "If {0} ({1}) was edited, restore it, or run {2}: it moves the edit into a new entry. If "
    "the reversal was edited, run {3}: it writes the reversal again. To correct a part of an "
    "amount, declare an entry without `reverses`."
)
