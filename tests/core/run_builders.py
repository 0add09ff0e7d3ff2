"""Journal runs as values: declared, recorded and live."""

from builders import (
    declared,
)

from reconciler.core.model.history import Recorded
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.resource import Address, Declared, Live, Source

RUN = KINDS["JournalRun"]


JR, JR2, JE = "JR-00000001", "JR-00000002", "JE-00000001"


BILLING = Address(RUN.name, "billing")


def run(**fields):
    """The spec of a run over January."""
    types = ({"type": "Invoice Item"}, {"type": "Taxation Item"})
    return {
        "accountingPeriodName": "Jan-2026",
        "journalEntryDate": "2026-01-31",
        "transactionTypes": types,
        **fields,
    }


def declared_run(spec=None, **more):
    return Declared(
        address=BILLING, spec=run() if spec is None else spec, source=Source("run.yaml"), **more
    )


def recorded_run(spec=None, *, number=JR, **more):
    spec = run() if spec is None else spec
    return Recorded(address=BILLING, number=number, spec=spec, incarnation=1, **more)


def live_run(*members, number=JR, status="Completed", **fields):
    """A run as it is read: its period resolved, its types in an order of the server's own."""
    shown = {
        "journalEntryDate": "2026-01-31",
        "targetStartDate": "2026-01-01",
        "targetEndDate": "2026-01-31",
        "transactionTypes": ({"type": "Taxation Item"}, {"type": "Invoice Item"}),
        "executedOn": "2026-02-01 08:00:00",
        "totalJournalEntryCount": len(members),
        "aggregateCurrency": False,
        **fields,
    }
    return Live(number=number, status=status, fields=shown, members=members)


def adopting(spec=None, *, number=JE, name="true-up", **more):
    return declared(spec, name=name, adopts=number, **more)
