"""What goes over the wire: paths, headers and bytes (API facts 1.1, 3.1)."""

import pytest
from fault_server import CREATED, answer

from reconciler.core.model.kinds import KINDS

KIND = KINDS["JournalEntry"]
NUMBER = "JE-00000001"
BODY = b'{"amount": "400.90",  "odd":"spacing"}'

CALLS = {
    "create": lambda client, **extra: client.create(KIND, BODY, key="key-1", **extra),
    "read": lambda client, **_: client.read(KIND, NUMBER),
    "update": lambda client, **extra: client.update(KIND, NUMBER, BODY, **extra),
    "cancel": lambda client, **extra: client.cancel(KIND, NUMBER, **extra),
    "delete": lambda client, **extra: client.delete(KIND, NUMBER, **extra),
}


@pytest.mark.parametrize(
    ("call", "method", "path", "body"),
    [
        ("create", "POST", "/v1/journal-entries", BODY),
        ("read", "GET", f"/v1/journal-entries/{NUMBER}", b""),
        ("update", "PUT", f"/v1/journal-entries/{NUMBER}/basic-information", BODY),
        ("cancel", "PUT", f"/v1/journal-entries/{NUMBER}/cancel", b""),
        ("delete", "DELETE", f"/v1/journal-entries/{NUMBER}", b""),
    ],
)
@pytest.mark.parametrize("prefix", ["", "/gateway/zuora"])
def test_each_call_has_its_path_and_its_body(*, server, connect, prefix, call, method, path, body):
    CALLS[call](connect(server.url + prefix))
    [request] = server.calls
    assert (request.method, request.target, request.body) == (method, prefix + path, body)


@pytest.mark.parametrize("call", CALLS)
def test_every_call_says_version_and_track_id(server, connect, call):
    CALLS[call](connect(server.url, zuora_version="2024-05-20"))
    [request] = server.calls
    assert request.headers["zuora-version"] == "2024-05-20"
    assert request.headers["user-agent"] == "reconciler"
    assert request.headers["accept"] == "application/json"
    track_id = request.headers["zuora-track-id"]
    assert 16 <= len(track_id) <= 64
    assert track_id.isascii()
    assert "zuora-entity-ids" not in request.headers
    assert "zuora-org-ids" not in request.headers
    assert "cookie" not in request.headers


def test_entity_and_organizations_are_named_when_they_are_set(server, connect):
    client = connect(server.url, entity_id="e-1", organization_ids=("o-1", "o-2"))
    client.read(KIND, NUMBER)
    [request] = server.calls
    assert request.headers["zuora-entity-ids"] == "e-1"
    assert request.headers["zuora-org-ids"] == "o-1,o-2"


def test_no_two_calls_share_a_track_id(server, connect):
    client = connect(server.url)
    for _ in range(20):
        client.read(KIND, NUMBER)
    assert len({request.headers["zuora-track-id"] for request in server.requests}) == 21


@pytest.mark.parametrize("call", [name for name in CALLS if name != "read"])
def test_a_given_track_id_is_used(server, connect, call):
    CALLS[call](connect(server.url), track_id="run-7/step-3")
    assert server.calls[0].headers["zuora-track-id"] == "run-7/step-3"


@pytest.mark.parametrize("track_id", ["x" * 65, "a:b", "a;b", 'a"b', "a'b", "\u00e4", "a\r\nb"])
def test_a_track_id_the_api_forbids_is_not_sent(server, connect, track_id):
    with pytest.raises(ValueError, match="track id"):
        connect(server.url).cancel(KIND, NUMBER, track_id=track_id)
    assert server.requests == []


@pytest.mark.parametrize("key", ["", "x" * 256, "\u00e4", "a\nb", "a b"])
def test_a_key_the_api_forbids_is_not_sent(server, connect, key):
    with pytest.raises(ValueError, match="Idempotency-Key"):
        connect(server.url).create(KIND, BODY, key=key)
    assert server.requests == []


def test_the_longest_key_is_sent(server, connect):
    connect(server.url).create(KIND, BODY, key="k" * 255)
    assert server.calls[0].headers["idempotency-key"] == "k" * 255


def test_cookies_are_not_kept(server, connect):
    client = connect(server.url)
    server.play(answer(document=CREATED, headers=[("Set-Cookie", "a=b; Path=/")]))
    client.create(KIND, BODY, key="k")
    client.read(KIND, NUMBER)
    assert "cookie" not in server.calls[1].headers


def test_every_attempt_sends_the_body_as_it_is_recorded(server, connect):
    """The same key with other bytes has an unknown result (API facts 7.5): no compression."""
    body = b'{"notes": "' + b"n" * 30_000 + b'"}'
    server.play(answer(503, raw=b""))
    connect(server.url).create(KIND, body, key="k")
    assert [call.body for call in server.calls] == [body, body]
    assert not any("content-encoding" in call.headers for call in server.calls)


def test_connections_are_reused(server, connect):
    client = connect(server.url)
    for _ in range(5):
        client.read(KIND, NUMBER)
    assert server.connections == 2  # one for the token, which this server closes
