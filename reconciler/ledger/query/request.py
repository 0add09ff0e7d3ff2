"""The body of `POST /query/jobs` (API facts 6.1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..web.errors import INVALID_VALUE, MISSING_FIELD, Reason, Refusal
from ..web.fields import BOOLEAN, Field, FieldType, choice, read_fields, schema_of, text
from .results import COMPRESSIONS, FORMATS


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryRequest:
    """A query and the format of its result. `separator` is for DSV."""

    query: str
    output_format: str
    compression: str
    separator: str | None
    source_data: str
    read_deleted: bool
    use_index_join: bool


OUTPUT_FIELDS = (Field(name="target", type=choice("S3"), required=True),)
OUTPUT = FieldType(read=lambda value: value, schema=schema_of(OUTPUT_FIELDS))
SOURCE = choice("LIVE", "WAREHOUSE")
FIELDS = (
    Field(name="query", type=text(1024 * 1024, minimum=1), required=True),
    Field(name="outputFormat", type=choice(*FORMATS), required=True),
    Field(name="compression", type=choice(*COMPRESSIONS), required=True),
    Field(name="output", type=OUTPUT, required=True),
    Field(name="columnSeparator", type=text(1, minimum=1)),
    Field(name="sourceData", type=SOURCE),
    Field(name="readDeleted", type=BOOLEAN),
    Field(name="useIndexJoin", type=BOOLEAN),
)


def read_request(body: Mapping[str, Any]) -> QueryRequest:
    """The request of a body. Raises Refusal with all reasons against it."""
    found, _custom, reasons = read_fields(body, FIELDS)
    if "output" in found:
        reasons += read_fields(found["output"], OUTPUT_FIELDS, at="output")[2]
    separator = found.get("columnSeparator")
    if found.get("outputFormat") == "DSV" and separator is None:
        reasons.append(Reason(MISSING_FIELD, "columnSeparator is required with DSV"))
    if separator is not None and (separator in '"\r\n' or not separator.isprintable()):
        reasons.append(Reason(INVALID_VALUE, "columnSeparator must be a visible character"))
    if reasons:
        raise Refusal(reasons, always=True)
    return QueryRequest(
        query=found["query"],
        output_format=found["outputFormat"],
        compression=found["compression"],
        separator=separator,
        source_data=found.get("sourceData", "LIVE"),
        read_deleted=found.get("readDeleted", False),
        use_index_join=found.get("useIndexJoin", False),
    )
