"""Journal runs and their transactions, for tests of apply."""

from reconciler.core.model.kinds.journal_run import TRANSACTION_TYPES
from reconciler.core.model.resource import Address, Declared, Source

TYPES = sorted(TRANSACTION_TYPES)[:10]


RUN = "billing"


def run(name=RUN, types=TYPES, **fields):
    spec = {
        "accountingPeriodName": "Jan-2026",
        "journalEntryDate": "2026-01-31",
        "transactionTypes": tuple({"type": one} for one in types),
        **fields,
    }
    address = Address("JournalRun", name)
    return {name: Declared(address=address, spec=spec, source=Source(f"{name}.yaml"))}


def load(bench, folder):
    rows = [
        f"T{at},{one},2026-01-{at:02},USD,{at}.50,Deferred Revenue,Subscription Revenue"
        for at, one in enumerate(TYPES, start=1)
    ]
    head = "id,transactionType,transactionDate,currency,amount"
    file = folder / "transactions.csv"
    file.write_text("\n".join([f"{head},debitAccountingCodeName,creditAccountingCodeName", *rows]))
    assert bench.ledger.load_transactions(file).added == 10


def runs(bench):
    return {
        row["number"]: row["status"]
        for row in bench.rows("select * from journal_runs where not deleted order by number")
    }
