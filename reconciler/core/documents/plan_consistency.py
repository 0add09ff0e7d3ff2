"""Whether a plan document agrees with itself: its steps, its figures, and all that follows."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeAlias

from reconciler.core.documents.plan_schema import Document
from reconciler.core.model.kinds.journal_entry import JOURNAL_ENTRY
from reconciler.core.model.money import difference
from reconciler.core.model.plan import Action, Change, Impact, Plan, Reason, Verb
from reconciler.core.model.proofs.rehearsal import Rehearsal
from reconciler.core.model.resource import Value
from reconciler.core.model.reversal_pair import ReversalNet, ReversalPair
from reconciler.core.model.tenant import Tenant
from reconciler.core.planning.dimensions import Key
from reconciler.core.planning.impact import balance_of, impact_of
from reconciler.core.planning.reversing.pairs import held_by, pairs_of
from reconciler.core.rules.reversals import is_number, nets_of

_ORDER = (Verb.UPDATE, Verb.CANCEL, Verb.CREATE, Verb.DELETE)
"""The order of the steps of a change. Each verb comes once; several entries may be deleted."""

_STEPS: Mapping[Action, frozenset[Verb]] = {
    Action.CREATE: frozenset({Verb.CREATE, Verb.DELETE}),
    Action.UPDATE: frozenset({Verb.UPDATE, Verb.DELETE}),
    Action.REPLACE: frozenset(Verb),
    Action.REMOVE: frozenset({Verb.CANCEL, Verb.DELETE}),
    Action.ADOPT: frozenset({Verb.UPDATE, Verb.DELETE}),
    Action.FORGET: frozenset({Verb.DELETE}),
    Action.KEEP: frozenset(),
    Action.BLOCKED: frozenset(),
}
"""The steps that each action may have. Deletions can be left over from an earlier run."""

_WITHOUT_STEPS = frozenset({Action.ADOPT, Action.FORGET, Action.BLOCKED})


def contradictions(document: Document, plan: Plan, again: Document) -> Iterator[str]:
    """What in a document contradicts the rest of it, as text.

    `plan` was read from it, and `again` is what this version would write for that plan.
    """
    for at, change in enumerate(plan.changes):
        if fault := _fault(change, numbered=plan.base is None):
            yield f"{fault} - at `$.changes[{at}]`"
    if plan.base is not None and not plan.scope.offline:
        yield "it is compared with a commit, and not made offline - at `$.compared_with`"
    addresses = Counter(change.address for change in plan.changes)
    if repeated := [str(address) for address, count in addresses.items() if count > 1]:
        yield f"it has several changes of {repeated[0]} - at `$.changes`"
    for figure in _unsupported_figures(plan):
        yield f"{figure} does not follow from its changes"
    if path := _difference(document, again, "$"):
        yield f"a value does not follow from the rest - at `{path}`"


def _fault(change: Change, *, numbered: bool) -> str:
    """Why no plan has such a change; empty when one may have it.

    `numbered`: what is posted has a number, because the ledger or the daybook gave it.
    """
    verbs = [step.verb for step in change.steps]
    made = [step.number for step in change.steps if step.verb is Verb.CREATE]
    deleted = [step.number for step in change.steps if step.verb is Verb.DELETE]
    edited = {step.number for step in change.steps if step.verb in (Verb.UPDATE, Verb.CANCEL)}
    unnumbered = not numbered and change.number is None
    blocked, wanted = change.action is Action.BLOCKED, change.wanted
    needed = change.action not in _WITHOUT_STEPS and change.reason is not Reason.RECORD_ONLY
    rules = (
        (blocked == (change.block is not None), "a change is blocked if it says why"),
        (blocked or change.action is wanted, "the action is not the wanted one"),
        (wanted is not Action.BLOCKED, "no change is meant to be blocked"),
        (_STEPS[wanted].issuperset(verbs), f"{wanted.value} has no such step"),
        (sorted(verbs, key=_ORDER.index) == verbs, "the steps are in another order"),
        (all(verbs.count(verb) < 2 for verb in _ORDER[:-1]), "a step is repeated"),
        (bool(verbs) or not needed, f"{wanted.value} has no step"),
        (
            Verb.CREATE in verbs or blocked or wanted is not Action.CREATE,
            "create has no step create",
        ),
        (made in ([], [None]), "the entry to create has a number"),
        (
            edited <= {change.number} - ({None} if numbered else set()),
            "a step is for an entry of another number",
        ),
        (
            (unnumbered or None not in deleted) and len({*deleted}) == len(deleted),
            "it deletes one entry twice",
        ),
        (not change.posts or change.after is not None, "nothing is posted"),
        (not change.cancels or change.before is not None, "nothing is cancelled"),
        (
            unnumbered or change.number is not None or not change.status,
            "an entry without a number has a status",
        ),
    )
    return next((fault for holds, fault in rules if not holds), "")


def _difference(said: Any, follows: Any, path: str) -> str:
    """The path of the first value that is not as it follows; empty when there is none.

    Keys that this version does not know are ignored.
    """
    if said == follows:
        return ""
    if isinstance(follows, dict):
        for name, value in follows.items():
            if name in _FREE:
                continue
            here = f"{path}.{name}"
            if not isinstance(said, dict) or name not in said:
                found = "" if name in _LATER else here
            else:
                found = _difference(said[name], value, here)
            if found:
                return found
        return ""
    if isinstance(follows, list):
        if not isinstance(said, list) or len(said) != len(follows):
            return path
        pairs = enumerate(zip(said, follows, strict=True))
        return next(filter(None, (_difference(*both, f"{path}[{at}]") for at, both in pairs)), "")
    return path


_FREE = frozenset({"format_version", "checksum", "inside"})
"""Keys that are checked elsewhere, or whose text may differ between versions of a library."""

_LATER = frozenset(
    {"adopt_found", "allow_equal", "search", "controls", "transfers", "warning_rules"}
)
"""Keys that earlier versions of the format do not have."""


def _unsupported_figures(plan: Plan) -> Iterator[str]:
    """The figures of a plan that do not follow from its changes, as text.

    A plan file does not hold unchanged entries. So the change of an impact can be checked, but
    not the amount before it; and the number of unchanged entries cannot be checked.
    """
    home_currency = plan.basis.home_currency
    if plan.balance != balance_of(plan.pending, home_currency):
        yield "its balance"
    if not _impact_holds(plan):
        yield "its impact on the books"
    counts = Counter(change.action for change in plan.pending)
    if not _reversals_hold(plan):
        yield "its reversals"
    if plan.rehearsal is not None and not _covers(plan.rehearsal, plan):
        yield "its rehearsal"
    if any(plan.summary.get(one, 0) != counts[one] for one in Action if one is not Action.KEEP):
        yield "its summary"


def _covers(rehearsal: Rehearsal, plan: Plan) -> bool:
    """Whether a rehearsal has an end for each feasible change, and for nothing else."""
    ended = [(one.kind, one.name, one.action) for one in rehearsal.changes]
    wanted = [(one.address.kind, one.address.name, one.action) for one in plan.feasible]
    return ended == wanted


def _reversals_hold(plan: Plan) -> bool:
    """Whether each pair is that of the changes, and no pair is missing or left open.

    A plan file does not hold an entry that stays as it is: then its part of a pair is not checked.
    """
    entries = {
        change.address.name: change
        for change in plan.pending
        if change.address.kind == JOURNAL_ENTRY.name
    }
    made = {pair.reversed_by: pair for pair in pairs_of(entries.values(), {}, Tenant())}
    kept = {
        change.reversed_by: change
        for change in entries.values()
        if change.reversed_by and change.reversed_by not in entries
    }
    told = {pair.reversed_by: pair for pair in plan.reversals}
    if len(told) != len(plan.reversals) or not made.keys() <= told.keys() <= {*made, *kept}:
        return False
    return all(
        _is_pair(pair, made.get(name), entries.get(name) or kept[name])
        for name, pair in told.items()
    )


def _is_pair(said: ReversalPair, made: ReversalPair | None, change: Change) -> bool:
    """Whether a pair agrees with the changes of its entries, or with that of the one that changes.

    `made` is the pair as the changes give it. Without it, `change` is that of the original.
    """
    if made is None:
        held = _amounts(said.nets, "original") == _sides(held_by(change))
        return held and (said.original, said.number) == (change.address.name, change.number or "")
    if made.nets:
        return said == made
    if not said.nets:
        # Offline, nobody knows what an undeclared original holds.
        return said == made and is_number(said.original)
    if change.posts and change.block is None and any(net.left for net in said.nets):
        return False
    amounts = _amounts(said.nets, "reversal") == _sides(held_by(change))
    number = said.number if not is_number(said.original) else made.number
    return amounts and said == replace(made, number=number, period=said.period, nets=said.nets)


_Amounts: TypeAlias = Mapping[tuple[str, str, tuple[str, ...]], Decimal]


def _amounts(nets: Iterable[ReversalNet], of: str) -> _Amounts:
    rows = ((net.code, net.currency, net.dimensions, getattr(net, of)) for net in nets)
    return {row[:3]: row[3] for row in rows if row[3]}


def _sides(content: Mapping[str, Value] | None) -> _Amounts:
    return _amounts(nets_of(content or {}, {}, Tenant()), "original")


def _impact_holds(plan: Plan) -> bool:
    """Whether each row follows from the changes, divided by the dimensions that it states."""
    divided = {_key(row): tuple(row.dimensions) for row in plan.impact}
    shown = {_place(row): row for row in plan.impact}
    if len(shown) != len(plan.impact):
        return False
    made = {
        _place(row): row
        for row in impact_of(
            plan.pending,
            plan.basis.home_currency,
            named={code for _, code, _ in divided},
            divide=lambda key, *_: divided.get(key, ()),
        )
    }
    # If an unchanged entry has no home amount, a change of home amounts alone is not shown.
    needed = {place for place, row in made.items() if any(_moved(row)) or place in shown}
    # A part of a divided row may have unchanged entries alone, which a plan file does not hold.
    still = {place for place in shown.keys() - made.keys() if _is_unmoved_part(shown[place])}
    if shown.keys() != needed | still:
        return False
    return all(_is_consistent(made[place], shown[place]) for place in needed)


def _key(row: Impact) -> Key:
    return row.period, row.code, row.currency


def _place(row: Impact) -> tuple[Key, tuple[tuple[str, str], ...]]:
    return _key(row), tuple(sorted(row.dimensions.items()))


def _is_unmoved_part(row: Impact) -> bool:
    return bool(row.dimensions) and not any(_moved(row)) and not row.home_change


def _is_consistent(made: Impact, shown: Impact) -> bool:
    if shown.debit_before < made.debit_before or shown.credit_before < made.credit_before:
        return False
    # If an unchanged entry has no home amount, its row has none.
    home = shown.home_change in (None, made.home_change)
    return home and _moved(made) == _moved(shown)


def _moved(row: Impact) -> tuple[Decimal, Decimal]:
    """The change of the debits and of the credits."""
    debit = difference(row.debit_after, row.debit_before)
    return debit, difference(row.credit_after, row.credit_before)
