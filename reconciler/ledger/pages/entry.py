"""The page of one entry: fields, lines, sums and history."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import RowMapping, and_, select

from ..journals.entries import KIND
from ..journals.view import items_of
from ..storage import tables
from .access import users_of
from .history import history
from .listing import visible_entries, visible_runs_of
from .sides import Sides
from .view import Page, PageNotFound, View

_ENTRY, _ITEM, _CODE = (
    tables.journal_entries.c,
    tables.journal_entry_items.c,
    tables.accounting_codes.c,
)
_PERIOD, _RUN = tables.accounting_periods.c, tables.journal_runs.c


def page(view: View) -> Page:
    """The entry of the path. Raises PageNotFound."""
    entry = _located(view)
    items = items_of(view.tx, view.tenant_id, [entry["id"]]).get(entry["id"], [])
    users = {row["user_id"]: row["name"] for row in users_of(view.tx, view.viewer.tenant_id)}
    return Page(
        template="entry.html",
        title=entry["number"],
        section="entries",
        values={
            "entry": entry,
            "items": [
                (item, _custom(item, view.settings.fields_of("JournalEntryItem"))) for item in items
            ],
            "custom": _custom(entry, view.settings.fields_of("JournalEntry")),
            "sums": Sides.of((item["type"], item["amount"]) for item in items),
            "home": _home_of(entry, items),
            "events": history(view, KIND, entry["number"]),
            "user": lambda key: users.get(key, key),
        },
    )


def _located(view: View) -> RowMapping:
    query = (
        select(tables.journal_entries, _PERIOD.name.label("period"), _RUN.number.label("run"))
        .join(tables.accounting_periods, tables.PERIOD_OF_ENTRY)
        .outerjoin(
            tables.journal_runs, and_(_RUN.id == _ENTRY.journal_run_id, *visible_runs_of(view))
        )
        .where(*visible_entries(view), _ENTRY.number == view.number)
    )
    found = view.tx.execute(query).mappings().one_or_none()
    if found is None:
        raise PageNotFound(
            f"There is no journal entry {view.path['number'][:40]} in this ledger. It may have "
            "been deleted: a number is not used again."
        )
    return found


def _custom(row: RowMapping, declared: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Custom fields with a value: declared ones in their order, then others."""
    values = row["custom_fields"]
    names = [*declared, *sorted(values.keys() - declared.keys())]
    return [(name, values[name]) for name in names if values.get(name) is not None]


def _home_of(entry: RowMapping, items: Sequence[RowMapping]) -> Sides | None:
    """The sums in home currency; None if the entry has no home amounts."""
    amounts = [(item["type"], item["home_currency_amount"]) for item in items]
    if entry["home_currency"] is None or any(amount is None for _side, amount in amounts):
        return None
    return Sides.of(amounts)
