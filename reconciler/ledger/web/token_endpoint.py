"""The token operation: client id and secret in, a bearer token out (API facts 2)."""

import time
from urllib.parse import parse_qsl

import falcon
from sqlalchemy import RowMapping

from ..auth.clients import SECRET_LENGTH, issue_token, verified
from .authentication import count_token_request
from .endpoint import Services
from .responses import encode

CLIENT_ID_LENGTH = 36
_MAX_FORM = 4096


class TokenRequest:
    """`POST /oauth/token`. Answers 400 `{code, message}` and 401 `{message}`, as the API does."""

    public = True

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        services: Services = request.context.services
        limits = count_token_request(services, request)
        form = read_form(request)
        lacking = _complaint(form)
        if lacking is not None:
            raise falcon.HTTPBadRequest(description=lacking)
        client = verified_client(services, form["client_id"], form["client_secret"])
        if client is None:
            raise falcon.HTTPUnauthorized
        now, lifetime = int(request.context.now.timestamp()), services.token_lifetime
        with services.store.writing() as tx:
            token = issue_token(tx, client, now=now, lifetime=lifetime)
        response.set_header("Cache-Control", "no-store")
        response.set_headers(limits)
        response.data = encode(token)


def verified_client(services: Services, client_id: str, secret: str) -> RowMapping | None:
    """The client, or None after a delay if the secret is wrong. Takes no write lock."""
    with services.store.reading() as tx:
        client = verified(tx, client_id=client_id, client_secret=secret)
    if client is None:
        time.sleep(services.failed_login_delay)
    return client


def read_form(request: falcon.Request) -> dict[str, str]:
    """The fields of a form, none repeated. Raises the framework's errors 400 and 415."""
    media = (request.content_type or "").partition(";")[0].strip().lower()
    if media != "application/x-www-form-urlencoded":
        raise falcon.HTTPUnsupportedMediaType(
            description="Content-Type must be application/x-www-form-urlencoded"
        )
    raw = request.bounded_stream.read(_MAX_FORM + 1)
    try:
        pairs = parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, max_num_fields=10, errors="strict"
        )
    except ValueError:
        pairs = []
    fields = dict(pairs)
    if len(raw) > _MAX_FORM or len(fields) != len(pairs) or not fields:
        raise falcon.HTTPBadRequest(description="The form is not readable")
    return fields


def _complaint(form: dict[str, str]) -> str | None:
    """What is wrong with the form. It never repeats what was sent, which may be a secret."""
    missing = [name for name in ("client_id", "client_secret", "grant_type") if not form.get(name)]
    if missing:
        return f"{', '.join(missing)} is required"
    if form["grant_type"] != "client_credentials":
        return "grant_type must be client_credentials"
    if len(form["client_id"]) != CLIENT_ID_LENGTH or not form["client_id"].isprintable():
        return f"client_id must have {CLIENT_ID_LENGTH} printable characters"
    if len(form["client_secret"]) > SECRET_LENGTH:
        return f"client_secret must have at most {SECRET_LENGTH} characters"
    return None
