"""Which values of a call count as applied to its entry, as a read shows it afterwards."""

import json
from collections.abc import Mapping, Set
from functools import partial

from reconciler.core.model.canonical import with_lines
from reconciler.core.model.json_text import read_json
from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.plan import Comparison
from reconciler.core.model.resource import EMPTY, Key, Value, rows_of
from reconciler.core.planning.diff import read_back, stored_otherwise
from reconciler.core.planning.line_matching import pair, posting_key, same_details
from reconciler.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a read shows of a call: the fields that differ, and the values that count as applied.

    `applied` is None if nothing does. `otherwise` is what the ledger stored otherwise than it was
    sent, as the daybook keeps it.
    """

    differing: tuple[str, ...]
    applied: Mapping[str, Value] | None
    otherwise: str


def shown(
    kind: Kind,
    sent: Mapping[str, Value],
    before: Mapping[str, Value] | None,
    live: Mapping[str, Value],
    *,
    payload: str | None = None,
) -> Shown:
    """Compare what a call sent with a read of its entry. `before` was applied before the call.

    Only what is in the `payload` of the call can be stored otherwise than it was sent.
    A sent value counts if the read shows it, whoever wrote it: a file declared it, so a file that
    gives it up clears it. Where the read differs, the value from before counts. What no read
    shows counts as sent by a create, and stays as before for any other call.
    If period, date, currency or postings differ, no call of ours made the entry as it is, so
    nothing of the call counts.
    """
    found = read_back(kind, sent, before, live)
    names = dict.fromkeys(field.name for field in found.fields)
    names |= dict.fromkeys([kind.lines] * bool(found.line_updates))
    applied = before if _posted_by_another(kind, found) else _applied(kind, sent, before, found)
    body = read_json(payload or "{}")
    told = {name: pair for name, pair in stored_otherwise(kind, found).items() if name in body}
    otherwise = json.dumps(told, ensure_ascii=False)
    return Shown(differing=tuple(names), applied=applied, otherwise=otherwise)


def _posted_by_another(kind: Kind, found: Comparison) -> bool:
    """Whether a field differs that no call changes.

    Lines that only an update could not address are no other postings.
    """
    return any(
        not field.in_place and not (field.name == kind.lines and found.line_updates)
        for field in found.fields
    )


def _applied(
    kind: Kind, sent: Mapping[str, Value], before: Mapping[str, Value] | None, found: Comparison
) -> Mapping[str, Value]:
    last = EMPTY if before is None else before
    ours, theirs = rows_of(sent.get(kind.lines)), rows_of(last.get(kind.lines))
    pairing = pair(kind, ours, theirs, agree=partial(same_details, kind))
    partner = {at: theirs[other] for at, other in pairing.positions}
    moved: dict[Key, set[str]] = {}
    for update in found.line_updates:
        moved.setdefault(posting_key(kind, update.line), set()).update(update.fields)
    unread = kind.write_only if before is not None else frozenset[str]()
    rows = (
        _with_last(line, partner.get(at, EMPTY), unread | moved.get(posting_key(kind, line), set()))
        for at, line in enumerate(ours)
    )
    differing = {field.name for field in found.fields} - {kind.lines}
    return with_lines(kind, _with_last(sent, last, differing), rows)


def _with_last(
    sent: Mapping[str, Value], last: Mapping[str, Value], differing: Set[str]
) -> dict[str, Value]:
    """What was sent, with the values from before where the read differs."""
    kept = {name: value for name, value in sent.items() if name not in differing}
    return kept | {name: last[name] for name in differing if name in last}
