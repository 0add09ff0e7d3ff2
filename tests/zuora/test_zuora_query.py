"""Data Query through the client: its jobs, its results on other hosts, and all that goes wrong."""

import json
from decimal import Decimal

import pytest
from fault_server import (
    CLOSED_AFTER_REQUEST,
    FLOOD,
    RESET_AFTER_REQUEST,
    SECRET,
    TOKEN,
    FaultServer,
    answer,
)

from reconciler.errors import AccessRefused, LedgerError, LedgerUnreachable, RequestRefused
from reconciler.zuora.connection import CallLimits

ASKED = "SELECT number FROM JournalEntry"
ROWS = [{"number": "JE-00000001", "Amount": 0}, {"number": "JE-00000002"}]


def lines(*rows):
    raw = b"\n".join(json.dumps(row).encode() for row in rows) + b"\n"
    return answer(raw=raw, content_type="application/octet-stream")


def job(status="completed", **fields):
    return answer(document={"data": {"id": "a1-b2_c3", "queryStatus": status, **fields}})


@pytest.fixture
def files():
    """The host that results lie on."""
    server = FaultServer()
    yield server
    server.stop()


def completed(files, target="/result.json?X-Signature=canary", **fields):
    return job(dataFile=f"{files.url}{target}", **fields)


def test_a_query_is_submitted_polled_and_fetched(server, files, connect):
    server.play(job("submitted"), job("in_progress"), completed(files, outputRows=2))
    files.play(answer(raw=b'{"number":"JE-1","Amount":0.10}\n\n{"number":"JE-2","Amount":20}\n'))
    assert connect(server.url).query(ASKED) == (
        {"number": "JE-1", "amount": Decimal("0.10")},
        {"number": "JE-2", "amount": Decimal(20)},
    )
    submitted, *polled = server.calls
    assert (submitted.method, submitted.target) == ("POST", "/query/jobs")
    assert json.loads(submitted.body) == {
        "query": ASKED,
        "outputFormat": "JSON",
        "compression": "NONE",
        "output": {"target": "S3"},
    }
    assert submitted.headers["content-type"] == "application/json"
    assert {(call.method, call.target) for call in polled} == {("GET", "/query/jobs/a1-b2_c3")}


def test_pauses_between_polls_grow(server, files, connect, clock):
    server.play(*[job("submitted")] * 8, completed(files))
    files.play(lines())
    connect(server.url).query(ASKED)
    assert clock.slept == sorted(clock.slept)
    assert len(clock.slept) == 7
    assert clock.slept[-1] > 2 * clock.slept[0]


def test_a25_nothing_secret_and_no_header_of_the_tenant_goes_to_the_results_host(
    server, files, connect
):
    server.play(completed(files))
    files.play(lines(*ROWS))
    connect(server.url).query(ASKED)
    (fetched,) = files.requests
    assert "authorization" in server.calls[0].headers
    assert fetched.headers.keys() <= {
        "host", "accept", "accept-encoding", "user-agent", "connection"
    }  # fmt: skip
    everything = f"{fetched.target} {fetched.headers}"
    assert TOKEN not in everything
    assert SECRET not in everything
    assert fetched.target == "/result.json?X-Signature=canary"


def test_b30_a_result_that_redirects_is_not_followed(server, files, connect):
    server.play(completed(files))
    files.play(answer(307, {}, headers=[("Location", f"{server.url}/elsewhere")]))
    with pytest.raises(RequestRefused, match="a redirect, and redirects are not followed"):
        connect(server.url).query(ASKED)
    assert len(files.requests) == 1
    assert not any("elsewhere" in call.target for call in server.calls)


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("http://files.example.com/result", id="another host without TLS"),
        pytest.param("http://10.0.0.1/result", id="an address without TLS"),
        pytest.param("ftp://127.0.0.1/result", id="another scheme"),
        pytest.param("file:///etc/passwd", id="a file"),
        pytest.param("/result.json", id="no host"),
        pytest.param("https://user:pass@files.example.com/result", id="a password in it"),
        pytest.param("https://files.example.com:99999/result", id="no port there is"),
        pytest.param("https://files.example.com/re\tsult", id="a control character"),
        pytest.param("https://files.example.com/" + "a" * 9000, id="endless"),
        pytest.param("https://[files/result", id="no URL"),
        pytest.param("https://files..example.com/result", id="a host with an empty part"),
        pytest.param(f"https://{'a' * 64}.example.com/result", id="a host with a long part"),
    ],
)
def test_a_result_in_a_wrong_place_is_not_fetched(server, connect, address):
    server.play(job(dataFile=address))
    with pytest.raises(LedgerError, match="Downloading the result of a query") as caught:
        connect(server.url).query(ASKED)
    assert "passwd" not in caught.value.message


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(FLOOD, id="N30 oversized"),
        pytest.param(lines({"number": "JE-1", "a": "x" * 3000}), id="N30 above the bound"),
        pytest.param(answer(raw=b'{"a":1,"a":2}\n'), id="N22 a key twice"),
        pytest.param(answer(raw=b'{"a":NaN}\n'), id="N22 NaN"),
        pytest.param(answer(raw=b'[{"a":1}]\n'), id="no object"),
        pytest.param(answer(raw=b'{"a":1}\n{"a"'), id="N11 cut off inside a row"),
        pytest.param(answer(raw=b"<html></html>"), id="N20 a page"),
        pytest.param(lines(*ROWS, *ROWS), id="more rows than promised"),
        pytest.param(lines(ROWS[0]), id="N11 fewer rows than promised"),
        pytest.param(answer(404, {}), id="expired"),
        pytest.param(answer(403, {}), id="a signature that is not taken"),
    ],
)
def test_a_result_that_is_not_whole_is_none(server, files, connect, act):
    server.play(completed(files, outputRows=2))
    files.play(then=act)
    with pytest.raises(LedgerError) as caught:
        connect(server.url, limits=CallLimits(attempts=2, result_bytes=2000)).query(ASKED)
    assert "canary" not in caught.value.message


@pytest.mark.parametrize(("limit", "cut"), [(2, True), (3, False)])
def test_a_result_at_the_limit_of_rows_may_lack_rows(server, files, connect, limit, cut):
    """No row of it proves an absence; what it has is true nevertheless."""
    client = connect(server.url, limits=CallLimits(result_rows=limit))
    server.play(completed(files, outputRows=2), completed(files, outputRows=2))
    files.play(then=lines(*ROWS))
    assert client.query_texts(ASKED, ("number",)) == (("JE-00000001",), ("JE-00000002",))
    if not cut:
        assert len(client.query(ASKED)) == 2
        return
    with pytest.raises(LedgerError, match=r"reached the limit of 2 rows, so it may lack rows"):
        client.query(ASKED)


@pytest.mark.parametrize("fault", [CLOSED_AFTER_REQUEST, RESET_AFTER_REQUEST, answer(503, {})])
def test_a_fetch_that_may_pass_is_tried_again(server, files, connect, fault):
    server.play(completed(files))
    files.play(fault, lines(*ROWS))
    assert len(connect(server.url).query(ASKED)) == 2


@pytest.mark.parametrize("fault", [CLOSED_AFTER_REQUEST, RESET_AFTER_REQUEST, answer(503, {})])
def test_a_query_has_no_effect_so_it_is_submitted_again(server, files, connect, fault):
    server.play(fault, completed(files))
    files.play(lines(*ROWS))
    assert len(connect(server.url).query(ASKED)) == 2
    assert [call.method for call in server.calls] == ["POST", "POST"]


@pytest.mark.parametrize(
    ("act", "error"),
    [
        pytest.param(answer(403, {"code": "a", "message": "no"}), AccessRefused, id="permission"),
        pytest.param(answer(404, {"code": "a", "message": "no"}), RequestRefused, id="no such"),
        pytest.param(answer(400, {"code": "a", "message": "no"}), RequestRefused, id="not taken"),
        pytest.param(job("failed", errorMessage="line 1:8"), RequestRefused, id="failed"),
        pytest.param(job("cancelled"), RequestRefused, id="cancelled"),
        pytest.param(job("resting"), LedgerError, id="a state nobody knows"),
        pytest.param(job("completed"), LedgerError, id="completed, with no result"),
        pytest.param(answer(document={"success": True}), LedgerError, id="no job"),
        pytest.param(answer(document={"data": {"id": "../x"}}), LedgerError, id="no proper id"),
        pytest.param(job("in_progress"), LedgerUnreachable, id="N12 without an end"),
    ],
)
def test_what_stops_a_query_is_told_apart(server, connect, act, error):
    server.play(then=act)
    with pytest.raises(error) as caught:
        connect(server.url, limits=CallLimits(attempts=2, query_deadline=60)).query(ASKED)
    assert type(caught.value) is error
    assert caught.value.remedy


def test_a_refusal_says_what_the_ledger_says(server, connect):
    server.play(then=answer(400, {"code": "SYNTAX", "message": "line 1:8: no such column"}))
    with pytest.raises(RequestRefused, match="line 1:8: no such column"):
        connect(server.url).query(ASKED)


def test_a_run_that_is_to_end_does_not_go_on_waiting(server, connect, clock):
    clock.sleep = lambda seconds: None
    server.play(then=job("in_progress"))
    with pytest.raises(LedgerUnreachable, match="did not end within this run"):
        connect(server.url).query(ASKED)
    assert len(server.calls) < 5
