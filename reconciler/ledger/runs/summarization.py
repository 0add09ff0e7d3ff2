"""Processing of a run: groups of source transactions become entries (API facts 5.2)."""

import logging
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import RowMapping, insert, select

from ..journals import allocation
from ..journals.amounts import add
from ..journals.entries import KIND as ENTRY
from ..journals.entries import mixes_aggregation, new_entry, new_item
from ..reference_data.tenant_settings import Settings, settings_of
from ..storage.tables import accounting_periods, journal_entries, journal_entry_items, journal_runs
from . import job_queue
from .creation import period_over
from .job_queue import JobContext
from .operations import KIND

log = logging.getLogger(__name__)

GROUPS_PER_STEP = 20
"""Entries per transaction: few, so that requests hardly wait."""


def process(context: JobContext) -> None:
    """The next step of a run: its start, its next entries, or its end."""
    if context.run["status"] == "Pending":
        _start(context)
    else:
        _go_on(context)


def fail(context: JobContext, why: str) -> None:
    """End a run in Error, and release the transactions it has not summarised."""
    log.warning("the journal run %s ended in Error: %s", context.run["number"], why)
    allocation.release_unsummarized(context.tx, context.run)
    context.finish({"status": "Error"})
    context.author.record("fail", KIND, context.run["number"], {"reason": why})


def _start(context: JobContext) -> None:
    """Allocate the run's transactions. Blockers are found before the first entry."""
    count = allocation.allocate(context.tx, context.run)
    why = next(_blockers(context, settings_of(context.tx, context.tenant_id)), None)
    if why is not None:
        fail(context, why)
        return
    started = {"status": "Processing", "executed_on": context.author.happened_on}
    context.author.change(journal_runs, context.run, started)
    context.author.record("start", KIND, context.run["number"], {"transactions": count})


def _blockers(context: JobContext, settings: Settings) -> Iterator[str]:
    """What changed since the run was requested, or its transactions were loaded."""
    yield from _aggregation_conflicts(context, settings)
    for variant in allocation.variants(context.tx, context.run):
        if variant["home_currency"] != settings.home_currency:
            yield "the home currency has changed since transactions were loaded"
        names = tuple(name for name, _value in variant["segments"])
        if names and names != settings.segments:
            yield "the segmentation rule has changed since transactions were loaded"


def _aggregation_conflicts(context: JobContext, settings: Settings) -> Iterator[str]:
    """Whether the period would have entries of both settings; checked before every step."""
    aggregate = context.run["aggregate_currency"]
    if settings.aggregate_currency != aggregate:
        yield "the setting of currency aggregation has changed"
    if mixes_aggregation(context.tx, _period(context), aggregate):
        yield "the period holds entries with the other setting of currency aggregation"


def _go_on(context: JobContext) -> None:
    settings = settings_of(context.tx, context.tenant_id)
    period = _period(context)
    why = next(_aggregation_conflicts(context, settings), None)
    if why is not None:
        fail(context, why)
        return
    position = context.job["handled"]
    for _ in range(GROUPS_PER_STEP):
        group = allocation.next_group(context.tx, context.run)
        if group is None:
            context.finish({"status": "Completed"})
            context.author.record("complete", KIND, context.run["number"], {"entries": position})
            return
        position += 1
        _summarise(context, group, settings, period=period, position=position)
    job_queue.handled(context.tx, context.job, position)


def _summarise(
    context: JobContext,
    group: allocation.Group,
    settings: Settings,
    *,
    period: RowMapping,
    position: int,
) -> None:
    """Create the entry of a group, and allocate the group to it."""
    row = new_entry(
        context.author,
        settings,
        period,
        journal_run_id=context.run["id"],
        run_position=position,
        currency=group.currency or settings.home_currency,
        journal_entry_date=context.run["journal_entry_date"],
        time_period_start=context.run["target_start_date"],
        time_period_end=context.run["target_end_date"],
        transaction_type=group.transaction_type,
        organization=group.organization,
        segments=group.segments,
        transferred_to_accounting="No",
        custom_fields={},
    )
    items = _item_rows(context, group, settings, row)
    context.tx.execute(insert(journal_entries), row)
    context.tx.execute(insert(journal_entry_items), items)
    count = allocation.allocate_group(context.tx, context.run, group, row["id"])
    details = {"entry": row, "items": items, "transactions": count}
    context.author.record("create", ENTRY, row["number"], details)


def _item_rows(
    context: JobContext, group: allocation.Group, settings: Settings, entry: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """A debit and a credit of the same amounts."""
    amount, home_amount = _sums(context, group, settings)
    same: dict[str, Any] = {
        "amount": amount,
        "home_currency_amount": home_amount,
        "custom_fields": {},
    }
    return [
        new_item(entry, 0, group.debit_code_id, type="Debit", **same),
        new_item(entry, 1, group.credit_code_id, type="Credit", **same),
    ]


def _sums(
    context: JobContext, group: allocation.Group, settings: Settings
) -> tuple[Decimal, Decimal | None]:
    amount, home_amount = Decimal(0), Decimal(0)
    for single, single_home in allocation.amounts_of(context.tx, context.run, group):
        amount = add(amount, single)
        if settings.home_currency is not None:
            assert single_home is not None  # an obstacle has been found otherwise
            home_amount = add(home_amount, single_home)
    if settings.home_currency is None:
        return amount, None
    # Aggregated, the entry is in the home currency, and so are both of its amounts.
    return (home_amount if group.currency is None else amount), home_amount


def _period(context: JobContext) -> RowMapping:
    """The period the run lies in: what a request was checked against, periods are not moved."""
    query = select(accounting_periods).where(accounting_periods.c.tenant_id == context.tenant_id)
    periods = context.tx.execute(query).mappings().all()
    period = period_over(periods, context.run["target_start_date"], context.run["target_end_date"])
    assert period is not None
    return period
