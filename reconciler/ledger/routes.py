"""Every operation of the ledger: method, path, function and permissions."""

from .auth import permissions as may
from .journals import entries, update, view
from .reference_data import accounting_codes, accounting_periods
from .runs import operations as runs
from .web.call import Route
from .web.errors import ACCOUNTING_CODE, ACCOUNTING_PERIOD, JOURNAL_ENTRY, JOURNAL_RUN

_ENTRY = "/v1/journal-entries/{number}"
_RUN = "/v1/journal-runs/{number}"
_CODE = "/v1/accounting-codes/{id}"
_PERIOD = "/v1/accounting-periods/{id}"
_CLOSING = (may.MANAGE_CLOSE, may.RUN_TRIAL_BALANCE)

ROUTES = (
    Route(
        method="POST",
        path="/v1/journal-entries",
        operation=entries.create,
        resource=JOURNAL_ENTRY,
        writes=True,
        body=True,
        permissions=(may.CREATE_ENTRY,),
    ),
    Route(method="GET", path=_ENTRY, operation=view.read, resource=JOURNAL_ENTRY),
    Route(
        method="DELETE",
        path=_ENTRY,
        operation=entries.delete,
        resource=JOURNAL_ENTRY,
        writes=True,
        permissions=(may.DELETE_ENTRY,),
    ),
    Route(
        method="PUT",
        path=f"{_ENTRY}/basic-information",
        operation=update.basic_information,
        resource=JOURNAL_ENTRY,
        writes=True,
        body=True,
        permissions=(may.EDIT_ENTRY,),
    ),
    Route(
        method="PUT",
        path=f"{_ENTRY}/cancel",
        operation=entries.cancel,
        resource=JOURNAL_ENTRY,
        writes=True,
        permissions=(may.CANCEL_ENTRY,),
    ),
    Route(
        method="GET",
        path="/v1/journal-entries/journal-runs/{number}",
        operation=view.list_of_run,
        resource=JOURNAL_ENTRY,
    ),
    Route(
        method="POST",
        path="/v1/journal-runs",
        operation=runs.create,
        resource=JOURNAL_RUN,
        writes=True,
        body=True,
        queues=True,
        permissions=(may.CREATE_RUN,),
    ),
    Route(method="GET", path=_RUN, operation=runs.read, resource=JOURNAL_RUN),
    Route(
        method="PUT",
        path=f"{_RUN}/cancel",
        operation=runs.cancel,
        resource=JOURNAL_RUN,
        writes=True,
        queues=True,
        permissions=(may.CANCEL_RUN,),
    ),
    Route(
        method="DELETE",
        path=_RUN,
        operation=runs.delete,
        resource=JOURNAL_RUN,
        writes=True,
        queues=True,
        permissions=(may.DELETE_RUN,),
    ),
    Route(
        method="GET",
        path="/v1/accounting-codes",
        operation=accounting_codes.listing,
        resource=ACCOUNTING_CODE,
    ),
    Route(
        method="POST",
        path="/v1/accounting-codes",
        operation=accounting_codes.create,
        resource=ACCOUNTING_CODE,
        writes=True,
        body=True,
        permissions=(may.CONFIGURE_CODES,),
    ),
    Route(method="GET", path=_CODE, operation=accounting_codes.read, resource=ACCOUNTING_CODE),
    Route(
        method="PUT",
        path=f"{_CODE}/activate",
        operation=accounting_codes.activate,
        resource=ACCOUNTING_CODE,
        writes=True,
        permissions=(may.MANAGE_CODE,),
    ),
    Route(
        method="PUT",
        path=f"{_CODE}/deactivate",
        operation=accounting_codes.deactivate,
        resource=ACCOUNTING_CODE,
        writes=True,
        permissions=(may.MANAGE_CODE,),
    ),
    Route(
        method="GET",
        path="/v1/accounting-periods",
        operation=accounting_periods.listing,
        resource=ACCOUNTING_PERIOD,
    ),
    Route(
        method="POST",
        path="/v1/accounting-periods",
        operation=accounting_periods.create,
        resource=ACCOUNTING_PERIOD,
        writes=True,
        body=True,
        permissions=(may.CREATE_PERIOD,),
    ),
    Route(
        method="GET", path=_PERIOD, operation=accounting_periods.read, resource=ACCOUNTING_PERIOD
    ),
    Route(
        method="PUT",
        path=f"{_PERIOD}/pending-close",
        operation=accounting_periods.pending_close,
        resource=ACCOUNTING_PERIOD,
        writes=True,
        permissions=_CLOSING,
    ),
    Route(
        method="PUT",
        path=f"{_PERIOD}/close",
        operation=accounting_periods.close,
        resource=ACCOUNTING_PERIOD,
        writes=True,
        permissions=_CLOSING,
    ),
    Route(
        method="PUT",
        path=f"{_PERIOD}/reopen",
        operation=accounting_periods.reopen,
        resource=ACCOUNTING_PERIOD,
        writes=True,
        permissions=(*_CLOSING, may.REOPEN_PERIOD),
    ),
)
