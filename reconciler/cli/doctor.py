"""`reconciler doctor`: whether everything an apply needs is there."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.options import common, common_options
from reconciler.cli.terminal import counted, counted_by_kind, out
from reconciler.errors import ReconcilerError
from reconciler.render.styled_text import Line, line

if TYPE_CHECKING:
    from reconciler.app.session import Desk


@dataclass(slots=True)
class _Findings:
    """What was looked at, and the worst exit code so far."""

    exit_code: int = 0

    def good(self, what: str, fact: str) -> Line:
        return line(("  ok   ", "good"), (what, "strong"), ": ", fact)

    def note(self, what: str, fact: str) -> Line:
        return line(("  note ", "warning"), (what, "strong"), ": ", fact)

    def bad(self, what: str, error: ReconcilerError) -> Iterator[Line]:
        self.exit_code = max(self.exit_code, error.exit_code)
        yield line(("  bad  ", "bad"), (what, "strong"), ": ", error.message)
        if error.remedy:
            yield line(error.remedy, indent=9)


def _search(findings: _Findings, desk: "Desk") -> Line:
    """Whether entries could be found again if the daybook were lost."""
    from reconciler.core.model.kinds import RUN_ENTRY_KIND
    from reconciler.core.model.resource import Address
    from reconciler.engine.search import search_ledger

    # One name, whichever: an answer is all that matters.
    asked = (Address(RUN_ENTRY_KIND.name, "doctor"),)
    search = search_ledger(desk.client, desk.settings.name, desk.settings.marker, names=asked)
    if search.failure:
        fact = f"entries cannot be found by their marker: {search.failure}; keep the daybook"
        return findings.note("search", fact)
    return findings.good("search", "entries are found by their marker")


@click.command(short_help="Say what an apply still lacks.")
@common_options
def doctor() -> int:
    """Look at files, daybook, credentials and ledger, and say what is missing. Changes nothing."""
    findings = _Findings()
    with ExitStack() as stack:
        out(_look(findings, stack))
    return findings.exit_code


def _look(findings: _Findings, stack: ExitStack) -> Iterator[Line]:
    from reconciler.app.session import is_embedded, open_desk
    from reconciler.app.state_directory import daybook_place
    from reconciler.app.workspace import read_books, require_valid

    root = common().workspace
    yield line(("Workspace ", ""), (str(root.absolute()), "strong"))
    books = read_books(root)
    try:
        settings = require_valid(books)
        place = daybook_place(root, settings)
    except ReconcilerError as error:
        yield from findings.bad("files", error)
        return
    counts = (
        counted(books.files, "file"),
        counted_by_kind(books.declared),
        counted(len(books.warnings), "warning"),
    )
    yield findings.good("files", ", ".join(counts))
    if not books.tenant.complete:
        yield findings.note("reference", "there is none, so less is checked offline")
    target = settings.target.base_url if settings.target else ""
    # Without what stands before an @, which may be a password.
    where = (os.environ.get("ZUORA_BASE_URL") or target).rpartition("@")[2]
    yield findings.good("ledger", "embedded" if is_embedded(settings) else where)
    if isinstance(place, Path) and not place.exists():
        yield findings.note("daybook", f"{place} does not exist yet; the first apply makes it")
    try:
        desk = stack.enter_context(open_desk(books, write=False, parallelism=1))
        recorded = desk.daybook.recorded()
        unsettled = len(desk.daybook.unsettled())
        yield findings.good("credentials", f"accepted for {desk.tenant}")
        codes, periods = desk.client.accounting_codes(), desk.client.accounting_periods()
    except ReconcilerError as error:
        yield from findings.bad("ledger", error)
        return
    if desk.daybook.lineage:
        numbers = sum(1 for item in recorded.values() if item.number is not None)
        yield findings.good("daybook", f"{desk.daybook.place}, {numbers} entries recorded")
    if unsettled:
        yield findings.note("daybook", f"{unsettled} open calls; the next apply settles them")
    if desk.rescue.exists():
        yield findings.note("daybook", f"{desk.rescue} lies there; the next apply takes it in")
    yield findings.good("accounting codes", f"{len(codes)}")
    open_periods = [period.name for period in periods if period.status == "Open"]
    yield findings.good("accounting periods", f"{len(periods)}, open: {', '.join(open_periods)}")
    yield _search(findings, desk)
    yield findings.note(
        "permissions",
        "the API does not show them; an apply needs Create, Edit, Cancel and Delete Cancelled "
        "Journal Entry",
    )
