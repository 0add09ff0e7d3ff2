"""How values, amounts, counts and actions read in a sentence."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from reconciler.core.model.finding import Refusal, counted, cut
from reconciler.core.model.money import ZERO, shown, total
from reconciler.core.model.plan import Action
from reconciler.core.model.resource import Value

PARTICIPLES: Mapping[Action, str] = {
    Action.CREATE: "created",
    Action.UPDATE: "updated",
    Action.REPLACE: "replaced",
    Action.REMOVE: "removed",
    Action.ADOPT: "adopted",
    Action.FORGET: "forgotten",
}


def value_text(value: Value) -> str:
    """A field's value: absence in brackets, text with spaces in quotes."""
    if value is None or value == "":
        return "(none)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "[" + ", ".join(_pair(item) for item in value) + "]"
    return f'"{value}"' if isinstance(value, str) and " " in value else str(value)


def _pair(item: Value) -> str:
    if isinstance(item, Mapping):
        return "=".join(str(value) for value in item.values())
    return str(item)


def as_sentence(text: str) -> str:
    """A part of a sentence as a whole one. Only its first letter changes, not those of names."""
    return f"{text[:1].upper()}{text[1:]}."


def need_person(count: int) -> str:
    """How many differences no change answers: `2 differences need a person`; empty for none."""
    return f"{counted(count, 'difference needs', 'differences need')} a person" if count else ""


_MOST_REFUSALS = 3


def refused_text(refusals: Sequence[Refusal]) -> str:
    """The last line of what is refused as a whole, on one line; empty where nothing is."""
    if not refusals:
        return ""
    reasons = cut([f"{one.rule}: {one.message}" for one in refusals], _MOST_REFUSALS)
    return f"REFUSED, nothing was applied: {'; '.join(reasons)}"


def sided(net: Decimal, currency: str) -> str:
    """A net amount as accountants write it: a size and its side."""
    if net == ZERO:
        return shown(ZERO, currency) + "   "
    return f"{shown(abs(net), currency)} {'Dr' if net > ZERO else 'Cr'}"


def amount_text(value: Value, currency: str) -> str:
    """The amount of a line; empty where it has none."""
    return shown(value, currency) if isinstance(value, Decimal) else ""


def side_total(lines: Iterable[Mapping[str, Value]], side: str) -> Decimal:
    """The sum of the lines on one side, `Debit` or `Credit`."""
    amounts = (line.get("amount") for line in lines if line.get("type") == side)
    return total(amount for amount in amounts if isinstance(amount, Decimal))
