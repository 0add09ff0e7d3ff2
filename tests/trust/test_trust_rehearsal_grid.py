"""The plan's word, the rehearsal's and the ledger's: every cell of a grid, and random books."""

import json
import random
import re
import sys
from itertools import product
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "journey"))
from books_fixtures import (  # noqa: F401 - fixtures are found by their names here
    billing,
    empty,
    empty_template,
    opened,
    plain_environment,
    small,
    small_template,
)
from books_harness import EMBEDDED, SMALL, credit, debit, standing

from reconciler.core.model.enumerations import TransferState
from reconciler.ledger import FINANCE, open_ledger, trial_balance

CLOSER = (*FINANCE, "Manage Close Process")
STATUSES = {"Jan-2026": "Closed", "Feb-2026": "PendingClose", "Mar-2026": "Open"}
DAYS = {"Jan-2026": "2026-01-31", "Feb-2026": "2026-02-28", "Mar-2026": "2026-03-31"}
STATES = tuple(state.value for state in TransferState)
ACTIONS = ("update", "replace", "remove", "adopt", "adopt-foreign")
NINE = (debit("9.00"), credit("9.00"))
HOME = {"homeCurrencyAmount": "9.00"}


@pytest.fixture
def place():
    return EMBEDDED


def spread(period):
    return {"accountingPeriodName": period, "journalEntryDate": DAYS[period]}


def posted_by_hand(books, period, **fields):
    lines = [{**line, **HOME} for line in NINE]
    body = {"currency": "USD", "journalEntryItems": lines, **spread(period), **fields}
    return books.call("POST", "journal-entries", **body)["journalEntryNumber"]


def close_as_stated(books):
    periods = books.call("GET", "accounting-periods")["accountingPeriods"]
    for period in sorted(periods, key=lambda period: period["startDate"]):
        status = STATUSES.get(period["name"], "Closed")
        if status == "Open":
            return
        books.call("PUT", f"accounting-periods/{period['id']}/pending-close")
        if status == "Closed":
            books.call("PUT", f"accounting-periods/{period['id']}/close")


CELLS = {
    f"{period}-{state}-{action}".lower(): (period, state, action)
    for period, state, action in product(STATUSES, STATES, ACTIONS)
}


@pytest.fixture
def grid(empty):  # noqa: F811
    """An entry for each cell, and a new one for each period."""
    ours = [name for name, cell in CELLS.items() if not cell[2].startswith("adopt")]
    for name in ours:
        empty.declare(name, *NINE, notes="As applied", **spread(CELLS[name][0]))
    assert empty.apply().code == 0
    numbers = empty.posted()
    for name, (period, _, action) in CELLS.items():
        foreign = action == "adopt-foreign"
        marker = {"ReconcilerKey__c": f"other-books/{name}"} if foreign else {}
        if name not in ours:
            numbers[name] = posted_by_hand(empty, period, **marker)
    for name, (period, state, action) in CELLS.items():
        path = f"journal-entries/{numbers[name]}/basic-information"
        empty.call("PUT", path, transferredToAccounting=state)
        if action == "update":
            empty.declare(name, *NINE, notes="Other notes", **spread(period))
        elif action == "replace":
            empty.declare(name, debit("8.00"), credit("8.00"), notes="As applied", **spread(period))
        elif action == "remove":
            empty.remove(name)
        else:
            adopts = {"adopts": numbers[name]}
            empty.declare(name, *NINE, metadata=adopts, **spread(period))
    for period in STATUSES:
        empty.declare(f"new-{period}".lower(), *NINE, **spread(period))
    close_as_stated(empty)
    return empty, numbers


def planned(books, permissions, removals=100):
    document = books.plan(
        *("--format", "json", "--max-removals", removals),
        *("--rehearse", "--rehearse-as", ",".join(permissions)),
    ).json
    assert document["refusals"] == []
    changes = {change["name"]: change for change in document["changes"]}
    return changes, {one["name"]: one["outcome"] for one in document["rehearsal"]["changes"]}


def test_the_plan_offers_what_the_ledger_takes_in_every_cell(grid):
    """Whoever may close a period may do everything that the plan offers, and nothing it blocks.

    Without that permission, only what posts to a period that waits for its close is refused.
    """
    books, numbers = grid
    changes, outcomes = planned(books, FINANCE)
    for name, outcome in outcomes.items():
        moves = {step["verb"] for step in changes[name]["steps"]} & {"create", "cancel"}
        waits = changes[name]["period"]["status"] == "PendingClose"
        assert (outcome != "accepted") == (bool(moves) and waits), name
    changes, outcomes = planned(books, CLOSER)
    assert {*CELLS} <= {*changes}, "a cell is not reached"
    feasible = {name for name, change in changes.items() if change["feasible"]}
    assert outcomes == dict.fromkeys(feasible, "accepted")
    offered = {action: set() for action in ACTIONS}
    for name, (period, state, action) in CELLS.items():
        if name in feasible:
            offered[action].add((STATUSES[period], state))
    free = {"No", "Error", "Ignore"}
    takes = set(product(STATUSES.values(), STATES))
    cancels = {cell for cell in takes if cell[0] != "Closed" and cell[1] in free}
    assert offered == {
        "update": takes,
        "replace": cancels,
        "remove": cancels,
        "adopt": takes,
        "adopt-foreign": set(),
    }
    for name in {name for name in CELLS if CELLS[name][2] in ("replace", "remove")} - feasible:
        answer = books.api.put(f"/v1/journal-entries/{numbers[name]}/cancel").json()
        assert not answer["success"], f"{name} is blocked, and the ledger takes it"
    for period, status in STATUSES.items():
        name = f"new-{period}".lower()
        assert (name in feasible) == (status != "Closed")


def test_a_run_is_cancelled_as_far_as_its_transfers_allow(billing):  # noqa: F811
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
        if chance.random() < 0.3:
            books.declare(f"new-{name}", *lines, **spread(period))


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
def test_a_rehearsal_ends_as_the_real_apply_with_the_same_permissions(small, tmp_path, seed):  # noqa: F811
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
