"""The kind JournalRun: the ledger summarizes source transactions into entries (API facts 5)."""

from types import MappingProxyType

from reconciler.core.model.enumerations import RunStatus
from reconciler.core.model.kinds.kind import Kind

JOURNAL_RUN = Kind(
    name="JournalRun",
    nouns=("run", "runs"),
    schema="journal-run.schema.json",
    collection="journal-runs",
    # After the entries: the entries of a run are in no file.
    rank=20,
    # A read shows the target dates of the period instead (API facts 5.3).
    never_read=frozenset({"accountingPeriodName"}),
    # A label is written with an id or a name, and read with both.
    resolved=MappingProxyType({"organizationLabels": "organizationName"}),
    enumerations=MappingProxyType({"status": RunStatus}),
    server_filled=frozenset(
        {"executedOn", "segmentationRuleName", "totalJournalEntryCount", "aggregateCurrency"}
    ),
    period="accountingPeriodName",
    date="journalEntryDate",
    organizations="organizationLabels",
    span=("targetStartDate", "targetEndDate"),
    number_pattern=r"JR-[0-9]{8,}",
    posted_states=frozenset({RunStatus.COMPLETED}),
    failed=frozenset({RunStatus.ERROR}),
    busy_states=frozenset(
        {
            RunStatus.PENDING,
            RunStatus.PROCESSING,
            RunStatus.CANCEL_IN_PROGRESS,
            RunStatus.DELETE_IN_PROGRESS,
        }
    ),
    carries_marker=False,
    members="JournalEntry",
    serial=True,
    # Target dates may lie in a closed period (API facts 5.2).
    needs_open_period=False,
)

REVENUE_TYPES = frozenset({"Revenue Event Item"})
"""Transaction types that need a whole accounting period (API facts 5.2)."""

TRANSACTION_TYPES = REVENUE_TYPES | {
    "Invoice Item",
    "Taxation Item",
    "Invoice Item Adjustment (Invoice)",
    "Invoice Item Adjustment (Tax)",
    "Invoice Adjustment",
    "Debit Memo Item (Charge)",
    "Debit Memo Item (Tax)",
    "Credit Memo Item (Charge)",
    "Credit Memo Item (Tax)",
    "Credit Memo Application Item",
    "Credit Balance Adjustment (Applied from Credit Balance)",
    "Credit Balance Adjustment (Transferred to Credit Balance)",
    "Electronic Payment",
    "External Payment",
    "Electronic Refund",
    "External Refund",
    "Electronic Credit Balance Payment",
    "External Credit Balance Payment",
    "Electronic Credit Balance Refund",
    "External Credit Balance Refund",
    "Electronic Payment Application",
    "External Payment Application",
    "Electronic Refund Application",
    "External Refund Application",
    "Electronic Payment Application Item",
    "External Payment Application Item",
    "Electronic Refund Application Item",
    "External Refund Application Item",
}
"""Transaction types of journal runs, and of the entries that they post (API facts 5.5)."""

NOT_UNDER_MULTI_ORG = frozenset(
    {
        "Invoice Item Adjustment (Invoice)",
        "Invoice Item Adjustment (Tax)",
        "Invoice Adjustment",
        "Credit Balance Adjustment (Applied from Credit Balance)",
        "Credit Balance Adjustment (Transferred to Credit Balance)",
        "Electronic Credit Balance Payment",
        "External Credit Balance Payment",
        "Electronic Credit Balance Refund",
        "External Credit Balance Refund",
    }
)
"""Transaction types that a tenant with Multi-Org cannot use (API facts 5.2)."""

EARLIEST_TARGET_DATE = "2015-01-01"
"""The earliest day that a run may cover (API facts 5.2)."""
