"""The shapes of Data Query jobs, by name (API facts 6.1)."""

from ..query.jobs import ATTEMPTS, Status
from ..query.results import COMPRESSIONS, FORMATS
from .schemas import Schema, choice, items, reference, sent, text

_SOURCE, _TRUTH = choice("LIVE", "WAREHOUSE"), {"type": "boolean"}
_DIGEST = text(64, minimum=64)
_MOMENT = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"}
_COUNT = {"type": "integer", "minimum": 0}

_JOB: dict[str, Schema] = {
    "id": _DIGEST,
    "createdBy": _DIGEST,
    "query": text(minimum=1),
    "sourceData": _SOURCE,
    "useIndexJoin": _TRUTH,
    "queryStatus": choice(*Status),
    "remainingRetries": {**_COUNT, "maximum": ATTEMPTS},
    "updatedOn": _MOMENT,
}
_DONE: dict[str, Schema] = {
    "outputRows": _COUNT,
    "dataFile": text(minimum=1),
    "errorMessage": text(minimum=1),
}


def _data(schema: Schema) -> Schema:
    """An answer of Data Query: there is no envelope but `data`."""
    return {
        "type": "object",
        "properties": {"data": schema},
        "required": ["data"],
        "additionalProperties": False,
    }


QUERY_SCHEMAS: dict[str, Schema] = {
    "NewQueryJob": sent(
        {
            "query": text(1024 * 1024, minimum=1),
            "outputFormat": choice(*FORMATS),
            "compression": choice(*COMPRESSIONS),
            "output": sent({"target": {"const": "S3"}}, {}, custom=False),
        },
        {
            "columnSeparator": text(1, minimum=1),
            "sourceData": _SOURCE,
            "readDeleted": _TRUTH,
            "useIndexJoin": _TRUTH,
        },
        custom=False,
    ),
    "QueryJobFound": {
        "type": "object",
        "properties": {**_JOB, **_DONE},
        "required": list(_JOB),
        "additionalProperties": False,
    },
    "QueryJob": _data(reference("QueryJobFound")),
    "QueryJobs": _data(items(reference("QueryJobFound"), 10_000)),
}
