"""How `fmt` lays a document out: canonical order, two-space indent, one line where it fits."""

import re
from collections.abc import Iterator
from dataclasses import replace
from textwrap import wrap
from typing import Any, Final, TypeAlias

from yaml import MappingNode, Node, ScalarNode

from reconciler.core.model.enumerations import bare
from reconciler.core.model.tenant import Tenant
from reconciler.values import dataclass
from reconciler.workspace.formatter.scalars import amount_in, quoted, spelt, spelt_text, value_of
from reconciler.workspace.formatter.syntax_tree import Branch, Line, field_of, is_block

ROW_WIDTH: Final = 140
"""How long a mapping or list on one line may be: a chart of accounts reads as a table."""

TEXT_WIDTH: Final = 100

_OF_ENTRY: Final = frozenset({"amount", "total"})
"""The fields with amounts in the currency of the entry; the others are in the home currency."""

Schema: TypeAlias = Any
"""A part of a JSON Schema, or None where none applies."""

_LITERAL: Final = re.compile(r"[^ \n\t][^\n]*(?<! )(\n+[^\n]+(?<! ))*\n?").fullmatch
_FOLDS: Final = re.compile(r"[^ \n\t#]+( [^ \n\t]+)+").fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """What the layout of one document depends on beside its text."""

    root: Schema
    """The whole schema, where its references lead."""
    last: str
    """The field of `spec` that stands below all others, custom ones included."""
    tenant: Tenant
    currency: str = ""


def document_lines(document: Branch, style: Style) -> Iterator[str]:
    """The lines of a document, its comments included, without the `---` before it."""
    yield from _comment_lines(document.before, 0, first=True)
    if document.before and document.blank_before:
        yield ""
    style = replace(style, currency=_currency(document.node))
    yield from _node_lines(document, style.root, 0, style)
    yield from _comment_lines(document.after, 0)


def _node_lines(branch: Branch, schema: Schema, indent: int, style: Style) -> Iterator[str]:
    if isinstance(branch.node, ScalarNode):
        yield " " * indent + spelt(branch.node, flow=False)
        return
    schema = _resolved(schema, style)
    branches = _in_order(_grown(branch), schema, style)
    if not branches:
        yield " " * indent + ("{}" if isinstance(branch.node, MappingNode) else "[]")
    for position, child in enumerate(branches):
        yield from _comment_lines(child.before, indent, first=not position)
        if child.blank_before and (position or child.before):
            yield ""
        part = _part(schema, child.key, style)
        shape = _field_lines if child.key is not None else _item_lines
        yield from shape(child, part, indent, style)
        yield from _comment_lines(child.after, indent)


def _field_lines(branch: Branch, schema: Schema, indent: int, style: Style) -> Iterator[str]:
    key = f"{' ' * indent}{spelt_text(str(branch.key), flow=False)}:"
    beside = f"{branch.gap}{branch.beside}" if branch.beside else ""
    inline = _inline(branch, schema, style, flow=False)
    if inline is not None and len(key) + 1 + len(inline) <= _width(branch):
        yield f"{key} {inline}{beside}"
    elif isinstance(branch.node, ScalarNode):
        header, *lines = _scalar_lines(branch.node, indent + 2)
        yield f"{key} {header}{beside}"
        yield from lines
    else:
        yield f"{key}{beside}"
        yield from _node_lines(branch, schema, indent + 2, style)


def _item_lines(branch: Branch, schema: Schema, indent: int, style: Style) -> Iterator[str]:
    pad = " " * indent
    inline = _inline(branch, schema, style, flow=False)
    beside = f"{branch.gap}{branch.beside}" if branch.beside else ""
    if inline is not None and indent + 2 + len(inline) <= _width(branch):
        yield f"{pad}- {inline}{beside}"
        return
    if isinstance(branch.node, ScalarNode):
        header, *lines = _scalar_lines(branch.node, indent + 2)
        yield f"{pad}- {header}{beside}"
        yield from lines
        return
    if beside:
        yield f"{pad}{branch.beside}"
    opened = False
    for line in _node_lines(branch, schema, indent + 2, style):
        if opened or line.lstrip().startswith("#"):
            yield line if opened else f"{pad}{line.lstrip()}"
        elif line:
            yield f"{pad}- {line[indent + 2 :]}"
            opened = True


def _width(branch: Branch) -> int:
    return TEXT_WIDTH if isinstance(branch.node, ScalarNode) else ROW_WIDTH


def _inline(branch: Branch, schema: Schema, style: Style, *, flow: bool) -> str | None:
    """The node on one line, however long; None when it has to be written over several."""
    node = branch.node
    if isinstance(node, ScalarNode):
        if not flow and "\n" in node.value and _LITERAL(node.value):
            return None
        return _scalar(node, schema, style, flow=flow)
    if branch.branches or (is_block(node) and node.value):
        return None
    schema = _resolved(schema, style)
    branches = _in_order(_grown(branch), schema, style)
    parts = (_inline_part(child, _part(schema, child.key, style), style) for child in branches)
    joined = ", ".join(parts)
    return f"{{{joined}}}" if isinstance(node, MappingNode) else f"[{joined}]"


def _inline_part(branch: Branch, schema: Schema, style: Style) -> str:
    text = _inline(branch, schema, style, flow=True)
    # Inside a flow collection there is nothing but scalars and other flow collections.
    assert text is not None
    return text if branch.key is None else f"{spelt_text(branch.key, flow=True)}: {text}"


def _scalar(node: ScalarNode, schema: Schema, style: Style, *, flow: bool) -> str:
    resolved = _resolved(schema, style)
    if isinstance(resolved, dict) and resolved.get("title") == "amount":
        units = style.tenant.minor_units(resolved["currency"]) if resolved["currency"] else None
        if (amount := amount_in(node.value, units)) is not None:
            return amount
        if node.style in ("'", '"') and not set(node.value) - set("0123456789."):
            # Refused as it is written, so not even its quotes change.
            return f"{node.style}{node.value}{node.style}"
    return spelt(_respelt(node, resolved), flow=flow)


def _respelt(node: ScalarNode, schema: Schema) -> ScalarNode:
    """The scalar with the canonical spelling of a word, which a schema lists first."""
    words = schema.get("enum", ()) if isinstance(schema, dict) else ()
    if node.value not in words:
        return node
    word = next(word for word in words if bare(word) == bare(node.value))
    return ScalarNode(tag=node.tag, value=word, style=node.style)


def _scalar_lines(node: ScalarNode, indent: int) -> list[str]:
    """A text over several lines: literally where it has line breaks, else folded at the width."""
    value = value_of(node)
    pad = " " * indent
    if isinstance(value, str) and "\n" in value and _LITERAL(value):
        header = "|" if value.endswith("\n") else "|-"
        return [header, *(f"{pad}{line}" if line else "" for line in value.splitlines())]
    if isinstance(value, str) and _FOLDS(value):
        width = TEXT_WIDTH - indent
        lines = wrap(value, width, break_long_words=False, break_on_hyphens=False)
        return [">-", *(f"{pad}{line}" for line in lines)]
    return [quoted(value) if isinstance(value, str) else spelt(node, flow=False)]


def _grown(branch: Branch) -> list[Branch]:
    """The fields or items of a collection, those of a flow collection without comments too."""
    if branch.branches:
        return branch.branches
    if isinstance(branch.node, MappingNode):
        return [Branch(node=value, key=key.value) for key, value in branch.node.value]
    return [Branch(node=item) for item in branch.node.value]


def _in_order(branches: list[Branch], schema: Schema, style: Style) -> list[Branch]:
    known = list(schema.get("properties", ())) if isinstance(schema, dict) else []
    if not known or not branches or branches[0].key is None:
        return branches
    return sorted(branches, key=lambda branch: _rank(str(branch.key), known, style))


def _rank(key: str, known: list[str], style: Style) -> tuple[int, int, str]:
    if key == style.last and key in known:
        return 2, 0, ""
    if key in known:
        return 0, known.index(key), ""
    return (1, 0, key) if key.endswith("__c") else (3, 0, key)


def _part(schema: Schema, key: str | None, style: Style) -> Schema:
    if not isinstance(schema, dict):
        return None
    if key is None:
        return schema.get("items")
    part = schema.get("properties", {}).get(key)
    if part is None:
        return None
    resolved = _resolved(part, style)
    if resolved.get("title") != "amount":
        return part
    return {
        **resolved,
        "currency": style.currency if key in _OF_ENTRY else style.tenant.home_currency,
    }


def _resolved(schema: Schema, style: Style) -> Schema:
    while isinstance(schema, dict) and "$ref" in schema:
        schema = style.root["$defs"][str(schema["$ref"]).removeprefix("#/$defs/")]
    return schema


def _currency(root: Node) -> str:
    """What `spec.currency` says, or `spec.entry.currency`, as far as there is such a field."""
    spec = field_of(root, "spec")
    found = (field_of(place, "currency") for place in (spec, field_of(spec, "entry")))
    return next((str(one.value) for one in found if isinstance(one, ScalarNode) and one.value), "")


def _comment_lines(lines: list[Line], indent: int, *, first: bool = False) -> Iterator[str]:
    for position, line in enumerate(lines):
        if line.blank_before and (position or not first):
            yield ""
        yield f"{' ' * indent}{line.text}"
