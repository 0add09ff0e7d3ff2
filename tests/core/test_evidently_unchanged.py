"""What the fast comparison calls unchanged, the full comparison does too."""

from decimal import Decimal
from unittest.mock import patch

import pytest
from builders import KIND, credit, debit, entry
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.planning import diff
from reconciler.core.planning.diff import compare, evidently_unchanged

values = st.sampled_from([None, "", "x", "y", "1", "true", "No", "Yes", True, False, Decimal(1)])
fields = st.dictionaries(
    st.sampled_from(["notes", "transferredToAccounting", "A__c", "currency"]), values, max_size=3
)
rows = st.lists(
    st.builds(
        lambda side, amount, more: {**side(amount), **more},
        st.sampled_from([debit, credit]),
        st.sampled_from(["1", "1.0", "2"]),
        st.dictionaries(
            st.sampled_from(["notes", "B__c", "homeCurrencyAmount", "accountingCodeType"]),
            st.sampled_from([None, "", "x", "y", True, Decimal(1)]),
            max_size=2,
        ),
    ),
    min_size=1,
    max_size=3,
)
specs = st.builds(lambda lines, more: entry(*lines, **more), rows, fields)


@given(declared=specs, other=specs, live=specs, recorded=st.sampled_from(["same", "other", "none"]))
def test_the_short_cut_never_hides_a_change(declared, other, live, recorded):
    applied = {"same": declared, "other": other, "none": None}[recorded]
    for held in (live, declared, {**declared, "status": "Created", "homeCurrency": "USD"}):
        for managed in (True, False):
            found = compare(KIND, declared, applied, held, manage_observed=managed)
            with patch.object(diff, "evidently_unchanged", return_value=False):
                assert compare(KIND, declared, applied, held, manage_observed=managed) == found


@pytest.mark.parametrize(
    ("declared", "held", "seen"),
    [
        pytest.param(entry(), entry(), True, id="word for word"),
        pytest.param(entry(), entry(homeCurrency="USD"), True, id="with what the server fills"),
        pytest.param(entry(notes="a"), entry(), False, id="a field is missing"),
        pytest.param(entry(A__c=Decimal(1)), entry(A__c=True), False, id="a number is no boolean"),
        pytest.param(entry(debit("1"), credit("1")), entry(debit("1")), False, id="a line less"),
        pytest.param(
            entry(debit("1"), credit("1")), entry(credit("1"), debit("1")), False, id="reordered"
        ),
        pytest.param(
            entry(debit("1"), credit("1")),
            entry(debit("1", B__c="x"), credit("1")),
            False,
            id="a custom field more on a line",
        ),
        pytest.param(
            entry(debit("1"), credit("1")),
            entry(debit("1", B__c=None), credit("1", B__c="")),
            True,
            id="a custom field that is empty",
        ),
        pytest.param(
            entry(debit("1", notes="unread"), credit("1")),
            entry(debit("1"), credit("1")),
            True,
            id="what no read shows",
        ),
    ],
)
def test_what_is_seen_at_once(declared, held, seen):
    assert evidently_unchanged(KIND, declared, declared, held) is seen
