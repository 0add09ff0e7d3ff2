"""What an operation gets, and what a route says about it."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, RowMapping, Table, select, update

from ..auth.clients import Caller
from ..storage import audit
from ..storage.audit import AuditContext
from . import errors
from .pagination import MAX_PAGE_SIZE, requested_page


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request inside its transaction.

    Every query binds `tenant_id`. `body` is empty for operations without one; `url` is the
    request's own, without its query.
    """

    tx: Connection
    caller: Caller
    now: datetime
    request_id: str
    url: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Mapping[str, Any]
    idempotency_key: str | None

    @property
    def tenant_id(self) -> str:
        return self.caller.tenant_id

    @property
    def timestamp(self) -> str:
        """The time of the request: UTC, without a zone."""
        return timestamp(self.now)

    def made(self) -> dict[str, str]:
        """The columns of a new row that the caller creates now, with a new id."""
        return {
            "tenant_id": self.tenant_id,
            "id": uuid.uuid4().hex,
            "created_by": self.caller.user_id,
            "created_on": self.timestamp,
            **self.changed(),
        }

    def changed(self) -> dict[str, str]:
        """The columns of a row that the caller changes now."""
        return {"updated_by": self.caller.user_id, "updated_on": self.timestamp}

    def find(self, table: Table, what: str) -> RowMapping:
        """The row of this tenant with the id in the path. Raises Refusal if there is none."""
        key = self.path["id"]
        query = select(table).where(table.c.tenant_id == self.tenant_id, table.c.id == key)
        found = self.tx.execute(query).mappings().one_or_none()
        if found is None:
            raise errors.refusal(errors.NOT_FOUND, f"Cannot find {what} by key: {key[:40]!r}.")
        return found

    def page(
        self, table: Table, *order: Column[Any]
    ) -> tuple[Sequence[RowMapping], dict[str, str]]:
        """The rows of the requested page, and `nextPage` if there is one."""
        page = requested_page(self.query, default=MAX_PAGE_SIZE)
        query = select(table).where(table.c.tenant_id == self.tenant_id).order_by(*order)
        query = query.offset(page.offset).limit(page.size + 1)
        rows = self.tx.execute(query).mappings().all()
        return rows[: page.size], page.next_page(len(rows), self.url)

    def change(self, table: Table, row: RowMapping, values: Mapping[str, object]) -> None:
        """Set columns of a row, its last change included."""
        self.tx.execute(
            update(table)
            .where(table.c.tenant_id == self.tenant_id, table.c.id == row["id"])
            .values(**values, **self.changed())
        )

    def record(self, action: str, object_type: str, object_name: str, details: object) -> None:
        """Append an audit event in the name of the caller."""
        act = AuditContext(
            tenant_id=self.tenant_id,
            actor=self.caller.client_id,
            happened_on=self.timestamp,
            request_id=self.request_id,
            idempotency_key=self.idempotency_key,
        )
        audit.record(
            self.tx,
            act,
            action=action,
            object_type=object_type,
            object_name=object_name,
            details=details,
        )


Operation = Callable[[Call], Mapping[str, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation of the API: its path, permissions and body.

    `body` means that it takes a JSON object, `queues` that it leaves work for after the answer.
    `prepared` means that it reads by prepared selects, in one transaction with its caller.
    """

    method: str
    path: str
    operation: Operation
    resource: int
    permissions: tuple[str, ...]
    body: bool = False
    queues: bool = False
    prepared: bool = False

    @property
    def writes(self) -> bool:
        """Whether the operation needs a writing transaction."""
        return self.method != "GET"

    @property
    def error_resource(self) -> int:
        """Requests without a body are refused under the general resource (API facts 7.2)."""
        return self.resource if self.body else errors.GENERAL


def timestamp(moment: datetime) -> str:
    """A moment as text like `2026-01-31 22:05:12`."""
    return moment.strftime("%Y-%m-%d %H:%M:%S")
