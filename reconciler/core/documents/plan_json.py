"""The plan as a JSON document, and the digests over it.

Format 1.0. A minor version adds, a major version breaks; readers ignore keys they do not know.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

from reconciler.core.model.canonical import as_declaration, digest, exact, json_bytes
from reconciler.core.model.finding import Refusal
from reconciler.core.model.kinds import KINDS, RUN_ENTRY_KIND
from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.money import plain, total
from reconciler.core.model.plan import (
    Action,
    Allowances,
    Balance,
    Basis,
    Change,
    Comparison,
    Drift,
    Impact,
    Plan,
    Requirement,
)
from reconciler.core.model.resource import Live
from reconciler.core.model.scope import WHOLE, Provenance, Scope
from reconciler.core.planning.diff import inside
from reconciler.core.planning.impact import postings
from reconciler.core.planning.run_members import holds_its_run, transfer_of

FORMAT_VERSION = "1.0"

Document: TypeAlias = dict[str, Any]


def document_of(plan: Plan) -> Document:
    """The plan as JSON values; amounts are decimal text. Unchanged entries are only counted.

    The checksum covers all the rest, so that no part of a plan file can be altered unnoticed.
    """
    document: Document = {
        "format_version": FORMAT_VERSION,
        "workspace": plan.basis.workspace,
        "target": _target(plan.basis),
        "basis": {
            "daybook_lineage": plan.basis.lineage,
            "daybook_serial": plan.basis.serial,
            "files_digest": plan.basis.files_digest,
            "home_currency": plan.basis.home_currency,
            "marker": plan.basis.marker_place,
        },
        "scope": {
            **_allowances(plan.allowances),
            **_selection(plan.scope),
            "partial": plan.partial,
            "not_looked_at": {
                "declared": plan.out_of_scope.declared,
                "recorded": plan.out_of_scope.recorded,
            },
        },
        "origin": _origin(plan.basis.origin),
        "digest": plan.digest,
        "changes": [_change(change, plan.basis.home_currency) for change in plan.pending],
        "drift": [_drift(drift) for drift in plan.drift],
        "impact": [_impact(row) for row in plan.impact],
        "balance": [_balance(row) for row in plan.balance],
        "refusals": [_rule(row) for row in plan.refusals],
        "controls": {"approvals": _requirement(plan.requirement)},
        "warnings": list(plan.warnings),
        "summary": {action.value: plan.summary.get(action, 0) for action in Action},
    }
    return {**document, "checksum": checksum_of(document)}


def checksum_of(document: Mapping[str, object]) -> str:
    """The digest of a plan document, whatever it says its checksum is, and however signed."""
    rest = {name: value for name, value in document.items() if name not in ("checksum", "mac")}
    return digest(json_bytes(rest).decode())


def digest_of(plan: Plan) -> str:
    """The digest that binds an approval: target, scope, changes, balance and what is required.

    The home currency and the marker's place are part of the target: both are sent. Where a
    declaration stands in the workspace is left out, so that moving files is free.
    """
    return digest(json_bytes(_bound(plan)).decode())


def _bound(plan: Plan) -> Document:
    """What an approval is about."""
    return {
        "workspace": plan.basis.workspace,
        "target": _target(plan.basis),
        "home_currency": plan.basis.home_currency,
        "marker": plan.basis.marker_place,
        "scope": {
            **_allowances(plan.allowances),
            # A plan of everything has the digest that it had before there were others.
            **(_selection(plan.scope) if plan.scope != WHOLE else {}),
        },
        "changes": {
            str(change.address): bound_change(change, plan.basis.home_currency)
            for change in plan.pending
        },
        "balance": [_balance(row) for row in plan.balance],
        **_controls(plan),
    }


def _controls(plan: Plan) -> Document:
    """What stands between a plan and its apply; nothing for a plan that nothing holds up.

    As with a change that is blocked, the words for it are left out.
    """
    controls: Document = {}
    if plan.requirement.approvals:
        controls["approvals"] = _requirement(plan.requirement)
        del controls["approvals"]["because"]
    if plan.refusals:
        controls["refusals"] = sorted({row.rule for row in plan.refusals})
    return controls


def bound_change(change: Change, home_currency: str | None) -> Document:
    """What an approval of one change is about."""
    document = _change(change, home_currency)
    for name in ("path", "line", "index"):
        del document[name]
    for field in document["changed_fields"]:
        # Words for people, found by a library that may come to find others.
        del field["inside"]
    if document["blocked"] is not None:
        # Which rule blocks is part of the review; how a version words it is not.
        document["blocked"] = document["blocked"]["rule"]
    return document


def _target(basis: Basis) -> Document:
    return {"host": basis.host, "tenant_id": basis.tenant_id, "entity_id": basis.entity_id}


def _allowances(allowances: Allowances) -> Document:
    return {"max_removals": allowances.max_removals, "max_missing": allowances.max_missing}


def _selection(scope: Scope) -> Document:
    return {
        "offline": scope.offline,
        "targets": list(scope.targets),
        "excludes": list(scope.excludes),
        "periods": list(scope.periods),
        "labels": list(scope.labels),
    }


def _origin(origin: Provenance) -> Document:
    return {
        "tool_version": origin.tool_version,
        "policy_digest": origin.policy_digest,
        "commit": origin.commit,
        "dirty": origin.dirty,
        "made_at": origin.made_at,
        "expires_at": origin.expires_at,
    }


def _change(change: Change, home_currency: str | None) -> Document:
    return {
        "address": str(change.address),
        "kind": change.address.kind,
        "name": change.address.name,
        "action": change.action.value,
        "wanted": change.wanted.value,
        "reason": change.reason.value,
        "feasible": change.action is not Action.BLOCKED,
        "blocked": _rule(change.block) if change.block else None,
        "number": change.number,
        "status": change.status,
        "path": change.source.path if change.source else None,
        "line": change.source.line if change.source else None,
        "index": change.source.index if change.source else None,
        "steps": [{"verb": step.verb.value, "number": step.number} for step in change.steps],
        **_comparison(KINDS[change.address.kind], change.comparison),
        "forces_replacement": list(change.comparison.forced_by),
        "before": exact(change.before),
        "after": exact(change.after),
        "period": {"name": change.period, "status": change.period_status},
        "transferred": change.transferred,
        "currency": change.currency,
        "totals": _totals(change, home_currency),
        "protect": change.protect,
        "journal_run": change.journal_run,
        # Only a rename has the key, so that no other plan has another digest for its sake.
        **({"renamed_from": change.renamed_from} if change.renamed_from else {}),
        "entries": [_member(member) for member in change.members],
        "fingerprint": change.fingerprint,
    }


def _member(member: Live) -> Document:
    """An entry of a journal run, as the review needs it."""
    return {
        "number": member.number,
        "status": member.status,
        "transferred": transfer_of(member),
        "holds_run": holds_its_run(member),
        "is": exact(as_declaration(RUN_ENTRY_KIND, member.fields)),
    }


def _totals(change: Change, home_currency: str | None) -> Document | None:
    spec = change.after if change.after is not None else change.before
    if spec is None or not KINDS[change.address.kind].lines:
        return None
    rows = list(postings(change.address.kind, spec, home_currency))
    return {
        "debit": plain(total(row.debit for row in rows)),
        "credit": plain(total(row.credit for row in rows)),
    }


def _comparison(kind: Kind, comparison: Comparison) -> Document:
    return {
        "changed_fields": [
            {
                "name": field.name,
                "before": exact(field.before),
                "after": exact(field.after),
                "in_place": field.in_place,
                "inside": [
                    {"path": part.path, "before": part.before, "after": part.after}
                    for part in inside(kind, field.name, field.before, field.after)
                ],
            }
            for field in comparison.fields
        ],
        "changed_lines": {
            "removed": [exact(line) for line in comparison.lines_removed],
            "added": [exact(line) for line in comparison.lines_added],
            "updated": [
                {
                    "line": exact(update.line),
                    "before": exact(update.before),
                    "after": exact(update.fields),
                }
                for update in comparison.line_updates
            ],
        },
    }


def _drift(drift: Drift) -> Document:
    return {
        "address": str(drift.address),
        "kind": drift.address.kind,
        "name": drift.address.name,
        "number": drift.number,
        "status": drift.status,
        **_comparison(KINDS[drift.address.kind], drift.comparison),
    }


def _impact(row: Impact) -> Document:
    return {
        "period": row.period,
        "account": row.code,
        "currency": row.currency,
        "debit_before": plain(row.debit_before),
        "credit_before": plain(row.credit_before),
        "debit_after": plain(row.debit_after),
        "credit_after": plain(row.credit_after),
        "net_change": plain(row.net_change),
        "home_change": None if row.home_change is None else plain(row.home_change),
    }


def _balance(row: Balance) -> Document:
    return {
        "currency": row.currency,
        "home": row.home,
        "posted_debit": plain(row.posted_debit),
        "posted_credit": plain(row.posted_credit),
        "removed_debit": plain(row.removed_debit),
        "removed_credit": plain(row.removed_credit),
        "holds": row.holds,
    }


def _requirement(requirement: Requirement) -> Document:
    return {
        "required": requirement.approvals,
        "because": list(requirement.because),
        "approvers": list(requirement.approvers),
        "evidence": requirement.evidence.value,
        "bind_digest": requirement.bind_digest,
    }


def _rule(row: Refusal) -> Document:
    return {"rule": row.rule, "message": row.message, "remedy": row.remedy}
