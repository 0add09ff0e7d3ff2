"""The page of all entries, with a filter in the URL."""

from collections.abc import Callable, Sequence

from sqlalchemy import ColumnElement, false, select

from ..journals.fields import TRANSFER_STATES
from ..storage.tables import accounting_periods, journal_entries, journal_runs
from .listing import list_entries
from .view import Page, View

STATUSES = ("Created", "Cancelled")

_ENTRY, _PERIOD, _RUN = journal_entries.c, accounting_periods.c, journal_runs.c


def page(view: View) -> Page:
    kept = {name: view.query[name] for name in _FILTERS if name in view.query}
    conditions = [_FILTERS[name](view, value) for name, value in kept.items()]
    return Page(
        template="entries.html",
        title="Entries",
        section="entries",
        values={
            "listing": list_entries(view, conditions, path="/", kept=kept),
            "chosen": {name: kept.get(name, "") for name in _FILTERS},
            "filtered": bool(kept),
            "choices": {
                "period": _with(kept.get("period"), periods_of(view)),
                "status": _with(kept.get("status"), STATUSES),
                "transfer": _with(kept.get("transfer"), TRANSFER_STATES),
            },
        },
    )


def periods_of(view: View) -> list[str]:
    """The names of the accounting periods, latest first."""
    query = select(_PERIOD.name).where(_PERIOD.tenant_id == view.tenant_id)
    return list(view.tx.execute(query.order_by(_PERIOD.start_date.desc())).scalars())


def _with(chosen: str | None, choices: Sequence[str]) -> list[str]:
    """The choices of a form, with the chosen value even if it does not exist."""
    return [*([chosen] if chosen and chosen not in choices else []), *choices]


def _in_period(view: View, name: str) -> ColumnElement[bool]:
    query = select(_PERIOD.id).where(_PERIOD.tenant_id == view.tenant_id, _PERIOD.name == name)
    found = view.tx.execute(query).scalar_one_or_none()
    return false() if found is None else _ENTRY.accounting_period_id == found


def _of_run(view: View, number: str) -> ColumnElement[bool]:
    query = select(_RUN.id).where(_RUN.tenant_id == view.tenant_id, _RUN.number == number)
    found = view.tx.execute(query).scalar_one_or_none()
    return false() if found is None else _ENTRY.journal_run_id == found


_FILTERS: dict[str, Callable[[View, str], ColumnElement[bool]]] = {
    "period": _in_period,
    "status": lambda _view, value: _ENTRY.status == value,
    "transfer": lambda _view, value: _ENTRY.transferred_to_accounting == value,
    "run": _of_run,
    "text": lambda _view, text: (
        _ENTRY.number.icontains(text, autoescape=True)
        | _ENTRY.notes.icontains(text, autoescape=True)
    ),
}
