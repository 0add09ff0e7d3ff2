"""What the planner must know of a kind of document."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from reconciler.core.model.resource import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One sort of document, declared as a value.

    `updatable` names the fields of `spec` that the API can change in place; every other field
    forces a replacement. Fields ending in `custom_suffix` are updatable too, on the entry and on
    its lines. `observed` fields are written by other systems after creation, so a live move of
    them is no drift unless policy says so.
    """

    name: str
    nouns: tuple[str, str] = ("entry", "entries")
    """What people call one of them, and several."""
    schema: str
    collection: str
    rank: int
    """Kinds are applied in this order, lowest first."""
    updatable: frozenset[str] = frozenset()
    lines: str = ""
    """The field that holds the lines, compared as a multiset; empty for a kind without lines."""
    line_key: tuple[str, ...] = ()
    """Line fields that always stand in a file, and that no update can change."""
    line_address: tuple[str, ...] = ()
    """Line fields by which an update names a line, and after them the code type's field."""
    line_address_type: str = ""
    line_updatable: frozenset[str] = frozenset()
    line_optional: frozenset[str] = frozenset()
    """Fixed line fields that the server fills when a file leaves them out."""
    write_only: frozenset[str] = frozenset()
    """Line fields that can be written but are never read back."""
    externally_written: frozenset[str] = frozenset()
    defaults: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Values that mean the same as leaving the field out."""
    synonyms: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Words of fixed line fields that the ledger spells in two ways, each with its one form."""
    names_parts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Fields of the entry that hold a list, each with the field that names an item of it."""
    never_read: frozenset[str] = frozenset()
    """Fields of `spec` that no read shows."""
    resolved: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Lists whose items a read completes, each with the field that suffices to write an item."""
    server_filled: frozenset[str] = frozenset()
    """Fields of the entry and of its lines that only the server writes."""
    period: str = ""
    currency: str = ""
    date: str = ""
    transfer: str = ""
    """The fields that name the accounting period, the currency, the date and the transfer state."""
    span: tuple[str, str] | None = None
    """The fields with the first and the last day, where they may stand instead of a period."""
    number_pattern: str = ""
    posted_states: frozenset[str] = frozenset({"Created"})
    """The states of what the ledger holds as it was asked for."""
    failed: frozenset[str] = frozenset()
    """The states of what did not come to be as it was asked for, and can be cancelled."""
    busy_states: frozenset[str] = frozenset()
    """The states that end by themselves, and in which nothing can be asked."""
    carries_marker: bool = True
    """Whether an object of the kind can carry the marker; if not, the daybook alone knows it."""
    members: str = ""
    """The kind of the entries that an object of this kind made, and that go with it."""
    serial: bool = False
    """Whether the ledger takes one object of the kind at a time."""
    needs_open_period: bool = True
    custom_suffix: str = "__c"

    def canonical_spelling(self, value: Value) -> Value:
        """A word in the one form that stands for all its spellings."""
        return self.synonyms.get(value, value) if isinstance(value, str) else value

    @property
    def headline(self) -> tuple[str, ...]:
        """The fields that every entry states, in the order people read them."""
        return (self.period, self.date, self.currency)
