"""Reads the ledger: the live state of every recorded number, its codes and its periods."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event

from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.resource import Live
from reconciler.core.model.tenant import AccountingCode, AccountingPeriod
from reconciler.engine.ports import LedgerReader


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What the ledger has. `live` has every requested number; None is a positive "not found"."""

    live: Mapping[str, Live | None]
    codes: tuple[AccountingCode, ...]
    periods: tuple[AccountingPeriod, ...]


def observe(
    wanted: Iterable[tuple[Kind, str]],
    ledger: LedgerReader,
    *,
    parallelism: int,
    advance: Callable[[], None] = lambda: None,
) -> Observation:
    """Read every wanted number, at most `parallelism` at a time; call `advance` after each.

    A failed read raises: only a positive answer counts as absence (I-20).
    """
    live = read_all(wanted, ledger, parallelism=parallelism, advance=advance)
    return Observation(
        live=live, codes=ledger.accounting_codes(), periods=ledger.accounting_periods()
    )


def read_all(
    wanted: Iterable[tuple[Kind, str]],
    ledger: LedgerReader,
    *,
    parallelism: int,
    advance: Callable[[], None] = lambda: None,
) -> Mapping[str, Live | None]:
    """The live object of every wanted number, as `observe` reads it; after a failure, no more."""
    failed = Event()

    def read(item: tuple[Kind, str]) -> tuple[str, Live | None]:
        kind, number = item
        if failed.is_set():
            # The failure is raised instead of all results.
            return number, None
        try:
            live = ledger.read(kind, number)
            advance()
        except BaseException:
            failed.set()
            raise
        return number, live

    if parallelism == 1:
        # A thread for each read would only hand it to the one that waits for it.
        return dict(map(read, wanted))
    with ThreadPoolExecutor(max_workers=parallelism) as pool:
        try:
            return dict(pool.map(read, wanted))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
