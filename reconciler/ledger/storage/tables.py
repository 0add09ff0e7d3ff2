"""The tables of the ledger, portable between SQLite and PostgreSQL.

Anyone may read them through a connection of their own; only the ledger writes. Every table but
`ledger_schema` carries `tenant_id`. Amounts are exact: TEXT in SQLite, unconstrained NUMERIC in
PostgreSQL. Stamps are UTC text like `2026-01-31 22:05:12`; `*_at` columns are seconds since 1970.

| table | holds |
| --- | --- |
| `tenants` | a tenant with its settings: home currency, currencies, active segmentation rule |
| `clients`, `tokens` | OAuth clients with their permissions, tokens; secrets only as hashes |
| `counters` | the last number given out, per sort of number |
| `accounting_periods`, `accounting_codes` | reference data, with status |
| `journal_runs` | journal runs |
| `run_jobs` | what is still to be done for a journal run, and which worker is at it |
| `journal_entries`, `journal_entry_items` | entries, lines; a deleted entry stays a tombstone |
| `source_transactions` | what runs summarise, each tied to at most one run and one entry |
| `replays` | the first answer to each Idempotency-Key, or the claim of the request at work on it |
| `audit_events` | what happened, append-only, each event sealing the one before |
"""

import json
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Index,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

SCHEMA_VERSION = 4


class Amount(TypeDecorator[Decimal]):
    """An exact decimal. SQLite keeps its digits as text: its NUMERIC would round through floats."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Numeric() if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return format(value, "f")

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


class Json(TypeDecorator[Any]):
    """A small document of text, lists and mappings, kept as canonical JSON text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(value, sort_keys=True, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


METADATA = MetaData()


def _tenant() -> Column[str]:
    return Column("tenant_id", String(36), primary_key=True)


def _stamps() -> tuple[Column[Any], ...]:
    return (
        Column("created_by", String(32), nullable=False),
        Column("created_on", String(19), nullable=False),
        Column("updated_by", String(32), nullable=False),
        Column("updated_on", String(19), nullable=False),
    )


ledger_schema = Table("ledger_schema", METADATA, Column("version", Integer, primary_key=True))

tenants = Table(
    "tenants",
    METADATA,
    _tenant(),
    Column("position", Integer, nullable=False, unique=True),
    Column("entity_id", String(36), nullable=False),
    Column("created_on", String(19), nullable=False),
    Column("reference_digest", String(64)),
    Column("home_currency", String(3)),
    Column("aggregate_currency", Boolean, nullable=False),
    Column("currencies", Json, nullable=False),
    Column("segmentation_rule", String(100)),
    Column("segments", Json, nullable=False),
    Column("custom_fields", Json, nullable=False),
    # Every entity of the tenant, where several are declared: id, name, and whose `tenant_id` its
    # books have. Those of the first are the tenant's own.
    Column("entities", Json),
    Column("organizations", Json),
)

clients = Table(
    "clients",
    METADATA,
    _tenant(),
    Column("id", String(36), primary_key=True),
    Column("name", Text, nullable=False),
    Column("user_id", String(32), nullable=False),
    Column("secret_hash", String(64), nullable=False),
    Column("permissions", Json, nullable=False),
    Column("token_lifetime", Integer),
    Column("entities", Json),
    Column("organizations", Json),
    Column("created_on", String(19), nullable=False),
)

tokens = Table(
    "tokens",
    METADATA,
    _tenant(),
    Column("token_hash", String(64), primary_key=True),
    Column("client_id", String(36), nullable=False),
    Column("jti", String(32), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index("tokens_by_hash", "token_hash"),
    Index("tokens_by_expiry", "expires_at"),
)

counters = Table(
    "counters",
    METADATA,
    _tenant(),
    Column("name", String(40), primary_key=True),
    Column("value", BigInteger, nullable=False),
)

accounting_periods = Table(
    "accounting_periods",
    METADATA,
    _tenant(),
    Column("id", String(32), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("start_date", String(10), nullable=False),
    Column("end_date", String(10)),
    Column("fiscal_year", Integer),
    Column("fiscal_quarter", Integer),
    Column("notes", Text),
    Column("status", String(12), nullable=False),
    *_stamps(),
    UniqueConstraint("tenant_id", "name"),
)

accounting_codes = Table(
    "accounting_codes",
    METADATA,
    _tenant(),
    Column("id", String(32), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("type", String(40), nullable=False),
    Column("status", String(8), nullable=False),
    Column("gl_account_name", String(255)),
    Column("gl_account_number", String(255)),
    Column("notes", Text),
    Column("custom_fields", Json, nullable=False),
    *_stamps(),
    UniqueConstraint("tenant_id", "name", "type"),
)

journal_runs = Table(
    "journal_runs",
    METADATA,
    _tenant(),
    Column("id", String(32), primary_key=True),
    Column("number", String(30), nullable=False),
    Column("status", String(20), nullable=False),
    Column("journal_entry_date", String(10), nullable=False),
    Column("target_start_date", String(10), nullable=False),
    Column("target_end_date", String(10), nullable=False),
    Column("transaction_types", Json, nullable=False),
    Column("segmentation_rule", String(100)),
    Column("aggregate_currency", Boolean, nullable=False),
    Column("executed_on", String(19)),
    # The names of those a run is for, None without Multi-Org.
    Column("organizations", Json),
    Column("deleted", Boolean, nullable=False),
    *_stamps(),
    UniqueConstraint("tenant_id", "number"),
)

journal_entries = Table(
    "journal_entries",
    METADATA,
    _tenant(),
    Column("id", String(32), primary_key=True),
    Column("number", String(30), nullable=False),
    Column("status", String(10), nullable=False),
    Column("accounting_period_id", String(32), nullable=False),
    Column("journal_run_id", String(32)),
    Column("run_position", Integer),
    Column("currency", String(3), nullable=False),
    Column("home_currency", String(3)),
    Column("aggregate_currency", Boolean, nullable=False),
    Column("journal_entry_date", String(10), nullable=False),
    Column("time_period_start", String(10)),
    Column("time_period_end", String(10)),
    Column("transaction_type", Text),
    Column("organization", String(100)),
    Column("notes", Text),
    Column("segments", Json, nullable=False),
    Column("transferred_to_accounting", String(10), nullable=False),
    Column("transfer_date_time", String(19)),
    Column("transferred_by", String(32)),
    Column("custom_fields", Json, nullable=False),
    Column("deleted", Boolean, nullable=False),
    *_stamps(),
    UniqueConstraint("tenant_id", "number"),
    Index("entries_by_period", "tenant_id", "accounting_period_id", "aggregate_currency"),
    Index("entries_by_run", "tenant_id", "journal_run_id", "run_position"),
)

journal_entry_items = Table(
    "journal_entry_items",
    METADATA,
    _tenant(),
    Column("id", String(32), primary_key=True),
    Column("journal_entry_id", String(32), nullable=False),
    Column("position", Integer, nullable=False),
    Column("accounting_code_id", String(32), nullable=False),
    Column("type", String(6), nullable=False),
    Column("amount", Amount, nullable=False),
    Column("home_currency_amount", Amount),
    Column("gl_string", Text),
    Column("notes", Text),
    Column("custom_fields", Json, nullable=False),
    UniqueConstraint("tenant_id", "journal_entry_id", "position"),
    Index("items_by_code", "tenant_id", "accounting_code_id"),
)

run_jobs = Table(
    "run_jobs",
    METADATA,
    _tenant(),
    Column("journal_run_id", String(32), primary_key=True),
    Column("position", BigInteger, nullable=False, unique=True),
    Column("work", String(10), nullable=False),
    Column("handled", Integer, nullable=False),
    Column("claim", String(32)),
    Column("claimed_until", BigInteger, nullable=False),
    Column("client_id", String(36), nullable=False),
    Column("user_id", String(32), nullable=False),
    Column("request_id", String(36), nullable=False),
    Column("idempotency_key", String(255)),
)

source_transactions = Table(
    "source_transactions",
    METADATA,
    _tenant(),
    Column("id", String(100), primary_key=True),
    Column("transaction_type", String(100), nullable=False),
    Column("transaction_date", String(10), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("amount", Amount, nullable=False),
    Column("home_currency", String(3)),
    Column("home_currency_amount", Amount),
    Column("debit_code_id", String(32), nullable=False),
    Column("credit_code_id", String(32), nullable=False),
    Column("segments", Json, nullable=False),
    Column("organization", String(100)),
    Column("journal_run_id", String(32)),
    Column("journal_entry_id", String(32)),
    Index(
        "transactions_by_group",
        "tenant_id",
        "journal_run_id",
        "journal_entry_id",
        "organization",
        "transaction_type",
        "debit_code_id",
        "credit_code_id",
        "segments",
        "currency",
    ),
)

replays = Table(
    "replays",
    METADATA,
    _tenant(),
    Column("key", String(255), primary_key=True),
    Column("method", String(10), nullable=False),
    Column("url", Text, nullable=False),
    Column("body_digest", String(64), nullable=False),
    Column("claim", String(32)),
    Column("claimed_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("status", Integer),
    Column("body", Text),
    Column("request_id", String(36)),
    Index("replays_by_expiry", "expires_at"),
)

audit_events = Table(
    "audit_events",
    METADATA,
    _tenant(),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("happened_on", String(19), nullable=False),
    Column("actor", String(36), nullable=False),
    Column("request_id", String(36), nullable=False),
    Column("idempotency_key", String(255)),
    Column("action", String(20), nullable=False),
    Column("object_type", String(40), nullable=False),
    Column("object_name", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)

UPGRADES = {
    1: (
        "ALTER TABLE journal_entries ADD COLUMN run_position INTEGER",
        "DROP INDEX entries_by_run",
        "CREATE INDEX entries_by_run ON journal_entries (tenant_id, journal_run_id, run_position)",
        (
            "CREATE TABLE source_transactions (tenant_id VARCHAR(36) NOT NULL, "
            "id VARCHAR(100) NOT NULL, transaction_type VARCHAR(100) NOT NULL, "
            "transaction_date VARCHAR(10) NOT NULL, currency VARCHAR(3) NOT NULL, "
            "amount TEXT NOT NULL, home_currency VARCHAR(3), home_currency_amount TEXT, "
            "debit_code_id VARCHAR(32) NOT NULL, credit_code_id VARCHAR(32) NOT NULL, "
            "segments TEXT NOT NULL, journal_run_id VARCHAR(32), journal_entry_id VARCHAR(32), "
            "PRIMARY KEY (tenant_id, id))"
        ),
    ),
    2: (
        "ALTER TABLE tenants ADD COLUMN entities TEXT",
        "ALTER TABLE tenants ADD COLUMN organizations TEXT",
        "ALTER TABLE clients ADD COLUMN entities TEXT",
        "ALTER TABLE clients ADD COLUMN organizations TEXT",
        "ALTER TABLE journal_entries ADD COLUMN organization VARCHAR(100)",
    ),
    3: (
        "ALTER TABLE journal_runs ADD COLUMN organizations TEXT",
        "ALTER TABLE source_transactions ADD COLUMN organization VARCHAR(100)",
        "DROP INDEX IF EXISTS transactions_by_group",
        (
            "CREATE INDEX transactions_by_group ON source_transactions (tenant_id, journal_run_id, "
            "journal_entry_id, organization, transaction_type, debit_code_id, credit_code_id, "
            "segments, currency)"
        ),
    ),
}
"""What brings a database from a version to the next; tables still missing are made at the end."""

# The database itself refuses to rewrite history, whoever asks through SQL.
for _verb in ("UPDATE", "DELETE"):
    event.listen(
        audit_events,
        "after_create",
        DDL(  # type: ignore[no-untyped-call]
            f"CREATE TRIGGER audit_events_no_{_verb.lower()} BEFORE {_verb} ON audit_events "
            "BEGIN SELECT RAISE(ABORT, 'audit events are append-only'); END"
        ).execute_if(dialect="sqlite"),
    )
