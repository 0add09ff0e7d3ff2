"""Lines are a multiset: order is free, repetition counts (I-54, M7)."""

from collections import Counter
from decimal import Decimal

from builders import KIND, entry, live
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.planning.diff import compare
from reconciler.core.planning.line_matching import pair

LINE = st.fixed_dictionaries(
    {
        "accountingCodeName": st.sampled_from(["Cash", "Deferred Revenue"]),
        "type": st.sampled_from(["Debit", "Credit"]),
        "amount": st.sampled_from([Decimal("1.00"), Decimal("2.50"), Decimal(1)]),
    },
    optional={
        "Team__c": st.sampled_from(["a", "b"]),
        "glString": st.sampled_from(["1-1", "1-2"]),
        "notes": st.sampled_from(["x", "y"]),
    },
)
LINES = st.lists(LINE, min_size=1, max_size=8)


def differs(declared, now, applied=None):
    held = live(entry(*now), marker=None).fields
    return bool(compare(KIND, entry(*declared), applied and entry(*applied), held))


@given(LINES.flatmap(lambda lines: st.tuples(st.just(lines), st.permutations(lines))))
def test_m7_the_order_of_lines_never_makes_a_difference(case):
    lines, shuffled = case
    assert not differs(shuffled, lines)
    assert not differs(lines, shuffled)
    assert not differs(shuffled, lines, applied=lines)
    assert not differs(lines, shuffled, applied=shuffled)


@given(LINES, st.data())
def test_m7_dropping_a_line_always_makes_a_difference(lines, data):
    at = data.draw(st.integers(0, len(lines) - 1))
    fewer = [*lines[:at], *lines[at + 1 :]]
    assert differs(lines, fewer)
    assert differs(fewer or [{**lines[0], "amount": Decimal(9)}], lines)


@given(LINES, st.data())
def test_m7_repeating_a_line_always_makes_a_difference(lines, data):
    twice = [*lines, data.draw(st.sampled_from(lines))]
    assert differs(twice, lines)
    assert differs(lines, twice)


@given(LINES, st.data())
def test_m7_swapping_a_repetition_for_another_always_makes_a_difference(lines, data):
    """{a, a, b} is not {a, b, b}."""
    one, other = lines[0], {**lines[0], "amount": Decimal(77)}
    shuffled = data.draw(st.permutations([*lines, one, other, other]))
    assert differs(shuffled, [*lines, one, one, other])


CHANGES = st.sampled_from(
    [
        ("accountingCodeName", "Subscription Revenue"),
        ("type", "neither"),
        ("amount", Decimal("1.01")),
        ("amount", Decimal("2.49")),
        ("glString", "9-9"),
        ("Team__c", "z"),
    ]
)


@given(LINES, CHANGES, st.data())
def test_m7_changing_a_line_always_makes_a_difference(lines, change, data):
    at = data.draw(st.integers(0, len(lines) - 1))
    changed = [*lines[:at], {**lines[at], change[0]: change[1]}, *lines[at + 1 :]]
    assert differs(data.draw(st.permutations(changed)), lines)


@given(LINES, LINES)
def test_a_difference_is_told_exactly_when_the_postings_differ(left, right):
    """Against a count of postings, an independent reading of the same rule."""

    def postings(lines):
        return Counter((line["accountingCodeName"], line["type"], line["amount"]) for line in lines)

    def bare(lines):
        return [
            {name: line[name] for name in ("accountingCodeName", "type", "amount")}
            for line in lines
        ]

    assert differs(bare(left), right) == (postings(left) != postings(right))


@given(LINES, LINES)
def test_a_pairing_uses_every_line_once(left, right):
    pairing = pair(KIND, left, right, agree=lambda ours, theirs: ours == theirs)
    assert len(pairing.pairs) + len(pairing.only_declared) == len(left)
    assert len(pairing.pairs) + len(pairing.only_live) == len(right)
    assert len({ours for ours, _ in pairing.positions}) == len(pairing.positions)
    assert len({theirs for _, theirs in pairing.positions}) == len(pairing.positions)


def test_a_line_that_fixes_less_gives_way_to_one_that_fixes_more():
    """The wildcard takes what is left, or the pairing would miss that both sides are equal."""
    plain = {"accountingCodeName": "Cash", "type": "Debit", "amount": Decimal(1)}
    one, two = {**plain, "glString": "1"}, {**plain, "glString": "2"}
    for declared in ([plain, one], [one, plain]):
        for now in ([one, two], [two, one]):
            assert not differs(declared, now)
    assert differs([one, one], [one, two])


def test_a_pair_that_agrees_is_kept_where_it_can_be():
    plain = {"accountingCodeName": "Cash", "type": "Debit", "amount": Decimal(1)}
    ours = [{**plain, "Team__c": "a"}, {**plain, "Team__c": "b"}]
    theirs = [{**plain, "Team__c": "a"}, {**plain, "Team__c": "c"}]
    pairing = pair(KIND, ours, theirs, agree=lambda one, other: one == other)
    assert pairing.positions == ((0, 0), (1, 1))
    assert pair(KIND, ours, theirs[::-1], agree=lambda one, other: one == other).positions == (
        (0, 1),
        (1, 0),
    )
