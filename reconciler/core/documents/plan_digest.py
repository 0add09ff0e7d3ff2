"""The digest of a plan, which approvals refer to."""

from reconciler.core.documents.plan_json import change_document, document_of
from reconciler.core.documents.plan_schema import Document
from reconciler.core.model.canonical import digest, json_bytes
from reconciler.core.model.plan import Change, Plan
from reconciler.core.model.scope import WHOLE


def digest_of(plan: Plan, document: Document | None = None) -> str:
    """The digest of target, scope, changes, balance, required approvals and materiality.

    `document` is that of the plan, if it was made before.

    The home currency and the marker field are part of the target: both are sent. The location of a
    declaration is not part of it, so that files can be moved.
    """
    document = document_of(plan) if document is None else document
    # What is adopted is among the changes, and a plan without the allowance is refused.
    told = ("adopt_found", "allow_equal")
    scope = _without(document["scope"], "partial", "not_looked_at", *told)
    if plan.scope == WHOLE:
        # A plan without a selection keeps the digest of earlier versions.
        scope = {name: scope[name] for name in ("max_removals", "max_missing")}
    bound = {
        "workspace": document["workspace"],
        "target": document["target"],
        "home_currency": document["basis"]["home_currency"],
        "marker": document["basis"]["marker"],
        "scope": scope,
        "changes": {row["address"]: _bound(row) for row in document["changes"]},
        "balance": document["balance"],
    }
    # Without required approvals there is no key. The reasons are only text.
    if plan.requirement.approvals:
        bound["approvals"] = _without(document["controls"]["approvals"], "because")
    if plan.materiality:
        bound["materiality"] = document["controls"]["materiality"]["limits"]
    if plan.refusals:
        bound["refusals"] = sorted({row.rule for row in plan.refusals})
    return digest(json_bytes(bound).decode())


def bound_change(change: Change, home_currency: str | None) -> Document:
    """The part of a change that the digest covers."""
    return _bound(change_document(change, home_currency))


def _bound(document: Document) -> Document:
    bound = _without(document, "path", "line", "index")
    # Only text, which may differ between versions of the library.
    bound["changed_fields"] = [_without(field, "inside") for field in document["changed_fields"]]
    if document["blocked"] is not None:
        # The rule is part of the review, its text is not.
        bound["blocked"] = document["blocked"]["rule"]
    return bound


def _without(document: Document, *names: str) -> Document:
    return {name: value for name, value in document.items() if name not in names}
