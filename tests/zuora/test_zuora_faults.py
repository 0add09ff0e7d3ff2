"""Every fault of the network programme, on every call, once and for ever.

I-11: every call ends. I-34: no bad answer is a success.
"""

import pytest
from fault_server import FaultServer
from fault_table import CALLS, DONE, FAULTS, NOTHING, Ending, patience

from reconciler.errors import LedgerError
from reconciler.zuora.client import Client

LIKE_CANCEL = ("update", "delete")
"""One with cancel to everything but the path, so the default suite leaves them to the sweep."""


def cells(*, passing: bool) -> list:
    """A test for each fault and each call it can strike."""
    return [
        pytest.param(
            act,
            call,
            expected.ending(call, passing=passing),
            id=f"{fault}-{call}",
            marks=[pytest.mark.long] if call in LIKE_CANCEL else [],
        )
        for fault, (act, expected) in FAULTS.items()
        for call in CALLS
        if expected.ending(call, passing=passing) is not None
    ]


def strike(server: FaultServer, client: Client, call: str) -> None:
    """Prepares the server so that the next scripted request is the first of the call."""
    if call == "token":
        server.scripts_token = True
    else:
        client.tenant()


def ending_of(client: Client, call: str) -> object:
    """How a call ends: an error, or what its answer amounts to."""
    try:
        value = CALLS[call](client)
    except LedgerError as error:
        return error
    return NOTHING if call == "read" and value is None else DONE


def check(server: FaultServer, ending: object, expected: Ending) -> None:
    result, requests = expected
    got = type(ending) if isinstance(ending, LedgerError) else ending
    assert got is result, ending
    assert server.played == requests
    if isinstance(ending, LedgerError):
        assert ending.track_id
        assert ending.track_id in ending.message
        assert ending.remedy


@pytest.mark.parametrize(("act", "call", "expected"), cells(passing=False))
def test_a_fault_that_lasts(server, connect, act, call, expected):
    client = connect(server.url, limits=patience(act, passing=False))
    strike(server, client, call)
    server.play(then=act)
    check(server, ending_of(client, call), expected)


@pytest.mark.parametrize(("act", "call", "expected"), cells(passing=True))
def test_a_fault_that_strikes_once(server, connect, act, call, expected):
    client = connect(server.url, limits=patience(act, passing=True))
    strike(server, client, call)
    server.play(act)
    check(server, ending_of(client, call), expected)
