"""What a document that fits the schema of its kind declares."""

from collections.abc import Mapping

from reconciler.core.model.kinds import KINDS
from reconciler.core.model.kinds.journal_entry import JOURNAL_ENTRY
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
from reconciler.workspace.amounts import with_exact_values


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
