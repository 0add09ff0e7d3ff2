"""Allocation of source transactions to runs and entries: at most one of each.

A run allocates its transactions when it starts, and each group of them to the entry that summarises
it. So the rows show what a run still has to summarise. A cancelled entry releases its transactions
for a later run.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, func, select, update

from ..storage.tables import source_transactions

_ROW = source_transactions.c
# In the order of an index, and of the entries of a run. The currency comes last, because it is
# left out where currencies are aggregated.
_GROUP = (
    _ROW.organization,
    _ROW.transaction_type,
    _ROW.debit_code_id,
    _ROW.credit_code_id,
    _ROW.segments,
    _ROW.currency,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Transactions that one entry summarises; `currency` is None if currencies are aggregated."""

    organization: str | None
    transaction_type: str
    currency: str | None
    debit_code_id: str
    credit_code_id: str
    segments: list[list[str]]


def allocate(tx: Connection, run: RowMapping) -> int:
    """Allocate to a run all transactions it asks for that no run has; returns their number."""
    updated = tx.execute(
        update(source_transactions)
        .where(
            _ROW.tenant_id == run["tenant_id"],
            _ROW.journal_run_id.is_(None),
            _in_organizations(run),
            _ROW.transaction_type.in_(run["transaction_types"]),
            _ROW.transaction_date.between(run["target_start_date"], run["target_end_date"]),
        )
        .values(journal_run_id=run["id"])
    )
    return updated.rowcount


def _in_organizations(run: RowMapping) -> ColumnElement[bool]:
    """Those of the run's organizations; without Multi-Org, those without an organization."""
    names = run["organizations"]
    return _ROW.organization.is_(None) if names is None else _ROW.organization.in_(names)


def release_entry(tx: Connection, entry: RowMapping) -> None:
    """Release the transactions of a cancelled entry. A manual entry has none."""
    if entry["journal_run_id"] is None:
        return
    tx.execute(
        update(source_transactions)
        .where(
            _ROW.tenant_id == entry["tenant_id"],
            _ROW.journal_run_id == entry["journal_run_id"],
            _ROW.journal_entry_id == entry["id"],
        )
        .values(journal_run_id=None, journal_entry_id=None)
    )


def release_unsummarized(tx: Connection, run: RowMapping) -> None:
    tx.execute(update(source_transactions).where(*_unsummarized(run)).values(journal_run_id=None))


def next_group(tx: Connection, run: RowMapping) -> Group | None:
    """The next group to summarise, in a fixed order; None if there is none."""
    columns = _columns_of(run)
    query = select(*columns).where(*_unsummarized(run)).order_by(*columns).limit(1)
    found = tx.execute(query).mappings().one_or_none()
    return None if found is None else Group(**{"currency": None, **found})


def count_remaining_groups(tx: Connection, run: RowMapping) -> int:
    groups = select(*_columns_of(run)).where(*_unsummarized(run)).distinct().subquery()
    left: int = tx.execute(select(func.count()).select_from(groups)).scalar_one()
    return left


def amounts_of(
    tx: Connection, run: RowMapping, group: Group
) -> Iterator[tuple[Decimal, Decimal | None]]:
    """Amount and home currency amount of each transaction of a group, read in batches."""
    query = select(_ROW.amount, _ROW.home_currency_amount).where(*_of_group(run, group))
    for row in tx.execute(query, execution_options={"yield_per": 1000}):
        yield row.amount, row.home_currency_amount


def allocate_group(tx: Connection, run: RowMapping, group: Group, entry_id: str) -> int:
    """Allocate a group to the entry that summarises it; returns the number of transactions."""
    updated = tx.execute(
        update(source_transactions).where(*_of_group(run, group)).values(journal_entry_id=entry_id)
    )
    return updated.rowcount


def variants(tx: Connection, run: RowMapping) -> Sequence[RowMapping]:
    """The combinations of home currency and segments that are still to summarise."""
    query = select(_ROW.home_currency, _ROW.segments).where(*_unsummarized(run)).distinct()
    return tx.execute(query).mappings().all()


def _unsummarized(run: RowMapping) -> tuple[ColumnElement[bool], ...]:
    return (
        _ROW.tenant_id == run["tenant_id"],
        _ROW.journal_run_id == run["id"],
        _ROW.journal_entry_id.is_(None),
    )


def _of_group(run: RowMapping, group: Group) -> tuple[ColumnElement[bool], ...]:
    same = [column == getattr(group, column.name) for column in _columns_of(run)]
    return (*_unsummarized(run), *same)


def _columns_of(run: RowMapping) -> Sequence[ColumnElement[Any]]:
    """What the transactions of an entry agree in: with aggregation not in their currency."""
    return _GROUP[:-1] if run["aggregate_currency"] else _GROUP
