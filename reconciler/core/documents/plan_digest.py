"""The digest of a plan, which approvals refer to."""

from collections.abc import Iterable
from dataclasses import replace

from reconciler.core.documents.controls_json import rates_document
from reconciler.core.documents.plain_fields import written_fields
from reconciler.core.documents.plan_json import balance_rows, change_document, target_document
from reconciler.core.documents.plan_schema import Document
from reconciler.core.model.canonical import digest, json_bytes
from reconciler.core.model.finding import Refusal
from reconciler.core.model.money import plain
from reconciler.core.model.plan import Change, Plan
from reconciler.core.model.scope import WHOLE


def digest_of(plan: Plan, changes: Iterable[Document] | None = None) -> str:
    """The digest of target, scope, changes, balance, required approvals and materiality.

    `changes` are the documents of the pending changes, if they were made before.

    The home currency and the marker field are part of the target: both are sent. The location of a
    declaration is not part of it, so that files can be moved.
    """
    basis, allowances = plan.basis, plan.allowances
    # What is adopted is among the changes, and a plan without the allowance is refused.
    scope = {"max_removals": allowances.max_removals, "max_missing": allowances.max_missing}
    if allowances.allow_equal is not None:
        # What is equal is not among them: the same changes may be approved without it.
        scope["allow_equal"] = allowances.allow_equal
    if plan.scope != WHOLE:
        # A plan without a selection keeps the digest of earlier versions.
        scope |= written_fields(plan.scope)
    if changes is None:
        changes = (change_document(change, basis.home_currency) for change in plan.pending)
    bound: Document = {
        "workspace": basis.workspace,
        "target": target_document(basis),
        "home_currency": basis.home_currency,
        "marker": basis.marker_place,
        "scope": scope,
        "changes": {row["address"]: _bound(row) for row in changes},
        "balance": balance_rows(plan.balance),
    }
    # Without required approvals there is no key. The reasons are only text.
    if plan.requirement.approvals:
        bound["approvals"] = required = written_fields(plan.requirement, approvals="required")
        del required["because"]
    if plan.materiality:
        bound["materiality"] = {code: plain(least) for code, least in plan.materiality.items()}
        if plan.rates:
            bound["rates"] = rates_document(plan.rates)
    if plan.refusals:
        bound["refusals"] = sorted({row.rule for row in plan.refusals})
    return digest(json_bytes(bound).decode())


def with_digest(plan: Plan) -> Plan:
    """The plan with the digest of its present content."""
    return replace(plan, digest=digest_of(plan))


def with_refusals(plan: Plan, refusals: Iterable[Refusal]) -> Plan:
    """The plan with more refusals, which its digest covers."""
    return with_digest(replace(plan, refusals=(*plan.refusals, *refusals)))


def bound_change(change: Change, home_currency: str | None) -> Document:
    """The part of a change that the digest covers."""
    return _bound(change_document(change, home_currency))


def _bound(document: Document) -> Document:
    bound = {name: document[name] for name in document.keys() - {"path", "line", "index"}}
    # Only text, which may differ between versions of the library.
    bound["changed_fields"] = [
        {name: field[name] for name in field.keys() - {"inside"}}
        for field in document["changed_fields"]
    ]
    if document["blocked"] is not None:
        # The rule is part of the review, its text is not.
        bound["blocked"] = document["blocked"]["rule"]
    return bound
