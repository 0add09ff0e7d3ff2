"""Lists of entries, newest first; the cost grows with the page, not with the ledger."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, and_, func, select

from ..journals.organization_scope import visible_runs
from ..storage import tables
from .sides import Sides
from .view import View

SIZE = 50
COUNTED = 1000
"""Matching entries are counted up to this number; above it, the page shows "more"."""

_ENTRY, _ITEM = tables.journal_entries.c, tables.journal_entry_items.c
_PERIOD, _RUN = tables.accounting_periods.c, tables.journal_runs.c
_ROWS = select(
    _ENTRY.id,
    _ENTRY.number,
    _ENTRY.journal_entry_date,
    _ENTRY.currency,
    _ENTRY.status,
    _ENTRY.transferred_to_accounting,
    _ENTRY.notes,
    _PERIOD.name.label("period"),
    _RUN.number.label("run"),
).join(tables.accounting_periods, tables.PERIOD_OF_ENTRY)


Listed = tuple[RowMapping, Sides]


def visible_entries(view: View) -> tuple[ColumnElement[bool], ...]:
    return (
        _ENTRY.tenant_id == view.tenant_id,
        _ENTRY.deleted.is_(False),
        *view.viewer.entry_filter(),
    )


def visible_runs_of(view: View) -> tuple[ColumnElement[bool], ...]:
    seen = visible_runs(view.tx, view.tenant_id, view.viewer.organizations)
    return (_RUN.tenant_id == view.tenant_id, _RUN.deleted.is_(False), *seen)


def list_entries(
    view: View, conditions: Sequence[ColumnElement[bool]], *, path: str, kept: Mapping[str, str]
) -> dict[str, object]:
    """The page of entries before or after the number in the URL's `older` or `newer`.

    `conditions` are on entries; `kept` are the URL parameters for the same filter. The number of
    entries is None above COUNTED.
    """
    where = (*visible_entries(view), *conditions)
    ours = and_(_RUN.id == _ENTRY.journal_run_id, *visible_runs_of(view))
    query = _ROWS.outerjoin(tables.journal_runs, ours).where(*where)
    rows, newer, older = page_by_number(view, query, _ENTRY.number, size=SIZE, path=path, kept=kept)
    entries = _with_sums(view, rows)
    return {
        "entries": entries,
        "totals": _totals(entries),
        "count": _count(view, where),
        "newer": newer,
        "older": older,
    }


def page_by_number(  # noqa: PLR0913 - keywords, each with its own meaning
    view: View,
    query: Select[Any],
    number: ColumnElement[str],
    *,
    size: int,
    path: str,
    kept: Mapping[str, str],
) -> tuple[list[RowMapping], str | None, str | None]:
    """A page of rows, newest first, and the links to newer and older ones, if there are any."""
    after, before = view.query.get("newer"), view.query.get("older")
    if after is not None:
        query = query.where(number > after).order_by(number)
    else:
        query = query.order_by(number.desc())
        query = query if before is None else query.where(number < before)
    found = list(view.tx.execute(query.limit(size + 1)).mappings())
    rows, more = found[:size], len(found) > size
    newer, older = before is not None and bool(rows), more
    if after is not None:
        rows, newer, older = rows[::-1], more, bool(rows)
    return (
        rows,
        view.link(path, **kept, newer=rows[0]["number"]) if newer else None,
        view.link(path, **kept, older=rows[-1]["number"]) if older else None,
    )


def _with_sums(view: View, rows: Sequence[RowMapping]) -> list[Listed]:
    query = select(_ITEM.journal_entry_id, _ITEM.type, _ITEM.amount).where(
        _ITEM.tenant_id == view.tenant_id, _ITEM.journal_entry_id.in_([row["id"] for row in rows])
    )
    amounts: dict[str, list[tuple[str, Decimal]]] = {}
    for entry_id, side, amount in view.tx.execute(query):
        amounts.setdefault(entry_id, []).append((side, amount))
    return [(row, Sides.of(amounts.get(row["id"], ()))) for row in rows]


def _totals(entries: Sequence[Listed]) -> list[dict[str, object]]:
    """Totals by currency, with cancelled entries separate."""
    groups: dict[tuple[str, bool], list[Sides]] = {}
    for row, sides in entries:
        groups.setdefault((row["currency"], row["status"] == "Cancelled"), []).append(sides)
    return [
        {
            "currency": currency,
            "cancelled": cancelled,
            "entries": len(group),
            "sides": Sides.together(group),
        }
        for (currency, cancelled), group in sorted(groups.items())
    ]


def _count(view: View, where: Sequence[ColumnElement[bool]]) -> int | None:
    some = select(_ENTRY.id).where(*where).limit(COUNTED + 1).subquery()
    found: int = view.tx.execute(select(func.count()).select_from(some)).scalar_one()
    return found if found <= COUNTED else None
