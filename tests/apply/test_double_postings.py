"""The search after a run: what it finds beside the run's own entries is read, and nothing else."""

import pytest
from builders import WORKSPACE, address, basis, live

from reconciler.engine.double_postings import standing

OWN, OTHER = "JE-00000001", "JE-00000002"


class Ledger:
    """A ledger that finds some numbers for `one`, and holds these entries."""

    def __init__(self, found, held):
        self.found, self.held, self.reads = found, held, []

    def query(self, statement):
        marker = f"{WORKSPACE}/one"
        if "FROM JournalEntry " not in statement:
            return []
        return [{"number": one, "status": "Created", "marker": marker} for one in self.found]

    def read(self, kind, number):
        self.reads.append(number)
        return self.held.get(number)


POSTED = {one: live(number=one, name="one") for one in (OWN, OTHER)}
CANCELLED = {**POSTED, OTHER: live(number=OTHER, name="one", status="Cancelled")}


@pytest.mark.parametrize(
    ("known", "found", "held", "posted", "reads"),
    [
        pytest.param((OWN,), [OWN], POSTED, (OWN,), [], id="its own alone"),
        pytest.param((OWN,), [], POSTED, (), [], id="not even its own"),
        pytest.param(
            (OWN,), [OWN, OTHER], POSTED, (OWN, OTHER), [OWN, OTHER], id="another as well"
        ),
        pytest.param((OWN,), [OTHER], POSTED, (OWN, OTHER), [OWN, OTHER], id="another first"),
        pytest.param((OWN,), [OWN, OTHER], CANCELLED, (OWN,), [OWN, OTHER], id="one cancelled"),
        pytest.param((), [OWN], POSTED, (OWN,), [OWN], id="nothing known"),
    ],
)
def test_only_what_may_be_a_second_posting_is_read(known, found, held, posted, reads):
    ledger = Ledger(found, held)
    seen = standing(ledger, basis(), {address("one"): known})
    assert (seen.numbers[address("one")], ledger.reads, seen.failure) == (posted, reads, "")
    assert seen.unseen == tuple(one for one in known if one not in found)
