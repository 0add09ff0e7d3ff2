"""`reconciler ledger serve` as a process of its own, with a client that holds a token."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from program import Program, clean_environment

ENTRIES = "/v1/journal-entries"
HOME = "USD"
"""The home currency of the built-in reference, that of the example books."""


def command(*arguments: str) -> str:
    """Run `reconciler ledger ARGUMENTS`, which must succeed; its output."""
    return run(*arguments, code=0)[0]


def run(*arguments: str, code: int) -> tuple[str, str]:
    """Run `reconciler ledger ARGUMENTS`, which must end with the code; stdout and stderr."""
    process = Program(
        ("ledger", *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    output, errors = process.communicate()
    assert process.returncode == code, errors
    return output, errors


class Server:
    """A server, and how to sign in to it."""

    def __init__(self, process: subprocess.Popen[str], url: str, database: str) -> None:
        self.process, self.url, self.database = process, url, database

    @contextmanager
    def client(self, *permissions: str) -> Iterator[httpx.Client]:
        """A client with a token."""
        with httpx.Client(base_url=self.url, timeout=None) as client:
            token = self.sign_in(client, *permissions).json()["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            yield client

    def sign_in(self, client: httpx.Client, *permissions: str) -> httpx.Response:
        """The answer to a new client that asks for a token."""
        held = [part for name in permissions for part in ("--permission", name)]
        options = ("--database", self.database, "--name", "trust", *held, "--format", "json")
        made = json.loads(command("create-client", *options))
        return client.post("/oauth/token", data={**made, "grant_type": "client_credentials"})


@contextmanager
def serving(database: Path | str, *options: str, temporary: Path | None = None) -> Iterator[Server]:
    """The server until the end of the block; killed if it still runs then.

    `temporary` is its directory for temporary files.
    """
    url = database if isinstance(database, str) else f"sqlite:///{database}"
    arguments = ("ledger", "serve", "--port", "0", "--database", url, *options)
    process: subprocess.Popen[str]
    if temporary is None:
        process = Program(arguments, stderr=subprocess.PIPE)
    else:  # a forked process would have that of its parent
        process = subprocess.Popen(
            (sys.executable, "-m", "reconciler", *arguments),
            stderr=subprocess.PIPE,
            text=True,
            env=clean_environment() | {"TMPDIR": str(temporary)},
        )
    with process:
        try:
            assert process.stderr is not None
            ready = process.stderr.readline()
            assert ready.startswith("Ledger ready"), ready
            yield Server(process, ready.split()[-1], url)
        finally:
            process.kill()


def query(client: httpx.Client, statement: str) -> bytes:
    """The result file of a Data Query."""
    asked = {"query": statement, "outputFormat": "JSON", "compression": "NONE"}
    body = {**asked, "output": {"target": "S3"}}
    job = client.post("/query/jobs", json=body).json()["data"]["id"]
    done = client.get(f"/query/jobs/{job}").json()["data"]
    assert done["queryStatus"] == "completed", done
    return client.get(done["dataFile"]).content


def line(side: str, code: str, amount: str = "400.90", **fields: Any) -> dict[str, Any]:
    """A line in the home currency. A field given as None is left out."""
    given = {
        "accountingCodeName": code,
        "type": side,
        "amount": amount,
        "homeCurrencyAmount": amount,
        **fields,
    }
    return {name: value for name, value in given.items() if value is not None}


def entry(amount: str = "400.90", **fields: Any) -> Mapping[str, Any]:
    """A body that creates an entry in the built-in reference."""
    return {
        "accountingPeriodName": "Mar-2026",
        "currency": HOME,
        "journalEntryDate": "2026-03-31",
        "journalEntryItems": [
            line("Debit", "Deferred Revenue", amount),
            line("Credit", "Subscription Revenue", amount),
        ],
        **fields,
    }
