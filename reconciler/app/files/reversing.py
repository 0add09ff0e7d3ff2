"""Writes the reversal of posted entries, and declares the corrected ones."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from reconciler.app.files.file_changes import WritingOptions, write_files
from reconciler.app.files.original_text import committed_text, recorded_text
from reconciler.app.files.posted_entries import (
    Original,
    PostedEntries,
    assumed_posted,
    original_of,
    verb_refused,
)
from reconciler.app.progress import FileProblems, Note, Tell
from reconciler.app.session import Access, ReadSession, open_session
from reconciler.app.workspace import CheckedWorkspace, read_workspace
from reconciler.core.model.command import suggested
from reconciler.core.model.enumerations import PeriodStatus, TransferState
from reconciler.core.model.finding import Severity, listed
from reconciler.core.model.kinds import RUN_ENTRY_KIND
from reconciler.core.model.kinds.journal_entry import JOURNAL_ENTRY
from reconciler.core.model.kinds.journal_run import TRANSACTION_TYPES
from reconciler.core.model.policy import NOTHING_FROZEN, Freeze
from reconciler.core.model.resource import Address, Declared, Value, text_of
from reconciler.core.model.tenant import AccountingPeriod
from reconciler.core.planning.reversing.reversal import (
    LONGEST_NAME,
    REBOOKED,
    SUFFIX,
    Dating,
    dating_of,
    reversed_spec,
)
from reconciler.core.rules.reversals import remainders, reversed_names, written_again
from reconciler.errors import FilesRefused, Refused
from reconciler.values import dataclass
from reconciler.workspace.formatter.editing import documents_in, edited, with_document
from reconciler.workspace.formatter.writer import declarations_text

MENDED = frozenset({"reversal-nets", "generated-stale"})
"""The findings that an edit of a reversed entry brings, and that moving the edit mends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversalOptions:
    """What is reversed, and how the reversal is written."""

    names: Sequence[str]
    period: str = ""
    date: str = ""
    rebook: bool = False
    rebook_only: bool = False
    reason: str = ""
    name: str | None = None
    to: Path | None = None
    offline: bool = False


def reverse_entries(
    workspace: CheckedWorkspace,
    options: ReversalOptions,
    writing: WritingOptions,
    access: Access,
    *,
    tell: Tell,
) -> int:
    """Write the reversals of these entries, all or none, and return the exit code.

    Raises Refused for an entry that cannot be reversed, and FilesRefused if the files would have
    problems afterwards.
    """
    if options.offline:
        return _write(workspace, assumed_posted(workspace), options, writing, tell)
    with open_session(ReadSession, workspace, access, by_base=False) as session:
        known = session.workspace.tenant
        posted = PostedEntries(
            read=lambda number: session.ledger.read(RUN_ENTRY_KIND, number),
            # A period that the Reference lacks could not be declared.
            periods=tuple(
                one
                for one in session.ledger.accounting_periods()
                if not known.complete or one.name in known.periods_by_name
            ),
            recorded=session.daybook.recorded(),
            applied_commit=session.daybook.applied_commit,
            offline=False,
        )
        return _write(workspace, posted, options, writing, tell)


def _write(
    workspace: CheckedWorkspace,
    posted: PostedEntries,
    options: ReversalOptions,
    writing: WritingOptions,
    tell: Tell,
) -> int:
    verb = _Reversing(workspace, posted, options)
    for named in dict.fromkeys(options.names):
        verb.take(named)

    def prove() -> None:
        again = read_workspace(workspace.root)
        written = {path.resolve() for path in verb.files}
        problems = tuple(
            one
            for one in again.problems
            if one.severity is Severity.ERROR
            # A fact of the tenant would stop the reversal; elsewhere it stops nothing.
            and (not one.of_tenant or (workspace.root / one.path).resolve() in written)
        )
        if problems and all(one.rule in MENDED and one.path in verb.generate for one in problems):
            commands = listed(sorted({verb.generate[one.path] for one in problems}))
            tell(Note(text=f"The reversal was generated from the edit. Run {commands} again."))
            return
        if problems:
            tell(FileProblems(problems=problems, root=workspace.root))
            raise FilesRefused(
                "the files would have these problems, so nothing was written",
                remedy="Correct the problems above, or choose other values with --period, --date, "
                "--name or --to.",
            )

    for note in verb.notes:
        tell(Note(text=note))
    return write_files(workspace.root, verb.files, writing, tell=tell, kept=verb.kept, prove=prove)


class _Reversing:
    """Collects the files of several reversals."""

    def __init__(
        self, workspace: CheckedWorkspace, posted: PostedEntries, options: ReversalOptions
    ) -> None:
        self._workspace, self._posted, self._options = workspace, posted, options
        self._reversed = reversed_names(workspace.declared.values())
        self._taken: set[str] = set()
        """The numbers of the entries so far: a name and its number are one entry."""
        self.files: dict[Path, str | None] = {}
        self.kept: list[Path] = []
        self.notes: list[str] = []
        self.generate: dict[str, str] = {}
        """By file, the command that writes a generated reversal again."""

    def take(self, named: str) -> None:
        """Add the files of one entry. Raises Refused, and UsageError for what nobody knows."""
        original = original_of(named, workspace=self._workspace, posted=self._posted)
        if original.number in self._taken:
            return
        self._taken.add(original.number)
        options = self._options
        reversal = self._reversed.get(original.name)
        if options.rebook_only:
            self._rebook(original, self._dating(original, reversal), reversal)
            return
        if original.declared is not None and original.declared.reverses is not None:
            raise verb_refused(
                "reversal-of-reversal",
                f"{original.name} is itself a reversal",
                f"If {original.number} is not transferred, remove its file: apply cancels it. If "
                f"it is, run {suggested('reverse', original.declared.reverses, '--rebook-only')}.",
            )
        target = self._target(original)
        if reversal is not None and self._path(reversal) != (options.to and target):
            raise verb_refused(
                "reversal-twice",
                f"{original.name} is reversed by {reversal.address.name} already "
                f"({reversal.source})",
                f"Run {suggested('reverse', original.name, '--rebook-only')}: it declares the "
                "corrected entry."
                if options.rebook
                else "Nothing needs to be written. To write the reversal again, run "
                f"{written_again(reversal, original.name)}.",
            )
        dating = self._dating(original, reversal)
        self._reverse(original, dating, reversal, target)
        if options.rebook:
            self._rebook(original, dating, None)

    def _dating(self, original: Original, reversal: Declared | None) -> Dating:
        options, periods = self._options, self._posted.periods
        if reversal is not None and not options.period:
            # What stands already says where.
            stands = Dating.of(reversal.spec)
            if not options.rebook_only or self._takes_entries(self._period(reversal.spec)):
                return replace(stands, date=options.date or stands.date)
        found = dating_of(
            original.spec, periods, freeze=self._freeze, period=options.period, date=options.date
        )
        if found is None:
            period = Dating.of(original.spec).period
            free = "" if self._freeze == NOTHING_FROZEN else " that is not frozen"
            raise verb_refused("reversal-period", f"no open period{free} follows {period}")
        return found

    def _reverse(
        self, original: Original, dating: Dating, reversal: Declared | None, target: Path
    ) -> None:
        options, tenant = self._options, self._workspace.tenant
        notes = f"Reversal of {original.number}" + (f": {options.reason}" * bool(options.reason))
        if reversal is not None and not options.reason:
            notes = text_of(reversal.spec.get("notes")) or notes
        spec = reversed_spec(original.spec, dating, notes)
        declared = original.declared
        keeps = declared is None or options.rebook
        rebook = "--rebook" if reversal is None else "--rebook-only"
        if declared is not None and not keeps and remainders(declared.spec, spec, tenant):
            raise verb_refused(
                "reversal-nets",
                f"the file of {original.name} ({declared.source}) differs from what is posted as "
                f"{original.number}",
                f"Run {suggested('reverse', original.name, rebook)}: it moves the edit into a "
                "new entry. Or restore the file.",
            )
        self._advise(original)
        name = reversal.address.name if reversal is not None else self._new_name(original, SUFFIX)
        text = self._comment(original)
        text += self._declaration(name, declared, spec, reverses=original.name)
        if reversal is not None:
            present = self._text(target)
            self.files[target] = with_document(present, reversal.source.index, text)
        else:
            self._append(target, text)

    def _rebook(self, original: Original, dating: Dating, reversal: Declared | None) -> None:
        """Declare the corrected entry: the edited file, or a copy of what was posted."""
        if self._options.rebook_only and reversal is None:
            command = suggested("reverse", original.name, "--rebook")
            raise Refused(f"nothing reverses {original.name}", remedy=f"Run {command}.")
        corrected = f"{original.name.lower()}{REBOOKED}"
        there = self._workspace.declared.get(Address(JOURNAL_ENTRY.name, corrected))
        if there is not None:
            # Under another name, both would be posted.
            raise Refused(
                f"{corrected} corrects {original.name} already ({there.source})",
                remedy=f"Edit {corrected} in {there.source.path}.",
            )
        name = self._new_name(original, REBOOKED)
        declared = original.declared
        target = self._target(original)
        if declared is None or not original.is_edited:
            spec = {**original.spec, **dating.fields}
            self._append(target, self._declaration(name, declared, spec))
            return
        if reversal is not None and reversal.generated_by == declared.address:
            self.generate[reversal.source.path] = written_again(reversal, original.name)
        path = self._path(declared)
        present = self._text(path)
        dating = self._dating_of_edit(original.spec, declared.spec, dating)
        edits = {
            ("metadata", "name"): name,
            **{("metadata", field): None for field in _OF_THE_ORIGINAL},
            **{("spec", field): text_of(value) for field, value in dating.fields.items()},
            ("spec", JOURNAL_ENTRY.transfer): None,
        }
        tenant, index = self._workspace.tenant, declared.source.index
        moved = edited(documents_in(present)[index], edits, tenant)
        before = committed_text(
            self._workspace.root, original, commit=self._posted.applied_commit, tenant=tenant
        )
        if before is None:
            before = recorded_text(original, tenant)
            self.notes.append(
                f"{declared.source.path} is restored from the daybook, without comments: no commit "
                f"of the last apply declares {original.number} as it is posted."
            )
        self.files[path] = with_document(present, index, before)
        self.kept.append(path)
        self._append(target, moved)

    def _dating_of_edit(
        self, posted: Mapping[str, Value], edited: Mapping[str, Value], reversal: Dating
    ) -> Dating:
        """The period and the date of a corrected entry: of the edit if it changed them.

        Where the period that the edit names takes no entries, they are those of the reversal.
        """
        before, after = Dating.of(posted), Dating.of(edited)
        if after.period != before.period:
            return after if self._takes_entries(self._period(edited)) else reversal
        return after if after != before and after.period == reversal.period else reversal

    def _advise(self, original: Original) -> None:
        """What else could be done, or has to be known."""
        period = self._period(original.spec)
        transfer = text_of(original.live.fields.get(JOURNAL_ENTRY.transfer)) or TransferState.NO
        free = transfer not in (TransferState.YES, TransferState.PROCESSING)
        declared = original.declared
        if original.live.fields.get("transactionType") in TRANSACTION_TYPES or original.made_by:
            run = original.made_by or "its journal run"
            self.notes.append(
                f"The source transactions of {original.number} stay with {run}; the next run does "
                "not take them."
            )
        elif declared is None or declared.protect or declared.generated_by or self._posted.offline:
            # Without a file, or without this one, no apply would cancel it.
            return
        elif free and period is not None and self._takes_entries(period):
            self.notes.append(
                f"{original.number} is not transferred and {period.name} is open. If you remove "
                "its declaration instead, the next apply cancels it."
            )

    def _comment(self, original: Original) -> str:
        period = Dating.of(original.spec).period
        known = self._period(original.spec)
        state = _STATES.get(known.status) if known is not None else None
        named = original.name
        if named != original.number:
            named += f" ({original.number})"
        text = f"# Reverses {named} of {period}" + (f", which is {state}" if state else "")
        if self._posted.offline:
            text += ", as the daybook recorded it"
        return f"{text}. Written by reconciler reverse.\n"

    @property
    def _freeze(self) -> Freeze:
        settings = self._workspace.settings
        return settings.policy.freeze if settings is not None else NOTHING_FROZEN

    def _takes_entries(self, period: AccountingPeriod | None) -> bool:
        """Whether a period is open and not frozen."""
        if period is None or period.status != PeriodStatus.OPEN:
            return False
        return not self._freeze.covers(period.name, period.status)

    def _period(self, spec: Mapping[str, Value]) -> AccountingPeriod | None:
        name = Dating.of(spec).period
        return next((one for one in self._posted.periods if one.name == name), None)

    def _declaration(
        self, name: str, original: Declared | None, spec: Mapping[str, Value], **more: Value
    ) -> str:
        labels = {"labels": original.labels} if original is not None and original.labels else {}
        metadata = {"name": name, **more, **labels}
        return declarations_text([(JOURNAL_ENTRY.name, metadata, spec)], self._workspace.tenant)

    def _new_name(self, original: Original, suffix: str) -> str:
        options = self._options
        given = options.name if suffix == SUFFIX or options.rebook_only else None
        name = given or f"{original.name.lower()}{suffix}"
        if len(name) > LONGEST_NAME:
            raise verb_refused("reversal-name", f"{name} has {len(name)} characters")
        there = self._workspace.declared.get(Address(JOURNAL_ENTRY.name, name))
        if there is not None:
            raise Refused(
                f"{name} is declared already ({there.source})",
                remedy="Choose another name with --name.",
            )
        return name

    def _target(self, original: Original) -> Path:
        """The file of the reversal: beside that of the original."""
        root = self._workspace.root
        if self._options.to is not None:
            return root / self._options.to
        if original.declared is None:
            return root / "reversals" / f"{original.number.lower()}.yaml"
        path = self._path(original.declared)
        return path.with_name(f"{path.stem}.reversal.yaml")

    def _path(self, declared: Declared) -> Path:
        return self._workspace.root / declared.source.path

    def _text(self, path: Path) -> str:
        """The text of a file, as far as it is written by now; empty for a new one."""
        if path in self.files:
            return self.files[path] or ""
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def _append(self, path: Path, text: str) -> None:
        present = self._text(path)
        self.files[path] = "---\n".join(filter(None, (present, text)))
        self.kept.append(path)


_OF_THE_ORIGINAL = (
    *("adopts", "journalRun", "previousName"),
    *("acknowledges", "reverses", "generatedBy"),
)
"""The metadata that an entry does not hand on to the one that takes its place."""

_STATES = {
    PeriodStatus.OPEN.value: "open",
    PeriodStatus.PENDING_CLOSE.value: "about to be closed",
    PeriodStatus.CLOSED.value: "closed",
}
