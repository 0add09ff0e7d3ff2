"""Checks whether everything that an apply needs is there. Changes nothing."""

import os
from collections.abc import Iterator
from pathlib import Path

from reconciler.app.connection import chosen_ledger, connection_of, credentials_of
from reconciler.app.plan import PlanOptions, plan_and_search
from reconciler.app.progress import silent
from reconciler.app.provenance import plan_key
from reconciler.app.session import Access, ReadSession, open_session
from reconciler.app.state_directory import STATE_DIRECTORY, daybook_place
from reconciler.app.warnings import age_warnings
from reconciler.app.workspace import CheckedWorkspace, require_valid
from reconciler.core.model.enumerations import PeriodStatus
from reconciler.core.model.finding import counted, joined
from reconciler.core.model.kinds import RUN_ENTRY_KIND
from reconciler.core.model.policy import Approvals, Evidence
from reconciler.core.model.resource import Address
from reconciler.core.model.variables import (
    CREDENTIALS,
    FLAGS,
    PLAN_KEY,
    ci_variable,
    flag_variable,
    unknown_variables,
)
from reconciler.daybook.postgresql_url import destination_of
from reconciler.engine.search import search_ledger
from reconciler.errors import (
    ExpectationFailed,
    ForgeError,
    ForgeRefused,
    MissingPackage,
    ReconcilerError,
    UsageError,
)
from reconciler.forge.access import TOKEN_REMEDIES, TOKENS
from reconciler.forge.ci_context import NAMES, ChangeOptions
from reconciler.values import dataclass
from reconciler.workspace.ledger_choice import LedgerChoice
from reconciler.workspace.settings import Settings
from reconciler.zuora.connection import base_url_of


@dataclass(frozen=True, slots=True)
class Check:
    """One check: how it ended (`ok`, `note` or `bad`), what it is about, and what it found."""

    status: str
    subject: str
    fact: str
    error: ReconcilerError | None = None


_PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")


def checks(
    workspace: CheckedWorkspace,
    summary: str,
    *,
    ca_bundle: str | None,
    ci: bool,
    verb_variables: frozenset[str],
) -> Iterator[Check]:
    """Every check in turn, up to the first that stops the others. `summary` counts the files.

    With `ci` they are those of a CI job, from files and environment alone. `verb_variables` are
    those that a single verb reads.
    """
    root = workspace.root
    try:
        settings = require_valid(workspace)
    except ReconcilerError as error:
        yield Check("bad", "files", error.message, error)
        return
    yield Check("ok", "files", summary)
    if not workspace.tenant.complete:
        yield Check("note", "reference", "there is none, so fewer checks run offline")
    yield from _variables(verb_variables, in_ci=ci or bool(ci_variable(os.environ)))
    try:
        choice = chosen_ledger(settings, ci=ci)
        yield Check("ok", "ledger", _described(choice))
    except ReconcilerError as error:
        yield Check("bad", "ledger", error.message, error)
        if not ci:
            return
        choice = None
    if proxies := sorted(name for name in _PROXIES if os.environ.get(name)):
        fact = f"{', '.join(proxies)}: not used, calls to ledger and forge are direct"
        yield Check("note", "proxies", fact)
    if ca_bundle is not None:
        yield Check("ok", "authorities", f"those of this machine, and those in {ca_bundle}")
    if ci:
        yield from _job_checks(root, settings, choice)
        return
    place = daybook_place(root, settings)
    if isinstance(place, Path) and not place.exists():
        yield Check("note", "daybook", f"{place} does not exist yet; the first apply creates it")
    try:
        with open_session(
            ReadSession, workspace, Access(ca_bundle=ca_bundle), by_base=False
        ) as session:
            yield from _session_checks(session)
    except (ReconcilerError, ModuleNotFoundError) as raised:
        known = raised if isinstance(raised, ReconcilerError) else MissingPackage.of(raised)
        yield Check("bad", "ledger", known.message, known)


def _variables(of_verbs: frozenset[str], *, in_ci: bool) -> Iterator[Check]:
    """What the environment sets for the flags, and what only looks so."""
    unknown = unknown_variables(os.environ, of_verbs)
    if unknown:
        error = UsageError("", remedy="Correct each name, or remove the variable.")
        status = ("bad", error) if in_ci else ("note", None)
        yield Check(status[0], "variables", ", ".join(unknown), status[1])
    flags = sorted(of_verbs.union(map(flag_variable, FLAGS)).intersection(os.environ))
    if flags:
        yield Check("ok", "flags", f"set by {', '.join(flags)}")


def _described(choice: LedgerChoice) -> str:
    named = f", named by {choice.named_by}" if choice.named_by else ", because none is named"
    if choice.embedded:
        return f"embedded, in {STATE_DIRECTORY} of the workspace{named}"
    # Without what stands before an @, which may be a password.
    return f"{choice.base_url.rpartition('@')[2]}{named}"


def _job_checks(root: Path, settings: Settings, choice: LedgerChoice | None) -> Iterator[Check]:
    """What a CI job would use beside its ledger. Secrets are told by the names of variables."""
    if choice is None or not choice.embedded:
        yield _credentials()
    if choice is not None:
        try:
            base_url_of(connection_of(choice))
        except ReconcilerError as error:
            yield Check("bad", "ledger", error.message, error)
    place = daybook_place(root, settings)
    if isinstance(place, Path):
        fact = f"{place}: a file of this machine, which jobs on other machines do not share"
        yield Check("note", "daybook", fact)
    else:
        names = [name for name in ("PGUSER", "PGPASSWORD") if os.environ.get(name)]
        said = f"{joined(names)} set" if names else "PGUSER and PGPASSWORD are not set"
        try:
            fact = f"{destination_of(place, os.environ).place}, shared; {said}"
            yield Check("ok", "daybook", fact)
        except ReconcilerError as error:
            yield Check("bad", "daybook", f"{error.message}; {said}", error)
    try:
        signed = "saved plans are signed with it" if plan_key() else "not set, plans are not signed"
        yield Check("ok" if plan_key() else "note", PLAN_KEY, signed)
    except ReconcilerError as error:
        yield Check("bad", PLAN_KEY, error.message, error)
    yield from _approvals(settings.policy.approvals)


def _credentials() -> Check:
    names = [name for name in CREDENTIALS if os.environ.get(name)]
    try:
        credentials_of(os.environ)
        return Check("ok", "credentials", f"{joined(names)} set")
    except ReconcilerError as error:
        missing = joined([name for name in CREDENTIALS if name not in names])
        fact = f"{joined(names) or 'none'} set; not set: {missing}"
        return Check("bad", "credentials", fact, error)


def _approvals(approvals: Approvals) -> Iterator[Check]:
    """The evidence of approvals. It is missing only where the policy asks for some."""
    required = max((tier.required for tier in approvals.tiers), default=0)
    fact = f"the policy requires up to {required}" if required else "the policy requires none"
    yield Check("ok", "approvals", fact)
    if required and approvals.evidence is Evidence.GIT:
        yield Check("ok", "evidence", "signatures and trailers of commits, read from git")
        return
    try:
        change = ChangeOptions().context()
        token = TOKENS[change.forge]
        what = f"change {change.change}" if change.change else f"commit {change.commit[:10] or '-'}"
        yield Check("ok", "forge", f"{NAMES[change.forge]}, {change.repository}, {what}")
        if os.environ.get(token):
            yield Check("ok", "evidence", f"{token} set")
            return
        raise ForgeRefused(f"{token} is not set", remedy=TOKEN_REMEDIES[change.forge])
    except ForgeError as error:
        if required:
            yield Check("bad", "evidence", error.message, error)
        else:
            yield Check("note", "forge", error.message)


def _agreement(session: ReadSession) -> Iterator[Check]:
    """Whether the ledger has what the daybook records: either of them may be an older copy."""
    found = plan_and_search(session, PlanOptions(), progress=silent, posting=False)
    remedy = "Restore the newer copy. Or look at `reconciler plan`, which shows what an apply does."
    for fact in age_warnings(found, new=session.daybook.new):
        yield Check("bad", "daybook", fact.message, ExpectationFailed(fact.message, remedy=remedy))
    if drifted := len(found.plan.drift):
        changed = counted(drifted, "entry", "entries")
        text = f"{changed} changed in the ledger; `reconciler drift` shows what changed"
        yield Check("note", "daybook", text)


def _session_checks(session: ReadSession) -> Iterator[Check]:
    daybook, ledger = session.daybook, session.ledger
    recorded, unsettled = daybook.recorded(), len(daybook.unsettled())
    tenant, _, entity = session.tenant.rpartition("/")
    named = f"tenant {tenant}" + f", entity {entity}" * (entity != "-")
    yield Check("ok", "credentials", f"accepted for {named}")
    codes, periods = ledger.accounting_codes(), ledger.accounting_periods()
    if daybook.lineage:
        numbers = sum(1 for item in recorded.values() if item.number is not None)
        yield Check(
            "ok", "daybook", f"{daybook.place}, {counted(numbers, 'entry', 'entries')} recorded"
        )
        yield from _agreement(session)
    if unsettled:
        calls = counted(unsettled, "open call")
        yield Check("note", "daybook", f"{calls}: the next apply settles what is open")
    if session.unread_spill:
        yield Check("note", "daybook", f"{session.spill_file} exists; the next apply reads it")
    yield Check("ok", "accounting codes", f"{len(codes)}")
    open_periods = [period.name for period in periods if period.status == PeriodStatus.OPEN]
    yield Check("ok", "accounting periods", f"{len(periods)}, open: {', '.join(open_periods)}")
    # One name, whichever: an answer is all that matters.
    names = (Address(RUN_ENTRY_KIND.name, "doctor"),)
    settings = session.settings
    search = search_ledger(ledger, settings.name, settings.marker, names=names)
    if search.failure:
        fact = f"entries cannot be found by their marker: {search.failure}; back up the daybook"
        yield Check("note", "search", fact)
    else:
        yield Check("ok", "search", "entries are found by their marker")
    yield Check(
        "note",
        "permissions",
        "the API does not show them; an apply needs Create, Edit, Cancel and Delete Cancelled "
        "Journal Entry",
    )
