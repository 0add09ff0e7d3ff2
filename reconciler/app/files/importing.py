"""Imports live entries and journal runs: declares them, and adopts them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from reconciler.app.apply import Interaction, execute_plan, exit_code
from reconciler.app.files.file_changes import modelined, replaced, require_new, require_readable
from reconciler.app.plan import plan_without_search
from reconciler.app.progress import FileProblems, FilesWritten, Imported, Note, Progress
from reconciler.app.session import ReadSession, WriteSession
from reconciler.app.settlement import settle_first
from reconciler.app.workspace import CheckedWorkspace, read_workspace
from reconciler.core.model.kinds import KINDS, RUN_ENTRY_KIND
from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.marker import split_marker
from reconciler.core.model.plan import Action, Plan
from reconciler.core.model.resource import Address, Live, Value
from reconciler.core.model.similar_names import KnownNames, nearest
from reconciler.core.planning.adoption import declaration_of
from reconciler.core.planning.limits.guards import unproved_entries
from reconciler.core.planning.run_members import is_posted
from reconciler.core.recovery.marker_search import UnexpectedRows
from reconciler.core.recovery.period_import import (
    listed_entries,
    reason_to_skip,
    select_entries,
    statement_for,
)
from reconciler.errors import AppliedInPart, FilesRefused, Refused, UsageError
from reconciler.values import dataclass
from reconciler.workspace.formatter.writer import (
    LIVE_TEXT,
    Document,
    declarations_text,
    flaw_of_text,
)
from reconciler.zuora.decoding import is_number


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """What is imported, and how it is declared."""

    numbers: Sequence[str] = ()
    run: str | None = None
    period: str | None = None
    limit: int = 100
    name: str | None = None
    to: Path | None = None
    adopt_found: int | None = None
    """How many entries of a period may be adopted that only their marker ties to the workspace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """A live object that is to be declared as `address`, in the file at `path`.

    `path` is None when a file declares it already, else `spec` is what the file will declare.
    `found`: only its marker ties it to the workspace.
    """

    live: Live
    address: Address
    spec: Mapping[str, Value]
    path: Path | None
    journal_run: str = ""
    found: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodImport:
    """What is imported of a period now, what is not and why, and how many more can be."""

    period: str
    imports: tuple[Import, ...]
    left: tuple[tuple[str, str], ...]
    waiting: int


def import_objects(
    session: ReadSession,
    options: ImportOptions,
    interaction: Interaction,
    *,
    agree: Callable[[PeriodImport], bool],
) -> int:
    """Write declarations, and with a WriteSession adopt what they declare; returns the exit code.

    `agree` is shown what a period holds, and says whether to go on.
    """
    if isinstance(session, WriteSession):
        settle_first(session, tell=interaction.tell)
    imports = _imports(session, options, interaction, agree)
    if not imports:
        return 0 if imports is not None else Refused.exit_code
    session, plan = _declared(session, imports, interaction)
    if isinstance(session, WriteSession):
        return _adopt(session, plan, imports, interaction)
    text = "Nothing is adopted yet: `reconciler plan` shows it, and `reconciler apply` adopts it."
    interaction.tell(Note(text=text))
    return 0


def _adopt(
    session: WriteSession, plan: Plan, imports: Sequence[Import], interaction: Interaction
) -> int:
    """Carry the adoptions out, and prove that a plan has nothing left to do for them."""
    if any(item.found for item in imports):
        # Its last number is no place to probe from any more: what it lacks may be below.
        session.daybook.mark_incomplete()
    report = execute_plan(session, plan, interaction)
    if code := exit_code(report):
        return code
    again = plan_without_search(session, progress=interaction.progress)
    wanted = {item.address for item in imports}
    left = [change for change in again.pending if change.address in wanted]
    if left:
        raise AppliedInPart(
            f"{left[0].address.name} would be changed again ({left[0].action})",
            remedy="Run `reconciler plan` to see the difference.",
        )
    session.daybook.end()
    interaction.tell(Imported(count=len(imports)))
    return 0


def _imports(
    session: ReadSession,
    options: ImportOptions,
    interaction: Interaction,
    agree: Callable[[PeriodImport], bool],
) -> tuple[Import, ...] | None:
    """What is imported; None when a period's import was not agreed to."""
    search = _Search(session, name=options.name, to=options.to)
    if options.period is None:
        run = options.run
        every = (*search.entries(options.numbers), *(search.members(run) if run else ()))
        # A number that is named beside its run is the run's.
        return tuple({item.live.number: item for item in every}.values())
    found = _search_period(
        session, options.period, limit=options.limit, search=search, progress=interaction.progress
    )
    _require_proof(session, found, options.adopt_found or 0)
    return found.imports if agree(found) else None


def _require_proof(session: ReadSession, found: PeriodImport, allowed: int) -> None:
    """Refuse to adopt what only a marker ties to the workspace, as a plan does.

    A file that names the number is proof, and a review of it comes before its adoption.
    """
    named = [f"{one.live.number} ({one.address.name})" for one in found.imports if one.found]
    if isinstance(session, WriteSession) and len(named) > allowed:
        refusal = unproved_entries(named, session.settings.name)
        raise Refused(f"{refusal.rule}: {refusal.message}", remedy=refusal.remedy)


def _declared(
    session: ReadSession, imports: Sequence[Import], interaction: Interaction
) -> tuple[ReadSession, Plan]:
    """Write the declarations, and plan their adoption. Leaves no file behind when that fails."""
    texts = modelined(session.workspace.root, _texts(session, imports))
    with replaced(texts):
        session = replace(session, workspace=_read_again(session, imports, interaction))
        plan = _adoptions(session, imports, interaction.progress)
    interaction.tell(FilesWritten(paths=tuple(texts)))
    return session, plan


def _read_again(
    session: ReadSession, imports: Sequence[Import], interaction: Interaction
) -> CheckedWorkspace:
    """The workspace with the files as they are now. Raises FilesRefused when they have problems."""
    workspace = read_workspace(session.workspace.root)
    # A file that declares a lost entry already adopts it now.
    adopting = {
        item.address: replace(workspace.declared[item.address], adopts=item.live.number)
        for item in imports
        if item.path is None and item.address in workspace.declared
    }
    if workspace.errors:
        interaction.tell(FileProblems(problems=workspace.errors, root=workspace.root))
        raise FilesRefused(
            "live values violate rules of this workspace, so nothing was imported",
            remedy="Update the Reference, or correct the entry in the ledger.",
        )
    return replace(workspace, declared={**workspace.declared, **adopting})


def _adoptions(session: ReadSession, imports: Sequence[Import], progress: Progress) -> Plan:
    """The plan of these adoptions and of nothing else. Raises Refused when one is blocked."""
    plan = plan_without_search(session, progress=progress)
    wanted = {item.address for item in imports}
    changes = tuple(change for change in plan.changes if change.address in wanted)
    unread = wanted - {change.address for change in changes}
    if unread:
        raise Refused(
            f"no file of the workspace declares {min(unread).name}",
            remedy="With --to, name a *.yaml file inside the workspace that is not hidden.",
        )
    for change in changes:
        if change.block is not None:
            raise Refused(
                f"{change.address.name}: {change.block.rule}: {change.block.message}",
                remedy=change.block.remedy,
            )
        if change.action is not Action.ADOPT:
            raise Refused(
                f"the plan would {change.action} {change.address.name} instead of adopting it",
                remedy="Run `reconciler plan` to see the difference.",
            )
    return replace(plan, changes=changes)


class _Search:
    """Reads numbers, and names what they stand for."""

    def __init__(self, session: ReadSession, *, name: str | None, to: Path | None) -> None:
        self._session, self._name, self._to = session, name, to
        self._recorded = session.daybook.recorded()
        self._names = {
            number: item.address.name
            for item in self._recorded.values()
            for number in (item.number, *item.leftovers)
            if number is not None
        }
        declared = session.workspace.declared.values()
        self._adopting = {item.adopts: item.address for item in declared if item.adopts}

    def entries(self, numbers: Sequence[str]) -> Iterator[Import]:
        """The entries and runs under these numbers. Raises Refused for what cannot be adopted."""
        for number in dict.fromkeys(numbers):
            kinds = [kind for kind in KINDS.values() if is_number(number, kind=kind)]
            if not kinds:
                raise UsageError(
                    f"{number} is not the number of an entry or a journal run",
                    remedy="Write a number such as JE-00000042 or JR-00000042.",
                )
            live = self._session.ledger.read(kinds[0], number)
            if live is None:
                raise Refused(
                    f"{number} is not in the ledger", remedy="Check the number and the target."
                )
            yield self.found(kinds[0], live)

    def members(self, run: str) -> Iterator[Import]:
        """The entries that a journal run made. Raises Refused for what cannot be adopted."""
        kind = next((kind for kind in KINDS.values() if is_number(run, kind=kind)), None)
        if kind is None or not kind.members:
            remedy = "Write a number such as JR-00000042."
            raise UsageError(f"{run} is not the number of a journal run", remedy=remedy)
        live = self._session.ledger.read(kind, run)
        members = tuple(filter(is_posted, live.members)) if live is not None else ()
        if not members:
            raise Refused(f"{run} has no posted entries", remedy="Check the number and the target.")
        left = tuple(member for member in members if member.number not in self._names)
        if not left:
            raise Refused(
                f"all entries of {run} are already recorded",
                remedy="Omit this run: its entries are already managed.",
            )
        for member in left:
            yield self.found(KINDS[kind.members], member, journal_run=run)

    def found(self, kind: Kind, live: Live, journal_run: str = "") -> Import:
        """What a live object is to be declared as. Raises Refused when it cannot be."""
        if live.number in self._names:
            raise Refused(
                f"{live.number} is already recorded as {self._names[live.number]}",
                remedy="Omit this number: the entry is already managed.",
            )
        workspace, marked = self._session.workspace, self._marked(kind, live)
        address = self._adopting.get(live.number)
        known = address is not None or marked is not None
        address = address or Address(kind.name, marked or self._name or live.number.lower())
        if address in workspace.declared and not known:
            raise Refused(
                f"{address.name} is already declared, at {workspace.declared[address].source}",
                remedy="Choose another name with --name.",
            )
        recorded = self._recorded.get(address)
        if recorded is not None and recorded.number is not None:
            raise Refused(
                f"{address.name} is recorded as {recorded.number}, but {live.number} has the "
                "same marker or name",
                remedy="Look at both in the ledger. If this workspace posted both, cancel the "
                "wrong one there. Otherwise choose another name.",
            )
        file = self._to or Path("imported", f"{(journal_run or address.name).lower()}.yaml")
        path = None if address in workspace.declared else workspace.root / file
        tenant, place = workspace.tenant, self._session.settings.marker
        spec = declaration_of(kind, live, marker_place=place, tenant=tenant) if path else {}
        if flaw := flaw_of_text(spec):
            raise Refused(f"{live.number} cannot be declared: {flaw}", remedy=LIVE_TEXT)
        unproved = marked is not None and live.number not in self._adopting
        return Import(
            live=live,
            address=address,
            spec=spec,
            path=path,
            journal_run=journal_run,
            # A create without an answer may have made it.
            found=unproved and not (recorded is not None and recorded.unsettled),
        )

    def _marked(self, kind: Kind, live: Live) -> str | None:
        """The name in the marker of this workspace, None where there is no marker."""
        if not kind.carries_marker:
            return None
        settings = self._session.settings
        marker = split_marker(live.fields, settings.marker)[1]
        if marker is None:
            return None
        owner, _, name = marker.partition("/")
        if owner != settings.name:
            raise Refused(
                f'{live.number} has the marker "{marker}": it belongs to another workspace',
                remedy="Retire it in that workspace first.",
            )
        return name


def _search_period(
    session: ReadSession, period: str, *, limit: int, search: _Search, progress: Progress
) -> PeriodImport:
    """Search a period, and read what no workspace has. Raises Refused and LedgerError.

    Entries are taken in the order of their numbers, at most `limit` of them; the next import
    takes the next ones.
    """
    names = [one.name for one in session.ledger.accounting_periods()]
    if period not in names:
        raise Refused(
            f"the ledger has no accounting period {period}",
            remedy=nearest(period, KnownNames(names)) or "Check the name.",
        )
    kind, place, workspace = RUN_ENTRY_KIND, session.settings.marker, session.settings.name
    rows = session.ledger.query(statement_for(kind, period, place))
    recorded = session.daybook.recorded().values()
    try:
        sorted_out = select_entries(
            kind, listed_entries(rows, place), recorded, workspace=workspace
        )
    except UnexpectedRows as error:
        raise Refused(
            f"the ledger cannot be searched: {error}", remedy="Import the entries by their numbers."
        ) from error
    imports, left = [], list(sorted_out.left)
    if not (sorted_out.wanted or left):
        raise Refused(
            f"the ledger has no posted entry in {period}, so nothing was imported",
            remedy="Check the period, the entity and the target. The search may lag behind the "
            "ledger: import a new entry by its number.",
        )
    wanted = sorted_out.wanted[:limit]
    with progress("Reading entries", len(wanted)) as advance:
        for number in wanted:
            live = session.ledger.read(kind, number)
            why = reason_to_skip(kind, live, period=period, workspace=workspace, place=place)
            try:
                if live is not None and not why:
                    imports.append(search.found(kind, live))
            except Refused as refusal:
                why = refusal.message
            if why:
                left.append((number, why))
            advance()
    return PeriodImport(
        period=period,
        imports=tuple(imports),
        left=tuple(sorted(left)),
        waiting=len(sorted_out.wanted) - len(wanted),
    )


def _texts(session: ReadSession, imports: Sequence[Import]) -> Mapping[Path, str]:
    """The files of what no file declares yet; a file that exists is never changed."""
    workspace = session.workspace
    documents: dict[Path, list[Document]] = {}
    for item in imports:
        if item.path is None:
            continue
        metadata: dict[str, Value] = {"name": item.address.name, "adopts": item.live.number}
        if item.journal_run:
            metadata["journalRun"] = item.journal_run
        documents.setdefault(item.path, []).append((item.address.kind, metadata, item.spec))
    for path in documents:
        require_new(path)
        require_readable(path, workspace.root.resolve())
    return {path: declarations_text(texts, workspace.tenant) for path, texts in documents.items()}
