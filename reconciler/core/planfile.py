"""The plan as a document: JSON for machines, the saved plan file, and the digest over both.

Format 1.0. A minor version adds, a major version breaks; readers ignore keys they do not know.
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from reconciler.core.books import postings
from reconciler.core.canonical import digest, jsonable
from reconciler.core.compare import Comparison, FieldChange, LineUpdate
from reconciler.core.money import plain, total
from reconciler.core.plan import (
    Action,
    Allowances,
    Balance,
    Basis,
    Block,
    Change,
    Drift,
    Impact,
    Plan,
    Reason,
    Refusal,
    Step,
    Verb,
)
from reconciler.core.values import Address, Source, Value
from reconciler.errors import StalePlan

FORMAT_VERSION = "1.0"

_Document = dict[str, Any]

_AMOUNTS = frozenset({"amount", "homeCurrencyAmount"})


def document_of(plan: Plan) -> _Document:
    """The plan as plain JSON values; amounts are decimal text. Unchanged entries are counted."""
    return {
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
        "scope": _scope(plan.allowances),
        "digest": plan.digest,
        "changes": [_change(change, plan.basis.home_currency) for change in plan.pending],
        "drift": [_drift(drift) for drift in plan.drift],
        "impact": [_impact(row) for row in plan.impact],
        "balance": [_balance(row) for row in plan.balance],
        "refusals": [_rule(row) for row in plan.refusals],
        "warnings": list(plan.warnings),
        "summary": {action.value: plan.summary.get(action, 0) for action in Action},
    }


def plan_text(plan: Plan) -> str:
    """The plan file: indented JSON with sorted keys, ending in a line feed."""
    return json.dumps(document_of(plan), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def digest_of(plan: Plan) -> str:
    """The digest that binds an approval: target, scope, changes and balance.

    Where a declaration stands in the workspace is left out, so that moving files is free.
    """
    changes = []
    for change in plan.pending:
        document = _change(change, plan.basis.home_currency)
        del document["path"], document["line"]
        changes.append(document)
    bound = {
        "workspace": plan.basis.workspace,
        "target": _target(plan.basis),
        "scope": _scope(plan.allowances),
        "changes": changes,
        "balance": [_balance(row) for row in plan.balance],
    }
    return digest(json.dumps(bound, sort_keys=True, ensure_ascii=False, separators=(",", ":")))


def plan_of(text: str) -> Plan:
    """Read a plan file. Raises StalePlan when it is not one, or was altered since it was made."""
    try:
        document = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
        version = str(document["format_version"])
        if version.partition(".")[0] != FORMAT_VERSION.partition(".")[0]:
            raise StalePlan(
                f"the plan file has format {version}; this version reads {FORMAT_VERSION}",
                remedy="Make the plan anew with `reconciler plan --out FILE`.",
            )
        plan = _plan(document)
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError) as e:
        raise StalePlan(
            "the file is not a plan that this tool wrote",
            remedy="Make it with `reconciler plan --out FILE`.",
        ) from e
    if digest_of(plan) != plan.digest:
        raise StalePlan(
            "the plan file was altered since it was made: its digest does not fit its content",
            remedy="Make the plan anew, and have it reviewed again.",
        )
    return plan


def _once(pairs: list[tuple[str, Any]]) -> _Document:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a key stands twice")
    return document


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _target(basis: Basis) -> _Document:
    return {"host": basis.host, "tenant_id": basis.tenant_id, "entity_id": basis.entity_id}


def _scope(allowances: Allowances) -> _Document:
    return {"max_removals": allowances.max_removals, "max_missing": allowances.max_missing}


def _change(change: Change, home_currency: str | None) -> _Document:
    comparison = change.comparison
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
        "steps": [{"verb": step.verb.value, "number": step.number} for step in change.steps],
        **_comparison(comparison),
        "forces_replacement": list(comparison.forced_by),
        "before": jsonable(change.before),
        "after": jsonable(change.after),
        "period": {"name": change.period, "status": change.period_status},
        "transferred": change.transferred,
        "currency": change.currency,
        "totals": _totals(change, home_currency),
        "protect": change.protect,
        "fingerprint": change.fingerprint,
    }


def _totals(change: Change, home_currency: str | None) -> _Document | None:
    spec = change.after if change.after is not None else change.before
    if spec is None:
        return None
    rows = list(postings(change.address.kind, spec, home_currency))
    return {
        "debit": plain(total(row.debit for row in rows)),
        "credit": plain(total(row.credit for row in rows)),
    }


def _comparison(comparison: Comparison) -> _Document:
    return {
        "changed_fields": [
            {
                "name": field.name,
                "before": jsonable(field.before),
                "after": jsonable(field.after),
                "in_place": field.in_place,
            }
            for field in comparison.fields
        ],
        "changed_lines": {
            "removed": [jsonable(line) for line in comparison.lines_removed],
            "added": [jsonable(line) for line in comparison.lines_added],
            "updated": [
                {
                    "line": jsonable(update.line),
                    "before": jsonable(update.before),
                    "after": jsonable(update.fields),
                }
                for update in comparison.line_updates
            ],
        },
    }


def _drift(drift: Drift) -> _Document:
    return {
        "address": str(drift.address),
        "kind": drift.address.kind,
        "name": drift.address.name,
        "number": drift.number,
        "status": drift.status,
        **_comparison(drift.comparison),
    }


def _impact(row: Impact) -> _Document:
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


def _balance(row: Balance) -> _Document:
    return {
        "currency": row.currency,
        "home": row.home,
        "posted_debit": plain(row.posted_debit),
        "posted_credit": plain(row.posted_credit),
        "removed_debit": plain(row.removed_debit),
        "removed_credit": plain(row.removed_credit),
        "holds": row.holds,
    }


def _rule(row: Block | Refusal) -> _Document:
    return {"rule": row.rule, "message": row.message, "remedy": row.remedy}


def _plan(document: _Document) -> Plan:
    basis, target, scope = document["basis"], document["target"], document["scope"]
    return Plan(
        basis=Basis(
            workspace=document["workspace"],
            host=target["host"],
            tenant_id=target["tenant_id"],
            entity_id=target["entity_id"],
            lineage=basis["daybook_lineage"],
            serial=basis["daybook_serial"],
            files_digest=basis["files_digest"],
            home_currency=basis["home_currency"],
            marker_place=basis["marker"],
        ),
        changes=tuple(_read_change(row) for row in document["changes"]),
        drift=tuple(_read_drift(row) for row in document["drift"]),
        impact=tuple(_read_impact(row) for row in document["impact"]),
        balance=tuple(_read_balance(row) for row in document["balance"]),
        refusals=tuple(Refusal(**_texts(row)) for row in document["refusals"]),
        warnings=tuple(document["warnings"]),
        allowances=Allowances(**scope),
        digest=document["digest"],
        summary=MappingProxyType(
            {Action(name): count for name, count in document["summary"].items()}
        ),
    )


def _read_change(row: _Document) -> Change:
    return Change(
        address=Address(row["kind"], row["name"]),
        action=Action(row["action"]),
        wanted=Action(row["wanted"]),
        reason=Reason(row["reason"]),
        steps=tuple(Step(verb=Verb(step["verb"]), number=step["number"]) for step in row["steps"]),
        number=row["number"],
        status=row["status"],
        source=Source(row["path"], row["line"]) if row["path"] is not None else None,
        comparison=_read_comparison(row),
        before=_read_spec(row["before"]),
        after=_read_spec(row["after"]),
        block=Block(**_texts(row["blocked"])) if row["blocked"] else None,
        period=row["period"]["name"],
        period_status=row["period"]["status"],
        transferred=row["transferred"],
        currency=row["currency"],
        protect=row["protect"],
        fingerprint=row["fingerprint"],
    )


def _read_comparison(row: _Document) -> Comparison:
    lines = row["changed_lines"]
    return Comparison(
        fields=tuple(
            FieldChange(
                name=field["name"],
                before=_read(field["before"]),
                after=_read(field["after"]),
                in_place=field["in_place"],
            )
            for field in row["changed_fields"]
        ),
        lines_removed=tuple(_read_line(line) for line in lines["removed"]),
        lines_added=tuple(_read_line(line) for line in lines["added"]),
        line_updates=tuple(
            LineUpdate(
                line=_read_line(update["line"]),
                fields=_read_line(update["after"]),
                before=_read_line(update["before"]),
            )
            for update in lines["updated"]
        ),
    )


def _read_drift(row: _Document) -> Drift:
    return Drift(
        address=Address(row["kind"], row["name"]),
        number=row["number"],
        status=row["status"],
        comparison=_read_comparison(row),
    )


def _read_impact(row: _Document) -> Impact:
    home = row["home_change"]
    return Impact(
        period=row["period"],
        code=row["account"],
        currency=row["currency"],
        debit_before=Decimal(row["debit_before"]),
        credit_before=Decimal(row["credit_before"]),
        debit_after=Decimal(row["debit_after"]),
        credit_after=Decimal(row["credit_after"]),
        home_change=None if home is None else Decimal(home),
    )


def _read_balance(row: _Document) -> Balance:
    return Balance(
        currency=row["currency"],
        home=row["home"],
        posted_debit=Decimal(row["posted_debit"]),
        posted_credit=Decimal(row["posted_credit"]),
        removed_debit=Decimal(row["removed_debit"]),
        removed_credit=Decimal(row["removed_credit"]),
    )


def _texts(row: _Document) -> dict[str, str]:
    return {name: str(row[name]) for name in ("rule", "message", "remedy")}


def _read(value: Any, name: str = "") -> Value:
    """A JSON value as a document's value; amounts become Decimal again."""
    if isinstance(value, dict):
        return _read_line(value)
    if isinstance(value, list):
        return tuple(_read(item) for item in value)
    if name in _AMOUNTS and isinstance(value, str):
        return Decimal(value)
    if value is None or isinstance(value, str | bool):
        return value
    raise ValueError("a plan holds text, booleans, lists and mappings only")


def _read_line(row: _Document) -> Mapping[str, Value]:
    return {name: _read(value, name) for name, value in row.items()}


def _read_spec(row: _Document | None) -> Mapping[str, Value] | None:
    return None if row is None else _read_line(row)
