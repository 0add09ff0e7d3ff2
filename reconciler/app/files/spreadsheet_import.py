"""Declares the journals of a spreadsheet: one file an entry, all of them or none."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from reconciler.app.files.file_changes import WritingOptions, write_files
from reconciler.app.files.text_files import unreadable
from reconciler.app.progress import FileProblems, Note, Tell
from reconciler.app.workspace import CheckedWorkspace, read_workspace, require_valid
from reconciler.core.model.canonical import content_of
from reconciler.core.model.finding import Finding, Severity, counted
from reconciler.core.model.kinds.journal_entry import JOURNAL_ENTRY
from reconciler.core.model.resource import (
    Address,
    Declared,
    Source,
    Value,
    mapping_of,
)
from reconciler.core.model.sheets.sheet_import import CellFinding, SheetFindings, SheetSummary
from reconciler.core.model.similar_names import KnownNames
from reconciler.core.model.tenant import Tenant
from reconciler.core.rules.entries import check, check_together
from reconciler.core.rules.verb_rules import SHEET_RULES
from reconciler.errors import FilesRefused, Refused, UsageError
from reconciler.values import dataclass
from reconciler.workspace.declarations import declared_from
from reconciler.workspace.formatter.writer import declarations_text
from reconciler.workspace.json_schema import API_VERSION, is_valid
from reconciler.workspace.schema_errors import explain
from reconciler.workspace.spreadsheet.cells import Sheet, SpreadsheetRefused, place_of
from reconciler.workspace.spreadsheet.csv_file import read_csv
from reconciler.workspace.spreadsheet.mapping import SpreadsheetMapping, mapping_from
from reconciler.workspace.spreadsheet.sheet_entries import (
    IN_MAPPING,
    SheetEntries,
    SheetEntry,
    entries_of,
)
from reconciler.workspace.spreadsheet.workbook import read_workbook
from reconciler.workspace.yaml_reader import read

MAPPING = "SpreadsheetMapping"
MOST_SHOWN = 100
"""Findings that are shown; the rest are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpreadsheetOptions:
    """Which sheet is imported, and how."""

    file: Path
    mapping: str
    sheet: str | None = None
    update: bool = False
    """Change declarations that differ from the sheet."""
    writing: WritingOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """An entry of the sheet as a document for the file at `path`; `old` declares it now."""

    entry: SheetEntry
    metadata: Mapping[str, Value]
    path: str
    old: Declared | None

    def document(self) -> Mapping[str, Value]:
        """The document that the file is to hold."""
        kind, spec = JOURNAL_ENTRY.name, self.entry.spec
        return {"apiVersion": API_VERSION, "kind": kind, "metadata": self.metadata, "spec": spec}

    def declared(self) -> Declared:
        """What the document declares. It must fit its schema."""
        return declared_from(JOURNAL_ENTRY.name, self.document(), Source(self.path))

    def text(self, tenant: Tenant) -> str:
        return declarations_text([(JOURNAL_ENTRY.name, self.metadata, self.entry.spec)], tenant)

    def changes(self) -> bool:
        """Whether a file has to be written. Only the name of the spreadsheet changes none."""
        if self.old is None:
            return True
        old, new = (
            (content_of(JOURNAL_ENTRY, one.spec), one.labels) for one in (self.old, self.declared())
        )
        return old != new


def import_spreadsheet(
    workspace: CheckedWorkspace, options: SpreadsheetOptions, *, tell: Tell
) -> int:
    """Write a declaration for each entry of a sheet, and return the exit code.

    What equals its declaration is left as it is, to the byte. Raises FilesRefused for a sheet or
    a workspace with problems, and Refused for a changed declaration without `update`.
    """
    require_valid(workspace)
    mapping = _mapping(workspace, options.mapping)
    sheet = _sheet(options, mapping)
    found = entries_of(sheet, mapping, workspace.tenant)
    _refuse(found.findings, options.file, tell)
    run = _Import(workspace, options.file.name, mapping, sheet, found.entries)
    _refuse([*run.claimed()], options.file, tell)
    drafts = [run.draft(entry) for entry in found.entries]
    _refuse(sorted({*run.checked(drafts)}), options.file, tell)
    changes = [draft for draft in drafts if draft.changes()]
    updated = [draft.entry.name for draft in changes if draft.old is not None]
    tell(_summary(found, sheet, new=len(changes) - len(updated), changed=len(updated)))
    for declared in run.vanished():
        tell(
            Note(
                text=f"warning[import-vanished]: {declared.address.name} at {declared.source} came "
                f"from this sheet, which no longer has it. {SHEET_RULES['import-vanished'].remedy}"
            )
        )
    refused = updated and not options.update
    code = write_files(
        workspace.root,
        {workspace.root / draft.path: draft.text(workspace.tenant) for draft in changes},
        WritingOptions(dry_run=True) if refused else options.writing,
        tell=tell,
        prove=lambda: _prove(workspace.root, tell),
    )
    if refused:
        names = ", ".join(updated[:5]) + (", …" if len(updated) > 5 else "")
        raise Refused(
            f"import-changed: the sheet changes {names}",
            remedy=SHEET_RULES["import-changed"].remedy,
        )
    return code


def _prove(root: Path, tell: Tell) -> None:
    """Raises FilesRefused if the workspace has errors now: custom rules know no cells."""
    workspace = read_workspace(root)
    if workspace.errors:
        tell(FileProblems(problems=workspace.errors, root=root))
        raise FilesRefused(
            "the declarations violate rules of this workspace, so nothing was written",
            remedy="Correct the cells, or the mapping.",
        )


def _mapping(workspace: CheckedWorkspace, name: str) -> SpreadsheetMapping:
    document = workspace.supporting.get(Address(MAPPING, name))
    if document is None:
        known = (address.name for address in workspace.supporting if address.kind == MAPPING)
        close = KnownNames(known).nearest(name)
        raise UsageError(
            f"the workspace has no {MAPPING} `{name}`",
            remedy=f"Did you mean `{close}`?"
            if close
            else "Declare one. `reconciler schema SpreadsheetMapping` describes it.",
        )
    return mapping_from(document.value, document.source)


def _sheet(options: SpreadsheetOptions, mapping: SpreadsheetMapping) -> Sheet:
    file, suffix = options.file, options.file.suffix.lower()
    try:
        if suffix == ".csv":
            return read_csv(file, delimiter=mapping.delimiter, encoding=mapping.encoding)
        if suffix == ".xlsx":
            return read_workbook(file, sheet=options.sheet or mapping.sheet)
    except SpreadsheetRefused as refused:
        raise FilesRefused(f"{file}: {refused.message}", remedy=refused.remedy) from refused
    except OSError as error:
        found = unreadable(file, error)
        raise UsageError(found.message, remedy=found.remedy) from error
    raise UsageError(
        f"{file} is not a .csv or .xlsx file",
        remedy="Save it as .xlsx or as CSV in a spreadsheet program.",
    )


def _refuse(findings: Sequence[CellFinding], file: Path, tell: Tell) -> None:
    if not findings:
        return
    count, first = len(findings), findings[0].rule
    tell(SheetFindings(findings=tuple(findings[:MOST_SHOWN]), count=count))
    raise FilesRefused(
        f"{counted(count, 'problem')} in {file}; nothing was written",
        remedy=f"Correct the places above. `reconciler explain {first}` explains the first rule.",
    )


@dataclass(frozen=True, slots=True)
class _Import:
    """The entries of a sheet of a file, as a mapping declares them in a workspace."""

    workspace: CheckedWorkspace
    file: str
    mapping: SpreadsheetMapping
    sheet: Sheet
    entries: Sequence[SheetEntry]

    def claimed(self) -> Iterator[CellFinding]:
        """A finding for each name that a file declares, but not from this key of this mapping."""
        for entry in self.entries:
            old = self._declared(entry)
            origin = old.imported_from if old is not None else None
            here = self.mapping.name, entry.key
            if old is None or (origin is not None and (origin.mapping, origin.key) == here):
                continue
            remedy = "Choose another `name.prefix` in the mapping, or remove that declaration."
            if (source := old.generated_by) is not None:
                remedy = f"Edit {source.name}, from which it is generated, and remove these rows."
            finding = Finding(
                source=old.source,
                path=("metadata", "name"),
                rule="sheet-key",
                message=f"{entry.name} is declared at {old.source}, and not by this key",
                remedy=remedy,
            )
            yield self._at_cell(finding, entry)

    def _declared(self, entry: SheetEntry) -> Declared | None:
        return self.workspace.declared.get(Address(JOURNAL_ENTRY.name, entry.name))

    def draft(self, entry: SheetEntry) -> _Draft:
        """The document of an entry. What people wrote into the metadata of its file stays."""
        old = self._declared(entry)
        written = _written_metadata(old, self.workspace) if old is not None else {}
        labels = {**mapping_of(written.get("labels")), **self.mapping.labels}
        metadata: dict[str, Value] = {
            **written,
            "name": entry.name,
            **({"labels": labels} if labels else {}),
            "importedFrom": {
                "file": self.file,
                "sheet": self.sheet.name,
                "key": entry.key,
                "mapping": self.mapping.name,
            },
        }
        path = f"{self.mapping.directory}/{entry.name}.yaml" if old is None else old.source.path
        return _Draft(entry=entry, metadata=metadata, path=path, old=old)

    def checked(self, drafts: Sequence[_Draft]) -> Iterator[CellFinding]:
        """What the rules of files and of accounting find, each at its cell or in the mapping."""
        entries = {draft.path: draft.entry for draft in drafts}
        tenant = self.workspace.tenant
        findings: list[Finding] = []
        declared: dict[Address, Declared] = dict(self.workspace.declared)
        for draft in drafts:
            if is_valid(JOURNAL_ENTRY.name, draft.document()):
                new = draft.declared()
                declared[new.address] = new
                findings += check(new, tenant)
            else:
                source = Source(draft.path)
                findings += explain(
                    JOURNAL_ENTRY.name, draft.document(), source=source, at_most=MOST_SHOWN
                )
        findings += check_together(declared.values(), tenant)
        for one in findings:
            entry = entries.get(one.source.path)
            if entry is not None and one.severity is Severity.ERROR:
                yield self._at_cell(one, entry)

    def _at_cell(self, finding: Finding, entry: SheetEntry) -> CellFinding:
        row, column = cell = entry.cell_of(finding.path)
        in_sheet = place_of(self.sheet.name, row, column)
        return CellFinding(
            row=row,
            column=column,
            place=str(self.mapping.source) if cell == IN_MAPPING else in_sheet,
            rule=finding.rule,
            message=finding.message,
            remedy=finding.remedy,
        )

    def vanished(self) -> Iterator[Declared]:
        """The declarations that came from this sheet of this file, and whose key is gone."""
        keys = {entry.key for entry in self.entries}
        here = (self.file, self.sheet.name, self.mapping.name)
        for declared in self.workspace.declared.values():
            origin = declared.imported_from
            if origin is None or origin.key in keys:
                continue
            if here == (origin.file, origin.sheet, origin.mapping):
                yield declared


def _written_metadata(declared: Declared, workspace: CheckedWorkspace) -> Mapping[str, Value]:
    path = declared.source.path
    documents, _ = read((workspace.root / path).read_bytes(), path=path)
    if len(documents) != 1:
        raise Refused(
            f"{path} holds {len(documents)} documents, and a sheet has one file for each entry",
            remedy=f"Move {declared.address.name} into a file of its own.",
        )
    return mapping_of(mapping_of(documents[0].value).get("metadata"))


def _summary(found: SheetEntries, sheet: Sheet, *, new: int, changed: int) -> SheetSummary:
    return SheetSummary(
        sheet=sheet.name,
        rows=found.rows,
        entries=len(found.entries),
        new=new,
        changed=changed,
        zero_rows=found.zero_rows,
        debits=found.totals,
        controlled=found.controlled,
    )
