"""The embedded ledger is the strict double it says it is: refuses what it should, hides nothing."""

import inspect
import json

import httpx
import pytest
from books_harness import REFERENCE
from ledger_server import ENTRIES, command, entry, line, run, serving

from reconciler.cli.ledger import ledger as commands
from reconciler.ledger import Limits, create_app, open_ledger
from reconciler.ledger.instance import Ledger
from reconciler.ledger.journals.fields import ENTRY, ORGANIZATION
from reconciler.ledger.journals.fields import UPDATE_FIELDS as UPDATED
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


TRANSACTION = {
    "id": "T-1",
    "transactionType": "Invoice Item",
    "transactionDate": "2026-03-15",
    "currency": "USD",
    "amount": "10.00",
    "debitAccountingCodeName": "Accounts Receivable",
    "creditAccountingCodeName": "Subscription Revenue",
}
CLOSED_FIRST = ("Nov-2014", "2020/02", "Jan-2026", "Feb-2026")
"""The periods of the built-in reference before March."""


def test_t32_an_audit_chain_without_events_is_not_called_intact(tmp_path):
    at = ("--database", f"sqlite:///{tmp_path}/nosuch.db")
    assert "records no change of a ledger" in run("verify", *at, code=1)[1]
    assert list(tmp_path.iterdir()) == []


def test_t32_only_the_events_that_are_verified_are_counted(tmp_path):
    with open_ledger(f"sqlite:///{tmp_path}/two.db") as ledger:
        before = ledger.audited()
        ledger.add_tenant(REFERENCE)
        assert ledger.audited() == before


def test_t32_every_command_works_on_a_database_that_was_never_served(tmp_path):
    file = tmp_path / "transactions.jsonl"
    file.write_text(json.dumps(TRANSACTION))
    at = ("--database", f"sqlite:///{tmp_path}/loaded.db")
    assert command("load-transactions", *at, str(file)).startswith("Loaded 1 transactions")
    at = ("--database", f"sqlite:///{tmp_path}/closed.db")
    refused = run("close-period", *at, "Mar-2026", code=1)[1]
    assert "Earlier periods are not closed: Nov-2014, 2020/02, Jan-2026, Feb-2026" in refused
    for name in CLOSED_FIRST:
        assert command("close-period", *at, name) == f"The accounting period {name} is closed.\n"
    assert command("close-period", *at, "--pending", "Mar-2026").endswith("is pending close.\n")
    assert "Mar-2026" in run("close-period", *at, "March", code=1)[1]  # the names that there are
    assert "Only a period directly before" in run("reopen-period", *at, "Jan-2026", code=1)[1]
    assert command("verify", *at) == "The audit chain is intact: 6 events.\n"
    with serving(tmp_path / "closed.db") as server:
        with server.client("Create Journal Entry") as client:
            answer = client.post(ENTRIES, json=entry())
            assert "needs the permission Manage Close Process" in answer.text
        with server.client("Create Journal Entry", "Manage Close Process") as client:
            assert client.post(ENTRIES, json=entry()).json()["success"] is True
        command("reopen-period", *at, "Mar-2026")  # beside a server that runs
        with server.client("Create Journal Entry") as client:
            assert client.post(ENTRIES, json=entry()).json()["success"] is True


def test_t32_the_open_ended_period_has_the_fiscal_year_zero(strict):
    periods = strict.get("/v1/accounting-periods").json()["accountingPeriods"]
    years = {period["name"]: period["fiscalYear"] for period in periods}
    assert (years["Open-Ended"], years["Mar-2026"]) == (0, 2026)


@pytest.mark.parametrize("field", [field.name for field in (*ENTRY, ORGANIZATION)])
def test_t32_an_update_says_which_field_it_cannot_change(strict, field):
    number = strict.post(ENTRIES, json=entry()).json()["journalEntryNumber"]
    path = f"{ENTRIES}/{number}"
    before = strict.get(path).json()
    answer = strict.put(f"{path}/basic-information", json={field: before.get(field, "x")}).json()
    if field in {each.name for each in UPDATED}:
        assert answer["success"] is True
    else:
        assert answer["reasons"][0]["message"].startswith(f"{field} cannot be changed; cancel")
        assert strict.get(path).json() == before


@pytest.mark.parametrize("field", ["amount", "homeCurrencyAmount", "glString"])
def test_t32_an_update_says_so_of_lines_too(strict, field):
    number = strict.post(ENTRIES, json=entry()).json()["journalEntryNumber"]
    lines = [{"accountingCodeName": "Deferred Revenue", "type": "Debit", field: "1"}]
    path = f"{ENTRIES}/{number}/basic-information"
    answer = strict.put(path, json={"journalEntryItems": lines}).json()
    told = f"journalEntryItems[0].{field} cannot be changed"
    assert answer["reasons"][0]["message"].startswith(told)


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


def test_t32_whatever_an_open_ledger_can_do_a_command_does():
    built = {name for name in vars(Ledger) if not name.startswith("_")}
    reached = {
        "issue_client": "create-client",
        "load_transactions": "load-transactions",
        "change_period": "close-period",
        "audited": "verify",
        "broken_audit": "verify",
        "tenant_of": "close-period",  # its --entity
        "work": "serve",
    }
    # For tests of separation, and for a rehearsal inside the process alone.
    assert built - set(reached) - {"close"} == {"add_tenant", "load_snapshot"}
    assert set(reached.values()) <= set(commands.commands)


def test_t32_whatever_the_app_can_do_serve_passes_on():
    app, server = (set(inspect.signature(each).parameters) for each in (create_app, serve))
    assert app - server - set(INTERNAL) == set()
