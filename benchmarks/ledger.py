"""What the embedded ledger does per second: durable creates and reads, over real sockets.

    python benchmarks/ledger.py [--seconds 5]

`reconciler ledger serve` runs on a new database of each kind, SQLite in a file and PostgreSQL in a
server of its own with fsync on; clients are processes, so that they do not compute in each other's
time. A create posts an entry of two lines under an Idempotency-Key; a read fetches one by number.
The ratio compares a row with that of one client on SQLite, of the same verb.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import Pool
from pathlib import Path
from uuid import uuid4

import httpx

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import postgresql_server  # noqa: E402 - it lives among the tests, which need it more often

ENTRIES = "/v1/journal-entries"
ENTRY = {
    "accountingPeriodName": "Jan-2026",
    "currency": "USD",
    "journalEntryDate": "2026-01-31",
    "segments": [
        {"segmentName": "Department", "segmentValue": "Finance"},
        {"segmentName": "Region", "segmentValue": "EMEA"},
    ],
    "journalEntryItems": [
        {
            "accountingCodeName": code,
            "type": side,
            "amount": "400.90",
            "homeCurrencyAmount": "400.90",
        }
        for code, side in (("Deferred Revenue", "Debit"), ("Hosting Costs", "Credit"))
    ],
}
ROWS = (("sqlite", 1), ("postgresql", 1), ("postgresql", 2))


def main() -> None:
    """Serve, ask, print."""
    asked = _arguments()
    print(f"{'database':<12}{'servers':>8}{'clients':>9}{'verb':>8}{'a second':>10}{'ratio':>7}")
    first: dict[str, float] = {}
    for kind, servers in ROWS:
        with serving(kind, servers) as served:
            token = served.token()
            for clients in (1, 8):
                for verb in ("create", "read"):
                    rate = measured(served.urls, token, clients, verb, asked.seconds)
                    ratio = rate / first.setdefault(verb, rate)
                    print(f"{kind:<12}{servers:>8}{clients:>9}{verb:>8}{rate:>10.0f}{ratio:>7.2f}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """The URLs of server processes over one database, and the client that they know."""

    urls: list[str]
    client: dict[str, str]

    def token(self) -> str:
        form = {"grant_type": "client_credentials", **self.client}
        answer = httpx.post(f"{self.urls[0]}/oauth/token", data=form)
        token: str = answer.json()["access_token"]
        return token


@contextmanager
def serving(kind: str, servers: int) -> Iterator[Served]:
    """So many server processes over one new database."""
    with ExitStack() as stack:
        if kind == "sqlite":
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            database = f"sqlite:///{folder}/ledger.db"
        else:
            server = stack.enter_context(postgresql_server.running(durable=True))
            server.make("ledger")
            database = server.url("ledger")
        urls = [stack.enter_context(_server(database)) for _ in range(servers)]
        made = _ledger("create-client", "--name", "bench", "--format", "json", database=database)
        yield Served(urls=urls, client=json.loads(made.stdout))


def measured(urls: Sequence[str], token: str, clients: int, verb: str, seconds: float) -> float:
    """How many answers a second all clients get together."""
    asks = [(urls[number % len(urls)], token, verb, seconds) for number in range(clients)]
    with Pool(clients) as pool:
        return sum(pool.map(_ask, asks, chunksize=1))


def _ask(ask: tuple[str, str, str, float]) -> float:
    url, token, verb, seconds = ask
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=url, headers=headers, timeout=60) as client:
        number = _create(client)
        count, began = 0, time.perf_counter()
        while time.perf_counter() < began + seconds:
            if verb == "create":
                _create(client)
            else:
                client.get(f"{ENTRIES}/{number}").raise_for_status()
            count += 1
        return count / (time.perf_counter() - began)


def _create(client: httpx.Client) -> str:
    answer = client.post(ENTRIES, json=ENTRY, headers={"Idempotency-Key": uuid4().hex})
    answer.raise_for_status()
    number: str = answer.json()["journalEntryNumber"]
    return number


@contextmanager
def _server(database: str) -> Iterator[str]:
    command = [sys.executable, "-m", "reconciler", "ledger", "serve", "--port", "0"]
    server = subprocess.Popen(
        [*command, "--database", database], stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert server.stderr is not None
    try:
        yield server.stderr.readline().split()[-1]
    finally:
        server.terminate()
        server.wait(30)
        server.stderr.close()


def _ledger(*arguments: str, database: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "reconciler", "ledger", *arguments, "--database", database]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=5, help="how long each row is measured")
    return parser.parse_args()


if __name__ == "__main__":
    main()
