"""Number 3: a word has one canonical form, so that a control by any of its spellings applies."""

import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest
from builders import declared, entry, live, plan_for, recorded, snapshot, tenant_of
from deadlines import impatient

from reconciler.app.policy_history import policy_of_text, text_of_policy
from reconciler.core.model import enumerations
from reconciler.core.model.enumerations import (
    CodeStatus,
    CodeType,
    EntryStatus,
    Enumeration,
    PeriodStatus,
    RunStatus,
    Side,
    TransferState,
    canonical,
)
from reconciler.core.model.finding import Severity
from reconciler.core.model.history import Result
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.kinds.journal_run import TRANSACTION_TYPES
from reconciler.core.model.plan import Action, Reason, Verb
from reconciler.core.model.policy import Approvals, Evidence, Freeze, Level, Policy, Removal, Tier
from reconciler.core.model.proofs.rehearsal import Rehearsed
from reconciler.core.model.report import Outcome
from reconciler.core.planning.closing.readiness import ItemState
from reconciler.core.planning.limits.stricter import stricter
from reconciler.core.planning.unanswered import ACCEPTABLE
from reconciler.core.rules.close_rules import CLOSE_ITEMS
from reconciler.ledger.journals import fields as ledger_entries
from reconciler.ledger.reference_data import code_types, document
from reconciler.ledger.runs.operations import BUSY_STATES
from reconciler.ledger.runs.transaction_types import TRANSACTION_TYPES as LEDGER_TYPES
from reconciler.workspace.json_schema import DOCUMENTS, SCHEMAS, schema_text
from reconciler.zuora.resources import RESOURCES

NAMES = frozenset(KINDS)
METHODS = {"straight-line", "daily", "recurring", "once"}
ENCODINGS = {"utf-8", "cp1252", "utf-16"}

ENUMERATIONS: dict[str, Any] = {
    "JournalEntry/$defs/spec/properties/transferredToAccounting": TransferState,
    "JournalEntry/$defs/item/properties/accountingCodeType": CodeType,
    "JournalEntry/$defs/item/properties/type": Side,
    "JournalRun/$defs/transactionType/properties/type": TRANSACTION_TYPES,
    "JournalEntry/$defs/metadata/properties/acknowledges/items/properties/status": ACCEPTABLE,
    "JournalRun/$defs/metadata/properties/acknowledges/items/properties/status": ACCEPTABLE,
    "Workspace/$defs/policy/properties/removal": Removal,
    "Workspace/$defs/policy/properties/transferState": {"observed", "managed"},
    "Workspace/$defs/periodStatus/items": PeriodStatus,
    "Workspace/$defs/policy/properties/severities/additionalProperties": Level,
    "Workspace/$defs/approvals/properties/tiers/items/properties/actions/items": {
        "reverse",
        *(action for action in Action if action not in (Action.KEEP, Action.BLOCKED)),
    },
    "Workspace/$defs/approvals/properties/evidence": Evidence,
    "Workspace/$defs/houseRule/properties/kinds/items": NAMES,
    "close-check/$defs/item/properties/item": CLOSE_ITEMS,
    "Workspace/$defs/close/properties/allow/items/properties/item": CLOSE_ITEMS,
    "Workspace/$defs/close/properties/runs/items": TRANSACTION_TYPES,
    "close-check/$defs/item/properties/state": ItemState,
    "Reference/$defs/accountingPeriod/properties/status": PeriodStatus,
    "output/$defs/problem/properties/severity": Severity,
    "output/properties/rules/items/properties/severity": Severity,
    "output/properties/checks/items/properties/status": {"ok", "note", "bad"},
    "output/properties/entries/items/properties/state": {
        *("recorded", "cancelled", "gone", "unknown"),
    },
    "Reference/$defs/accountingCode/properties/type": CodeType,
    "Reference/$defs/accountingCode/properties/status": CodeStatus,
    "JournalSchedule/$defs/spec/properties/method": METHODS,
    "JournalSchedule/$defs/spec/properties/date": {"period-end", "period-start"},
    "JournalSchedule/$defs/entry/properties/transferredToAccounting": TransferState,
    "JournalSchedule/$defs/item/properties/accountingCodeType": CodeType,
    "JournalSchedule/$defs/item/properties/type": Side,
    "JournalSchedule/$defs/amendment/properties/method": {"prospective", "catch-up"},
    "JournalSchedule/$defs/amendment/properties/remainder": {"spread", "none"},
    "JournalSchedule/$defs/override/properties/acknowledges/items/properties/status": ACCEPTABLE,
    "SpreadsheetMapping/$defs/spec/properties/numbers/properties/decimal": {".", ","},
    "SpreadsheetMapping/$defs/spec/properties/numbers/properties/group": {",", ".", " ", "'"},
    "SpreadsheetMapping/$defs/spec/properties/csv/properties/delimiter": {",", ";", "\t", "|"},
    "SpreadsheetMapping/$defs/spec/properties/csv/properties/encoding": ENCODINGS,
    "SpreadsheetMapping/$defs/signed/properties/positive": Side,
    "SpreadsheetMapping/$defs/account/properties/lookup": {"glAccountNumber"},
    "plan/properties/rehearsal/properties/changes/items/properties/outcome": Rehearsed,
    "plan/*/evidence": Evidence,
    "plan/*/action": Action,
    "plan/*/verb": Verb,
    "plan/*/reason": Reason,
    "close-check/properties/warnings/items/properties/severity": {
        *(Severity.WARNING, Severity.INFORMATION),
    },
    "plan/*/severity": {Severity.WARNING, Severity.INFORMATION},
    "report/*/evidence": Evidence,
    "report/*/result": Result,
    "report/*/action": Action,
    "report/*/outcome": Outcome,
    "report/*/verb": Verb,
    "apply-event/*/result": Result,
    "apply-event/*/action": Action,
    "apply-event/*/outcome": Outcome,
    "apply-event/*/verb": Verb,
}
"""Every enumeration of every schema by its place, and what the code knows of it."""

TWO_SPELLINGS = {"Pending Close": "PendingClose", "OnAccountReceivable": "On-Account Receivable"}
"""What schemas accept besides the canonical spelling, which stands before it."""


def enumerations_of(schema: Any, path: str) -> Any:
    """Every `enum` of a schema with its place."""
    if isinstance(schema, dict):
        if isinstance(schema.get("enum"), list):
            yield path, schema["enum"]
        for name, part in schema.items():
            yield from enumerations_of(part, f"{path}/{name}")
    elif isinstance(schema, list):
        for part in schema:
            yield from enumerations_of(part, path)


FOUND = [
    pytest.param(path, found, id=path)
    for name in (*SCHEMAS, *DOCUMENTS)
    for path, found in enumerations_of(json.loads(schema_text(name)), name)
]


def known_of(path: str) -> Any:
    name = path.partition("/")[0]
    parts = [part for part in path.split("/") if part not in ("properties", "items", "$defs")]
    short = f"{name}/*/{parts[-1]}"
    return ENUMERATIONS.get(path, ENUMERATIONS.get(short))


@pytest.mark.parametrize(("path", "words"), FOUND)
def test_t03_every_enumeration_of_a_schema_is_one_that_the_code_knows(path, words):
    known = known_of(path)
    assert known is not None, f"{path} is compared with nothing: {words}"
    spelt = [TWO_SPELLINGS.get(word, word) for word in words]
    assert list(dict.fromkeys(spelt)) == [word for word in words if word not in TWO_SPELLINGS]
    assert set(spelt) == {str(word) for word in known}


def test_t03_the_wire_and_the_embedded_ledger_have_the_same_words():
    entries, runs = RESOURCES["journal-entries"], RESOURCES["journal-runs"]
    pairs = [
        (PeriodStatus, document.STATUSES),
        (CodeType, code_types.CATEGORIES),
        (TransferState, ledger_entries.TRANSFER_STATES),
        (TRANSACTION_TYPES, LEDGER_TYPES),
        (entries.words["transferredToAccounting"], TransferState),
        (entries.statuses, EntryStatus),
        (runs.statuses, RunStatus),
        (KINDS["JournalRun"].busy_states, BUSY_STATES),
    ]
    for ours, theirs in pairs:
        assert {str(word) for word in ours} == {str(word) for word in theirs}
    for kind in KINDS.values():
        assert kind.posted_states | kind.failed | kind.busy_states <= set(
            kind.enumerations["status"]
        )


@pytest.mark.parametrize("words", Enumeration.__subclasses__(), ids=lambda words: words.__name__)
def test_t03_no_two_words_of_an_enumeration_read_alike(words):
    """Blanks and hyphens are ignored, so a word must not be another one without them."""
    assert len({enumerations.bare(word) for word in words}) == len(words)
    for word in words:
        assert canonical(words, word) == word
        assert canonical(words, f"{word}x") == f"{word}x"


SPELLINGS = ["Open", "PendingClose", "Pending Close", "Closed"]


def policy_in(books, text):
    books.settings(spec="{policy: " + text + "}")


def to_status(books, status):
    """Take January to a status by the ledger's own calls; earlier periods are closed first."""
    rows = books.call("GET", "accounting-periods")["accountingPeriods"]
    rows.sort(key=lambda row: row["startDate"])
    at = [row["name"] for row in rows].index("Jan-2026")
    calls = {"Open": (), "PendingClose": ("pending-close",), "Closed": ("pending-close", "close")}
    for row in rows[:at] if status != "Open" else ():
        for call in {"Open": calls["Closed"], "PendingClose": ("close",)}.get(row["status"], ()):
            books.call("PUT", f"accounting-periods/{row['id']}/{call}")
    for call in calls[status]:
        books.call("PUT", f"accounting-periods/{rows[at]['id']}/{call}")


@pytest.mark.parametrize("word", SPELLINGS)
def test_t03_a_freeze_by_any_status_applies_to_the_ledgers_own_word(small, word):
    """The ledger says `PendingClose`; a freeze by `Pending Close` never applied."""
    to_status(small, canonical(PeriodStatus, word))
    policy_in(small, f'{{freeze: [{{periodStatus: ["{word}"]}}]}}')
    small.declare("entry-00", journalEntryDate="2026-01-30")
    small.remove("entry-01")
    small.declare("new")
    blocked = {
        change["name"]: (change["blocked"] or {}).get("rule")
        for change in small.plan_document()["changes"]
    }
    expected = "period-closed" if word == "Closed" else "period-frozen"
    assert set(blocked) == {"entry-00", "entry-01", "new"}
    assert set(blocked.values()) <= {expected, "period-frozen"}


@pytest.mark.parametrize("word", SPELLINGS)
def test_t03_an_approval_tier_by_any_status_applies(small, word):
    to_status(small, canonical(PeriodStatus, word))
    tier = f'{{required: 2, periodStatus: ["{word}"]}}'
    policy_in(small, f"{{approvals: {{evidence: git, tiers: [{tier}]}}}}")
    small.declare("entry-00", notes="Changed")
    made = small.plan_document()
    assert made["controls"]["approvals"]["required"] == 2
    others = [one for one in PeriodStatus if one != canonical(PeriodStatus, word)]
    tier = f"{{required: 2, periodStatus: [{', '.join(others)}]}}"
    policy_in(small, f"{{approvals: {{evidence: git, tiers: [{tier}]}}}}")
    assert small.plan_document()["controls"]["approvals"]["required"] == 0


def test_t03_a_tier_by_any_action_applies(small):
    """One plan of all actions; a tier by each of them is the reason of its requirement."""
    number = small.call(
        "POST",
        "journal-entries",
        accountingPeriodName="Jan-2026",
        currency="USD",
        journalEntryDate="2026-01-31",
        journalEntryItems=[
            {"accountingCodeName": code, "type": side, "amount": 1, "homeCurrencyAmount": 1}
            for code, side in (("Deferred Revenue", "Debit"), ("Subscription Revenue", "Credit"))
        ],
    )["journalEntryNumber"]
    small.declare("new")
    small.declare("entry-00", notes="Changed")
    small.declare("entry-01", journalEntryDate="2026-01-30")
    lines = [
        {"accountingCodeName": code, "type": side, "amount": "1.00"}
        for code, side in (("Deferred Revenue", "Debit"), ("Subscription Revenue", "Credit"))
    ]
    small.declare("taken", *lines, metadata={"adopts": number})
    gone = small.number("entry-03")
    small.cancel("entry-03")
    small.call("DELETE", f"journal-entries/{gone}")
    small.remove("entry-02", "entry-03")
    back = [
        {"accountingCodeName": code, "type": side, "amount": "400.90"}
        for code, side in (("Deferred Revenue", "Credit"), ("Subscription Revenue", "Debit"))
    ]
    small.declare("undo", *back, metadata={"reverses": "entry-04"})
    actions = json.loads(schema_text("Workspace"))["$defs"]["approvals"]["properties"]["tiers"]
    actions = actions["items"]["properties"]["actions"]["items"]["enum"]
    assert {*small.actions().values(), "reverse"} == set(actions)
    for action in actions:
        tier = f"{{required: 3, actions: [{action}]}}"
        policy_in(small, f"{{approvals: {{evidence: git, tiers: [{tier}]}}}}")
        assert small.plan_document()["controls"]["approvals"]["because"] == [f"action {action}"]


@pytest.mark.parametrize("removal", Removal)
def test_t03_each_way_of_removal_has_its_effect(small, removal):
    policy_in(small, f"{{removal: {removal}}}")
    small.remove("entry-00")
    (change,) = small.plan_document()["changes"]
    steps = [step["verb"] for step in change["steps"]]
    expected = {
        Removal.DELETE: ("remove", ["cancel", "delete"]),
        Removal.CANCEL: ("remove", ["cancel"]),
        Removal.FORBID: ("blocked", ["cancel", "delete"]),
    }
    assert (change["action"], steps) == expected[removal]


@pytest.mark.parametrize("state", TransferState)
@pytest.mark.parametrize("mode", ["observed", "managed"])
def test_t03_each_transfer_state_is_read_as_the_ledger_writes_it(mode, state):
    """Declared `No`, live any state: managed is a change, observed is none."""
    ours = entry(transferredToAccounting="No")
    book = snapshot(
        [declared(ours)],
        [recorded(ours)],
        [live(ours, transferredToAccounting=state.value)],
        manage_transfer_state=mode == "managed",
    )
    (change,) = plan_for(book).changes
    differs = mode == "managed" and state is not TransferState.NO
    assert (change.wanted is Action.UPDATE) is differs
    # Yes is taken back by nobody.
    assert (change.block is not None) is (differs and state is TransferState.YES)


@pytest.mark.parametrize("evidence", Evidence)
def test_t03_each_evidence_is_asked_for(small, evidence):
    policy_in(small, f"{{approvals: {{evidence: {evidence}, tiers: [{{required: 1}}]}}}}")
    small.declare("new")
    assert small.plan_document()["controls"]["approvals"]["evidence"] == evidence
    before = small.content()
    assert small.apply().code != 0
    assert small.content() == before


@pytest.mark.parametrize("word", SPELLINGS)
def test_t03_a_remembered_freeze_holds_in_either_spelling(word):
    """A daybook of an earlier version recorded the policy's spelling of that time."""
    text = text_of_policy(Policy(freeze=Freeze(statuses=frozenset({PeriodStatus(word)}))))
    old = policy_of_text(text.replace(str(PeriodStatus(word)), word))
    assert stricter(old, Policy(), 10).freeze.statuses == {PeriodStatus(word)}
    tier = Tier(required=1, period_statuses=(PeriodStatus(word),))
    text = text_of_policy(Policy(approvals=Approvals(tiers=(tier,))))
    again = policy_of_text(text.replace(str(PeriodStatus(word)), word))
    assert again is not None
    assert again.approvals.tiers == (tier,)


@pytest.mark.parametrize(
    ("file", "action"),
    [
        pytest.param(entry(currency="EUR"), Action.REPLACE, id="replace"),
        pytest.param(entry(notes="Changed"), Action.UPDATE, id="basic information"),
        pytest.param(None, Action.REMOVE, id="remove"),
    ],
)
def test_t03_an_unknown_status_of_a_period_is_never_taken_for_open(file, action):
    periods = tuple(
        type(period)(
            name=period.name,
            start_date=period.start_date,
            end_date=period.end_date,
            status="Locked",
        )
        for period in tenant_of().periods
    )
    files = [] if file is None else [declared(file)]
    book = snapshot(files, [recorded()], [live()], tenant=tenant_of(periods=periods))
    (change,) = plan_for(book).changes
    assert (change.action, change.wanted) == (Action.BLOCKED, action)
    assert change.block is not None
    assert change.block.rule == "period-unknown-status"


def test_t03_the_other_spelling_is_a_warning_that_fmt_ends(small):
    policy_in(small, '{freeze: [{periodStatus: ["Pending Close"]}]}')

    def found():
        problems = small.run("validate", "--format", "json").json["problems"]
        return [one["severity"] for one in problems if one["rule"] == "period-status-spelling"]

    assert found() == ["warning"]
    assert small.run("fmt").code == 0
    assert "[PendingClose]" in (small.root / "reconciler.yaml").read_text()
    assert found() == []


@pytest.mark.parametrize("spelling", ["On-Account Receivable", "OnAccountReceivable"])
def test_t03_a_house_rule_sees_one_spelling_of_a_code_type(empty, spelling):
    """A rule that forbids a type forbids it in both spellings."""
    line = {"properties": {"accountingCodeType": {"not": {"const": "On-Account Receivable"}}}}
    spec = {"properties": {"journalEntryItems": {"items": line}}}
    rule = {"properties": {"spec": spec}}
    empty.write("rules/no-on-account.json", json.dumps(rule))
    facts = "id: no-on-account, title: Not this type, remedy: Use another., "
    policy_in(empty, f"{{houseRules: [{{{facts}schema: rules/no-on-account.json}}]}}")
    one = {"accountingCodeName": "On Account", "amount": "1.00", "accountingCodeType": spelling}
    empty.declare("new", {**one, "type": "Debit"}, {**one, "type": "Credit"})
    problems = empty.run("validate", "--format", "json").json["problems"]
    assert "house/no-on-account" in {one["rule"] for one in problems}
    # A rule that names the other spelling would never apply, and says so.
    empty.write("rules/no-on-account.json", json.dumps(rule).replace("On-Account R", "OnAccountR"))
    problems = empty.run("validate", "--format", "json").json["problems"]
    assert "house-schema" in {one["rule"] for one in problems}


def test_t03_the_command_line_refuses_to_post_into_a_frozen_period(small):
    """With the real program: the freeze by the prose's spelling stops an apply."""
    to_status(small, "PendingClose")
    policy_in(small, '{freeze: [{periodStatus: ["Pending Close"]}]}')
    small.declare("new")
    before = small.content()
    ended = small.process("apply", "--auto-approve")
    assert ended.code == 4
    assert "period-frozen" in ended.out
    assert small.content() == before


def test_t03_an_unknown_status_of_an_entry_is_named_and_the_others_can_be_planned(small):
    """A later version of the ledger may have a new word. The remedy is followed to the letter."""
    number = small.posted()["entry-00"]
    with closing(sqlite3.connect(small.database)) as connection, connection:
        # The check of the table belongs to this version of the ledger.
        connection.execute("pragma ignore_check_constraints = on")
        connection.execute(
            "update journal_entries set status = 'Archived' where number = ?", [number]
        )
    with impatient(attempt=60):
        said = small.plan()
    text = " ".join(said.said.split())
    assert said.code == 1, text
    assert 'status is "Archived", which is none of Cancelled, Created' in text
    assert "update reconciler. Until then, leave out the entry that has it: add --exclude" in text
    assert "proxy" not in text
    assert small.plan("--exclude", "entry-00").code == 0
