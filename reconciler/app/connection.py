"""The client of a workspace's ledger: of a tenant, or of the ledger inside the workspace."""

import json
import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from reconciler.app.state_directory import STATE_DIRECTORY, keep_private
from reconciler.app.text_files import write_text
from reconciler.errors import ReconcilerError
from reconciler.workspace.settings import Settings, Target
from reconciler.zuora.client import Client
from reconciler.zuora.connection import CallLimits, Connection, Credentials

EMBEDDED = "the embedded ledger"


def is_embedded(settings: Settings) -> bool:
    """Whether the ledger is the one inside the workspace."""
    return settings.target is None and not os.environ.get("ZUORA_BASE_URL")


def connect(
    root: Path,
    settings: Settings,
    *,
    sleep: Callable[[float], None],
    parallelism: int,
    stack: ExitStack,
) -> tuple[Client, str]:
    """A client of the workspace's ledger, and what that ledger is called on screen."""
    connection = _connection(settings.target)
    embedded, transport = is_embedded(settings), None
    if embedded:
        transport, credentials = _embedded(root, stack)
    else:
        credentials = Credentials(
            client_id=os.environ.get("ZUORA_CLIENT_ID", ""),
            client_secret=os.environ.get("ZUORA_CLIENT_SECRET", ""),
            token=os.environ.get("ZUORA_TOKEN", ""),
        )
    limits = CallLimits(concurrency=parallelism)
    client = Client(connection, credentials, transport=transport, limits=limits, sleep=sleep)
    stack.callback(client.close)
    return client, EMBEDDED if embedded else urlsplit(connection.base_url).netloc


def _connection(target: Target | None) -> Connection:
    base_url = os.environ.get("ZUORA_BASE_URL", "")
    if target is None:
        return Connection(base_url=base_url or "http://localhost")
    hosts = target.hosts or frozenset({urlsplit(target.base_url).hostname or ""})
    return Connection(
        base_url=base_url or target.base_url,
        zuora_version=target.zuora_version,
        entity_id=target.entity_id,
        organization_ids=target.organization_ids,
        # The workspace pins where its credentials may go, whatever the environment says.
        hosts=hosts,
    )


def _embedded(root: Path, stack: ExitStack) -> tuple[httpx.WSGITransport, Credentials]:
    """The ledger inside the workspace, in this process, with a client of its own."""
    # A connection to a tenant does not wait for the server's modules to load.
    from reconciler.ledger import LedgerUnusable, create_app, open_ledger

    state, reference = root / STATE_DIRECTORY, root / "reference.yaml"
    keep_private(state)
    try:
        ledger = open_ledger(
            f"sqlite:///{(state / 'ledger.db').absolute()}",
            reference if reference.is_file() else None,
        )
    except LedgerUnusable as error:
        raise ReconcilerError(f"the embedded ledger cannot be used: {error}") from error
    stack.callback(ledger.close)
    keys = state / "ledger-client.json"
    if not keys.exists():
        client_id, client_secret = ledger.issue_client("embedded")
        write_text(keys, json.dumps({"client_id": client_id, "client_secret": client_secret}))
    try:
        held = json.loads(keys.read_text(encoding="utf-8"))
        credentials = Credentials(client_id=held["client_id"], client_secret=held["client_secret"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReconcilerError(
            f"{keys} does not contain the credentials of the embedded ledger",
            remedy="Delete the file. The next run creates new credentials.",
        ) from error
    return httpx.WSGITransport(app=create_app(ledger)), credentials
