"""Edits a live entry behind reconciler's back, as a connector to the general ledger does.

    python demo/connector.py JE-00000015 '{"transferredToAccounting": "Yes"}'

One direct call of the API, PUT .../basic-information, which `reconciler` knows nothing of. It goes
to ZUORA_BASE_URL with ZUORA_CLIENT_ID and ZUORA_CLIENT_SECRET; without them to the embedded ledger
of ./journals, in this process, as the client that `reconciler` made for itself there.
Exits 1 when the ledger refuses.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from reconciler.ledger import create_app, open_ledger

STATE = Path("journals/.reconciler")


def main() -> int:
    """Put the fields given as JSON into the entry, and print call and answer."""
    number, fields = sys.argv[1:]
    with _ledger() as (http, secrets):
        granted = http.post("/oauth/token", data={"grant_type": "client_credentials", **secrets})
        granted.raise_for_status()
        answer = http.put(
            f"/v1/journal-entries/{number}/basic-information",
            content=fields,
            headers={
                "Authorization": f"Bearer {granted.json()['access_token']}",
                "Content-Type": "application/json",
            },
        )
    request = answer.request
    sys.stdout.write(f"{request.method} {request.url.path} {fields}\n")
    sys.stdout.write(f"{answer.status_code} {answer.text}\n")
    return 0 if answer.is_success and answer.json()["success"] else 1


@contextmanager
def _ledger() -> Iterator[tuple[httpx.Client, dict[str, str]]]:
    """The ledger over HTTP and the client's credentials, on a socket or in this process."""
    url = os.environ.get("ZUORA_BASE_URL")
    if url:
        secrets = {
            "client_id": os.environ["ZUORA_CLIENT_ID"],
            "client_secret": os.environ["ZUORA_CLIENT_SECRET"],
        }
        with httpx.Client(base_url=url, trust_env=False) as http:
            yield http, secrets
        return
    secrets = json.loads((STATE / "ledger-client.json").read_text(encoding="utf-8"))
    with open_ledger(f"sqlite:///{(STATE / 'ledger.db').absolute()}") as ledger:
        transport = httpx.WSGITransport(app=create_app(ledger))
        with httpx.Client(base_url="http://localhost", transport=transport) as http:
            yield http, secrets


if __name__ == "__main__":
    sys.exit(main())
