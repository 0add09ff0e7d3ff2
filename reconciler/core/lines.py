"""Which declared line is which live line: lines are a multiset, and repetition counts (I-54)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from reconciler.core.canonical import canonical_json
from reconciler.core.kinds.kind import Kind
from reconciler.core.values import Value

Line: TypeAlias = Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """Lines that are the same posting on both sides, and those that stand on one side only."""

    pairs: tuple[tuple[Line, Line], ...]
    only_declared: tuple[Line, ...]
    only_live: tuple[Line, ...]

    @property
    def complete(self) -> bool:
        """Whether both sides post the same."""
        return not self.only_declared and not self.only_live


def pair(kind: Kind, declared: Sequence[Line], live: Sequence[Line]) -> Pairing:
    """Match lines by what they post: code, side, amount, and whatever else a declared line fixes.

    A fixed field that a declared line leaves out matches any live value, because the server fills
    it. Among lines that post the same, those with equal custom fields are matched first.
    """
    if len(declared) == len(live) and all(
        _same(kind, ours, theirs) for ours, theirs in zip(declared, live, strict=True)
    ):
        return Pairing(
            pairs=tuple(zip(declared, live, strict=True)), only_declared=(), only_live=()
        )
    edges = [
        [at for at, theirs in enumerate(live) if _posts_same(kind, ours, theirs)]
        for ours in declared
    ]
    exact = [
        [at for at in found if _same(kind, ours, live[at])]
        for ours, found in zip(declared, edges, strict=True)
    ]
    partner = _match(edges, _match(exact, {}))
    matched = {ours: theirs for theirs, ours in partner.items()}
    return Pairing(
        pairs=tuple((declared[at], live[matched[at]]) for at in sorted(matched)),
        only_declared=tuple(line for at, line in enumerate(declared) if at not in matched),
        only_live=tuple(line for at, line in enumerate(live) if at not in partner),
    )


def details(kind: Kind, line: Line) -> dict[str, Value]:
    """The fields of a line that can be changed in place and can be read back."""
    return {
        name: value
        for name, value in line.items()
        if is_detail(kind, name) and name not in kind.write_only and value not in (None, "")
    }


def is_detail(kind: Kind, name: str) -> bool:
    """Whether a line's field can be changed in place."""
    return name in kind.line_updatable or name.endswith(kind.custom_suffix)


def line_address(kind: Kind, line: Line) -> tuple[Value, ...]:
    """How an update names a line: code, side and code type; lines have no id (API facts 3.5)."""
    return (*(line.get(name) for name in kind.line_address), line.get(kind.line_address_type))


def count_addresses(kind: Kind, lines: Sequence[Line]) -> Counter[tuple[Value, ...]]:
    """How many lines answer to each address; only those with one can be updated."""
    return Counter(line_address(kind, line) for line in lines)


def sort_lines(kind: Kind, lines: Sequence[Line]) -> tuple[Line, ...]:
    """Lines in canonical order, for output that must not depend on theirs."""
    return tuple(sorted(lines, key=canonical_json))


def _posts_same(kind: Kind, declared: Line, live: Line) -> bool:
    return all(declared.get(name) == live.get(name) for name in kind.line_key) and all(
        declared[name] == live.get(name)
        for name in kind.line_optional
        if declared.get(name) is not None
    )


def _same(kind: Kind, declared: Line, live: Line) -> bool:
    return _posts_same(kind, declared, live) and _details_agree(kind, declared, live)


def _details_agree(kind: Kind, declared: Line, live: Line) -> bool:
    return details(kind, declared) == details(kind, live)


def _match(edges: Sequence[Sequence[int]], partner: dict[int, int]) -> dict[int, int]:
    """A maximum matching from live position to declared position (augmenting paths).

    Entries have at most 100 lines, and only entries known to differ come here.
    """
    taken = set(partner.values())
    for start in range(len(edges)):
        if start not in taken:
            _augment(start, edges, partner, set())
    return partner


def _augment(
    ours: int, edges: Sequence[Sequence[int]], partner: dict[int, int], seen: set[int]
) -> bool:
    for theirs in edges[ours]:
        if theirs in seen:
            continue
        seen.add(theirs)
        if theirs not in partner or _augment(partner[theirs], edges, partner, seen):
            partner[theirs] = ours
            return True
    return False
