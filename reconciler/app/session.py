"""The only place where files, daybook, ledger and planner meet."""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

from reconciler.app.policy_history import policy_of_text, policy_warnings, stricter
from reconciler.app.provenance import origin_of
from reconciler.app.scoping import ALL_CHOSEN, Chosen, selection_of
from reconciler.app.state_directory import (
    NO_WAIT,
    STATE_DIRECTORY,
    LockWait,
    keep_private,
    rescue_path,
)
from reconciler.app.workspace import CheckedWorkspace, require_valid, warning_text
from reconciler.cli.files import write_text
from reconciler.cli.terminal import log_steps
from reconciler.core.model.history import Recorded
from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.plan import Allowances, Basis, Plan
from reconciler.core.model.resource import Address, Live
from reconciler.core.model.scope import WHOLE, Scope
from reconciler.core.planner import make_plan
from reconciler.core.planning.decisions import Snapshot
from reconciler.core.planning.renames import warnings_of
from reconciler.core.planning.snapshot import to_read
from reconciler.errors import ReconcilerError, Refused
from reconciler.workspace.settings import Settings, Target

if TYPE_CHECKING:
    import httpx

    from reconciler.daybook import Daybook
    from reconciler.engine.search import SearchedPlan, SearchPolicy
    from reconciler.zuora.client import Client
    from reconciler.zuora.connection import Connection, Credentials

EMBEDDED = "the embedded ledger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A workspace with its daybook and its ledger open before it."""

    books: CheckedWorkspace
    settings: Settings
    daybook: "Daybook"
    client: "Client"
    host: str
    parallelism: int
    rescue: Path
    """Where what the daybook cannot take is kept."""

    @property
    def tenant(self) -> str:
        """Whose ledger this is, as the daybook remembers it."""
        tenant = self.client.tenant()
        return f"{tenant.tenant_id or self.host}/{tenant.entity_id or '-'}"


@contextmanager
def open_desk(
    books: CheckedWorkspace,
    *,
    write: bool,
    parallelism: int,
    environment: Mapping[str, str] = os.environ,
    sleep: Callable[[float], None] = time.sleep,
    turn: LockWait = NO_WAIT,
) -> Iterator[Desk]:
    """Open a sound workspace's daybook and ledger. Raises what stops that, all of it ours.

    Refuses a ledger that is not the one the workspace pins or the daybook was begun with.
    """
    from reconciler.app.state_directory import open_book

    settings = require_valid(books)
    log_steps()
    if is_embedded(settings, environment):
        # In one process a second thread only waits for the first; and numbers follow the plan.
        parallelism = 1
    rescue = rescue_path(books.root, settings)
    if write and rescue.parent == books.root / STATE_DIRECTORY:
        keep_private(rescue.parent)
    with ExitStack() as stack:
        daybook = open_book(books.root, settings, write=write, environment=environment, turn=turn)
        stack.callback(daybook.close)
        remembered = policy_of_text(daybook.policy)
        policy = stricter(remembered, settings.policy, len(daybook.recorded()))
        settings = replace(settings, policy=policy)
        client, host = _connect(
            root=books.root,
            settings=settings,
            environment=environment,
            sleep=sleep,
            parallelism=parallelism,
            stack=stack,
        )
        desk = Desk(
            books=books,
            settings=settings,
            daybook=daybook,
            client=client,
            host=host,
            parallelism=parallelism,
            rescue=rescue,
        )
        _check_tenant(desk)
        if write:
            daybook.bind(desk.tenant, workspace=settings.name)
        yield desk


Progress: TypeAlias = Callable[[str, int], AbstractContextManager[Callable[[], None]]]
"""Shows how far something is: what it is and how many steps it has; gives what tells of each."""


def plan_desk(
    desk: Desk, allowances: Allowances, *, progress: Progress
) -> tuple[Plan, Mapping[Address, Recorded]]:
    """Read the ledger and plan, from what the daybook knows. Writes nothing."""
    world = _world(desk, progress)
    return _planner(desk, allowances)(world), world.recorded


def plan_and_find_desk(
    desk: Desk,
    allowances: Allowances,
    finding: "SearchPolicy",
    *,
    progress: Progress,
    scope: Scope = WHOLE,
) -> "SearchedPlan":
    """Read the ledger and plan, and search it for what the daybook may lack. Writes nothing.

    Only what is in `scope` is read. Raises UsageError when that is nothing.
    """
    from reconciler.app.settlement import open_call_warnings, rescue_warnings
    from reconciler.app.warnings import finding_warnings
    from reconciler.engine.observe import read_all
    from reconciler.engine.search import plan_with_search

    def read(wanted: tuple[tuple[Kind, str], ...]) -> Mapping[str, Live | None]:
        with progress("Reading what was found", len(wanted)) as advance:
            return read_all(wanted, desk.client, parallelism=desk.parallelism, advance=advance)

    chosen = selection_of(desk.books, desk.daybook.recorded(), scope)
    found = plan_with_search(
        _world(desk, progress, chosen),
        _planner(desk, allowances),
        ledger=desk.client,
        read=read,
        finding=finding,
    )
    warnings = (
        *rescue_warnings(desk.rescue),
        *open_call_warnings(desk.daybook),
        *policy_warnings(desk.daybook.policy, require_valid(desk.books).policy),
        *chosen.warnings,
        *plan_warnings(desk.books, found.plan),
        *warnings_of(found.world.names, found.plan.changes),
        *finding_warnings(desk, found),
    )
    return replace(found, plan=replace(found.plan, warnings=warnings))


def _world(desk: Desk, progress: Progress, chosen: Chosen = ALL_CHOSEN) -> Snapshot:
    """Files, daybook and ledger as they are now; the ledger as far as it is chosen."""
    from reconciler.engine.observe import observe

    recorded = desk.daybook.recorded()
    selection = chosen.selection
    declared = desk.books.declared
    wanted = to_read(
        {address: item for address, item in declared.items() if address in selection},
        # What lost its file is read in any case: it may be what a chosen file is about now.
        (
            item
            for item in recorded.values()
            if item.address in selection or item.address not in declared
        ),
    )
    with progress("Reading the ledger", len(wanted)) as advance:
        seen = observe(wanted, desk.client, parallelism=desk.parallelism, advance=advance)
    return Snapshot(
        declared=declared,
        recorded=recorded,
        live=seen.live,
        tenant=replace(desk.books.tenant, codes=seen.codes, periods=seen.periods),
        policy=desk.settings.policy,
        selection=selection,
    )


def _planner(desk: Desk, allowances: Allowances) -> Callable[[Snapshot], Plan]:
    return partial(make_plan, basis=basis_of(desk), allowances=allowances)


def plan_warnings(books: CheckedWorkspace, plan: Plan) -> tuple[str, ...]:
    """The warnings about what the plan changes; the others are counted, lest they be skimmed."""
    touched = {change.source.path for change in plan.pending if change.source}
    concerned = [problem for problem in books.warnings if problem.path in touched]
    others = len(books.warnings) - len(concerned)
    texts = [*books.waived, *(warning_text(problem) for problem in concerned)]
    if others:
        word = "warning" if others == 1 else "warnings"
        texts.append(f"{others} {word} in files that do not change: see `reconciler validate`")
    return tuple(texts)


def is_embedded(settings: Settings, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the ledger is the one inside the workspace."""
    return settings.target is None and not environment.get("ZUORA_BASE_URL")


def basis_of(desk: Desk) -> Basis:
    """What a plan made now is computed from."""
    tenant = desk.client.tenant()
    return Basis(
        workspace=desk.settings.name,
        host=desk.host,
        tenant_id=tenant.tenant_id,
        entity_id=tenant.entity_id or "",
        lineage=desk.daybook.lineage,
        serial=desk.daybook.serial,
        home_currency=desk.books.tenant.home_currency,
        marker_place=desk.settings.marker,
        files_digest=desk.books.digest,
        origin=origin_of(desk.settings),
    )


def _check_tenant(desk: Desk) -> None:
    target = desk.settings.target
    pinned = target.tenant_id if target else None
    found = desk.client.tenant().tenant_id
    if pinned is not None and found != pinned:
        raise Refused(
            f"wrong-tenant: the workspace pins tenant {pinned}, and the credentials are for "
            f"{found or 'a tenant that the token does not name'}",
            remedy="Use the credentials of the pinned tenant.",
        )
    begun = desk.daybook.tenant
    if begun is not None and begun != desk.tenant and not found:
        raise Refused(
            f"wrong-tenant: the daybook was begun with {begun}, and a ready token does not say "
            "whose it is",
            remedy="Use ZUORA_CLIENT_ID and ZUORA_CLIENT_SECRET instead of ZUORA_TOKEN.",
        )
    if begun is not None and begun != desk.tenant:
        raise Refused(
            f"wrong-tenant: the daybook was begun with {begun}, and this ledger is {desk.tenant}",
            remedy="Check ZUORA_BASE_URL, the entity and the credentials. A workspace has one "
            "daybook for each ledger.",
        )


def _connect(
    *,
    root: Path,
    settings: Settings,
    environment: Mapping[str, str],
    sleep: Callable[[float], None],
    parallelism: int,
    stack: ExitStack,
) -> tuple["Client", str]:
    """A client of the workspace's ledger, and what that ledger is called on screen."""
    from reconciler.zuora.client import Client
    from reconciler.zuora.connection import CallLimits, Credentials

    limits = CallLimits(concurrency=parallelism)
    connection = _connection(settings.target, environment)
    if is_embedded(settings, environment):
        transport, credentials = _embedded(root, stack)
        client = Client(connection, credentials, transport=transport, limits=limits, sleep=sleep)
        stack.callback(client.close)
        return client, EMBEDDED
    credentials = Credentials(
        client_id=environment.get("ZUORA_CLIENT_ID", ""),
        client_secret=environment.get("ZUORA_CLIENT_SECRET", ""),
        token=environment.get("ZUORA_TOKEN", ""),
    )
    client = Client(connection, credentials, limits=limits, sleep=sleep)
    stack.callback(client.close)
    return client, urlsplit(connection.base_url).netloc


def _connection(target: Target | None, environment: Mapping[str, str]) -> "Connection":
    from reconciler.zuora.connection import Connection

    said = environment.get("ZUORA_BASE_URL", "")
    if target is None:
        return Connection(base_url=said or "http://localhost")
    hosts = target.hosts or frozenset({urlsplit(target.base_url).hostname or ""})
    return Connection(
        base_url=said or target.base_url,
        zuora_version=target.zuora_version,
        entity_id=target.entity_id,
        organization_ids=target.organization_ids,
        # The workspace pins where its credentials may go, whatever the environment says.
        hosts=hosts,
    )


def _embedded(root: Path, stack: ExitStack) -> tuple["httpx.WSGITransport", "Credentials"]:
    """The ledger inside the workspace, in this process, with a client of its own."""
    import httpx

    from reconciler.ledger import LedgerUnusable, create_app, open_ledger
    from reconciler.zuora.connection import Credentials

    state = root / STATE_DIRECTORY
    keep_private(state)
    try:
        ledger = open_ledger(f"sqlite:///{(state / 'ledger.db').absolute()}", _reference(root))
    except LedgerUnusable as error:
        raise ReconcilerError(f"the embedded ledger cannot be used: {error}") from error
    stack.callback(ledger.close)
    keys = state / "ledger-client.json"
    if not keys.exists():
        client_id, client_secret = ledger.issue_client("embedded")
        text = json.dumps({"client_id": client_id, "client_secret": client_secret})
        write_text(keys, text)
    try:
        held = json.loads(keys.read_text(encoding="utf-8"))
        credentials = Credentials(client_id=held["client_id"], client_secret=held["client_secret"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReconcilerError(
            f"{keys} does not hold the keys of the embedded ledger",
            remedy="Remove the file: the next run makes new keys.",
        ) from error
    return httpx.WSGITransport(app=create_app(ledger)), credentials


def _reference(root: Path) -> Path | None:
    reference = root / "reference.yaml"
    return reference if reference.is_file() else None
