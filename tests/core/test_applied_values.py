"""What a daybook may claim as applied to an entry that a read shows otherwise than it was sent."""

from decimal import Decimal

import pytest
from builders import KIND, credit, debit, entry, live

from reconciler.core.model.marker import split_marker
from reconciler.core.planning.diff import compare
from reconciler.core.recovery.applied_values import shown

TWO = debit(), debit(), credit("801.80")
LINES = "journalEntryItems"


def held(spec):
    return split_marker(live(spec).fields, "ReconcilerKey__c")[0]


@pytest.mark.parametrize(
    ("sent", "seen", "applied", "differing"),
    [
        pytest.param(
            entry(notes="x", Ticket__c="T-1"),
            entry(notes="x", Ticket__c="T-1"),
            entry(notes="x", Ticket__c="T-1"),
            (),
            id="all of it",
        ),
        pytest.param(
            entry(notes="x", Ticket__c="T-1"),
            entry(notes="by hand", Ticket__c="T-1"),
            entry(Ticket__c="T-1"),
            ("notes",),
            id="what the entry has, although another field was changed",
        ),
        pytest.param(
            entry(),
            entry(notes="theirs", Ticket__c="T-2"),
            entry(),
            (),
            id="nothing that was not sent",
        ),
        pytest.param(
            entry(notes="x", Ticket__c=None),
            entry(Ticket__c="T-2"),
            entry(),
            ("Ticket__c", "notes"),
            id="no null that the entry contradicts",
        ),
        pytest.param(
            entry(transferredToAccounting="No", notes="x"),
            entry(transferredToAccounting="Processing"),
            entry(transferredToAccounting="No"),
            ("notes",),
            id="the transfer state, which a connector moves",
        ),
        pytest.param(
            entry(debit(notes="a", CostCenter__c="1"), credit(CostCenter__c="1")),
            entry(debit(CostCenter__c="2"), credit(CostCenter__c="1")),
            entry(debit(notes="a"), credit(CostCenter__c="1")),
            (LINES,),
            id="of a line the fields that it has, and notes that no read shows",
        ),
        pytest.param(
            entry(*(dict(line, CostCenter__c="1") for line in TWO), notes="x"),
            entry(*(dict(line, CostCenter__c="2") for line in TWO), notes="x"),
            entry(*TWO, notes="x"),
            (LINES,),
            id="the postings of lines that no update tells apart",
        ),
        *(
            pytest.param(entry(notes="x", Ticket__c="T-1"), seen, None, differing, id=said)
            for said, seen, differing in [
                ("nothing with another amount", entry(debit("1"), credit("1"), notes="x",
                 Ticket__c="T-1"), (LINES,)),
                ("nothing with another code", entry(debit(code="Cash"), credit(), notes="x",
                 Ticket__c="T-1"), (LINES,)),
                ("nothing with another line", entry(debit(), credit(), credit(), notes="x",
                 Ticket__c="T-1"), (LINES,)),
                ("nothing in another period", entry(accountingPeriodName="Feb-2026", notes="x",
                 Ticket__c="T-1"), ("accountingPeriodName",)),
                ("nothing in another currency", entry(currency="EUR", Ticket__c="T-1"),
                 ("currency", "notes")),
            ]
        ),
    ],
)  # fmt: skip
def test_a_create_applied(sent, seen, applied, differing):
    found = shown(KIND, sent, None, held(seen))
    assert (found.applied, found.differing) == (applied, differing)


@pytest.mark.parametrize(
    ("before", "sent", "seen", "applied"),
    [
        pytest.param(
            entry(notes="x"),
            entry(notes="x", Ticket__c="T-1"),
            entry(notes="by hand", Ticket__c="T-1"),
            entry(notes="x", Ticket__c="T-1"),
            id="what it added, beside a change by hand",
        ),
        pytest.param(
            entry(notes="x"),
            entry(notes="y", Ticket__c="T-1"),
            entry(notes="x"),
            entry(notes="x"),
            id="nothing, if it was not executed",
        ),
        pytest.param(
            entry(notes="x", Ticket__c="T-1"),
            entry(notes="x"),
            entry(notes="by hand"),
            entry(notes="x"),
            id="what it cleared",
        ),
        pytest.param(
            entry(notes="x", Ticket__c="T-1"),
            entry(notes="y"),
            entry(notes="x", Ticket__c="T-1"),
            entry(notes="x", Ticket__c="T-1"),
            id="nothing that it did not clear",
        ),
        pytest.param(
            entry(debit(notes="a", CostCenter__c="1"), credit()),
            entry(debit(notes="b", CostCenter__c="2"), credit(CostCenter__c="2")),
            entry(debit(CostCenter__c="3"), credit(CostCenter__c="2")),
            entry(debit(notes="a", CostCenter__c="1"), credit(CostCenter__c="2")),
            id="of a line what it has; notes that no read shows stay as they were",
        ),
        pytest.param(
            entry(notes="x"),
            entry(notes="y", Ticket__c="T-1"),
            entry(debit("1"), credit("1"), notes="y", Ticket__c="T-1"),
            entry(notes="x"),
            id="nothing to an entry with another amount",
        ),
    ],
)
def test_an_update_applied(before, sent, seen, applied):
    assert shown(KIND, sent, before, held(seen)).applied == applied


@pytest.mark.parametrize("amount", ["400.90", "1", "400.91"])
@pytest.mark.parametrize("wanted", ["400.90", "400.91"])
def test_what_counts_as_applied_hides_no_difference_of_an_amount(amount, wanted):
    sent, seen = entry(notes="x"), held(entry(debit(amount), credit(amount), notes="by hand"))
    applied = shown(KIND, sent, None, seen).applied
    declared = entry(debit(wanted), credit(wanted), notes="x")
    same = Decimal(amount) == Decimal(wanted)
    assert (compare(KIND, declared, applied, seen).forced_by == ()) is same
