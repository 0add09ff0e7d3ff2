"""What the embedded ledger does per second: durable creates and reads, over real sockets.

    python benchmarks/ledger.py [--seconds 5]

`reconciler ledger serve` runs on a new database of each kind, SQLite in a file and PostgreSQL in a
server of its own with fsync on; clients are processes, so that they do not compute in each other's
time. A create posts an entry of two lines under an Idempotency-Key; a read fetches one by number.
`gain` compares a row with that of one client of the same database and verb. `CPU ms` is what the
servers take for an answer, without the database. It says more than a rate where others use the
machine too.
"""

import argparse
import json
import os
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
    head = f"{'database':<12}{'servers':>8}{'clients':>9}{'verb':>8}{'a second':>10}"
    print(f"{head}{'gain':>7}{'CPU ms':>8}")
    for kind, servers in ROWS:
        first: dict[str, float] = {}
        with serving(kind, servers) as served:
            token = served.token()
            for clients in (1, 8):
                for verb in ("create", "read"):
                    before = served.processor_seconds()
                    rate, answers = measured(served.urls, token, clients, verb, asked.seconds)
                    used = 1000 * (served.processor_seconds() - before) / answers
                    gain = rate / first.setdefault(verb, rate)
                    row = f"{kind:<12}{servers:>8}{clients:>9}{verb:>8}{rate:>10.0f}"
                    print(f"{row}{gain:>7.2f}{used:>8.2f}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Server processes over one database: their URLs, and the client that they know."""

    urls: list[str]
    processes: list[int]
    client: dict[str, str]

    def token(self) -> str:
        form = {"grant_type": "client_credentials", **self.client}
        answer = httpx.post(f"{self.urls[0]}/oauth/token", data=form)
        token: str = answer.json()["access_token"]
        return token

    def processor_seconds(self) -> float:
        """What the processes took since they began."""
        return sum(processor_seconds(each) for each in self.processes)


@contextmanager
def serving(kind: str, servers: int) -> Iterator[Served]:
    """So many server processes over one new database."""
    with ExitStack() as stack:
        if kind == "sqlite":
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            database = f"sqlite:///{folder}/ledger.db"
        else:
            databases = stack.enter_context(postgresql_server.running(durable=True))
            databases.make("ledger")
            database = databases.url("ledger")
        started = [stack.enter_context(server(database)) for _ in range(servers)]
        made = _ledger("create-client", "--name", "bench", "--format", "json", database=database)
        urls, processes = [url for url, _ in started], [process for _, process in started]
        yield Served(urls=urls, processes=processes, client=json.loads(made.stdout))


def measured(
    urls: Sequence[str], token: str, clients: int, verb: str, seconds: float
) -> tuple[float, int]:
    """How many answers a second all clients get together, and how many in all."""
    asks = [(urls[number % len(urls)], token, verb, seconds) for number in range(clients)]
    with Pool(clients) as pool:
        found = pool.map(_ask, asks, chunksize=1)
    return sum(count / took for count, took in found), sum(count for count, _ in found)


def _ask(ask: tuple[str, str, str, float]) -> tuple[int, float]:
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
        return count, time.perf_counter() - began


def _create(client: httpx.Client) -> str:
    answer = client.post(ENTRIES, json=ENTRY, headers={"Idempotency-Key": uuid4().hex})
    answer.raise_for_status()
    number: str = answer.json()["journalEntryNumber"]
    return number


def processor_seconds(process: int) -> float:
    """What a process took since it began, as Linux counts it."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def server(database: str) -> Iterator[tuple[str, int]]:
    """A server of a database: its URL and its process."""
    command = [sys.executable, "-P", "-m", "reconciler", "ledger", "serve", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--database", database], stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stderr is not None
    try:
        yield process.stderr.readline().split()[-1], process.pid
    finally:
        process.terminate()
        process.wait(30)
        process.stderr.close()


def _ledger(*arguments: str, database: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-P",
        "-m",
        "reconciler",
        "ledger",
        *arguments,
        "--database",
        database,
    ]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=5, help="how long each row is measured")
    return parser.parse_args()


if __name__ == "__main__":
    main()
