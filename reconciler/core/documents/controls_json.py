"""What the policy asks of a plan, as JSON."""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

from reconciler.core.documents.plain_fields import read_fields, written_fields
from reconciler.core.documents.plan_schema import Document
from reconciler.core.model.money import plain
from reconciler.core.model.plan import Plan
from reconciler.core.model.policy import Rates
from reconciler.core.model.review import Requirement
from reconciler.core.planning.limits.money_moved import material


def controls_document(plan: Plan) -> Document:
    """The required approvals, and what is material if the policy has limits."""
    return {
        "approvals": written_fields(plan.requirement, approvals="required"),
        **({"materiality": _materiality(plan)} if plan.materiality else {}),
        **({"rates": rates_document(plan.rates)} if plan.rates else {}),
    }


def _materiality(plan: Plan) -> Document:
    """The limits of materiality, and the changes that reach them."""
    found = material(plan.pending, plan.materiality, plan.basis.home_currency, plan.rates)
    return {
        "limits": _written(plan.materiality),
        "changes": [{"address": str(change.address), "because": why} for change, why in found],
    }


def rates_document(rates: Rates) -> Document:
    """The rates at which foreign currency counts, by the currency in which it does."""
    return {currency: _written(row) for currency, row in rates.items()}


def _written(amounts: Mapping[str, Decimal]) -> Document:
    return {currency: plain(amount) for currency, amount in amounts.items()}


def requirement_from(document: Document) -> Requirement:
    """The required approvals in a plan's JSON; earlier versions wrote none."""
    if "controls" not in document:
        return Requirement()
    row = document["controls"]["approvals"]
    return read_fields(Requirement, row, approvals=row["required"])


def materiality_from(document: Document) -> Mapping[str, Decimal]:
    """The limits of materiality in a plan's JSON. The material changes follow from them."""
    found = document.get("controls", {}).get("materiality", {"limits": {}})
    return _read(found["limits"])


def rates_from(document: Document) -> Rates:
    """The rates in a plan's JSON."""
    found = document.get("controls", {}).get("rates", {})
    return MappingProxyType({currency: _read(row) for currency, row in sorted(found.items())})


def _read(document: Document) -> Mapping[str, Decimal]:
    return MappingProxyType({code: Decimal(amount) for code, amount in sorted(document.items())})
