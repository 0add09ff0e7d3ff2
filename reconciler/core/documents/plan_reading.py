"""Reads a plan document back into the value it was written from."""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from reconciler.core.documents.plan_json import Document
from reconciler.core.model.canonical import MONEY_FIELDS
from reconciler.core.model.finding import Refusal
from reconciler.core.model.plan import (
    Action,
    Allowances,
    Balance,
    Basis,
    Change,
    Comparison,
    Drift,
    FieldChange,
    Impact,
    LineUpdate,
    Plan,
    Reason,
    Requirement,
    Step,
    Verb,
)
from reconciler.core.model.policy import Evidence
from reconciler.core.model.resource import Address, Live, Source, Value
from reconciler.core.model.scope import OutOfScope, Provenance, Scope

NOT_A_PLAN = (ValueError, KeyError, TypeError, AttributeError, ArithmeticError)
"""What reading raises for a document that is not a plan's."""


def plan_from(document: Document) -> Plan:
    """The plan of a document whose numbers were read as Decimal.

    Raises one of NOT_A_PLAN when the document is not of a plan's shape.
    """
    basis, target, scope = document["basis"], document["target"], document["scope"]
    return Plan(
        basis=Basis(
            workspace=document["workspace"],
            host=target["host"],
            tenant_id=target["tenant_id"],
            entity_id=target["entity_id"],
            lineage=basis["daybook_lineage"],
            serial=int(basis["daybook_serial"]),
            files_digest=basis["files_digest"],
            home_currency=basis["home_currency"],
            marker_place=basis["marker"],
            origin=_read_origin(document["origin"]),
        ),
        changes=tuple(_read_change(row) for row in document["changes"]),
        drift=tuple(_read_drift(row) for row in document["drift"]),
        impact=tuple(_read_impact(row) for row in document["impact"]),
        balance=tuple(_read_balance(row) for row in document["balance"]),
        refusals=tuple(Refusal(**_texts(row)) for row in document["refusals"]),
        warnings=tuple(document["warnings"]),
        requirement=_read_requirement(document.get("controls")),
        allowances=Allowances(
            max_removals=_count(scope["max_removals"]), max_missing=_count(scope["max_missing"])
        ),
        scope=_read_scope(scope),
        out_of_scope=OutOfScope(
            declared=int(scope["not_looked_at"]["declared"]),
            recorded=int(scope["not_looked_at"]["recorded"]),
        ),
        digest=document["digest"],
        summary=MappingProxyType(
            {Action(name): int(count) for name, count in document["summary"].items()}
        ),
    )


def _read_scope(row: Document) -> Scope:
    scope = Scope(
        offline=row["offline"],
        targets=tuple(row["targets"]),
        excludes=tuple(row["excludes"]),
        periods=tuple(row["periods"]),
        labels=tuple(row["labels"]),
    )
    if row["partial"] is not scope.partial:
        raise ValueError("a plan is partial when it has a selection")
    return scope


def _read_origin(row: Document) -> Provenance:
    return Provenance(
        tool_version=row["tool_version"],
        policy_digest=row["policy_digest"],
        commit=row["commit"],
        dirty=row["dirty"],
        made_at=row["made_at"],
        expires_at=row["expires_at"],
    )


def _read_requirement(controls: Document | None) -> Requirement:
    if controls is None:
        return Requirement()
    row = controls["approvals"]
    return Requirement(
        approvals=int(row["required"]),
        because=tuple(str(why) for why in row["because"]),
        approvers=tuple(str(name) for name in row["approvers"]),
        evidence=Evidence(row["evidence"]),
        bind_digest=row["bind_digest"] is True,
    )


def _read_change(row: Document) -> Change:
    return Change(
        address=Address(row["kind"], row["name"]),
        action=Action(row["action"]),
        wanted=Action(row["wanted"]),
        reason=Reason(row["reason"]),
        steps=tuple(Step(verb=Verb(step["verb"]), number=step["number"]) for step in row["steps"]),
        number=row["number"],
        status=row["status"],
        source=_read_source(row),
        comparison=_read_comparison(row),
        before=_read_spec(row["before"]),
        after=_read_spec(row["after"]),
        block=Refusal(**_texts(row["blocked"])) if row["blocked"] else None,
        period=row["period"]["name"],
        period_status=row["period"]["status"],
        transferred=row["transferred"],
        currency=row["currency"],
        protect=row["protect"],
        members=tuple(_read_member(member) for member in row["entries"]),
        journal_run=row["journal_run"],
        renamed_from=row.get("renamed_from", ""),
        fingerprint=row["fingerprint"],
    )


def _read_member(row: Document) -> Live:
    return Live(number=row["number"], status=row["status"], fields=_read_line(row["is"]))


def _read_comparison(row: Document) -> Comparison:
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


def _read_drift(row: Document) -> Drift:
    return Drift(
        address=Address(row["kind"], row["name"]),
        number=row["number"],
        status=row["status"],
        comparison=_read_comparison(row),
    )


def _read_impact(row: Document) -> Impact:
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


def _read_balance(row: Document) -> Balance:
    return Balance(
        currency=row["currency"],
        home=row["home"],
        posted_debit=Decimal(row["posted_debit"]),
        posted_credit=Decimal(row["posted_credit"]),
        removed_debit=Decimal(row["removed_debit"]),
        removed_credit=Decimal(row["removed_credit"]),
    )


def _read_source(row: Document) -> Source | None:
    if row["path"] is None:
        return None
    return Source(path=row["path"], line=int(row["line"]), index=int(row["index"]))


def _count(value: Decimal | None) -> int | None:
    return None if value is None else int(value)


def _texts(row: Document) -> dict[str, str]:
    return {name: str(row[name]) for name in ("rule", "message", "remedy")}


def _read(value: Any, name: str = "") -> Value:
    """A JSON value as a document's value; amounts become Decimal again."""
    if isinstance(value, dict):
        return _read_line(value)
    if isinstance(value, list):
        return tuple(_read(item) for item in value)
    if name in MONEY_FIELDS and isinstance(value, str):
        return Decimal(value)
    assert value is None or isinstance(value, str | bool | Decimal)
    return value


def _read_line(row: Document) -> Mapping[str, Value]:
    return {name: _read(value, name) for name, value in row.items()}


def _read_spec(row: Document | None) -> Mapping[str, Value] | None:
    return None if row is None else _read_line(row)
