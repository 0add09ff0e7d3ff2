"""The marker of a live entry, which names the declaration that owns it."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from reconciler.core.model.resource import Address, Value, header_of
from reconciler.values import dataclass

IN_NOTES = "notes"

MARKER = "marker"
"""The name of the marker in a comparison, whatever field holds it."""

_SUFFIX = re.compile(r"(?:\A|\n)\[reconciler:([^\]\n]*)\]\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """The marker `found` in a live entry, beside those that prove whose it is.

    Of its `own`, the present one is first; a renamed entry has two. `former` is the field that held
    the marker at an earlier time, and what it holds, where `found` is none of its own. `needed`
    says that entries of the kind have a marker, and `adopts` that this one is still to be adopted.
    """

    own: tuple[str, ...]
    found: str | None
    former: tuple[str, str | None]
    needed: bool
    adopts: bool

    @property
    def proven(self) -> bool:
        """Whether the live entry has a marker of this address, where it can have one."""
        return not self.needed or self.found in self.own

    @property
    def owned(self) -> bool:
        """Whether the live entry belongs to this address, or can be adopted."""
        return self.proven or (self.adopts and self.found is None)

    @property
    def missing(self) -> bool:
        """Whether the live entry has no marker, nor anybody else's in a former field."""
        lacks = self.needed and self.found is None and not self.adopts
        return lacks and self.former[1] in (None, *self.own)

    @property
    def moved(self) -> bool:
        """Whether our marker is only in the field that held it at an earlier time."""
        return self.found is None and self.former[1] in self.own


def marker_of(workspace: str, address: Address) -> str:
    """The text of the marker: workspace and name."""
    return f"{workspace}/{address.name}"


def is_rest_of(found: str | None, marker: str) -> bool:
    """Whether a ledger that does not keep a marker as it is sent may show `found` of it.

    It may ignore the field, keep only the beginning of its text, or change case and spaces.
    """
    rest = (found or "").strip().casefold()
    return found != marker and marker.casefold().startswith(rest)


def notes_suffix(marker: str) -> str:
    """The marker as the last line of notes, for tenants without a custom field for it."""
    return f"[reconciler:{marker}]"


def with_marker(fields: Mapping[str, Value], place: str, marker: str) -> dict[str, Value]:
    """Fields to send, with the marker in its custom field or at the end of notes."""
    if place != IN_NOTES:
        return {**fields, place: marker}
    notes = fields.get("notes")
    suffix = notes_suffix(marker)
    return {**fields, "notes": f"{notes}\n{suffix}" if notes else suffix}


def split_marker(fields: Mapping[str, Value], place: str) -> tuple[Mapping[str, Value], str | None]:
    """Fields as read, without the marker, and the marker; None if there is none."""
    if place != IN_NOTES:
        rest = {name: value for name, value in fields.items() if name != place}
        return MappingProxyType(rest), marker_in(fields, place)
    found = _in_notes(fields.get("notes"))
    if found is None:
        return fields, None
    rest = {**fields, "notes": found.string[: found.start()] or None}
    return MappingProxyType(rest), found.group(1)


def marker_in(fields: Mapping[str, Value], place: str) -> str | None:
    """The marker in its place among fields as read; None if there is none."""
    (value,) = header_of(fields, place)
    if place != IN_NOTES:
        return str(value) if value else None
    found = _in_notes(value)
    return found.group(1) if found else None


def _in_notes(notes: Value) -> re.Match[str] | None:
    return _SUFFIX.search(notes) if isinstance(notes, str) else None
