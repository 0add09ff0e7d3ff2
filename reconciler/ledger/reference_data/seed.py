"""Create tenants, and update them when the reference changes."""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, func, select, update

from ..storage.author import Author
from ..storage.tables import accounting_codes, accounting_periods, tenants
from . import document


def add_tenant(tx: Connection, *, created_on: str, entity_id: str | None = None) -> str:
    """A new tenant under a random id, with no reference data yet."""
    tenant_id = str(uuid.uuid4())
    count = tx.execute(select(func.count()).select_from(tenants)).scalar_one()
    tx.execute(
        tenants.insert().values(
            tenant_id=tenant_id,
            position=count + 1,
            entity_id=entity_id or str(uuid.uuid4()),
            created_on=created_on,
            aggregate_currency=False,
            currencies={},
            segments=[],
            custom_fields={},
        )
    )
    return tenant_id


def seeded_with(tx: Connection, tenant_id: str) -> str | None:
    digest: str | None = tx.execute(
        select(tenants.c.reference_digest).where(tenants.c.tenant_id == tenant_id)
    ).scalar_one()
    return digest


def seed(author: Author, reference: Mapping[str, Any] | Path) -> None:
    """Make the tenant's settings, periods and codes as declared, once per content.

    A period that is declared Closed is closed, and one declared Open is opened. What is no longer
    declared remains, because entries refer to it, but takes no new one: a period is closed, a code
    inactive.
    """
    digest = document.digest_of(reference)
    if seeded_with(author.tx, author.tenant_id) == digest:
        return
    loaded = document.load(reference)
    for tenant_id in _entity_tenant_ids(author, loaded.entities):
        of_entity = replace(author, tenant_id=tenant_id)
        _seed(of_entity, loaded, digest)


def _entity_tenant_ids(author: Author, entities: list[document.Row]) -> list[str]:
    """The tenant ids to seed: the tenant's, and those of its further entities.

    The first declared entity takes over the existing rows of the tenant. An entity that is no
    longer declared remains, as all seeded data does.
    """
    row, tx = tenants.c, author.tx
    mine = row.tenant_id == author.tenant_id
    known: list[dict[str, str]] = tx.execute(select(row.entities).where(mine)).scalar_one() or []
    tenant_ids = {entity["id"]: entity["tenant_id"] for entity in known}
    names = {entity["id"]: entity["name"] for entity in known}
    for entity in entities:
        key = entity["id"]
        names[key] = entity["name"]
        if not tenant_ids:
            tx.execute(update(tenants).where(mine).values(entity_id=key))
            tenant_ids[key] = author.tenant_id
        elif key not in tenant_ids:
            tenant_ids[key] = add_tenant(tx, created_on=author.happened_on, entity_id=key)
    if tenant_ids:
        listed = [
            {"id": key, "name": names[key], "tenant_id": tenant_ids[key]} for key in tenant_ids
        ]
        tx.execute(update(tenants).where(mine).values(entities=listed))
    return list(tenant_ids.values()) or [author.tenant_id]


def _seed(author: Author, loaded: document.Reference, digest: str) -> None:
    author.tx.execute(
        update(tenants)
        .where(tenants.c.tenant_id == author.tenant_id)
        .values(reference_digest=digest, **loaded.settings, custom_fields=_fields(author, loaded))
    )
    codes = [{**code, "custom_fields": {}} for code in loaded.codes]
    changed = {
        "accountingPeriods": _follow(
            author, accounting_periods, ("name",), loaded.periods, "Closed"
        ),
        "accountingCodes": _follow(author, accounting_codes, ("name", "type"), codes, "Inactive"),
    }
    author.record("seed", "Reference", digest, changed)


def _fields(author: Author, loaded: document.Reference) -> dict[str, Any]:
    """The declared custom fields, and those that entries may have values in from earlier."""
    known = select(tenants.c.custom_fields).where(tenants.c.tenant_id == author.tenant_id)
    fields: dict[str, Any] = author.tx.execute(known).scalar_one()
    for kind, names in loaded.custom_fields.items():
        fields = {**fields, kind: {**fields.get(kind, {}), **names}}
    return fields


def _follow(
    author: Author, table: Table, key: tuple[str, ...], rows: list[Any], ended: str
) -> list[str]:
    """Insert new rows, update those that differ, and end those not declared; returns all names."""
    mine = table.c.tenant_id == author.tenant_id
    stored = author.tx.execute(select(table).where(mine)).mappings()
    known = {tuple(row[name] for name in key): row for row in stored}
    wanted: dict[tuple[str, ...], Any] = {at: {"status": ended} for at in known}
    wanted |= {tuple(row[name] for name in key): row for row in rows}
    missing, changed = [], []
    for at, row in wanted.items():
        # Custom fields of a code are not declared.
        values = {name: value for name, value in row.items() if name != "custom_fields"}
        if at not in known:
            missing.append({**row, **author.made()})
        elif any(known[at][name] != value for name, value in values.items()):
            changed.append((known[at], values))
    if missing:
        author.tx.execute(table.insert(), missing)
    for old, values in changed:
        author.change(table, old, values)
    return [row["name"] for row in (*missing, *(old for old, _ in changed))]
