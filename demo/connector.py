"""Edits a live entry behind reconciler's back, as a connector to the general ledger does.

    python demo/connector.py JE-00000015 '{"transferredToAccounting": "Yes"}'

One direct call of the API, PUT .../basic-information, which `reconciler` knows nothing of. It goes
to ZUORA_BASE_URL with ZUORA_CLIENT_ID and ZUORA_CLIENT_SECRET; without them to the embedded ledger
of ./journals, served by this process, as the client that `reconciler` made for itself there.
Exits 1 when the ledger refuses.
"""

import json
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener
from wsgiref.simple_server import WSGIRequestHandler, make_server

from reconciler.ledger import create_app, open_ledger

STATE = Path("journals/.reconciler")


def main() -> int:
    """Put the fields given as JSON into the entry, and print call and answer."""
    number, fields = sys.argv[1:]
    path = f"/v1/journal-entries/{number}/basic-information"
    with _ledger() as (url, secrets):
        form = urlencode({"grant_type": "client_credentials", **secrets})
        status, answer = _sent("POST", f"{url}/oauth/token", form, {})
        if status == 200:
            headers = {
                "Authorization": f"Bearer {json.loads(answer)['access_token']}",
                "Content-Type": "application/json",
            }
            status, answer = _sent("PUT", url + path, fields, headers)
    sys.stdout.write(f"PUT {path} {fields}\n{status} {answer}\n")
    return 0 if status == 200 and json.loads(answer)["success"] else 1


def _sent(method: str, url: str, body: str, headers: dict[str, str]) -> tuple[int, str]:
    """Status and body of the answer, whatever the status."""
    request = Request(url, body.encode(), headers, method=method)  # noqa: S310 - the ledger's own
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as refused:
        return refused.code, refused.read().decode()


class _Silent(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """A demo shows its own lines alone."""


@contextmanager
def _ledger() -> Iterator[tuple[str, dict[str, str]]]:
    """The URL of the ledger, which this process serves if nobody does, and the credentials."""
    url = os.environ.get("ZUORA_BASE_URL")
    if url:
        names = ("client_id", "client_secret")
        yield url, {name: os.environ[f"ZUORA_{name.upper()}"] for name in names}
        return
    secrets = json.loads((STATE / "ledger-client.json").read_text(encoding="utf-8"))
    with (
        open_ledger(f"sqlite:///{(STATE / 'ledger.db').absolute()}") as ledger,
        make_server("127.0.0.1", 0, create_app(ledger), handler_class=_Silent) as server,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", secrets
        finally:
            server.shutdown()


if __name__ == "__main__":
    sys.exit(main())
