"""A spec of the daybook equals exactly what its decoded fields equal, and decodes late."""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

import pytest
from builders import credit, debit, entry
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.model.canonical import StoredSpec, spec_text

AMOUNTS = st.decimals(allow_nan=False, allow_infinity=False, places=2) | st.sampled_from(
    [Decimal(text) for text in ("400.9", "400.90", "400.900", "4E+2", "400", "0", "-0", "0.00")]
)
VALUES = st.recursive(
    st.none() | st.booleans() | AMOUNTS | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)
SPECS = st.fixed_dictionaries(
    {}, optional={"amount": AMOUNTS, "notes": VALUES, "lines": VALUES, "currency": VALUES}
)


def stored(spec: Mapping) -> StoredSpec:
    return StoredSpec(spec_text(spec))


@given(SPECS)
def test_i50_what_is_stored_is_what_was_given(spec):
    assert stored(spec) == spec
    assert spec == stored(spec)
    assert dict(stored(spec)) == spec
    assert str(dict(stored(spec)).get("amount")) == str(spec.get("amount"))
    assert spec_text(stored(spec)) == spec_text(spec)


@given(SPECS, SPECS)
def test_i50_it_equals_what_its_fields_equal(one, other):
    for _ in range(2):
        assert (stored(one) == other) is (one == other)
        assert (stored(one) != other) is (one != other)
        assert (other == stored(one)) is (other == one)
        assert (stored(one) == stored(other)) is (one == other)


@pytest.mark.parametrize(
    ("other", "equal"),
    [
        pytest.param(entry(debit("400.90"), credit("400.90")), True, id="the same"),
        pytest.param(
            entry(debit("400.9"), credit("400.900")), True, id="other digits, same amount"
        ),
        pytest.param(entry(debit("400.91"), credit("400.91")), False, id="a cent more"),
        pytest.param(
            entry(debit("400.90"), credit("400.90"), notes=""), False, id="one field more"
        ),
        pytest.param(MappingProxyType(entry(debit("400.90"), credit("400.90"))), True, id="a view"),
        pytest.param(None, False, id="nothing"),
        pytest.param("text", False, id="no mapping"),
    ],
)
def test_i50_equality_is_by_value(other, equal):
    spec = stored(entry(debit("400.90"), credit("400.90")))
    assert (spec == other) is equal
    assert (other == spec) is equal


def test_a_spec_that_is_only_compared_with_its_equal_is_never_decoded():
    spec = stored(entry())
    assert spec == entry()
    assert spec._decoded is None
    assert spec["currency"] == entry()["currency"]
    assert spec._decoded is not None


def test_a_comparison_is_not_kept_for_another_object():
    spec, declared = stored(entry()), entry()
    assert spec == declared
    assert spec != {**declared, "notes": "moved"}
    assert spec == declared
