"""The policy of the last apply beside a changed one: neither allows what the other forbids."""

from dataclasses import fields, replace
from decimal import Decimal

import pytest

from reconciler.app.policy_history import (
    KEYS,
    policy_of_text,
    policy_warnings,
    stricter,
    text_of_policy,
)
from reconciler.core.model.policy import Approvals, Evidence, Freeze, Policy, Removal, Tier
from reconciler.errors import ReconcilerError

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
APPROVED = Approvals(tiers=(ONE,), approvers=("ana",), bind_digest=True)


def both(old: Policy, new: Policy) -> Policy:
    return stricter(old, new, RECORDED)


@pytest.mark.parametrize("name", [item.name for item in fields(Policy)])
def test_a_reader_is_told_the_key_that_changed(name):
    assert KEYS[name]


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
                    "JPY": Decimal("8"),
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
            {"approvals": Approvals(tiers=(ONE, ONE, TWO), evidence=Evidence.FORGE)},
            id="weaker evidence",
        ),
    ],
)
def test_the_stricter_of_both_holds(old, new, holds):
    assert both(Policy(**old), Policy(**new)) == Policy(**holds)


def test_without_a_policy_of_old_the_new_one_holds():
    assert stricter(None, LIMITED, RECORDED) is LIMITED
    assert policy_of_text("") is None
    assert list(policy_warnings("", LIMITED)) == []


def test_a_policy_comes_back_from_the_daybook_as_it_went():
    policy = replace(LIMITED, approvals=APPROVED, removal=Removal.CANCEL)
    text = text_of_policy(policy)
    assert policy_of_text(text) == policy
    assert "100.10" in text
    assert list(policy_warnings(text, policy)) == []


def test_a_changed_policy_is_told_by_its_keys():
    (said,) = policy_warnings(text_of_policy(LIMITED), replace(LIMITED, max_money={}, waivers=()))
    assert "since the last apply (limits.money). Until" in str(said)
    (said,) = policy_warnings(text_of_policy(Policy()), LIMITED)
    assert (
        "limits.removals, limits.money, limits.changes, limits.percent, freeze). Until"
        in said.message
    )


def test_a_policy_that_cannot_be_read_stops_the_run():
    with pytest.raises(ReconcilerError, match="cannot be read"):
        policy_of_text('{"removal": "sometimes"}')
