"""Journal runs go through the same client: what differs is a row of a table (API facts 5)."""

from decimal import Decimal

import pytest
from fault_server import answer

from reconciler.core.model.kinds import KINDS
from reconciler.errors import AccessRefused, LedgerError, OutcomeUnknown, RequestRefused
from reconciler.zuora.connection import CallLimits

RUN = KINDS["JournalRun"]
NUMBER = "JR-00000008"
READ = {
    "success": True,
    "number": NUMBER,
    "status": "Completed",
    "journalEntryDate": "2026-01-31",
    "totalJournalEntryCount": 3,
}


def test_a_run_is_created_and_its_number_is_a_runs(server, connect):
    server.play(answer(document={"success": True, "journalRunNumber": NUMBER}))
    assert connect(server.url).create(RUN, b"{}", key="k") == NUMBER
    assert server.calls[0].target == "/v1/journal-runs"


def test_the_number_of_an_entry_is_none_of_a_run(server, connect):
    server.play(then=answer(document={"success": True, "journalRunNumber": "JE-00000008"}))
    with pytest.raises(OutcomeUnknown):
        connect(server.url).create(RUN, b"{}", key="k")


@pytest.mark.parametrize(
    "status",
    [
        "Pending",
        "Processing",
        "Completed",
        "Error",
        "CancelInprogress",
        "Cancelled",
        "DeleteInprogress",
    ],
)
def test_every_documented_state_is_read(server, connect, status):
    server.play(answer(document=READ | {"status": status}))
    live = connect(server.url).read_status(RUN, NUMBER)
    assert (live.number, live.status) == (NUMBER, status)
    assert live.fields == {"journalEntryDate": "2026-01-31", "totalJournalEntryCount": 3}


def member(at, **fields):
    lines = [
        {"accountingCodeName": code, "type": side, "amount": 4.50}
        for code, side in (("Cash", "Debit"), ("Sales", "Credit"))
    ]
    return {
        "number": f"JE-{at:08}",
        "status": "Created",
        "accountingPeriodName": "Jan-2026",
        "currency": "USD",
        "journalEntryDate": "2026-01-31",
        "transferredToAccounting": "No",
        "journalEntryItems": lines,
        **fields,
    }


def page(*members, **fields):
    return answer(document={"success": True, "journalEntries": members, **fields})


LIST = f"/v1/journal-entries/journal-runs/{NUMBER}"


def test_a_run_is_read_with_the_entries_of_every_page(server, connect):
    more = f"{server.url}{LIST}?page=2&pageSize=40"
    server.play(answer(document=READ), page(member(2), nextPage=more), page(member(1)))
    live = connect(server.url).read(RUN, NUMBER)
    assert [one.number for one in live.members] == ["JE-00000001", "JE-00000002"]
    assert live.members[0].fields["journalEntryItems"][0]["amount"] == Decimal("4.50")
    assert [request.target.partition("?")[0] for request in server.calls] == [
        f"/v1/journal-runs/{NUMBER}",
        LIST,
        LIST,
    ]


def test_an_entry_that_the_next_page_repeats_is_one_entry(server, connect):
    more = f"{server.url}{LIST}?page=2&pageSize=40"
    server.play(answer(document=READ), page(member(1), member(2), nextPage=more), page(member(2)))
    live = connect(server.url).read(RUN, NUMBER)
    assert [one.number for one in live.members] == ["JE-00000001", "JE-00000002"]


@pytest.mark.parametrize(
    "listed",
    [
        pytest.param(member(1, number="JR-00000001"), id="a number of another kind"),
        pytest.param(member(1, status="Gone"), id="no state of an entry"),
        pytest.param(member(1, journalEntryItems=None), id="no lines"),
        pytest.param("JE-00000001", id="no object"),
    ],
)
def test_an_entry_that_cannot_be_read_is_none_to_plan_with(server, connect, listed):
    """I-20: half a run is never taken for the whole."""
    server.play(answer(document=READ), then=page(member(2), listed))
    with pytest.raises(LedgerError, match="is not usable"):
        connect(server.url, limits=CallLimits(attempts=1)).read(RUN, NUMBER)


def test_a_state_of_entries_is_none_of_runs(server, connect):
    server.play(then=answer(document=READ | {"status": "Created"}))
    with pytest.raises(LedgerError):
        connect(server.url, limits=CallLimits(attempts=1)).read(RUN, NUMBER)


def test_a_run_is_cancelled_and_deleted(server, connect):
    client = connect(server.url)
    client.cancel(RUN, NUMBER)
    client.delete(RUN, NUMBER)
    assert [(request.method, request.target) for request in server.calls] == [
        ("PUT", f"/v1/journal-runs/{NUMBER}/cancel"),
        ("DELETE", f"/v1/journal-runs/{NUMBER}"),
    ]


def test_a_run_cannot_be_updated(server, connect):
    with pytest.raises(ValueError, match="updates no JournalRun"):
        connect(server.url).update(RUN, NUMBER, b"{}")
    assert server.requests == []


def test_a_number_of_an_entry_never_enters_the_url_of_a_run(server, connect):
    with pytest.raises(RequestRefused):
        connect(server.url).cancel(RUN, "JE-00000001")
    assert server.requests == []


@pytest.mark.parametrize(
    ("call", "permission"),
    [("cancel", "Cancel Journal Run"), ("delete", "Delete Cancelled Journal Run")],
)
def test_a_denied_call_names_the_permission_it_needs(server, connect, call, permission):
    server.play(answer(403, {}))
    with pytest.raises(AccessRefused) as caught:
        getattr(connect(server.url), call)(RUN, NUMBER)
    assert permission in caught.value.remedy
