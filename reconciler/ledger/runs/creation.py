"""A new journal run, read from a request body (API facts 5.2)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import RowMapping

from ..journals import organization_scope
from ..web.errors import BUSINESS_RULE, INVALID_VALUE, MISSING_FIELD, Reason, refuse_any
from ..web.fields import DATE, Field, array, choice, read_fields, read_items, text
from .transaction_types import REVENUE, TRANSACTION_TYPES

EARLIEST = "2015-01-01"
"""The earliest target date, for tenants enabled since March 2015."""

TYPE_FIELDS = (Field(name="type", type=choice(*TRANSACTION_TYPES), required=True),)
TYPES = array(len(TRANSACTION_TYPES), of=TYPE_FIELDS, minimum=1)
FIELDS = (
    Field(name="accountingPeriodName", type=text(100), clearable=True),
    Field(name="journalEntryDate", type=DATE, required=True),
    # With a period, a target date may be empty.
    Field(name="targetStartDate", type=DATE, clearable=True),
    Field(name="targetEndDate", type=DATE, clearable=True),
    Field(name="transactionTypes", type=TYPES, required=True),
    organization_scope.FIELD,
)


def read_run(
    body: Mapping[str, Any], periods: Sequence[RowMapping], known: Mapping[str, str] | None
) -> dict[str, Any]:
    """The columns of the run of a request body. Raises Refusal with all reasons against it.

    `known` are the organizations of the caller, id to name; None without Multi-Org.
    """
    found, _custom, reasons = read_fields(body, FIELDS)
    types = _read_types(found.get("transactionTypes", ()), reasons)
    refuse_any(reasons)
    labels = organization_scope.read_labels(found.get("organizationLabels"), known, reasons)
    period = _period(found, periods, reasons)
    refuse_any(reasons)
    assert period is not None  # checked above
    run = {
        "journal_entry_date": found["journalEntryDate"],
        "target_start_date": found.get("targetStartDate") or period["start_date"],
        "target_end_date": found.get("targetEndDate") or period["end_date"],
        "transaction_types": types,
        "organizations": labels,
    }
    refuse_any(_violations(run, period))
    return run


def period_over(periods: Sequence[RowMapping], start: str, end: str) -> RowMapping | None:
    """The dated accounting period that contains all days from start to end."""
    for period in periods:
        dated = period["end_date"] is not None
        if dated and period["start_date"] <= start and end <= period["end_date"]:
            return period
    return None


def _read_types(items: Sequence[Any], reasons: list[Reason]) -> list[str]:
    types: list[str] = []
    for at, found, _custom in read_items(items, TYPE_FIELDS, reasons, at="transactionTypes"):
        if found["type"] in types:
            reasons.append(Reason(INVALID_VALUE, f"{at}.type {found['type']!r} is repeated"))
        else:
            types.append(found["type"])
    return types


def _period(
    found: Mapping[str, Any], periods: Sequence[RowMapping], reasons: list[Reason]
) -> RowMapping | None:
    """The named period, or the one that contains the target dates."""
    if found.get("accountingPeriodName"):
        return _named(found, periods, reasons)
    start, end = found.get("targetStartDate"), found.get("targetEndDate")
    if start is None or end is None:
        message = "accountingPeriodName is required, or both targetStartDate and targetEndDate"
        reasons.append(Reason(MISSING_FIELD, message))
        return None
    if end < start:
        reasons.append(Reason(INVALID_VALUE, "targetEndDate must not be before targetStartDate"))
        return None
    period = period_over(periods, start, end)
    if period is None:
        message = "The target dates must lie within one accounting period, not the open-ended one"
        reasons.append(Reason(BUSINESS_RULE, message))
    return period


def _named(
    found: Mapping[str, Any], periods: Sequence[RowMapping], reasons: list[Reason]
) -> RowMapping | None:
    name = found["accountingPeriodName"]
    period = next((period for period in periods if period["name"] == name), None)
    if period is None:
        reasons.append(Reason(INVALID_VALUE, f"There is no accounting period {name!r}"))
        return None
    if period["end_date"] is None:
        message = "A journal run cannot be created for the open-ended accounting period"
        reasons.append(Reason(BUSINESS_RULE, message))
        return None
    for field, column in (("targetStartDate", "start_date"), ("targetEndDate", "end_date")):
        if found.get(field) not in (None, period[column]):
            message = f"{field} must be empty or {period[column]}, as in the period {name!r}"
            reasons.append(Reason(BUSINESS_RULE, message))
    return period


def _violations(run: Mapping[str, Any], period: RowMapping) -> Iterator[Reason]:
    start, end = run["target_start_date"], run["target_end_date"]
    if start < EARLIEST:
        yield Reason(BUSINESS_RULE, f"The target dates must not be before {EARLIEST}")
    whole = (start, end) == (period["start_date"], period["end_date"])
    for kind in run["transaction_types"]:
        if run["organizations"] is not None and kind in organization_scope.NOT_IN_MULTI_ORG:
            yield Reason(BUSINESS_RULE, f"{kind} cannot be summarised in a Multi-Org tenant")
        if kind in REVENUE and not whole:
            yield Reason(
                BUSINESS_RULE, f"{kind} can only be summarised over a whole accounting period"
            )
