"""A plan offers a posting in a period that is about to close only to who may post there."""

from dataclasses import replace

import pytest
from builders import declared, entry, live, plan_for, recorded, snapshot, tenant_of

from reconciler.core.model.plan import Action
from reconciler.core.model.tenant import AccountingPeriod

JANUARY = AccountingPeriod(
    name="Jan-2026", start_date="2026-01-01", end_date="2026-01-31", status="PendingClose"
)


@pytest.mark.parametrize("manages", [None, True, False])
@pytest.mark.parametrize(
    ("files", "book", "ledger", "action", "needs"),
    [
        pytest.param([declared()], [], [], Action.CREATE, True, id="create"),
        pytest.param(
            [declared(entry(journalEntryDate="2026-01-30"))], [recorded()], [live()],
            Action.REPLACE, True, id="replace",
        ),
        pytest.param([], [recorded()], [live()], Action.REMOVE, True, id="remove"),
        pytest.param(
            [declared(entry(notes="n"))], [recorded()], [live()], Action.UPDATE, False,
            id="basic information",
        ),
    ],
)  # fmt: skip
def test_a_posting_needs_the_permission(files, book, ledger, action, needs, manages):
    tenant = replace(tenant_of(periods=(JANUARY,)), manages_close=manages)
    (change,) = plan_for(snapshot(files, book, ledger, tenant=tenant)).changes
    blocked = needs and manages is False
    assert (change.action, change.wanted) == (Action.BLOCKED if blocked else action, action)
    assert (change.block.rule if change.block else "") == "period-pending-close" * blocked
