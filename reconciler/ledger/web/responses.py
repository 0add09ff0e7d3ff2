"""Response bodies: JSON with exact digits."""

import secrets
from collections.abc import Mapping

import falcon
import msgspec

from ..storage.idempotency import Answer
from .errors import Refusal

_ENCODER = msgspec.json.Encoder(decimal_format="number")


def encode(payload: object) -> bytes:
    """JSON in UTF-8; a Decimal becomes a number with exactly its digits."""
    return _ENCODER.encode(payload)


def success(payload: Mapping[str, object], *, request_id: str) -> Answer:
    return Answer(status=200, body=encode({"success": True, **payload}), request_id=request_id)


def failure(refused: Refusal, request: falcon.Request) -> Answer:
    context = request.context
    payload = {
        "success": False,
        "processId": secrets.token_hex(8).upper(),
        "requestId": context.request_id,
        "reasons": [
            {"code": context.resource * 100 + reason.category.number, "message": reason.message}
            for reason in refused.reasons
        ],
    }
    status = refused.status if context.errors_have_status or refused.always else 200
    return Answer(status=status, body=encode(payload), request_id=context.request_id)
