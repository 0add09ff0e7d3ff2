"""Books in a known state, made once and copied for every test."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path

import pytest
from books_harness import (
    BY_COMMAND,
    EMBEDDED,
    JOURNALS,
    REFERENCE,
    SERVED,
    SMALL,
    Books,
    ServedBooks,
    reconciler,
)
from program import ALIEN


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    """No setting of whoever runs the tests reaches the program."""
    for name in [name for name in os.environ if name.startswith(ALIEN)]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def empty_template(tmp_path_factory) -> Path:
    """A workspace without entries, its ledger seeded."""
    root = tmp_path_factory.mktemp("templates") / "empty"
    with closing(Books(root)) as books:
        books.settings()
        shutil.copy(REFERENCE, root)
        assert books.plan().code == 0
    return root


@pytest.fixture(scope="session")
def small_template(empty_template) -> Path:
    """Six entries, applied."""
    with template_of(empty_template, "small") as books:
        for name in SMALL:
            books.declare(name, notes=f"Notes of {name}")
        assert books.apply().code == 0
    return books.root


@pytest.fixture(scope="session")
def example_template(tmp_path_factory) -> Path:
    """January of the example books, applied, and the rent of Tokyo."""
    root = tmp_path_factory.mktemp("templates") / "example"
    shutil.copytree(JOURNALS / "2026" / "01", root / "2026" / "01")
    for file in ("reconciler.yaml", "reference.yaml", "2026/02/tokyo-office-rent.yaml"):
        (root / file).parent.mkdir(exist_ok=True)
        shutil.copy(JOURNALS / file, root / file)
    with closing(Books(root)) as books:
        assert books.apply().code == 0
    return root


@contextmanager
def template_of(template: Path, name: str) -> Iterator[Books]:
    """Books that begin as a template, to be made another one beside it, with this name."""
    with closing(Books(shutil.copytree(template, template.with_name(name)))) as books:
        yield books


Open = Callable[..., Books]


_PLACES: dict[str, Callable[[Path], Books]] = {
    EMBEDDED: Books,
    SERVED: ServedBooks,
    BY_COMMAND: partial(ServedBooks, by_command=True),
}


@pytest.fixture
def opened(tmp_path) -> Iterator[Open]:
    """Opens a copy of a template, with its ledger at one of the places."""
    with ExitStack() as stack:

        def opened(template: Path, *, place: str = EMBEDDED, name: str = "books") -> Books:
            root = Path(shutil.copytree(template, tmp_path / name))
            books = _PLACES[place](root)
            stack.callback(books.close)
            return books

        yield opened


@pytest.fixture(params=[EMBEDDED, pytest.param(SERVED, marks=pytest.mark.long)])
def place(request) -> str:
    return request.param


@pytest.fixture
def example(opened, example_template, place) -> Books:
    """The example books, applied, on both sorts of ledger."""
    return opened(example_template, place=place)


@pytest.fixture
def small(opened, small_template) -> Books:
    """Six applied entries on the embedded ledger."""
    return opened(small_template)


@pytest.fixture
def served_small(opened, small_template) -> ServedBooks:
    """Six applied entries on a served ledger."""
    return opened(small_template, place=SERVED)


@pytest.fixture
def empty(opened, empty_template) -> Books:
    """A workspace without entries on the embedded ledger."""
    return opened(empty_template)


RUN = """\
apiVersion: journal.reconciler/v1
kind: JournalRun
metadata: {name: 2026-01-billing}
spec:
  accountingPeriodName: Jan-2026
  journalEntryDate: 2026-01-31
  transactionTypes:
    - {type: Invoice Item}
    - {type: Taxation Item}
"""


@pytest.fixture
def billing(opened, empty_template, place) -> Books:
    """Books that declare a run, and a ledger with transactions that make ten entries of it."""
    books = opened(empty_template, place=place)
    fields = "id,transactionType,transactionDate,currency,amount,homeCurrencyAmount"
    rows = [f"{fields},debitAccountingCodeName,creditAccountingCodeName"]
    for at in range(20):
        sort, currency = ("Invoice Item", "USD") if at % 2 else ("Taxation Item", "EUR")
        code = ("Accounts Receivable", "Deferred Revenue")[at % 4 // 2]
        facts = f"T{at},{sort},2026-01-{at + 1:02},{currency},{at}.25,{at}.25"
        rows.append(f"{facts},{code},Subscription Revenue")
    file = books.root.parent / "transactions.csv"
    file.write_text("\n".join(rows))
    database = f"sqlite:///{books.database}"
    loaded = reconciler("ledger", "load-transactions", "--database", database, file)
    assert loaded.code == 0, loaded.said
    books.write("billing.yaml", RUN)
    return books
