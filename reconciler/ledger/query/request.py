"""What a query job is asked to do: the fields of `POST /query/jobs` (API facts 6.1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..web.errors import INVALID_VALUE, MISSING_FIELD, Reason, Refusal
from ..web.fields import BadValue, Field, choice, read_fields, text
from .results import COMPRESSIONS, FORMATS


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryRequest:
    """A query with the form its result is wanted in. `separator` is that of DSV."""

    query: str
    output_format: str
    compression: str
    separator: str | None
    source_data: str
    read_deleted: bool
    use_index_join: bool


def _yes_or_no(value: object) -> bool:
    if not isinstance(value, bool):
        raise BadValue("must be true or false")
    return value


def _anything(value: object) -> object:
    return value


FIELDS = (
    Field(name="query", read=text(1024 * 1024, minimum=1), required=True),
    Field(name="outputFormat", read=choice(*FORMATS), required=True),
    Field(name="compression", read=choice(*COMPRESSIONS), required=True),
    Field(name="output", read=_anything, required=True),
    Field(name="columnSeparator", read=text(1, minimum=1)),
    Field(name="sourceData", read=choice("LIVE", "WAREHOUSE")),
    Field(name="readDeleted", read=_yes_or_no),
    Field(name="useIndexJoin", read=_yes_or_no),
)
OUTPUT_FIELDS = (Field(name="target", read=choice("S3"), required=True),)


def read_request(body: Mapping[str, Any]) -> QueryRequest:
    """The request a body holds. Raises Refusal with everything that is wrong with it."""
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
