"""Edits fields of a document and keeps its comments, and takes documents out of a file."""

import re
from collections.abc import Mapping
from typing import TypeAlias

from yaml import MappingNode, ScalarNode

from reconciler.core.model.resource import Value, mapping_of
from reconciler.core.model.tenant import Tenant
from reconciler.workspace.formatter.formatter import refuse_loss, style_of, text_lines
from reconciler.workspace.formatter.syntax_tree import Branch, field_of, source_of
from reconciler.workspace.yaml_reader import Document, plain_value, read

Edits: TypeAlias = Mapping[tuple[str, str], str | None]
"""Fields of `metadata` or `spec` with their new text; None removes the field."""

_MARK = re.compile(r"(?m)^---(?=[ \t\n]|\Z).*\n?")


def documents_in(text: str) -> tuple[str, ...]:
    """The texts of the documents of a file, without the `---` between them.

    Comments above the first `---` belong to the first document.
    """
    starts = [0, *(mark.end() for mark in _MARK.finditer(text))]
    ends = [*(mark.start() for mark in _MARK.finditer(text)), len(text)]
    parts = [text[start:end] for start, end in zip(starts, ends, strict=True)]
    if len(parts) > 1 and not re.search(r"(?m)^[^#\s]", parts[0]):
        first, second, *rest = parts
        parts = [first + second, *rest]
    return tuple(parts)


def with_document(text: str, index: int, document: str) -> str:
    """The text of a file with another document in the place of one, by its position."""
    parts = list(documents_in(text))
    parts[index] = document
    return "---\n".join(part if part.endswith("\n") else f"{part}\n" for part in parts)


def edited(text: str, edits: Edits, tenant: Tenant) -> str:
    """The text of one document with other values in some fields, in canonical form.

    Every comment is kept; that of a removed field moves to the top. Raises FormatRefused.
    """
    documents, _ = read(text.encode(), path="")
    source = source_of(text)
    (document,), (branch,) = documents, source.documents
    for (part, field), value in edits.items():
        _set(branch, part, field, value)
    wanted = Document(value=_changed(document.value, edits), line=document.line)
    style = style_of(wanted, tenant)
    result = "\n".join(text_lines(source, [style])) + "\n"
    refuse_loss(source, (wanted,), result)
    return result


def _changed(value: Value, edits: Edits) -> Value:
    changed = dict(mapping_of(value))
    for (part, field), text in edits.items():
        inner = dict(mapping_of(changed.get(part)))
        inner.pop(field, None)
        changed[part] = inner if text is None else {**inner, field: text}
    return changed


def _set(document: Branch, part: str, field: str, value: str | None) -> None:
    outer = next((one for one in document.branches if one.key == part), None)
    node = outer.node if outer is not None else field_of(document.node, part)
    if not isinstance(node, MappingNode):
        return
    pairs = [(key, old) for key, old in node.value if key.value != field]
    inner = next((one for one in outer.branches if one.key == field), None) if outer else None
    if value is None:
        if outer is not None and inner is not None:
            outer.branches.remove(inner)
            document.before += [*inner.before, *inner.after]
    else:
        style = None if plain_value(value) == value else '"'
        scalar = ScalarNode(tag="tag:yaml.org,2002:str", value=value, style=style)
        key = ScalarNode(tag="tag:yaml.org,2002:str", value=field)
        pairs.append((key, scalar))
        if inner is not None:
            inner.node = scalar
        elif outer is not None and outer.branches:
            outer.branches.append(Branch(node=scalar, key=field, parent=outer))
    node.value[:] = pairs
