"""The version moves to the table of the migration library; two indexes get their final order."""

from alembic import op

revision = "0004"
down_revision = "0003"

_INDEXES = {
    # Ledgers from between two versions have them with fewer columns, or in another order.
    "entries_by_run": ("journal_entries", ("tenant_id", "journal_run_id", "run_position")),
    "transactions_by_group": (
        "source_transactions",
        (
            "tenant_id",
            "journal_run_id",
            "journal_entry_id",
            "transaction_type",
            "debit_code_id",
            "credit_code_id",
            "segments",
            "currency",
        ),
    ),
}


def upgrade() -> None:
    for name, (table, columns) in _INDEXES.items():
        op.drop_index(name, table)
        op.create_index(name, table, list(columns))
    op.execute("DROP TABLE IF EXISTS ledger_schema")
