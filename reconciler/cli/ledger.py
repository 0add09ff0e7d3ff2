"""`reconciler ledger …`: serves the embedded ledger, creates its clients, loads transactions."""

import json
from pathlib import Path
from typing import Any

import click

from reconciler.cli.options import HELP
from reconciler.ledger import LedgerUnusable, Limits, open_ledger
from reconciler.ledger.auth.permissions import UnknownPermission
from reconciler.ledger.serve import is_loopback
from reconciler.ledger.serve import serve as run_server

_DATABASE = click.option(
    "--database",
    required=True,
    metavar="URL",
    help="The ledger's database. A SQLite file, sqlite:////srv/ledger.db, is created if "
    "it is missing. A PostgreSQL database, postgresql://user@host/database, must "
    "exist; keep its password in PGPASSWORD or ~/.pgpass, not in the URL.",
)


@click.group(context_settings=HELP)
def ledger() -> None:
    """Serve the embedded ledger, create clients for it, load transactions for journal runs."""


@ledger.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    default=8021,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="The port to listen on; 0 takes a free one.",
)
@_DATABASE
@click.option(
    "--reference",
    type=click.Path(path_type=Path),
    help="A Reference document with codes, periods and currencies. "
    "A new database without one gets that of the example books.",
)
@click.option(
    "--allow-remote",
    is_flag=True,
    help="Listen on an address that other machines can reach. There is no TLS: put a "
    "proxy in front.",
)
@click.option(
    "--requests-per-minute",
    type=click.IntRange(1),
    metavar="NUMBER",
    help="Answer 429 to a tenant's further requests in the same minute. Default: no limit.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1),
    metavar="NUMBER",
    help="Answer 429 to an entity's requests beyond NUMBER concurrent ones. Default: no limit.",
)
@click.option(
    "--query-lag",
    default=0,
    show_default=True,
    type=click.IntRange(0, 31_536_000),
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
    query_lag: int,
    **limits: int | None,
) -> None:
    """Serve the ledger in the foreground until SIGTERM or Ctrl-C."""
    if not allow_remote and not is_loopback(host):
        raise click.UsageError(
            f"{host} can be reached from other machines, and the ledger speaks plain HTTP. "
            "Add --allow-remote if a proxy with TLS is in front."
        )
    try:
        with open_ledger(database, reference) as opened:
            run_server(
                opened,
                host=host,
                port=port,
                ready=lambda url: click.echo(f"Ledger ready at {url}", err=True),
                limits=Limits(**limits),
                query_lag=query_lag,
            )
    except LedgerUnusable as error:
        raise click.ClickException(str(error)) from error


@ledger.command("create-client")
@_DATABASE
@click.option("--name", required=True, help="What the client is for; shown in the audit chain.")
@click.option(
    "--permission",
    "permissions",
    multiple=True,
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
    "--format",
    "style",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How the id and the secret are printed.",
)
def create_client(*, database: str, name: str, style: str, **scopes: Any) -> None:
    """Create an OAuth client and print its id and secret, which are shown only once."""
    try:
        # The first `serve` chooses the reference; a client needs none.
        with open_ledger(database, built_in=False) as opened:
            chosen = {what: names or None for what, names in scopes.items()}
            client_id, secret = opened.issue_client(name, **chosen)
    except UnknownPermission as error:
        raise click.BadParameter(str(error), param_hint="--permission") from error
    except LedgerUnusable as error:
        raise click.ClickException(str(error)) from error
    if style == "json":
        click.echo(json.dumps({"client_id": client_id, "client_secret": secret}))
    else:
        click.echo(f"client_id      {client_id}\nclient_secret  {secret}")


@ledger.command("load-transactions")
@_DATABASE
@click.option(
    "--entity",
    metavar="NAME",
    help="The entity of a Multi-entity tenant, by name or id. Default: the first entity.",
)
@click.argument("file", type=click.Path(path_type=Path))
def load_transactions(database: str, entity: str | None, file: Path) -> None:
    """Load the source transactions that journal runs summarise: all of FILE, or nothing.

    FILE is CSV, YAML or JSON lines, by its ending (.csv, .yaml, .yml, .jsonl, .ndjson), with the
    fields id, transactionType, transactionDate, currency, amount, homeCurrencyAmount,
    debitAccountingCodeName, creditAccountingCodeName, debitAccountingCodeType,
    creditAccountingCodeType and segments (in CSV a column segments.NAME for each), and in a
    Multi-Org tenant organizationName. Transactions that are already loaded are skipped, so the same
    file can be loaded again.
    """
    try:
        with open_ledger(database, built_in=False) as opened:
            tenant = None if entity is None else opened.tenant_of(entity)
            loaded = opened.load_transactions(file, tenant_id=tenant)
    except LedgerUnusable as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Loaded {loaded.added} transactions; {loaded.known} were already there.")
