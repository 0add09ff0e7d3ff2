"""Operations on accounting periods (API facts 4.3)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, select

from ..storage.tables import accounting_periods, source_transactions
from ..web.call import Call
from ..web.errors import BUSINESS_RULE, INVALID_VALUE, NOT_FOUND, Reason, refusal, refuse_any
from ..web.fields import DATE, Field, array, choice, integer, read_fields, text
from ..web.resource import (
    CHANGES,
    ResourceField,
    answer_of,
    columns_of,
    create_fields,
    optional,
    required,
)
from .document import OPEN_ENDED_YEAR, STATUSES

KIND = "AccountingPeriod"

_YEAR = replace(integer(1900, 9999), answer=integer(OPEN_ENDED_YEAR, 9999).schema)
PERIOD = (
    ResourceField("id", "id", text()),
    required("name", "name", text(100, minimum=1)),
    required("startDate", "start_date", DATE),
    required("endDate", "end_date", DATE, nullable=True),
    required("fiscalYear", "fiscal_year", _YEAR, nullable=True),
    optional("fiscalQuarter", "fiscal_quarter", integer(1, 4)),
    ResourceField("status", "status", choice(*STATUSES)),
    optional("notes", "notes", text(255)),
    *CHANGES,
)
FIELDS = (*create_fields(PERIOD), Field(name="organizationLabels", type=array(0)))
NEVER_SET = (
    *("runTrialBalanceStatus", "runTrialBalanceStart", "runTrialBalanceEnd"),
    *("runTrialBalanceErrorMessage", "fileIds"),
)
"""Fields that are always null: this ledger runs no trial balance."""


def listing(call: Call) -> Mapping[str, object]:
    row = accounting_periods.c
    rows, following = call.page(accounting_periods, row.start_date, row.name)
    return {"accountingPeriods": [_answer(period) for period in rows], **following}


def read(call: Call) -> Mapping[str, object]:
    return _answer(call.find(accounting_periods))


def create(call: Call) -> Mapping[str, object]:
    """Create an open period, without a gap to its neighbours."""
    found, _custom, reasons = read_fields(call.body, FIELDS)
    refuse_any(reasons)
    refuse_any([*_misplaced(found, _all(call)), *_late(call, found["startDate"])])
    values = {**call.author.made(), **columns_of(PERIOD, found), "status": "Open"}
    call.tx.execute(insert(accounting_periods), values)
    call.author.record("create", KIND, values["name"], values)
    return {"id": values["id"]}


def pending_close(call: Call) -> Mapping[str, object]:
    """Open to pending close, once every earlier period is closed."""
    return _advance(call, {"Open"}, "PendingClose")


def close(call: Call) -> Mapping[str, object]:
    """Open or pending close to closed, once every earlier period is closed."""
    return _advance(call, {"Open", "PendingClose"}, "Closed")


def reopen(call: Call) -> Mapping[str, object]:
    """Closed or pending close to open, directly before an open period only."""
    period = call.find(accounting_periods)
    if period["status"] == "Open":
        raise refusal(BUSINESS_RULE, f"The accounting period {period['name']!r} is open")
    following = _following(period, _all(call))
    if following is None or following["status"] != "Open":
        raise refusal(BUSINESS_RULE, "Only a period directly before an open period can be reopened")
    return _set_status(call, period, "Open")


CHANGES_BY_NAME = {"pending-close": pending_close, "close": close, "reopen": reopen}


def period_id(tx: Connection, tenant_id: str, name: str) -> str:
    """The id of the period with a name. Raises Refusal if there is none."""
    row = accounting_periods.c
    query = select(row.name, row.id).where(row.tenant_id == tenant_id).order_by(row.start_date)
    known: dict[str, str] = {found.name: found.id for found in tx.execute(query)}
    if name not in known:
        raise refusal(
            NOT_FOUND, f"There is no accounting period {name!r}; there are: {', '.join(known)}"
        )
    return known[name]


def _advance(call: Call, allowed: set[str], status: str) -> Mapping[str, object]:
    period = call.find(accounting_periods)
    if period["end_date"] is None:
        raise refusal(BUSINESS_RULE, "The open-ended period is never closed")
    if period["status"] not in allowed:
        raise refusal(
            BUSINESS_RULE, f"The accounting period {period['name']!r} is {period['status']}"
        )
    open_before = [
        other["name"]
        for other in _all(call)
        if other["end_date"] is not None
        and other["end_date"] < period["start_date"]
        and other["status"] != "Closed"
    ]
    if open_before:
        raise refusal(BUSINESS_RULE, f"Earlier periods are not closed: {', '.join(open_before)}")
    return _set_status(call, period, status)


def _set_status(call: Call, period: RowMapping, status: str) -> Mapping[str, object]:
    call.author.change(accounting_periods, period, {"status": status})
    call.author.record(
        "update", KIND, period["name"], {"status": status, "before": period["status"]}
    )
    return {}


def _misplaced(found: Mapping[str, Any], periods: Sequence[RowMapping]) -> list[Reason]:
    """Reasons against a new period: its name exists, or its dates overlap or leave a gap."""
    start, end = found["startDate"], found["endDate"]
    if end < start:
        return [Reason(INVALID_VALUE, "endDate must not be before startDate")]
    reasons = []
    if any(period["name"] == found["name"] for period in periods):
        reasons.append(
            Reason(BUSINESS_RULE, f"There is an accounting period {found['name']!r} already")
        )
    dated = [period for period in periods if period["end_date"] is not None]
    before = [period["end_date"] for period in dated if period["end_date"] < start]
    after = [period["start_date"] for period in dated if period["start_date"] > end]
    if len(before) + len(after) < len(dated):
        reasons.append(Reason(BUSINESS_RULE, "The dates overlap another accounting period"))
    elif (before and _day_after(max(before)) != start) or (after and _day_after(end) != min(after)):
        reasons.append(Reason(BUSINESS_RULE, "The dates leave a gap to the neighbouring period"))
    return reasons


def _late(call: Call, start: str) -> Iterator[Reason]:
    """The reason against a first period that begins after the first transaction."""
    if any(period["end_date"] is not None for period in _all(call)):
        return
    row = source_transactions.c
    query = select(func.min(row.transaction_date)).where(row.tenant_id == call.tenant_id)
    first = call.tx.execute(query).scalar_one()
    if first is not None and start > first:
        yield Reason(
            BUSINESS_RULE, f"The first period must not start after {first}, the first transaction"
        )


def _following(period: RowMapping, periods: Sequence[RowMapping]) -> RowMapping | None:
    later = [
        other
        for other in periods
        if other["end_date"] is not None and other["start_date"] > period["start_date"]
    ]
    endless = [other for other in periods if other["end_date"] is None]
    return min(later, key=lambda other: other["start_date"], default=next(iter(endless), None))


def _day_after(day: str) -> str:
    try:
        return (date.fromisoformat(day) + timedelta(days=1)).isoformat()
    except OverflowError:
        return ""


def _all(call: Call) -> Sequence[RowMapping]:
    query = select(accounting_periods).where(accounting_periods.c.tenant_id == call.tenant_id)
    return call.tx.execute(query.order_by(accounting_periods.c.start_date)).mappings().all()


def _answer(period: RowMapping) -> dict[str, object]:
    return {**answer_of(PERIOD, period), **dict.fromkeys(NEVER_SET)}
