"""Rewrites a file of declarations in canonical order and spelling, without changing what it says.

The text is laid out again from the positions libyaml reports, because the money in it must come
through digit by digit and a comment must stay with its field when the field moves.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal

from reconciler.core.model.canonical import MONEY_FIELDS
from reconciler.core.model.enumerations import bare
from reconciler.core.model.finding import Problem
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.kinds.journal_entry import JOURNAL_ENTRY
from reconciler.core.model.resource import Value
from reconciler.core.model.schedule import SCHEDULE
from reconciler.core.model.tenant import Tenant
from reconciler.errors import ReconcilerError
from reconciler.workspace.formatter.layout import Style, document_lines
from reconciler.workspace.formatter.scalars import amount_in
from reconciler.workspace.formatter.syntax_tree import SourceFile, source_of
from reconciler.workspace.json_schema import SCHEMAS, schema_of
from reconciler.workspace.rules import RULES
from reconciler.workspace.yaml_reader import Document, read


class FormatRefused(ReconcilerError):
    """The file is left as it is, because it cannot be rewritten without loss.

    `problems` holds what the loader says about the file, if that is the reason.
    """

    exit_code = 3

    def __init__(self, message: str, *, remedy: str, problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(message, remedy=remedy)
        self.problems = problems


def format_text(text: str, tenant: Tenant) -> str:
    """The text in canonical order and spelling; the same values, comments and documents.

    Fields follow the order of their schema, custom fields come after them by name, and the lines
    of an entry last. Amounts in a currency that the tenant does not tell keep their decimals.
    Formatting twice changes nothing more. Raises FormatRefused instead of losing anything.
    """
    line_end = "\r\n" if "\r\n" in text else "\n"
    before = _documents(text)
    present = text.replace("\r\n", "\n")
    source = source_of(present)
    styles = [style_of(document, tenant) for document in before]
    formatted = "\n".join(text_lines(source, styles)) + "\n"
    if formatted != present:
        refuse_loss(source, before, formatted)
    return formatted.replace("\n", line_end)


def _documents(text: str) -> tuple[Document, ...]:
    documents, problems = read(text.encode("utf-8", "surrogatepass"), path="")
    if problems:
        raise FormatRefused(
            "the file has problems, and is left as it is",
            remedy="Correct what `reconciler validate` says about it first.",
            problems=problems,
        )
    if not documents:
        raise FormatRefused("the file holds no document", remedy=RULES["file-empty"].remedy)
    return documents


def style_of(document: Document, tenant: Tenant) -> Style:
    """What the layout of a document depends on beside its text."""
    value = document.value
    name = value.get("kind") if isinstance(value, Mapping) else None
    known = isinstance(name, str) and name in SCHEMAS
    root = schema_of(str(name)) if known else None
    kind = JOURNAL_ENTRY if name == SCHEDULE else KINDS.get(str(name))
    return Style(root=root, last=kind.lines if kind else "", tenant=tenant)


def text_lines(source: SourceFile, styles: list[Style]) -> Iterator[str]:
    """The lines of a file, each document in its style."""
    for line in source.prologue:
        yield line.text
    for position, (document, style) in enumerate(zip(source.documents, styles, strict=True)):
        if position or source.marked:
            yield "---"
        yield from document_lines(document, style)


def refuse_loss(source: SourceFile, before: tuple[Document, ...], formatted: str) -> None:
    """Raises FormatRefused if a text lacks a comment of its source, or says anything else."""
    after, problems = read(formatted.encode(), path="")
    values = [_comparable(document.value) for document in before]
    if problems or values != [_comparable(document.value) for document in after]:
        raise FormatRefused(
            "the file is laid out in a way that cannot be rewritten with the same values",
            remedy="Simplify its layout; quoted text on one line is always understood.",
        )
    if Counter(source.comments) != Counter(source_of(formatted).comments):
        raise FormatRefused(
            "the file has a comment at a place where it would get lost",
            remedy="Put comments on lines of their own, or at the end of a line.",
        )


_WORDS = frozenset({"accountingCodeType", "periodStatus", "type"})
"""The fields with words that may be spelt in two ways."""

_AMOUNTS = frozenset({*MONEY_FIELDS, "total"})
"""The fields with amounts, those of an amendment of a schedule included."""


def _comparable(value: Value, field: str | int = "") -> Value:
    """The value with every amount as a number and every word bare, however they are written."""
    if isinstance(value, Mapping):
        return {key: _comparable(item, key) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(_comparable(item, field) for item in value)
    if field in _WORDS and isinstance(value, str):
        return bare(value)
    if field in _AMOUNTS and isinstance(value, str) and amount_in(value, None):
        return Decimal(value)
    return value
