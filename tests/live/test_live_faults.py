"""Every fault of the network programme (N01 to N30), on every call, once and for ever.

I-05: attempts are byte-identical. I-11: every call ends. I-34: no bad answer is a success.
"""

import json
import socket
from dataclasses import dataclass, replace

import fault_server as wire
import pytest
from fault_server import CREATED, ENTRY, Act, FaultServer, answer, envelope, zipped

from reconciler.core.kinds import KINDS
from reconciler.errors import (
    AccessRefused,
    LedgerError,
    LedgerUnreachable,
    OutcomeUnknown,
    RequestRefused,
)
from reconciler.live.client import Client
from reconciler.live.connection import Limits

KIND = KINDS["JournalEntry"]
NUMBER = "JE-00000001"
ATTEMPTS = 3
PATIENCE = Limits(attempts=ATTEMPTS)


def patience(act: Act, *, passing: bool) -> Limits:
    """Limits that end a slow act soon, yet leave a sound answer on a busy machine its time."""
    if act.end != "silent" and not act.drip:
        return PATIENCE
    return Limits(attempts=ATTEMPTS, attempt_timeout=0.25 if passing else 0.05)


CALLS = {
    "create": lambda client: client.create(KIND, b'{"a":1}', key="key-1", track_id="track-1"),
    "read": lambda client: client.read(KIND, NUMBER),
    "update": lambda client: client.update(KIND, NUMBER, b'{"notes":"n"}', track_id="track-1"),
    "cancel": lambda client: client.cancel(KIND, NUMBER, track_id="track-1"),
    "delete": lambda client: client.delete(KIND, NUMBER, track_id="track-1"),
    "token": lambda client: client.tenant(),
}

DONE = "done"
NOTHING = "nothing"
Ending = tuple[object, int]
"""An error class, DONE or NOTHING, and the number of requests the server has seen by then."""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """How calls end while a fault lasts, and after it struck once. Without `token` it is n/a."""

    create: Ending
    change: Ending
    read: Ending
    token: Ending | None = None
    passing_create: Ending = (DONE, 2)
    passing_change: Ending = (DONE, 2)
    passing_read: Ending = (DONE, 2)
    passing_token: Ending = (DONE, 2)

    def ending(self, call: str, *, passing: bool) -> Ending | None:
        column = call if call in ("create", "read", "token") else "change"
        if passing and self.token is None and call == "token":
            return None
        ending: Ending | None = getattr(self, f"passing_{column}" if passing else column)
        return ending


MAYBE_EXECUTED = Expected(
    create=(OutcomeUnknown, ATTEMPTS),
    change=(OutcomeUnknown, 1),
    read=(LedgerUnreachable, ATTEMPTS),
    token=(LedgerUnreachable, ATTEMPTS),
    passing_change=(OutcomeUnknown, 1),
)
UNREADABLE = Expected(
    create=(OutcomeUnknown, ATTEMPTS),
    change=(OutcomeUnknown, 1),
    read=(LedgerError, ATTEMPTS),
    token=(LedgerError, ATTEMPTS),
    passing_change=(OutcomeUnknown, 1),
)
NO_SUCCESS = replace(UNREADABLE, token=None)
NOT_EXECUTED = Expected(
    create=(RequestRefused, ATTEMPTS),
    change=(RequestRefused, ATTEMPTS),
    read=(LedgerUnreachable, ATTEMPTS),
)
LIMITED = Expected(
    create=(RequestRefused, ATTEMPTS),
    change=(RequestRefused, ATTEMPTS),
    read=(LedgerUnreachable, ATTEMPTS),
    token=(LedgerUnreachable, ATTEMPTS),
)
BROKEN = Expected(
    create=(OutcomeUnknown, ATTEMPTS),
    change=(OutcomeUnknown, 1),
    read=(LedgerUnreachable, ATTEMPTS),
    passing_change=(OutcomeUnknown, 1),
)


def once(error: object, *, token: object = None) -> Expected:
    """One answer decides, whether or not the ledger would answer otherwise later."""
    return Expected(
        create=(error, 1),
        change=(error, 1),
        read=(error, 1),
        token=token and (token, 1),
        passing_create=(error, 1),
        passing_change=(error, 1),
        passing_read=(error, 1),
        passing_token=(token, 1),
    )


REFUSED = once(RequestRefused)
NOT_FOUND = Expected(
    create=(RequestRefused, 1),
    change=(RequestRefused, 1),
    read=(NOTHING, 1),
    passing_create=(RequestRefused, 1),
    passing_change=(RequestRefused, 1),
    passing_read=(NOTHING, 1),
)
REDIRECTED = Expected(
    create=(OutcomeUnknown, 1),
    change=(OutcomeUnknown, 1),
    read=(RequestRefused, 1),
    token=(RequestRefused, 1),
    passing_create=(OutcomeUnknown, 1),
    passing_change=(OutcomeUnknown, 1),
    passing_read=(RequestRefused, 1),
    passing_token=(RequestRefused, 1),
)
SIGNED_OUT = Expected(
    create=(AccessRefused, 2),
    change=(AccessRefused, 2),
    read=(AccessRefused, 2),
)
RUNNING = Expected(
    create=(OutcomeUnknown, ATTEMPTS),
    change=(OutcomeUnknown, 1),
    read=(LedgerUnreachable, ATTEMPTS),
    passing_change=(OutcomeUnknown, 1),
)
REPLAYED = Expected(
    create=(DONE, 1),
    change=(OutcomeUnknown, 1),
    read=(LedgerUnreachable, ATTEMPTS),
    passing_create=(DONE, 1),
    passing_change=(OutcomeUnknown, 1),
)

BOTH = ENTRY | CREATED | wire.TOKEN_DOCUMENT
"""A document that every call would take for a success, were it not for the fault around it."""
WHOLE = json.dumps(BOTH)


def spoiled(old: str, new: str) -> Act:
    """The good document with one thing in it changed on the wire."""
    assert old in WHOLE
    return answer(raw=WHOLE.replace(old, new, 1).encode("utf-8", "surrogatepass"))


def deep(levels: int) -> str:
    return '{"deep": ' + "[" * levels + "]" * levels + ", "


HTML = {"content_type": "text/html", "raw": b"<html>Welcome to the Wi-Fi</html>"}
ELSEWHERE = [("Location", "https://evil.example/v1/journal-entries")]

FAULTS: dict[str, tuple[Act, Expected]] = {
    "N06 reset inside the request": (wire.RESET_INSIDE_REQUEST, MAYBE_EXECUTED),
    "N07 N08 reset after the request": (wire.RESET_AFTER_REQUEST, MAYBE_EXECUTED),
    "N08 closed after the request": (wire.CLOSED_AFTER_REQUEST, MAYBE_EXECUTED),
    "N09 silence": (wire.SILENCE, MAYBE_EXECUTED),
    "N10 half headers": (wire.HALF_HEADERS, MAYBE_EXECUTED),
    "N11 half body": (wire.HALF_BODY, MAYBE_EXECUTED),
    "N11 HTTP that is none": (Act(send=b"SSH-2.0-OpenSSH\r\n\r\n", end="close"), MAYBE_EXECUTED),
    "N12 body drips": (wire.DRIP_BODY, MAYBE_EXECUTED),
    "N12 headers drip": (wire.DRIP_HEADERS, MAYBE_EXECUTED),
    "N14 429 with seconds": (answer(429, {}, headers=[("Retry-After", "7")]), LIMITED),
    "N15 429 without Retry-After": (answer(429, **HTML), LIMITED),
    "N15 429 negative": (answer(429, {}, headers=[("Retry-After", "-5")]), LIMITED),
    "N16 500": (answer(500, envelope((50000060, "Internal"))), MAYBE_EXECUTED),
    "N16 500 that names a rule": (answer(500, envelope((50000030, "Rule"))), MAYBE_EXECUTED),
    "N17 502": (answer(502, **HTML), MAYBE_EXECUTED),
    "N17 503": (answer(503, raw=b""), MAYBE_EXECUTED),
    "N17 504": (answer(504, **HTML), MAYBE_EXECUTED),
    "N17 408": (answer(408, raw=b""), MAYBE_EXECUTED),
    "N18 lock, HTTP 200": (answer(200, envelope((50000050, "Locked"))), NOT_EXECUTED),
    "N18 lock, HTTP 409": (answer(409, envelope((50000050, "Locked"))), NOT_EXECUTED),
    "N18 concurrency, HTTP 200": (answer(200, envelope((50000070, "Busy"))), NOT_EXECUTED),
    "N18 concurrency, HTTP 429": (answer(429, envelope((50000070, "Busy"))), LIMITED),
    **{
        f"N19 category {category}, HTTP 200": (
            answer(200, envelope((58730000 + category, "No"))),
            REFUSED,
        )
        for category in (20, 21, 22, 23, 27, 30, 45, 90)
    },
    "N19 code as text": (answer(200, envelope(("58730030", "No"))), REFUSED),
    "N19 rule, HTTP 400": (answer(400, envelope((58730030, "No"))), REFUSED),
    "N19 rule, HTTP 409": (answer(409, envelope((58730030, "No"))), REFUSED),
    "N19 unknown code, HTTP 400": (answer(400, envelope((58730077, "No"))), REFUSED),
    "N19 400 of a proxy": (answer(400, **HTML), once(RequestRefused, token=AccessRefused)),
    "N19 404 of a proxy": (answer(404, **HTML), once(RequestRefused, token=RequestRefused)),
    "N19 405": (answer(405, envelope((50000045, "No"))), REFUSED),
    "N19 permission, HTTP 200": (answer(200, envelope((50000010, "No"))), once(AccessRefused)),
    "N19 internal, HTTP 200": (answer(200, envelope((50000060, "Oops"))), BROKEN),
    "N19 temporary, HTTP 200": (answer(200, envelope((50000061, "Oops"))), BROKEN),
    "N19 external, HTTP 200": (answer(200, envelope((50000099, "Oops"))), BROKEN),
    "N19 unknown category, HTTP 200": (answer(200, envelope((50000077, "Oops"))), BROKEN),
    "N19 no reasons, HTTP 200": (answer(200, envelope()), BROKEN),
    "N19 short code, HTTP 200": (answer(200, envelope((30, "Oops"))), BROKEN),
    "N19 rule and internal": (
        answer(200, envelope((50000030, "No"), (50000060, "Oops"))),
        BROKEN,
    ),
    "N19 not found and rule": (
        answer(200, envelope((50000040, "No"), (50000030, "No"))),
        REFUSED,
    ),
    "N19 not found and lock": (
        answer(200, envelope((50000040, "No"), (50000050, "Locked"))),
        NOT_EXECUTED,
    ),
    "not found, HTTP 200": (answer(200, envelope((50000040, "No"))), NOT_FOUND),
    "not found, HTTP 404": (answer(404, envelope((50000040, "No"))), NOT_FOUND),
    "not found, HTTP 400": (answer(400, envelope((50000040, "No"))), REFUSED),
    "404 without a code": (answer(404, envelope()), REFUSED),
    "N20 HTML": (answer(**HTML), UNREADABLE),
    "N20 empty": (answer(raw=b""), UNREADABLE),
    "N20 not declared as JSON": (answer(document=BOTH, content_type="text/plain"), UNREADABLE),
    "N20 not declared at all": (answer(document=BOTH, content_type=""), UNREADABLE),
    "N20 declared as Latin-1": (
        answer(document=BOTH, content_type="application/json; charset=iso-8859-1"),
        UNREADABLE,
    ),
    "N20 JSON list": (answer(document=[BOTH]), UNREADABLE),
    "N20 JSON cut off": (answer(raw=WHOLE[:-1].encode()), UNREADABLE),
    "N20 JSON and more": (answer(raw=WHOLE.encode() + b"{}"), UNREADABLE),
    "N20 202": (answer(202, BOTH), UNREADABLE),
    "N20 success as text": (spoiled('"success": true', '"success": "true"'), NO_SUCCESS),
    "N20 success as number": (spoiled('"success": true', '"success": 1'), NO_SUCCESS),
    "N22 success twice": (spoiled("{", '{"success": false, '), UNREADABLE),
    "N22 key twice inside": (spoiled("{", '{"x": [{"a": 1, "a": 1}], '), UNREADABLE),
    "N22 NaN": (spoiled("{", '{"x": NaN, '), UNREADABLE),
    "N22 Infinity": (spoiled("{", '{"x": -Infinity, '), UNREADABLE),
    "N22 400 digits": (spoiled("{", '{"x": ' + "9" * 400 + ", "), UNREADABLE),
    "N22 huge exponent": (spoiled("{", '{"x": 1e999999999999999999999, '), UNREADABLE),
    "N22 nested 100,000 deep": (spoiled("{", deep(100_000)), UNREADABLE),
    "N22 half a surrogate": (spoiled("{", '{"x": "\\ud800", '), UNREADABLE),
    "N22 not UTF-8": (answer(raw=WHOLE.encode().replace(b"USD", b"US\xff")), UNREADABLE),
    "N22 control character": (spoiled("USD", "U\x1bSD"), UNREADABLE),
    "N23 401 for ever": (answer(401, {"message": "Authentication error"}), SIGNED_OUT),
    "N23 category 11": (answer(200, envelope((90000011, "Bad token"))), SIGNED_OUT),
    "N24 403": (
        answer(403, {"code": "x", "message": "Forbidden"}),
        once(AccessRefused, token=AccessRefused),
    ),
    "N24 403 with category 10": (answer(403, envelope((50000010, "No"))), once(AccessRefused)),
    "N24 403 of a proxy": (answer(403, **HTML), once(AccessRefused, token=AccessRefused)),
    **{
        f"N25 {status} to another host": (answer(status, raw=b"", headers=ELSEWHERE), REDIRECTED)
        for status in (301, 302, 303, 307, 308)
    },
    "N26 409 first still running": (answer(409, raw=b"", content_type=""), RUNNING),
    "N26 409 success without number": (answer(409, {"success": True}), RUNNING),
    "N26 409 first answer replayed": (answer(409, CREATED), REPLAYED),
    "N27 422 key mismatch": (answer(422, {}), once(RequestRefused, token=RequestRefused)),
    "N30 1 GiB body": (wire.FLOOD, UNREADABLE),
    "N30 gzip bomb": (zipped(b" " * (20 << 20)), UNREADABLE),
    "N30 gzip cut off": (zipped(WHOLE.encode(), cut=-20), UNREADABLE),
    "N30 gzip that is none": (
        answer(document=BOTH, headers=[("Content-Encoding", "gzip")]),
        UNREADABLE,
    ),
    "N30 packed unasked": (
        answer(document=BOTH, headers=[("Content-Encoding", "br")]),
        UNREADABLE,
    ),
}


def cells(*, passing: bool) -> list:
    """A test for each fault and each call it can strike."""
    return [
        pytest.param(act, call, expected.ending(call, passing=passing), id=f"{fault}-{call}")
        for fault, (act, expected) in FAULTS.items()
        # Update and delete are one with cancel to everything but the path.
        for call in (("create", "read", "cancel", "token") if passing else CALLS)
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


@pytest.mark.parametrize("fault", ["N09 silence", "N16 500", "N20 HTML", "N11 half body"])
def test_attempts_of_a_create_are_byte_identical(server, connect, fault):
    act, _ = FAULTS[fault]
    client = connect(server.url, limits=patience(act, passing=True))
    client.tenant()
    server.play(act, act)
    body = b'{"amount": "400.90",  "odd":"spacing"}'
    assert client.create(KIND, body, key="key-1", track_id="t-1") == NUMBER
    first, *others = server.calls
    assert len(others) == 2
    assert all(other == first for other in others)
    assert (first.method, first.target) == ("POST", "/v1/journal-entries")
    assert first.body == body
    assert first.headers["idempotency-key"] == "key-1"
    assert first.headers["zuora-track-id"] == "t-1"


@pytest.mark.parametrize("call", ["read", "update", "cancel", "delete", "token"])
def test_only_a_create_has_a_key(server, connect, call):
    CALLS[call](connect(server.url))
    assert all("idempotency-key" not in request.headers for request in server.requests)


@pytest.mark.parametrize(
    "number",
    [
        None,
        1,
        "",
        "JE-1",
        "JR-00000001",
        "JE-00000001\n",
        "JE-0000000\uff11",
        "je-00000001",
        " JE-00000001",
    ],
)
def test_n21_a_create_without_a_proper_number_is_unknown(server, connect, number):
    client = connect(server.url, limits=PATIENCE)
    client.tenant()
    server.play(then=answer(document={"success": True, "journalEntryNumber": number}))
    with pytest.raises(OutcomeUnknown):
        CALLS["create"](client)


@pytest.mark.parametrize("number", [None, 1, "JE-00000002", "JE-00000001 ", "JE-000000010"])
def test_n21_a_read_of_another_number_is_an_error(server, connect, number):
    client = connect(server.url, limits=PATIENCE)
    server.play(then=answer(document=ENTRY | {"number": number}))
    with pytest.raises(LedgerError) as caught:
        CALLS["read"](client)
    assert type(caught.value) is LedgerError


def test_n13_a_slow_answer_is_an_answer(server, connect):
    act = answer(document=CREATED)
    server.play(Act(send=act.send, delay=0.05))
    assert CALLS["create"](connect(server.url)) == NUMBER


@pytest.mark.parametrize("call", ["create", "read", "update", "cancel", "delete"])
def test_n06_a_reset_on_accept_is_no_success_whether_or_not_a_byte_had_left(server, connect, call):
    client = connect(server.url, limits=PATIENCE)
    client.tenant()
    server.play(then=wire.RESET_ON_ACCEPT)
    with pytest.raises((LedgerUnreachable, OutcomeUnknown)):
        CALLS[call](client)
    assert server.calls == []


def test_n01_refused_is_tried_again_and_nothing_was_sent(connect, clock):
    gone = FaultServer()
    gone.stop()
    with pytest.raises(LedgerUnreachable, match="nothing was sent"):
        CALLS["cancel"](connect(gone.url))
    assert len(clock.slept) == 5


def test_n02_a_name_that_does_not_exist_is_tried_again(connect, clock):
    with pytest.raises(LedgerUnreachable, match="nothing was sent"):
        CALLS["create"](connect("https://ledger.invalid"))
    assert len(clock.slept) == 5


def test_n03_a_connection_that_never_opens_is_tried_again(connect, clock):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        try:
            limits = Limits(attempts=ATTEMPTS, connect_timeout=0.1)
            client = connect(f"http://127.0.0.1:{port}", limits=limits)
            with pytest.raises(LedgerUnreachable, match="nothing was sent"):
                CALLS["token"](client)
        finally:
            for filler in fillers:
                filler.close()
    assert len(clock.slept) == ATTEMPTS - 1


def test_n23_an_expired_token_is_renewed_once_with_the_same_key(server, connect):
    client = connect(server.url)
    server.play(answer(401, {"message": "Authentication error"}))
    assert CALLS["create"](client) == NUMBER
    first, second = server.calls
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert len(server.token_requests) == 2


def test_n25_nothing_goes_where_a_redirect_points(server, connect):
    trap = FaultServer()
    try:
        there = [("Location", f"{trap.url}/v1/journal-entries")]
        server.play(then=answer(307, raw=b"", headers=there))
        with pytest.raises(OutcomeUnknown, match=r"127\.0\.0\.1"):
            CALLS["create"](connect(server.url))
        assert trap.connections == 0
    finally:
        trap.stop()


def test_n26_a_replayed_first_answer_gives_its_number(server, connect):
    client = connect(server.url)
    server.play(
        wire.RESET_AFTER_REQUEST,
        answer(409, {"success": True, "journalEntryNumber": "JE-00000777"}),
    )
    assert CALLS["create"](client) == "JE-00000777"


@pytest.mark.parametrize(
    ("later", "error"),
    [
        pytest.param(answer(400, envelope((58730030, "No"))), RequestRefused, id="its own no"),
        pytest.param(answer(401, {"message": "No"}), OutcomeUnknown, id="signed out"),
        pytest.param(answer(403, {}), OutcomeUnknown, id="forbidden"),
        pytest.param(answer(422, {}), OutcomeUnknown, id="key mismatch"),
        pytest.param(answer(429, {}), OutcomeUnknown, id="limit"),
        pytest.param(answer(404, **HTML), OutcomeUnknown, id="not the API"),
        pytest.param(answer(200, envelope((50000050, "Lock"))), OutcomeUnknown, id="lock"),
    ],
)
def test_a_lost_create_stays_unknown_whatever_stands_in_the_way_later(
    server, connect, later, error
):
    client = connect(server.url, limits=PATIENCE)
    client.tenant()
    server.play(wire.RESET_AFTER_REQUEST, then=later)
    with pytest.raises(LedgerError) as caught:
        CALLS["create"](client)
    assert type(caught.value) is error


def test_a_lost_create_stays_unknown_when_the_server_is_gone_afterwards(server, connect):
    client = connect(server.url, limits=PATIENCE)
    client.tenant()
    server.script = lambda request, index: server.vanish(wire.RESET_AFTER_REQUEST)
    with pytest.raises(OutcomeUnknown):
        CALLS["create"](client)


def test_a_lost_create_stays_unknown_when_signing_in_again_fails(server, connect):
    client = connect(server.url, limits=PATIENCE)
    client.tenant()
    server.play(wire.RESET_AFTER_REQUEST, answer(401, {}), then=answer(403, {}))
    server.scripts_token = True
    with pytest.raises(OutcomeUnknown, match="Signing in"):
        CALLS["create"](client)


@pytest.mark.parametrize(
    "number", ["JE-1", "JE-00000001/cancel", "../JE-00000001", "JE-00000001\n"]
)
@pytest.mark.parametrize("call", ["read", "cancel", "delete"])
def test_i34_an_odd_number_never_enters_a_url(server, connect, call, number):
    client = connect(server.url)
    with pytest.raises(RequestRefused, match="nothing was sent"):
        getattr(client, call)(KIND, number)
    assert server.requests == []
