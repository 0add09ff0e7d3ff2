"""Names what differs inside two nested values that are known to differ.

Never asked whether they differ: equality is decided exactly, in `compare` and by digests. This
only finds the words for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.core.model.canonical import exact, json_bytes
from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.resource import Value, rows_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One place inside a value: `path` as `segments.Department`; None means absent."""

    path: str
    before: str | None
    after: str | None


def differences(before: object, after: object) -> tuple[Difference, ...]:
    """The places where two different JSON documents differ, in the order of their paths."""
    # It takes its time to import, and is needed only when something nested has changed.
    from deepdiff import DeepDiff  # noqa: PLC0415
    from deepdiff.helper import NotPresent  # noqa: PLC0415

    def text(value: Any) -> str | None:
        if value is None or isinstance(value, NotPresent):
            return None
        return value if isinstance(value, str) else json_bytes(value).decode()

    tree = DeepDiff(before, after, view="tree", verbose_level=2)
    return tuple(
        sorted(
            (
                Difference(
                    path=".".join(str(key) for key in item.path(output_format="list")),
                    before=text(item.t1),
                    after=text(item.t2),
                )
                for items in tree.values()
                for item in items
            ),
            key=lambda found: found.path,
        )
    )


def inside(kind: Kind, name: str, before: Value, after: Value) -> tuple[Difference, ...]:
    """What differs inside a field that holds a list of named parts, such as segments.

    Empty when the field has no parts, or when their names are not unique.
    """
    label = kind.names_parts.get(name)
    if label is None:
        return ()
    sides = []
    for value in (before, after):
        rows = rows_of(value)
        parts = {str(row.get(label)): _said(row, label) for row in rows}
        if len(parts) != len(rows):
            return ()
        sides.append(parts)
    return differences(*sides)


def _said(row: Mapping[str, Value], label: str) -> object:
    """What a part says: its one other field, or all of them."""
    rest = {key: exact(value, key) for key, value in row.items() if key != label}
    return next(iter(rest.values())) if len(rest) == 1 else rest
