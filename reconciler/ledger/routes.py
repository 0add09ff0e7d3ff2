"""Every operation of the ledger: method, path, function and permissions."""

from .auth import permissions as may
from .journals import entries, update, view
from .reference_data import accounting_codes, accounting_periods
from .runs import operations as runs
from .web.call import Operation, Route
from .web.errors import ACCOUNTING_CODE, ACCOUNTING_PERIOD, JOURNAL_ENTRY, JOURNAL_RUN

_ENTRY = "/v1/journal-entries/{number}"
_RUN = "/v1/journal-runs/{number}"
_CODE = "/v1/accounting-codes/{id}"
_PERIOD = "/v1/accounting-periods/{id}"
_CLOSING = (may.MANAGE_CLOSE, may.RUN_TRIAL_BALANCE)

_RESOURCES = {
    "journal-entries": JOURNAL_ENTRY,
    "journal-runs": JOURNAL_RUN,
    "accounting-codes": ACCOUNTING_CODE,
    "accounting-periods": ACCOUNTING_PERIOD,
}
"""By the first part of a path after the version."""


def _read(path: str, operation: Operation) -> Route:
    resource = _RESOURCES[path.split("/")[2]]
    return Route(method="GET", path=path, operation=operation, resource=resource)


def _write(method: str, path: str, operation: Operation, *permissions: str, **more: bool) -> Route:
    return Route(
        method=method,
        path=path,
        operation=operation,
        resource=_RESOURCES[path.split("/")[2]],
        writes=True,
        permissions=permissions,
        **more,
    )


ROUTES = (
    _write("POST", "/v1/journal-entries", entries.create, may.CREATE_ENTRY, body=True),
    _read(_ENTRY, view.read),
    _write("DELETE", _ENTRY, entries.delete, may.DELETE_ENTRY),
    _write(
        "PUT",
        f"{_ENTRY}/basic-information",
        update.basic_information,
        may.EDIT_ENTRY,
        body=True,
    ),
    _write("PUT", f"{_ENTRY}/cancel", entries.cancel, may.CANCEL_ENTRY),
    _read("/v1/journal-entries/journal-runs/{number}", view.list_of_run),
    _write("POST", "/v1/journal-runs", runs.create, may.CREATE_RUN, body=True, queues=True),
    _read(_RUN, runs.read),
    _write("PUT", f"{_RUN}/cancel", runs.cancel, may.CANCEL_RUN, queues=True),
    _write("DELETE", _RUN, runs.delete, may.DELETE_RUN, queues=True),
    _read("/v1/accounting-codes", accounting_codes.listing),
    _write(
        "POST",
        "/v1/accounting-codes",
        accounting_codes.create,
        may.CONFIGURE_CODES,
        body=True,
    ),
    _read(_CODE, accounting_codes.read),
    _write("PUT", f"{_CODE}/activate", accounting_codes.activate, may.MANAGE_CODE),
    _write("PUT", f"{_CODE}/deactivate", accounting_codes.deactivate, may.MANAGE_CODE),
    _read("/v1/accounting-periods", accounting_periods.listing),
    _write(
        "POST",
        "/v1/accounting-periods",
        accounting_periods.create,
        may.CREATE_PERIOD,
        body=True,
    ),
    _read(_PERIOD, accounting_periods.read),
    _write(
        "PUT",
        f"{_PERIOD}/pending-close",
        accounting_periods.pending_close,
        *_CLOSING,
    ),
    _write("PUT", f"{_PERIOD}/close", accounting_periods.close, *_CLOSING),
    _write(
        "PUT",
        f"{_PERIOD}/reopen",
        accounting_periods.reopen,
        *_CLOSING,
        may.REOPEN_PERIOD,
    ),
)
