"""Checks whether everything that an apply needs is there. Changes nothing."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reconciler.app.connection import is_embedded
from reconciler.app.session import ReadSession, open_session
from reconciler.app.state_directory import daybook_place
from reconciler.app.workspace import CheckedWorkspace, require_valid
from reconciler.core.model.enumerations import PeriodStatus
from reconciler.core.model.kinds import RUN_ENTRY_KIND
from reconciler.core.model.resource import Address
from reconciler.engine.search import search_ledger
from reconciler.errors import ReconcilerError


@dataclass(frozen=True, slots=True)
class Check:
    """One check: how it ended (`ok`, `note` or `bad`), what it is about, and what it found."""

    status: str
    subject: str
    fact: str
    error: ReconcilerError | None = None


def checks(workspace: CheckedWorkspace, summary: str) -> Iterator[Check]:
    """Every check in turn, up to the first that stops the others. `summary` counts the files."""
    root = workspace.root
    try:
        settings = require_valid(workspace)
    except ReconcilerError as error:
        yield Check("bad", "files", error.message, error)
        return
    yield Check("ok", "files", summary)
    if not workspace.tenant.complete:
        yield Check("note", "reference", "there is none, so fewer checks run offline")
    target = settings.target.base_url if settings.target else ""
    # Without what stands before an @, which may be a password.
    where = (os.environ.get("ZUORA_BASE_URL") or target).rpartition("@")[2]
    yield Check("ok", "ledger", "embedded" if is_embedded(settings) else where)
    place = daybook_place(root, settings)
    if isinstance(place, Path) and not place.exists():
        yield Check("note", "daybook", f"{place} does not exist yet; the first apply creates it")
    try:
        with open_session(ReadSession, workspace) as session:
            yield from _session_checks(session)
    except ReconcilerError as error:
        yield Check("bad", "ledger", error.message, error)


def _session_checks(session: ReadSession) -> Iterator[Check]:
    daybook, ledger = session.daybook, session.ledger
    recorded, unsettled = daybook.recorded(), len(daybook.unsettled())
    yield Check("ok", "credentials", f"accepted for {session.tenant}")
    codes, periods = ledger.accounting_codes(), ledger.accounting_periods()
    if daybook.lineage:
        numbers = sum(1 for item in recorded.values() if item.number is not None)
        yield Check("ok", "daybook", f"{daybook.place}, {numbers} entries recorded")
    if unsettled:
        yield Check("note", "daybook", f"{unsettled} open calls; the next apply settles them")
    if session.spill_file.exists():
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
