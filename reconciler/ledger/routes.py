"""Every operation of the ledger: method, path, function and permissions."""

from .auth.permissions import Permission as May
from .journals import entries, update, view
from .reference_data import accounting_codes as codes
from .reference_data import accounting_periods as periods
from .runs import operations as runs
from .web.call import Operation, Route
from .web.errors import ACCOUNTING_CODE, ACCOUNTING_PERIOD, JOURNAL_ENTRY, JOURNAL_RUN

_ENTRY = "/v1/journal-entries/{number}"
_RUN = "/v1/journal-runs/{number}"
_CODE = "/v1/accounting-codes/{id}"
_PERIOD = "/v1/accounting-periods/{id}"
_CLOSING = (May.MANAGE_CLOSE, May.RUN_TRIAL_BALANCE)

_RESOURCES = {
    "journal-entries": JOURNAL_ENTRY,
    "journal-runs": JOURNAL_RUN,
    "accounting-codes": ACCOUNTING_CODE,
    "accounting-periods": ACCOUNTING_PERIOD,
}
"""By the first part of a path after the version."""


def _route(method: str, path: str, operation: Operation, *permissions: str, **more: bool) -> Route:
    resource = _RESOURCES[path.split("/")[2]]
    return Route(
        method=method,
        path=path,
        operation=operation,
        resource=resource,
        permissions=permissions,
        **more,
    )


ROUTES = (
    _route("POST", "/v1/journal-entries", entries.create, May.CREATE_ENTRY, body=True),
    _route("GET", _ENTRY, view.read, prepared=True),
    _route("DELETE", _ENTRY, entries.delete, May.DELETE_ENTRY),
    _route(
        "PUT", f"{_ENTRY}/basic-information", update.basic_information, May.EDIT_ENTRY, body=True
    ),
    _route("PUT", f"{_ENTRY}/cancel", entries.cancel, May.CANCEL_ENTRY),
    _route("GET", "/v1/journal-entries/journal-runs/{number}", view.list_of_run),
    _route("POST", "/v1/journal-runs", runs.create, May.CREATE_RUN, body=True, queues=True),
    _route("GET", _RUN, runs.read),
    _route("PUT", f"{_RUN}/cancel", runs.cancel, May.CANCEL_RUN, queues=True),
    _route("DELETE", _RUN, runs.delete, May.DELETE_RUN, queues=True),
    _route("GET", "/v1/accounting-codes", codes.listing),
    _route("POST", "/v1/accounting-codes", codes.create, May.CONFIGURE_CODES, body=True),
    _route("GET", _CODE, codes.read),
    _route("PUT", f"{_CODE}/activate", codes.activate, May.MANAGE_CODE),
    _route("PUT", f"{_CODE}/deactivate", codes.deactivate, May.MANAGE_CODE),
    _route("GET", "/v1/accounting-periods", periods.listing),
    _route("POST", "/v1/accounting-periods", periods.create, May.CREATE_PERIOD, body=True),
    _route("GET", _PERIOD, periods.read),
    _route("PUT", f"{_PERIOD}/pending-close", periods.pending_close, *_CLOSING),
    _route("PUT", f"{_PERIOD}/close", periods.close, *_CLOSING),
    _route("PUT", f"{_PERIOD}/reopen", periods.reopen, *_CLOSING, May.REOPEN_PERIOD),
)
