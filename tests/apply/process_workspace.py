"""A workspace whose clients are processes, and whose ledger decides what happens to them."""

import contextlib
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from apply_harness import REFERENCE, Bench
from program import Program
from server_clock import Clock
from socket_server import on_a_socket

from reconciler.cli.main import run
from reconciler.ledger import create_app, open_ledger

BEFORE = {"keep": "1.00", "change": "2.00", "note": "3.00", "gone": "4.00"}


CUT_OFF = "cut off"


class Workspace:
    """A workspace whose ledger is served by this process, which decides what happens to clients."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.books = root / "books"
        self.clock = Clock()
        self.on_receipt: Callable[[int], str | None] = lambda count: None
        self.on_commit: Callable[[int], None] = lambda count: None
        self.received = self.committed = 0
        self.limited = False
        self.searchable = True
        self._open = contextlib.ExitStack()
        self.ledger = self._open.enter_context(
            open_ledger(f"sqlite:///{root / 'ledger.db'}", REFERENCE)
        )
        app = create_app(
            self.ledger, clock=self.clock, after_commit=self._commit, failed_login_delay=0
        )

        def counted(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
            if environ["REQUEST_METHOD"] != "GET" and "journal" in environ["PATH_INFO"]:
                self.received += 1
                if self.on_receipt(self.received) == CUT_OFF:
                    start("400 Bad Request", [("Content-Type", "application/json")])
                    return [b"{}"]
                if self.limited:
                    headers = [("Content-Type", "application/json"), ("Retry-After", "30")]
                    start("429 Too Many Requests", headers)
                    return [b"{}"]
            if environ["PATH_INFO"].startswith("/query") and not self.searchable:
                start("403 Forbidden", [("Content-Type", "application/json")])
                return [b"{}"]
            return app(environ, start)

        self.url = self._open.enter_context(on_a_socket(counted))
        client_id, secret = self.ledger.issue_client("processes")
        self.env = {
            "ZUORA_BASE_URL": self.url,
            "ZUORA_CLIENT_ID": client_id,
            "ZUORA_CLIENT_SECRET": secret,
        }

    def _commit(self, commit: Any) -> None:
        if "journal-entries" in commit.path:
            self.committed += 1
            self.on_commit(self.committed)

    def close(self) -> None:
        self._open.close()

    def calm(self) -> None:
        self.on_receipt = self.on_commit = lambda count: None
        self.received = self.committed = 0

    def declare(self, amounts: dict[str, str], **notes: str) -> None:
        self.books.mkdir(exist_ok=True)
        for old in self.books.glob("e-*.yaml"):
            old.unlink()
        head = "apiVersion: journal.reconciler/v1\nkind: "
        (self.books / "reconciler.yaml").write_text(
            head + "Workspace\nmetadata: {name: books}\nspec: {}\n"
        )
        (self.books / "reference.yaml").write_text(json.dumps(REFERENCE))
        for name, amount in amounts.items():
            lines = "".join(
                f"    - {{accountingCodeName: {code}, type: {side}, amount: {amount}}}\n"
                for code, side in (
                    ("Deferred Revenue", "Debit"),
                    ("Subscription Revenue", "Credit"),
                )
            )
            note = f"  notes: {notes[name]}\n" if name in notes else ""
            (self.books / f"e-{name}.yaml").write_text(
                f"{head}JournalEntry\nmetadata: {{name: {name}}}\nspec:\n"
                "  accountingPeriodName: Jan-2026\n  currency: USD\n"
                f"  journalEntryDate: 2026-01-31\n{note}  journalEntryItems:\n{lines}"
            )

    def start(self, *args: str, **options: Any) -> subprocess.Popen[str]:
        return Program(
            ["apply", "-w", self.books, "--yes", *args],
            env={**os.environ, **self.env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            **options,
        )

    def apply(self, monkeypatch: pytest.MonkeyPatch, *args: str) -> int:
        """The same command, in this process."""
        for name, value in self.env.items():
            monkeypatch.setenv(name, value)
        return run(["apply", "-w", str(self.books), "--yes", *args])

    live = Bench.live
    rows = Bench.rows
    all_entries = Bench.all_entries

    @property
    def ledger_path(self) -> Path:
        return self.root / "ledger.db"

    def require_converged(self, monkeypatch: pytest.MonkeyPatch, amounts: dict[str, str]) -> None:
        """One apply that ends well, one entry for each declaration, then nothing to do."""
        assert self.apply(monkeypatch) == 0
        assert {name: len(found) for name, found in self.live().items()} == dict.fromkeys(
            amounts, 1
        )
        assert len(self.all_entries()) == len(amounts), "nothing cancelled is left behind"
        before = self.received
        assert self.apply(monkeypatch) == 0
        assert self.received == before, "the second apply changes nothing (I-10)"
