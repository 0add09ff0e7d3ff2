"""What holds for every schedule: exact sums, balanced parts, and parts that stay."""

from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from itertools import accumulate, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.model.money import ZERO, total
from reconciler.core.model.resource import Address, Declared, Source, SupportingDocument
from reconciler.core.model.tenant import AccountingPeriod, Tenant
from reconciler.core.planning.reversing.reversal import Dating, reversed_spec
from reconciler.core.planning.schedules.generation import compute
from reconciler.core.planning.schedules.regular_periods import days_through
from reconciler.core.planning.schedules.summary import waiting_parts

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
    currencies=frozenset({"EUR", "JPY", "KWD", "USD"}),
    home_currency="USD",
    complete=True,
)
PLACES = {"EUR": 2, "JPY": 0, "KWD": 3, "USD": 2}
"""The decimal places of currencies (ISO 4217)."""
UNITS = st.integers(1, 10**12)
CENTS = UNITS.map(lambda cents: Decimal(cents).scaleb(-2))
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


def schedule(form, amounts, currency="EUR", **more):
    entry = {"currency": currency, LINES: balanced(amounts)}
    return document({**form, "entry": entry, **more})


def sums(spec, name, side):
    return total(line[name] for line in spec[LINES] if line["type"] == side)


def check_amounts(entries):
    """Every amount is above zero, with no more places than its currency has."""
    for spec in (one.spec for one in entries):
        for line, name in product(spec[LINES], (AMOUNT, HOME)):
            places = PLACES[spec["currency"] if name == AMOUNT else TENANT.home_currency]
            assert line[name] > ZERO
            assert -line[name].as_tuple().exponent <= places
        for name in (AMOUNT, HOME):
            assert sums(spec, name, "Debit") == sums(spec, name, "Credit")


def entries_of(found):
    return [one.declared for one in found.entries.values()]


def check_parts(form, case):
    currency, amounts = case
    found = compute([schedule(form, amounts, currency)], (), TENANT)
    if found.findings:
        # A unit of one currency is not always a unit of the other.
        assert {one.rule for one in found.findings} <= {"schedule-zero"}
        return
    parts = entries_of(found)
    check_amounts(parts)
    (told,) = found.progress
    whole = total(amount for amount, _ in amounts)
    count = told.count if form["method"] == "recurring" else 1
    assert told.whole == whole * count
    later = [*waiting_parts(found, found.entries, (), "")]
    waiting = total(one.amount for one in later)
    assert total([waiting, *(sums(part.spec, AMOUNT, "Debit") for part in parts)]) == told.whole
    if not later and form["method"] != "recurring":
        for at, pair in enumerate(amounts):
            for name, amount in zip((AMOUNT, HOME), pair, strict=True):
                lines = [item for part in parts for item in part.spec[LINES]]
                own = (item[name] for item in lines if item["accountingCodeName"] == f"Code {at}")
                assert total(own) == amount


@st.composite
def cases(draw, most=5):
    """A currency, and the amounts of lines in it and at home."""
    currency = draw(st.sampled_from(["EUR", "JPY", "KWD"]))
    scales = -PLACES[currency], -PLACES[TENANT.home_currency]
    pairs = draw(st.lists(st.tuples(UNITS, UNITS), min_size=1, max_size=most))
    return currency, [
        tuple(Decimal(units).scaleb(scale) for units, scale in zip(pair, scales, strict=True))
        for pair in pairs
    ]


def check_amendment(parts, cut, old, new, catch_up):
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
    check_amounts(entries_of(after))
    assert total(sums(one.spec, AMOUNT, "Debit") for one in entries_of(after)) == new


def check_allocation(case, shares, by_segment):
    currency, ((amount, home),) = case

    def target(at, share):
        segment = {"segmentName": "Department", "segmentValue": f"D{at}"}
        own = {"segments": (segment,)} if by_segment else {"CostCenter__c": f"C{at}"}
        return {"share": Decimal(share), **own}

    targets = tuple(target(at, share) for at, share in enumerate(shares))
    key = document({"targets": targets}, kind="AllocationKey", name="k")
    form = {"method": "straight-line", "from": "P1", "parts": Decimal(3)}
    plain = schedule(form, [(amount, home)], currency)
    spec = dict(plain.value["spec"])
    first, *others = spec["entry"][LINES]
    entry = {**spec["entry"], LINES: ({**first, "allocate": "k"}, *others)}
    divided = replace(plain, value={**plain.value, "spec": {**spec, "entry": entry}})
    found = compute([divided, key], (), TENANT)
    if found.findings:
        assert {one.rule for one in found.findings} <= {"schedule-zero"}
        return
    check_amounts(entries_of(found))
    for name, whole in ((AMOUNT, amount), (HOME, home)):
        assert total(sums(one.spec, name, "Debit") for one in entries_of(found)) == whole


def check_order(form, case, months, chance):
    currency, amounts = case
    own = schedule(form, amounts, currency)
    other = document({**own.value["spec"]}, name="t")
    known = [*TENANT.periods]
    chance.shuffle(known)
    short = replace(TENANT, periods=tuple(PERIODS[:months]))
    all_parts = compute([other, own], (), replace(TENANT, periods=tuple(known)))
    if all_parts.findings:
        # A unit of one currency is not always a unit of the other.
        assert {one.rule for one in all_parts.findings} <= {"schedule-zero"}
        return
    some = compute([own, other], (), short)
    for address, one in some.entries.items():
        assert all_parts.entries[address].declared == one.declared


def check_reversal(case, department, chance):
    """An entry and its reversal leave nothing on any code, segment and currency."""
    currency, amounts = case
    lines = [*balanced(amounts)]
    chance.shuffle(lines)
    segments = ({"segmentName": "Department", "segmentValue": department},) if department else ()
    spec = {"currency": currency, "accountingPeriodName": "P1", "journalEntryDate": "2026-01-31",
            LINES: tuple(lines), "segments": segments}  # fmt: skip
    back = reversed_spec(spec, Dating(period="P2", date="2026-02-01"), "Reversal")
    left = defaultdict(list)
    for one in (spec, back):
        place = one["currency"], *(row["segmentValue"] for row in one["segments"])
        for line, name in product(one[LINES], (AMOUNT, HOME)):
            signed = line[name] if line["type"] == "Debit" else line[name].copy_negate()
            left[place, name, line["accountingCodeName"]].append(signed)
    assert {total(parts) for parts in left.values()} == {ZERO}
    again = reversed_spec(back, Dating(period="P1", date="2026-01-31"), "Reversal")
    assert again[LINES] == spec[LINES]
    check_amounts([replace(ENTRY, spec=back)])


ENTRY = Declared(address=Address("JournalEntry", "e"), spec={}, source=Source("e.yaml"))
CHANCE = st.randoms(use_true_random=False)
LAWS = {
    # What is checked, the cases of the default suite and of the long tier, how they are made.
    "parts balance and sum up": (check_parts, 100, 40_000, forms(), cases()),
    "parts before an amendment stay and the new total is met": (
        check_amendment, 100, 20_000,
        st.integers(2, 12), st.integers(2, 11), CENTS, CENTS, st.booleans(),
    ),
    "allocated parts sum up": (
        check_allocation, 100, 20_000, cases(most=1),
        st.lists(st.integers(0, 50), min_size=1, max_size=8).filter(any), st.booleans(),
    ),
    "order and length of the Reference change no part": (
        check_order, 100, 10_000, forms(), cases(), st.integers(1, 12), CHANCE,
    ),
    "an entry and its reversal leave nothing": (
        check_reversal, 100, 20_000, cases(), st.sampled_from(["", "Sales"]), CHANCE,
    ),
}  # fmt: skip


@pytest.mark.parametrize("law", LAWS)
def test_every_schedule_keeps_the_law(law):
    check, few, _, *made = LAWS[law]
    settings(max_examples=few)(given(*made)(check))()


@pytest.mark.long
@pytest.mark.parametrize("law", LAWS)
def test_every_schedule_keeps_the_law_in_many_cases(law):
    """Over all laws, 110,000 cases."""
    check, _, many, *made = LAWS[law]
    settings(max_examples=many)(given(*made)(check))()


def test_days_are_counted_with_both_ends():
    starts = [days_through("2026-01-01", one.end_date) for one in PERIODS]
    assert starts == list(accumulate(LAST_DAYS))
    assert days_through("2026-01-31", "2026-01-31") == 1
    assert days_through("2026-02-01", "2026-01-31") == 0
