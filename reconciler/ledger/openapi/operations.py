"""The description of each operation: one row for each route."""

from dataclasses import dataclass

from ..query.endpoint import PREFIX


@dataclass(frozen=True, slots=True)
class OperationDescription:
    """The summary of an operation, and the schemas of its body and answer.

    `paged` adds page and pageSize, `by_status` the states of query jobs. `plain` are the operations
    of Data Query, which have no envelope.
    """

    summary: str
    answer: str = "Done"
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
        "Post a manual entry", "JournalEntryMade", body="NewJournalEntry"
    ),
    ("GET", _ENTRY): OperationDescription("Read an entry", "JournalEntry"),
    ("DELETE", _ENTRY): OperationDescription("Delete a cancelled entry"),
    ("PUT", f"{_ENTRY}/basic-information"): OperationDescription(
        "Change the basic information of an entry", "Done", body="BasicInformation"
    ),
    ("PUT", f"{_ENTRY}/cancel"): OperationDescription("Cancel an entry"),
    ("GET", "/v1/journal-entries/journal-runs/{number}"): OperationDescription(
        "List the entries of a journal run", "JournalEntries", paged=True
    ),
    ("POST", "/v1/journal-runs"): OperationDescription(
        "Queue a journal run", "JournalRunMade", body="NewJournalRun"
    ),
    ("GET", _RUN): OperationDescription("Read a journal run", "JournalRun"),
    ("PUT", f"{_RUN}/cancel"): OperationDescription("Accept the cancellation of a journal run"),
    ("DELETE", _RUN): OperationDescription("Accept the deletion of a cancelled journal run"),
    ("GET", "/v1/accounting-codes"): OperationDescription(
        "List the accounting codes", "AccountingCodes", paged=True
    ),
    ("POST", "/v1/accounting-codes"): OperationDescription(
        "Add an accounting code", "Made", body="NewAccountingCode"
    ),
    ("GET", _CODE): OperationDescription("Read an accounting code", "AccountingCode"),
    ("PUT", f"{_CODE}/activate"): OperationDescription("Activate an accounting code"),
    ("PUT", f"{_CODE}/deactivate"): OperationDescription("Deactivate an accounting code"),
    ("GET", "/v1/accounting-periods"): OperationDescription(
        "List the accounting periods", "AccountingPeriods", paged=True
    ),
    ("POST", "/v1/accounting-periods"): OperationDescription(
        "Add an accounting period", "Made", body="NewAccountingPeriod"
    ),
    ("GET", _PERIOD): OperationDescription("Read an accounting period", "AccountingPeriod"),
    ("PUT", f"{_PERIOD}/pending-close"): OperationDescription(
        "Set an accounting period to pending close"
    ),
    ("PUT", f"{_PERIOD}/close"): OperationDescription("Close an accounting period"),
    ("PUT", f"{_PERIOD}/reopen"): OperationDescription("Reopen an accounting period"),
    ("POST", _JOBS): OperationDescription(
        "Submit a query", "QueryJob", body="NewQueryJob", plain=True
    ),
    ("GET", _JOBS): OperationDescription(
        "List the caller's query jobs", "QueryJobs", by_status=True, plain=True
    ),
    ("GET", _JOB): OperationDescription(
        "Poll a query job, and execute it if it waits", "QueryJob", plain=True
    ),
    ("DELETE", _JOB): OperationDescription(
        "Cancel a query job that has not ended", "QueryJob", plain=True
    ),
}
