"""Faults of a line, of reads and of queries, by the names that the programme gives them."""

from collections.abc import Mapping

import httpx
from apply_harness import (
    Fault,
    Line,
    answer,
    instead,
    lost_after,
    lost_before,
    refusal,
    refused_connection,
)


def after(response: httpx.Response) -> Fault:
    """N17, N20: the ledger has committed, and something between answers in its place."""

    def fault(line: Line, request: httpx.Request) -> httpx.Response:
        line.deliver(request)
        return instead(response)(line, request)

    return fault


def cut(line: Line, request: httpx.Request) -> httpx.Response:
    """N11: half of the answer."""
    whole = line.deliver(request)
    raw = whole.read()
    return httpx.Response(
        whole.status_code, headers=whole.headers, stream=httpx.ByteStream(raw[: len(raw) // 2])
    )


def twice(line: Line, request: httpx.Request) -> httpx.Response:
    """N29: a middlebox delivers it a second time."""
    line.deliver(request)
    return line.deliver(request)


LINE_FAULTS: Mapping[str, Fault] = {
    "N01 refused": refused_connection,
    "N07 lost before": lost_before,
    "N08 lost after": lost_after,
    "N11 half an answer": cut,
    "N14 a limit": instead(httpx.Response(429, headers={"Retry-After": "1"}, json={})),
    "N16 broken before": instead(answer(500, {"success": False})),
    "N17 a gateway after": after(answer(502, {})),
    "N18 a lock": instead(refusal(52030050, "Locked")),
    "N20 a page after": after(httpx.Response(200, html="<p>Welcome</p>")),
    "N23 signed out": instead(answer(401, {"message": "expired"})),
    "N26 in progress": instead(answer(409, {"success": False})),
    "N29 twice": twice,
}
READ_FAULTS: Mapping[str, Fault] = {
    "a read is lost": lost_before,
    "a read breaks": instead(answer(500, {"success": False})),
    "a read is no answer": instead(httpx.Response(200, html="<p>Welcome</p>")),
}
QUERY_FAULTS: Mapping[str, Fault] = {
    "no Data Query": instead(answer(404, {"code": "x", "message": "no such resource"})),
    "a query is lost": lost_before,
}
NEVER_TAKEN = ("N01 refused", "N14 a limit", "N23 signed out")
"""Faults after which the client knows that the ledger has taken nothing."""

TOLD_APART = ("N19 a rule", "N28 late", "X7 transferred", "X8 closed", "C06", "C08")
"""Faults of the line that are closures over a simulation."""

DISK_FAULTS = ("F4 full", "F4 unsure", "C05 before", "C06 after")
