"""The entities and organizations of a tenant, and which of them a client may enter."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from ..errors import LedgerUnusable
from ..storage.tables import tenants


def entity_tenant_ids(tx: Connection, tenant_id: str, names: Iterable[str]) -> list[str]:
    """The tenant ids of entities, by name or id. Raises LedgerUnusable."""
    return [unit["tenant_id"] for unit in _named(tx, tenant_id, "entities", "entity", names)]


def organization_ids(tx: Connection, tenant_id: str, names: Iterable[str]) -> list[str]:
    """The ids of organizations, by name or id. Raises LedgerUnusable."""
    return [unit["id"] for unit in _named(tx, tenant_id, "organizations", "organization", names)]


def organization_names(tx: Connection, tenant_id: str) -> frozenset[str]:
    """The names of all organizations; empty without Multi-Org."""
    return frozenset(unit["name"] for unit in _units(tx, tenant_id, "organizations"))


def all_tenant_ids(tx: Connection, tenant_id: str) -> list[str]:
    """The tenant ids of all entities of a tenant, its own included."""
    return [unit["tenant_id"] for unit in _units(tx, tenant_id, "entities")] or [tenant_id]


def entities_of(row: RowMapping) -> Mapping[str, str]:
    """The entities a client may use: id to tenant id.

    `row` has the columns `spanned` of the client and `entities` of its tenant. Empty if the tenant
    has a single entity, so that no caller has to choose.
    """
    entities = row["entities"] or []
    if len(entities) < 2:
        return {}
    spanned = row["spanned"]
    return {
        unit["id"]: unit["tenant_id"]
        for unit in entities
        if spanned is None or unit["tenant_id"] in spanned
    }


def organizations_of(row: RowMapping) -> Mapping[str, str] | None:
    """The organizations of a client, id to name; None where the tenant is not Multi-Org.

    `row` has the columns `accessible` of the client and `organizations` of its tenant.
    """
    if not row["organizations"]:
        return None
    accessible = row["accessible"]
    return {
        unit["id"]: unit["name"]
        for unit in row["organizations"]
        if accessible is None or unit["id"] in accessible
    }


def _named(
    tx: Connection, tenant_id: str, column: str, word: str, names: Iterable[str]
) -> list[dict[str, str]]:
    units = _units(tx, tenant_id, column)
    wanted = tuple(names)
    if not wanted:
        raise LedgerUnusable(f"a limited client needs at least one {word}")
    found = []
    for name in wanted:
        unit = next((unit for unit in units if name in (unit["id"], unit["name"])), None)
        if unit is None:
            known = ", ".join(unit["name"] for unit in units) or "none"
            raise LedgerUnusable(
                f"there is no {word} {name!r}; the ledger's reference declares: {known}"
            )
        found.append(unit)
    return found


def _units(tx: Connection, tenant_id: str, column: str) -> list[Any]:
    query = select(tenants.c[column]).where(tenants.c.tenant_id == tenant_id)
    return tx.execute(query).scalar_one() or []
