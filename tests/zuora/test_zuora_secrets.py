"""No secret leaves by any other door than the request it belongs to (I-45, threat A6)."""

import base64
import copy
import json
import logging
import pickle
import traceback
from urllib.parse import quote, quote_plus

import fault_server as wire
import pytest
from fault_server import CLIENT_ID, SECRET, TOKEN, Act, answer, envelope

from reconciler.core.model.kinds import KINDS
from reconciler.errors import LedgerError
from reconciler.http_client.exchange import Request, Response
from reconciler.http_client.redaction import Redactor
from reconciler.zuora.connection import Credentials
from reconciler.zuora.responses import ErrorReason, Operation, classify
from reconciler.zuora.token import Token

KIND = KINDS["JournalEntry"]
BASIC = base64.b64encode(f"{CLIENT_ID}:{SECRET}".encode()).decode()
FORMS = {
    "token": TOKEN,
    "header": f"Bearer {TOKEN}",
    "secret": SECRET,
    "secret in a URL": quote(SECRET, safe=""),
    "secret in a path": quote(SECRET),
    "secret in a form": quote_plus(SECRET),
    "secret in JSON": json.dumps(SECRET)[1:-1],
    "secret in base64": base64.b64encode(SECRET.encode()).decode(),
    "secret in URL base64": base64.urlsafe_b64encode(SECRET.encode()).decode(),
    "secret in hex": SECRET.encode().hex(),
    "Basic header": BASIC,
    "Basic header without padding": BASIC.rstrip("="),
    "client id": CLIENT_ID,
}
ACTS = {
    "refusal": lambda text: answer(200, envelope((58730030, f"bad {text}!"))),
    "denial": lambda text: answer(403, {"code": "x", "message": f"no {text}"}),
    "redirect": lambda text: answer(
        302, raw=b"", headers=[("Location", f"https://{quote(text, safe='')}.example/{text!a}")]
    ),
    "packed": lambda text: answer(raw=b"", headers=[("Content-Encoding", f"{text!a}")]),
    "broken HTTP": lambda text: Act(send=f"HTTP/1.1 {text!a}\r\n\r\n".encode(), end="close"),
    "broken JSON": lambda text: answer(raw=f'{{"success": {text!a}'.encode()),
}


def everything(error: BaseException, caplog: pytest.LogCaptureFixture) -> str:
    """All that may come to anyone's eyes."""
    values = [getattr(error, name, "") for name in ("message", "remedy", "track_id", "__dict__")]
    trace = "".join(traceback.format_exception(error))
    return "\n".join([str(error), repr(error), repr(values), trace, caplog.text])


def assert_silent(text: str) -> None:
    found = [name for name, form in FORMS.items() if form.lower() in text.lower()]
    assert found == []


CELLS = [
    pytest.param(act, form, for_token, id=f"{act_name} of a {asked} echoes {name}")
    for act_name, act in ACTS.items()
    for name, form in FORMS.items()
    for asked, for_token in (("call", False), ("token request", True))
    # A token that was never given to the client is no secret to it yet.
    if not (for_token and TOKEN in form)
]


@pytest.mark.parametrize(("act", "form", "for_token"), CELLS)
def test_a_server_that_echoes_secrets_gets_none_of_them_shown(
    *, server, connect, caplog, act, form, for_token
):
    caplog.set_level(logging.DEBUG)
    client = connect(server.url)
    if not for_token:
        client.tenant()
    server.scripts_token = True
    server.play(then=act(form))
    with pytest.raises(LedgerError) as caught:
        client.cancel(KIND, "JE-00000001")
    assert_silent(everything(caught.value, caplog))


def test_logs_of_a_good_run_name_calls_and_no_secrets(server, connect, caplog):
    caplog.set_level(logging.DEBUG)
    connect(server.url).create(KIND, b'{"notes": "private"}', key="k", track_id="track-7")
    assert "POST /v1/journal-entries, attempt 1, track id track-7" in caplog.text
    assert "private" not in caplog.text
    assert_silent(caplog.text)


def test_a_lost_connection_shows_nothing(server, connect, caplog):
    caplog.set_level(logging.DEBUG)
    client = connect(server.url)
    server.play(then=wire.RESET_AFTER_REQUEST)
    with pytest.raises(LedgerError) as caught:
        client.create(KIND, b"{}", key="k")
    assert_silent(everything(caught.value, caplog))


@pytest.mark.parametrize("show", [repr, str], ids=["repr", "str"])
def test_values_do_not_show_secrets(server, connect, show):
    client = connect(server.url)
    client.tenant()
    body = json.dumps({"access_token": TOKEN}).encode()
    headers = {"authorization": f"Bearer {TOKEN}"}
    for value in (
        Credentials(client_id=CLIENT_ID, client_secret=SECRET),
        Credentials(token=TOKEN),
        client,
        *vars(client).values(),
        Token(text=TOKEN),
        Request(method="POST", target="/oauth/token", body=body, headers=headers),
        Response(status=200, headers=headers, body=body),
        classify(
            Response(status=200, headers={"content-type": "application/json"}, body=body),
            Operation.TOKEN,
        ),
        ErrorReason(code=None, message=SECRET),
    ):
        assert_silent(show(value))


@pytest.mark.parametrize("copied", [pickle.dumps, copy.copy, copy.deepcopy])
def test_credentials_are_not_pickled_or_copied(copied):
    with pytest.raises(TypeError):
        copied(Credentials(client_id=CLIENT_ID, client_secret=SECRET))


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        pytest.param("key-abcd", "a key-abcd b", id="as it is"),
        pytest.param("Key-ABCD", "a kEY-abcd b", id="in another case"),
        pytest.param("key-abcd", "ä key-abcd b", id="beside another letter"),
        pytest.param("key-abcd", "a \u212aey-abcd b", id="with a letter that is a k without case"),
        pytest.param("\u212aey-abcd", "a key-abcd b", id="whose k is another letter"),
    ],
)
def test_a_secret_is_masked_in_any_case_and_beside_any_letter(secret, text):
    assert Redactor([secret]).redact(text) == f"{text[0]} [redacted] b"


def test_a_text_without_a_secret_costs_no_pattern(monkeypatch):
    monkeypatch.setattr(Redactor, "_known", lambda redactor: pytest.fail("compiled"))
    assert Redactor(["key-abcd"]).redact("nothing to hide") == "nothing to hide"


def test_a_form_within_a_form_is_masked_whole():
    redactor = Redactor(["abc", "xabcx"])
    assert redactor.redact("xabcx abc") == "[redacted] [redacted]"
