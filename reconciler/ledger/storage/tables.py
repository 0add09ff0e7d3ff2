"""The tables of the ledger, portable between SQLite and PostgreSQL.

Anyone may read them; only the ledger writes. Every table but `ledger_version` carries `tenant_id`.
Amounts are exact: TEXT in SQLite, unconstrained NUMERIC in PostgreSQL. Stamps are UTC text like
`2026-01-31 22:05:12`; `*_at` columns are seconds since 1970.

| table | holds |
| --- | --- |
| `tenants` | a tenant with its settings: home currency, currencies, active segmentation rule |
| `clients`, `tokens` | OAuth clients with their permissions, tokens; secrets only as hashes |
| `counters` | the last number of each sequence |
| `accounting_periods`, `accounting_codes` | reference data, with status |
| `journal_runs` | journal runs |
| `run_jobs` | queued jobs of journal runs, with the worker that has claimed them |
| `journal_entries`, `journal_entry_items` | entries and lines; deleted entries remain, marked |
| `source_transactions` | what runs summarise, each allocated to at most one run and entry |
| `replays` | the first answer to each Idempotency-Key, or the claim of a running request |
| `audit_events` | the audit chain, append-only |
"""

from typing import Any

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
    event,
)
from sqlalchemy.schema import SchemaItem

from .columns import DATE_TEXT, TIMESTAMP_TEXT, Amount, Json, text_type

SCHEMA_VERSION = "0001"
"""The newest of `migrations/versions`: what a database is at when nothing is to be done."""

METADATA = MetaData()


def _table(name: str, *items: SchemaItem) -> Table:
    """A table of rows that each belong to a tenant."""
    return Table(name, METADATA, Column("tenant_id", text_type(36), primary_key=True), *items)


def _stamps() -> tuple[Column[Any], ...]:
    return (
        Column("created_by", text_type(32), nullable=False),
        Column("created_on", TIMESTAMP_TEXT, nullable=False),
        Column("updated_by", text_type(32), nullable=False),
        Column("updated_on", TIMESTAMP_TEXT, nullable=False),
    )


# The migration library defines these names.
ledger_version = Table(
    "ledger_version",
    METADATA,
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="ledger_version_pkc"),
)

tenants = _table(
    "tenants",
    Column("position", Integer, nullable=False, unique=True),
    Column("entity_id", text_type(36), nullable=False),
    Column("created_on", TIMESTAMP_TEXT, nullable=False),
    Column("reference_digest", text_type(64)),
    Column("home_currency", text_type(3)),
    Column("aggregate_currency", Boolean, nullable=False),
    Column("currencies", Json, nullable=False),
    Column("segmentation_rule", text_type(100)),
    Column("segments", Json, nullable=False),
    Column("custom_fields", Json, nullable=False),
    # Every declared entity: id, name, `tenant_id` of its rows. The first has that of the tenant.
    Column("entities", Json),
    Column("organizations", Json),
)

clients = _table(
    "clients",
    Column("id", text_type(36), primary_key=True),
    Column("name", text_type(), nullable=False),
    Column("user_id", text_type(32), nullable=False),
    Column("secret_hash", text_type(64), nullable=False),
    Column("permissions", Json, nullable=False),
    Column("token_lifetime", Integer),
    Column("entities", Json),
    Column("organizations", Json),
    Column("created_on", TIMESTAMP_TEXT, nullable=False),
)

tokens = _table(
    "tokens",
    Column("token_hash", text_type(64), primary_key=True),
    Column("client_id", text_type(36), nullable=False),
    Column("jti", text_type(32), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index("tokens_by_hash", "token_hash"),
    Index("tokens_by_expiry", "expires_at"),
)

counters = _table(
    "counters",
    Column("name", text_type(40), primary_key=True),
    Column("value", BigInteger, nullable=False),
)

accounting_periods = _table(
    "accounting_periods",
    Column("id", text_type(32), primary_key=True),
    Column("name", text_type(100), nullable=False),
    Column("start_date", DATE_TEXT, nullable=False),
    Column("end_date", DATE_TEXT),
    Column("fiscal_year", Integer),
    Column("fiscal_quarter", Integer),
    Column("notes", text_type()),
    Column("status", text_type(12), nullable=False),
    *_stamps(),
    UniqueConstraint("tenant_id", "name"),
)

accounting_codes = _table(
    "accounting_codes",
    Column("id", text_type(32), primary_key=True),
    Column("name", text_type(100), nullable=False),
    Column("type", text_type(40), nullable=False),
    Column("status", text_type(8), nullable=False),
    Column("gl_account_name", text_type(255)),
    Column("gl_account_number", text_type(255)),
    Column("notes", text_type()),
    Column("custom_fields", Json, nullable=False),
    *_stamps(),
    UniqueConstraint("tenant_id", "name", "type"),
)

journal_runs = _table(
    "journal_runs",
    Column("id", text_type(32), primary_key=True),
    Column("number", text_type(30), nullable=False),
    Column("status", text_type(20), nullable=False),
    Column("journal_entry_date", DATE_TEXT, nullable=False),
    Column("target_start_date", DATE_TEXT, nullable=False),
    Column("target_end_date", DATE_TEXT, nullable=False),
    Column("transaction_types", Json, nullable=False),
    Column("segmentation_rule", text_type(100)),
    Column("aggregate_currency", Boolean, nullable=False),
    Column("executed_on", TIMESTAMP_TEXT),
    Column("deleted", Boolean, nullable=False),
    *_stamps(),
    # The names of the organizations a run is for, None without Multi-Org.
    Column("organizations", Json),
    UniqueConstraint("tenant_id", "number"),
)

journal_entries = _table(
    "journal_entries",
    Column("id", text_type(32), primary_key=True),
    Column("number", text_type(30), nullable=False),
    Column("status", text_type(10), nullable=False),
    Column("accounting_period_id", text_type(32), nullable=False),
    Column("journal_run_id", text_type(32)),
    Column("run_position", Integer),
    Column("currency", text_type(3), nullable=False),
    Column("home_currency", text_type(3)),
    Column("aggregate_currency", Boolean, nullable=False),
    Column("journal_entry_date", DATE_TEXT, nullable=False),
    Column("time_period_start", DATE_TEXT),
    Column("time_period_end", DATE_TEXT),
    Column("transaction_type", text_type()),
    Column("organization", text_type(100)),
    Column("notes", text_type()),
    Column("segments", Json, nullable=False),
    Column("transferred_to_accounting", text_type(10), nullable=False),
    Column("transfer_date_time", TIMESTAMP_TEXT),
    Column("transferred_by", text_type(32)),
    Column("custom_fields", Json, nullable=False),
    Column("deleted", Boolean, nullable=False),
    *_stamps(),
    UniqueConstraint("tenant_id", "number"),
    Index("entries_by_period", "tenant_id", "accounting_period_id", "aggregate_currency"),
    Index("entries_by_run", "tenant_id", "journal_run_id", "run_position"),
)

journal_entry_items = _table(
    "journal_entry_items",
    Column("id", text_type(32), primary_key=True),
    Column("journal_entry_id", text_type(32), nullable=False),
    Column("position", Integer, nullable=False),
    Column("accounting_code_id", text_type(32), nullable=False),
    Column("type", text_type(6), nullable=False),
    Column("amount", Amount, nullable=False),
    Column("home_currency_amount", Amount),
    Column("gl_string", text_type()),
    Column("notes", text_type()),
    Column("custom_fields", Json, nullable=False),
    UniqueConstraint("tenant_id", "journal_entry_id", "position"),
    Index("items_by_code", "tenant_id", "accounting_code_id"),
)

ITEM_OF_ENTRY = (journal_entry_items.c.tenant_id == journal_entries.c.tenant_id) & (
    journal_entry_items.c.journal_entry_id == journal_entries.c.id
)
PERIOD_OF_ENTRY = (accounting_periods.c.tenant_id == journal_entries.c.tenant_id) & (
    accounting_periods.c.id == journal_entries.c.accounting_period_id
)

run_jobs = _table(
    "run_jobs",
    Column("journal_run_id", text_type(32), primary_key=True),
    Column("position", BigInteger, nullable=False, unique=True),
    Column("work", text_type(10), nullable=False),
    Column("handled", Integer, nullable=False),
    Column("claim", text_type(32)),
    Column("claimed_until", BigInteger, nullable=False),
    Column("client_id", text_type(36), nullable=False),
    Column("user_id", text_type(32), nullable=False),
    Column("request_id", text_type(36), nullable=False),
    Column("idempotency_key", text_type(255)),
)

source_transactions = _table(
    "source_transactions",
    Column("id", text_type(100), primary_key=True),
    Column("transaction_type", text_type(100), nullable=False),
    Column("transaction_date", DATE_TEXT, nullable=False),
    Column("currency", text_type(3), nullable=False),
    Column("amount", Amount, nullable=False),
    Column("home_currency", text_type(3)),
    Column("home_currency_amount", Amount),
    Column("debit_code_id", text_type(32), nullable=False),
    Column("credit_code_id", text_type(32), nullable=False),
    Column("segments", Json, nullable=False),
    Column("journal_run_id", text_type(32)),
    Column("journal_entry_id", text_type(32)),
    Column("organization", text_type(100)),
    Index(
        "transactions_by_group",
        *("tenant_id", "journal_run_id", "journal_entry_id", "organization", "transaction_type"),
        *("debit_code_id", "credit_code_id", "segments", "currency"),
    ),
)

replays = _table(
    "replays",
    Column("key", text_type(255), primary_key=True),
    Column("method", text_type(10), nullable=False),
    Column("url", text_type(), nullable=False),
    Column("body_digest", text_type(64), nullable=False),
    Column("claim", text_type(32)),
    Column("claimed_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("status", Integer),
    Column("body", text_type()),
    Column("request_id", text_type(36)),
    Index("replays_by_expiry", "expires_at"),
)

audit_events = _table(
    "audit_events",
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("happened_on", TIMESTAMP_TEXT, nullable=False),
    Column("actor", text_type(36), nullable=False),
    Column("request_id", text_type(36), nullable=False),
    Column("idempotency_key", text_type(255)),
    Column("action", text_type(20), nullable=False),
    Column("object_type", text_type(40), nullable=False),
    Column("object_name", text_type(), nullable=False),
    Column("details", text_type(), nullable=False),
    Column("previous_hash", text_type(64), nullable=False),
    Column("hash", text_type(64), nullable=False),
    Index("audit_events_by_object", "tenant_id", "object_type", "object_name", "sequence"),
)

# The database itself refuses changes of events.
APPEND_ONLY = {
    "sqlite": tuple(
        f"CREATE TRIGGER audit_events_no_{verb.lower()} BEFORE {verb} ON audit_events "
        "BEGIN SELECT RAISE(ABORT, 'audit events are append-only'); END"
        for verb in ("UPDATE", "DELETE")
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
for _dialect, _statements in APPEND_ONLY.items():
    for _statement in _statements:
        event.listen(
            audit_events,
            "after_create",
            DDL(_statement).execute_if(dialect=_dialect),  # type: ignore[no-untyped-call]
        )
