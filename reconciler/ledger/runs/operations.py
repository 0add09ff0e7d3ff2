"""The operations on journal runs: each checks, notes what is to be done, and answers at once.

What they queue is done later, by `steps`; `success` of a cancel or a delete means accepted
(API facts 5.4).
"""

import uuid
from collections.abc import Mapping

from sqlalchemy import RowMapping, func, insert, select, update

from ..journals.organization_scope import labels_of, sees
from ..reference_data.tenant_settings import settings_of
from ..storage import audit
from ..storage.sequences import next_number
from ..storage.tables import accounting_periods, journal_entries, journal_runs, tenants
from ..web.call import Call
from ..web.errors import BUSINESS_RULE, NOT_FOUND, refusal
from . import job_queue
from .creation import read_run

KIND = "JournalRun"
AT_WORK = ("Pending", "Processing", "CancelInprogress", "DeleteInprogress")
CANCELLABLE = ("Pending", "Completed", "Error")
DELETABLE = ("Cancelled",)

_RUN, _ENTRY = journal_runs.c, journal_entries.c


def create(call: Call) -> Mapping[str, object]:
    """Queue a run over an accounting period, or over days within one, and answer its number."""
    periods = select(accounting_periods).where(accounting_periods.c.tenant_id == call.tenant_id)
    run = read_run(call.body, call.tx.execute(periods).mappings().all(), call.caller.organizations)
    _check_idle(call)
    row = {
        "tenant_id": call.tenant_id,
        "id": uuid.uuid4().hex,
        "number": next_number(call.tx, call.tenant_id, "JR"),
        "status": "Pending",
        "journal_entry_date": run.entry_date,
        "target_start_date": run.start,
        "target_end_date": run.end,
        "transaction_types": list(run.types),
        "segmentation_rule": _active_rule(call),
        "aggregate_currency": settings_of(call.tx, call.tenant_id).aggregate_currency,
        "organizations": None if run.organizations is None else list(run.organizations),
        "deleted": False,
        "created_by": call.caller.user_id,
        "created_on": call.stamp,
        "updated_by": call.caller.user_id,
        "updated_on": call.stamp,
    }
    call.tx.execute(insert(journal_runs), row)
    job_queue.add(call, str(row["id"]), job_queue.PROCESS)
    _record(call, "create", str(row["number"]), row)
    return {"journalRunNumber": row["number"]}


def read(call: Call) -> Mapping[str, object]:
    """A run with its state and the number of its entries, cancelled ones included."""
    run = _locate(call)
    entries = call.tx.execute(
        select(func.count()).where(
            _ENTRY.tenant_id == call.tenant_id,
            _ENTRY.journal_run_id == run["id"],
            _ENTRY.deleted.is_(False),
        )
    ).scalar_one()
    return {
        "number": run["number"],
        "status": run["status"],
        "aggregateCurrency": run["aggregate_currency"],
        "executedOn": run["executed_on"],
        "journalEntryDate": run["journal_entry_date"],
        "segmentationRuleName": run["segmentation_rule"],
        "targetStartDate": run["target_start_date"],
        "targetEndDate": run["target_end_date"],
        "totalJournalEntryCount": entries,
        "organizationLabels": labels_of(run, call.caller),
        "transactionTypes": [{"type": name} for name in run["transaction_types"]],
    }


def cancel(call: Call) -> Mapping[str, object]:
    """Accept the cancellation of a run that is queued, done or failed; of one at work, never."""
    run = _locate(call)
    _check_state(run, CANCELLABLE, "cancelled")
    job_queue.drop(call.tx, call.tenant_id, run["id"])  # a queued run is not started any more
    _set_status(call, run, "CancelInprogress")
    job_queue.add(call, run["id"], job_queue.CANCEL)
    _record(call, "cancel", run["number"], {"before": run["status"]})
    return {}


def delete(call: Call) -> Mapping[str, object]:
    """Accept the deletion of a wholly cancelled run together with its entries."""
    run = _locate(call)
    _check_state(run, DELETABLE, "deleted")
    _set_status(call, run, "DeleteInprogress")
    job_queue.add(call, run["id"], job_queue.DELETE)
    _record(call, "delete", run["number"], {})
    return {}


def _check_idle(call: Call) -> None:
    """Refuse a run beside another one, also of organizations that the caller does not see."""
    busy = (
        call.tx.execute(
            select(journal_runs).where(
                _RUN.tenant_id == call.tenant_id,
                _RUN.status.in_(AT_WORK),
                _RUN.deleted.is_(False),
            )
        )
        .mappings()
        .first()
    )
    if busy is not None:
        seen = f"The journal run {busy['number']} is {busy['status']}"
        which = seen if sees(call.caller, busy) else "A run of other organizations is at work"
        raise refusal(BUSINESS_RULE, f"{which}; one run executes at a time")


def _check_state(run: RowMapping, allowed: tuple[str, ...], verb: str) -> None:
    if run["status"] not in allowed:
        raise refusal(
            BUSINESS_RULE,
            f"{run['number']} is {run['status']}; a run is {verb} when it is {', '.join(allowed)}",
        )


def _locate(call: Call) -> RowMapping:
    number = call.path["number"]
    query = select(journal_runs).where(
        _RUN.tenant_id == call.tenant_id, _RUN.number == number, _RUN.deleted.is_(False)
    )
    found = call.tx.execute(query).mappings().one_or_none()
    if found is None or not sees(call.caller, found):
        raise refusal(NOT_FOUND, f"Cannot find journal run by key: {number[:40]!r}.")
    return found


def _active_rule(call: Call) -> str | None:
    query = select(tenants.c.segmentation_rule).where(tenants.c.tenant_id == call.tenant_id)
    rule: str | None = call.tx.execute(query).scalar_one()
    return rule


def _set_status(call: Call, run: RowMapping, status: str) -> None:
    call.tx.execute(
        update(journal_runs)
        .where(_RUN.tenant_id == call.tenant_id, _RUN.id == run["id"])
        .values(status=status, updated_by=call.caller.user_id, updated_on=call.stamp)
    )


def _record(call: Call, action: str, number: str, details: object) -> None:
    audit.record(
        call.tx, call.act, action=action, object_type=KIND, object_name=number, details=details
    )
