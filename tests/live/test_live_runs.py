"""Journal runs go through the same client: what differs is a row of a table (API facts 5)."""

from dataclasses import replace

import pytest
from fault_server import answer

from reconciler.core.kinds import KINDS
from reconciler.errors import AccessRefused, LedgerError, OutcomeUnknown, RequestRefused
from reconciler.live.connection import Limits

RUN = replace(
    KINDS["JournalEntry"],
    name="JournalRun",
    collection="journal-runs",
    number_pattern=r"JR-[0-9]{8,}",
)
NUMBER = "JR-00000008"
READ = {"success": True, "number": NUMBER, "status": "Completed", "totalJournalEntryCount": 3}


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
    live = connect(server.url).read(RUN, NUMBER)
    assert (live.number, live.status) == (NUMBER, status)
    assert live.fields == {"totalJournalEntryCount": 3}


def test_a_state_of_entries_is_none_of_runs(server, connect):
    server.play(then=answer(document=READ | {"status": "Created"}))
    with pytest.raises(LedgerError):
        connect(server.url, limits=Limits(attempts=1)).read(RUN, NUMBER)


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
