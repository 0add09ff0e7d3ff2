"""The digest of a plan: what an approval is bound to."""

from reconciler.core.documents.plan_json import Document, change_document, document_of
from reconciler.core.model.canonical import digest, json_bytes
from reconciler.core.model.plan import Change, Plan
from reconciler.core.model.scope import WHOLE


def digest_of(plan: Plan) -> str:
    """The digest of target, scope, changes, balance and required approvals.

    The home currency and the marker field are part of the target: both are sent. Where a
    declaration stands in the workspace is left out, so that files can be moved freely.
    """
    document = document_of(plan)
    scope = document["scope"]
    del scope["partial"], scope["not_looked_at"]
    if plan.scope == WHOLE:
        # A plan of everything has the digest that it had before there were others.
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
    # What a plan does not require is left out. The reasons are words for people.
    if plan.requirement.approvals:
        bound["approvals"] = document["controls"]["approvals"]
        del bound["approvals"]["because"]
    if plan.refusals:
        bound["refusals"] = sorted({row.rule for row in plan.refusals})
    return digest(json_bytes(bound).decode())


def bound_change(change: Change, home_currency: str | None) -> Document:
    """What an approval of one change is bound to."""
    return _bound(change_document(change, home_currency))


def _bound(document: Document) -> Document:
    for name in ("path", "line", "index"):
        del document[name]
    for field in document["changed_fields"]:
        # These are words for people. Another version of the library may find others.
        del field["inside"]
    if document["blocked"] is not None:
        # The rule is part of the review. How a version words it is not.
        document["blocked"] = document["blocked"]["rule"]
    return document
