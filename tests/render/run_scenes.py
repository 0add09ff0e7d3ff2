"""Plans with journal runs and adoptions, to be read."""

from dataclasses import replace

from plan_scenes import KEY, Scene, credit, debit, entry

from reconciler.core.model.history import Recorded
from reconciler.core.model.resource import Address, Declared, Live, Source

JR = "JR-00000007"


NAME = "2026-01-billing"


def spec(**fields):
    types = ({"type": "Invoice Item"}, {"type": "Taxation Item"})
    return {
        "accountingPeriodName": "Jan-2026",
        "journalEntryDate": "2026-01-31",
        "transactionTypes": types,
        **fields,
    }


def member(at, amount, **more):
    fields = {
        **entry(debit(amount, "Accounts Receivable"), credit(amount)),
        "notes": None,
        "transactionType": "Invoice Item",
        "transferredToAccounting": more.pop("transferred", "No"),
        **more.pop("fields", {}),
    }
    return Live(number=f"JE-{at:08}", status=more.pop("status", "Created"), fields=fields, **more)


TEN = tuple(member(at, f"{at}00.00") for at in range(41, 51))


HELD = (*TEN[:3], member(44, "4400.00", transferred="Yes"), *TEN[4:])


IN_PART = tuple(
    one if one.number == "JE-00000044" else replace(one, status="Cancelled") for one in HELD
)


MANY = tuple(member(at, "12.50") for at in range(101, 131))


class RunScene(Scene):
    def run(self, declared=None, *, was=None, members=(), entries=(), status="Completed", **more):
        address = Address("JournalRun", NAME)
        if declared is not None:
            self.declared[address] = Declared(
                address=address, spec=declared, source=Source("2026/01/billing.yaml"), **more
            )
        if was is not None:
            self.recorded[address] = Recorded(
                address=address, number=JR, spec=was, incarnation=1, entries=entries
            )
        if was is not None or more:
            fields = {
                "journalEntryDate": "2026-01-31",
                "targetStartDate": "2026-01-01",
                "targetEndDate": "2026-01-31",
                "transactionTypes": spec()["transactionTypes"],
                "totalJournalEntryCount": len(members),
            }
            self.live[JR] = Live(number=JR, status=status, fields=fields, members=members)
        return self

    def adopt(self, name, live, declared=None, **more):
        address = Address("JournalEntry", name)
        self.live[live.number] = live
        if declared is not None:
            self.declared[address] = Declared(
                address=address,
                spec=declared,
                source=Source(f"imported/{name}.yaml"),
                adopts=live.number,
                **more,
            )
        return self


def by_hand(number, **fields):
    return Live(number=number, status="Created", fields={**entry(), KEY: None, **fields})


SCENES = {
    "create": lambda: RunScene().run(spec()),
    "create-by-dates": lambda: RunScene().run(
        {
            **{name: value for name, value in spec().items() if name != "accountingPeriodName"},
            "targetStartDate": "2026-01-01",
            "targetEndDate": "2026-01-15",
        }
    ),
    "replace": lambda: RunScene().run(
        spec(transactionTypes=({"type": "Invoice Item"},)), was=spec(), members=TEN[:2]
    ),
    "remove": lambda: (
        RunScene().run(was=spec(), members=TEN).entry("2026-01-kept", entry(), was=entry())
    ),
    "remove-many": lambda: (
        RunScene().run(was=spec(), members=MANY).entry("2026-01-kept", entry(), was=entry())
    ),
    "held": lambda: (
        RunScene().run(was=spec(), members=HELD).entry("2026-01-kept", entry(), was=entry())
    ),
    "in-part": lambda: (
        RunScene().run(was=spec(), members=IN_PART).entry("2026-01-kept", entry(), was=entry())
    ),
    "at-work": lambda: RunScene().run(spec(), was=spec(), status="Processing"),
    "failed": lambda: RunScene().run(spec(), was=spec(), status="Error"),
    "adopt": lambda: (
        RunScene()
        .adopt("je-00000003", by_hand("JE-00000003"), entry())
        .adopt("je-00000004", by_hand("JE-00000004"), entry(notes="Checked"))
    ),
    "adopt-run": lambda: RunScene().run(spec(), adopts=JR, members=TEN[:2]),
    "adopt-refused": lambda: RunScene().adopt(
        "je-00000003", by_hand("JE-00000003"), entry(debit("1.00"), credit("1.00"))
    ),
}
