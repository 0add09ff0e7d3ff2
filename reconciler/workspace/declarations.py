"""What a document that fits the schema of its kind declares."""

from collections.abc import Mapping
from decimal import Decimal

from reconciler.core.model.canonical import MONEY_FIELDS
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.kinds.journal_entry import JOURNAL_ENTRY
from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.resource import (
    Acknowledgement,
    Address,
    Declared,
    ImportedFrom,
    ReverseOn,
    Source,
    SupportingDocument,
    Value,
    all_made_of,
    made_of,
    mapping_of,
    rows_of,
    text_of,
)
from reconciler.core.model.schedule import SCHEDULE


def declared_from(kind: str, value: Mapping[str, Value], source: Source) -> Declared:
    """The declaration of a document that fits the schema of its kind."""
    metadata = mapping_of(value["metadata"])
    labels = mapping_of(metadata.get("labels"))
    origin, reversal = mapping_of(metadata.get("importedFrom")), metadata.get("reverseOn")
    return Declared(
        address=Address(kind, str(metadata["name"])),
        spec=with_exact_values(KINDS[kind], mapping_of(value["spec"])),
        source=source,
        labels={name: str(text) for name, text in labels.items()},
        protect=metadata.get("protect") is True,
        adopts=text_of(metadata.get("adopts")),
        made_by=text_of(metadata.get("journalRun")),
        previous_name=text_of(metadata.get("previousName")),
        acknowledges=all_made_of(Acknowledgement, metadata.get("acknowledges")),
        reverses=text_of(metadata.get("reverses")),
        imported_from=made_of(ImportedFrom, origin) if origin else None,
        # Its usual form is a word.
        reverse_on=made_of(ReverseOn, mapping_of(reversal)) if reversal is not None else None,
        generated_by=_address(text_of(metadata.get("generatedBy"))),
    )


def with_exact_values(kind: Kind, fields: Mapping[str, Value]) -> Mapping[str, Value]:
    """The fields of a declaration, with exact amounts and each word in its canonical spelling.

    A file may have amounts as text, and words as it likes.
    """
    lines = rows_of(fields.get(kind.lines))
    own, *of_lines = (_exact(kind, part) for part in (fields, *lines))
    if any(of_lines):
        rows = zip(lines, of_lines, strict=True)
        own = {**own, kind.lines: tuple({**line, **exact} for line, exact in rows)}
    return {**fields, **own} if own else fields


def _exact(kind: Kind, fields: Mapping[str, Value]) -> dict[str, Value]:
    """The values that a file states otherwise."""
    amounts = {name: fields[name] for name in MONEY_FIELDS if name in fields}
    exact: dict[str, Value] = {
        name: Decimal(text) for name, text in amounts.items() if isinstance(text, str)
    }
    for name in kind.enumerations:
        if name in fields and (ours := kind.canonical_spelling(name, fields[name])) != fields[name]:
            exact[name] = ours
    return exact


def _address(text: str | None) -> Address | None:
    return Address(*text.split("/")) if text else None


def supporting_from(kind: str, value: Mapping[str, Value], source: Source) -> SupportingDocument:
    """The document of a schedule or an allocation key that fits its schema."""
    address = Address(kind, str(mapping_of(value["metadata"])["name"]))
    if kind == SCHEDULE:
        spec = mapping_of(value["spec"])
        # The lines of a schedule are read as those of an entry.
        entry, *amendments = (
            with_exact_values(JOURNAL_ENTRY, part)
            for part in (mapping_of(spec["entry"]), *rows_of(spec.get("amendments")))
        )
        value = {**value, "spec": {**spec, "entry": entry, "amendments": tuple(amendments)}}
    return SupportingDocument(address=address, value=value, source=source)
