"""A YAML file as its author sees it: values in their order, with the comments that belong to them.

A comment on a line of its own belongs to the field or list item below it, a comment at the end of
a line to the one it follows, so both stay with it when fields change their order.
"""

import re
from bisect import bisect
from collections.abc import Iterator
from dataclasses import field
from itertools import pairwise
from typing import Any, Final

from yaml import (
    CLoader,
    CollectionNode,
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    compose_all,
    scan,
)
from yaml.tokens import BlockEntryToken, DocumentStartToken, ScalarToken, StreamEndToken

from reconciler.values import dataclass
from reconciler.workspace.yaml_reader import plain_value

_COMMENT: Final = re.compile(r"#[^\n]*")


@dataclass(frozen=True, slots=True)
class Line:
    """A comment on a line of its own, and whether a blank line precedes it."""

    text: str
    blank_before: bool


@dataclass(slots=True, kw_only=True)
class Branch:
    """A field of a mapping, an item of a list, or a whole document: a node and its comments.

    Of a document, `before` is the heading and `blank_before` the gap below it.
    """

    node: Node
    key: str | None = None
    start: int = 0
    column: int = 0
    parent: "Branch | None" = None
    branches: list["Branch"] = field(default_factory=list)
    """Fields or items; empty for scalars and for a flow collection without comments inside."""
    blank_before: bool = False
    before: list[Line] = field(default_factory=list)
    beside: str = ""
    gap: str = "  "
    """What stands before the comment beside a value. One space stays one beside plain text: it may
    show that the comment was meant as a part of the text."""
    after: list[Line] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """The documents of a file. `prologue` precedes the first `---`, which `marked` says exists."""

    documents: tuple[Branch, ...]
    prologue: tuple[Line, ...]
    marked: bool
    comments: tuple[str, ...]
    """Every comment in the order of the file, so that none is lost unnoticed."""


def source_of(text: str) -> SourceFile:
    """The documents of a text that the strict reader accepts, with line feeds as line ends."""
    tokens = list(scan(text, Loader=CLoader))
    comments = list(_comments(text, tokens))
    starts = [t.start_mark.index for t in tokens if isinstance(t, DocumentStartToken)]
    dashes = [t.start_mark.index for t in tokens if isinstance(t, BlockEntryToken)]
    indexes = [index for index, _ in comments]
    planter = _Planter(text, dashes, indexes)
    documents = [planter.document(root) for root in compose_all(text, Loader=CLoader)]
    marked = bool(starts) and len(starts) == len(documents)
    regions = starts if marked else [0, *starts]
    prologue: list[Line] = []
    for index, comment in comments:
        position = bisect(regions, index) - 1
        line = Line(comment, _blank_above(text, index))
        if position < 0:
            prologue.append(line)
        else:
            _attach(documents[position], line, index=index, text=text)
    return SourceFile(
        documents=tuple(documents),
        prologue=tuple(prologue),
        marked=marked,
        comments=tuple(comment for _, comment in comments),
    )


def _comments(text: str, tokens: list[Any]) -> Iterator[tuple[int, str]]:
    # Between two tokens there is nothing but space and comments. The token of a block scalar takes
    # in its first line, where a comment may stand after `|` or `>`.
    for token, following in pairwise(tokens):
        if isinstance(token, ScalarToken) and token.style in ("|", ">"):
            start = token.start_mark.index
            if match := _COMMENT.search(text, start, _line_end(text, start)):
                yield match.start(), match[0].rstrip()
        is_end = isinstance(following, StreamEndToken)
        end = len(text) if is_end else following.start_mark.index
        for match in _COMMENT.finditer(text, token.end_mark.index, end):
            yield match.start(), match[0].rstrip()


def _line_end(text: str, index: int) -> int:
    end = text.find("\n", index)
    return len(text) if end < 0 else end


class _Planter:
    """Grows branches from the nodes of one file."""

    def __init__(self, text: str, dashes: list[int], comments: list[int]) -> None:
        self._text = text
        self._dashes = dashes
        self._comments = comments

    def document(self, root: Node) -> Branch:
        branch = Branch(node=root, start=root.start_mark.index, column=-1)
        self._grow(branch)
        if branch.branches:
            # The gap below the heading stays there, whichever field comes first in the end.
            first = branch.branches[0]
            branch.blank_before, first.blank_before = first.blank_before, False
        return branch

    def _grow(self, parent: Branch) -> None:
        node = parent.node
        if not is_block(node) and not self._has_comments(node):
            return
        if isinstance(node, MappingNode):
            for key, value in node.value:
                self._plant(parent, value, start=key.start_mark.index, key=key.value)
        elif isinstance(node, SequenceNode):
            for item in node.value:
                start = item.start_mark.index
                if is_block(node):
                    start = self._dashes[bisect(self._dashes, start - 1) - 1]
                self._plant(parent, item, start=start, key=None)

    def _plant(self, parent: Branch, node: Node, *, start: int, key: str | None) -> None:
        line_start = self._text.rfind("\n", 0, start) + 1
        branch = Branch(
            node=node,
            key=key,
            start=start,
            column=start - line_start,
            parent=parent,
            blank_before=_blank_above(self._text, start),
        )
        parent.branches.append(branch)
        self._grow(branch)

    def _has_comments(self, node: Node) -> bool:
        inside = bisect(self._comments, node.start_mark.index)
        return inside != bisect(self._comments, node.end_mark.index)


def field_of(node: Node | None, name: str) -> Node | None:
    """The value of a field; None where the node is no mapping with it."""
    pairs = node.value if isinstance(node, MappingNode) else []
    return next((value for key, value in pairs if key.value == name), None)


def is_block(node: Node) -> bool:
    """True for a mapping or a list written over lines by indentation."""
    return isinstance(node, CollectionNode) and not node.flow_style


def _attach(document: Branch, line: Line, *, index: int, text: str) -> None:
    branches = sorted(_all_branches(document), key=lambda branch: branch.start)
    position = bisect([branch.start for branch in branches], index)
    earlier = branches[position - 1] if position else None
    later = branches[position] if position < len(branches) else None
    line_start = text.rfind("\n", 0, index) + 1
    column = index - line_start
    if earlier is None:
        # What precedes everything is about the document, whichever field comes first in the end.
        document.before.append(line)
    elif text[line_start:index].strip() and not earlier.beside:
        earlier.beside = line.text
        if text[index - 2 : index - 1] not in (" ", "\t") and _is_plain(earlier.node):
            earlier.gap = " "
    elif later is not None and column <= later.column:
        later.before.append(line)
    elif later is None and column <= branches[0].column:
        document.after.append(line)
    else:
        _level_with(earlier, column).after.append(line)


def _is_plain(node: Node) -> bool:
    return isinstance(node, ScalarNode) and not node.style and plain_value(node.value) == node.value


def _level_with(branch: Branch, column: int) -> Branch:
    while branch.column > column and branch.parent is not None and branch.parent.column >= 0:
        branch = branch.parent
    return branch


def _all_branches(branch: Branch) -> Iterator[Branch]:
    for child in branch.branches:
        yield child
        yield from _all_branches(child)


def _blank_above(text: str, index: int) -> bool:
    line_start = text.rfind("\n", 0, index) + 1
    if not line_start or text[line_start:index].strip(" -"):
        return False
    line_above = text.rfind("\n", 0, line_start - 1) + 1
    return not text[line_above : line_start - 1].strip()
