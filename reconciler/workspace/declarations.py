"""What a document that fits the schema of its kind declares."""

from collections.abc import Mapping

from reconciler.core.model.kinds import KINDS
from reconciler.core.model.kinds.journal_entry import JOURNAL_ENTRY
from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.resource import (
    Address,
    Declared,
    ImportedFrom,
    ReverseOn,
    Source,
    SupportingDocument,
    Value,
    acknowledgements_of,
    mapping_of,
    rows_of,
    text_of,
)
from reconciler.core.model.schedule import SCHEDULE
from reconciler.workspace.amounts import with_exact_amounts


def _with_canonical_spelling(kind: Kind, spec: Mapping[str, Value]) -> Mapping[str, Value]:
    """The spec with every word in its canonical spelling, whichever the file has."""
    lines = rows_of(spec.get(kind.lines))
    if not any(_respelt(kind, part) for part in (spec, *lines)):
        return spec
    spec = {**spec, **_respelt(kind, spec)}
    return {**spec, kind.lines: tuple({**one, **_respelt(kind, one)} for one in lines)}


def _respelt(kind: Kind, fields: Mapping[str, Value]) -> Mapping[str, Value]:
    words = ((name, fields[name]) for name in kind.enumerations if name in fields)
    spelt = ((name, kind.canonical_spelling(name, word), word) for name, word in words)
    return {name: ours for name, ours, word in spelt if ours != word}


def declared_from(kind: str, value: Mapping[str, Value], source: Source) -> Declared:
    """The declaration of a document that fits the schema of its kind."""
    metadata = mapping_of(value["metadata"])
    labels = mapping_of(metadata.get("labels"))
    origin = mapping_of(metadata.get("importedFrom"))
    return Declared(
        address=Address(kind, str(metadata["name"])),
        spec=_with_canonical_spelling(
            KINDS[kind], with_exact_amounts(mapping_of(value["spec"]), lines=KINDS[kind].lines)
        ),
        source=source,
        labels={name: str(text) for name, text in labels.items()},
        protect=metadata.get("protect") is True,
        adopts=text_of(metadata.get("adopts")),
        made_by=text_of(metadata.get("journalRun")),
        previous_name=text_of(metadata.get("previousName")),
        acknowledges=acknowledgements_of(metadata.get("acknowledges")),
        reverses=text_of(metadata.get("reverses")),
        imported_from=ImportedFrom(**{name: str(text) for name, text in origin.items()})
        if origin
        else None,
        reverse_on=_reverse_on(metadata.get("reverseOn")),
        generated_by=_address(text_of(metadata.get("generatedBy"))),
    )


def _reverse_on(value: Value) -> ReverseOn | None:
    fields = mapping_of(value)
    if value is None:
        return None
    return ReverseOn(
        period=text_of(fields.get("period")) or "", date=text_of(fields.get("date")) or ""
    )


def _address(text: str | None) -> Address | None:
    return Address(*text.split("/")) if text else None


def supporting_from(kind: str, value: Mapping[str, Value], source: Source) -> SupportingDocument:
    """The document of a schedule or an allocation key that fits its schema."""
    address = Address(kind, str(mapping_of(value["metadata"])["name"]))
    if kind == SCHEDULE:
        spec = mapping_of(value["spec"])
        entry = _with_exact_lines(mapping_of(spec["entry"]))
        amendments = tuple(map(_with_exact_lines, rows_of(spec.get("amendments"))))
        value = {**value, "spec": {**spec, "entry": entry, "amendments": amendments}}
    return SupportingDocument(address=address, value=value, source=source)


def _with_exact_lines(fields: Mapping[str, Value]) -> Mapping[str, Value]:
    """The lines of a schedule as those of an entry are read: exact amounts, canonical words."""
    return _with_canonical_spelling(
        JOURNAL_ENTRY, with_exact_amounts(fields, lines=JOURNAL_ENTRY.lines)
    )
