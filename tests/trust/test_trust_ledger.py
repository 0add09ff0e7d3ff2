"""The embedded ledger is the strict double it says it is: refuses what it should, hides nothing."""

import inspect

import httpx
import pytest
from ledger_server import ENTRIES, entry, line, serving

from reconciler.cli.ledger import ledger as commands
from reconciler.ledger import Limits, create_app, open_ledger
from reconciler.ledger.instance import Ledger
from reconciler.ledger.serve import serve


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """A client of a ledger in this process, as `ledger serve` has it by default."""
    with open_ledger(f"sqlite:///{tmp_path_factory.mktemp('strict')}/ledger.db") as ledger:
        credentials = ledger.issue_client("trust")
        transport = httpx.WSGITransport(app=create_app(ledger))
        with httpx.Client(transport=transport, base_url="http://ledger.test") as client:
            form = dict(zip(("client_id", "client_secret"), credentials, strict=True))
            form["grant_type"] = "client_credentials"
            token = client.post("/oauth/token", data=form).json()["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            yield client


def post(client, key, **fields):
    return client.post(ENTRIES, json=entry(**fields), headers={"Idempotency-Key": key})


@pytest.mark.parametrize(("mode", "status"), [((), 422), (("--idempotency", "lenient"), 200)])
def test_t31_a_key_with_another_body_is_never_a_silent_success(tmp_path, mode, status):
    with serving(tmp_path / "ledger.db", *mode) as server, server.client() as client:
        first, again = post(client, "k"), post(client, "k")
        other = post(client, "k", amount="7.00")
        assert (first.status_code, again.content) == (200, first.content)
        assert other.status_code == status
        if status == 200:  # chosen by the flag: the answer is the first one, with its number
            assert other.content == first.content
        else:
            assert "another body" in other.json()["reasons"][0]["message"]
        second = post(client, "k2", amount="7.00").json()["journalEntryNumber"]
        assert (first.json()["journalEntryNumber"], second) == ("JE-00000001", "JE-00000002")


@pytest.mark.parametrize("side", ["Debit", "Credit"])
@pytest.mark.parametrize(
    ("given", "category"),
    [(None, 22), ("400.91", 30), ("400.901", 20), ("-400.90", 20), ("0", 20), (True, 20)],
)
def test_t31_every_line_has_the_home_amount_that_the_rules_want(strict, side, given, category):
    lines = [
        line(each, code, **({"homeCurrencyAmount": given} if each == side else {}))
        for each, code in (("Debit", "Deferred Revenue"), ("Credit", "Subscription Revenue"))
    ]
    answer = strict.post(ENTRIES, json=entry(journalEntryItems=lines))
    assert answer.status_code == 400
    assert {reason["code"] % 100 for reason in answer.json()["reasons"]} >= {category}
    assert "homeCurrencyAmount" in answer.text


def test_t32_the_token_answer_carries_its_rate_headers(tmp_path):
    options = ("--token-requests-per-minute", "1", "--token-lifetime", "77")
    with (
        serving(tmp_path / "ledger.db", *options) as server,
        httpx.Client(base_url=server.url) as c,
    ):
        answers = [server.sign_in(c)]
        while answers[-1].status_code == 200:  # the second is in the same minute, or the third is
            answers.append(server.sign_in(c))
        assert answers[0].json()["expires_in"] == 77
        for answer in answers:
            assert answer.headers["X-RateLimit-Limit-minute"] == "1"
            assert answer.headers["X-RateLimit-Remaining-minute"] == "0"
        assert int(answers[-1].headers["Retry-After"]) > 0
    with serving(tmp_path / "ledger.db") as server, httpx.Client(base_url=server.url) as c:
        assert "X-RateLimit-Remaining-minute" in server.sign_in(c).headers


INTERNAL = {
    "ledger": "the database, from --database",
    "clock": "tests set the time",
    "after_commit": "tests crash there",
    "allowed_hosts": "from --host",
    "failed_login_delay": "a protection, not a behaviour of the vendor",
    "worker": "serve runs one",
    "limits": "an option for each of its fields",
    "tenant_id": "the first tenant",
}
"""Parameters that no option sets, and why."""
NAMES = {"strict_idempotency": "idempotency"}


def options_of(command: str) -> set[str]:
    return {parameter.name for parameter in commands.commands[command].params}


@pytest.mark.parametrize(
    ("function", "command"),
    [(create_app, "serve"), (Limits, "serve"), (Ledger.issue_client, "create-client")],
)
def test_t32_whatever_the_ledger_can_do_an_option_turns_on(function, command):
    built = set(inspect.signature(function).parameters) - {"self"} - set(INTERNAL)
    assert {NAMES.get(name, name) for name in built} - options_of(command) == set()


def test_t32_whatever_the_app_can_do_serve_passes_on():
    app, server = (set(inspect.signature(each).parameters) for each in (create_app, serve))
    assert app - server - set(INTERNAL) == set()
