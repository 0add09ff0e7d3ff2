"""The daybook: what was intended and what came of it, durable before and after every call."""

from reconciler.daybook.daybook import Daybook
from reconciler.daybook.events import FORMAT, Intent
from reconciler.daybook.opening import no_daybook, open_daybook, unlock
from reconciler.daybook.state import Tried

__all__ = ["FORMAT", "Daybook", "Intent", "Tried", "no_daybook", "open_daybook", "unlock"]
