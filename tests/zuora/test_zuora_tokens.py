"""One token for all threads, for as long as it lasts (API facts 2)."""

import fault_server as wire
import pytest
from client_threads import in_threads
from fault_server import TOKEN_DOCUMENT, answer

from reconciler.core.model.kinds import KINDS
from reconciler.errors import AccessRefused, LedgerError
from reconciler.zuora.client import Client
from reconciler.zuora.connection import Connection, Credentials, TenantIdentity

KIND = KINDS["JournalEntry"]
NUMBER = "JE-00000001"


def test_it_is_asked_for_by_form(server, connect):
    connect(server.url).tenant()
    [request] = server.token_requests
    assert (request.method, request.target) == ("POST", "/oauth/token")
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.body == (
        b"client_id=canary-id-4d51-4b2a-9c3e-000000000001"
        b"&client_secret=canary%2Fsecret%2BA%3Db%26c+d%25%C3%A9"
        b"&grant_type=client_credentials"
    )
    assert "authorization" not in request.headers


def test_eight_threads_ask_for_one_token(server, connect):
    client = connect(server.url)
    endings = in_threads(8, lambda: client.read(KIND, NUMBER))
    assert [ending.number for ending in endings] == [NUMBER] * 8
    assert len(server.token_requests) == 1
    assert {request.headers["authorization"] for request in server.calls} == {
        f"Bearer {wire.TOKEN}"
    }


def test_eight_threads_share_one_refusal(server, connect):
    client = connect(server.url)
    server.scripts_token = True
    refusal = answer(401, {"message": "Authentication error"})
    server.play(then=wire.Act(send=refusal.send, delay=0.1))
    endings = in_threads(8, lambda: client.read(KIND, NUMBER))
    assert {type(ending) for ending in endings} == {AccessRefused}
    assert len(server.token_requests) == 1


def test_eight_threads_renew_an_expired_token_once(server, connect):
    client = connect(server.url)
    client.tenant()
    renewed = TOKEN_DOCUMENT | {"access_token": "second"}

    def script(request, index):
        if request.for_token:
            return answer(document=renewed)
        if request.headers.get("authorization") == "Bearer second":
            return answer(document=wire.ENTRY)
        return answer(401, {"message": "Authentication error"})

    server.script, server.scripts_token = script, True
    endings = in_threads(8, lambda: client.read(KIND, NUMBER))
    assert [ending.number for ending in endings] == [NUMBER] * 8
    assert len(server.token_requests) == 2


@pytest.mark.parametrize(
    ("expires_in", "good_until"), [(3599, 3539), (3599.5, 3539.5), (100, 90), (1, 0.9)]
)
def test_it_is_used_until_shortly_before_its_end(server, connect, clock, expires_in, good_until):
    client = connect(server.url)
    server.scripts_token = True
    document = TOKEN_DOCUMENT | {"expires_in": expires_in}
    server.play(then=answer(document=document))
    client.tenant()
    clock.sleep(good_until - 0.5)
    client.tenant()
    assert len(server.token_requests) == 1
    clock.sleep(0.6)
    client.tenant()
    assert len(server.token_requests) == 2


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"access_token": ""}, id="empty"),
        pytest.param({"access_token": None}, id="none"),
        pytest.param({"access_token": "a\r\nX-Evil: 1"}, id="line end inside"),
        pytest.param({"access_token": "a b"}, id="space inside"),
        pytest.param({"token_type": "mac"}, id="another sort"),
        pytest.param({"expires_in": None}, id="no end"),
        pytest.param({"expires_in": 0}, id="over already"),
        pytest.param({"expires_in": "3599"}, id="end as text"),
    ],
)
def test_an_answer_without_a_usable_token_is_an_error(server, connect, change):
    server.scripts_token = True
    server.play(then=answer(document=TOKEN_DOCUMENT | change))
    with pytest.raises(LedgerError) as caught:
        connect(server.url).tenant()
    assert type(caught.value) is LedgerError


@pytest.mark.parametrize(
    ("scope", "tenant_id"),
    [
        ("user.1 entity.2 tenant.4711 openid", "4711"),
        ("tenant.a-b_c", "a-b_c"),
        ("openid", ""),
        ("tenant.", ""),
        ("subtenant.1", ""),
        ("tenant.1/../2", ""),
        (None, ""),
        (7, ""),
    ],
)
def test_the_tenant_is_told_by_the_token(server, connect, scope, tenant_id):
    server.scripts_token = True
    server.play(then=answer(document=TOKEN_DOCUMENT | {"scope": scope}))
    client = connect(server.url, entity_id="entity-1")
    assert client.tenant() == TenantIdentity(
        host="127.0.0.1", tenant_id=tenant_id, entity_id="entity-1"
    )


def test_a_ready_token_is_used_as_it_is(server, connect):
    client = connect(server.url, token="ready")
    client.read(KIND, NUMBER)
    assert server.token_requests == []
    assert server.calls[0].headers["authorization"] == "Bearer ready"
    assert client.tenant().tenant_id == ""


def test_a_ready_token_that_is_refused_cannot_be_renewed(server, connect):
    client = connect(server.url, token="ready")
    server.play(then=answer(401, {"message": "Authentication error"}))
    with pytest.raises(AccessRefused, match="Authentication error"):
        client.read(KIND, NUMBER)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "given", [{}, {"client_id": "x"}, {"client_secret": "x"}, {"token": "a b"}, {"token": "a\n"}]
)
def test_credentials_that_cannot_work_are_refused(given):
    with pytest.raises(AccessRefused) as caught:
        Credentials(**given)
    assert "ZUORA_" in caught.value.remedy


def test_a_closed_client_sends_nothing(server):
    client = Client(Connection(base_url=server.url), Credentials(token="ready"))
    client.read(KIND, NUMBER)
    client.close()
    with pytest.raises(RuntimeError):
        client.read(KIND, NUMBER)
    assert len(server.requests) == 1
