"""What each operation is for, takes and answers: one line for every line of the route table."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """An operation in words, and the schemas of its body and of its answer when it is done.

    `paged` says that it takes page and pageSize.
    """

    summary: str
    answer: str
    body: str | None = None
    paged: bool = False


_ENTRY = "/v1/journal-entries/{number}"
_RUN = "/v1/journal-runs/{number}"
_CODE = "/v1/accounting-codes/{id}"
_PERIOD = "/v1/accounting-periods/{id}"

OPERATIONS = {
    ("POST", "/v1/journal-entries"): Described(
        summary="Post a manual entry", body="NewJournalEntry", answer="JournalEntryMade"
    ),
    ("GET", _ENTRY): Described(summary="Read an entry", answer="JournalEntry"),
    ("DELETE", _ENTRY): Described(summary="Delete a cancelled entry", answer="Done"),
    ("PUT", f"{_ENTRY}/basic-information"): Described(
        summary="Change the basic information of an entry", body="BasicInformation", answer="Done"
    ),
    ("PUT", f"{_ENTRY}/cancel"): Described(summary="Cancel an entry", answer="Done"),
    ("GET", "/v1/journal-entries/journal-runs/{number}"): Described(
        summary="List the entries of a journal run", answer="JournalEntries", paged=True
    ),
    ("POST", "/v1/journal-runs"): Described(
        summary="Queue a journal run", body="NewJournalRun", answer="JournalRunMade"
    ),
    ("GET", _RUN): Described(summary="Read a journal run", answer="JournalRun"),
    ("PUT", f"{_RUN}/cancel"): Described(
        summary="Accept the cancellation of a journal run", answer="Done"
    ),
    ("DELETE", _RUN): Described(
        summary="Accept the deletion of a cancelled journal run", answer="Done"
    ),
    ("GET", "/v1/accounting-codes"): Described(
        summary="List the accounting codes", answer="AccountingCodes", paged=True
    ),
    ("POST", "/v1/accounting-codes"): Described(
        summary="Add an accounting code", body="NewAccountingCode", answer="Made"
    ),
    ("GET", _CODE): Described(summary="Read an accounting code", answer="AccountingCode"),
    ("PUT", f"{_CODE}/activate"): Described(summary="Activate an accounting code", answer="Done"),
    ("PUT", f"{_CODE}/deactivate"): Described(
        summary="Deactivate an accounting code", answer="Done"
    ),
    ("GET", "/v1/accounting-periods"): Described(
        summary="List the accounting periods", answer="AccountingPeriods", paged=True
    ),
    ("POST", "/v1/accounting-periods"): Described(
        summary="Add an accounting period", body="NewAccountingPeriod", answer="Made"
    ),
    ("GET", _PERIOD): Described(summary="Read an accounting period", answer="AccountingPeriod"),
    ("PUT", f"{_PERIOD}/pending-close"): Described(
        summary="Set an accounting period to pending close", answer="Done"
    ),
    ("PUT", f"{_PERIOD}/close"): Described(summary="Close an accounting period", answer="Done"),
    ("PUT", f"{_PERIOD}/reopen"): Described(summary="Reopen an accounting period", answer="Done"),
}
