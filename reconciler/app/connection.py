"""The client of a workspace's ledger: of a tenant, or of the ledger inside the workspace."""

import json
import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reconciler.app.files.text_files import write_text
from reconciler.app.state_directory import STATE_DIRECTORY, keep_private
from reconciler.core.model.finding import Refusal
from reconciler.core.model.variables import CREDENTIALS
from reconciler.errors import ReconcilerError, UsageError
from reconciler.http_client.clock import Clock
from reconciler.http_client.in_process import InProcess
from reconciler.workspace.ledger_choice import LedgerChoice, choose_ledger
from reconciler.workspace.settings import Settings, hosts_of
from reconciler.zuora.client import Client
from reconciler.zuora.connection import CallLimits, Connection, Credentials

if TYPE_CHECKING:
    from reconciler.ledger import Ledger

EMBEDDED = "the embedded ledger"
UNNAMED = "a ledger that is not named here"
"""What an offline plan says of a ledger that only the environment of an apply names."""


def chosen_ledger(settings: Settings, *, ci: bool = False) -> LedgerChoice:
    """The ledger that workspace and environment name. Raises UsageError when they leave it open.

    With `ci` it is chosen as in a CI job.
    """
    choice = choose_ledger(settings, {**os.environ, "CI": "true"} if ci else os.environ)
    if isinstance(choice, Refusal):
        raise UsageError(f"{choice.rule}: {choice.message}", remedy=choice.remedy)
    return choice


def connect(
    root: Path,
    choice: LedgerChoice,
    *,
    ca_bundle: str | None,
    sleep: Callable[[float], None],
    parallelism: int,
    stack: ExitStack,
) -> tuple[Client, str]:
    """A client of the chosen ledger, and what that ledger is called on screen.

    `ca_bundle` is a PEM file of authorities that are trusted in addition to the machine's.
    """
    connection, transport = connection_of(choice, ca_bundle), None
    if choice.embedded:
        transport, credentials = _embedded(root, stack)
    else:
        credentials = credentials_of(os.environ)
    limits = CallLimits(concurrency=parallelism)
    clock = Clock(sleep=sleep)
    client = Client(connection, credentials, transport=transport, limits=limits, clock=clock)
    stack.callback(client.close)
    return client, EMBEDDED if choice.embedded else urlsplit(connection.base_url).netloc


def client_in_process(ledger: "Ledger", client_id: str, client_secret: str) -> Client:
    """A client of a ledger in this process that one thread uses at a time."""
    from reconciler.ledger import create_app

    return Client(
        Connection(base_url="http://localhost"),
        Credentials(client_id=client_id, client_secret=client_secret),
        transport=InProcess(create_app(ledger)),
        limits=CallLimits(concurrency=1),
    )


def credentials_of(environment: Mapping[str, str]) -> Credentials:
    """The credentials in an environment. Raises AccessRefused when they are not complete."""
    client_id, client_secret, token = (environment.get(name, "") for name in CREDENTIALS)
    return Credentials(client_id=client_id, client_secret=client_secret, token=token)


def connection_of(choice: LedgerChoice, ca_bundle: str | None = None) -> Connection:
    """The connection to a ledger that was chosen, not opened."""
    target = choice.target
    if target is None:
        return Connection(base_url=choice.base_url or "http://localhost", ca_bundle=ca_bundle)
    return Connection(
        base_url=choice.base_url,
        zuora_version=target.zuora_version,
        entity_id=target.entity_id,
        organization_ids=target.organization_ids,
        # The workspace pins where its credentials may go, whatever the environment says.
        hosts=hosts_of(target),
        ca_bundle=ca_bundle,
    )


def _embedded(root: Path, stack: ExitStack) -> tuple[InProcess, Credentials]:
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
        raise ReconcilerError(
            f"the embedded ledger cannot be used: {error}", remedy=error.remedy
        ) from error
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
    return InProcess(create_app(ledger)), credentials
