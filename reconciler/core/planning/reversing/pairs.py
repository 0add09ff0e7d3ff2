"""The reversals of a plan, each with its original and with what the two leave."""

from collections.abc import Iterable, Iterator, Mapping

from reconciler.core.model.kinds.journal_entry import JOURNAL_ENTRY
from reconciler.core.model.plan import Action, Change
from reconciler.core.model.resource import Live, Value, text_of
from reconciler.core.model.reversal_pair import ReversalPair
from reconciler.core.model.tenant import Tenant
from reconciler.core.rules.reversals import nets_of


def pairs_of(
    changes: Iterable[Change], live: Mapping[str, Live | None], tenant: Tenant
) -> Iterator[ReversalPair]:
    """The pairs of which the plan changes one, in the order of the plan.

    An original that no file declares is taken from `live`, if it was read.
    """
    changes = tuple(changes)
    by_name = {one.address.name: one for one in changes if one.address.kind == JOURNAL_ENTRY.name}
    for change in changes:
        original = by_name.get(change.reverses)
        moved = {change.action, original.action if original is not None else Action.KEEP}
        if not change.reverses or change.after is None or moved == {Action.KEEP}:
            continue
        number = change.reverses if original is None else original.number or ""
        read = live.get(number)
        content = held_by(original) if original else read.fields if read else None
        reversal = held_by(change) or {}
        yield ReversalPair(
            original=change.reverses,
            number=number,
            period=_period(content) if content is not None else "",
            reversed_by=change.address.name,
            reversal_number=change.number or "",
            reversal_period=_period(reversal),
            nets=nets_of(content, reversal, tenant) if content is not None else (),
        )


def held_by(change: Change) -> Mapping[str, Value] | None:
    """What an entry holds after the plan, or would hold if it is blocked and was never posted."""
    stays = change.action is Action.BLOCKED or change.after is None
    return (change.before if stays else None) or change.after


def _period(content: Mapping[str, Value]) -> str:
    return text_of(content.get(JOURNAL_ENTRY.period)) or ""
