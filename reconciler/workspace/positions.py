"""Turns findings in documents into problems at a line and a column."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from itertools import groupby
from pathlib import Path as FilePath
from typing import TypeAlias

from yaml import CLoader, MappingNode, Node, SequenceNode, compose_all

from reconciler.core.model.finding import Finding, Problem
from reconciler.core.model.resource import Path, Source
from reconciler.workspace.files import FoundFile, read_bytes

Place: TypeAlias = tuple[int, int]
"""A line and a column, both from 1."""


def locate(
    root: FilePath, findings: Iterable[Finding], contents: Mapping[str, str]
) -> tuple[Problem, ...]:
    """The findings as problems, sorted; only the files they are in are read again.

    `contents` has the SHA-256 of each file as it was read. A file that changed since has no places
    but the lines of its documents. A field stands where its key begins, a list item where it
    begins. A path that the document does not have is placed at its nearest parent.
    """
    by_file = sorted(findings, key=lambda finding: finding.source)
    located = sorted(
        _problem(finding, documents)
        for path, group in groupby(by_file, key=lambda finding: finding.source.path)
        for documents in (positions(_content(root, path, contents.get(path, ""))),)
        for finding in group
    )
    return tuple(_bounded(located))


def _bounded(problems: Iterable[Problem]) -> Iterator[Problem]:
    """The problems, but at most MAX_TOLD of one rule in one file, and how many more there are."""
    told: Counter[tuple[str, str]] = Counter()
    first_untold: dict[tuple[str, str], Problem] = {}
    for problem in problems:
        key = problem.path, problem.rule
        told[key] += 1
        if told[key] <= MAX_TOLD:
            yield problem
        else:
            first_untold.setdefault(key, problem)
    for key, problem in first_untold.items():
        more = told[key] - MAX_TOLD
        times = "once more" if more == 1 else f"{more:,} times more"
        message = f"the file breaks this rule {times}, from here on"
        remedy = "Correct the places named above, then validate again."
        yield replace(problem, message=message, remedy=remedy)


MAX_TOLD = 50
"""Places in one file that are named for one rule."""


def positions(data: bytes) -> tuple[Mapping[Path, Place], ...]:
    """Where every value of every document stands, in a file that the strict reader accepts.

    The composer of libyaml is recursive, so nothing else is given to it.
    """
    return tuple(dict(_places(node)) for node in compose_all(data.decode("utf-8"), Loader=CLoader))


def _content(root: FilePath, path: str, digest: str) -> bytes:
    data, _ = read_bytes(FoundFile(path, str((root / path).resolve())))
    return data if sha256(data).hexdigest() == digest else b""


def _problem(finding: Finding, documents: tuple[Mapping[Path, Place], ...]) -> Problem:
    source = finding.source
    known = documents[source.index] if source.index < len(documents) else {}
    line, column = _nearest(known, finding.path, source)
    return Problem(
        path=source.path,
        line=line,
        column=column,
        rule=finding.rule,
        message=finding.message,
        remedy=finding.remedy,
        severity=finding.severity,
        of_tenant=finding.of_tenant,
        name=finding.name,
    )


def _nearest(known: Mapping[Path, Place], path: Path, source: Source) -> Place:
    for length in range(len(path), -1, -1):
        if place := known.get(path[:length]):
            return place
    return (source.line, 1)


def _places(root: Node) -> Iterator[tuple[Path, Place]]:
    waiting: list[tuple[Path, Node]] = [((), root)]
    yield (), _start(root)
    while waiting:
        path, node = waiting.pop()
        if isinstance(node, MappingNode):
            for key, value in node.value:
                yield (*path, key.value), _start(key)
                waiting.append(((*path, key.value), value))
        elif isinstance(node, SequenceNode):
            for position, item in enumerate(node.value):
                yield (*path, position), _start(item)
                waiting.append(((*path, position), item))


def _start(node: Node) -> Place:
    return node.start_mark.line + 1, node.start_mark.column + 1
