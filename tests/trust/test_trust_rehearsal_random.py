"""A rehearsal ends as the real apply does: with journal runs, and on random books."""

import json
import random
import re

import pytest
from books_harness import SMALL, credit, debit, standing

from reconciler.core.model.enumerations import TransferState
from reconciler.ledger import FINANCE, open_ledger, trial_balance

DAYS = {"Feb-2026": "2026-02-28", "Mar-2026": "2026-03-31"}
STATES = tuple(state.value for state in TransferState)


def spread(period):
    return {"accountingPeriodName": period, "journalEntryDate": DAYS[period]}


def planned(books, permissions, removals=100):
    document = books.plan(
        *("--format", "json", "--max-removals", removals),
        *("--rehearse", "--rehearse-as", ",".join(permissions)),
    ).json
    assert document["refusals"] == []
    changes = {change["name"]: change for change in document["changes"]}
    return changes, {one["name"]: one["outcome"] for one in document["rehearsal"]["changes"]}


def test_a_run_is_cancelled_as_far_as_its_transfers_allow(billing):
    billing.applied()
    (billing.root / "billing.yaml").unlink()
    number = standing(billing)[0]
    for state in STATES:
        path = f"journal-entries/{number}/basic-information"
        billing.call("PUT", path, transferredToAccounting=state)
        changes, outcomes = planned(billing, FINANCE, 4)
        (change,) = changes.values()
        assert change["feasible"] == (state not in ("Yes", "Processing"))
        assert outcomes == ({change["name"]: "accepted"} if change["feasible"] else {})


def vary(books, chance):
    """Change files and ledger at random."""
    for name in SMALL:
        what = chance.randrange(9)
        amount = f"{chance.randrange(1, 10_000)}.{chance.randrange(100):02}"
        lines = (debit(amount, CostCenter__c=chance.choice("AB")), credit(amount))
        period = chance.choice(("Feb-2026", "Mar-2026"))
        if what == 0:
            books.remove(name)
        elif what == 1:
            books.declare(name, *lines)
        elif what == 2:
            books.declare(name, *lines, **spread(period))
        elif what == 3:
            books.declare(name, notes="Other notes")
        elif what == 4:
            books.set(name, transferredToAccounting=chance.choice(STATES))
        elif what == 5:
            books.set(name, notes="By hand")
        elif what == 6:
            books.cancel(name)
        elif what == 7:
            assert books.run("reverse", name).code == 0
        if chance.random() < 0.3:
            books.declare(f"new-{name}", *lines, **spread(period))
    if chance.random() < 0.3:
        books.close_period("Jan-2026")


def use_permissions(books, permissions):
    with open_ledger(f"sqlite:///{books.database}") as ledger:
        key, secret = ledger.issue_client("with permissions", permissions)
    keys = books.root / ".reconciler" / "ledger-client.json"
    keys.write_text(json.dumps({"client_id": key, "client_secret": secret}))


def sums_of(books, periods):
    with open_ledger(f"sqlite:///{books.database}") as ledger:
        return {
            (row.period, row.code, row.currency): (row.debit, row.credit)
            for row in trial_balance(ledger, periods)
        }


WORDS = {"done": "accepted", "failed": "refused", "not_attempted": "not-attempted"}


@pytest.mark.parametrize(
    "seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(3, 60))]
)
def test_a_rehearsal_ends_as_the_real_apply_with_the_same_permissions(small, tmp_path, seed):
    chance = random.Random(seed)
    vary(small, chance)
    lacking = chance.choice([None, None, *FINANCE[:4]])
    permissions = [name for name in FINANCE if name != lacking]
    words = ("--max-removals", 20, "--max-missing", 20)
    before = small.content()
    document = small.plan(
        "--format", "json", "--rehearse", "--rehearse-as", ",".join(permissions), *words
    ).json
    assert small.content() == before
    found = document["rehearsal"]
    use_permissions(small, permissions)
    report = tmp_path / "report.json"
    small.apply("--continue-on-error", "--report", report, *words)
    real = json.loads(report.read_text())["changes"]

    def told(message):
        return re.sub(r" Track id \S+\.$", "", message)

    done = {
        one["address"].partition("/")[2]: (WORDS[one["outcome"]], told(one["message"]))
        for one in real
        if one["outcome"] != "blocked"
    }
    assert {one["name"]: (one["outcome"], one["message"]) for one in found["changes"]} == done
    sums = sums_of(small, {row["period"] for row in found["balances"]})
    for row in found["balances"]:
        assert row["agrees"], row
        key = (row["period"], row["account"], row["currency"])
        if row["debit_after"] != "0" or row["credit_after"] != "0":
            debits, credits_ = sums[key]
            assert (debits, credits_) == tuple(
                type(debits)(row[name]) for name in ("debit_after", "credit_after")
            )
