"""The kind JournalEntry: a manual summary journal entry (API facts 3)."""

from types import MappingProxyType

from reconciler.core.model.enumerations import CodeType, EntryStatus, Side, TransferState
from reconciler.core.model.kinds.kind import Kind

JOURNAL_ENTRY = Kind(
    name="JournalEntry",
    schema="journal-entry.schema.json",
    collection="journal-entries",
    rank=10,
    updatable=frozenset({"notes", "transferredToAccounting"}),
    lines="journalEntryItems",
    line_key=("accountingCodeName", "type", "amount"),
    line_address=("accountingCodeName", "type"),
    line_address_type="accountingCodeType",
    line_optional=frozenset({"accountingCodeType", "homeCurrencyAmount", "glString"}),
    line_updatable=frozenset({"notes"}),
    write_only=frozenset({"notes"}),
    # Ledger connectors write the transfer state after posting to the general ledger.
    externally_written=frozenset({"transferredToAccounting"}),
    # A null transfer state reads as not transferred (API facts 3.6).
    defaults=MappingProxyType({"transferredToAccounting": TransferState.NO.value}),
    enumerations=MappingProxyType(
        {
            "accountingCodeType": CodeType,
            "status": EntryStatus,
            "transferredToAccounting": TransferState,
            "type": Side,
        }
    ),
    names_parts=MappingProxyType({"segments": "segmentName"}),
    server_filled=frozenset(
        {
            "homeCurrency",
            "aggregateCurrency",
            "timePeriodStart",
            "timePeriodEnd",
            "transactionType",
            "transferDateTime",
            "transferredBy",
            "glAccountName",
            "glAccountNumber",
        }
    ),
    period="accountingPeriodName",
    currency="currency",
    date="journalEntryDate",
    transfer="transferredToAccounting",
    organizations="organizationLabel",
    number_pattern=r"JE-[0-9]{8,}",
)
