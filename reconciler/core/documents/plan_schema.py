"""The types of a plan document, as `schemas/plan.schema.json` describes them to others."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Any, Literal, NotRequired, TypeAlias, TypedDict, get_type_hints

from msgspec import Meta, ValidationError, convert

from reconciler.core.model.finding import Refusal, Severity, UnansweredDifference
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.plan import (
    Action,
    Balance,
    Impact,
    LiveState,
    Reason,
    SearchOptions,
    Step,
    Transfers,
)
from reconciler.core.model.proofs.rehearsal import Rehearsal, RehearsedBalance, RehearsedChange
from reconciler.core.model.reversal_pair import ReversalNet, ReversalPair
from reconciler.core.model.review import Requirement, SignOff
from reconciler.core.model.schedule import WaitingParts
from reconciler.core.model.scope import BaseCommit, OutOfScope, Provenance, Scope

FORMAT_VERSION = "1.1"

Document: TypeAlias = dict[str, Any]

_Amount: TypeAlias = Annotated[str, Meta(pattern=r"^-?[0-9]{1,40}([.][0-9]{1,40})?$")]
_Time: TypeAlias = Annotated[datetime, Meta(tz=True)]
_Count: TypeAlias = Annotated[int, Meta(ge=0, le=10**15)]
_Kind: TypeAlias = Literal[tuple(KINDS)]  # type: ignore[valid-type]

VALUE_TYPES: Mapping[str, Any] = {
    **{name: str | None for kind in KINDS.values() for name in kind.line_key},
    "amount": _Amount,
    "homeCurrencyAmount": _Amount | None,
}
"""The fields of a line that figures depend on, with their types in JSON."""


class NotAPlan(ValueError):
    """A document is not a plan. The message says what is wrong, and at which JSON path."""


def require_plan(document: object) -> None:
    """Raises NotAPlan for a document with a wrong type, a missing key or an unknown word."""
    try:
        convert(document, _PLAN)
    except ValidationError as error:
        raise NotAPlan(str(error)) from None
    assert isinstance(document, dict)
    for name in ("made_at", "expires_at"):
        if document["origin"][name]:
            _require_value(document["origin"][name], _Time, f"$.origin.{name}")
    for name in ("changes", "drift"):
        _require_values(document[name], f"$.{name}")


def _require_values(value: object, path: str) -> None:
    """Hold the fields that figures depend on to their types, at any depth."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name in VALUE_TYPES:
                _require_value(item, VALUE_TYPES[name], f"{path}.{name}")
            else:
                _require_values(item, f"{path}.{name}")
    elif isinstance(value, list):
        for at, item in enumerate(value):
            _require_values(item, f"{path}[{at}]")


def _require_value(value: object, kind: Any, path: str) -> None:
    try:
        convert(value, kind)
    except ValidationError as error:
        raise NotAPlan(f"{error} - at `{path}`") from None


_typed_dict: Any = TypedDict


def _object(
    kind: type | None = None, /, *, renamed: Mapping[str, str] = MappingProxyType({}), **named: Any
) -> Any:
    """An object with the fields of a dataclass and the named ones; each must be present.

    Amounts are text there, and counts are not negative.
    """
    hints = get_type_hints(kind) if kind is not None else {}
    stated = {renamed.get(name, name): _JSON_TYPES.get(hint, hint) for name, hint in hints.items()}
    return _typed_dict("Object", {**stated, **named})


_JSON_TYPES: Mapping[Any, Any] = {
    Decimal: _Amount,
    Decimal | None: _Amount | None,
    int: _Count,
    int | None: _Count | None,
}


class _List:
    def __getitem__(self, item: Any) -> Any:
        return list.__class_getitem__(item)


_list = _List()
_FIELDS: Any = dict[str, Any]
_LINE = _object(amount=_Amount)
_LINES: dict[str, Any] = {
    kind.lines: NotRequired[_list[_LINE]] for kind in KINDS.values() if kind.lines
}
_SPEC = _object(**_LINES)
_REFUSAL = _object(Refusal)
_COMPARED = {
    "changed_fields": _list[
        _object(name=str, before=Any, after=Any, in_place=bool, inside=_list[_FIELDS])
    ],
    "changed_lines": _object(
        removed=_list[_LINE],
        added=_list[_LINE],
        updated=_list[_object(line=_LINE, before=_FIELDS, after=_FIELDS)],
    ),
}
_ADDRESS: dict[str, Any] = {"address": str, "kind": _Kind, "name": str}
_MEMBER = _object(number=str, status=str, transferred=str, holds_run=bool, **{"is": _SPEC})
_CHANGE = _object(
    **_ADDRESS,
    **_COMPARED,
    action=Literal[tuple(action.value for action in Action if action is not Action.KEEP)],
    wanted=Action,
    reason=Reason,
    feasible=bool,
    blocked=_REFUSAL | None,
    number=str | None,
    status=str,
    path=str | None,
    line=_Count | None,
    index=_Count | None,
    steps=_list[_object(Step)],
    forces_replacement=list[str],
    before=_SPEC | None,
    after=_SPEC | None,
    period=_object(name=str, status=str),
    transferred=str,
    currency=str,
    totals=_object(debit=_Amount, credit=_Amount) | None,
    protect=bool,
    journal_run=str,
    renamed_from=NotRequired[str],
    reverses=NotRequired[str],
    reversed_by=NotRequired[str],
    entries=_list[_MEMBER],
    fingerprint=str,
)
_COUNTED: Any = Literal[(*(action.value for action in Action), "unanswered")]
_ACCOUNT = MappingProxyType({"code": "account"})
"""An accounting code has another name in JSON."""

_PLAN = _object(
    format_version=str,
    workspace=str,
    target=_object(host=str, tenant_id=str, entity_id=str),
    basis=_object(
        daybook_lineage=str,
        daybook_serial=_Count,
        files_digest=str,
        home_currency=str | None,
        marker=str,
    ),
    scope=_object(
        Scope,
        max_removals=_Count | None,
        max_missing=_Count | None,
        adopt_found=NotRequired[_Count | None],
        allow_equal=NotRequired[_Count | None],
        partial=bool,
        not_looked_at=_object(OutOfScope),
    ),
    search=NotRequired[_object(SearchOptions)],
    origin=_object(Provenance),
    live=NotRequired[_object(LiveState, asked_at=_Time)],
    compared_with=NotRequired[_object(BaseCommit)],
    digest=str,
    checksum=str,
    changes=_list[_CHANGE],
    drift=_list[_object(**_ADDRESS, **_COMPARED, number=str, status=str)],
    impact=_list[
        _object(
            Impact, renamed=_ACCOUNT, net_change=_Amount, dimensions=NotRequired[dict[str, str]]
        )
    ],
    balance=_list[_object(Balance, holds=bool)],
    unanswered=NotRequired[_list[_object(UnansweredDifference)]],
    transfers=NotRequired[_list[_object(Transfers, counts=dict[str, _Count])]],
    reversals=NotRequired[
        _list[_object(ReversalPair, nets=_list[_object(ReversalNet, renamed=_ACCOUNT)])]
    ],
    waiting=NotRequired[_list[_object(WaitingParts, dropped=NotRequired[bool])]],
    rehearsal=NotRequired[
        _object(
            Rehearsal,
            holds=bool,
            changes=_list[_object(RehearsedChange)],
            balances=_list[_object(RehearsedBalance, renamed=_ACCOUNT, agrees=bool)],
        )
    ],
    refusals=_list[_REFUSAL],
    controls=NotRequired[
        _object(
            approvals=_object(Requirement, renamed={"approvals": "required"}),
            materiality=NotRequired[_object(limits=dict[str, _Amount])],
            rates=NotRequired[dict[str, dict[str, _Amount]]],
        )
    ],
    sign_off=NotRequired[_object(SignOff)],
    warnings=list[str],
    warning_rules=NotRequired[_list[_object(rule=str, place=str, severity=Severity)]],
    summary=dict[_COUNTED, _Count],
    mac=NotRequired[str],
)
