"""The reversals of a plan, each with its original and with what the two leave."""

from collections.abc import Iterable, Iterator, Mapping

from reconciler.core.model.kinds.journal_entry import JOURNAL_ENTRY
from reconciler.core.model.plan import Action, Change
from reconciler.core.model.resource import Value, text_of
from reconciler.core.model.reversal_pair import ReversalNet, ReversalPair
from reconciler.core.planning.snapshot import Snapshot
from reconciler.core.rules.reversals import nets_of


def pairs_of(changes: Iterable[Change], snapshot: Snapshot) -> tuple[ReversalPair, ...]:
    """The pairs of which the plan changes one, in the order of the plan."""
    changes = tuple(changes)
    by_name = {one.address.name: one for one in changes if one.address.kind == JOURNAL_ENTRY.name}
    return tuple(_pairs(changes, by_name, snapshot))


def _pairs(
    changes: Iterable[Change], by_name: Mapping[str, Change], snapshot: Snapshot
) -> Iterator[ReversalPair]:
    for change in changes:
        original = by_name.get(change.reverses)
        moved = {change.action, original.action if original is not None else Action.KEEP}
        if not change.reverses or change.after is None or moved == {Action.KEEP}:
            continue
        number = change.reverses if original is None else original.number or ""
        content = _content(original, snapshot, number)
        period = text_of(content.get(JOURNAL_ENTRY.period)) if content is not None else None
        yield ReversalPair(
            original=change.reverses,
            number=number,
            period=period or "",
            reversed_by=change.address.name,
            reversal_number=change.number or "",
            reversal_period=change.period,
            nets=tuple(
                ReversalNet(
                    code=code,
                    currency=currency,
                    dimensions=dimensions,
                    original=before,
                    reversal=after,
                )
                for code, currency, dimensions, before, after in nets_of(
                    content, change.after, snapshot.tenant
                )
            )
            if content is not None
            else (),
        )


def _content(
    original: Change | None, snapshot: Snapshot, number: str
) -> Mapping[str, Value] | None:
    """What the original holds after the plan; None where nobody knows."""
    if original is None:
        live = snapshot.live.get(number)
        return live.fields if live is not None else None
    stays = original.action is Action.BLOCKED or original.after is None
    return original.before if stays else original.after
