"""A ledger: an open database with its tenant, its clients and its audit chain."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError

from .auth import clients
from .auth.clients import Caller
from .auth.organizations import all_tenant_ids, entity_tenant_ids, organization_ids
from .auth.permissions import Permission, checked
from .errors import LedgerUnusable
from .journals.snapshot import Document, load_snapshot
from .reference_data import document
from .reference_data.accounting_periods import CHANGES_BY_NAME as PERIOD_CHANGES
from .reference_data.accounting_periods import period_id
from .reference_data.seed import add_tenant, seed, seeded_with
from .runs.worker import Worker
from .storage import audit
from .storage.author import Author
from .storage.store import Contention, Store, cause_of, is_new, open_memory, open_store
from .storage.tables import tenants
from .web.call import Call, timestamp
from .web.errors import Refusal

if TYPE_CHECKING:
    from .transactions.loader import Loaded

ACTOR = "ledger"
"""The actor of audit events that no client caused."""


class Ledger:
    """An open ledger. Threads may share it, and several processes may open the same database."""

    def __init__(self, store: Store, tenant_id: str) -> None:
        self.store = store
        self.tenant_id = tenant_id
        """The first tenant of the database, under a random id."""

    def issue_client(  # noqa: PLR0913 - keywords, each with a default
        self,
        name: str,
        permissions: Iterable[str] | None = None,
        expires_in: int | None = None,
        *,
        tenant_id: str | None = None,
        entities: Iterable[str] | None = None,
        organizations: Iterable[str] | None = None,
    ) -> tuple[str, str]:
        """A new OAuth client: its id (36 characters) and its secret (42), which is shown only once.

        `permissions` are those of auth.permissions; None grants the standard finance
        role with period administration. Raises UnknownPermission. `expires_in` is the lifetime of
        the client's tokens in seconds; None means that of the app. `entities` and `organizations`
        limit the client to these, by name or id; None means all. Raises LedgerUnusable if one is
        unknown or the database cannot be written.
        """
        held = checked(permissions)
        with self._writing(tenant_id) as author:
            units = author.tx, author.tenant_id
            limited: dict[str, list[str]] = {}
            if entities is not None:
                limited["entities"] = entity_tenant_ids(*units, entities)
            if organizations is not None:
                limited["organizations"] = organization_ids(*units, organizations)
            issued = clients.issue_client(
                author.tx,
                tenant_id=author.tenant_id,
                name=name,
                permissions=held,
                token_lifetime=expires_in,
                created_on=author.happened_on,
                **limited,
            )
            details = {"name": name, "permissions": held, **limited}
            author.record("create", "Client", issued[0], details)
        return issued

    def add_tenant(self, reference: Mapping[str, Any] | Path) -> str:
        """Another tenant in the same database, with its own reference data; returns its id."""
        with _unusable(), self.store.writing() as tx:
            tenant_id = add_tenant(tx, created_on=_now())
            seed(_operator(tx, tenant_id), reference)
        return tenant_id

    def tenant_of(self, entity: str) -> str:
        """The tenant id that an entity's rows are stored under. Raises LedgerUnusable."""
        with self.store.reading() as tx:
            return entity_tenant_ids(tx, self.tenant_id, [entity])[0]

    def load_transactions(self, path: Path, *, tenant_id: str | None = None) -> "Loaded":
        """Load the source transactions of a CSV, YAML or JSON lines file: all of them or none.

        Transactions that were loaded before with the same content are skipped. Raises
        LedgerUnusable with the number of a wrong line, or if the database cannot be written. Other
        writers wait until the file is loaded.
        """
        from .transactions.loader import load_transactions  # noqa: PLC0415 - few load any

        with self._writing(tenant_id, alone=True) as author:
            return load_transactions(author, path)

    def load_snapshot(self, entries: Iterable[Document], runs: Iterable[Document]) -> None:
        """Store entries and runs of another ledger, with their numbers. Raises LedgerUnusable."""
        with self._writing(alone=True) as author:
            load_snapshot(author, entries, runs)

    def change_period(self, name: str, change: str, *, tenant_id: str | None = None) -> None:
        """Change a period by the rules of the API, without permission. Raises LedgerUnusable."""
        with self._writing(tenant_id) as author:
            try:
                key = period_id(author.tx, author.tenant_id, name)
                PERIOD_CHANGES[change](
                    Call(author=author, caller=_caller(author), path={"id": key})
                )
            except Refusal as refused:
                remedy = "Name another period, or change the periods before or after it first."
                raise LedgerUnusable(str(refused), remedy=remedy) from None

    def work(self, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Execute everything that is queued for journal runs, unless another worker does."""
        Worker(self.store, clock=clock).work()

    def broken_audit(self) -> int | None:
        """The sequence of the first audit event that breaks its chain; None if there is none."""
        with self.store.reading() as tx:
            found = (audit.verify(tx, books) for books in all_tenant_ids(tx, self.tenant_id))
            return next((sequence for sequence in found if sequence is not None), None)

    def audited(self) -> int:
        """How many events `broken_audit` verifies. Raises LedgerUnusable if there is none."""
        with self.store.reading() as tx:
            count = sum(audit.count(tx, books) for books in all_tenant_ids(tx, self.tenant_id))
        if not count:
            raise LedgerUnusable(
                "the database records no change of a ledger, so there is nothing to verify",
                remedy="Name the database that `reconciler ledger serve` uses.",
            )
        return count

    def close(self) -> None:
        self.store.close()

    @contextmanager
    def _writing(self, tenant_id: str | None = None, *, alone: bool = False) -> Iterator[Author]:
        """Write in the ledger's own name. Raises LedgerUnusable."""
        with _unusable(), self.store.writing(alone=alone) as tx:
            yield _operator(tx, tenant_id or self.tenant_id)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_ledger(
    database_url: str,
    reference: Mapping[str, Any] | Path | None = None,
    *,
    built_in: bool = True,
    first: Callable[[Ledger], object] | None = None,
) -> Ledger:
    """Open the ledger in a database; create file, tables and tenant if they are missing.

    The URL names a file, sqlite:////absolute/path.db, or an existing PostgreSQL database,
    postgresql://user@host/database. Several processes may serve either.

    `reference` is a Reference document, a file or a mapping. It is read only if it differs from the
    one that was seeded last. Without one, a database that was never seeded gets the built-in
    reference, unless `built_in` is false. If the database holds no ledger yet, nothing is created
    unless an empty ledger in memory takes `first`. Raises LedgerUnusable.
    """
    if first is not None and is_new(database_url):
        with open_in_memory(reference, built_in=built_in) as empty:
            first(empty)
    store = open_store(database_url)
    try:
        return _opened(store, reference, built_in=built_in)
    except BaseException:
        store.close()
        raise


def open_in_memory(reference: Mapping[str, Any] | Path | None, *, built_in: bool = False) -> Ledger:
    """A new ledger in memory, for one thread at a time. Raises LedgerUnusable."""
    return _opened(open_memory(), reference, built_in=built_in)


def _opened(store: Store, reference: Mapping[str, Any] | Path | None, *, built_in: bool) -> Ledger:
    first = select(tenants.c.tenant_id).order_by(tenants.c.position).limit(1)
    with store.reading() as tx:
        tenant_id = tx.execute(first).scalar_one_or_none()
        digest = None if tenant_id is None else seeded_with(tx, tenant_id)
    if reference is None and digest is None and built_in:
        reference = document.built_in()
    changed = reference is not None and document.digest_of(reference) != digest
    if tenant_id is None or changed:
        with _unusable(), store.writing(alone=True) as tx:
            # Another process may have been first.
            tenant_id = tx.execute(first).scalar_one_or_none() or add_tenant(tx, created_on=_now())
            if reference is not None:
                seed(_operator(tx, tenant_id), reference)
    return Ledger(store, tenant_id)


@contextmanager
def _unusable() -> Iterator[None]:
    """Turn errors of the database into messages for the user."""
    try:
        yield
    except Contention as error:
        raise LedgerUnusable(str(error), remedy="Try again later.") from error
    except SQLAlchemyError as error:
        raise LedgerUnusable(f"the database: {cause_of(error)}") from error


def _operator(tx: Connection, tenant_id: str) -> Author:
    """The ledger itself as the author of changes."""
    return Author(tx=tx, tenant_id=tenant_id, client_id=ACTOR, user_id=ACTOR, happened_on=_now())


def _caller(author: Author) -> Caller:
    """The ledger itself as a caller that needs no permission."""
    return Caller(
        tenant_id=author.tenant_id,
        owner_id=author.tenant_id,
        client_id=ACTOR,
        user_id=ACTOR,
        permissions=frozenset(Permission),
    )


def _now() -> str:
    return timestamp(datetime.now(UTC))
