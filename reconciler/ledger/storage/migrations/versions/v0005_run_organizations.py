"""Journal runs and source transactions have organizations; histories are found by their object."""

import sqlalchemy as sa
from alembic import op

from reconciler.ledger.storage.columns import Json, text

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("journal_runs", sa.Column("organizations", Json))
    op.add_column("source_transactions", sa.Column("organization", text(100)))
    op.drop_index("transactions_by_group", "source_transactions")
    op.create_index(
        "transactions_by_group",
        "source_transactions",
        [
            "tenant_id",
            "journal_run_id",
            "journal_entry_id",
            "organization",
            "transaction_type",
            "debit_code_id",
            "credit_code_id",
            "segments",
            "currency",
        ],
    )
    op.create_index(
        "audit_events_by_object",
        "audit_events",
        ["tenant_id", "object_type", "object_name", "sequence"],
    )
