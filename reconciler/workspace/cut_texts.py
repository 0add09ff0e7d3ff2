"""Texts that a comment sign may have cut: ` #` begins a comment, also where a number was meant.

A comment beside a text is ordinary if the text could not go on there, as in a currency; or if two
spaces stand before the sign and one after it, as `fmt` writes comments. Notes and reasons are
sentences, so beside them no comment is ordinary.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from yaml import CLoader, MappingNode, Node, ScalarNode, SequenceNode, compose_all

from reconciler.core.model.finding import Problem
from reconciler.core.model.resource import Path, Value
from reconciler.workspace.json_schema import SCHEMAS, is_valid
from reconciler.workspace.rules import problem
from reconciler.workspace.yaml_reader import Document, plain_value

BESIDE_A_VALUE: Final = re.compile(rb"\S[ \t]+#")
"""A comment that may have cut a text. Most files have none."""

_COMMENT: Final = re.compile(r"([ \t]+)(#[^\r\n]*)")
_SENTENCES: Final = frozenset({"notes", "reason"})
_MOST: Final = 20
"""Places named for one file."""


def cut_texts(data: bytes, documents: tuple[Document, ...], *, path: str) -> Iterator[Problem]:
    """A warning at each comment sign that may have cut a text, in a file without other problems."""
    text = data.decode("utf-8")
    told = 0
    roots = compose_all(text, Loader=CLoader)
    for document, root in zip(documents, roots, strict=False):
        for place, node in _plain_texts(root):
            found = _COMMENT.match(text, node.end_mark.index)
            if found is None or not _may_be_text(document.value, place, node.value, found):
                continue
            line = node.end_mark.line + 1
            column = node.end_mark.column + len(found[1]) + 1
            yield _warning(path, (line, column), node.value, found)
            told += 1
            if told == _MOST:
                return


def _warning(path: str, at: tuple[int, int], value: str, found: re.Match[str]) -> Problem:
    comment = found[2].rstrip()
    quoted = (value + found[1] * bool(value) + comment).replace("\\", "\\\\").replace('"', '\\"')
    return problem(
        "yaml-comment",
        path,
        f"`{comment[:60]}` is a comment, and no part of the text before it",
        at=at,
        remedy=f'Write "{quoted[:200]}" in quotes, or put the comment on a line of its own.',
    )


def _may_be_text(document: Value, place: Path, value: str, found: re.Match[str]) -> bool:
    gap, comment = found[1], found[2]
    usual = len(gap) > 1 and re.match(r"#+( |$)", comment) and place[-1] not in _SENTENCES
    kind = document.get("kind") if isinstance(document, dict) else None
    if usual or kind not in SCHEMAS or (not value and comment[1:2] in ("", " ")):
        return False
    return is_valid(str(kind), _with(document, place, f"{value}{gap}{comment}"))


def _with(value: Value, path: Path, text: str) -> Value:
    """The value with this text in one place."""
    if not path:
        return text
    step, rest = path[0], path[1:]
    if isinstance(value, dict):
        return {**value, str(step): _with(value[str(step)], rest, text)}
    assert isinstance(value, tuple)
    assert isinstance(step, int)
    return (*value[:step], _with(value[step], rest, text), *value[step + 1 :])


def _plain_texts(root: Node) -> Iterator[tuple[Path, ScalarNode]]:
    """The values that are text without quotes, and those that are missing, from top to bottom."""
    waiting: list[tuple[Path, Any]] = [((), root)]
    while waiting:
        path, node = waiting.pop()
        if isinstance(node, MappingNode):
            waiting += [((*path, key.value), value) for key, value in reversed(node.value)]
        elif isinstance(node, SequenceNode):
            waiting += reversed([((*path, at), item) for at, item in enumerate(node.value)])
        elif not node.style and path and plain_value(node.value) in (node.value, None):
            yield path, node
