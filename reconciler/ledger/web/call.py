"""What an operation gets, and what a route says about it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, RowMapping, Table, select

from ..auth.clients import Caller
from ..storage.author import Author
from . import errors
from .pagination import MAX_PAGE_SIZE, requested_page


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request inside its transaction, and the author of what it changes.

    Every query binds `tenant_id`. `body` is empty for operations without one; `url` is the
    request's own, without its query.
    """

    author: Author
    caller: Caller
    path: Mapping[str, str]
    url: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def tx(self) -> Connection:
        return self.author.tx

    @property
    def tenant_id(self) -> str:
        return self.caller.tenant_id

    def find(self, table: Table) -> RowMapping:
        """The row of this tenant with the id in the path. Raises Refusal if there is none."""
        key = self.path["id"]
        query = select(table).where(table.c.tenant_id == self.tenant_id, table.c.id == key)
        found = self.tx.execute(query).mappings().one_or_none()
        if found is None:
            what = table.name.replace("_", " ").removesuffix("s")
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
