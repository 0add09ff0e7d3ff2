"""Reads a workspace: every declaration in it, its settings, its Reference, and its problems."""

import os
import shlex
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import field
from hashlib import sha256
from itertools import islice
from pathlib import Path
from types import MappingProxyType

from reconciler.core.model.finding import Finding, Problem
from reconciler.core.model.resource import (
    Address,
    Declared,
    Source,
    SupportingDocument,
    Value,
)
from reconciler.core.model.schedule import COMPUTED_FROM
from reconciler.core.model.similar_names import KnownNames
from reconciler.core.planning.renames import previous_of
from reconciler.values import dataclass
from reconciler.workspace.cache.known_files import KnownFile
from reconciler.workspace.cut_texts import BESIDE_A_VALUE, cut_texts
from reconciler.workspace.declarations import declared_from, supporting_from
from reconciler.workspace.files import FoundFile, find, read_file
from reconciler.workspace.json_schema import (
    API_VERSION,
    REFERENCE,
    SCHEMAS,
    SUPPORTING,
    WORKSPACE,
    is_valid,
)
from reconciler.workspace.positions import locate
from reconciler.workspace.reference_checks import reference_flaws
from reconciler.workspace.rules import finding, problem
from reconciler.workspace.schema_errors import MAX_EXPLAINED, explain
from reconciler.workspace.yaml_reader import Document, read

WORKSPACE_FILE = "reconciler.yaml"
USUAL = "journals"
"""The usual directory of a workspace."""

_MOST_SEARCHED = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedWorkspace:
    """What a workspace holds.

    `declared` and `supporting` are sorted by address and `problems` by place. `workspace` and
    `reference` are the documents of those kinds, None when there is none that fits its schema.
    `computes`: some of it asks for generated entries. `contents` has the SHA-256 of each YAML file
    by its path, and `digest` is that of all together. While a problem of severity error
    remains, nothing may be concluded from what is missing.
    """

    workspace: Mapping[str, Value] | None
    reference: Mapping[str, Value] | None
    declared: tuple[Declared, ...]
    supporting: tuple[SupportingDocument, ...]
    problems: tuple[Problem, ...]
    computes: bool
    contents: Mapping[str, str]
    digest: str
    declaring: Mapping[str, KnownFile] = field(default_factory=lambda: MappingProxyType({}))
    """The files that only declare and have no problem of their own, by path."""


def load(
    root: Path,
    *,
    known: Callable[[Sequence[FoundFile]], Mapping[str, KnownFile]] = lambda _: {},
) -> LoadedWorkspace:
    """Read every YAML file below the directory. Nothing in them is executed, fetched or opened.

    A directory without a `reconciler.yaml` is none of ours: nothing else in it is looked at.
    `known` gives what need not be read here, by path: files that only declare and have no problem.
    """
    if not root.is_dir():
        return _nothing(root, f"there is no directory `{root}`")
    if not os.path.lexists(root / WORKSPACE_FILE):
        near = os.path.lexists(root / "reconciler.yml")
        return _nothing(
            root,
            f"`{WORKSPACE_FILE}` is missing"
            + ("; it is not named `reconciler.yml`" if near else ""),
        )
    found, problems = find(root)
    reading, known_files = _Reading(), known(found)
    files_that_declare: dict[str, KnownFile] = {}
    contents: dict[str, str] = {}
    collected = list(problems)
    for file in found:
        if (earlier := known_files.get(file.path)) is not None:
            contents[file.path] = earlier.digest
            files_that_declare[file.path] = earlier
            for one in earlier.declared:
                reading.declare(one)
            continue
        digest, documents, flaws = _read(file)
        contents[file.path] = digest
        collected += flaws
        declared = reading.take_all(documents, file.path)
        if not flaws and len(declared) == len(documents):
            files_that_declare[file.path] = KnownFile(digest=digest, declared=declared)
    if not reading.has_workspace and not any(flaw.path == WORKSPACE_FILE for flaw in collected):
        collected.append(_no_workspace(f"`{WORKSPACE_FILE}` holds no Workspace"))
    reading.check_previous_names()
    imported = {one.imported_from.file for one in reading.declared.values() if one.imported_from}
    told = (
        one
        for one in collected
        if one.rule != "file-spreadsheet" or one.path.rpartition("/")[2] not in imported
    )
    return _loaded(
        reading,
        problems=(*told, *locate(root, reading.findings, contents)),
        contents=contents,
        declaring=files_that_declare,
    )


def read_again(root: Path, paths: Container[str]) -> tuple[Declared, ...]:
    """The declarations in some files, from their bytes alone: in files without any problem."""
    files = (declaring(file) for file in find(root)[0] if file.path in paths)
    return tuple(one for file in files if file is not None for one in file.declared)


def declaring(file: FoundFile) -> KnownFile | None:
    """A file that only declares and has no problem of its own; None for any other."""
    (digest, documents, flaws), reading = _read(file), _Reading()
    declared = reading.take_all(documents, file.path)
    if flaws or reading.findings or len(declared) < len(documents):
        return None
    return KnownFile(digest=digest, declared=declared)


def _read(file: FoundFile) -> tuple[str, tuple[Document, ...], tuple[Problem, ...]]:
    """The SHA-256 of a file, its documents, and what is wrong with it as YAML."""
    data, flaw = read_file(file)
    documents, flaws = ((), (flaw,)) if flaw else read(data, path=file.path)
    if not documents and not flaws:
        fact = "the file holds comments only"
        flaws = (problem("file-empty", file.path, fact),)
    if flaw is None and b"#" in data and BESIDE_A_VALUE.search(data):
        flaws = (*flaws, *cut_texts(data, documents, path=file.path))
    return sha256(data).hexdigest(), documents, flaws


def _loaded(
    reading: "_Reading",
    *,
    problems: tuple[Problem, ...],
    contents: Mapping[str, str],
    declaring: Mapping[str, KnownFile] = MappingProxyType({}),
) -> LoadedWorkspace:
    digest = sha256()
    contents = dict(sorted(contents.items()))
    for path, content in contents.items():
        digest.update(f"{path}\0{content}\n".encode())
    return LoadedWorkspace(
        workspace=reading.workspace,
        reference=reading.reference,
        declared=tuple(declared for _, declared in sorted(reading.declared.items())),
        supporting=tuple(document for _, document in sorted(reading.supporting.items())),
        problems=tuple(sorted(problems)),
        computes=reading.computes,
        contents=contents,
        digest=digest.hexdigest(),
        declaring=declaring,
    )


def _nothing(root: Path, fact: str) -> LoadedWorkspace:
    return _loaded(_Reading(), problems=(_no_workspace(fact, near=nearest(root)),), contents={})


def _no_workspace(fact: str, *, near: Path | None = None) -> Problem:
    remedy = ""
    if near is not None:
        fact = f"{fact}, but there is a workspace at `{near}`"
        remedy = f"Name it: run the command with `-w {shlex.quote(str(near))}`."
    return problem("workspace-file", ".", fact, remedy=remedy)


def nearest(root: Path) -> Path | None:
    """A workspace around a directory, beside it, or just below it; None where none is near."""
    here = root.resolve()
    places = [place for above in (here, *here.parents) for place in (above, above / USUAL)]
    with suppress(OSError), os.scandir(here) as entries:
        places += sorted(here / entry.name for entry in islice(entries, _MOST_SEARCHED))
    return next((place for place in places if (place / WORKSPACE_FILE).is_file()), None)


class _Reading:
    """Gathers the documents of a workspace and what is wrong with them."""

    def __init__(self) -> None:
        self.workspace: Mapping[str, Value] | None = None
        self.reference: Mapping[str, Value] | None = None
        self.declared: dict[Address, Declared] = {}
        self.supporting: dict[Address, SupportingDocument] = {}
        self.findings: list[Finding] = []
        self.has_workspace = False
        self.computes = False
        self._explained: Counter[str] = Counter()
        self._reference_source: Source | None = None
        self._adopting: dict[tuple[str, str], Declared] = {}
        self._claiming: dict[Address, Declared] = {}

    def take_all(self, documents: Iterable[Document], path: str) -> tuple[Declared, ...]:
        """Take the documents of a file. Returns the declarations that fit their schema."""
        taken = (
            self.take(document, Source(path, document.line, index))
            for index, document in enumerate(documents)
        )
        return tuple(one for one in taken if one is not None)

    def take(self, document: Document, source: Source) -> Declared | None:
        """Take a document. Returns it if it is a declaration that fits its schema."""
        value = document.value
        if not isinstance(value, dict) or not ("apiVersion" in value or "kind" in value):
            self._find(source, (), "document-shape", *_shape_of(value))
            return None
        kind = value.get("kind")
        flaws = tuple(_flaws_of_kind(value.get("apiVersion"), kind, source))
        self.findings += flaws
        if flaws or not isinstance(kind, str):
            return None
        accepted = self._is_in_place(kind, source)
        if not is_valid(kind, value):
            # Of a file that holds many such documents, each is told once after that.
            rest = max(1, MAX_EXPLAINED - self._explained[source.path])
            found = explain(kind, value, source=source, at_most=rest)
            self._explained[source.path] += len(found)
            self.findings += found
        elif not accepted:
            return None
        elif kind == WORKSPACE:
            self.workspace = value
        elif kind == REFERENCE:
            self.findings += reference_flaws(value, source=source)
            self.reference = value
        elif kind in SUPPORTING:
            new = supporting_from(kind, value, source)
            self.computes |= kind in COMPUTED_FROM
            if (first := self.supporting.setdefault(new.address, new)) is not new:
                self._find_second(new, first)
        else:
            declared = declared_from(kind, value, source)
            self.declare(declared)
            return declared
        return None

    def _is_in_place(self, kind: str, source: Source) -> bool:
        if kind == WORKSPACE:
            if source.path != WORKSPACE_FILE or self.has_workspace:
                where = f"a second one stands in `{source.path}`"
                if source.path != WORKSPACE_FILE:
                    where = f"this one is not in `{WORKSPACE_FILE}` at the root"
                self._find(source, ("kind",), "workspace-single", f"a Workspace, but {where}")
                return False
            self.has_workspace = True
        if kind == REFERENCE:
            if self._reference_source is not None:
                fact = f"another Reference stands at {self._reference_source}"
                self._find(source, ("kind",), "reference-single", fact)
                return False
            self._reference_source = source
        return True

    def declare(self, declared: Declared) -> None:
        """Take a declaration, and hold its names to those of the others."""
        self.computes |= declared.reverse_on is not None or declared.generated_by is not None
        if (first := self.declared.setdefault(declared.address, declared)) is not declared:
            self._find_second(declared, first)
            return
        if (number := declared.adopts) is not None:
            other = self._adopting.setdefault((declared.address.kind, number), declared)
            if other is not declared:
                fact = f"{number} is adopted by {other.address} at {other.source} already"
                self._find(declared.source, ("metadata", "adopts"), "unique-adoption", fact)
        if declared.previous_name is not None:
            previous = previous_of(declared)
            other = self._claiming.setdefault(previous, declared)
            if other is not declared:
                fact = f"{previous} became {other.address} at {other.source} already"
                path = ("metadata", "previousName")
                self._find(declared.source, path, "unique-previous-name", fact)

    def _find_second(
        self, document: Declared | SupportingDocument, first: Declared | SupportingDocument
    ) -> None:
        fact = f"{document.address} is declared at {first.source} already"
        self._find(document.source, ("metadata", "name"), "unique-name", fact)

    def check_previous_names(self) -> None:
        """Hold the names that were given up to those that are borne: all must be read first."""
        for previous, declared in self._claiming.items():
            bearer = self.declared.get(previous)
            if bearer is None:
                continue
            fact = f"{previous} is declared at {bearer.source}"
            if bearer is declared:
                fact = f"`{previous.name}` is the declaration's own name"
            self._find(declared.source, ("metadata", "previousName"), "previous-name", fact)

    def _find(
        self, source: Source, path: tuple[str, ...], rule: str, fact: str, remedy: str = ""
    ) -> None:
        self.findings.append(finding(rule, source, path, fact, remedy=remedy))


def _flaws_of_kind(version: Value, kind: Value, source: Source) -> Iterator[Finding]:
    if version != API_VERSION:
        fact = f"`apiVersion` is `{version}`" if version else "`apiVersion` is missing"
        yield finding("document-version", source, ("apiVersion",), fact)
    if not isinstance(kind, str) or kind not in SCHEMAS:
        fact = f"`kind` is `{kind}`, which is not known" if kind else "`kind` is missing"
        close = KnownNames(SCHEMAS).nearest(str(kind)) if kind else None
        word = f"`{close}`" if close else f"one of {', '.join(SCHEMAS)}"
        remedy = f"Write {word}, or move the file out of the workspace."
        path = ("kind",)
        yield finding("document-kind", source, path, fact, remedy=remedy)


def _shape_of(value: Value) -> tuple[str, str]:
    """What a document without `apiVersion` and `kind` is, and what to do about it."""
    if value is None:
        return "the document is empty", "Remove it with the `---` before it, or restore it."
    if isinstance(value, tuple):
        return (
            "the document is a list, but a file holds documents",
            "Remove each `- ` and two spaces before the other lines. Put `---` between items.",
        )
    if isinstance(value, dict):
        return "the document has neither `apiVersion` nor `kind`", ""
    return "the document is a single value", ""
