"""The 30 network faults: how they are played, and with which exit codes a run may end."""

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from email.utils import format_datetime

import fault_server as wire
import proxy
from fault_server import Act, answer, envelope
from proxy import Fault, Proxy, plays, plays_after

CREATES = ("create", "run create")
CHANGES = ("update", "cancel", "delete", "run cancel", "run delete")
READS = ("get", "list by run", "run get")

DONE = (0,)
"""The run goes on as if nothing had been."""
STOPS = (1, 6)
"""It ends without that change, in part or before anything was done."""
REFUSED = (6, 8)
UNKNOWN = (6,)

DOUBTED = (0, 6)
"""The request is still at work when it is looked for: the run goes on, or leaves it to the next."""

Gate = Callable[[Proxy], None]


@dataclass(frozen=True, kw_only=True)
class NetworkFault:
    """One fault: what happens to a request, or what stands where a connection would be made.

    A kind of call whose codes are None cannot meet it.
    """

    fault: Fault | None = None
    gate: Gate | None = None
    secure: bool = False
    """Over TLS, which the tool trusts no certificate of ours for: so at the first call alone."""
    lasting: bool = False
    create: tuple[int, ...] | None = DONE
    change: tuple[int, ...] | None = DONE
    read: tuple[int, ...] | None = DONE
    token: tuple[int, ...] | None = DONE

    def codes(self, call: str) -> tuple[int, ...] | None:
        """The exit codes a run may end with when this strikes a call; None where it cannot."""
        if call == "token":
            return self.token
        return self.create if call in CREATES else self.change if call in CHANGES else self.read


def closing(act: Act) -> Act:
    """The answer, with its connection closed after it."""
    return replace(
        act, send=act.send.replace(b"\r\n", b"\r\nConnection: close\r\n", 1), end="close"
    )


def limited(*headers: tuple[str, str]) -> NetworkFault:
    return NetworkFault(fault=plays(closing(answer(429, {}, headers=headers))))


def everywhere(codes: tuple[int, ...], fault: Fault | None = None, **more: object) -> NetworkFault:
    return NetworkFault(fault=fault, create=codes, change=codes, read=codes, token=codes, **more)  # type: ignore[arg-type]


def only_create(codes: tuple[int, ...], fault: Fault) -> NetworkFault:
    return NetworkFault(fault=fault, create=codes, change=None, read=None, token=None)


def lost(fault: Fault) -> NetworkFault:
    return NetworkFault(fault=fault)


def answered(status: int = 200, document: object = None, **more: object) -> Fault:
    return plays(closing(answer(status, document, **more)))  # type: ignore[arg-type]


HTML = answer(raw=b"<html>Welcome to the Wi-Fi</html>", content_type="text/html")
BOMB = answer(raw=gzip.compress(b" " * (20 << 20)), headers=[("Content-Encoding", "gzip")])
ELSEWHERE = [("Location", "https://evil.example/v1/journal-entries")]
TWICE = b'{"success": false, "success": true, "journalEntryNumber": "JE-00000001"}'
NOT_A_NUMBER = b'{"success": true, "x": NaN}'
LONG = b'{"success": true, "x": ' + b"9" * 400 + b"}"


def with_number(number: str | None) -> Fault:
    """The ledger carries a create out, and another number comes back, or none."""
    document = {"success": True, "journalEntryNumber": number, "journalRunNumber": number}
    kept = {name: value for name, value in document.items() if value is not None}
    return plays_after(closing(answer(document=kept)))


def conflict(proxied: Proxy, connection: object, request: wire.Received) -> bool:
    """N26: the stored success comes back as a conflict, with the body it had."""
    act = proxied.forward(request)
    first, _, rest = act.send.partition(b"\r\n")
    assert b" 200 " in first
    told = replace(act, send=b"HTTP/1.1 409 Conflict\r\n" + rest)
    return proxied.perform(connection, told)  # type: ignore[arg-type]


def rest_until(proxied: Proxy, connection: object, request: wire.Received) -> bool:
    """N15: the rest that is asked for ends at a time of the ledger's own clock."""
    end = format_datetime(proxied.lab.clock() + timedelta(seconds=2), usegmt=True)
    act = closing(answer(429, {}, headers=[("Retry-After", end)]))
    return proxied.perform(connection, act)  # type: ignore[arg-type]


FAULTS: Mapping[str, NetworkFault] = {
    "N01": everywhere(STOPS, gate=proxy.refusing),
    "N02": everywhere(STOPS, gate=lambda proxied: proxied.unname()),
    "N03": everywhere(STOPS, gate=proxy.mute),
    "N04": NetworkFault(secure=True, create=None, change=None, read=None, token=(1,)),
    "N05": NetworkFault(
        secure=True,
        fault=plays(wire.RESET_ON_ACCEPT),
        create=None,
        change=None,
        read=None,
        token=(1,),
    ),
    "N06": lost(plays(wire.RESET_AFTER_REQUEST)),
    "N07": NetworkFault(fault=proxy.cut_on_receipt, change=DOUBTED),
    "N08": lost(proxy.cut_on_commit),
    "N09": lost(plays_after(wire.SILENCE)),
    "N10": lost(proxy.cut_short(0.5, head=True)),
    "N11": lost(proxy.cut_short(0.5)),
    "N12": lost(proxy.dripping),
    "N13": lost(proxy.slowly),
    "N14": limited(("Retry-After", "2")),
    "N15 no time": limited(),
    "N15 negative": limited(("Retry-After", "-5")),
    "N15 a date": lost(rest_until),
    "N15 a day": everywhere(STOPS, answered(429, {}, headers=[("Retry-After", "86400")])),
    "N16": NetworkFault(
        fault=answered(500, envelope((50000060, "Internal"))),
        lasting=True,
        create=UNKNOWN,
        change=STOPS,
        read=STOPS,
        token=None,
    ),
    "N17 502": lost(plays_after(closing(answer(502, raw=b"", content_type="text/html")))),
    "N17 503": lost(plays_after(closing(answer(503, raw=b"")))),
    "N17 504": lost(plays_after(closing(answer(504, raw=b"", content_type="text/html")))),
    "N18": NetworkFault(fault=answered(200, envelope((50000050, "Locked"))), token=None),
    "N19 rule": NetworkFault(
        fault=answered(200, envelope((58730030, "No"))),
        create=STOPS,
        change=STOPS,
        read=STOPS,
        token=None,
    ),
    "N19 permission": NetworkFault(
        fault=answered(200, envelope((50000010, "No"))),
        create=REFUSED,
        change=REFUSED,
        read=REFUSED,
        token=None,
    ),
    "N20 HTML": lost(plays_after(closing(HTML))),
    "N20 empty": lost(plays_after(closing(answer(raw=b"")))),
    "N20 not JSON": lost(plays_after(closing(answer(raw=b'{"success": tr')))),
    "N21 no number": only_create(DONE, with_number(None)),
    "N21 odd number": only_create(DONE, with_number("JE-1/../2")),
    "N21 somebody else's": only_create(UNKNOWN, with_number("JE-00000001")),
    "N22 twice": lost(plays_after(closing(answer(raw=TWICE)))),
    "N22 NaN": lost(plays_after(closing(answer(raw=NOT_A_NUMBER)))),
    "N22 400 digits": lost(plays_after(closing(answer(raw=LONG)))),
    "N23": NetworkFault(fault=answered(401, {"message": "Authentication error"}), token=(8,)),
    "N23 for ever": NetworkFault(
        fault=answered(401, {"message": "Authentication error"}),
        lasting=True,
        create=REFUSED,
        change=REFUSED,
        read=REFUSED,
        token=(8,),
    ),
    "N24": everywhere(REFUSED, answered(403, {"code": "x", "message": "Forbidden"})),
    **{
        f"N25 {status}": NetworkFault(
            fault=plays(closing(answer(status, raw=b"", headers=ELSEWHERE))),
            create=UNKNOWN,
            read=STOPS,
            token=(1, 8),
        )
        for status in (301, 302, 307, 308)
    },
    "N26 in progress": only_create(DONE, answered(409, raw=b"", content_type="")),
    "N26 replayed": only_create(DONE, conflict),
    "N27": only_create(UNKNOWN, answered(422, {})),
    "N28": NetworkFault(fault=proxy.late, change=DOUBTED),
    "N29": lost(proxy.twice),
    "N30 flood": lost(plays_after(wire.FLOOD)),
    "N30 bomb": lost(plays_after(closing(BOMB))),
}
"""By number, and by a word more where a fault has several forms."""

WORDS = {
    "N01": "connection refused",
    "N02": "name not found",
    "N03": "connect timeout",
    "N04": "certificate not trusted",
    "N05": "reset in the TLS handshake",
    "N06": "reset after the request, never delivered",
    "N07": "reset when received, before commit",
    "N08": "reset after commit, before the answer",
    "N09": "committed, then silence",
    "N10": "half headers",
    "N11": "half body",
    "N12": "one byte at a time",
    "N13": "slow answer",
    "N14": "429 with seconds",
    "N15": "429 with a date, nothing, a negative, a day",
    "N16": "500 for ever",
    "N17": "502, 503, 504 after commit",
    "N18": "lock competition",
    "N19": "200 that refuses",
    "N20": "200 that is no JSON",
    "N21": "success with a wrong number",
    "N22": "hostile JSON",
    "N23": "401",
    "N24": "403",
    "N25": "redirect to another host",
    "N26": "409",
    "N27": "422 key mismatch",
    "N28": "late delivery",
    "N29": "delivered twice",
    "N30": "1 GiB, gzip bomb",
}
