"""`reconciler ledger …`: serves the embedded ledger, and administers what is in its database."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from reconciler.cli.main import VerbGroup
from reconciler.cli.options import (
    EXISTING_FILE,
    HELP,
    flag_option,
    format_option,
    json_option,
    together,
)
from reconciler.cli.streams import write_line
from reconciler.cli.terminal import out, out_json, out_text
from reconciler.core.model.finding import counted
from reconciler.errors import ReconcilerError, UsageError
from reconciler.ledger import Ledger, LedgerUnusable, Limits, open_ledger
from reconciler.ledger.auth.permissions import UnknownPermission, checked
from reconciler.ledger.connections import ConnectionLimits
from reconciler.ledger.serve import serve as run_server
from reconciler.ledger.web.headers import is_loopback
from reconciler.render.styled_text import line

_Value = TypeVar("_Value")
_Command = TypeVar("_Command", bound=Callable[..., Any])
_DATABASE = click.option(
    "--database",
    required=True,
    metavar="URL",
    help="The ledger's database. A SQLite file, sqlite:////srv/ledger.db, is created if "
    "it is missing. A PostgreSQL database, postgresql://user@host/database, must "
    "exist; keep its password in PGPASSWORD or ~/.pgpass, not in the URL.",
)


_REFERENCE = click.option(
    "--reference",
    type=EXISTING_FILE,
    help="A Reference document with codes, periods and currencies. "
    "A new database without one gets that of the example books.",
)
_TENANT = together(
    _DATABASE,
    _REFERENCE,
    click.option(
        "--entity",
        metavar="NAME",
        help="The entity of a Multi-entity tenant, by name or id. Default: the first entity.",
    ),
)


def _permissions(
    ctx: click.Context, param: click.Parameter, names: tuple[str, ...]
) -> tuple[str, ...]:
    """Refuse an unknown permission before a database is made."""
    try:
        return checked(names)
    except UnknownPermission as error:
        raise click.BadParameter(str(error)) from error


def _limit(flag: str, text: str, *, default: int | None = None) -> Callable[[_Command], _Command]:
    """An option with a limit of requests."""
    without = "" if default else " Default: no limit."
    return click.option(
        flag,
        type=click.IntRange(min=1),
        default=default,
        show_default=True,
        metavar="NUMBER",
        help=text + without,
    )


@click.group(cls=VerbGroup, context_settings=HELP)
def ledger() -> None:
    """Serve the embedded ledger, and administer its clients, transactions and periods."""


@ledger.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8021,
    show_default=True,
    help="The port to listen on; 0 takes a free one.",
)
@_DATABASE
@_REFERENCE
@flag_option(
    "--allow-remote",
    text="Listen on an address that other machines can reach. There is no TLS: put a "
    "proxy in front.",
)
@click.option(
    "--connection-timeout",
    type=click.IntRange(1, 86_400),
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="Close a connection that takes longer to send a request, to receive an answer, or from "
    "one request to the next.",
)
@click.option(
    "--connections-per-address",
    type=click.IntRange(1, 800),
    default=200,
    show_default=True,
    metavar="NUMBER",
    help="With more, the connection is closed that is idle for the longest time.",
)
@_limit("--requests-per-minute", "Answer 429 to a tenant's further requests in the same minute.")
@_limit("--requests-per-hour", "The same for an hour.")
@_limit("--requests-per-day", "The same for a day.")
@_limit("--concurrency", "Answer 429 to an entity's requests beyond NUMBER concurrent ones.")
@_limit(
    "--token-requests-per-minute",
    "Answer 429 to further token requests of an address in the same minute.",
    default=2000,
)
@click.option(
    "--token-lifetime",
    type=click.IntRange(1, 31_536_000),
    default=3600,
    show_default=True,
    metavar="SECONDS",
    help="How long a token is valid.",
)
@click.option(
    "--idempotency",
    type=click.Choice(["strict", "lenient"]),
    default="strict",
    show_default=True,
    help="What answers an Idempotency-Key that comes again with another body: 422 (strict), or "
    "the first answer (lenient). The vendor's documents do not say.",
)
@click.option(
    "--query-lag",
    type=click.IntRange(0, 31_536_000),
    default=0,
    show_default=True,
    metavar="SECONDS",
    help="Let a Data Query see entries and runs with this delay, as in production.",
)
def serve(
    *,
    host: str,
    port: int,
    database: str,
    reference: Path | None,
    allow_remote: bool,
    connection_timeout: int,
    connections_per_address: int,
    query_lag: int,
    token_lifetime: int,
    idempotency: str,
    **limits: int | None,
) -> None:
    """Serve the ledger in the foreground until SIGTERM or Ctrl-C."""
    if not allow_remote and not is_loopback(host):
        raise UsageError(
            f"{host} can be reached from other machines, and the ledger speaks plain HTTP",
            remedy="Omit --host. Or add --allow-remote if a proxy with TLS is in front.",
        )
    with _opened(database, reference) as opened:
        run_server(
            opened,
            host=host,
            port=port,
            ready=lambda url: write_line(f"Ledger ready at {url}", to_stderr=True),
            connections=ConnectionLimits(
                timeout=connection_timeout, per_address=connections_per_address
            ),
            limits=Limits(**limits),
            query_lag=query_lag,
            token_lifetime=token_lifetime,
            strict_idempotency=idempotency == "strict",
        )


@ledger.command("create-client")
@_DATABASE
@click.option("--name", required=True, help="What the client is for; shown in the audit chain.")
@click.option(
    "--permission",
    "permissions",
    multiple=True,
    callback=_permissions,
    metavar="NAME",
    help="A permission by the vendor's name. Repeatable. Default: the standard finance "
    "role with period administration.",
)
@click.option(
    "--entity",
    "entities",
    multiple=True,
    metavar="NAME",
    help="An entity of a Multi-entity tenant, by name or id. Repeatable. Default: all entities.",
)
@click.option(
    "--organization",
    "organizations",
    multiple=True,
    metavar="NAME",
    help="An organization of a Multi-Org tenant, by name or id. Repeatable. Default: "
    "all organizations.",
)
@click.option(
    "--token-lifetime",
    "expires_in",
    type=click.IntRange(1, 31_536_000),
    metavar="SECONDS",
    help="How long a token of this client is valid. Default: as the server says.",
)
@format_option("text", "json")
def create_client(
    *, database: str, name: str, expires_in: int | None, style: str, **scopes: Any
) -> None:
    """Create an OAuth client and print its id and secret, which are shown only once."""
    # The first `serve` chooses the reference; a client needs none.
    chosen = {what: names or None for what, names in scopes.items()}

    def made(opened: Ledger) -> tuple[str, str]:
        return opened.issue_client(name, expires_in=expires_in, **chosen)

    with _opened(database, built_in=False, act=made) as opened:
        client_id, secret = made(opened)
    if style == "json":
        # The credentials alone, since they are kept in a file or sent as they are.
        out_text(json.dumps({"client_id": client_id, "client_secret": secret}) + "\n")
    else:
        out([line(f"client_id      {client_id}"), line(f"client_secret  {secret}")])


@ledger.command("load-transactions")
@_TENANT
@click.argument("file", type=EXISTING_FILE)
@json_option
def load_transactions(*, file: Path, **where: Any) -> None:
    """Load the source transactions that journal runs summarise: all of FILE, or nothing.

    FILE is CSV, YAML or JSON lines, by its ending (.csv, .yaml, .yml, .jsonl, .ndjson), with the
    fields id, transactionType, transactionDate, currency, amount, homeCurrencyAmount,
    debitAccountingCodeName, creditAccountingCodeName, debitAccountingCodeType,
    creditAccountingCodeType and segments (in CSV a column segments.NAME for each), and in a
    Multi-Org tenant organizationName. Transactions that are already loaded are skipped, so the same
    file can be loaded again.
    """
    loaded = _done_in_tenant(
        lambda ledger, tenant: ledger.load_transactions(file, tenant_id=tenant), **where
    )
    out_json({"added": loaded.added, "known": loaded.known})
    out([line(f"Loaded {loaded.added} transactions; {loaded.known} were already there.")])


@ledger.command("close-period")
@_TENANT
@flag_option(
    "--pending",
    text="Set it to pending close: only clients that manage the close process can post in it.",
)
@click.argument("name")
@json_option
def close_period(*, pending: bool, name: str, **where: Any) -> None:
    """Close the accounting period NAME. All earlier periods must be closed."""
    change = "pending-close" if pending else "close"
    _done_in_tenant(
        lambda ledger, tenant: ledger.change_period(name, change, tenant_id=tenant), **where
    )
    out_json({"period": name, "status": "PendingClose" if pending else "Closed"})
    out([line(f"The accounting period {name} is {'pending close' if pending else 'closed'}.")])


@ledger.command("reopen-period")
@_TENANT
@click.argument("name")
@json_option
def reopen_period(*, name: str, **where: Any) -> None:
    """Reopen the accounting period NAME. The next period must be open."""
    _done_in_tenant(
        lambda ledger, tenant: ledger.change_period(name, "reopen", tenant_id=tenant), **where
    )
    out_json({"period": name, "status": "Open"})
    out([line(f"The accounting period {name} is open.")])


@ledger.command()
@_DATABASE
@json_option
def verify(database: str) -> None:
    """Verify the audit chain: no recorded change was altered, removed or inserted."""
    with _opened(database, built_in=False, act=Ledger.audited) as opened:
        count, broken = opened.audited(), opened.broken_audit()
    if broken is not None:
        raise ReconcilerError(
            f"the audit chain is broken at event {broken}",
            remedy="Restore the database from a backup.",
        )
    out_json({"intact": True, "events": count})
    out([line(f"The audit chain is intact: {counted(count, 'event')}.")])


def _done_in_tenant(
    act: Callable[[Ledger, str | None], _Value],
    *,
    database: str,
    reference: Path | None,
    entity: str | None,
) -> _Value:
    """What an act on the ledger of a tenant, or of the first one, returns."""

    def done(opened: Ledger) -> _Value:
        return act(opened, None if entity is None else opened.tenant_of(entity))

    with _opened(database, reference, act=done) as opened:
        return done(opened)


@contextmanager
def _opened(
    database: str,
    reference: Path | None = None,
    *,
    built_in: bool = True,
    act: Callable[[Ledger], object] = lambda ledger: None,
) -> Iterator[Ledger]:
    """The open ledger. What makes it unusable is one line for the user.

    A new one is created only if it takes the `act`.
    """
    try:
        with open_ledger(database, reference, built_in=built_in, first=act) as opened:
            yield opened
    except LedgerUnusable as error:
        remedy = error.remedy or "Correct the option or the file that the message names."
        raise ReconcilerError(str(error), remedy=remedy) from error
