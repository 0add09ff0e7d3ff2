"""Holds answers to the ledger's own description: every answer that a test gets from a bench."""

import json
import re
from functools import cache
from typing import Any

import httpx
import jsonschema_rs

from reconciler.ledger.openapi.document import document


@cache
def described() -> dict[str, Any]:
    return json.loads(document())


@cache
def _templates() -> list[tuple[re.Pattern[str], str]]:
    # Fixed words go before placeholders, as they do in the routes.
    paths = sorted(described()["paths"], key=lambda path: path.count("{"))
    return [(re.compile(re.sub(r"{\w+}", "[^/]+", path)), path) for path in paths]


@cache
def _validator(method: str, path: str, status: int) -> Any:
    response = described()["paths"][path][method]["responses"][str(status)]
    schema = response["content"]["application/json"]["schema"]
    return jsonschema_rs.validator_for({**schema, "components": described()["components"]})


def check(response: httpx.Response) -> None:
    """Fail when an answer is not as described: status, headers and body."""
    response.read()
    raw = response.request.url.raw_path.decode().partition("?")[0]
    path = next((path for pattern, path in _templates() if pattern.fullmatch(raw)), None)
    method = response.request.method.lower()
    if path is None or method not in described()["paths"][path]:
        return
    operation = described()["paths"][path][method]
    status = str(response.status_code)
    assert status in operation["responses"], f"{method} {path} answers {status}: {response.text}"
    _validator(method, path, response.status_code).validate(response.json())
    for name, header in operation["responses"][status]["headers"].items():
        value = response.headers.get(name)
        assert value is not None or not header["required"], f"{method} {path} lacks {name}"
        if value is not None and header["schema"].get("type") == "integer":
            assert re.fullmatch("[0-9]+", value), f"{method} {path} has {name} {value!r}"
