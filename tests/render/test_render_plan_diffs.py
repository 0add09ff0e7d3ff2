"""What moved between two plans, as people read it."""

from dataclasses import replace

import pytest
from builders import (
    credit,
    debit,
    declared,
    entry,
    live,
    plan_for,
    recorded,
    snapshot,
    tenant_of,
)

from reconciler.core.documents.plan_comparison import differences
from reconciler.core.model.plan import Allowances
from reconciler.core.model.scope import Scope
from reconciler.render.plan_comparison import MOST_SHOWN, plan_diff_lines
from reconciler.render.styled_text import plain_text

OTHER = entry(debit("12.00"), credit("12.00"), notes="Rent of January")
EUR = entry(currency="EUR")


def plan(*files, book=(), held=(), closed=False, **more):
    periods = tuple(
        replace(period, status="Closed") if closed else period for period in tenant_of().periods
    )
    return plan_for(snapshot(files, book, held, tenant=tenant_of(periods=periods)), **more)


def of_one(spec, now=None, *, number="JE-00000001", **more):
    """The plan of one recorded entry, which the ledger holds as `now`."""
    held = live(now, number=number)
    return plan(declared(spec), book=[recorded(number=number)], held=[held], **more)


REVIEWED = of_one(EUR)

CASES = {
    "only-now": (plan(), plan(declared(OTHER, name="rent"))),
    "only-reviewed": (plan(declared(OTHER, name="rent")), plan()),
    "other-amounts": (
        plan(declared(OTHER, name="rent")),
        plan(declared(entry(debit("13.00"), credit("13.00")), name="rent")),
    ),
    "repeated-lines": (
        plan(declared(entry(debit("1"), debit("2"), debit("2"), credit("5")), name="rent")),
        plan(declared(entry(debit("1"), debit("1"), debit("3"), credit("5")), name="rent")),
    ),
    "ledger-moved": (REVIEWED, of_one(EUR, entry(notes="By hand"))),
    "other-action": (of_one(entry(notes="b")), of_one(EUR)),
    "other-number": (REVIEWED, of_one(EUR, number="JE-00000002")),
    "filled-by-the-ledger": (REVIEWED, of_one(EUR, entry(transferDateTime="2026-02-01"))),
    "period-closed": (REVIEWED, of_one(EUR, closed=True)),
    "transferred": (REVIEWED, of_one(EUR, entry(transferredToAccounting="Yes"))),
    "other-books": (
        REVIEWED,
        of_one(EUR, workspace="other", lineage="other", allow=Allowances(max_removals=3)),
    ),
    "other-scope": (
        REVIEWED,
        replace(REVIEWED, scope=Scope(targets=["true-up"]), digest="sha256:other"),
    ),
    "hostile": (
        plan(declared(entry(), name="a\x07b")),
        plan(declared(entry(debit("1", "x\x1b]0;y"), notes="\x1b[31mred\u202e"), name="a\x07b")),
    ),
    "many": (plan(), plan(*(declared(name=f"e-{at:03}") for at in range(MOST_SHOWN + 2)))),
}


def drawn(reviewed, now):
    return plain_text(plan_diff_lines(reviewed, now, differences(reviewed, now)))


@pytest.mark.parametrize("case", CASES)
def test_a_difference_of_plans_reads_like_this(golden, case):
    golden(f"plan-diff-{case}.txt", drawn(*CASES[case]))


@pytest.mark.parametrize("case", CASES)
def test_a_plan_does_not_differ_from_itself(case):
    for one in CASES[case]:
        found = differences(one, one)
        assert not (found.whole or found.addresses or found.impact or found.balance)


def test_every_difference_of_what_is_approved_has_its_facts():
    """A headline alone would leave the reader to guess."""
    for reviewed, now in CASES.values():
        for one in differences(reviewed, now).addresses:
            alone = one.before is None or one.after is None
            assert alone or one.moved or one.lines_added or one.lines_removed
