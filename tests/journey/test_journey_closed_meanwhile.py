"""A period that is closed while the plan is on its way: the command leaves out what was meant."""

import shutil
from contextlib import closing

import pytest
from books_harness import Books, ServedBooks, credentials, credit, debit
from socket_server import on_a_socket

from reconciler.ledger import create_app, open_ledger


class Closing(Books):
    """Books on a served ledger. From its second read in a run on, January has another status."""

    names_ledger = False
    _client = ServedBooks._client

    def __init__(self, root, status):
        database = root.parent / "ledger.db"
        shutil.move(root / ".reconciler" / "ledger.db", database)
        super().__init__(root, database)
        self.status, self.reads = status, 0
        ledger = self._open.enter_context(open_ledger(f"sqlite:///{database}"))
        self.app = create_app(ledger)
        self.url = self._open.enter_context(on_a_socket(self))
        self.env = credentials(database) | {"ZUORA_BASE_URL": self.url}

    def __call__(self, environ, start):
        reads = (environ["REQUEST_METHOD"], environ["PATH_INFO"]) == (
            "GET", "/v1/accounting-periods"
        )  # fmt: skip
        self.reads += reads
        if reads and self.reads == 2:
            self.move_january()
        return self.app(environ, start)

    def move_january(self):
        periods = self.call("GET", "accounting-periods")["accountingPeriods"]
        for period in sorted(periods, key=lambda one: one["startDate"]):
            if period["name"] == "Jan-2026" and self.status == "PendingClose":
                self.call("PUT", f"accounting-periods/{period['id']}/pending-close")
                return
            if period["startDate"] <= "2026-01-01":
                for how in ("pending-close", "close"):
                    self.call("PUT", f"accounting-periods/{period['id']}/{how}")


@pytest.mark.parametrize(
    ("status", "says", "remedy"),
    [
        ("Closed", "Jan-2026 is closed now", "Run `reconciler plan"),
        ("PendingClose", "Jan-2026 is PendingClose now", "Apply with credentials that have"),
    ],
)
def test_what_its_period_no_longer_allows_is_blocked_and_the_rest_is_posted(
    empty_template, tmp_path, status, says, remedy
):
    with closing(Closing(shutil.copytree(empty_template, tmp_path / "books"), status)) as books:
        target = f"{{baseUrl: {books.url}, managesClose: false}}"
        books.settings(spec=f"{{target: {target}}}")
        books.declare("january", debit("9.00"), credit("9.00"))
        books.declare(
            "february", debit("7.00"), credit("7.00"),
            accountingPeriodName="Feb-2026", journalEntryDate="2026-02-28",
        )  # fmt: skip
        ended = books.apply()
        assert ended.code == 4, ended.said
        assert "Applied: 1 created, 1 blocked.\n" in ended.out
        said = " ".join(ended.out.split())
        assert says in said
        assert set(books.posted()) == {"february"}
        # The remedy is followed.
        assert f"To fix: {remedy}" in said
        planned = books.plan()
        assert f"period-{'closed' if status == 'Closed' else 'pending-close'}:" in planned.out
