"""The description of each operation: one row for each route."""

from dataclasses import dataclass

from ..query.endpoint import PREFIX


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationDescription:
    """The summary of an operation, and the schemas of its body and answer.

    `paged` adds page and pageSize, `by_status` the states of query jobs. `plain` are the operations
    of Data Query, which have no envelope.
    """

    summary: str
    answer: str
    body: str | None = None
    paged: bool = False
    by_status: bool = False
    plain: bool = False


_ENTRY = "/v1/journal-entries/{number}"
_RUN = "/v1/journal-runs/{number}"
_CODE = "/v1/accounting-codes/{id}"
_PERIOD = "/v1/accounting-periods/{id}"
_JOBS = f"{PREFIX}jobs"
_JOB = f"{PREFIX}jobs/{{job_id}}"

OPERATIONS = {
    ("POST", "/v1/journal-entries"): OperationDescription(
        summary="Post a manual entry", body="NewJournalEntry", answer="JournalEntryMade"
    ),
    ("GET", _ENTRY): OperationDescription(summary="Read an entry", answer="JournalEntry"),
    ("DELETE", _ENTRY): OperationDescription(summary="Delete a cancelled entry", answer="Done"),
    ("PUT", f"{_ENTRY}/basic-information"): OperationDescription(
        summary="Change the basic information of an entry", body="BasicInformation", answer="Done"
    ),
    ("PUT", f"{_ENTRY}/cancel"): OperationDescription(summary="Cancel an entry", answer="Done"),
    ("GET", "/v1/journal-entries/journal-runs/{number}"): OperationDescription(
        summary="List the entries of a journal run", answer="JournalEntries", paged=True
    ),
    ("POST", "/v1/journal-runs"): OperationDescription(
        summary="Queue a journal run", body="NewJournalRun", answer="JournalRunMade"
    ),
    ("GET", _RUN): OperationDescription(summary="Read a journal run", answer="JournalRun"),
    ("PUT", f"{_RUN}/cancel"): OperationDescription(
        summary="Accept the cancellation of a journal run", answer="Done"
    ),
    ("DELETE", _RUN): OperationDescription(
        summary="Accept the deletion of a cancelled journal run", answer="Done"
    ),
    ("GET", "/v1/accounting-codes"): OperationDescription(
        summary="List the accounting codes", answer="AccountingCodes", paged=True
    ),
    ("POST", "/v1/accounting-codes"): OperationDescription(
        summary="Add an accounting code", body="NewAccountingCode", answer="Made"
    ),
    ("GET", _CODE): OperationDescription(
        summary="Read an accounting code", answer="AccountingCode"
    ),
    ("PUT", f"{_CODE}/activate"): OperationDescription(
        summary="Activate an accounting code", answer="Done"
    ),
    ("PUT", f"{_CODE}/deactivate"): OperationDescription(
        summary="Deactivate an accounting code", answer="Done"
    ),
    ("GET", "/v1/accounting-periods"): OperationDescription(
        summary="List the accounting periods", answer="AccountingPeriods", paged=True
    ),
    ("POST", "/v1/accounting-periods"): OperationDescription(
        summary="Add an accounting period", body="NewAccountingPeriod", answer="Made"
    ),
    ("GET", _PERIOD): OperationDescription(
        summary="Read an accounting period", answer="AccountingPeriod"
    ),
    ("PUT", f"{_PERIOD}/pending-close"): OperationDescription(
        summary="Set an accounting period to pending close", answer="Done"
    ),
    ("PUT", f"{_PERIOD}/close"): OperationDescription(
        summary="Close an accounting period", answer="Done"
    ),
    ("PUT", f"{_PERIOD}/reopen"): OperationDescription(
        summary="Reopen an accounting period", answer="Done"
    ),
    ("POST", _JOBS): OperationDescription(
        summary="Submit a query", body="NewQueryJob", answer="QueryJob", plain=True
    ),
    ("GET", _JOBS): OperationDescription(
        summary="List the caller's query jobs", answer="QueryJobs", by_status=True, plain=True
    ),
    ("GET", _JOB): OperationDescription(
        summary="Poll a query job, and execute it if it waits", answer="QueryJob", plain=True
    ),
    ("DELETE", _JOB): OperationDescription(
        summary="Cancel a query job that has not ended", answer="QueryJob", plain=True
    ),
}
