"""Tenants, clients, codes, periods, entries and their audit events: what there was at first."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from reconciler.ledger.storage.columns import Amount, Json, text

revision = "0001"
down_revision = None


def upgrade() -> None:
    _make_access()
    _make_reference()
    _make_journals()
    _make_protocol()
    for statement in _APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)


def _stamps() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("created_by", text(32), nullable=False),
        sa.Column("created_on", text(19), nullable=False),
        sa.Column("updated_by", text(32), nullable=False),
        sa.Column("updated_on", text(19), nullable=False),
    )


def _make_access() -> None:
    op.create_table(
        "tenants",
        sa.Column("tenant_id", text(36), primary_key=True),
        sa.Column("position", sa.Integer, nullable=False, unique=True),
        sa.Column("entity_id", text(36), nullable=False),
        sa.Column("created_on", text(19), nullable=False),
        sa.Column("reference_digest", text(64)),
        sa.Column("home_currency", text(3)),
        sa.Column("aggregate_currency", sa.Boolean, nullable=False),
        sa.Column("currencies", Json, nullable=False),
        sa.Column("segmentation_rule", text(100)),
        sa.Column("segments", Json, nullable=False),
        sa.Column("custom_fields", Json, nullable=False),
    )
    op.create_table(
        "clients",
        sa.Column("tenant_id", text(36), primary_key=True),
        sa.Column("id", text(36), primary_key=True),
        sa.Column("name", text(), nullable=False),
        sa.Column("user_id", text(32), nullable=False),
        sa.Column("secret_hash", text(64), nullable=False),
        sa.Column("permissions", Json, nullable=False),
        sa.Column("token_lifetime", sa.Integer),
        sa.Column("created_on", text(19), nullable=False),
    )
    op.create_table(
        "tokens",
        sa.Column("tenant_id", text(36), primary_key=True),
        sa.Column("token_hash", text(64), primary_key=True),
        sa.Column("client_id", text(36), nullable=False),
        sa.Column("jti", text(32), nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_index("tokens_by_hash", "tokens", ["token_hash"])
    op.create_index("tokens_by_expiry", "tokens", ["expires_at"])
    op.create_table(
        "counters",
        sa.Column("tenant_id", text(36), primary_key=True),
        sa.Column("name", text(40), primary_key=True),
        sa.Column("value", sa.BigInteger, nullable=False),
    )


def _make_reference() -> None:
    op.create_table(
        "accounting_periods",
        sa.Column("tenant_id", text(36), primary_key=True),
        sa.Column("id", text(32), primary_key=True),
        sa.Column("name", text(100), nullable=False),
        sa.Column("start_date", text(10), nullable=False),
        sa.Column("end_date", text(10)),
        sa.Column("fiscal_year", sa.Integer),
        sa.Column("fiscal_quarter", sa.Integer),
        sa.Column("notes", text()),
        sa.Column("status", text(12), nullable=False),
        *_stamps(),
        sa.UniqueConstraint("tenant_id", "name"),
    )
    op.create_table(
        "accounting_codes",
        sa.Column("tenant_id", text(36), primary_key=True),
        sa.Column("id", text(32), primary_key=True),
        sa.Column("name", text(100), nullable=False),
        sa.Column("type", text(40), nullable=False),
        sa.Column("status", text(8), nullable=False),
        sa.Column("gl_account_name", text(255)),
        sa.Column("gl_account_number", text(255)),
        sa.Column("notes", text()),
        sa.Column("custom_fields", Json, nullable=False),
        *_stamps(),
        sa.UniqueConstraint("tenant_id", "name", "type"),
    )


def _make_journals() -> None:
    op.create_table(
        "journal_runs",
        sa.Column("tenant_id", text(36), primary_key=True),
        sa.Column("id", text(32), primary_key=True),
        sa.Column("number", text(30), nullable=False),
        sa.Column("status", text(20), nullable=False),
        sa.Column("journal_entry_date", text(10), nullable=False),
        sa.Column("target_start_date", text(10), nullable=False),
        sa.Column("target_end_date", text(10), nullable=False),
        sa.Column("transaction_types", Json, nullable=False),
        sa.Column("segmentation_rule", text(100)),
        sa.Column("aggregate_currency", sa.Boolean, nullable=False),
        sa.Column("executed_on", text(19)),
        sa.Column("deleted", sa.Boolean, nullable=False),
        *_stamps(),
        sa.UniqueConstraint("tenant_id", "number"),
    )
    op.create_table(
        "journal_entries",
        sa.Column("tenant_id", text(36), primary_key=True),
        sa.Column("id", text(32), primary_key=True),
        sa.Column("number", text(30), nullable=False),
        sa.Column("status", text(10), nullable=False),
        sa.Column("accounting_period_id", text(32), nullable=False),
        sa.Column("journal_run_id", text(32)),
        sa.Column("currency", text(3), nullable=False),
        sa.Column("home_currency", text(3)),
        sa.Column("aggregate_currency", sa.Boolean, nullable=False),
        sa.Column("journal_entry_date", text(10), nullable=False),
        sa.Column("time_period_start", text(10)),
        sa.Column("time_period_end", text(10)),
        sa.Column("transaction_type", text()),
        sa.Column("notes", text()),
        sa.Column("segments", Json, nullable=False),
        sa.Column("transferred_to_accounting", text(10), nullable=False),
        sa.Column("transfer_date_time", text(19)),
        sa.Column("transferred_by", text(32)),
        sa.Column("custom_fields", Json, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
        *_stamps(),
        sa.UniqueConstraint("tenant_id", "number"),
    )
    op.create_index(
        "entries_by_period",
        "journal_entries",
        ["tenant_id", "accounting_period_id", "aggregate_currency"],
    )
    op.create_index("entries_by_run", "journal_entries", ["tenant_id", "journal_run_id"])
    op.create_table(
        "journal_entry_items",
        sa.Column("tenant_id", text(36), primary_key=True),
        sa.Column("id", text(32), primary_key=True),
        sa.Column("journal_entry_id", text(32), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("accounting_code_id", text(32), nullable=False),
        sa.Column("type", text(6), nullable=False),
        sa.Column("amount", Amount, nullable=False),
        sa.Column("home_currency_amount", Amount),
        sa.Column("gl_string", text()),
        sa.Column("notes", text()),
        sa.Column("custom_fields", Json, nullable=False),
        sa.UniqueConstraint("tenant_id", "journal_entry_id", "position"),
    )
    op.create_index("items_by_code", "journal_entry_items", ["tenant_id", "accounting_code_id"])


def _make_protocol() -> None:
    op.create_table(
        "replays",
        sa.Column("tenant_id", text(36), primary_key=True),
        sa.Column("key", text(255), primary_key=True),
        sa.Column("method", text(10), nullable=False),
        sa.Column("url", text(), nullable=False),
        sa.Column("body_digest", text(64), nullable=False),
        sa.Column("claim", text(32)),
        sa.Column("claimed_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("body", text()),
        sa.Column("request_id", text(36)),
    )
    op.create_index("replays_by_expiry", "replays", ["expires_at"])
    op.create_table(
        "audit_events",
        sa.Column("tenant_id", text(36), primary_key=True),
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("happened_on", text(19), nullable=False),
        sa.Column("actor", text(36), nullable=False),
        sa.Column("request_id", text(36), nullable=False),
        sa.Column("idempotency_key", text(255)),
        sa.Column("action", text(20), nullable=False),
        sa.Column("object_type", text(40), nullable=False),
        sa.Column("object_name", text(), nullable=False),
        sa.Column("details", text(), nullable=False),
        sa.Column("previous_hash", text(64), nullable=False),
        sa.Column("hash", text(64), nullable=False),
    )


_APPEND_ONLY = {
    "sqlite": (
        (
            "CREATE TRIGGER audit_events_no_update BEFORE UPDATE ON audit_events "
            "BEGIN SELECT RAISE(ABORT, 'audit events are append-only'); END"
        ),
        (
            "CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events "
            "BEGIN SELECT RAISE(ABORT, 'audit events are append-only'); END"
        ),
    ),
    "postgresql": (
        (
            "CREATE FUNCTION audit_events_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'audit events are append-only'; END $$"
        ),
        (
            "CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
            "ON audit_events FOR EACH STATEMENT EXECUTE FUNCTION audit_events_append_only()"
        ),
    ),
}
