"""Response bodies: JSON with exact digits."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from .errors import Refusal

_ENCODER = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A status and a JSON body, with the id of the request that caused them."""

    status: int
    body: bytes
    request_id: str


def encode(payload: object) -> bytes:
    """JSON in UTF-8; a Decimal becomes a number with exactly its digits."""
    return _ENCODER.encode(payload)


def success(payload: Mapping[str, object], *, request_id: str) -> Answer:
    """The answer to a successful request."""
    return Answer(status=200, body=encode({"success": True, **payload}), request_id=request_id)


def failure(
    refused: Refusal, *, resource: int, request_id: str, errors_have_status: bool
) -> Answer:
    """The answer to a refused request (API facts 7.1)."""
    payload = {
        "success": False,
        "processId": secrets.token_hex(8).upper(),
        "requestId": request_id,
        "reasons": [
            {"code": resource * 100 + reason.category.number, "message": reason.message}
            for reason in refused.reasons
        ],
    }
    status = refused.status if errors_have_status or refused.always else 200
    return Answer(status=status, body=encode(payload), request_id=request_id)
