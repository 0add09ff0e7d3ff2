"""A call: what an operation is given, and what a route says about it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from ..auth.clients import Caller
from ..storage.audit import Act
from . import errors


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
    def stamp(self) -> str:
        """The server's clock as stored and answered: UTC, without a zone."""
        return stamp(self.now)

    @property
    def act(self) -> Act:
        return Act(
            tenant_id=self.tenant_id,
            actor=self.caller.client_id,
            happened_on=self.stamp,
            request_id=self.request_id,
            idempotency_key=self.idempotency_key,
        )


Operation = Callable[[Call], Mapping[str, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation of the API: where it is, who may call it, what it takes.

    `writes` runs it in a writing transaction; `body` says that it takes a JSON object; `queues`
    says that it leaves work to be done after the answer.
    """

    method: str
    path: str
    operation: Operation
    resource: int
    writes: bool = False
    body: bool = False
    queues: bool = False
    permissions: tuple[str, ...] = ()

    @property
    def error_resource(self) -> int:
        """Requests without a body are refused under the general resource (API facts 7.2)."""
        return self.resource if self.body else errors.GENERAL


def stamp(moment: datetime) -> str:
    """A moment as text like `2026-01-31 22:05:12`."""
    return moment.strftime("%Y-%m-%d %H:%M:%S")
