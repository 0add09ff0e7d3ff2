"""`reconciler import`: declare what is in the ledger already, and adopt it."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.files import write_text
from reconciler.cli.options import common, common_options, sound_name
from reconciler.cli.terminal import err, note, out, problem_spans, progress
from reconciler.core.model.resource import Address
from reconciler.errors import AppliedInPart, FilesRefused, Refused
from reconciler.render.styled_text import line

if TYPE_CHECKING:
    from reconciler.app.session import Desk
    from reconciler.app.workspace import CheckedWorkspace
    from reconciler.core.model.kinds.kind import Kind
    from reconciler.core.model.plan import Plan
    from reconciler.core.model.resource import Live, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Something live that is to be declared as `address`, in the file at `path`.

    `path` is None when a file declares it already, which then is adopted as it is.
    """

    live: "Live"
    address: Address
    path: Path | None
    journal_run: str = ""


@click.command("import", short_help="Declare what is in the ledger already, and adopt it.")
@click.argument("numbers", nargs=-1, metavar="[NUMBER]...")
@click.option("--run", metavar="JR-NUMBER", help="All entries that a journal run made.")
@click.option(
    "--period",
    metavar="NAME",
    help="All entries of an accounting period that no run made and no workspace has.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    metavar="COUNT",
    help="At most so many entries of --period at once; run it again for the next ones.",
)
@click.option(
    "--name",
    callback=sound_name,
    help="The name of the declaration, for a single NUMBER. [default: the number]",
)
@click.option(
    "--to",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The file to write, inside the workspace. [default: imported/NAME.yaml]",
)
@click.option(
    "--write-only",
    is_flag=True,
    help="Write the files and adopt nothing: the plan of a pull request shows the adoption, and "
    "the next apply carries it out.",
)
@click.option(
    "--auto-approve", "--yes", "-y", is_flag=True, help="Import a --period without asking."
)
@common_options
def import_(
    *,
    numbers: Sequence[str],
    run: str | None,
    period: str | None,
    limit: int,
    name: str | None,
    to: Path | None,
    write_only: bool,
    auto_approve: bool,
) -> int:
    """Declare entries and journal runs that are in the ledger already, and adopt them.

    A declaration is written for each NUMBER, and the live entry gets this workspace's marker; no
    amount changes. Entries of a journal run are managed for their basic information alone.
    """
    from reconciler.app.session import open_desk
    from reconciler.app.settlement import settle_first
    from reconciler.app.workspace import read_books

    if not numbers and run is None and period is None:
        raise click.UsageError(
            "Name the numbers to import, a journal run with --run, or an accounting period with "
            "--period."
        )
    if period is not None and (numbers or run is not None or name is not None or to is not None):
        raise click.UsageError("--period goes with no number, --run, --name or --to.")
    asking = period is not None and not (auto_approve or write_only)
    if asking and not sys.stdin.isatty():
        raise click.UsageError(
            "There is no terminal to ask on. Add --auto-approve, or --write-only."
        )
    if name is not None and (len(numbers) != 1 or run is not None):
        raise click.UsageError("--name is for one number.")
    books = read_books(common().workspace)
    err(problem_spans(books.errors, books.root))
    with open_desk(books, write=not write_only, parallelism=1) as desk:
        if not write_only:
            settle_first(desk)
        search = _Search(desk, name=name, to=to)
        if period is not None:
            return _period(desk, search, period, limit, write_only=write_only, asking=asking)
        every = (*search.entries(numbers), *(search.members(run) if run is not None else ()))
        # A number that is named beside its run is the run's.
        found = tuple({item.live.number: item for item in every}.values())
        return _import(desk, found, write_only=write_only)


def _period(
    desk: "Desk", search: "_Search", period: str, limit: int, *, write_only: bool, asking: bool
) -> int:
    """Import what a period holds, once it was shown."""
    from reconciler.cli.importing_period import consented, gather, show

    gathered = gather(desk, period, limit=limit, name_of=search.found)
    show(gathered, period)
    if not gathered.found:
        note("There is nothing to import.")
        return 0
    if asking and not consented(gathered):
        return Refused.exit_code
    return _import(desk, gathered.found, write_only=write_only)


def _import(desk: "Desk", found: "Sequence[Found]", *, write_only: bool) -> int:
    """Write the declarations, and adopt what they declare."""
    written = _write(desk, found)
    try:
        plan = _adoptions(_read_again(desk, found), found)
    except BaseException:
        for path in written:
            path.unlink()
        raise
    for path in written:
        out([line("wrote ", (str(path), "strong"))])
    if write_only:
        note("Nothing is adopted yet: `reconciler plan` shows it, `reconciler apply` does it.")
        return 0
    return _adopt(_read_again(desk, found), plan, found)


def _read_again(desk: "Desk", found: Sequence[Found]) -> "Desk":
    """The desk with the files as they are now. Raises FilesRefused when they are not sound."""
    from reconciler.app.workspace import read_books

    books = _with(read_books(desk.books.root), found)
    if books.errors:
        err(problem_spans(books.errors, books.root))
        raise FilesRefused(
            "what the ledger holds breaks rules of this workspace, so nothing was imported",
            remedy="Bring the Reference up to date, or correct the entry in the ledger.",
        )
    return replace(desk, books=books)


class _Search:
    """Finds out what numbers stand for, and what they are to be called."""

    def __init__(self, desk: "Desk", *, name: str | None, to: Path | None) -> None:
        self._desk, self._name, self._to = desk, name, to
        self._recorded = desk.daybook.recorded()
        self._names = {
            number: item.address.name
            for item in self._recorded.values()
            for number in (item.number, *item.leftovers)
            if number is not None
        }
        declared = desk.books.declared.values()
        self._adopting = {item.adopts: item.address for item in declared if item.adopts}

    def entries(self, numbers: Sequence[str]) -> Iterator[Found]:
        """The entries and runs under these numbers. Raises Refused for what cannot be adopted."""
        from reconciler.core.model.kinds import KINDS
        from reconciler.zuora.decoding import is_number

        for number in dict.fromkeys(numbers):
            kinds = [kind for kind in KINDS.values() if is_number(number, kind=kind)]
            if not kinds:
                raise click.UsageError(f"{number} is not the number of an entry or a journal run.")
            live = self._desk.client.read(kinds[0], number)
            if live is None:
                raise Refused(f"{number} is not in the ledger", remedy="Check number and target.")
            yield self.found(kinds[0], live)

    def members(self, run: str) -> Iterator[Found]:
        """The entries that a journal run made. Raises Refused for what cannot be adopted."""
        from reconciler.core.model.kinds import KINDS
        from reconciler.core.planning.run_members import stands
        from reconciler.zuora.decoding import is_number

        kind = next((kind for kind in KINDS.values() if is_number(run, kind=kind)), None)
        if kind is None or not kind.members:
            raise click.UsageError(f"{run} is not the number of a journal run.")
        live = self._desk.client.read(kind, run)
        members = tuple(filter(stands, live.members)) if live is not None else ()
        if not members:
            raise Refused(f"{run} has no entries in the books", remedy="Check number and target.")
        left = tuple(member for member in members if member.number not in self._names)
        if not left:
            raise Refused(
                f"all entries of {run} are recorded", remedy="There is nothing to import."
            )
        for member in left:
            yield self.found(KINDS[kind.members], member, journal_run=run)

    def found(self, kind: "Kind", live: "Live", journal_run: str = "") -> Found:
        """What a live object is to be declared as. Raises Refused when it cannot be."""
        if live.number in self._names:
            raise Refused(
                f"{live.number} is recorded as {self._names[live.number]} already",
                remedy="There is nothing to import.",
            )
        books, marked = self._desk.books, self._marked(kind, live)
        address = self._adopting.get(live.number)
        known = address is not None or marked is not None
        address = address or Address(kind.name, marked or self._name or live.number.lower())
        if address in books.declared and not known:
            raise Refused(
                f"{address.name} is declared already, at {books.declared[address].source}",
                remedy="Choose another name with --name.",
            )
        stands = self._recorded.get(address)
        if stands is not None and stands.number is not None:
            raise Refused(
                f"{address.name} is recorded as {stands.number}, and {live.number} carries its "
                "marker or its name too",
                remedy="Cancel the one that does not belong in the books, or choose another name.",
            )
        file = self._to or Path("imported", f"{(journal_run or address.name).lower()}.yaml")
        path = None if address in books.declared else books.root / file
        return Found(live=live, address=address, path=path, journal_run=journal_run)

    def _marked(self, kind: "Kind", live: "Live") -> str | None:
        """The name in the marker of this workspace, None where there is no marker."""
        from reconciler.core.model.marker import split_marker

        marker = (
            split_marker(live.fields, self._desk.settings.marker)[1]
            if kind.carries_marker
            else None
        )
        if marker is None:
            return None
        owner, _, name = marker.partition("/")
        if owner != self._desk.settings.name:
            raise Refused(
                f'{live.number} carries the marker "{marker}": it belongs to another workspace',
                remedy="Have it retired there first.",
            )
        return name


def _write(desk: "Desk", found: Sequence[Found]) -> tuple[Path, ...]:
    """Write what is declared nowhere yet; a file that exists is never touched."""
    from reconciler.core.model.kinds import KINDS
    from reconciler.core.model.money import minor_units
    from reconciler.core.planning.adoption import declaration_of
    from reconciler.workspace.formatter.writer import Document, declarations_text

    tenant = desk.books.tenant
    documents: dict[Path, list[Document]] = {}
    for item in found:
        if item.path is None:
            continue
        spec = declaration_of(
            KINDS[item.address.kind], item.live, marker_place=desk.settings.marker, tenant=tenant
        )
        metadata: dict[str, Value] = {"name": item.address.name, "adopts": item.live.number}
        if item.journal_run:
            metadata["journalRun"] = item.journal_run
        documents.setdefault(item.path, []).append((item.address.kind, metadata, spec))
    for path in documents:
        if path.exists():
            raise Refused(
                f"{path} exists already, and nothing is overwritten",
                remedy="Choose another file with --to.",
            )
        if desk.books.root.resolve() not in path.resolve().parents:
            raise click.UsageError(f"{path} is outside of the workspace.")
        inside = path.resolve().relative_to(desk.books.root.resolve())
        hidden = any(part.startswith(".") for part in inside.parts)
        if hidden or path.suffix not in (".yaml", ".yml"):
            raise click.UsageError(
                f"{path} is no file that the workspace reads: *.yaml, not hidden."
            )
    for path, texts in documents.items():
        text = declarations_text(
            texts, minor_units=minor_units, home_currency=tenant.home_currency or ""
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text, mode=0o644)
    return tuple(documents)


def _with(books: "CheckedWorkspace", found: Sequence[Found]) -> "CheckedWorkspace":
    """The workspace, where a file that declares a lost entry adopts it now."""
    adopting = {
        item.address: replace(books.declared[item.address], adopts=item.live.number)
        for item in found
        if item.path is None and item.address in books.declared
    }
    return replace(books, declared={**books.declared, **adopting})


def _adoptions(desk: "Desk", found: Sequence[Found]) -> "Plan":
    """The plan of these adoptions and of nothing else. Raises Refused when one is blocked."""
    from reconciler.app.session import plan_desk
    from reconciler.core.model.plan import Action, Allowances

    plan, _ = plan_desk(desk, Allowances(), progress=progress)
    wanted = {item.address for item in found}
    changes = tuple(change for change in plan.changes if change.address in wanted)
    unread = wanted - {change.address for change in changes}
    if unread:
        raise Refused(
            f"no file of the workspace declares {min(unread).name}",
            remedy="Name a file with --to that the workspace reads: *.yaml, and not hidden.",
        )
    for change in changes:
        if change.block is not None:
            raise Refused(
                f"{change.address.name}: {change.block.rule}: {change.block.message}",
                remedy=change.block.remedy,
            )
        if change.action is not Action.ADOPT:
            raise Refused(
                f"{change.address.name} would be a {change.action}, and no adoption",
                remedy="Run `reconciler plan` and look at what differs.",
            )
    return replace(plan, changes=changes)


def _adopt(desk: "Desk", plan: "Plan", found: Sequence[Found]) -> int:
    """Carry the adoptions out, and prove that a plan has nothing left to do for them."""
    from reconciler.app.session import plan_desk
    from reconciler.app.settlement import book_of
    from reconciler.cli.apply import exit_code
    from reconciler.core.model.plan import Allowances
    from reconciler.core.model.report import report_of
    from reconciler.engine.apply import apply
    from reconciler.engine.ports import Ports
    from reconciler.render.report import applied_line, report_lines

    ports = Ports(ledger=desk.client, daybook=book_of(desk))
    ended = []
    desk.daybook.begin(plan.digest)
    for item in apply(plan, desk.daybook.recorded(), ports, parallelism=1):
        ended.append(item)
        out([applied_line(item)])
    report = report_of(ended, plan.changes, plan_digest=plan.digest)
    out(report_lines(report))
    if code := exit_code(report):
        return code
    again, _ = plan_desk(desk, Allowances(), progress=progress)
    wanted = {item.address for item in found}
    left = [change for change in again.pending if change.address in wanted]
    if left:
        raise AppliedInPart(
            f"{left[0].address.name} would be changed again ({left[0].action})",
            remedy="Run `reconciler plan` and look at what differs.",
        )
    desk.daybook.end()
    out([line(("No changes", "good"), f" are left for what was imported ({len(found)}).")])
    return 0
