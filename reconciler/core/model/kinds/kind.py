"""The properties of a kind of document."""

from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType

from reconciler.core.model.enumerations import Enumeration, canonical
from reconciler.core.model.resource import Value
from reconciler.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of document.

    `updatable` are the fields of `spec` that the API can change in place; every other field
    forces a replacement. Fields ending in `custom_suffix` are updatable too, on the entry and its
    lines. Other systems write `externally_written` fields after creation; a change of them is
    drift only if the policy says so.
    """

    name: str
    nouns: tuple[str, str] = ("entry", "entries")
    """Its name in messages: singular and plural."""
    schema: str
    collection: str
    rank: int
    """Kinds are applied in this order, lowest first."""
    updatable: frozenset[str] = frozenset()
    lines: str = ""
    """The field with the lines, compared as a multiset; empty for a kind without lines."""
    line_key: tuple[str, ...] = ()
    """Line fields that are required in a file and cannot be updated."""
    line_address: tuple[str, ...] = ()
    """Line fields by which an update names a line, followed by the field of the code type."""
    line_address_type: str = ""
    line_updatable: frozenset[str] = frozenset()
    line_optional: frozenset[str] = frozenset()
    """Fixed line fields that the server fills if a file omits them."""
    write_only: frozenset[str] = frozenset()
    """Line fields that no read shows."""
    externally_written: frozenset[str] = frozenset()
    defaults: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Values that mean the same as an omitted field."""
    enumerations: Mapping[str, type[Enumeration]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    """Fields of the entry and of its lines that hold a word, each with the words it may be."""
    names_parts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """List fields of the entry, each with the field that names an item."""
    never_read: frozenset[str] = frozenset()
    """Fields of `spec` that no read shows."""
    resolved: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Lists whose items are read with more fields, each with the field that identifies an item."""
    server_filled: frozenset[str] = frozenset()
    """Fields of the entry and of its lines that only the server writes."""
    period: str = ""
    currency: str = ""
    date: str = ""
    transfer: str = ""
    """The fields that name the accounting period, the currency, the date and the transfer state."""
    organizations: str = ""
    """The field with its organization or organizations, in a tenant with Multi-Org."""
    span: tuple[str, str] | None = None
    """The fields of the first and the last day, if they may replace the period."""
    number_pattern: str = ""
    posted_states: frozenset[str] = frozenset({"Created"})
    """The states of an object that was created as requested."""
    failed: frozenset[str] = frozenset()
    """The states of an object whose creation failed; it can be cancelled."""
    busy_states: frozenset[str] = frozenset()
    """The states in which the ledger processes the object and accepts no call for it."""
    carries_marker: bool = True
    """Whether objects of the kind have a marker; otherwise only the daybook identifies them."""
    members: str = ""
    """The kind of the entries that an object posts, and that are cancelled with it."""
    serial: bool = False
    """Whether the ledger accepts only one object of the kind at a time."""
    needs_open_period: bool = True
    custom_suffix: str = "__c"

    def canonical_spelling(self, name: str, value: Value) -> Value:
        """The canonical spelling of the value of a field."""
        words = self.enumerations.get(name)
        return canonical(words, value) if words and isinstance(value, str) else value

    @property
    def reversible(self) -> bool:
        """Whether an entry with swapped sides can reverse an object of the kind."""
        return bool(self.lines)

    @property
    def headline(self) -> tuple[str, ...]:
        """The fields that every entry has, in display order."""
        return (self.period, self.date, self.currency)


def order_of(number: str) -> tuple[int, str]:
    """The sort key of numbers of one kind: those with more digits are later."""
    return len(number), number
