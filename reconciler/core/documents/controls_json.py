"""What the policy asks of a plan, as JSON."""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

from reconciler.core.documents.plain_fields import read_fields, written_fields
from reconciler.core.documents.plan_schema import Document, NotAPlan
from reconciler.core.model.money import plain
from reconciler.core.model.plan import Plan
from reconciler.core.model.review import Requirement
from reconciler.core.planning.impact import material


def controls_document(plan: Plan) -> Document:
    """The required approvals, and what is material if the policy has limits."""
    return {
        "approvals": written_fields(plan.requirement, approvals="required"),
        **({"materiality": _materiality(plan)} if plan.materiality else {}),
    }


def _materiality(plan: Plan) -> Document:
    """The limits of materiality, and the changes that reach them."""
    found = material(plan.pending, plan.materiality, plan.basis.home_currency)
    return {
        "limits": {currency: plain(least) for currency, least in plan.materiality.items()},
        "changes": [{"address": str(change.address), "because": why} for change, why in found],
    }


def requirement_from(document: Document) -> Requirement:
    """The required approvals in a plan's JSON; earlier versions wrote none."""
    if "controls" not in document:
        return Requirement()
    row = document["controls"]["approvals"]
    return read_fields(Requirement, row, approvals=row["required"])


def materiality_from(document: Document) -> Mapping[str, Decimal]:
    """The limits of materiality in a plan's JSON. The material changes follow from them.

    Raises NotAPlan for an amount that is not a number.
    """
    found = document.get("controls", {}).get("materiality", {"limits": {}})
    limits = {currency: Decimal(least) for currency, least in sorted(found["limits"].items())}
    if not all(least.is_finite() for least in limits.values()):
        raise NotAPlan("an amount is not a number - at `$.controls.materiality.limits`")
    return MappingProxyType(limits)
