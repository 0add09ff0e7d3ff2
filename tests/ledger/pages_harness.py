"""What tests of the pages share: a ledger on a loopback name, many entries, and pages as text."""

import re
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import httpx
from ledger_databases import Database
from ledger_harness import Bench

from reconciler.ledger.storage import tables
from reconciler.ledger.web.headers import LOOPBACK_HOSTS

HOST = "http://127.0.0.1:8021"


class LocalBench(Bench):
    """A ledger as `serve` makes it on a loopback address: it answers to loopback names only."""

    def __init__(self, database: Database, **options: Any) -> None:
        super().__init__(database, **{"allowed_hosts": LOOPBACK_HOSTS, **options})

    def anonymous(self) -> httpx.Client:
        client = super().anonymous()
        if self._url is None:
            client.base_url = httpx.URL(HOST)
        return client


def browse(bench: Bench) -> httpx.Client:
    """A client that asks for pages, as a browser does."""
    client = bench.anonymous()
    client.headers["Accept"] = "text/html,application/xhtml+xml,*/*;q=0.8"
    return client


def fill(bench: Bench, count: int) -> None:
    """Write so many entries of January into the tables at once: 0.10 from one code to itself."""
    codes, periods = tables.accounting_codes, tables.accounting_periods
    with bench.ledger.store.writing_relaxed() as tx:
        code = tx.execute(codes.select().limit(1)).mappings().one()["id"]
        january = tx.execute(periods.select().where(periods.c.name == "Jan-2026"))
        shared = {
            "tenant_id": bench.ledger.tenant_id,
            "status": "Created",
            "accounting_period_id": january.mappings().one()["id"],
            "currency": "USD",
            "aggregate_currency": False,
            "journal_entry_date": "2026-01-31",
            "segments": [],
            "transferred_to_accounting": "No",
            "custom_fields": {},
            "deleted": False,
            **dict.fromkeys(("created_by", "updated_by"), "u"),
            **dict.fromkeys(("created_on", "updated_on"), "2026-01-31 00:00:00"),
        }
        entries = [
            {**shared, "id": f"e{number}", "number": f"JE-{number:08d}"}
            for number in range(1, count + 1)
        ]
        items = [
            {
                "tenant_id": bench.ledger.tenant_id,
                "id": f"{side}{entry['id']}",
                "journal_entry_id": entry["id"],
                "position": position,
                "accounting_code_id": code,
                "type": side,
                "amount": Decimal("0.10"),
                "custom_fields": {},
            }
            for entry in entries
            for position, side in enumerate(("Debit", "Credit"))
        ]
        tx.execute(tables.journal_entries.insert(), entries)
        tx.execute(tables.journal_entry_items.insert(), items)


class _Reader(HTMLParser):
    """Collects cells row by row, and every tag with its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self._cell = False

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._cell = False

    def handle_data(self, text: str) -> None:
        if self._cell:
            self.rows[-1][-1] += text


def _read(response: httpx.Response) -> _Reader:
    reader = _Reader()
    reader.feed(response.text)
    return reader


def rows_of(response: httpx.Response) -> list[list[str]]:
    """The cells of every row of every table, with their space evened out."""
    return [[" ".join(cell.split()) for cell in row] for row in _read(response).rows]


def tags_of(response: httpx.Response) -> list[tuple[str, dict[str, str | None]]]:
    return _read(response).tags


def numbers_of(response: httpx.Response) -> list[str]:
    """The numbers of the entries listed, from the top."""
    return [row[0] for row in rows_of(response) if re.fullmatch(r"JE-[0-9]+", row[0])]


def text_of(response: httpx.Response) -> str:
    """What is to be read, without tags, with its space evened out."""
    pieces: list[str] = []
    parser = HTMLParser()
    parser.handle_data = pieces.append  # type: ignore[method-assign]
    parser.feed(response.text)
    return " ".join("".join(pieces).split())
