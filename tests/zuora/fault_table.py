"""The faults of the network programme (N01 to N30) and how each call has to end under them."""

import json
from dataclasses import dataclass, replace

import fault_server as wire
from fault_server import CREATED, ENTRY, Act, answer, envelope, zipped

from reconciler.core.model.kinds import KINDS
from reconciler.errors import (
    AccessRefused,
    LedgerError,
    LedgerUnreachable,
    OutcomeUnknown,
    RequestRefused,
)
from reconciler.zuora.connection import CallLimits

KIND = KINDS["JournalEntry"]
NUMBER = "JE-00000001"
ATTEMPTS = 3
PATIENCE = CallLimits(attempts=ATTEMPTS)


def patience(act: Act, *, passing: bool) -> CallLimits:
    """Limits that end a slow act soon, yet leave a sound answer on a busy machine its time."""
    if act.end != "silent" and not act.drip:
        return PATIENCE
    return CallLimits(attempts=ATTEMPTS, attempt_timeout=0.25 if passing else 0.05)


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
# A lock may be that of the first request, still running under the same key.
LOCKED = replace(NOT_EXECUTED, create=(OutcomeUnknown, ATTEMPTS))
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
    "N18 lock, HTTP 200": (answer(200, envelope((50000050, "Locked"))), LOCKED),
    "N18 lock, HTTP 409": (answer(409, envelope((50000050, "Locked"))), LOCKED),
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
        LOCKED,
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
    "N26 409 of a rule and an unknown code": (
        answer(409, envelope((58730030, "No"), (58730077, "Oops"))),
        RUNNING,
    ),
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
