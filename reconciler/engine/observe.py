"""Reads the ledger: the live state of every recorded number, its codes and its periods."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.resource import Live
from reconciler.core.model.tenant import AccountingCode, AccountingPeriod
from reconciler.engine.ports import LedgerReader


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What the ledger held. `live` has every number asked for; None is a positive "not found"."""

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
    """Read every wanted number, with so many reads in flight; `advance` is called after each.

    A read that does not succeed raises: absence is only ever a positive answer (I-20).
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
    """What is live under every wanted number, as `observe` reads it."""

    def read(item: tuple[Kind, str]) -> tuple[str, Live | None]:
        kind, number = item
        live = ledger.read(kind, number)
        advance()
        return number, live

    with ThreadPoolExecutor(max_workers=parallelism) as pool:
        try:
            return dict(pool.map(read, wanted))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
