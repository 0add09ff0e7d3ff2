"""A reversal cancels its original out exactly, and no entry is reversed twice."""

from decimal import Decimal

import pytest
from builders import credit, debit, declared, entry, tenant_of
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.rules.entries import check_together
from reconciler.core.rules.reversals import remainders

HOME = {"home_currency": "USD"}
EUR = (debit(home="440.99"), credit(home="440.99"))
CENTER = {"CostCenter__c": "PLAT"}
SALES = ({"segmentName": "Department", "segmentValue": "Sales"},)


def swapped(spec):
    """What reverses an entry: the sides swapped, and everything else as it is."""
    other = {"Debit": "Credit", "Credit": "Debit"}
    lines = ({**line, "type": other[line["type"]]} for line in spec["journalEntryItems"])
    return {**spec, "journalEntryItems": tuple(lines)}


def findings(original, reversal, **metadata):
    books = [declared(original), declared(reversal, name="undo", **metadata)]
    return list(check_together(books, tenant_of(**HOME)))


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(entry(), id="in the home currency"),
        pytest.param(entry(*EUR, currency="EUR"), id="in a foreign currency"),
        pytest.param(entry(debit(**CENTER), credit()), id="with a custom field of a line"),
        pytest.param(entry(segments=SALES, organizationLabel="North"), id="with its dimensions"),
        pytest.param(entry(debit("1"), debit("1"), credit("2")), id="with a line twice"),
    ],
)
def test_swapped_sides_cancel_out(spec):
    assert remainders(spec, swapped(spec), tenant_of(**HOME)) == ()
    assert swapped(swapped(spec)) == spec


@pytest.mark.parametrize(
    ("original", "reversal"),
    [
        pytest.param(
            entry(debit("2"), credit("2")),
            entry(debit("2", "Subscription Revenue"), credit("1.50", "Deferred Revenue"),
                  credit("0.50", "Deferred Revenue")),
            id="a line may be split",
        ),
        pytest.param(
            entry(), swapped(entry(accountingPeriodName="Feb-2026", notes="undo")),
            id="period and notes are its own",
        ),
        pytest.param(
            entry(debit(home="400.90"), credit(home="400.90")), swapped(entry()),
            id="at home a home amount may be omitted",
        ),
        pytest.param(
            entry(debit(accountingCodeType="DeferredRevenue"), credit()), swapped(entry()),
            id="and so may a type that is clear",
        ),
    ],
)  # fmt: skip
def test_a_reversal_may_be_written_in_other_ways(original, reversal):
    assert findings(original, reversal, reverses=declared().address.name) == []


@pytest.mark.parametrize(
    ("original", "reversal", "left"),
    [
        pytest.param(
            entry(), swapped(entry(debit("300.90"), credit("300.90"))),
            "Deferred Revenue USD 100.00 Dr, Subscription Revenue USD 100.00 Cr",
            id="an amount",
        ),
        pytest.param(
            entry(), entry(),
            "Deferred Revenue USD 801.80 Dr, Subscription Revenue USD 801.80 Cr",
            id="a side",
        ),
        pytest.param(
            entry(), entry(debit(code="Subscription Revenue"), credit(code="On Account")),
            "Deferred Revenue USD 400.90 Dr, On Account USD 400.90 Cr",
            id="a code",
        ),
        pytest.param(
            entry(*EUR, currency="EUR"),
            swapped(entry(debit(home="441.00"), credit(home="441.00"), currency="EUR")),
            "Deferred Revenue USD 0.01 Cr in the home currency, "
            "Subscription Revenue USD 0.01 Dr in the home currency",
            id="a home amount: the rate of today",
        ),
        pytest.param(
            entry(debit(**CENTER), credit()), swapped(entry()),
            "Deferred Revenue USD 400.90 Cr, Deferred Revenue (CostCenter__c PLAT) "
            "USD 400.90 Dr",
            id="a dimension of a line",
        ),
        pytest.param(
            entry(segments=SALES), swapped(entry()),
            "Deferred Revenue USD 400.90 Cr, Deferred Revenue (Department Sales) USD 400.90 Dr, "
            "Subscription Revenue USD 400.90 Dr and 1 more",
            id="a segment",
        ),
    ],
)  # fmt: skip
def test_what_is_left_is_named(original, reversal, left):
    name = declared().address.name
    (found,) = findings(original, reversal, reverses=name)
    assert (found.rule, found.message) == ("reversal-nets", f"with {name}, it leaves {left}")
    assert f"If {name} (2026/{name}.yaml:1) was edited, restore it" in found.remedy


AMOUNTS = st.decimals("0.01", "99999999999999.99", places=2)
LINES = st.lists(
    st.builds(
        lambda side, code, center, amount, home: {
            "accountingCodeName": code, "type": side, "amount": amount,
            "homeCurrencyAmount": home, **({"CostCenter__c": center} if center else {}),
        },
        st.sampled_from(["Debit", "Credit"]), st.sampled_from(["Cash", "On Account"]),
        st.sampled_from(["", "PLAT"]), AMOUNTS, AMOUNTS,
    ),
    min_size=1, max_size=6,
)  # fmt: skip

BREAKS = {
    "amount": lambda line: {"amount": line["amount"] + Decimal("0.01")},
    "home amount": lambda line: {"homeCurrencyAmount": line["homeCurrencyAmount"] + 1},
    "side": lambda line: {"type": "Debit" if line["type"] == "Credit" else "Credit"},
    "code": lambda line: {"accountingCodeName": "Deferred Revenue"},
    "dimension": lambda line: {"CostCenter__c": "LAB"},
}


@given(LINES, st.sampled_from(sorted(BREAKS)), st.data())
def test_any_one_change_breaks_the_proof(lines, what, data):
    original = entry(*lines, currency="EUR")
    reversal = swapped(original)
    assert remainders(original, reversal, tenant_of(**HOME)) == ()
    at = data.draw(st.integers(0, len(lines) - 1))
    changed = list(reversal["journalEntryItems"])
    changed[at] = {**changed[at], **BREAKS[what](changed[at])}
    assert remainders(original, {**reversal, "journalEntryItems": (*changed,)}, tenant_of(**HOME))


@pytest.mark.parametrize(
    ("books", "rules"),
    [
        pytest.param({"a": None, "b": "a", "c": "a"}, ["reversal-twice"], id="twice"),
        pytest.param({"a": None, "b": "a", "c": "b"}, ["reversal-of-reversal"], id="a reversal"),
        pytest.param({"b": "b"}, ["reversal-of-reversal"], id="itself"),
        pytest.param({"a": None, "b": "x"}, ["reversal-original"], id="nothing"),
        pytest.param({"b": "JE-00000009"}, ["reversal-unproved"], id="a number nobody declares"),
        pytest.param({"b": "JE-00000007"}, ["reversal-unproved"], id="its number"),
    ],
)
def test_what_a_reversal_may_reverse(books, rules):
    given = [
        declared(entry() if of is None else swapped(entry()), name=name, reverses=of)
        for name, of in books.items()
    ]
    found = [one.rule for one in check_together(given, tenant_of(**HOME))]
    assert [rule for rule in found if rule != "same-economics"] == rules


@pytest.mark.parametrize(
    ("metadata", "reverses"),
    [
        pytest.param({"adopts": "JE-00000007"}, "JE-00000007", id="by the adopted number"),
        pytest.param({"previous_name": "old"}, "old", id="by its previous name"),
    ],
)
def test_an_original_is_found(metadata, reverses):
    books = [declared(entry(), name="a", **metadata)]
    books.append(declared(swapped(entry()), name="b", reverses=reverses))
    renamed = ["reversal-renamed"] if "previous_name" in metadata else []
    assert [one.rule for one in check_together(books, tenant_of(**HOME))] == renamed


def test_what_is_reversed_may_be_declared_anew():
    """A rebooked entry equals the original that is reversed, and posts its amounts once."""
    books = [declared(name="a"), declared(swapped(entry()), name="b", reverses="a")]
    books.append(declared(name="c"))
    assert list(check_together(books, tenant_of(**HOME))) == []
