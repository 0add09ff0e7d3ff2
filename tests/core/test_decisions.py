"""The action for an address: every action, block, resume point and drift."""

import ast
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from builders import (
    MARKER,
    NUMBER,
    address,
    credit,
    debit,
    declared,
    entry,
    live,
    only,
    plan_for,
    plan_of,
    recorded,
    snapshot,
    tenant_of,
)

from reconciler.core.model.marker import IN_NOTES
from reconciler.core.model.plan import GONE, Action, Reason, Verb
from reconciler.core.model.policy import Freeze, Removal
from reconciler.core.model.tenant import AccountingPeriod, Organization
from reconciler.core.planning.decisions import decide_all
from reconciler.core.planning.snapshot import to_read
from reconciler.core.rules.catalog import PLAN_RULES
from reconciler.core.rules.file_rules import FILE_RULES

OLD, NEW = "JE-00000001", "JE-00000002"

NORTH, SOUTH = (entry(organizationLabel=name) for name in ("North", "South"))
UNSEEN = f'no read finds {OLD}, nor any other entry of its organization: "North"'

DEC = entry(accountingPeriodName="Dec-2025", journalEntryDate="2025-12-31")


def steps(change):
    """Verbs and numbers: `create`, `cancel JE-00000001`."""
    return [f"{step.verb.value} {step.number or ''}".strip() for step in change.steps]


def decided(*args, **policy):
    """The one change of a snapshot."""
    changes, _ = decide_all(snapshot(*args, **policy))
    (change,) = changes
    return change


# The house's own example, complete.
@pytest.mark.parametrize(
    ("declared_spec", "live_spec", "action", "verbs"),
    [
        pytest.param(entry(), None, Action.CREATE, ["create"], id="only declared"),
        pytest.param(
            None, entry(), Action.REMOVE, [f"cancel {OLD}", f"delete {OLD}"], id="only live"
        ),
        pytest.param(entry(), entry(), Action.KEEP, [], id="both, and equal"),
        pytest.param(
            entry(notes="Jan"), entry(), Action.UPDATE, [f"update {OLD}"], id="notes can be updated"
        ),
        pytest.param(
            entry(debit(Team__c="a"), credit()),
            entry(),
            Action.UPDATE,
            [f"update {OLD}"],
            id="so can a custom field of a line",
        ),
        pytest.param(
            entry(currency="EUR"),
            entry(),
            Action.REPLACE,
            [f"cancel {OLD}", "create", f"delete {OLD}"],
            id="currency cannot",
        ),
        pytest.param(
            entry(debit("1"), credit("1"), notes="Jan"),
            entry(),
            Action.REPLACE,
            [f"cancel {OLD}", "create", f"delete {OLD}"],
            id="lines cannot, whatever else moves",
        ),
    ],
)
def test_an_action_follows_from_what_is_declared_and_live(declared_spec, live_spec, action, verbs):
    change = only(plan_of(declared_spec, live_spec))
    assert (change.action, change.wanted, steps(change)) == (action, action, verbs)


CANCELLED_LIVE = live(number=OLD, status="Cancelled")


@pytest.mark.parametrize(
    ("files", "book", "ledger", "action", "reason", "verbs"),
    [
        pytest.param(
            [declared()], [recorded()], [], Action.CREATE, Reason.MISSING_IN_LEDGER, ["create"],
            id="recorded, and not in the ledger",
        ),
        pytest.param(
            [], [recorded()], [], Action.FORGET, Reason.MISSING_IN_LEDGER, [],
            id="not declared any more, and not in the ledger",
        ),
        pytest.param(
            [declared()], [recorded()], [CANCELLED_LIVE],
            Action.REPLACE, Reason.CANCELLED_IN_LEDGER, ["create", f"delete {OLD}"],
            id="somebody cancelled it",
        ),
        pytest.param(
            [], [recorded()], [CANCELLED_LIVE],
            Action.REMOVE, Reason.CANCELLED_IN_LEDGER, [f"delete {OLD}"],
            id="not declared any more, and somebody cancelled it",
        ),
        pytest.param(
            [declared()], [recorded(cancelled=True)], [CANCELLED_LIVE],
            Action.REPLACE, Reason.RESUMED, ["create", f"delete {OLD}"],
            id="resumed after the cancel of a replacement",
        ),
        pytest.param(
            [declared()], [recorded(cancelled=True)], [],
            Action.CREATE, Reason.RESUMED, ["create"],
            id="resumed after the cancel, and the old entry is gone",
        ),
        pytest.param(
            [declared()], [recorded(cancelled=True)], [live()],
            Action.KEEP, Reason.UNCHANGED, [],
            id="a cancel that never took effect, and the file is as before again",
        ),
        pytest.param(
            [declared()], [recorded(number=NEW, leftovers=(OLD,))],
            [live(number=NEW), CANCELLED_LIVE],
            Action.REPLACE, Reason.RESUMED, [f"delete {OLD}"],
            id="resumed after the create: the old entry is left",
        ),
        pytest.param(
            [declared()], [recorded(number=NEW, leftovers=(OLD,))], [live(number=NEW)],
            Action.KEEP, Reason.UNCHANGED, [],
            id="the old entry is gone already",
        ),
        pytest.param(
            [declared(entry(notes="b"))], [recorded(number=NEW, leftovers=(OLD,))],
            [live(number=NEW), CANCELLED_LIVE],
            Action.UPDATE, Reason.CHANGED, [f"update {NEW}", f"delete {OLD}"],
            id="resumed after the create, and the file moved since",
        ),
        pytest.param(
            [declared(entry(currency="EUR"))], [recorded(number=NEW, leftovers=(OLD,))],
            [live(number=NEW), CANCELLED_LIVE],
            Action.REPLACE, Reason.CHANGED,
            [f"cancel {NEW}", "create", f"delete {NEW}", f"delete {OLD}"],
            id="resumed after the create, and another replacement",
        ),
        pytest.param(
            [declared()], [recorded(number=None, leftovers=(OLD,))], [CANCELLED_LIVE],
            Action.CREATE, Reason.RESUMED, ["create", f"delete {OLD}"],
            id="only a leftover is recorded",
        ),
        pytest.param(
            [], [recorded(number=NEW, leftovers=(OLD,))], [live(number=NEW), CANCELLED_LIVE],
            Action.REMOVE, Reason.UNDECLARED,
            [f"cancel {NEW}", f"delete {NEW}", f"delete {OLD}"],
            id="the file went away before the leftover did",
        ),
        pytest.param(
            [], [recorded(number=None, leftovers=(OLD,))], [CANCELLED_LIVE],
            Action.REMOVE, Reason.RESUMED, [f"delete {OLD}"],
            id="nothing but a leftover, and no file",
        ),
        pytest.param(
            [], [recorded(cancelled=True)], [CANCELLED_LIVE],
            Action.REMOVE, Reason.RESUMED, [f"delete {OLD}"],
            id="resumed after the cancel of a removal",
        ),
        pytest.param(
            [], [recorded(cancelled=True)], [], Action.FORGET, Reason.RESUMED, [],
            id="resumed after the delete of a removal",
        ),
        pytest.param(
            [declared(entry(notes="b"))], [recorded(entry(notes="a"))], [live(entry(notes="b"))],
            Action.UPDATE, Reason.RECORD_ONLY, [],
            id="live holds what the file says already",
        ),
        pytest.param(
            [declared()], [recorded(spec=entry(notes="a"))], [live()],
            Action.UPDATE, Reason.RECORD_ONLY, [],
            id="a field left the file, and is cleared already",
        ),
        pytest.param(
            [declared()], [recorded(entry(transferredToAccounting="Error"))],
            [live(transferredToAccounting="Error")],
            Action.UPDATE, Reason.RECORD_ONLY, [],
            id="a transfer state left the file, and is the connector's from now on",
        ),
        pytest.param(
            [declared(protect=True)], [recorded()], [live()],
            Action.UPDATE, Reason.RECORD_ONLY, [],
            id="protection is a matter of the daybook alone",
        ),
        pytest.param(
            [declared()], [replace(recorded(), spec=None)], [live()],
            Action.UPDATE, Reason.RECORD_ONLY, [],
            id="nothing is known of what was applied",
        ),
        pytest.param(
            [declared(entry(notes="a"))], [recorded(entry(notes="a"))], [live(entry(notes="x"))],
            Action.UPDATE, Reason.DRIFTED, [f"update {OLD}"],
            id="live moved, the file stood still",
        ),
        pytest.param(
            [declared(entry(notes="b"))], [recorded(entry(notes="a"))], [live(entry(notes="x"))],
            Action.UPDATE, Reason.CHANGED, [f"update {OLD}"],
            id="both moved",
        ),
        pytest.param(
            [declared(entry(notes="b"))], [replace(recorded(), spec=None)], [live()],
            Action.UPDATE, Reason.CHANGED, [f"update {OLD}"],
            id="nothing is known of what was applied, and live differs",
        ),
        pytest.param(
            [declared()], [recorded()], [live(entry(debit("1"), credit("1")))],
            Action.REPLACE, Reason.DRIFTED, [f"cancel {OLD}", "create", f"delete {OLD}"],
            id="live has other lines",
        ),
    ],
)  # fmt: skip
def test_a_reason_and_its_steps_follow_from_all_three(
    *, files, book, ledger, action, reason, verbs
):
    """I-01, I-26: an interrupted run resumes from any point, and repeats nothing."""
    change = decided(files, book, ledger)
    assert (change.action, change.reason, steps(change)) == (action, reason, verbs)


@pytest.mark.parametrize(
    ("files", "book", "ledger"),
    [
        pytest.param([], [recorded(number=None)], [], id="an address with nothing left of it"),
        pytest.param(
            [], [recorded(number=None, leftovers=(OLD,))], [], id="a leftover that is gone"
        ),
    ],
)
def test_nothing_is_said_of(files, book, ledger):
    assert decide_all(snapshot(files, book, ledger)) == ((), ())


@pytest.mark.parametrize(
    ("files", "book", "ledger", "verbs"),
    [
        pytest.param([], [recorded()], [live()], [f"cancel {OLD}"], id="removal stops at cancel"),
        pytest.param(
            [declared(entry(currency="EUR"))],
            [recorded()],
            [live()],
            [f"cancel {OLD}", "create"],
            id="so does replacement",
        ),
        pytest.param(
            [declared()], [recorded()], [CANCELLED_LIVE], ["create"], id="resumed without a delete"
        ),
        pytest.param(
            [declared()],
            [recorded(number=NEW, leftovers=(OLD,))],
            [live(number=NEW), CANCELLED_LIVE],
            [],
            id="a kept predecessor is nothing to do",
        ),
    ],
)
def test_a_policy_may_keep_cancelled_entries(files, book, ledger, verbs):
    assert steps(decided(files, book, ledger, removal=Removal.CANCEL)) == verbs


def test_an_entry_that_was_cancelled_and_kept_is_done():
    kept = snapshot([], [recorded(cancelled=True)], [CANCELLED_LIVE], removal=Removal.CANCEL)
    assert decide_all(kept) == ((), ())


DRAFT = live(number=OLD, status="Draft")
FOREIGN = live(marker="other/true-up")
UNMARKED = live(marker=None)
YES, PROCESSING = "Yes", "Processing"
EUR = [declared(entry(currency="EUR"))]
UPDATED = [declared(entry(notes="b"))]


def transferred(state):
    return live(transferredToAccounting=state)


LOCKED = tenant_of(
    periods=tuple(replace(period, status="Locked") for period in tenant_of().periods)
)

BLOCKS = [
    # rule, message, wanted, files, book, ledger, policy
    pytest.param(
        "transferred", f"{OLD} has transferredToAccounting Yes", Action.REPLACE,
        EUR, [recorded()], [transferred(YES)], {}, id="I-23 replace what is transferred",
    ),
    pytest.param(
        "transferred", f"{OLD} has transferredToAccounting Processing", Action.REMOVE,
        [], [recorded()], [transferred(PROCESSING)], {}, id="I-23 remove what is on its way",
    ),
    pytest.param(
        "transfer-override", f"{OLD} is transferred, but the file states otherwise", Action.UPDATE,
        [declared(entry(transferredToAccounting="No"))],
        [recorded(entry(transferredToAccounting="Error"))], [transferred(YES)], {},
        id="take the transfer back",
    ),
    pytest.param(
        "protected", "true-up is protected", Action.REPLACE,
        [replace(EUR[0], protect=True)], [recorded()], [live()], {}, id="replace what is protected",
    ),
    pytest.param(
        "protected", "true-up is protected", Action.REMOVE,
        [], [recorded(protect=True)], [live()], {}, id="remove what was protected",
    ),
    pytest.param(
        "removal-forbidden", "the workspace's policy forbids removals", Action.REMOVE,
        [], [recorded()], [live()], {"removal": Removal.FORBID}, id="remove against the policy",
    ),
    pytest.param(
        "removal-forbidden", "the workspace's policy forbids removals", Action.REMOVE,
        [], [recorded()], [CANCELLED_LIVE], {"removal": Removal.FORBID},
        id="delete what is cancelled against the policy",
    ),
    pytest.param(
        "period-closed", "the accounting period Dec-2025 is closed", Action.CREATE,
        [declared(DEC)], [], [], {}, id="post to a closed period",
    ),
    pytest.param(
        "period-closed", "the accounting period Dec-2025 is closed", Action.REMOVE,
        [], [recorded(DEC)], [live(DEC)], {}, id="take from a closed period",
    ),
    pytest.param(
        "period-closed", "the accounting period Dec-2025 is closed", Action.REPLACE,
        [declared()], [recorded(DEC)], [live(DEC)], {}, id="move out of a closed period",
    ),
    pytest.param(
        "period-frozen", "the accounting period Jan-2026 is frozen by policy", Action.CREATE,
        [declared()], [], [], {"freeze": Freeze(periods=frozenset({"Jan-2026"}))},
        id="post in a frozen period",
    ),
    pytest.param(
        "period-frozen", "the accounting period Jan-2026 is frozen by policy and is Open",
        Action.REMOVE, [], [recorded()], [live()],
        {"freeze": Freeze(statuses=frozenset({"Open"}))}, id="take back in a frozen status",
    ),
    pytest.param(
        "period-unknown-status", 'the accounting period Jan-2026 has the status "Locked"',
        Action.UPDATE, UPDATED, [recorded()], [live()], {"tenant": LOCKED},
        id="update in a period that nobody knows the status of",
    ),
    pytest.param(
        "ownership", f'{OLD} carries the marker "other/true-up", not "books/true-up"',
        Action.UPDATE, UPDATED, [recorded()], [FOREIGN], {}, id="I-22 update a foreign entry",
    ),
    pytest.param(
        "ownership", f'{OLD} carries the marker "other/true-up", not "books/true-up"',
        Action.KEEP, [declared()], [recorded()], [FOREIGN], {},
        id="a foreign marker, and nothing else to do",
    ),
    pytest.param(
        "ownership", f'{OLD} carries no marker, not "books/true-up"', Action.REPLACE,
        EUR, [recorded()], [UNMARKED], {}, id="I-22 replace an unmarked entry",
    ),
    pytest.param(
        "ownership", f'{OLD} carries no marker, not "books/true-up"', Action.REMOVE,
        [], [recorded()], [live(marker=None)], {}, id="I-22 remove an unmarked entry",
    ),
    pytest.param(
        "organization-unseen", UNSEEN, Action.CREATE, [declared(NORTH)], [recorded(NORTH)], [], {},
        id="post again what the client may not see",
    ),
    pytest.param(
        "organization-unseen", UNSEEN, Action.CREATE, [declared(SOUTH)], [recorded(NORTH)], [], {},
        id="post it in another organization",
    ),
    pytest.param(
        "organization-unseen", UNSEEN, Action.FORGET, [], [recorded(NORTH)], [], {},
        id="forget what the client may not see",
    ),
    pytest.param(
        "organization-unseen",
        f"no read finds {OLD}, and its organization is not recorded",
        Action.CREATE, [declared(NORTH)], [replace(recorded(), spec=None)], [],
        {"tenant": tenant_of(organizations=(Organization(id="O-1", name="North"),))},
        id="post again what may be in any organization",
    ),
    pytest.param(
        "ownership", f"{OLD} is no longer a cancelled entry of this declaration", Action.REPLACE,
        [declared()], [recorded(number=NEW, leftovers=(OLD,))], [live(number=NEW), live()], {},
        id="I-24 delete a leftover that is not cancelled",
    ),
    pytest.param(
        "ownership", f"{OLD} is no longer a cancelled entry of this declaration", Action.REPLACE,
        [declared()], [recorded(number=NEW, leftovers=(OLD,))],
        [live(number=NEW), live(status="Cancelled", marker="books/other")], {},
        id="I-22 delete a leftover of somebody else",
    ),
    pytest.param(
        "unsettled", "an earlier create has no known outcome", Action.CREATE,
        [declared()], [recorded(number=None, unsettled=True)], [], {},
        id="I-08 declared, the last create unsettled",
    ),
    pytest.param(
        "unsettled", "an earlier create has no known outcome", Action.REMOVE,
        [], [recorded(cancelled=True, unsettled=True)], [CANCELLED_LIVE], {},
        id="I-08 not declared any more, the last create unsettled",
    ),
    pytest.param(
        "unknown-status", f'{OLD} has the status "Draft"', Action.KEEP,
        UPDATED, [recorded()], [DRAFT], {}, id="declared, and in a review nobody knows of",
    ),
    pytest.param(
        "unknown-status", f'{OLD} has the status "Draft"', Action.REMOVE,
        [], [recorded()], [DRAFT], {}, id="not declared, and in a review nobody knows of",
    ),
    pytest.param(
        "ledger-facts", 'active-accounting-code: accounting code "Old Cash" is inactive',
        Action.CREATE, [declared(entry(debit(code="Old Cash"), credit()))], [], [], {},
        id="I-25 post to an inactive code",
    ),
    pytest.param(
        "ledger-facts", 'active-accounting-code: accounting code "Old Cash" is inactive',
        Action.REPLACE, [declared(entry(debit(code="Old Cash"), credit()))], [recorded()],
        [live()], {}, id="I-25 B14 cancel for what would be posted to an inactive code",
    ),
    pytest.param(
        "ledger-facts", "lines-balance: debits exceed credits by USD 0.01", Action.CREATE,
        [declared(entry(debit("1.01"), credit("1")))], [], [], {}, id="I-51 post out of balance",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "message", "wanted", "files", "book", "ledger", "policy"), BLOCKS)
def test_a_change_is_blocked(*, rule, message, wanted, files, book, ledger, policy):
    """I-25: what the API lets be checked is checked before an old entry is touched."""
    change = decided(files, book, ledger, **policy)
    assert (change.action, change.wanted) == (Action.BLOCKED, wanted)
    assert (change.block.rule, change.block.message) == (rule, message)
    assert change.block.remedy
    assert "None" not in change.block.remedy


@pytest.mark.parametrize(
    ("shown", "own", "unread", "action"),
    [
        pytest.param(NORTH, NORTH, (), Action.CREATE, id="another entry of its organization"),
        pytest.param(NORTH, NORTH, (NEW,), Action.BLOCKED, id="another one, of an earlier read"),
        pytest.param(SOUTH, NORTH, (), Action.BLOCKED, id="one of another organization"),
        pytest.param(
            NORTH, entry(), (), Action.BLOCKED, id="one of an organization, and it has none"
        ),
        pytest.param(
            entry(organizationLabel=""), entry(), (), Action.CREATE, id="one with an empty label"
        ),
    ],
)
def test_an_entry_is_gone_if_reads_show_its_organization(shown, own, unread, action):
    both = [declared(own), declared(shown, name="other")]
    book = [recorded(own), recorded(shown, name="other", number=NEW)]
    found = snapshot(both, book, [live(shown, name="other", number=NEW)])
    changes, _ = decide_all(replace(found, unread=frozenset(unread)))
    assert {one.address.name: one.action for one in changes} == {
        "other": Action.KEEP,
        "true-up": action,
    }


def blocked_in(name):
    """The rules for which the tests of that name have a case of a change that is blocked."""
    text = Path(__file__).with_name(f"test_{name}.py").read_text(encoding="utf-8")
    (table,) = (
        node.value
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "BLOCKS"
    )
    return {case.args[0].value for case in table.elts}


def test_every_rule_that_blocks_has_a_case():
    guards = {
        "files-left-out",
        "too-many-removals",
        "all-entries-removed",
        "missing-in-ledger",
        "unproved-entries",
        "equal-entries",
        "unsearched-ledger",
        "unread-posting",
        "stored-otherwise",
        "money-limit",
        "strict-warning",
        "change-limit",
        "approvals",
        "approval-evidence",
        "wrong-host",
        "wrong-tenant",
    }
    of_two_names = {"posted-elsewhere"}
    assert {
        *blocked_in("decisions"),
        *blocked_in("runs"),
        *blocked_in("marker_search"),
        *(blocked_in("reversal_plans") - FILE_RULES.keys()),
    } | guards | of_two_names == set(PLAN_RULES)


@pytest.mark.parametrize(
    ("files", "book", "ledger", "action"),
    [
        pytest.param(
            UPDATED,
            [recorded()],
            [transferred(YES)],
            Action.UPDATE,
            id="notes, transferred",
        ),
        pytest.param(
            [], [recorded()], [transferred("Error")], Action.REMOVE, id="a failed transfer"
        ),
        pytest.param([], [recorded()], [transferred(None)], Action.REMOVE, id="no transfer state"),
        pytest.param(
            [replace(UPDATED[0], protect=True)],
            [recorded(protect=True)],
            [live()],
            Action.UPDATE,
            id="notes of a protected one",
        ),
        pytest.param(
            EUR, [recorded(protect=True)], [live()], Action.REPLACE, id="no longer protected"
        ),
        pytest.param(
            [declared(entry(**{**DEC, "notes": "b"}))],
            [recorded(DEC)],
            [live(DEC)],
            Action.UPDATE,
            id="notes in a closed period",
        ),
        pytest.param(
            [declared(entry(transferredToAccounting="Yes"))],
            [recorded(entry(transferredToAccounting="No"))],
            [live()],
            Action.UPDATE,
            id="to mark as transferred",
        ),
        pytest.param(
            [declared()],
            [recorded()],
            [UNMARKED],
            Action.UPDATE,
            id="an emptied marker is written again",
        ),
    ],
)
def test_a_change_is_not_blocked(files, book, ledger, action):
    assert decided(files, book, ledger).action is action


def test_a_leftover_that_is_gone_stands_in_no_way():
    change = decided(UPDATED, [recorded(number=NEW, leftovers=(OLD,))], [live(number=NEW)])
    assert (change.action, steps(change)) == (Action.UPDATE, [f"update {NEW}"])


def test_a_block_in_a_closed_period_names_the_open_one_that_follows():
    """As a reversal takes it: no earlier one that was left open, and none that is frozen."""
    said = "the earliest after Dec-2025 is {}."
    assert said.format("Jan-2026") in decided([declared(DEC)]).block.remedy
    early = AccountingPeriod(name="Nov-2014", start_date="2014-11-01", end_date="2014-11-30")
    tenant = tenant_of()
    older = replace(tenant, periods=(early, *tenant.periods))
    assert said.format("Jan-2026") in decided([declared(DEC)], tenant=older).block.remedy
    frozen = Freeze(periods=frozenset({"Jan-2026"}))
    assert said.format("Feb-2026") in decided([declared(DEC)], freeze=frozen).block.remedy


def test_without_an_open_period_the_rule_says_what_to_do():
    closed = tuple(period for period in tenant_of().periods if period.status == "Closed")
    change = decided([declared(DEC)], tenant=tenant_of(periods=closed))
    assert change.block.remedy == PLAN_RULES["period-closed"].remedy


def test_a_move_of_protection_is_shown_with_every_other_change():
    for files, now in ((EUR, live()), (UPDATED, live()), ([declared()], CANCELLED_LIVE)):
        change = decided(files, [recorded(protect=True)], [now])
        assert ("protect", True, False) in [
            (field.name, field.before, field.after) for field in change.comparison.fields
        ]


@pytest.mark.parametrize(
    ("book", "ledger", "status", "fields"),
    [
        pytest.param([recorded()], [live()], None, [], id="as applied"),
        pytest.param([recorded()], [], GONE, [], id="gone"),
        pytest.param([recorded()], [CANCELLED_LIVE], "Cancelled", [], id="cancelled"),
        pytest.param([recorded()], [DRAFT], "Draft", [], id="in a review"),
        pytest.param([recorded(cancelled=True)], [CANCELLED_LIVE], None, [], id="cancelled by us"),
        pytest.param([recorded(cancelled=True)], [], None, [], id="deleted after our cancel"),
        pytest.param(
            [recorded(entry(notes="a"))],
            [live(entry(notes="x"))],
            "Created",
            [("notes", "x", "a")],
            id="a field moved",
        ),
        pytest.param([recorded()], [live(entry(notes="x"))], None, [], id="a field not ours moved"),
        pytest.param([recorded()], [transferred(YES)], None, [], id="the connector transferred it"),
        pytest.param(
            [recorded()],
            [FOREIGN],
            "Created",
            [("marker", "other/true-up", "books/true-up")],
            id="the marker is another",
        ),
        pytest.param(
            [recorded()],
            [live(marker=None)],
            "Created",
            [("marker", None, "books/true-up")],
            id="the marker is lost",
        ),
        pytest.param([recorded(number=None)], [], None, [], id="nothing was applied"),
        pytest.param([replace(recorded(), spec=None)], [live(notes="x")], None, [], id="unknown"),
        pytest.param([recorded(unsettled=True)], [], None, [], id="unsettled"),
    ],
)
@pytest.mark.parametrize("files", [[], [declared()], UPDATED], ids=["gone", "same", "moved"])
def test_drift_is_what_live_moved_by_itself_whatever_the_file_says(
    book, ledger, status, fields, files
):
    _, drift = decide_all(snapshot(files, book, ledger))
    assert [item.status for item in drift] == ([] if status is None else [status])
    for item in drift:
        found = [(field.name, field.before, field.after) for field in item.comparison.fields]
        assert (item.address, item.number, found) == (address(), OLD, fields)


def test_a_managed_transfer_state_drifts_and_is_put_back():
    applied = entry(transferredToAccounting="Error")
    of = snapshot(
        [declared(applied)], [recorded(applied)], [live(applied, transferredToAccounting="No")]
    )
    assert decide_all(of)[0][0].action is Action.KEEP
    managed = replace(of, policy=replace(of.policy, manage_transfer_state=True))
    (change,), (drift,) = decide_all(managed)
    assert (change.action, change.reason) == (Action.UPDATE, Reason.DRIFTED)
    assert drift.comparison.fields == change.comparison.fields


@pytest.mark.parametrize("place", [MARKER, IN_NOTES])
@pytest.mark.parametrize("notes", [None, "Jan", "Jan\n", "[reconciler:other/x]"])
def test_the_marker_is_no_difference_wherever_it_is_carried(place, notes):
    spec = entry() if notes is None else entry(notes=notes)
    change = decided(
        [declared(spec)],
        [recorded(spec)],
        [live(spec, place=place)],
        tenant=tenant_of(marker=place),
    )
    assert change.action is Action.KEEP
    assert MARKER not in change.before
    assert change.before.get("notes") == notes


def test_a_change_says_what_it_was_computed_from():
    change = decided(EUR, [recorded()], [transferred("Error")])
    assert (change.number, change.status, change.transferred) == (NUMBER, "Created", "Error")
    assert (change.period, change.period_status, change.currency) == ("Jan-2026", "Open", "EUR")
    assert change.before["currency"] == "USD"
    assert change.after == EUR[0].spec
    assert change.source == EUR[0].source
    assert change.fingerprint.startswith("sha256:")


def test_a_removal_says_the_period_it_takes_from():
    change = decided([], [recorded()], [live()])
    assert (change.period, change.currency, change.after, change.source) == (
        "Jan-2026",
        "USD",
        None,
        None,
    )


@pytest.mark.parametrize(
    "moved",
    [
        live(entry(notes="x")),
        live(transferredToAccounting="Error"),
        live(transferDateTime="2026-02-01"),
        live(entry(debit("400.90", Team__c="x"), credit())),
        live(status="Cancelled"),
        live(number=NEW),
        live(marker="x"),
    ],
)
def test_the_fingerprint_sees_every_move(moved):
    """I-31."""
    book = [recorded(number=moved.number)]
    before = decided(EUR, [recorded()], [live()]).fingerprint
    assert decided(EUR, book, [moved]).fingerprint != before


def test_the_fingerprint_does_not_see_order_or_scale():
    before = decided(EUR, [recorded()], [live()]).fingerprint
    again = live(entry(credit("400.9"), debit("400.900")))
    assert decided(EUR, [recorded()], [again]).fingerprint == before


def test_changes_come_in_the_order_of_their_addresses():
    names = ["b", "a", "c"]
    changes, _ = decide_all(
        snapshot(
            [declared(name=name) for name in names if name != "c"],
            [recorded(name="c")],
            [live(name="c")],
        )
    )
    assert [change.address.name for change in changes] == ["a", "b", "c"]


def test_every_recorded_number_is_read_once():
    book = [
        recorded(number=NEW, leftovers=(OLD,)),
        recorded(name="b", number=OLD),
        recorded(name="c", number=None),
    ]
    assert [number for _, number in to_read({}, book)] == [OLD, NEW]


def test_a_number_that_was_not_read_is_a_mistake_and_never_an_absence():
    """I-20: only a positive "not found" is absence."""
    of = snapshot([declared()], [recorded()], [live()])
    with pytest.raises(KeyError):
        decide_all(replace(of, live={}))


def test_a_settled_world_needs_nothing():
    """I-10: what a plan asked for, applied and read back, leaves an empty plan."""
    spec = entry(
        debit("1", Team__c="a", notes="n"),
        debit("1", Team__c="b"),
        credit("2", glString="1-1"),
        notes="x",
        Count__c=Decimal("5.50"),
        Done__c=False,
        Ticket__c=None,
    )
    plan = plan_for(snapshot([declared(spec)], [recorded(spec)], [live(spec)]))
    assert plan.pending == ()
    assert plan.drift == ()


def test_no_step_ever_posts_before_it_takes_back_or_deletes_before_it_posts():
    """I-03: never two posted entries of one name, never a delete before the successor exists."""
    order = [Verb.UPDATE, Verb.CANCEL, Verb.CREATE, Verb.DELETE]
    for case in (EUR, UPDATED, [declared()], []):
        for now in (live(), CANCELLED_LIVE):
            verbs = [step.verb for step in decided(case, [recorded()], [now]).steps]
            assert verbs == sorted(verbs, key=order.index)


def test_a_managed_transfer_state_that_a_file_begins_to_state_is_taken_note_of():
    wanted = entry(transferredToAccounting="No")
    (change,) = plan_of(wanted, entry(), manage_transfer_state=True).changes
    assert (change.action, change.reason, change.steps) == (Action.UPDATE, Reason.RECORD_ONLY, ())
    (change,) = plan_of(wanted, entry()).changes
    assert change.action is Action.KEEP
