"""Processing a run: its source transactions become entries, a group at a time (API facts 5.2)."""

import logging
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from sqlalchemy import RowMapping, insert, select

from ..journals import allocation
from ..journals.amounts import total
from ..journals.entries import KIND as ENTRY
from ..journals.entries import mixes_aggregation
from ..reference_data.tenant_settings import Settings, settings_of
from ..storage.sequences import next_number
from ..storage.tables import accounting_periods, journal_entries, journal_entry_items
from . import job_queue
from .creation import period_over
from .job_context import Task
from .operations import KIND

log = logging.getLogger(__name__)

GROUPS_PER_STEP = 20
"""Entries made in one transaction: few enough that requests in between hardly wait."""


def process(task: Task) -> None:
    """The next step of a run: its start, or its next few entries, or its end."""
    if task.run["status"] == "Pending":
        _start(task)
    else:
        _go_on(task)


def fail(task: Task, why: str) -> None:
    """End a run in Error. What it had tied to itself and not summarised is free again."""
    log.warning("the journal run %s ended in Error: %s", task.run["number"], why)
    allocation.untie_waiting(task.tx, task.run)
    task.finish({"status": "Error"})
    task.record("fail", KIND, task.run["number"], {"reason": why})


def _start(task: Task) -> None:
    """Tie to the run what it will summarise. Obstacles are found before the first entry."""
    count = allocation.tie(task.tx, task.run)
    why = next(_obstacles(task, settings_of(task.tx, task.tenant_id)), None)
    if why is not None:
        fail(task, why)
        return
    task.set_run({"status": "Processing", "executed_on": task.stamp})
    task.record("start", KIND, task.run["number"], {"transactions": count})


def _obstacles(task: Task, settings: Settings) -> Iterator[str]:
    """What has changed since the run was asked for, or its transactions were loaded."""
    yield from _mixtures(task, settings)
    for variant in allocation.variants(task.tx, task.run):
        if variant["home_currency"] != settings.home_currency:
            yield "the home currency has changed since transactions were loaded"
        names = tuple(name for name, _value in variant["segments"])
        if names and names != settings.segments:
            yield "the segmentation rule has changed since transactions were loaded"


def _mixtures(task: Task, settings: Settings) -> Iterator[str]:
    """What would leave a period with both kinds of entries; looked at again before every step."""
    aggregate = task.run["aggregate_currency"]
    if settings.aggregate_currency != aggregate:
        yield "the setting of currency aggregation has changed"
    if mixes_aggregation(task.tx, _period(task), aggregate):
        yield "the period holds entries with the other setting of currency aggregation"


def _go_on(task: Task) -> None:
    settings = settings_of(task.tx, task.tenant_id)
    period = _period(task)
    why = next(_mixtures(task, settings), None)
    if why is not None:
        fail(task, why)
        return
    position = task.job["handled"]
    for _ in range(GROUPS_PER_STEP):
        group = allocation.next_group(task.tx, task.run)
        if group is None:
            task.finish({"status": "Completed"})
            task.record("complete", KIND, task.run["number"], {"entries": position})
            return
        position += 1
        _summarise(task, group, settings, period=period, position=position)
    job_queue.handled(task.tx, task.job, position)


def _summarise(
    task: Task, group: allocation.Group, settings: Settings, *, period: RowMapping, position: int
) -> None:
    """Make the entry of a group and tie the group to it."""
    row = _entry_row(task, group, settings, period)
    row |= {"run_position": position}
    items = _item_rows(task, group, settings, entry_id=row["id"])
    task.tx.execute(insert(journal_entries), row)
    task.tx.execute(insert(journal_entry_items), items)
    count = allocation.tie_group(task.tx, task.run, group, row["id"])
    details = {"entry": row, "items": items, "transactions": count}
    task.record("create", ENTRY, row["number"], details)


def _entry_row(
    task: Task, group: allocation.Group, settings: Settings, period: RowMapping
) -> dict[str, Any]:
    return {
        "tenant_id": task.tenant_id,
        "id": uuid.uuid4().hex,
        "number": next_number(task.tx, task.tenant_id, "JE"),
        "status": "Created",
        "accounting_period_id": period["id"],
        "journal_run_id": task.run["id"],
        "currency": group.currency or settings.home_currency,
        "home_currency": settings.home_currency,
        "aggregate_currency": task.run["aggregate_currency"],
        "journal_entry_date": task.run["journal_entry_date"],
        "time_period_start": task.run["target_start_date"],
        "time_period_end": task.run["target_end_date"],
        "transaction_type": group.transaction_type,
        "organization": group.organization,
        "segments": group.segments,
        "transferred_to_accounting": "No",
        "custom_fields": {},
        "deleted": False,
        "created_by": task.user_id,
        "created_on": task.stamp,
        "updated_by": task.user_id,
        "updated_on": task.stamp,
    }


def _item_rows(
    task: Task, group: allocation.Group, settings: Settings, *, entry_id: str
) -> list[dict[str, Any]]:
    """A debit and a credit of the same amounts: the entry balances in both currencies."""
    amount, home_amount = _sums(task, group, settings)
    return [
        {
            "tenant_id": task.tenant_id,
            "id": uuid.uuid4().hex,
            "journal_entry_id": entry_id,
            "position": position,
            "accounting_code_id": code_id,
            "type": side,
            "amount": amount,
            "home_currency_amount": home_amount,
            "custom_fields": {},
        }
        for position, (side, code_id) in enumerate(
            (("Debit", group.debit_code_id), ("Credit", group.credit_code_id))
        )
    ]


def _sums(
    task: Task, group: allocation.Group, settings: Settings
) -> tuple[Decimal, Decimal | None]:
    amount, home_amount = Decimal(0), Decimal(0)
    for single, single_home in allocation.amounts_of(task.tx, task.run, group):
        amount = total((amount, single))
        if settings.home_currency is not None:
            assert single_home is not None  # an obstacle has been found otherwise
            home_amount = total((home_amount, single_home))
    if settings.home_currency is None:
        return amount, None
    # Aggregated, the entry is in the home currency, and so are both of its amounts.
    return (home_amount if group.currency is None else amount), home_amount


def _period(task: Task) -> RowMapping:
    """The period the run lies in: what a request was checked against, periods are not moved."""
    query = select(accounting_periods).where(accounting_periods.c.tenant_id == task.tenant_id)
    periods = task.tx.execute(query).mappings().all()
    period = period_over(periods, task.run["target_start_date"], task.run["target_end_date"])
    assert period is not None
    return period
