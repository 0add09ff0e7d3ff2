"""What the plan offers, the ledger takes: every cell of a grid, on one ledger in this process.

A cell is a period status, a transfer state, an action and an origin. Each has an entry of its own.
A pass makes one plan of all cells, for certain credentials and a policy. The rehearsal says what
the ledger will answer, an apply of each cell shows it, and what the plan blocks is tried as well.
"""

from collections import Counter
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from itertools import count, product

import httpx
import pytest
from builders import CODES, MARKER, WORKSPACE, basis, credit, debit, declared, entry, live, recorded

from reconciler.app.connection import client_in_process
from reconciler.app.rehearsing import RehearsalOptions, rehearse
from reconciler.core.model.enumerations import TransferState
from reconciler.core.model.plan import CANCELLED, Action, Allowances, Verb
from reconciler.core.model.policy import Policy, Removal
from reconciler.core.model.report import Outcome
from reconciler.core.model.tenant import CustomField, Tenant
from reconciler.core.planner import make_plan
from reconciler.core.planning.reversing.proof import undeclared_originals
from reconciler.core.planning.reversing.reversal import Dating, reversed_spec
from reconciler.core.planning.snapshot import Snapshot, to_read
from reconciler.engine.apply import apply
from reconciler.engine.observe import observe
from reconciler.engine.ports import Ports
from reconciler.ledger import FINANCE, create_app, open_scratch, trial_balance

CREATE, EDIT, CANCEL, DELETE = FINANCE[:4]
MANAGE, OVERRIDE = "Manage Close Process", "Override Transferred to Accounting"
NEEDED = dict(zip((Verb.CREATE, Verb.UPDATE, Verb.CANCEL, Verb.DELETE), FINANCE, strict=False))
CREDENTIALS = {
    "finance": FINANCE,
    "closer": (*FINANCE, MANAGE),
    "override": (*FINANCE, OVERRIDE),
    **{f"without {name}": tuple({*FINANCE} - {name}) for name in (CREATE, EDIT, CANCEL, DELETE)},
}

# In the order of the calendar: each follows from calls that the ledger allows.
STATUSES = {"Closed": "Jan-2026", "PendingClose": "Feb-2026", "Reopened": "Mar-2026",
            "Open": "Apr-2026"}  # fmt: skip
DAYS = {name: f"2026-{at:02}-15" for at, name in enumerate(STATUSES.values(), 1)}
STATES = tuple(state.value for state in TransferState)
ACTIONS = ("create", "update", "transfer", "replace", "remove", "delete", "repost", "reverse",
           "adopt")  # fmt: skip
ORIGINS = ("manual", "adopted", "run", "foreign")
RUN = "JR-00000001"
NO_LIVE = "create"
CELLS = [
    cell
    for cell in product(STATUSES, STATES, ACTIONS, ORIGINS)
    if cell[2] != NO_LIVE or cell[3] == "manual"
]
OF_THE_LEDGER = {"period-closed", "period-pending-close", "transferred", "transfer-override"}
"""The blocks that foretell what the ledger answers. The others are rules of this tool."""


@dataclass(frozen=True)
class Pass:
    """Who applies, and under which policy."""

    credentials: str
    removal: Removal = Removal.DELETE
    manage_transfer: bool = False
    known: bool = True
    """Whether the workspace says what the credentials may do in a period that is PendingClose."""

    @property
    def permissions(self):
        return CREDENTIALS[self.credentials]

    @property
    def may_post(self):
        """Whether no permission is missing that the finance role has and the policy needs."""
        needed = {*FINANCE} - ({DELETE} if self.removal is Removal.CANCEL else set())
        return needed <= {*self.permissions}

    def __str__(self):
        words = (self.removal, "transfer" * self.manage_transfer, "unknown" * (not self.known))
        return " ".join(filter(None, (self.credentials, *words)))


class Books:
    """The files, the daybook and the ledger of every cell."""

    def __init__(self, manage_transfer):
        self.files, self.book, self.entries = [], [], []
        self.names = {"-".join(cell).lower(): cell for cell in CELLS}
        for at, (name, cell) in enumerate(self.names.items(), 1):
            self._add(name, f"JE-{at:08}", cell, states=manage_transfer)

    def _add(self, name, number, cell, *, states):
        status, state, action, origin = cell
        period = STATUSES[status]
        # Every entry has an amount of its own: no two are equal, or cancel each other out.
        amount = f"{int(number[3:])}.00"
        base = entry(
            debit(amount), credit(amount), notes="As applied",
            accountingPeriodName=period, journalEntryDate=DAYS[period],
        )  # fmt: skip
        said = {"transferredToAccounting": state} if states or action == "create" else {}
        wanted = {**base, **said}
        if action == "create":
            self.files.append(declared(wanted, name=name))
            return
        marker = {"foreign": "others/x", "manual": ""}.get(origin, "")
        if action == "adopt" and origin != "foreign":
            marker = None
        more = {"transactionType": "Invoice Item"} if origin == "run" else {}
        held = live(
            base, name=name, number=number, marker=marker,
            status=CANCELLED if action in ("delete", "repost") else "Created",
            transferredToAccounting=state, **more,
        )  # fmt: skip
        document = {**held.fields, "number": number, "status": held.status}
        if origin == "run":
            document["journalRunNumber"] = RUN
        self.entries.append(document)
        made_by = RUN if origin == "run" else None
        if action == "adopt":
            self.files.append(declared(wanted, name=name, adopts=number, made_by=made_by))
            return
        if not (action == "reverse" and origin == "foreign"):
            adopted = number if origin in ("adopted", "run") else None
            self.book.append(
                recorded(
                    wanted, name=name, number=number, adopted=adopted, from_run=origin == "run"
                )
            )
        if action in ("remove", "delete"):
            return
        after = {
            "update": {"notes": "Other notes"},
            "transfer": {"transferredToAccounting": STATES[STATES.index(state) - 1]},
            "replace": {"journalEntryItems": (debit("9999.00"), credit("9999.00"))},
        }
        spec = {**wanted, **after.get(action, {})}
        reverses = name
        if action == "reverse" and origin == "foreign":
            reverses = number
        else:
            self.files.append(
                declared(
                    spec, name=name, made_by=made_by, adopts=number if made_by is not None else None
                )
            )
        if action == "reverse":
            dating = Dating(period=STATUSES["Open"], date=DAYS[STATUSES["Open"]])
            back = reversed_spec(base, dating, f"Reversal of {number}")
            self.files.append(declared(back, name=f"{name}-reversal", reverses=reverses))


REFERENCE = {
    "kind": "Reference",
    "spec": {
        "currencies": [{"code": "USD"}],
        "accountingPeriods": [
            {"name": name, "startDate": f"2026-{at:02}-01", "endDate": f"2026-{at:02}-{last}"}
            for at, (name, last) in enumerate(
                zip(STATUSES.values(), (31, 28, 31, 30), strict=True), 1
            )
        ],
        "accountingCodes": [{"name": name, "type": kind} for name, kind in CODES.items()],
        "customFields": {"JournalEntry": [{"name": MARKER}], "JournalEntryItem": []},
    },
}
THE_RUN = {
    "number": RUN, "status": "Completed", "journalEntryDate": "2026-01-31",
    "targetStartDate": "2026-01-01", "targetEndDate": "2026-01-31",
    "transactionTypes": [{"type": "Invoice Item"}],
}  # fmt: skip


class Api:
    """Calls to the ledger without the product's client."""

    def __init__(self, ledger, permissions=None):
        self._http = httpx.Client(
            transport=httpx.WSGITransport(app=create_app(ledger)), base_url="http://localhost"
        )
        key, secret = ledger.issue_client("api", permissions)
        form = {"client_id": key, "client_secret": secret, "grant_type": "client_credentials"}
        token = self._http.post("/oauth/token", data=form).json()["access_token"]
        self._http.headers["Authorization"] = f"Bearer {token}"

    def __call__(self, method, path, body=None):
        answer = self._http.request(method, f"/v1/{path}", json=body)
        return answer.json()


def close_as_stated(api):
    periods = {one["name"]: one["id"] for one in api("GET", "accounting-periods")[
        "accountingPeriods"]}  # fmt: skip

    def move(status, *verbs):
        for verb in verbs:
            path = f"accounting-periods/{periods[STATUSES[status]]}/{verb}"
            assert api("PUT", path)["success"], (status, verb)

    for status in ("Closed", "PendingClose", "Reopened"):
        move(status, "pending-close", "close")
    for status in ("Reopened", "PendingClose"):
        move(status, "reopen")
    move("PendingClose", "pending-close")


class MemoryLog:
    def __init__(self):
        self._seq = count(1)

    def record_intent(self, intent):
        return replace(intent, seq=next(self._seq))

    def record_outcome(self, intent, outcome):
        pass


@contextmanager
def opened(one):
    """The books of a pass with their ledger, its plan and a client with the pass's permissions."""
    books = Books(one.manage_transfer)
    with open_scratch(REFERENCE, entries=books.entries, runs=[THE_RUN]) as ledger:
        close_as_stated(Api(ledger))
        keys = ledger.issue_client("grid", one.permissions)
        with closing(client_in_process(ledger, *keys)) as client:
            yield books, ledger, client, *planned(books, client, one)


def planned(books, client, one):
    files = {each.address: each for each in books.files}
    wanted = to_read(files, books.book)
    wanted += undeclared_originals(books.files, wanted)
    seen = observe(wanted, client, parallelism=1)
    snapshot = Snapshot(
        declared=files,
        recorded={each.address: each for each in books.book},
        live=seen.live,
        tenant=Tenant(
            complete=True,
            codes=seen.codes,
            periods=seen.periods,
            currencies=frozenset({"USD"}),
            entry_fields={MARKER: CustomField(name=MARKER)},
            marker=MARKER,
            workspace=WORKSPACE,
            manages_close=MANAGE in one.permissions if one.known else None,
        ),
        policy=Policy(removal=one.removal, manage_transfer_state=one.manage_transfer),
    )
    many = 10**6
    allowances = Allowances(max_removals=many, max_missing=many, adopt_found=many)
    return snapshot, make_plan(snapshot, basis=basis(), allowances=allowances)


WORDS = {Outcome.DONE: "accepted"}


def run(one):
    """One pass; what the plan says of each cell, and what the ledger does."""
    with opened(one) as (books, ledger, client, snapshot, plan):
        changes = {change.address.name: change for change in plan.changes}
        rehearsed = rehearse(plan, snapshot, RehearsalOptions(permissions=one.permissions))
        before = balances(ledger)
        ended = {change.address.name: applied(change, plan, snapshot, client)
                 for change in plan.feasible}  # fmt: skip
        told = {row.name: row.outcome.value for row in rehearsed.changes}
        does = {name: WORDS.get(result.outcome, "refused") for name, result in ended.items()}
        if one.may_post:
            assert told == does
            assert_same_balances(rehearsed, before, balances(ledger))
        else:
            # A rehearsal ends like an apply, at the first call for which a permission is missing.
            tried = {name: word for name, word in told.items() if word != "not-attempted"}
            assert tried.items() <= does.items()
            assert "refused" in tried.values()
        reached = Counter()
        api = Api(ledger, one.permissions)
        for name, cell in books.names.items():
            change = changes.get(f"{name}-reversal" if cell[2] == "reverse" else name)
            verdict = verdict_of(change, ended, one, api)
            reached[verdict] += 1
            # Nothing of somebody else's is touched. Its reversal is an entry of this workspace.
            foreign = cell[3] == "foreign" and cell[2] != "reverse"
            assert not foreign or verdict in (RULE, KEPT), (name, change)
        return reached


def applied(change, plan, snapshot, client):
    """How the apply of one change ends."""
    ports = Ports(ledger=client, daybook=MemoryLog(), new_track_id=lambda: "rehearsal")
    (result,) = apply(replace(plan, changes=(change,)), snapshot.recorded, ports, parallelism=1)
    return result


def balances(ledger):
    return {
        (row.period, row.code, row.currency): row.debit - row.credit
        for row in trial_balance(ledger, STATUSES.values())
    }


def assert_same_balances(rehearsed, before, after):
    """Plan, rehearsal and ledger move the same amounts; entries of others do not move."""
    moved = {key: after[key] - before[key] for key in after}
    for row in rehearsed.balances:
        was, now = row.debit_before - row.credit_before, row.debit_after - row.credit_after
        assert row.agrees, row
        assert now - was == moved.pop((row.period, row.code, row.currency)), row
    assert not any(moved.values()), moved


OFFERED, LACKING, KEPT = "offered and taken", "refused for a permission", "nothing to do"
REFUSED, RULE = "blocked, and refused by the ledger", "blocked by a rule of this tool"


def verdict_of(change, ended, one, api):
    """How plan and ledger agree on a cell; a disagreement fails."""
    if change is None or change.action in (Action.KEEP, Action.FORGET):
        return KEPT
    if change.block is None:
        result = ended[change.address.name]
        lacking = {NEEDED[step.verb] for step in change.steps} - {*one.permissions}
        if pending_close(change) and not one.known:
            lacking |= {MANAGE} - {*one.permissions}
        if lacking:
            assert result.outcome is not Outcome.DONE, result
            assert any(name in result.message for name in lacking), result
            return LACKING
        assert result.outcome is Outcome.DONE, (change, result)
        return OFFERED
    # This tool never resets a transferred entry, whoever may: it may be in the general ledger.
    never = change.block.rule == "transfer-override" and OVERRIDE in one.permissions
    if never or change.block.rule not in OF_THE_LEDGER:
        return RULE
    assert not try_anyway(change, api)["success"], change
    return REFUSED


def pending_close(change):
    return change.period_status == "PendingClose" and (change.posts or change.cancels)


def try_anyway(change, api):
    """The first call of a blocked change that moves the books."""
    verb = next(step.verb for step in change.steps if step.verb is not Verb.DELETE)
    path = f"journal-entries/{change.number}"
    if verb is Verb.CANCEL:
        answer = api("PUT", f"{path}/cancel")
        if not answer["success"] or not change.posts:
            return answer
        # The period of the new entry may be what forbids a replacement.
        verb = Verb.CREATE
    if verb is Verb.UPDATE:
        state = change.after["transferredToAccounting"]
        return api("PUT", f"{path}/basic-information", {"transferredToAccounting": state})
    lines = [{**line, "amount": str(line["amount"])} for line in change.after["journalEntryItems"]]
    return api("POST", "journal-entries", {**change.after, "journalEntryItems": lines})


def test_the_grid_has_every_combination():
    assert len(CELLS) == 4 * 5 * (9 * 4 - 3) == len({*CELLS})


EVERY_PASS = [
    Pass(*one)
    for one in product(CREDENTIALS, (Removal.DELETE, Removal.CANCEL), (False, True), (True, False))
]
BOUNDED = [Pass("finance"), Pass(f"without {CANCEL}", Removal.CANCEL, True, False)]


@pytest.mark.parametrize(
    "one",
    [
        *BOUNDED,
        *(pytest.param(one, marks=pytest.mark.long) for one in EVERY_PASS if one not in BOUNDED),
    ],
    ids=str,
)
def test_the_plan_offers_what_the_ledger_takes_and_nothing_else(one):
    reached = run(one)
    assert reached.total() == len(CELLS)
    assert {OFFERED, REFUSED, RULE, KEPT} <= reached.keys()
    assert (LACKING in reached) == (
        not one.may_post or not (one.known or MANAGE in one.permissions)
    )
