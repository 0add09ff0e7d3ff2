"""Access to the pages: the viewer, with the visible entities and organizations."""

from collections.abc import Mapping
from dataclasses import dataclass

import falcon
from sqlalchemy import ColumnElement, Connection, RowMapping, select

from ..auth.clients import caller_of_session
from ..storage.tables import clients, journal_entries, tenants
from ..web.endpoint import Services
from ..web.headers import is_loopback

COOKIE = "ledger_session"
_FORWARDED = (
    *("Forwarded", "Via", "X-Real-IP"),
    *("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """An entity that the pages show. Its rows are stored under `tenant_id`."""

    id: str
    name: str
    tenant_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """A viewer. `client` is the name of the client that signed in; None without a login.

    `entities` are those the viewer may see, in the tenant's order. `organizations` limit the
    visible entries, by name; None means all.
    """

    tenant_id: str
    client: str | None
    entities: tuple[Entity, ...]
    organizations: frozenset[str] | None

    def entry_filter(self) -> tuple[ColumnElement[bool], ...]:
        """The condition on entries that are visible to the viewer."""
        if self.organizations is None:
            return ()
        organization = journal_entries.c.organization
        return (organization.is_(None) | organization.in_(sorted(self.organizations)),)


def is_open(services: Services, request: falcon.Request) -> bool:
    """Whether no login is required: the request cannot come from another machine.

    That is so if only loopback host names are answered, which prevents DNS rebinding, the caller's
    address is a loopback one, and no header shows a proxy.
    """
    hosts = services.allowed_hosts
    return (
        bool(hosts)
        and all(is_loopback(host) for host in hosts or ())
        and is_loopback(request.remote_addr)
        and not any(request.get_header(name) for name in _FORWARDED)
    )


def viewer_of(
    tx: Connection, services: Services, request: falcon.Request, *, tenant_id: str
) -> Viewer | None:
    """The viewer; None if a login is required. Without a login they see `tenant_id`."""
    if is_open(services, request):
        return Viewer(
            tenant_id=tenant_id,
            client=None,
            entities=_entities(tx, tenant_id, None),
            organizations=None,
        )
    text = request.cookies.get(COOKIE)
    if not text:
        return None
    caller = caller_of_session(tx, text, now=int(request.context.now.timestamp()))
    if caller is None:
        return None
    return Viewer(
        tenant_id=caller.owner_id,
        client=tx.execute(
            select(clients.c.name).where(clients.c.id == caller.client_id)
        ).scalar_one(),
        entities=_entities(tx, caller.owner_id, caller.entities),
        organizations=caller.organization_names,
    )


def users_of(tx: Connection, tenant_id: str) -> list[RowMapping]:
    """The clients of a tenant, with the ids in entries and events."""
    row = clients.c
    query = select(row.id, row.user_id, row.name).where(row.tenant_id == tenant_id)
    return list(tx.execute(query).mappings())


def _entities(
    tx: Connection, tenant_id: str, spanned: Mapping[str, str] | None
) -> tuple[Entity, ...]:
    row = tenants.c
    query = select(row.entity_id, row.entities).where(row.tenant_id == tenant_id)
    tenant = tx.execute(query).one()
    if not tenant.entities:
        return (Entity(id=tenant.entity_id, name="", tenant_id=tenant_id),)
    return tuple(
        Entity(**unit)
        for unit in tenant.entities
        if spanned is None or len(tenant.entities) == 1 or unit["id"] in spanned
    )
