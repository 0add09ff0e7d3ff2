"""Entities and organizations."""

import sqlalchemy as sa
from alembic import op

from reconciler.ledger.storage.columns import Json, text

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    for table in ("tenants", "clients"):
        op.add_column(table, sa.Column("entities", Json))
        op.add_column(table, sa.Column("organizations", Json))
    op.add_column("journal_entries", sa.Column("organization", text(100)))
