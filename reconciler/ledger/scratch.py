"""A ledger in memory that holds a part of another one: for one process, gone with it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .instance import Ledger, open_in_memory
from .journals.snapshot import Document
from .pages.access import Entity, Viewer
from .pages.trial_balance import balances
from .pages.view import View
from .reference_data.tenant_settings import settings_of


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialBalanceRow:
    period: str
    code: str
    code_type: str
    currency: str
    debit: Decimal
    credit: Decimal


def open_scratch(
    reference: Mapping[str, Any], *, entries: Iterable[Document], runs: Iterable[Document] = ()
) -> Ledger:
    """A new ledger of these, for one thread at a time. Raises LedgerUnusable if they do not fit."""
    ledger = open_in_memory(reference)
    try:
        ledger.load_snapshot(entries, runs)
    except BaseException:
        ledger.close()
        raise
    return ledger


def trial_balance(ledger: Ledger, periods: Iterable[str]) -> tuple[TrialBalanceRow, ...]:
    """The trial balances of these periods, as the ledger's own page shows them."""
    entity = Entity(id="", name="", tenant_id=ledger.tenant_id)
    everybody = Viewer(
        tenant_id=ledger.tenant_id, client=None, entities=(entity,), organizations=None
    )
    with ledger.store.reading() as tx:
        settings = settings_of(tx, ledger.tenant_id)
        view = View(tx=tx, viewer=everybody, entity=entity, settings=settings, path={}, query={})
        return tuple(
            TrialBalanceRow(
                period=period,
                code=row.name,
                code_type=row.type,
                currency=one.currency,
                debit=row.amounts.debit,
                credit=row.amounts.credit,
            )
            for period in sorted(periods)
            for one in balances(view, period)
            for row in one.rows
        )
