"""The policy of the last apply, which holds beside the present one: the stricter of both counts."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from decimal import Decimal
from typing import TypeVar

import msgspec

from reconciler.core.model.finding import PlanWarning
from reconciler.core.model.policy import Approvals, Evidence, Freeze, Policy
from reconciler.core.planning.guards import default_limit
from reconciler.core.rules.plan_warnings import warning
from reconciler.errors import ReconcilerError

_encoder = msgspec.json.Encoder(order="sorted", decimal_format="string", enc_hook=dict)
_decoder = msgspec.json.Decoder(Policy)

# What each value is called in `reconciler.yaml`, below `spec.policy`.
KEYS = {
    "removal": "removal",
    "manage_transfer_state": "transferState",
    "max_removals": "limits.removals",
    "max_money": "limits.money",
    "max_changes": "limits.changes",
    "max_percent": "limits.percent",
    "approvals": "approvals",
    "freeze": "freeze",
    "custom_rules": "houseRules",
    "waivers": "waivers",
}


def text_of_policy(policy: Policy) -> str:
    """A policy as the daybook keeps it."""
    return _encoder.encode(policy).decode()


def policy_of_text(text: str) -> Policy | None:
    """The policy that a daybook keeps; None when it keeps none."""
    if not text:
        return None
    try:
        return _decoder.decode(text)
    except msgspec.MsgspecError as error:
        raise ReconcilerError(
            "the policy of the last apply, which the daybook records, cannot be read",
            remedy="Use the version of reconciler that applied last, or a newer one.",
        ) from error


def policy_warnings(text: str, new: Policy) -> Iterator[PlanWarning]:
    """What a reader of a plan has to know of a policy that changed."""
    old = policy_of_text(text)
    if old is None or text_of_policy(old) == text_of_policy(new):
        return
    names = [
        KEYS[item.name]
        for item in fields(Policy)
        if getattr(old, item.name) != getattr(new, item.name)
    ]
    yield warning(
        "policy-changed",
        f"the policy changed since the last apply ({', '.join(names)}). Until an apply "
        "under the new policy completes, the stricter value of each limit applies.",
    )


def stricter(old: Policy | None, new: Policy, recorded: int) -> Policy:
    """What both policies allow, for this number of recorded entries."""
    if old is None or text_of_policy(old) == text_of_policy(new):
        return new
    usual = default_limit(recorded)
    removals = [old.max_removals, new.max_removals]
    least = min(usual if limit is None else limit for limit in removals)
    return replace(
        new,
        max_removals=None if removals == [None, None] else least,
        max_changes=_least(old.max_changes, new.max_changes),
        max_percent=_least(old.max_percent, new.max_percent),
        max_money=_least_of_each(old.max_money, new.max_money),
        freeze=Freeze(
            periods=old.freeze.periods | new.freeze.periods,
            statuses=old.freeze.statuses | new.freeze.statuses,
        ),
        approvals=_approvals(old.approvals, new.approvals),
    )


def _approvals(old: Approvals, new: Approvals) -> Approvals:
    if not old.tiers:
        return new
    on_forge = Evidence.FORGE in (old.evidence, new.evidence if new.tiers else old.evidence)
    return Approvals(
        tiers=old.tiers + new.tiers,
        approvers=old.approvers or new.approvers,
        evidence=Evidence.FORGE if on_forge else Evidence.GIT,
        bind_digest=old.bind_digest or new.bind_digest,
        allowed_signers=old.allowed_signers or new.allowed_signers,
    )


_Number = TypeVar("_Number", int, Decimal)


def _least(one: _Number | None, other: _Number | None) -> _Number | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def _least_of_each(
    one: Mapping[str, Decimal], other: Mapping[str, Decimal]
) -> Mapping[str, Decimal]:
    return {
        currency: min(limits[currency] for limits in (one, other) if currency in limits)
        for currency in sorted({*one, *other})
    }
