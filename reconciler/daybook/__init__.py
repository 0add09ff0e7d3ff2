"""The daybook: an intent before every call to the ledger, and its outcome afterwards."""

from reconciler.core.model.history import CallOutcome
from reconciler.daybook.daybook import Daybook, DaybookReader
from reconciler.daybook.events import FORMAT, Intent
from reconciler.daybook.opening import no_daybook, open_daybook, unlock
from reconciler.daybook.state import CallRecord

__all__ = ["FORMAT", "CallRecord", "Daybook", "DaybookReader", "Intent", "CallOutcome"]
__all__ += ["no_daybook", "open_daybook", "unlock"]
