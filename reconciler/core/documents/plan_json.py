"""The plan as a JSON document: written, read back, and its checksum.

Format 1.1. A minor version adds, a major version breaks; readers ignore keys they do not know.
"""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypedDict, get_type_hints

from msgspec import ValidationError, convert

from reconciler.core.documents.controls_json import (
    controls_document,
    materiality_from,
    rates_from,
    requirement_from,
)
from reconciler.core.documents.plain_fields import read_fields as _read
from reconciler.core.documents.plain_fields import read_value, read_values
from reconciler.core.documents.plain_fields import written_fields as _written
from reconciler.core.documents.plan_schema import FORMAT_VERSION, Document, NotAPlan, require_plan
from reconciler.core.model.canonical import as_declaration, digest, exact, json_bytes
from reconciler.core.model.finding import PlanWarning, Refusal, UnansweredDifference
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
    FieldChange,
    Impact,
    LineUpdate,
    LiveState,
    Plan,
    SearchOptions,
    Transfers,
)
from reconciler.core.model.proofs.rehearsal import Rehearsal
from reconciler.core.model.resource import Address, Live, Source
from reconciler.core.model.reversal_pair import ReversalPair
from reconciler.core.model.review import SignOff
from reconciler.core.model.schedule import WaitingParts
from reconciler.core.model.scope import BaseCommit, OutOfScope, Provenance, Scope
from reconciler.core.planning.diff import inside
from reconciler.core.planning.posting import postings
from reconciler.core.planning.run_members import blocks_run_cancel, transfer_of

NOT_A_PLAN = (ValidationError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError)
"""What reading raises for a document that is not a plan."""

_WHERE_STATED = ("renamed_from", "reverses", "reversed_by")
"""Texts of a change that are written only where there is one."""


def target_document(basis: Basis) -> Document:
    """The ledger that a document is about."""
    return {"host": basis.host, "tenant_id": basis.tenant_id, "entity_id": basis.entity_id}


def document_of(plan: Plan) -> Document:
    """The plan as JSON values; amounts are decimal text. Unchanged entries are only counted.

    The checksum covers the rest, so that every alteration of a plan file is noticed.
    """
    document: Document = {
        "format_version": FORMAT_VERSION,
        "workspace": plan.basis.workspace,
        "target": target_document(plan.basis),
        "basis": {
            "daybook_lineage": plan.basis.lineage,
            "daybook_serial": plan.basis.serial,
            "files_digest": plan.basis.files_digest,
            "home_currency": plan.basis.home_currency,
            "marker": plan.basis.marker_place,
        },
        "scope": {
            **_allowances(plan.allowances),
            **_written(plan.scope),
            "partial": plan.scope.partial,
            "not_looked_at": _written(plan.out_of_scope),
        },
        # Only where an option was given: what the plan rests on, the apply rests on too.
        **({} if plan.search == SearchOptions() else {"search": _written(plan.search)}),
        "origin": _written(plan.basis.origin),
        **({} if plan.live is None else {"live": _written(plan.live)}),
        **({} if plan.base is None else {"compared_with": _written(plan.base)}),
        "digest": plan.digest,
        "changes": [change_document(change, plan.basis.home_currency) for change in plan.pending],
        "drift": [_drift(drift) for drift in plan.drift],
        "impact": [_impact(row) for row in plan.impact],
        "balance": balance_rows(plan.balance),
        "unanswered": [_written(row) for row in plan.unanswered],
        "transfers": [_written(row) for row in plan.transfers],
        **({"reversals": [_pair(one) for one in plan.reversals]} if plan.reversals else {}),
        **({"waiting": [waiting_document(one) for one in plan.waiting]} if plan.waiting else {}),
        **({} if plan.rehearsal is None else {"rehearsal": _rehearsal(plan.rehearsal)}),
        "refusals": [_written(row) for row in plan.refusals],
        "controls": controls_document(plan),
        **({} if plan.sign_off is None else {"sign_off": _written(plan.sign_off)}),
        "warnings": [warning.message for warning in plan.warnings],
        "warning_rules": [
            {"rule": one.rule, "place": one.place, "severity": one.severity.value}
            for one in plan.warnings
        ],
        "summary": {
            **{action.value: plan.summary.get(action, 0) for action in Action},
            "unanswered": len(plan.unanswered),
        },
    }
    return {**document, "checksum": checksum_of(document)}


def _pair(pair: ReversalPair) -> Document:
    return {**_written(pair), "nets": [_written(one, code="account") for one in pair.nets]}


def _read_pair(row: Document) -> ReversalPair:
    nets = [{**one, "code": one["account"]} for one in row["nets"]]
    return _read(ReversalPair, row, nets=nets)


def _rehearsal(rehearsal: Rehearsal) -> Document:
    rows = rehearsal.balances
    balances = [{**_written(row, code="account"), "agrees": row.agrees} for row in rows]
    return {**_written(rehearsal), "holds": rehearsal.holds, "balances": balances}


def _read_rehearsal(row: Document) -> Rehearsal:
    balances = [{**one, "code": one["account"]} for one in row["balances"]]
    return _read(Rehearsal, row, balances=balances)


def _allowances(allowances: Allowances) -> Document:
    """The allowances; those of later versions only where they are given."""
    written = _written(allowances)
    always = ("max_removals", "max_missing")
    return {name: written[name] for name in written if name in always or written[name] is not None}


def waiting_document(waiting: WaitingParts) -> Document:
    """What waits as JSON values; that nothing is dropped is not written, as in earlier versions."""
    written = _written(waiting)
    if not waiting.dropped:
        del written["dropped"]
    return written


def checksum_of(document: Mapping[str, object]) -> str:
    """The digest of a plan document without its checksum and signature."""
    rest = {name: value for name, value in document.items() if name not in ("checksum", "mac")}
    return digest(json_bytes(rest).decode())


def balance_rows(balance: Iterable[Balance]) -> list[Document]:
    """The balance as JSON values."""
    return [{**_written(row), "holds": row.holds} for row in balance]


def change_document(change: Change, home_currency: str | None) -> Document:
    """One change as JSON values."""
    return {
        "address": str(change.address),
        "kind": change.address.kind,
        "name": change.address.name,
        "action": change.action.value,
        "wanted": change.wanted.value,
        "reason": change.reason.value,
        "feasible": change.action is not Action.BLOCKED,
        "blocked": _written(change.block) if change.block else None,
        "number": change.number,
        "status": change.status,
        "path": change.source.path if change.source else None,
        "line": change.source.line if change.source else None,
        "index": change.source.index if change.source else None,
        "steps": [_written(step) for step in change.steps],
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
        # Only where it is stated, so that the digests of other plans stay the same.
        **{name: text for name in _WHERE_STATED if (text := getattr(change, name))},
        "entries": [_member(member) for member in change.members],
        "fingerprint": change.fingerprint,
    }


def _member(member: Live) -> Document:
    """An entry of a journal run, for the review."""
    return {
        "number": member.number,
        "status": member.status,
        "transferred": transfer_of(member),
        "holds_run": blocks_run_cancel(member),
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
                    _written(part) for part in inside(kind, field.name, field.before, field.after)
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


def _impact(row: Impact) -> Document:
    """A row of the impact; only one that is divided has dimensions."""
    written = {**_written(row, code="account"), "net_change": plain(row.net_change)}
    dimensions = written.pop("dimensions")
    return {**written, "dimensions": dimensions} if dimensions else written


def _drift(drift: Drift) -> Document:
    return {
        "address": str(drift.address),
        "kind": drift.address.kind,
        "name": drift.address.name,
        "number": drift.number,
        "status": drift.status,
        **_comparison(KINDS[drift.address.kind], drift.comparison),
    }


def plan_from(document: Document) -> Plan:
    """The plan of a document whose fractions were read as Decimal.

    Raises one of NOT_A_PLAN when the document is not a plan.
    """
    require_plan(document)
    basis, scope = document["basis"], document["scope"]
    return Plan(
        basis=_read(
            Basis,
            {**document["target"], **basis},
            workspace=document["workspace"],
            lineage=basis["daybook_lineage"],
            serial=basis["daybook_serial"],
            marker_place=basis["marker"],
            origin=_read(Provenance, document["origin"]),
        ),
        changes=tuple(_read_change(row) for row in document["changes"]),
        drift=tuple(_read_drift(row) for row in document["drift"]),
        impact=tuple(
            _read(Impact, row, code=row["account"], dimensions=row.get("dimensions", {}))
            for row in document["impact"]
        ),
        balance=tuple(_read(Balance, row) for row in document["balance"]),
        unanswered=tuple(
            _read(UnansweredDifference, row) for row in document.get("unanswered", ())
        ),
        transfers=tuple(_read(Transfers, row) for row in document.get("transfers", ())),
        reversals=tuple(_read_pair(row) for row in document.get("reversals", ())),
        waiting=tuple(
            _read(WaitingParts, {"dropped": False, **row}) for row in document.get("waiting", ())
        ),
        rehearsal=_read_rehearsal(document["rehearsal"]) if "rehearsal" in document else None,
        refusals=tuple(_read(Refusal, row) for row in document["refusals"]),
        warnings=tuple(_read_warnings(document)),
        requirement=requirement_from(document),
        sign_off=_read(SignOff, document["sign_off"]) if "sign_off" in document else None,
        materiality=materiality_from(document),
        rates=rates_from(document),
        allowances=_read(Allowances, {**_written(Allowances()), **scope}),
        search=_read(SearchOptions, document.get("search") or _written(SearchOptions())),
        scope=_read(Scope, scope),
        out_of_scope=_read(OutOfScope, scope["not_looked_at"]),
        digest=document["digest"],
        live=_read(LiveState, document["live"]) if "live" in document else None,
        base=_read(BaseCommit, document["compared_with"]) if "compared_with" in document else None,
        summary=MappingProxyType({one: document["summary"][one] for one in Action}),
    )


_UNNAMED: Document = {"rule": "", "place": "", "severity": "warning"}


def _read_warnings(document: Document) -> Iterator[PlanWarning]:
    texts = document["warnings"]
    # An earlier version wrote the texts alone.
    rules = document.get("warning_rules", [_UNNAMED] * len(texts))
    if len(rules) != len(texts):
        raise NotAPlan("there is not one rule for each warning - at `$.warning_rules`")
    for text, row in zip(texts, rules, strict=True):
        yield _read(PlanWarning, row, message=text)


_typed_dict: Any = TypedDict
_BUILT = frozenset({"address", "comparison", "before", "after", "members"})
_Plain: Any = _typed_dict(
    "_Plain", {name: kind for name, kind in get_type_hints(Change).items() if name not in _BUILT}
)
"""The fields of a change that are not part of an entry."""


def _read_change(row: Document) -> Change:
    named = {
        "source": None if row["path"] is None else _read(Source, row),
        "block": None if row["blocked"] is None else _read(Refusal, row["blocked"]),
        "period": row["period"]["name"],
        "period_status": row["period"]["status"],
        **{name: row.get(name, "") for name in _WHERE_STATED},
    }
    return Change(
        **convert({**row, **named}, _Plain),
        address=Address(row["kind"], row["name"]),
        comparison=_read_comparison(row),
        before=None if row["before"] is None else read_values(row["before"]),
        after=None if row["after"] is None else read_values(row["after"]),
        members=tuple(
            Live(number=one["number"], status=one["status"], fields=read_values(one["is"]))
            for one in row["entries"]
        ),
    )


def _read_drift(row: Document) -> Drift:
    return Drift(
        number=row["number"],
        status=row["status"],
        address=Address(row["kind"], row["name"]),
        comparison=_read_comparison(row),
    )


def _read_comparison(row: Document) -> Comparison:
    lines = row["changed_lines"]
    return Comparison(
        fields=tuple(
            FieldChange(
                name=field["name"],
                before=read_value(field["before"]),
                after=read_value(field["after"]),
                in_place=field["in_place"],
            )
            for field in row["changed_fields"]
        ),
        lines_removed=tuple(read_values(line) for line in lines["removed"]),
        lines_added=tuple(read_values(line) for line in lines["added"]),
        line_updates=tuple(
            LineUpdate(
                line=read_values(update["line"]),
                fields=read_values(update["after"]),
                before=read_values(update["before"]),
            )
            for update in lines["updated"]
        ),
    )
