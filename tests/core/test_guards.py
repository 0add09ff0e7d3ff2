"""Guards refuse a plan as a whole, and never cut it short (I-20, I-21)."""

from dataclasses import replace
from decimal import Decimal

import pytest
from builders import credit, debit, declared, entry, live, plan_for, recorded, snapshot, tenant_of

from reconciler.core.model.plan import Action, Allowances
from reconciler.core.model.policy import Approvals, Policy, Removal, Tier
from reconciler.core.planning.limits.guards import default_limit
from reconciler.core.planning.limits.money_moved import material


def books(size, *, kept=None, missing=0, transferred=0, extra=()):
    """A ledger of `size` recorded entries, of which `kept` are still declared."""
    names = [f"entry-{at:03}" for at in range(size)]
    number = {name: f"JE-{at:08}" for at, name in enumerate(names, 1)}
    return snapshot(
        [declared(name=name) for name in names[: size if kept is None else kept]] + list(extra),
        [recorded(name=name, number=number[name]) for name in names],
        [
            live(
                name=name,
                number=number[name],
                transferredToAccounting="Yes" if at < transferred else "No",
            )
            for at, name in enumerate(names[missing:])
        ],
    )


def rules(plan):
    return [refusal.rule for refusal in plan.refusals]


@pytest.mark.parametrize(
    ("recorded_count", "limit"),
    [(0, 3), (1, 3), (30, 3), (39, 3), (40, 4), (99, 9), (1000, 100)],
)
def test_the_default_limit_is_three_or_a_tenth(recorded_count, limit):
    assert default_limit(recorded_count) == limit


MANY, ALL = "too-many-removals", "all-entries-removed"


@pytest.mark.parametrize(
    ("size", "gone", "allowed", "policy", "refused"),
    [
        pytest.param(10, 3, None, None, [], id="three of ten"),
        pytest.param(10, 4, None, None, [MANY], id="four of ten"),
        pytest.param(50, 5, None, None, [], id="a tenth of fifty"),
        pytest.param(50, 6, None, None, [MANY], id="more than a tenth"),
        pytest.param(10, 4, 4, None, [], id="four, and four are allowed"),
        pytest.param(10, 4, 3, None, [MANY], id="four, and three are allowed"),
        pytest.param(10, 1, 0, None, [MANY], id="one, and none is allowed"),
        pytest.param(10, 1, None, 0, [MANY], id="one, and the policy allows none"),
        pytest.param(10, 9, None, 9, [], id="nine, and the policy allows nine"),
        pytest.param(10, 4, 4, 0, [MANY], id="this run's allowance stays below the policy's"),
        pytest.param(10, 2, 1, 5, [MANY], id="this run allows less than the policy"),
        pytest.param(10, 0, None, None, [], id="none"),
        pytest.param(1, 1, None, None, [ALL], id="the only one"),
        pytest.param(3, 3, None, None, [ALL], id="all three"),
        pytest.param(3, 3, None, 5, [ALL], id="all, though the policy allows five"),
        pytest.param(3, 3, 5, None, [ALL], id="all, and a standing allowance names no count"),
        pytest.param(3, 3, 3, None, [], id="all, and the count is named"),
        pytest.param(10, 10, None, None, [MANY], id="all of many"),
        pytest.param(0, 0, None, None, [], id="an empty daybook"),
    ],
)
def test_removals_are_limited(size, gone, allowed, policy, refused):
    plan = plan_for(
        books(size, kept=size - gone),
        policy=Policy(max_removals=policy),
        allow=Allowances(max_removals=allowed),
    )
    assert rules(plan) == refused
    assert plan.summary.get(Action.REMOVE, 0) == gone
    for refusal in plan.refusals:
        beyond = policy is not None and gone > policy
        way_out = "policy.limits.removals" if beyond else f"--max-removals {gone}"
        assert way_out in refusal.remedy


def test_a_blocked_removal_does_not_hide_that_nothing_is_declared():
    plan = plan_for(books(3, kept=0, transferred=1))
    assert rules(plan) == [ALL]
    assert plan.refusals[0].message == (
        "none of 3 recorded entries is declared, and 2 would be removed"
    )


def test_blocked_removals_alone_are_no_removals():
    assert rules(plan_for(books(20, kept=10, transferred=20))) == []


def test_new_entries_do_not_make_up_for_all_that_are_removed():
    extra = [declared(entry(debit("7"), credit("7")), name="new")]
    assert rules(plan_for(books(3, kept=0, extra=extra))) == [ALL]


def test_an_entry_that_was_cancelled_and_kept_counts_no_more():
    done = [
        recorded(name=f"done-{at}", number=f"JE-1000000{at}", cancelled=True) for at in range(9)
    ]
    ledger = [live(name=item.address.name, number=item.number, status="Cancelled") for item in done]
    of = snapshot([], [*done, recorded()], [*ledger, live()], removal=Removal.CANCEL)
    assert rules(plan_for(of)) == [ALL]


@pytest.mark.parametrize(
    ("missing", "allowed", "refused"),
    [
        pytest.param(3, None, False, id="three"),
        pytest.param(4, None, True, id="four"),
        pytest.param(4, 4, False, id="four are allowed"),
        pytest.param(4, 3, True, id="three are allowed"),
        pytest.param(10, None, True, id="all: another tenant, perhaps"),
    ],
)
def test_missing_entries_are_limited(missing, allowed, refused):
    plan = plan_for(books(10, missing=missing), allow=Allowances(max_missing=allowed))
    assert rules(plan) == ["missing-in-ledger"] * refused
    if refused:
        assert plan.refusals[0].message.startswith(f"{missing} of 10 recorded entries")
        assert f"--max-missing {missing}" in plan.refusals[0].remedy


LIMIT = {"USD": Decimal("400.90")}


@pytest.mark.parametrize(
    ("files", "book", "ledger", "refused"),
    [
        pytest.param([declared()], [], [], False, id="just the limit"),
        pytest.param(
            [declared(entry(debit("400.91"), credit("400.91")))], [], [], True, id="a cent more"
        ),
        pytest.param(
            [declared(entry(debit("400"), debit("0.91"), credit("400.91")))], [], [], True, id="sum"
        ),
        pytest.param(
            [declared(entry(debit("0.01"), credit("0.01")))],
            [recorded()],
            [live()],
            True,
            id="what is taken back counts too",
        ),
        pytest.param(
            [declared(entry(notes="b"))], [recorded()], [live()], False, id="notes move no money"
        ),
        pytest.param(
            [declared(entry(debit("900"), credit("900"), currency="EUR"))],
            [],
            [],
            True,
            id="another currency, whose worth is not known",
        ),
        pytest.param(
            [declared(entry(debit("900"), credit("900.01")))],
            [],
            [],
            False,
            id="blocked",
        ),
    ],
)
def test_money_is_limited_by_currency(files, book, ledger, refused):
    plan = plan_for(snapshot(files, book, ledger), policy=Policy(max_money=LIMIT))
    assert rules(plan) == ["money-limit"] * refused


def test_a_money_limit_names_the_sum():
    spec = entry(debit("12500"), credit("12500"))
    (refusal,) = plan_for(snapshot([declared(spec)]), policy=Policy(max_money=LIMIT)).refusals
    assert refusal.message == ("USD 12,500.00 would be posted or cancelled; the limit is 400.90")


def test_a_home_amount_is_no_amount_of_a_currency_without_a_limit():
    """A plan in EUR alone is measured by its limit in EUR, whatever the limit in USD."""
    home = {"homeCurrencyAmount": Decimal("11")}
    spec = entry(debit("10", **home), credit("10", **home), currency="EUR")
    of = snapshot([declared(spec)], tenant=tenant_of(home_currency="USD"))
    changes = plan_for(of).changes
    for least, reached in (("10", ["EUR 10.00"]), ("10.01", [])):
        limits = {"EUR": Decimal(least)}
        assert [why for _, why in material(changes, limits, "USD", {})] == reached
        assert plan_for(of, policy=Policy(max_money=limits)).refusals == ()
        tiers = (Tier(required=2, amount=limits),)
        plan = plan_for(of, policy=Policy(approvals=Approvals(tiers=tiers)))
        assert plan.requirement.approvals == (2 if reached else 0)
    limits = {"GBP": Decimal(1000)}
    (refusal,) = plan_for(of, policy=Policy(max_money=limits)).refusals
    assert refusal.message.startswith("EUR 10.00 would be posted or cancelled")


def test_the_largest_material_change_is_named_first():
    """A list may be cut, and the author of a change chooses the names."""
    worth = {"a": ("USD", "10"), "b": ("EUR", "900"), "c": ("USD", "20"), "d": ("JPY", "1")}
    of = snapshot(
        [
            declared(entry(debit(amount), credit(amount), currency=currency), name=name)
            for name, (currency, amount) in worth.items()
        ]
    )
    limits = {"USD": Decimal(10), "EUR": Decimal(600)}
    found = material(plan_for(of).changes, limits, None, {})
    assert [change.address.name for change, _ in found] == ["d", "c", "b", "a"]


def test_a_material_change_counts_by_its_largest_amount():
    """What it cancels may be more than what it posts, and its author writes its home amount."""
    home = {"homeCurrencyAmount": Decimal("11")}
    small, large = (entry(debit(one), credit(one)) for one in ("10", "5000"))
    foreign = entry(debit("900", **home), credit("900", **home), currency="EUR")
    of = snapshot(
        [declared(small), declared(foreign, name="eur")],
        [recorded(spec=large)],
        [live(spec=large)],
        tenant=tenant_of(home_currency="USD"),
    )
    changes, limits = plan_for(of).changes, {"USD": Decimal(10)}
    rated = material(changes, limits, "USD", {"USD": {"EUR": Decimal(1)}})
    assert [why for _, why in rated] == [
        "USD 5,000.00",
        "USD 900.00, with EUR at the rate of the policy",
    ]
    unrated = material(changes, limits, "USD", {})
    assert [why for _, why in unrated] == ["EUR 900.00, without a limit", "USD 5,000.00"]


CHANGES = "change-limit"


@pytest.mark.parametrize(
    ("recorded_count", "new", "policy", "refused"),
    [
        pytest.param(10, 3, Policy(max_changes=3), [], id="three, and three are allowed"),
        pytest.param(10, 4, Policy(max_changes=3), [CHANGES], id="four, and three are allowed"),
        pytest.param(10, 1, Policy(max_changes=0), [CHANGES], id="none is allowed"),
        pytest.param(10, 2, Policy(max_percent=Decimal(20)), [], id="20 % of ten"),
        pytest.param(10, 3, Policy(max_percent=Decimal(20)), [CHANGES], id="30 % of ten"),
        pytest.param(
            200, 1, Policy(max_percent=Decimal("0.4")), [CHANGES], id="a fraction of a percent"
        ),
        pytest.param(0, 5, Policy(max_percent=Decimal(1)), [], id="there is no percent of nothing"),
        pytest.param(
            10, 4, Policy(max_changes=3, max_percent=Decimal(1)), [CHANGES, CHANGES], id="both"
        ),
    ],
)
def test_a_plan_changes_no_more_than_the_policy_allows(recorded_count, new, policy, refused):
    added = [declared(name=f"new-{at}") for at in range(new)]
    assert rules(plan_for(books(recorded_count, extra=added), policy=policy)) == refused


@pytest.mark.parametrize(
    ("book", "adopts", "allowed", "refused"),
    [
        pytest.param([], None, None, True, id="a new daybook"),
        pytest.param([], None, 2, True, id="one more than allowed"),
        pytest.param([], None, 3, False, id="as many as allowed"),
        pytest.param([], "own", None, False, id="the files name the numbers"),
        pytest.param([recorded(name="e1", number=None, incarnation=1)], None, 2, True,
                     id="one was posted and deleted: another stands now"),
        pytest.param([recorded(name="e1", number="JE-00000099")], None, 2, False,
                     id="one is recorded as posted: it was replaced since"),
        pytest.param([recorded(name="e1", number=None, retired=("JE-00000001",))], None, 2, False,
                     id="one was forgotten"),
    ],
)  # fmt: skip
def test_what_only_its_marker_ties_to_the_workspace_is_not_adopted_untold(
    book, adopts, allowed, refused
):
    numbers = {f"e{at}": f"JE-{at:08}" for at in (1, 2, 3)}
    of = snapshot(
        [
            declared(name=name, adopts=number if adopts else None)
            for name, number in numbers.items()
        ],
        book,
        [live(name=name, number=number) for name, number in numbers.items()],
    )
    found = {one.address: (numbers[one.address.name],) for one in of.declared.values()}
    of = replace(of, found=found, live={**of.live, "JE-00000099": None})
    plan = plan_for(of, allow=Allowances(adopt_found=allowed))
    assert rules(plan) == ["unproved-entries"] * refused
    if refused:
        count = 3 if allowed is None else allowed + 1
        assert f"--adopt-found {count}" in plan.refusals[0].remedy
        assert "another repository uses the workspace name books" in plan.refusals[0].remedy
