"""The approvals that a plan requires, and whether those given suffice."""

import re
from dataclasses import replace
from decimal import Decimal

import pytest
from builders import credit, debit, declared, entry, live, plan_for, recorded, snapshot, tenant_of
from run_builders import declared_run, live_run, recorded_run

from reconciler.core.documents.plan_digest import digest_of
from reconciler.core.documents.plan_file import plan_of, plan_text
from reconciler.core.documents.plan_json import checksum_of, document_of
from reconciler.core.model.canonical import json_bytes
from reconciler.core.model.finding import Refusal
from reconciler.core.model.policy import Approvals, Evidence, Policy, Tier
from reconciler.core.model.review import Approval, Discarded, Requirement, Review
from reconciler.core.model.scope import Scope, Selection
from reconciler.core.planning.approvals import assess
from reconciler.core.planning.limits.money_moved import material
from reconciler.core.planning.limits.stricter import POLICY, held_keys, stricter
from reconciler.workspace.settings import policy_digest

USD, EUR, JPY = "USD", "EUR", "JPY"


def amount(**currencies):
    return {currency: Decimal(text) for currency, text in currencies.items()}


def planned(of, approvals):
    return plan_for(of, policy=Policy(approvals=approvals))


def required(of, *tiers):
    return planned(of, Approvals(tiers=tiers)).requirement.approvals


CREATE = snapshot([declared()])
"""One entry of USD 400.90 in Jan-2026, from Deferred Revenue to Subscription Revenue."""
REMOVE = snapshot([], [recorded()], [live()])
NOTES = snapshot([declared(entry(notes="Jan"))], [recorded()], [live()])
REPLACED = snapshot([declared(entry(debit("500"), credit("500")))], [recorded()], [live()])
NOTHING = snapshot([declared()], [recorded()], [live()])
CLOSED = snapshot([declared(entry(accountingPeriodName="Dec-2025"))])
RUN = snapshot([declared_run()])


@pytest.mark.parametrize(
    ("of", "tier", "count"),
    [
        pytest.param(CREATE, Tier(required=1), 1, id="a tier without conditions"),
        pytest.param(NOTHING, Tier(required=1), 0, id="nothing to do"),
        pytest.param(CLOSED, Tier(required=1), 0, id="nothing that is not blocked"),
        pytest.param(CREATE, Tier(required=2, amount=amount(USD="400.90")), 2, id="the amount"),
        pytest.param(CREATE, Tier(required=2, amount=amount(USD="400.91")), 0, id="a cent less"),
        pytest.param(
            CREATE, Tier(required=2, amount=amount(EUR="1")), 2, id="a currency that no tier names"
        ),
        pytest.param(
            CREATE, Tier(required=2, amount=amount(EUR="1", USD="1")), 2, id="either currency"
        ),
        pytest.param(
            REMOVE, Tier(required=2, amount=amount(USD="400.90")), 2, id="taken back counts"
        ),
        pytest.param(
            REPLACED, Tier(required=2, amount=amount(USD="900.90")), 2, id="posted and taken back"
        ),
        pytest.param(NOTES, Tier(required=2, amount=amount(USD="0")), 0, id="no money moves"),
        pytest.param(
            CREATE, Tier(required=2, accounting_codes=("Deferred Revenue",)), 2, id="a code"
        ),
        pytest.param(CREATE, Tier(required=2, accounting_codes=("Cash",)), 0, id="another code"),
        pytest.param(
            NOTES,
            Tier(required=2, accounting_codes=("Deferred Revenue",)),
            2,
            id="updated",
        ),
        pytest.param(CREATE, Tier(required=2, periods=("Jan-2026",)), 2, id="a period"),
        pytest.param(CREATE, Tier(required=2, periods=("Feb-2026",)), 0, id="another period"),
        pytest.param(CREATE, Tier(required=2, period_statuses=("Open",)), 2, id="a status"),
        pytest.param(
            CREATE, Tier(required=2, period_statuses=("PendingClose",)), 0, id="another status"
        ),
        pytest.param(REMOVE, Tier(required=2, actions=("remove",)), 2, id="an action"),
        pytest.param(CREATE, Tier(required=2, actions=("remove",)), 0, id="another action"),
        pytest.param(
            CREATE,
            Tier(required=2, actions=("create",), periods=("Feb-2026",)),
            0,
            id="one change meets all conditions",
        ),
        pytest.param(
            RUN, Tier(required=2, amount=amount(USD="1000000")), 2, id="a run may post any amount"
        ),
        pytest.param(
            RUN, Tier(required=2, accounting_codes=("Cash",)), 2, id="a run may post to any code"
        ),
    ],
)
def test_a_tier_applies(of, tier, count):
    assert required(of, tier) == count


def test_a_part_of_the_workspace_meets_every_amount():
    part = Selection(scope=Scope(targets=("accrual",)))
    tiers = (Tier(required=1), Tier(required=2, amount=amount(USD="1000")))
    requirement = planned(replace(CREATE, selection=part), Approvals(tiers=tiers)).requirement
    assert requirement.approvals == 2
    assert requirement.because == ("a partial plan, which does not show the amounts of all parts",)


@pytest.mark.parametrize(
    ("worth", "rate", "counts_as"),
    [
        pytest.param("999.99", "200", "1,000.00", id="the author states less"),
        pytest.param("0.01", "199.99", "999.95", id="the rate of the policy is the least"),
        pytest.param("0.01", "199.9998", "1,000.00", id="rounded up"),
        pytest.param("1000.00", "0.01", "1,000.00", id="the author states more"),
    ],
)
@pytest.mark.parametrize("home", ["USD", "GBP"])
def test_foreign_money_counts_at_least_at_the_rate_of_the_policy(worth, rate, counts_as, home):
    """Whatever home currency the Reference of the change names."""
    of, rates = foreign(worth, home=home), {"USD": amount(EUR=rate)}
    if home == "GBP" and worth == "1000.00":
        counts_as = "0.05"
    tiers = (Tier(required=1), Tier(required=2, amount=amount(USD="1000")))
    policy = Policy(
        approvals=Approvals(tiers=tiers),
        max_money=amount(USD="999.99"),
        materiality=amount(USD="1000"),
        rates=rates,
    )
    plan = plan_for(of, policy=policy)
    reached = counts_as == "1,000.00"
    assert plan.requirement.approvals == 1 + reached
    assert [one.rule for one in plan.refusals] == ["money-limit"] * reached
    assert all(f"USD {counts_as}" in one.message for one in plan.refusals)
    named = list(material(plan.changes, plan.materiality, home, plan.rates))
    assert len(named) == reached


def foreign(worth, *, home="USD"):
    lines = debit("5", home=worth), credit("5", home=worth)
    return snapshot([declared(entry(*lines, currency="EUR"))], tenant=tenant_of(home_currency=home))


@pytest.mark.parametrize("worth", ["0.01", "5.50", "5000000"])
@pytest.mark.parametrize("other", [{}, {"EUR": "6"}], ids=["alone", "with another tier"])
def test_a_home_amount_alone_measures_nothing(worth, other):
    """The author of a change states it, so EUR 5,000,000 could count as USD 0.01."""
    tiers = (
        Tier(required=1),
        Tier(required=2, amount=amount(USD="100000000")),
        *([Tier(required=1, amount=amount(**other))] if other else ()),
    )
    limits = amount(USD="100000000")
    policy = Policy(approvals=Approvals(tiers=tiers), max_money=limits, materiality=limits)
    plan = plan_for(foreign(worth), policy=policy)
    assert plan.requirement.because == (
        "EUR, for which the tier states no amount, and policy.rates no rate",
    )
    (refused,) = plan.refusals
    assert refused.rule == "money-limit"
    assert "EUR 5.00 would be posted or cancelled" in refused.message
    named = [why for _, why in material(plan.changes, limits, "USD", {})]
    assert named == ["EUR 5.00, without a limit"]


def test_a_sum_without_a_limit_says_what_it_has_at_a_rate():
    """A run that is cancelled has entries in several currencies."""
    entries = live(number="JE-00000001", currency="EUR"), live(number="JE-00000002")
    plan = plan_for(snapshot([], [recorded_run()], [live_run(*entries)]))
    named = material(plan.changes, amount(GBP="1"), "USD", {"USD": amount(EUR="2")})
    ((_, why),) = named
    assert why.startswith("EUR 400.90, without a limit and USD 1,202.70, with EUR at the rate of")
    assert why.endswith("the policy, without a limit")


def test_an_amount_at_a_rate_says_so():
    policy = Policy(max_money=amount(USD="1"), rates={"USD": amount(EUR="2")})
    (refused,) = plan_for(foreign("0.01"), policy=policy).refusals
    assert refused.message.startswith("USD 10.00, with EUR at the rate of the policy, would be")


def test_a_rate_that_was_not_approved_covers_nothing():
    rates = {"USD": amount(EUR="2", GBP="1"), "GBP": amount(EUR="1")}
    lower = {"USD": amount(EUR="1", JPY="1"), "EUR": amount(GBP="1")}
    for old, new in ((rates, lower), (lower, rates)):
        held = stricter(Policy(rates=old), Policy(rates=new), 0)
        assert held.rates == {"USD": amount(EUR="2")}


def test_a_rate_that_holds_is_shown_with_the_currency_in_which_it_counts():
    old = Policy(rates={"USD": amount(EUR="2", JPY="1"), "GBP": amount(EUR="3")})
    new = Policy(rates={"USD": amount(EUR="1", JPY="2"), "GBP": amount(EUR="1")})
    _, (key,) = held_keys(old, new, 0, POLICY)
    assert key.holds == "GBP (EUR 3), USD (EUR 2, JPY 2)"


def test_the_strictest_tier_counts_and_says_why():
    tiers = (
        Tier(required=1),
        Tier(required=3, amount=amount(USD="100")),
        Tier(required=2, actions=("create",)),
        Tier(required=3, accounting_codes=("Deferred Revenue",)),
    )
    found = planned(CREATE, Approvals(tiers=tiers, approvers=("bob",))).requirement
    assert found == Requirement(
        approvals=3,
        because=(
            "USD 400.90 posted or cancelled, at least 100.00",
            "accounting code Deferred Revenue",
        ),
        approvers=("bob",),
    )


def test_a_saved_plan_keeps_what_it_requires_and_its_digest_binds_it():
    approvals = Approvals(tiers=(Tier(required=2),), evidence=Evidence.GIT, bind_digest=True)
    plan, free = planned(CREATE, approvals), plan_for(CREATE)
    assert plan_of(plan_text(plan)).requirement == plan.requirement != free.requirement
    assert digest_of(plan) == plan.digest != free.digest
    for other in (free.requirement, replace(plan.requirement, approvals=1, bind_digest=False)):
        assert digest_of(replace(plan, requirement=other)) != plan.digest
    reworded = replace(plan.requirement, because=("said otherwise",))
    assert digest_of(replace(plan, requirement=reworded)) == plan.digest


def test_a_plan_of_an_earlier_version_requires_nothing():
    document = {**document_of(plan_for(CREATE)), "warnings": []}
    del document["controls"]
    text = json_bytes({**document, "checksum": checksum_of(document)}).decode()
    assert plan_of(text).requirement == Requirement()


DIGEST, OTHER = "sha256:" + "a" * 64, "sha256:" + "b" * 64
HEAD = "4f2c" * 10


def review(*who, authors=("mallory",), **more):
    approvals = [
        item if isinstance(item, Approval) else Approval(who=item, evidence="review 1")
        for item in who
    ]
    return Review(
        change="pull request #7",
        commit=HEAD,
        authors=authors,
        approvals=tuple(approvals),
        **more,
    )


def bound(who, *digests, weak=False):
    return Approval(who=who, evidence="review 1", digests=digests, weak=weak)


TWO = Requirement(approvals=2)
LISTED = Requirement(approvals=1, approvers=("Alice", "bob"))
BOUND = Requirement(approvals=1, bind_digest=True)
GIT = Requirement(approvals=1, evidence=Evidence.GIT)
FLAW = Refusal(rule="approval-evidence", message="m", remedy="r")


def test_the_words_that_a_remedy_asks_for_are_those_that_count():
    (missing,) = assess(BOUND, review(), digest=DIGEST).missing
    (words,) = re.findall(r"`Approved: (.*?)`", missing.remedy)
    assert assess(BOUND, review(bound("bob", words)), digest=DIGEST).satisfied


@pytest.mark.parametrize(
    ("requirement", "given", "counted", "satisfied"),
    [
        pytest.param(Requirement(), None, [], True, id="nothing is required"),
        pytest.param(TWO, None, [], False, id="nothing is known"),
        pytest.param(TWO, review("alice", "bob"), ["alice", "bob"], True, id="enough"),
        pytest.param(TWO, review("alice"), ["alice"], False, id="one too few"),
        pytest.param(TWO, review("alice", "alice"), ["alice"], False, id="one person twice"),
        pytest.param(TWO, review("alice", "ALICE"), ["alice"], False, id="in other letters"),
        pytest.param(TWO, review("alice", "mallory"), ["alice"], False, id="the author"),
        pytest.param(TWO, review("alice", "Mallory"), ["alice"], False, id="the author, spelt so"),
        pytest.param(LISTED, review("alice"), ["alice"], True, id="on the list"),
        pytest.param(LISTED, review("carol"), [], False, id="not on the list"),
        pytest.param(LISTED, review("bob", authors=("bob",)), [], False, id="listed, and author"),
        pytest.param(BOUND, review("bob"), [], False, id="no digest named"),
        pytest.param(BOUND, review(bound("bob", DIGEST)), ["bob"], True, id="the digest named"),
        pytest.param(
            BOUND, review(bound("bob", OTHER, DIGEST)), ["bob"], True, id="among others named"
        ),
        pytest.param(BOUND, review(bound("bob", OTHER)), [], False, id="another digest named"),
        pytest.param(
            Requirement(approvals=1), review(bound("bob", OTHER)), [], False,
            id="another digest named, though none was asked for",
        ),
        pytest.param(GIT, review(bound("bob", weak=True)), ["bob"], True, id="weak is taken"),
        pytest.param(
            Requirement(approvals=1), review(bound("bob", weak=True)), [], False,
            id="weak is not taken",
        ),
        pytest.param(
            Requirement(approvals=1), review("bob", flaws=(FLAW,)), ["bob"], False,
            id="nobody can tell",
        ),
    ],
)  # fmt: skip
def test_approvals_suffice_or_not(requirement, given, counted, satisfied):
    found = assess(requirement, given, digest=DIGEST)
    assert [approval.who for approval in found.present] == counted
    assert found.satisfied is satisfied


def test_what_is_missing_says_who_what_and_the_next_step():
    found = assess(TWO, review("alice", "mallory"), digest=DIGEST)
    (missing,) = found.missing
    assert missing.message == (
        "2 approvals of pull request #7 at 4f2c4f2c4f are required, and 1 counts"
    )
    assert missing.remedy == (
        "Have somebody other than mallory approve pull request #7 at 4f2c4f2c4f and apply again."
    )
    assert found.discarded == (
        Discarded(who="mallory", why="wrote or pushed a part of the change"),
    )


def test_policies_that_ask_for_the_same_have_one_digest():
    plain = Policy(max_money={"USD": Decimal("100"), "EUR": Decimal("1")})
    same = Policy(max_money={"EUR": Decimal("1.0"), "USD": Decimal("100.00")})
    tiers = Policy(approvals=Approvals(tiers=(Tier(required=1),)))
    assert policy_digest(plain) == policy_digest(same)
    assert len({policy_digest(policy) for policy in (Policy(), plain, tiers)}) == 3
