"""A spec of the daybook equals exactly what its decoded fields equal, and decodes late."""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

import pytest
from builders import MARKER, credit, debit, entry
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.model.canonical import (
    LiveDeclaration,
    StoredSpec,
    as_declaration,
    spec_digest,
    spec_text,
)
from reconciler.core.model.kinds.journal_entry import JOURNAL_ENTRY
from reconciler.core.model.marker import split_marker
from reconciler.core.model.resource import header_of

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
    assert header_of(spec, "currency", "absent") == (entry()["currency"], None)
    assert spec._made is None
    assert spec["currency"] == entry()["currency"]
    assert spec._made is not None


def test_a_digest_that_was_given_proves_nothing_to_what_a_file_says():
    """A cache may hide a change. It never passes for the content of a file."""
    forged = StoredSpec(spec_text({**entry(), "notes": "forged"}), spec_digest(entry()))
    assert forged != entry()
    assert entry() != forged
    assert forged == stored({**entry(), "notes": "forged"})


@given(SPECS, st.lists(st.sampled_from(["amount", "notes", "lines", "currency", "other"])))
def test_some_fields_of_the_header_are_those_of_all(spec, names):
    expected = tuple(map(spec.get, names))
    for held in (stored(spec), MappingProxyType(spec), spec):
        assert header_of(held, *names) == expected
        assert repr(header_of(held, *names)) == repr(header_of(dict(held), *names))


@given(SPECS, st.sampled_from([MARKER, "notes"]), st.sampled_from(["currency", "notes", MARKER]))
def test_a_live_entry_is_shown_as_a_declaration_whether_in_whole_or_in_part(spec, place, name):
    fields = {**spec, MARKER: "books/one", "transferredBy": "x", "segments": ()}
    whole = as_declaration(JOURNAL_ENTRY, split_marker(fields, place)[0])
    for held in (fields, stored(fields)):
        assert header_of(LiveDeclaration(JOURNAL_ENTRY, held, place), name) == (whole.get(name),)
        shown = LiveDeclaration(JOURNAL_ENTRY, held, place)
        assert shown == whole
        assert whole == shown
        assert header_of(shown, name) == (whole.get(name),)


def test_a_comparison_is_not_kept_for_another_object():
    spec, declared = stored(entry()), entry()
    assert spec == declared
    assert spec != {**declared, "notes": "moved"}
    assert spec == declared
