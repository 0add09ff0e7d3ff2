"""Operations on journal runs. Each checks the request, queues a job and answers at once.

`steps` execute the jobs later; `success` of a cancel or a delete means accepted (API facts 5.4).
"""

import json
from collections.abc import Mapping

from sqlalchemy import RowMapping, func, insert, select

from ..journals.organization_scope import labels_of, may_see_run
from ..journals.view import find_run
from ..reference_data.tenant_settings import settings_of
from ..storage.sequences import next_number
from ..storage.tables import accounting_periods, audit_events, journal_entries, journal_runs
from ..web.call import Call
from ..web.errors import BUSINESS_RULE, refusal
from ..web.fields import BOOLEAN, DATE, choice, text
from ..web.resource import DATE_TIME, ResourceField, answer_of
from . import job_queue
from .creation import TYPES, read_run

KIND = "JournalRun"
BUSY_STATES = ("Pending", "Processing", "CancelInprogress", "DeleteInprogress")
CANCELLABLE = ("Pending", "Completed", "Error")
DELETABLE = ("Cancelled",)

RUN = (
    ResourceField("number", "number", text()),
    ResourceField(
        "status", "status", choice(*dict.fromkeys((*BUSY_STATES, *CANCELLABLE, *DELETABLE)))
    ),
    ResourceField("aggregateCurrency", "aggregate_currency", BOOLEAN),
    ResourceField("executedOn", "executed_on", DATE_TIME, nullable=True),
    ResourceField("journalEntryDate", "journal_entry_date", DATE),
    ResourceField("segmentationRuleName", "segmentation_rule", text(), nullable=True),
    ResourceField("targetStartDate", "target_start_date", DATE),
    ResourceField("targetEndDate", "target_end_date", DATE),
    ResourceField(
        "transactionTypes",
        "transaction_types",
        TYPES,
        answered=lambda names: [{"type": name} for name in names],
    ),
)
"""The fields of a run in an answer, without organizations and the number of entries."""

_RUN, _ENTRY = journal_runs.c, journal_entries.c


def create(call: Call) -> Mapping[str, object]:
    """Queue a run over an accounting period, or over days in one."""
    periods = select(accounting_periods).where(accounting_periods.c.tenant_id == call.tenant_id)
    run = read_run(call.body, call.tx.execute(periods).mappings().all(), call.caller.organizations)
    _check_idle(call)
    settings = settings_of(call.tx, call.tenant_id)
    row = {
        **call.author.made(),
        "number": next_number(call.tx, call.tenant_id, "JR"),
        "status": "Pending",
        **run,
        "segmentation_rule": settings.segmentation_rule,
        "aggregate_currency": settings.aggregate_currency,
        "deleted": False,
    }
    call.tx.execute(insert(journal_runs), row)
    job_queue.add(call, str(row["id"]), job_queue.PROCESS)
    call.author.record("create", KIND, str(row["number"]), row)
    return {"journalRunNumber": row["number"]}


def read(call: Call) -> Mapping[str, object]:
    """A run with its status and the number of its entries, including cancelled ones."""
    run = find_run(call)
    entries = call.tx.execute(
        select(func.count()).where(
            _ENTRY.tenant_id == call.tenant_id,
            _ENTRY.journal_run_id == run["id"],
            _ENTRY.deleted.is_(False),
        )
    ).scalar_one()
    return {
        **answer_of(RUN, run),
        **_error(call, run),
        "totalJournalEntryCount": entries,
        "organizationLabels": labels_of(run, call.caller),
    }


def _error(call: Call, run: RowMapping) -> dict[str, str]:
    """Why a run is in Error. The vendor documents no field for it."""
    if run["status"] != "Error":
        return {}
    event = audit_events.c
    query = select(event.details).where(
        event.tenant_id == call.tenant_id,
        event.object_type == KIND,
        event.object_name == run["number"],
        event.action == "fail",
    )
    details = call.tx.execute(query.order_by(event.sequence.desc()).limit(1)).scalar_one_or_none()
    return {} if details is None else {"errorMessage": json.loads(details)["reason"]}


def cancel(call: Call) -> Mapping[str, object]:
    """Accept the cancellation of a run that is not being processed."""
    run = find_run(call)
    _check_state(run, CANCELLABLE, "cancelled")
    job_queue.drop(call.tx, call.tenant_id, run["id"])  # a queued run does not start
    call.author.change(journal_runs, run, {"status": "CancelInprogress"})
    job_queue.add(call, run["id"], job_queue.CANCEL)
    call.author.record("cancel", KIND, run["number"], {"before": run["status"]})
    return {}


def delete(call: Call) -> Mapping[str, object]:
    """Accept the deletion of a cancelled run and its entries."""
    run = find_run(call)
    _check_state(run, DELETABLE, "deleted")
    call.author.change(journal_runs, run, {"status": "DeleteInprogress"})
    job_queue.add(call, run["id"], job_queue.DELETE)
    call.author.record("delete", KIND, run["number"], {})
    return {}


def _check_idle(call: Call) -> None:
    """Refuse a run while another is busy, even one that the caller may not see."""
    busy = (
        call.tx.execute(
            select(journal_runs).where(
                _RUN.tenant_id == call.tenant_id,
                _RUN.status.in_(BUSY_STATES),
                _RUN.deleted.is_(False),
            )
        )
        .mappings()
        .first()
    )
    if busy is not None:
        seen = f"The journal run {busy['number']} is {busy['status']}"
        which = seen if may_see_run(call.caller, busy) else "A run of other organizations is busy"
        raise refusal(BUSINESS_RULE, f"{which}; one run executes at a time")


def _check_state(run: RowMapping, allowed: tuple[str, ...], verb: str) -> None:
    if run["status"] not in allowed:
        raise refusal(
            BUSINESS_RULE,
            f"{run['number']} is {run['status']}; a run is {verb} when it is {', '.join(allowed)}",
        )
