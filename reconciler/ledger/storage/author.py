"""The author of changes: what rows and audit events say about who changed them, and when."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, Table, update

from . import audit


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who changes a tenant's rows: the user in rows, the client or `ledger` itself in events."""

    tx: Connection
    tenant_id: str
    client_id: str
    user_id: str
    happened_on: str
    request_id: str = ""
    idempotency_key: str | None = None

    def made(self) -> dict[str, str]:
        """The columns of a new row that every table of changes has, with a new id."""
        return {
            "tenant_id": self.tenant_id,
            "id": uuid.uuid4().hex,
            "created_by": self.user_id,
            "created_on": self.happened_on,
            **self.changed(),
        }

    def changed(self) -> dict[str, str]:
        return {"updated_by": self.user_id, "updated_on": self.happened_on}

    def change(self, table: Table, row: RowMapping, values: Mapping[str, object]) -> None:
        """Set columns of a row, its last change included."""
        self.tx.execute(
            update(table)
            .where(table.c.tenant_id == self.tenant_id, table.c.id == row["id"])
            .values(**values, **self.changed())
        )

    def record(self, action: str, object_type: str, object_name: str, details: object) -> None:
        audit.append(
            self.tx,
            self.tenant_id,
            details,
            happened_on=self.happened_on,
            actor=self.client_id,
            request_id=self.request_id,
            idempotency_key=self.idempotency_key,
            action=action,
            object_type=object_type,
            object_name=object_name,
        )
