"""Writes the entries that schedules and `reverseOn` ask for, each beside its source."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import field
from pathlib import Path

from reconciler.app.files.file_changes import WritingOptions, write_files
from reconciler.app.files.text_files import read_text
from reconciler.app.progress import FileProblems, Note, Tell
from reconciler.app.state_directory import recorded_if_readable
from reconciler.app.workspace import CheckedWorkspace, read_workspace
from reconciler.core.model.command import suggested
from reconciler.core.model.finding import counted, listed
from reconciler.core.model.resource import Address, Declared
from reconciler.core.model.schedule import SCHEDULE
from reconciler.core.model.similar_names import KnownNames, nearest
from reconciler.core.planning.schedules.generated_proof import due, last_start
from reconciler.core.planning.schedules.generation import Computed
from reconciler.core.planning.schedules.regular_periods import following_period
from reconciler.core.planning.schedules.restatement import restated
from reconciler.core.planning.schedules.summary import ScheduleSummary, summaries
from reconciler.core.rules.schedule_rules import SCHEDULE_RULES
from reconciler.errors import FilesRefused, Refused, UsageError
from reconciler.values import dataclass
from reconciler.workspace import RULES
from reconciler.workspace.formatter.formatter import FormatRefused, format_text
from reconciler.workspace.formatter.setting_editor import with_generate_through
from reconciler.workspace.formatter.writer import declarations_text, metadata_of
from reconciler.workspace.loader import WORKSPACE_FILE

_MENDED = frozenset({"generated-stale", "generated-orphan"})
"""The findings that writing the files again mends."""

_HEADING = """\
# Written by "reconciler generate". Edit the source that generatedBy names, then run it again.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateOptions:
    """Which sources are computed, up to which period, and whether posted entries may change."""

    names: Sequence[str] = ()
    through: str | None = None
    restate: bool = False
    writing: WritingOptions = field(default_factory=WritingOptions)


def generate_files(
    root: Path,
    options: GenerateOptions,
    *,
    tell: Tell,
    show: Callable[[tuple[ScheduleSummary, ...], str], None],
) -> int:
    """Write the files of generated entries, all or none, and return the exit code.

    `show` is given the schedules, and the last period whose parts are due; empty if all are.
    Raises FilesRefused for sources that cannot be computed, and Refused for a posted entry that
    would have another content.
    """
    workspace = read_workspace(root)
    _require_sound(workspace, tell)
    run = _Generation(workspace, options)
    run.require_names()
    if not options.restate:
        run.require_posted_kept(tell)
    files = run.files()

    def prove() -> None:
        again = read_workspace(root)
        names = {path.relative_to(root).as_posix() for path in files}
        left = tuple(one for one in again.errors if one.path in names and one.rule not in _MENDED)
        if left:
            tell(FileProblems(problems=left, root=root))
            raise FilesRefused(
                "generated entries break rules of this workspace, so nothing was written",
                remedy="Correct the source that `generatedBy` names, or the Reference.",
            )

    # A generated file holds nothing of its own, and of reconciler.yaml one value changes.
    code = write_files(root, files, options.writing, tell=tell, kept=files, prove=prove)
    show(run.summaries(), run.through)
    return code


def _require_sound(workspace: CheckedWorkspace, tell: Tell) -> None:
    """Raises FilesRefused unless everything that decides about generated entries is sound."""
    deciding = {*RULES, *SCHEDULE_RULES} - _MENDED
    # A source with a flaw computes nothing, so its entries would be taken for superfluous.
    deciding |= {one.rule for one in (workspace.computed or Computed()).findings}
    blocking = tuple(one for one in workspace.errors if one.rule in deciding)
    if blocking or workspace.settings is None:
        tell(FileProblems(problems=blocking, root=workspace.root))
        raise FilesRefused(
            "files have problems, so nothing was generated",
            remedy="Correct the problems above, then run it again.",
        )


class _Generation:
    """One run: what is wanted of the sources that were named, and the files that hold it."""

    def __init__(self, workspace: CheckedWorkspace, options: GenerateOptions) -> None:
        assert workspace.settings is not None
        self._workspace, self._options = workspace, options
        self._computed = workspace.computed or Computed()
        self.through = options.through or workspace.settings.generate_through
        self._generated = {
            address: one
            for address, one in workspace.declared.items()
            if one.generated_by is not None
        }
        self._names = self._with_previous({*options.names})
        self._wanted = due(self._computed, workspace.declared, workspace.tenant, self.through)

    def _with_previous(self, names: set[str]) -> set[str]:
        """The names with the other name of each renamed source: files hold its entries by that."""
        for address, one in self._computed.entries.items():
            before = self._generated.get(Address(address.kind, one.declared.previous_name or ""))
            if before is not None and before.generated_by and one.declared.generated_by:
                both = {before.generated_by.name, one.declared.generated_by.name}
                names |= set() if names.isdisjoint(both) else both
        return names

    def require_names(self) -> None:
        """Raises UsageError for a name, or a period, that is not known."""
        reversing = (one.address for one in self._workspace.declared.values() if one.reverse_on)
        orphaned = (one.generated_by for one in self._generated.values() if one.generated_by)
        schedules = (one.address for one in self._computed.progress)
        known = {address.name for address in (*reversing, *orphaned, *schedules)}
        for name in self._options.names:
            if name not in known:
                raise UsageError(
                    f"there is no schedule, and no entry with `reverseOn`, named {name}",
                    remedy=nearest(name, KnownNames(known))
                    or "Omit the name: then every schedule and every `reverseOn` counts.",
                )
        tenant, through = self._workspace.tenant, self._options.through
        if through and through not in tenant.periods_by_name:
            raise UsageError(
                f"the Reference has no period {through}",
                remedy=nearest(through, tenant.similar_periods) or "Correct the name.",
            )

    def require_posted_kept(self, tell: Tell) -> None:
        """Raises Refused if an entry is posted, and would have another content."""
        assert self._workspace.settings is not None
        recorded, unread = recorded_if_readable(self._workspace.root, self._workspace.settings)
        if unread is not None:
            tell(Note(text=f"It is unknown what is posted: {unread.message}."))
        alive = {one.address for one in self._computed.progress}
        alive |= {one.address for one in self._workspace.declared.values() if one.reverse_on}
        # A source that is gone takes its entries with it: the plan shows and counts the removals.
        held = {
            address: one
            for address, one in self._generated.items()
            if self._is_named(one.generated_by) and one.generated_by in alive
        }
        wanted = {
            address: one
            for address, one in self._wanted.items()
            if self._is_named(one.declared.generated_by)
        }
        changed = list(restated(wanted, held, recorded))
        if not changed:
            return
        names = listed([address.name for address, _ in changed], 3)
        what = counted(len(changed), "posted entry changes", "posted entries change")
        raise Refused(
            f"schedule-restates: {what}: {names}",
            remedy=self._instead(changed[0][1], [address for address, _ in changed]),
        )

    def _instead(self, by: Address, changed: Iterable[Address]) -> str:
        """What to do instead of changing what is posted."""
        command = suggested("generate", by.name, "--restate")
        tenant = self._workspace.tenant
        dates = [
            tenant.periods_by_name[str(one.declared.spec["accountingPeriodName"])]
            for address in changed
            if (one := self._wanted.get(address)) is not None
        ]
        last = max(dates, key=lambda period: period.start_date, default=None)
        later = following_period(tenant, last) if last else None
        if by.kind != SCHEDULE or later is None:
            return f"Restore {by.name}, or change what is posted with {command}."
        return (
            f"Restore {by.name} and add an amendment from {later.name}, or change what is posted "
            f"with {command}."
        )

    def _is_named(self, by: Address | None) -> bool:
        return by is not None and (not self._names or by.name in self._names)

    def files(self) -> dict[Path, str | None]:
        """The text of each file that holds generated entries; None for one that holds none."""
        root = self._workspace.root
        documents: dict[str, list[Declared]] = {
            one.source.path: [] for one in self._generated.values()
        }
        for one in self._kept():
            documents.setdefault(one.source.path, []).append(one)
        self._require_own(documents)
        files: dict[Path, str | None] = {
            root / path: self._text(entries) if entries else None
            for path, entries in documents.items()
        }
        if self._options.through:
            path = root / WORKSPACE_FILE
            before = read_text(path)
            after = with_generate_through(before, self._options.through)
            # A file in canonical form stays so, and any other keeps its layout.
            canonical = self._canonical(before) == before
            files[path] = self._canonical(after) if canonical else after
        return files

    def _canonical(self, text: str) -> str:
        try:
            return format_text(text, self._workspace.tenant)
        except FormatRefused:
            return ""

    def _kept(self) -> Iterator[Declared]:
        """The entries that files hold in the end: those of other sources stay as they are."""
        for address, one in self._computed.entries.items():
            if self._is_named(one.declared.generated_by):
                if address in self._wanted:
                    yield one.declared
            elif address in self._generated:
                yield self._generated[address]
        for address, held in self._generated.items():
            if address not in self._computed.entries and not self._is_named(held.generated_by):
                yield held

    def _require_own(self, paths: Iterable[str]) -> None:
        """Raises Refused for a file that holds something else, which would be lost."""
        written = set(paths)
        others = sorted(
            (one.source, one.address)
            for one in self._workspace.declared.values()
            if one.generated_by is None and one.source.path in written
        )
        for source, address in others:
            raise Refused(
                f"file-modified: {source} holds {address.name}, which is not generated",
                remedy="Move it into another file: this one is written as a whole.",
            )

    def _text(self, entries: Iterable[Declared]) -> str:
        documents = ((one.address.kind, metadata_of(one), one.spec) for one in entries)
        return _HEADING + declarations_text(documents, self._workspace.tenant)

    def summaries(self) -> tuple[ScheduleSummary, ...]:
        """The schedules that were named, and what was written of each."""
        wrote = {
            address.name
            for address, one in self._wanted.items()
            if self._is_named(one.declared.generated_by)
            and _value(self._generated.get(address)) != _value(one.declared)
        }
        until = last_start(self._workspace.tenant, self.through)
        found = summaries(self._computed, self._wanted, wrote, until)
        return tuple(one for one in found if self._is_named(Address(SCHEDULE, one.name)))


def _value(one: Declared | None) -> object:
    return None if one is None else (metadata_of(one), one.spec)
