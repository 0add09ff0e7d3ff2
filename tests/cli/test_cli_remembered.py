"""The policy of the last apply beside a changed one: neither allows what the other forbids."""

from dataclasses import fields, replace
from decimal import Decimal

import pytest

from reconciler.app.policy_history import (
    policy_of_text,
    policy_warnings,
    remembered,
    text_of_policy,
)
from reconciler.core.model import history
from reconciler.core.model.policy import Approvals, Evidence, Freeze, Policy, Removal, Tier, Waiver
from reconciler.core.model.resource import Address
from reconciler.core.planning.limits.stricter import APPROVALS, FREEZE, POLICY, held_keys, stricter
from reconciler.errors import ReconcilerError
from reconciler.workspace.approved_settings import SETTINGS
from reconciler.workspace.settings import Settings

RECORDED = 50
"""Of so many entries 5 may be removed where no policy sets a limit."""

ONE = Tier(required=1, amount={"USD": Decimal("1000.00")})
TWO = Tier(required=2, accounting_codes=("4*",))
LIMITED = Policy(
    max_removals=7,
    max_changes=20,
    max_percent=Decimal("12.5"),
    max_money={"EUR": Decimal("100.10"), "USD": Decimal("5.00")},
    freeze=Freeze(periods=frozenset({"Jan-2026"}), statuses=frozenset({"PendingClose"})),
)
WAIVER = Waiver(rule="ticket", name="old", reason="Older", expires="2026-12-31")
APPROVED = Approvals(tiers=(ONE,), approvers=("ana",), bind_digest=True)


def both(old: Policy, new: Policy) -> Policy:
    return stricter(old, new, RECORDED)


STANDING = history.Recorded(address=Address("JournalEntry", "one"), number="JE-00000001")


class Recorded:
    """A daybook of so many entries, with a policy of the last apply."""

    applied_commit = ""

    def __init__(self, policy: str) -> None:
        self.policy = policy

    def recorded(self):
        return dict.fromkeys(range(RECORDED), STANDING)


def warnings_of(text: str, new: Policy) -> list[str]:
    held = remembered(Settings(name="books", policy=new), Recorded(text))
    return [said.message for said in policy_warnings(held)]


@pytest.mark.parametrize(
    ("kind", "table"),
    [(Settings, SETTINGS), (Policy, POLICY), (Approvals, APPROVALS), (Freeze, FREEZE)],
)
def test_each_field_has_a_comparison(kind, table):
    """Whoever adds a key says what of two values is the stricter one, or that nobody can tell."""
    assert sorted(table) == sorted(item.name for item in fields(kind))


def test_a_field_without_a_comparison_counts_as_loosened():
    old, new = Policy(max_changes=3), Policy(max_changes=9)
    value, (key,) = held_keys(old, new, RECORDED, {})
    assert (value, key.name, key.loosened) == (new, "max_changes", True)


@pytest.mark.parametrize(
    ("old", "new", "holds"),
    [
        pytest.param({"max_removals": 7}, {}, {"max_removals": 5}, id="removals, taken out"),
        pytest.param({}, {"max_removals": 9}, {"max_removals": 5}, id="removals, new and higher"),
        pytest.param({}, {"max_removals": 2}, {"max_removals": 2}, id="removals, new and lower"),
        pytest.param(
            {"max_removals": 2}, {"max_removals": 9}, {"max_removals": 2}, id="removals, raised"
        ),
        pytest.param({"max_changes": 3}, {}, {"max_changes": 3}, id="changes, taken out"),
        pytest.param({"max_changes": 3}, {"max_changes": 9}, {"max_changes": 3}, id="changes"),
        pytest.param({}, {"max_changes": 9}, {"max_changes": 9}, id="changes, new"),
        pytest.param(
            {"max_percent": Decimal("12.5")},
            {"max_percent": Decimal("9")},
            {"max_percent": Decimal("9")},
            id="percent, lowered",
        ),
        pytest.param(
            {"max_money": {"EUR": Decimal("1.00"), "USD": Decimal("5.00")}},
            {"max_money": {"USD": Decimal("7.00"), "JPY": Decimal("8")}},
            {
                "max_money": {
                    "EUR": Decimal("1.00"),
                    "USD": Decimal("5.00"),
                    "JPY": Decimal(0),
                }
            },
            id="money, by currency",
        ),
        pytest.param(
            {"freeze": Freeze(periods=frozenset({"Jan-2026"}))},
            {"freeze": Freeze(statuses=frozenset({"Closed"}))},
            {"freeze": Freeze(periods=frozenset({"Jan-2026"}), statuses=frozenset({"Closed"}))},
            id="freezes add up",
        ),
        pytest.param({"approvals": APPROVED}, {}, {"approvals": APPROVED}, id="tiers, taken out"),
        pytest.param({}, {"approvals": APPROVED}, {"approvals": APPROVED}, id="tiers, new"),
        pytest.param(
            {"approvals": APPROVED},
            {"approvals": Approvals(tiers=(TWO,), approvers=("ana", "eve"))},
            {"approvals": Approvals(tiers=(ONE, TWO), approvers=("ana",), bind_digest=True)},
            id="tiers add up, and the new change names no approver",
        ),
        pytest.param(
            {"approvals": Approvals(tiers=(ONE,), evidence=Evidence.FORGE)},
            {"approvals": Approvals(tiers=(ONE, TWO), evidence=Evidence.GIT)},
            {"approvals": Approvals(tiers=(ONE, TWO), evidence=Evidence.FORGE)},
            id="weaker evidence",
        ),
        pytest.param(
            {"approvals": Approvals(tiers=(ONE,), approvers=("ana", "eve"))},
            {"approvals": Approvals(tiers=(ONE,), approvers=("Eve", "bob"))},
            {"approvals": Approvals(tiers=(ONE,), approvers=("eve",))},
            id="approvers of both",
        ),
        pytest.param(
            {"approvals": Approvals(tiers=(ONE,), approvers=("ana",))},
            {"approvals": Approvals(tiers=(ONE,), approvers=("bob",))},
            {"approvals": Approvals(tiers=(ONE,), approvers=("ana",))},
            id="no approver of both",
        ),
        pytest.param(
            {"removal": Removal.FORBID}, {}, {"removal": Removal.FORBID}, id="removal, taken out"
        ),
        pytest.param(
            {}, {"removal": Removal.CANCEL}, {"removal": Removal.CANCEL}, id="removal, new"
        ),
        pytest.param(
            {"waivers": (replace(WAIVER, expires="2026-01-31"),)},
            {"waivers": (WAIVER, replace(WAIVER, name="other"))},
            {"waivers": (replace(WAIVER, expires="2026-01-31"),)},
            id="waivers of both, up to the earlier day",
        ),
    ],
)
def test_the_stricter_of_both_holds(old, new, holds):
    assert both(Policy(**old), Policy(**new)) == Policy(**holds)


def test_without_a_policy_of_old_the_new_one_holds():
    assert stricter(None, LIMITED, RECORDED) is LIMITED
    assert policy_of_text("") is None
    assert warnings_of("", LIMITED) == []


def test_a_policy_comes_back_from_the_daybook_as_it_went():
    policy = replace(LIMITED, approvals=APPROVED, removal=Removal.CANCEL)
    text = text_of_policy(policy)
    assert policy_of_text(text) == policy
    assert "100.10" in text
    assert warnings_of(text, policy) == []
    assert policy_of_text(text_of_policy(policy, "a" * 40)) == policy


def test_a_changed_policy_is_told_by_its_keys_and_what_holds():
    (said,) = warnings_of(text_of_policy(LIMITED), replace(LIMITED, max_money={}, max_changes=30))
    assert "since the last apply (limits.money, limits.changes). Until" in said
    assert "limits.money EUR 100.1, USD 5 (of the last apply)" in said
    assert "limits.changes 20 (of the last apply)" in said
    # What only became stricter holds by itself.
    assert warnings_of(text_of_policy(Policy()), replace(LIMITED, max_removals=2)) == []


def test_a_key_that_cannot_be_compared_needs_the_highest_tier():
    old = Policy(approvals=replace(APPROVED, tiers=(ONE, TWO)))
    new = replace(old, manage_transfer_state=True)
    held = remembered(Settings(name="books", policy=new), Recorded(text_of_policy(old)))
    assert held.settings.policy.approvals.tiers == (ONE, TWO, Tier(required=2))
    (said,) = policy_warnings(held)
    assert "No value of transferState is the stricter one, so a plan" in said.message


def test_a_policy_that_cannot_be_read_stops_the_run():
    with pytest.raises(ReconcilerError, match="cannot be read"):
        policy_of_text('{"removal": "sometimes"}')
