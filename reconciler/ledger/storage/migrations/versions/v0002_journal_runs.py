"""Journal runs have work to do, over source transactions."""

import sqlalchemy as sa
from alembic import op

from reconciler.ledger.storage.columns import Amount, Json, text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("journal_entries", sa.Column("run_position", sa.Integer))
    op.drop_index("entries_by_run", "journal_entries")
    op.create_index(
        "entries_by_run", "journal_entries", ["tenant_id", "journal_run_id", "run_position"]
    )
    op.create_table(
        "run_jobs",
        sa.Column("tenant_id", text(36), primary_key=True),
        sa.Column("journal_run_id", text(32), primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False, unique=True),
        sa.Column("work", text(10), nullable=False),
        sa.Column("handled", sa.Integer, nullable=False),
        sa.Column("claim", text(32)),
        sa.Column("claimed_until", sa.BigInteger, nullable=False),
        sa.Column("client_id", text(36), nullable=False),
        sa.Column("user_id", text(32), nullable=False),
        sa.Column("request_id", text(36), nullable=False),
        sa.Column("idempotency_key", text(255)),
    )
    op.create_table(
        "source_transactions",
        sa.Column("tenant_id", text(36), primary_key=True),
        sa.Column("id", text(100), primary_key=True),
        sa.Column("transaction_type", text(100), nullable=False),
        sa.Column("transaction_date", text(10), nullable=False),
        sa.Column("currency", text(3), nullable=False),
        sa.Column("amount", Amount, nullable=False),
        sa.Column("home_currency", text(3)),
        sa.Column("home_currency_amount", Amount),
        sa.Column("debit_code_id", text(32), nullable=False),
        sa.Column("credit_code_id", text(32), nullable=False),
        sa.Column("segments", Json, nullable=False),
        sa.Column("journal_run_id", text(32)),
        sa.Column("journal_entry_id", text(32)),
    )
    op.create_index(
        "transactions_by_group",
        "source_transactions",
        [
            "tenant_id",
            "journal_run_id",
            "journal_entry_id",
            "transaction_type",
            "debit_code_id",
            "credit_code_id",
            "segments",
            "currency",
        ],
    )
