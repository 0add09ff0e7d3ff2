"""What holds for every schedule: exact sums, balanced parts, and parts that stay."""

from dataclasses import replace
from decimal import Decimal
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.model.money import ZERO, total
from reconciler.core.model.resource import Address, Source, SupportingDocument
from reconciler.core.model.tenant import AccountingPeriod, Tenant
from reconciler.core.planning.schedules.generation import compute
from reconciler.core.planning.schedules.regular_periods import days_through

LAST_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
PERIODS = tuple(
    AccountingPeriod(name=f"P{at}", start_date=f"2026-{at:02}-01", end_date=f"2026-{at:02}-{last}")
    for at, last in enumerate(LAST_DAYS, start=1)
)
TENANT = Tenant(
    periods=(
        *PERIODS,
        AccountingPeriod(name="ADJ", start_date="2026-03-31", end_date="2026-03-31"),
        AccountingPeriod(name="Open-Ended", start_date="2027-01-01", end_date=None),
    ),
    currencies=frozenset({"EUR", "USD"}),
    home_currency="USD",
    complete=True,
)
CENTS = st.integers(1, 10**12).map(lambda cents: Decimal(cents).scaleb(-2))
SEVERAL = st.lists(CENTS, min_size=1, max_size=5)
AMOUNT, HOME, LINES = "amount", "homeCurrencyAmount", "journalEntryItems"


def balanced(amounts):
    """The first side has these amounts, the other side one line of their sum."""
    first = [line("Debit", f"Code {at}", *pair) for at, pair in enumerate(amounts)]
    return (*first, line("Credit", "Sum", *(total(one) for one in zip(*amounts, strict=True))))


def line(side, code, amount, home):
    return {"accountingCodeName": code, "type": side, AMOUNT: amount, HOME: home}


@st.composite
def forms(draw):
    method = draw(st.sampled_from(["straight-line", "daily", "recurring"]))
    if method == "daily":
        days = sorted(draw(st.lists(st.integers(0, 330), min_size=2, max_size=2)))
        first, last = (f"2026-{1 + day // 28:02}-{1 + day % 28:02}" for day in days)
        return {"method": method, "start": first, "end": last}
    first = draw(st.integers(1, 12))
    return {"method": method, "from": f"P{first}", "parts": Decimal(draw(st.integers(1, 24)))}


def document(spec, kind="JournalSchedule", name="s", **metadata):
    return SupportingDocument(
        address=Address(kind, name),
        value={"metadata": {"name": name, **metadata}, "spec": spec},
        source=Source("s.yaml"),
    )


def schedule(form, amounts, **more):
    entry = {"currency": "EUR", LINES: balanced(amounts)}
    return document({**form, "entry": entry, **more})


def sums(spec, name, side):
    return total(line[name] for line in spec[LINES] if line["type"] == side)


def entries_of(found):
    return [one.declared for one in found.entries.values()]


def check_parts(form, amounts):
    found = compute([schedule(form, amounts)], (), TENANT)
    if found.findings:
        # A cent of one currency is not always a cent of the other.
        assert {one.rule for one in found.findings} <= {"schedule-zero"}
        return
    parts = entries_of(found)
    for part in parts:
        for name in (AMOUNT, HOME):
            assert sums(part.spec, name, "Debit") == sums(part.spec, name, "Credit")
        assert all(line[AMOUNT] > ZERO and line[HOME] > ZERO for line in part.spec[LINES])
    (told,) = found.progress
    whole = total(amount for amount, _ in amounts)
    count = told.count if form["method"] == "recurring" else 1
    assert told.whole == whole * count
    waiting = total(one.amount for one in found.waiting if one.address.kind == "JournalSchedule")
    assert total([waiting, *(sums(part.spec, AMOUNT, "Debit") for part in parts)]) == told.whole
    if not found.waiting and form["method"] != "recurring":
        for at, pair in enumerate(amounts):
            for name, amount in zip((AMOUNT, HOME), pair, strict=True):
                lines = [item for part in parts for item in part.spec[LINES]]
                own = (item[name] for item in lines if item["accountingCodeName"] == f"Code {at}")
                assert total(own) == amount


PAIRS = st.lists(st.tuples(CENTS, CENTS), min_size=1, max_size=5)


@given(forms(), PAIRS)
def test_parts_balance_and_sum_up_exactly(form, amounts):
    check_parts(form, amounts)


@pytest.mark.long
@settings(max_examples=5_000)
@given(forms(), PAIRS)
def test_parts_balance_and_sum_up_exactly_in_many_cases(form, amounts):
    check_parts(form, amounts)


@given(st.integers(2, 12), st.integers(2, 11), CENTS, CENTS, st.booleans())
def test_parts_before_an_amendment_stay_and_the_new_total_is_met(parts, cut, old, new, catch_up):
    form = {"method": "straight-line", "from": "P1", "parts": Decimal(parts)}
    amendment = {
        "from": f"P{cut}",
        "method": "catch-up" if catch_up else "prospective",
        LINES: balanced([(new, new)]),
    }
    before = compute([schedule(form, [(old, old)])], (), TENANT)
    after = compute([schedule(form, [(old, old)], amendments=(amendment,))], (), TENANT)
    if after.findings:
        rules = {one.rule for one in after.findings}
        assert rules == ({"schedule-negative"} if cut <= parts else {"schedule-amendment"})
        return
    start = f"s.2026-{cut:02}-01"
    kept = [one for one in entries_of(after) if one.address.name < start]
    assert kept == [one for one in entries_of(before) if one.address.name < start]
    assert total(sums(one.spec, AMOUNT, "Debit") for one in entries_of(after)) == new


@given(
    CENTS, CENTS, st.lists(st.integers(0, 50), min_size=1, max_size=8).filter(any), st.booleans()
)
def test_allocated_parts_sum_up_exactly(amount, home, shares, by_segment):
    def target(at, share):
        segment = {"segmentName": "Department", "segmentValue": f"D{at}"}
        own = {"segments": (segment,)} if by_segment else {"CostCenter__c": f"C{at}"}
        return {"share": Decimal(share), **own}

    targets = tuple(target(at, share) for at, share in enumerate(shares))
    key = document({"targets": targets}, kind="AllocationKey", name="k")
    form = {"method": "straight-line", "from": "P1", "parts": Decimal(3)}
    plain = schedule(form, [(amount, home)])
    spec = dict(plain.value["spec"])
    first, *others = spec["entry"][LINES]
    entry = {**spec["entry"], LINES: ({**first, "allocate": "k"}, *others)}
    divided = replace(plain, value={**plain.value, "spec": {**spec, "entry": entry}})
    found = compute([divided, key], (), TENANT)
    if found.findings:
        assert {one.rule for one in found.findings} <= {"schedule-zero"}
        return
    entries = entries_of(found)
    for name, whole in ((AMOUNT, amount), (HOME, home)):
        assert total(sums(one.spec, name, "Debit") for one in entries) == whole
        for one in entries:
            assert sums(one.spec, name, "Debit") == sums(one.spec, name, "Credit")


@given(forms(), st.tuples(CENTS, CENTS), st.integers(1, 12), st.randoms(use_true_random=False))
def test_order_and_length_of_the_reference_change_no_part(form, pair, months, chance):
    own = schedule(form, [pair])
    other = document({**own.value["spec"]}, name="t")
    known = [*TENANT.periods]
    chance.shuffle(known)
    short = replace(TENANT, periods=tuple(PERIODS[:months]))
    all_parts = compute([other, own], (), replace(TENANT, periods=tuple(known)))
    some = compute([own, other], (), short)
    for address, one in some.entries.items():
        assert all_parts.entries[address].declared == one.declared


def test_days_are_counted_with_both_ends():
    starts = [days_through("2026-01-01", one.end_date) for one in PERIODS]
    assert starts == list(accumulate(LAST_DAYS))
    assert days_through("2026-01-31", "2026-01-31") == 1
    assert days_through("2026-02-01", "2026-01-31") == 0
