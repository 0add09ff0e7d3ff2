"""A workspace with its daybook and its ledger open: to read, or to write."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

from reconciler.app.connection import chosen_ledger, connect
from reconciler.app.policy_history import (
    approved_before,
    check_rules,
    held_by,
    knows_base,
    remembered,
)
from reconciler.app.provenance import origin_of
from reconciler.app.state_directory import spill_path, waits_to_be_read, workspace_daybook
from reconciler.app.workspace import CheckedWorkspace, require_valid
from reconciler.core.model.history import standing
from reconciler.core.model.plan import Basis
from reconciler.core.model.variables import BASE_URL
from reconciler.daybook import Daybook, DaybookReader
from reconciler.engine.ports import LedgerReader
from reconciler.errors import AppliedInPart, Refused
from reconciler.git.repository import Repository
from reconciler.workspace.approved_settings import EarlierSettings, Held
from reconciler.workspace.ledger_choice import IN_FILE, LedgerChoice
from reconciler.workspace.settings import Settings, hosts_of
from reconciler.zuora.client import Client
from reconciler.zuora.connection import TenantIdentity


@dataclass(slots=True)
class Stop:
    """Whether a run ends after the calls in flight, and why: a signal, or the end of its time."""

    event: Event = field(default_factory=Event)
    signalled: bool = False
    late: bool = False

    def why(self) -> str:
        """What ended the run, in words."""
        return "the run reached its time limit" if self.late else "the run was interrupted"

    def pause(self, seconds: float) -> None:
        """Sleep, unless the run is to end."""
        self.event.wait(seconds)

    def pause_or_end(self, seconds: float) -> None:
        """Sleep, and end the run here if it is to end."""
        self.pause(seconds)
        self.check()

    def check(self) -> None:
        """End the run here if it is to end; for what changes nothing."""
        if self.event.is_set() and self.late and not self.signalled:
            raise AppliedInPart(
                f"{self.why()} before the plan was carried out",
                remedy="Allow more time with --timeout, and run the command again.",
            )
        if self.event.is_set():
            raise KeyboardInterrupt


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How the daybook and the ledger are reached, and what ends a wait for them."""

    parallelism: int = 1
    ca_bundle: str | None = None
    lock_timeout: float = 0
    """Seconds to wait for another run that writes to the daybook."""
    stop: Stop = field(default_factory=Stop)


class ReadOnlyLedger(LedgerReader, Protocol):
    """The reading half of the ledger's client."""

    def tenant(self) -> TenantIdentity: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSession:
    """What a plan is made from. Nothing that it holds has a method that writes."""

    workspace: CheckedWorkspace
    settings: Settings
    """With the stricter of the present policy and those before it."""
    held: Held
    """What those before it are."""
    repository: Repository | None
    """The repository around the workspace; None without one, or where the base is not asked for."""
    daybook: DaybookReader
    ledger: ReadOnlyLedger
    host: str
    parallelism: int
    spill_file: Path
    """Keeps outcomes that the daybook could not record."""

    @property
    def unread_spill(self) -> bool:
        """Whether a spill file waits for the next apply."""
        return waits_to_be_read(self.spill_file)

    @property
    def tenant(self) -> str:
        """The ledger's tenant and entity, as the daybook records them."""
        tenant = self.ledger.tenant()
        return f"{tenant.tenant_id or self.host}/{tenant.entity_id or '-'}"

    @property
    def commit(self) -> str:
        """The commit that is checked out; empty if there is none, or no repository is open."""
        return (self.repository.head() or "") if self.repository is not None else ""

    @property
    def basis(self) -> Basis:
        tenant = self.ledger.tenant()
        return Basis(
            workspace=self.settings.name,
            host=self.host,
            tenant_id=tenant.tenant_id,
            entity_id=tenant.entity_id or "",
            lineage=self.daybook.lineage,
            serial=self.daybook.serial,
            home_currency=self.workspace.tenant.home_currency,
            marker_place=self.settings.marker,
            files_digest=self.workspace.digest,
            origin=origin_of(self.settings),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteSession(ReadSession):
    """What apply, import, forget and recover act through."""

    daybook: Daybook
    ledger: Client


_Session = TypeVar("_Session", ReadSession, WriteSession)


@contextmanager
def open_session(
    kind: type[_Session],
    workspace: CheckedWorkspace,
    access: Access,
    *,
    command: str = "",
    by_base: bool = True,
) -> Iterator[_Session]:
    """Open daybook and ledger of a valid workspace. Raises a ReconcilerError.

    Once the run is to stop, a daybook whose server does not answer is given up soon. To write
    takes the daybook's lease for a `command`, and binds the daybook to the ledger. What only looks
    needs no approved base: without `by_base` git is not asked for it.
    """
    write = issubclass(kind, WriteSession)
    settings = require_valid(workspace)
    # Before the daybook is opened: to write would create it.
    choice = chosen_ledger(settings)
    # In one process a second thread only waits for the first; and numbers follow the plan.
    parallelism = 1 if choice.embedded else access.parallelism
    with ExitStack() as stack:
        daybook = stack.enter_context(
            workspace_daybook(
                workspace.root,
                settings,
                command=command if write else "",
                lock_timeout=access.lock_timeout,
                pause=access.stop.pause_or_end,
                hurry=access.stop.event,
            )
        )
        in_file = choice.target is not None and choice.named_by == IN_FILE
        if by_base or write or in_file:
            repository = Repository.around(workspace.root)
            earlier = approved_before(settings, daybook, repository)
            posted = standing(daybook.recorded().values())
            held = held_by(earlier, workspace.root, settings, posted=posted)
            if held.keys:
                check_rules(held, workspace, settings)
        else:
            repository, held = None, remembered(settings, daybook)
        if in_file:
            # Where nothing was applied, an earlier commit of the change could name any host.
            known = knows_base(daybook, repository)
            _require_known_host([one for one in held.bases if not (known and one.passed)], choice)
        settings = held.settings
        ledger, host = connect(
            workspace.root,
            choice,
            ca_bundle=access.ca_bundle,
            sleep=access.stop.pause,
            parallelism=parallelism,
            stack=stack,
        )
        session = kind(
            workspace=workspace,
            settings=settings,
            held=held,
            repository=repository,
            daybook=daybook,
            ledger=ledger,
            host=host,
            parallelism=parallelism,
            spill_file=spill_path(workspace.root, settings),
        )
        _require_same_ledger(session)
        if write:
            daybook.bind(session.tenant, workspace=settings.name, marker=settings.marker)
        yield session


def _require_known_host(bases: Iterable[EarlierSettings], choice: LedgerChoice) -> None:
    """Refuse credentials for a host that only the change names."""
    host = urlsplit(choice.base_url).hostname or ""
    for base in bases:
        target = None if base.settings is None else base.settings.target
        if target is not None and host not in hosts_of(target):
            raise Refused(
                f"wrong-host: the change directs the workspace to {host}, which the settings of "
                f"{base.where} do not name, so no credentials are sent to it",
                remedy="If the tenant moved, or the workspace is new, set "
                f"{BASE_URL} to its URL outside of the change.",
            )


def _require_same_ledger(session: ReadSession) -> None:
    """Refuse a ledger that the workspace does not pin, or that the daybook does not belong to."""
    target = session.settings.target
    pinned = target.tenant_id if target else None
    found = session.ledger.tenant().tenant_id
    if pinned is not None and found != pinned:
        raise Refused(
            f"wrong-tenant: the workspace pins tenant {pinned}, but the credentials belong "
            f"to {found or 'a tenant that the token does not name'}",
            remedy="Use the credentials of the pinned tenant.",
        )
    bound = session.daybook.tenant
    if bound is not None and bound != session.tenant and not found:
        raise Refused(
            f"wrong-tenant: the daybook was created for {bound}, but a bearer token does "
            "not name its tenant",
            remedy="Use ZUORA_CLIENT_ID and ZUORA_CLIENT_SECRET instead of ZUORA_TOKEN.",
        )
    if bound is not None and bound != session.tenant:
        raise Refused(
            f"wrong-tenant: the daybook was created for {bound}, but this ledger is "
            f"{session.tenant}",
            remedy="Check ZUORA_BASE_URL, the entity and the credentials. A workspace has one "
            "daybook for each ledger.",
        )
