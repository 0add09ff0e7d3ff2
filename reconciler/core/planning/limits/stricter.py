"""What two policies both allow: one comparison for each key. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from decimal import Decimal
from enum import Enum
from types import MappingProxyType
from typing import Any, TypeVar

from reconciler.core.model.money import ZERO, plain
from reconciler.core.model.policy import Approvals, Evidence, Level, Policy, Rates, Removal, Tier
from reconciler.core.planning.limits.guards import default_limit
from reconciler.values import dataclass

Compare = Callable[[Any, Any, int], tuple[Any, bool]]
"""Of an earlier value, the present one and the number of recorded entries: what holds of both.

The second part says whether that is as strict as either. If not, the key counts as loosened.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key of `reconciler.yaml` by the name that it has there, and its comparison."""

    name: str
    compare: Compare


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldKey:
    """A key whose present value does not hold alone. `loosened` if no value holds of both."""

    name: str
    holds: str = ""
    loosened: bool = False


def changed(_old: Any, new: Any, _recorded: int) -> tuple[Any, bool]:
    """The comparison of values that cannot be compared: each change may loosen."""
    return new, False


def held_keys(
    old: Any, new: Any, recorded: int, table: Mapping[str, Key]
) -> tuple[Any, tuple[HeldKey, ...]]:
    """What holds of two values of one dataclass, by the rows of a table for its fields."""
    values, held = {}, []
    for item in fields(new):
        before, after = getattr(old, item.name), getattr(new, item.name)
        if before == after:
            continue
        # A field without a row cannot be compared.
        key = table.get(item.name, Key(name=item.name, compare=changed))
        value, certain = key.compare(before, after, recorded)
        values[item.name] = value
        if value != after or not certain:
            held.append(HeldKey(name=key.name, holds=shown_value(value), loosened=not certain))
    return replace(new, **values), tuple(held)


def stricter(old: Policy | None, new: Policy, recorded: int) -> Policy:
    """What both policies allow, for this number of recorded entries."""
    held: Policy = new if old is None else held_keys(old, new, recorded, POLICY)[0]
    return held


def with_highest_tier(approvals: Approvals) -> Approvals:
    """Approvals that require those of the highest tier of every plan."""
    if not approvals.tiers:
        return approvals
    most = max(tier.required for tier in approvals.tiers)
    return replace(approvals, tiers=(*approvals.tiers, Tier(required=most)))


def shown_value(value: Any) -> str:
    """A value of the policy as a message shows it."""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, Mapping):
        form = "{} ({})" if any(isinstance(one, Mapping) for one in value.values()) else "{} {}"
        return ", ".join(form.format(name, shown_value(one)) for name, one in sorted(value.items()))
    if is_dataclass(value) or isinstance(value, tuple | frozenset):
        return ""
    return str(value)


_STRICT = (Removal.DELETE, Removal.CANCEL, Removal.FORBID)


def _removal(old: Removal, new: Removal, _recorded: int) -> tuple[Removal, bool]:
    return max(old, new, key=_STRICT.index), True


def _most_removals(old: int | None, new: int | None, recorded: int) -> tuple[int | None, bool]:
    usual = default_limit(recorded)
    return min(usual if limit is None else limit for limit in (old, new)), True


_Number = TypeVar("_Number", int, Decimal)


def _least(old: _Number | None, new: _Number | None, _recorded: int) -> tuple[_Number | None, bool]:
    return min((limit for limit in (old, new) if limit is not None), default=None), True


def _least_of_each(
    old: Mapping[str, Decimal], new: Mapping[str, Decimal], _recorded: int
) -> tuple[Mapping[str, Decimal], bool]:
    """The lower limit of each currency: nothing in one that has a limit only now.

    Limits without that currency refuse what they cannot measure, so it had no higher one.
    """
    if not old:
        return new, True
    return {
        currency: min(old.get(currency, ZERO), new.get(currency, old.get(currency, ZERO)))
        for currency in sorted({*old, *new})
    }, True


def _highest_of_each(old: Rates, new: Rates, _recorded: int) -> tuple[Rates, bool]:
    """The higher rate of each currency. Without one in either, nothing covers that currency."""
    return {
        one: {
            other: max(old[one][other], new[one][other])
            for other in sorted({*old[one]} & {*new[one]})
        }
        for one in sorted({*old} & {*new})
    }, True


def _either(old: bool, new: bool, _recorded: int) -> tuple[bool, bool]:
    return old or new, True


def _tiers(
    old: tuple[Tier, ...], new: tuple[Tier, ...], recorded: int
) -> tuple[tuple[Tier, ...], bool]:
    """All tiers of both. In a currency that no tier names, a plan meets every amount.

    A tier that names another currency takes that from the earlier ones.
    """
    before, after = ({code for tier in tiers for code in tier.amount} for tiers in (old, new))
    return _more(old, new, recorded)[0], not before or after <= before


def _more(old: Any, new: Any, _recorded: int) -> tuple[Any, bool]:
    """Both of two tuples or sets of which each member forbids something."""
    if isinstance(new, frozenset):
        return old | new, True
    return (*old, *(item for item in new if item not in old)), True


def _parts(table: Mapping[str, Key]) -> Compare:
    """Compare a dataclass field by field."""

    def compare(old: Any, new: Any, recorded: int) -> tuple[Any, bool]:
        value, held = held_keys(old, new, recorded, table)
        return value, not any(key.loosened for key in held)

    return compare


def _approvals(old: Approvals, new: Approvals, recorded: int) -> tuple[Approvals, bool]:
    # What is said about approvals says nothing where none are required.
    if not old.tiers or not new.tiers:
        return (old if old.tiers else new), True
    held: Approvals
    held, keys = held_keys(old, new, recorded, APPROVALS)
    return held, not any(key.loosened for key in keys)


def _approvers(
    old: tuple[str, ...], new: tuple[str, ...], _recorded: int
) -> tuple[tuple[str, ...], bool]:
    """Those on both lists. An empty list is everybody, and one without common names stays."""
    names = {name.casefold() for name in new}
    both = tuple(name for name in old if name.casefold() in names)
    return both or old or new, True


def _evidence(old: Evidence, new: Evidence, _recorded: int) -> tuple[Evidence, bool]:
    return (Evidence.FORGE if Evidence.FORGE in (old, new) else Evidence.GIT), True


def _signers(old: str, new: str, _recorded: int) -> tuple[str, bool]:
    # Of the lists themselves only what is on all of them counts.
    return new or old, True


def _rules(old: tuple[Any, ...], new: tuple[Any, ...], _recorded: int) -> tuple[Any, bool]:
    # Beside these, the rules of the earlier state are applied with their schemas.
    return new, set(old) <= set(new)


def _waivers(old: tuple[Any, ...], new: tuple[Any, ...], _recorded: int) -> tuple[Any, bool]:
    """Exceptions that both make, up to the earlier day."""
    ends = {(waiver.rule, waiver.name): waiver.expires for waiver in old}
    kept = []
    for waiver in new:
        end = ends.get((waiver.rule, waiver.name))
        if end is not None:
            kept.append(replace(waiver, expires=min(end, waiver.expires)))
    return tuple(kept), True


_LEVELS = (Level.OFF, Level.INFORMATION, Level.WARNING, Level.ERROR)


def _levels(
    old: Mapping[str, Level], new: Mapping[str, Level], _recorded: int
) -> tuple[Mapping[str, Level], bool]:
    """The higher level of each rule. What only one policy lowers is not lowered."""
    held = {}
    for rule in sorted({*old, *new}):
        levels = [levels[rule] for levels in (old, new) if rule in levels]
        level = max(levels, key=_LEVELS.index)
        if len(levels) > 1 or level in (Level.WARNING, Level.ERROR):
            held[rule] = level
    return held, True


def table_of(*rows: tuple[str, str, Compare]) -> Mapping[str, Key]:
    """A table of comparisons: of each field, its name in the file and how it is compared."""
    return MappingProxyType({field: Key(name=name, compare=how) for field, name, how in rows})


APPROVALS = table_of(
    ("tiers", "approvals.tiers", _tiers),
    ("approvers", "approvals.approvers", _approvers),
    ("evidence", "approvals.evidence", _evidence),
    ("bind_digest", "approvals.bindDigest", _either),
    ("allowed_signers", "approvals.allowedSigners", _signers),
)
FREEZE = table_of(("periods", "freeze.periods", _more), ("statuses", "freeze.periodStatus", _more))
POLICY = table_of(
    ("removal", "removal", _removal),
    ("manage_transfer_state", "transferState", changed),
    ("max_removals", "limits.removals", _most_removals),
    ("max_money", "limits.money", _least_of_each),
    ("materiality", "materiality", _least_of_each),
    ("rates", "rates", _highest_of_each),
    ("max_changes", "limits.changes", _least),
    ("max_percent", "limits.percent", _least),
    ("approvals", "approvals", _approvals),
    ("freeze", "freeze", _parts(FREEZE)),
    ("custom_rules", "houseRules", _rules),
    ("waivers", "waivers", _waivers),
    ("strict", "strict", _more),
    ("severities", "severities", _levels),
)
"""A row for each field of the policy. A test fails when one is missing."""
