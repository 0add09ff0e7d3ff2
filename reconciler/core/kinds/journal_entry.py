"""The kind JournalEntry: a manual summary journal entry (docs/zuora-api.md, section 3)."""

from reconciler.core.kinds.kind import Kind

JOURNAL_ENTRY = Kind(
    name="JournalEntry",
    schema="journal-entry.schema.json",
    collection="journal-entries",
    rank=10,
    updatable=frozenset({"notes", "transferredToAccounting"}),
    lines="journalEntryItems",
    line_updatable=frozenset({"notes"}),
    # Ledger connectors write the transfer state after posting to the general ledger.
    observed=frozenset({"transferredToAccounting"}),
    number_pattern=r"JE-[0-9]{8,}",
)
