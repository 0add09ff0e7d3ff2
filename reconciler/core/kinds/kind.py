"""What the planner must know of a kind of document."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One sort of document, declared as a value.

    `updatable` names the fields of `spec` that the API can change in place; every other field
    forces a replacement. Fields ending in `custom_suffix` are updatable too, on the entry and on
    its lines. `observed` fields are written by other systems after creation, so a live move of
    them is no drift unless policy says so.
    """

    name: str
    schema: str
    collection: str
    rank: int
    """Kinds are applied in this order, lowest first."""
    updatable: frozenset[str]
    lines: str
    """The field that holds the lines, compared as a multiset."""
    line_updatable: frozenset[str] = frozenset()
    observed: frozenset[str] = frozenset()
    number_pattern: str = ""
    custom_suffix: str = "__c"
