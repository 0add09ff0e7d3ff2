"""What a Data Query costs on the embedded ledger: CPU seconds, as ratios of one run.

    python benchmarks/query.py [--small 2000] [--large 10000] [--lines 4]

Two ledgers are posted through the API, the second so many times larger. On each a query looks for
one entry by its number and adds up its lines: for the first time, again with nothing changed, and
after a few writes. The first query copies the books and grows with them; what comes after it has
no reason to. The last column says how the cost grew from small to large.
"""

import argparse
import tempfile
import time
from collections.abc import Mapping, Sequence

import httpx

from reconciler.ledger import Ledger, create_app, open_ledger

WRITES = 10
QUERY = """
    SELECT e.number, SUM(i.amount) AS total FROM JournalEntry e
    JOIN JournalEntryItem i ON i.journalentryid = e.id
    WHERE e.number = 'JE-00000077' GROUP BY e.number
"""


def main() -> None:
    """Post, ask, print."""
    asked = _arguments()
    small, large = (measured(size, asked.lines) for size in (asked.small, asked.large))
    print(f"{'query':<24}{asked.small:>9}{asked.large:>9}  growth")
    for name in small:
        grown = large[name] / small[name]
        print(f"{name:<24}{small[name]:>9.3f}{large[name]:>9.3f}{grown:>8.2f}")
    for name in ("nothing changed", f"after {WRITES} writes"):
        print(f"{name} / first: {large[name] / large['first']:.3f}")


def measured(size: int, lines: int) -> Mapping[str, float]:
    """CPU seconds of each sort of query on a ledger of so many entries."""
    with (
        tempfile.TemporaryDirectory() as scratch,
        open_ledger(f"sqlite:///{scratch}/ledger.db") as ledger,
        httpx.Client(
            transport=httpx.WSGITransport(app=create_app(ledger)), base_url="http://ledger"
        ) as client,
    ):
        client.headers["Authorization"] = f"Bearer {_token(client, ledger)}"
        _post(client, size, lines)
        ask(client, "SELECT number FROM JournalRun")  # loads the parser
        found = {"first": ask(client), "nothing changed": ask(client)}
        _post(client, WRITES, lines)
        return {**found, f"after {WRITES} writes": ask(client)}


def ask(client: httpx.Client, query: str = QUERY) -> float:
    """CPU seconds of a job from submission to its result."""
    before = time.process_time()
    body = {"query": query, "outputFormat": "JSON", "compression": "NONE"}
    job = client.post("/query/jobs", json={**body, "output": {"target": "S3"}}).json()["data"]
    done = client.get(f"/query/jobs/{job['id']}").json()["data"]
    assert done["queryStatus"] == "completed", done
    return time.process_time() - before


def _post(client: httpx.Client, size: int, lines: int) -> None:
    for number in range(size):
        items = [
            {
                "accountingCodeName": code,
                "type": side,
                "amount": f"{number + line + 1}.10",
                "homeCurrencyAmount": f"{number + line + 1}.10",
            }
            for line in range(lines // 2)
            for side, code in (("Debit", "Accounts Receivable"), ("Credit", "Deferred Revenue"))
        ]
        body = {
            "accountingPeriodName": "Jan-2026",
            "currency": "USD",
            "journalEntryDate": "2026-01-31",
            "notes": f"Generated entry {number}",
            "journalEntryItems": items,
        }
        response = client.post("/v1/journal-entries", json=body)
        assert response.status_code == 200, response.text


def _token(client: httpx.Client, ledger: Ledger) -> str:
    client_id, secret = ledger.issue_client("benchmark")
    form = {"client_id": client_id, "client_secret": secret, "grant_type": "client_credentials"}
    token: str = client.post("/oauth/token", data=form).json()["access_token"]
    return token


def _arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--small", type=int, default=2000)
    parser.add_argument("--large", type=int, default=10000)
    parser.add_argument("--lines", type=int, default=4)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
