"""What a reconciler.yaml says of policy, as the values that planning and applying go by."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from reconciler.core.model.enumerations import PeriodStatus
from reconciler.core.model.policy import (
    Approvals,
    CustomRule,
    Evidence,
    Freeze,
    Policy,
    Tier,
    Waiver,
)
from reconciler.workspace import load
from reconciler.workspace.settings import policy_digest, settings_from

ROOT = Path(__file__).parents[2]
(EXAMPLE,) = re.findall(
    r"^```yaml\n(.*?)^```$",
    (ROOT / "docs" / "approvals.md").read_text(encoding="utf-8"),
    re.MULTILINE | re.DOTALL,
)


def policy_of(root, text):
    (root / "reconciler.yaml").write_text(text, encoding="utf-8")
    loaded = load(root)
    assert loaded.workspace is not None, loaded.problems
    return settings_from(loaded.workspace).policy


def test_the_documented_policy_means_what_it_says(tmp_path):
    assert policy_of(tmp_path, EXAMPLE) == Policy(
        max_removals=3,
        max_changes=500,
        max_percent=Decimal(25),
        max_money={"USD": Decimal(1000000)},
        materiality={"USD": Decimal(50000)},
        approvals=Approvals(
            tiers=(
                Tier(required=1),
                Tier(required=2, amount={"USD": Decimal(100000)}),
                Tier(
                    required=2,
                    accounting_codes=("Deferred Revenue",),
                    actions=("remove", "replace"),
                ),
                Tier(required=2, period_statuses=(PeriodStatus.PENDING_CLOSE,)),
            ),
            approvers=("alice", "bob", "carol"),
            evidence=Evidence.FORGE,
            bind_digest=True,
        ),
        freeze=Freeze(
            periods=frozenset({"Dec-2025"}), statuses=frozenset({PeriodStatus.PENDING_CLOSE})
        ),
        custom_rules=(
            CustomRule(
                id="ticket-in-notes",
                title="Notes begin with the ticket of the change",
                remedy='Write the ticket first, for example "ACC-123 true-up".',
                schema="rules/ticket-in-notes.schema.json",
                kinds=("JournalEntry",),
            ),
        ),
        waivers=(
            Waiver(
                rule="ticket-in-notes",
                name="2026-01-deferred-revenue-true-up",
                reason="Older than the rule",
                expires="2027-06-30",
            ),
        ),
    )


def test_a_policy_without_controls_asks_for_nothing(tmp_path):
    head = "apiVersion: journal.reconciler/v1\nkind: Workspace\nmetadata: {name: books}\n"
    policy = policy_of(tmp_path, head)
    assert policy == Policy()
    assert policy_digest(policy) != policy_digest(policy_of(tmp_path, EXAMPLE))


@pytest.mark.parametrize(
    ("before", "after", "rule"),
    [
        ("{required: 1}", "{}", "schema-missing-field"),
        ("{required: 1}", "{required: 1.5}", "schema-type"),
        ("{required: 1}", "{required: -1}", "schema-range"),
        ("actions: [remove", "actions: [delete", "schema-value"),
        ("amount: {USD: 100000}", "amount: {usd: 100000}", "schema-unknown-field"),
        ("amount: {USD: 100000}", 'amount: {USD: "100,000"}', "schema-type"),
        ("evidence: forge", "evidence: none", "schema-value"),
        ("bindDigest: true", "bindDigest: Yes", "schema-boolean-word"),
        ("[alice, bob", "[alice, alice, bob", "schema-duplicate"),
        ("- {periods: [Dec-2025]}", "- {}", "schema-choice"),
        ("- {periodStatus: [PendingClose]}", "- {periodStatus: [Frozen]}", "schema-value"),
        ("rules/ticket-in-notes", "../ticket-in-notes", "schema-spelling"),
        ("expires: 2027-06-30", "expires: 2027-06-31", "schema-date"),
        ("percent: 25", "percent: -1", "schema-range"),
        ("materiality:", "rates: {USD: {EUR: 0}}\n    materiality:", "schema-range"),
        ("materiality:", "rates: {USD: {EUR: -1}}\n    materiality:", "schema-range"),
    ],
)
def test_a_slip_in_the_policy_is_a_problem_in_plain_words(tmp_path, before, after, rule):
    assert EXAMPLE.count(before) >= 1
    text = EXAMPLE.replace(before, after, 1)
    (tmp_path / "reconciler.yaml").write_text(text, encoding="utf-8")
    assert rule in {problem.rule for problem in load(tmp_path).problems}
