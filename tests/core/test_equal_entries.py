"""The search by content: what equals it is found, and its cost grows with the entries alone."""

from dataclasses import replace

import pytest
from builders import credit, debit, declared, entry, live, snapshot

from reconciler.core.recovery import equal_entries
from reconciler.core.recovery.equal_entries import with_equal

OTHERS = "other-books/accrual"


def of(amount, **fields):
    return entry(debit(amount), credit(amount), **fields)


def equal_to(wanted, *others):
    one = declared(wanted)
    equal = with_equal(snapshot([one]), [one], {other.number: other for other in others}).equal
    return [other.number for other in equal.get(one.address, ())]


@pytest.mark.parametrize(
    ("other", "equal"),
    [
        pytest.param(live(of("7.00"), marker=OTHERS), True, id="of other books"),
        pytest.param(live(of("7.00"), marker=None), True, id="without a marker"),
        pytest.param(live(of("7.00", notes="Other"), marker=None), True, id="with other notes"),
        pytest.param(live(of("7.00")), False, id="the declaration's own"),
        pytest.param(live(of("7.00"), marker=None, status="Cancelled"), False, id="cancelled"),
        pytest.param(live(of("7.01"), marker=None), False, id="another amount"),
        pytest.param(live(of("7.00", currency="EUR"), marker=None), False, id="another currency"),
        pytest.param(
            live(entry(credit("7.00"), debit("7.00")), marker=None), True, id="in another order"
        ),
        pytest.param(
            live(entry(*[debit("7.00"), credit("7.00")] * 2), marker=None), False, id="repeated"
        ),
    ],
)
def test_an_entry_of_others_is_found_by_what_it_posts(other, equal):
    assert equal_to(of("7.00"), other) == [other.number] * equal


def test_every_equal_entry_is_found_in_the_order_of_its_number():
    numbers = [f"JE-{number:08}" for number in (3, 5, 9)]
    assert equal_to(entry(), *(live(number=one, marker=None) for one in numbers)) == numbers


class Counted(dict):
    """The declarations of a snapshot, and how often all of them were looked through."""

    times = 0

    def values(self):
        self.times += 1
        return super().values()


def test_what_is_posted_for_the_first_time_is_compared_with_what_may_be_equal_alone(monkeypatch):
    """With 100,000 entries, each that is compared with each is ten thousand million."""
    pairs = []
    compare = equal_entries.compare
    monkeypatch.setattr(equal_entries, "compare", lambda *two: pairs.append(two) or compare(*two))
    wanted = [declared(of(f"{at}.25"), name=f"entry-{at}") for at in range(1, 51)]
    others = [live(of(f"{at}.25"), number=f"JE-{at:08}", marker=OTHERS) for at in range(41, 91)]
    plain = snapshot(wanted)
    counted = Counted(plain.declared)
    found = with_equal(
        replace(plain, declared=counted), wanted, {other.number: other for other in others}
    )
    assert len(found.equal) == len(pairs) == 10
    assert counted.times < len(wanted) / 10
