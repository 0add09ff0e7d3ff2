"""The author of changes: what rows and audit events say about who changed them, and when."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, Table, update

from . import audit


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who changes a tenant's rows in a transaction. Rows name the user, events the client."""

    tx: Connection
    act: audit.AuditContext
    user_id: str

    @property
    def tenant_id(self) -> str:
        return self.act.tenant_id

    def made(self) -> dict[str, str]:
        """The columns of a new row that every table of changes has, with a new id."""
        return {
            "tenant_id": self.tenant_id,
            "id": uuid.uuid4().hex,
            "created_by": self.user_id,
            "created_on": self.act.happened_on,
            **self.changed(),
        }

    def changed(self) -> dict[str, str]:
        """The columns of a changed row."""
        return {"updated_by": self.user_id, "updated_on": self.act.happened_on}

    def change(self, table: Table, row: RowMapping, values: Mapping[str, object]) -> None:
        """Set columns of a row, its last change included."""
        self.tx.execute(
            update(table)
            .where(table.c.tenant_id == self.tenant_id, table.c.id == row["id"])
            .values(**values, **self.changed())
        )

    def record(self, action: str, object_type: str, object_name: str, details: object) -> None:
        """Append an audit event."""
        audit.record(self.tx, self.act, action, object_type, object_name, details)
