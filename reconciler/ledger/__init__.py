"""The embedded ledger: the journal API as a server on a database of its own.

It is written as if by someone else: nothing here imports another part of the project, and nobody
outside reaches past the names below. The names load their modules on first use, so importing
the package costs nothing.

    ledger = open_ledger("sqlite:////srv/ledger.db", Path("reference.yaml"))
    client_id, client_secret = ledger.issue_client("ci")
    app = create_app(ledger)  # a WSGI app: httpx.WSGITransport(app=app), or serve(app, ...)
    ledger.load_transactions(Path("january.csv"))  # what journal runs summarise
    ledger.work()  # carries out what runs have queued; requests to the app do so too
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .app import create_app as create_app
    from .auth.permissions import FINANCE as FINANCE
    from .auth.permissions import UnknownPermission as UnknownPermission
    from .errors import LedgerUnusable as LedgerUnusable
    from .instance import Ledger as Ledger
    from .instance import open_ledger as open_ledger
    from .scratch import open_scratch as open_scratch
    from .scratch import trial_balance as trial_balance
    from .web.rate_limits import Limits as Limits

_HOMES = {
    "open_ledger": ".instance",
    "Ledger": ".instance",
    "create_app": ".app",
    "Limits": ".web.rate_limits",
    "LedgerUnusable": ".errors",
    "open_scratch": ".scratch",
    "trial_balance": ".scratch",
    "FINANCE": ".auth.permissions",
    "UnknownPermission": ".auth.permissions",
}
__all__ = [*_HOMES]  # noqa: PLE0604 - the names are those of the table


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)
