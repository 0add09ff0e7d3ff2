"""The commands: a server that starts and stops cleanly, and clients made before it exists."""

import json
import signal
import subprocess

import httpx
import pytest
from ledger_harness import ENTRIES, REFERENCE, command, entry, post, serving, sign_in
from program import Program
from query_harness import rows


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_serve_until_it_is_told_to_stop(database, stop, request):
    made = command("create-client", "--database", database.url, "--name", "ci", "--format", "json")
    credentials = json.loads(made.output)
    assert set(credentials) == {"client_id", "client_secret"}
    assert len(credentials["client_id"]) == 36
    assert len(credentials["client_secret"]) <= 42
    options = ("--port", "0", "--database", database.url, "--reference", REFERENCE)
    server = Program(("ledger", "serve", *options), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    request.addfinalizer(server.kill)
    ready = server.stderr.readline()
    with httpx.Client(base_url=ready.split()[-1], timeout=None) as client:
        token = sign_in(client, *credentials.values()).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        number = client.post(ENTRIES, json=entry()).json()["journalEntryNumber"]
        assert client.get(f"{ENTRIES}/{number}", headers={"Host": "evil"}).status_code == 403
        assert client.get(f"{ENTRIES}/{number}").status_code == 200
        server.send_signal(stop)
        output, errors = server.communicate()
    assert server.returncode == 0
    assert ready.startswith("Ledger ready at http://127.0.0.1:")
    assert (output, errors) == ("", "")
    # Only the reference that was asked for was seeded, not the built-in one before it.
    names = {row["name"] for row in database.truth("SELECT * FROM accounting_codes")}
    assert "Retired" in names
    assert len(names) == 6


def test_a_client_gets_the_permissions_that_are_named(database):
    arguments = ["create-client", "--database", database.url, "--name", "ci"]
    named = ["--permission", "Edit Journal Entry", "--permission", "Create Journal Entry"]
    result = command(*arguments, *named)
    assert result.exit_code == 0
    assert "client_secret" in result.output
    rows = database.truth("SELECT permissions FROM clients")
    assert json.loads(rows[0]["permissions"]) == ["Create Journal Entry", "Edit Journal Entry"]


def test_an_unknown_permission_is_a_usage_error_with_the_known_ones(database):
    arguments = ["create-client", "--database", database.url, "--name", "ci"]
    result = command(*arguments, "--permission", "Rule the World")
    assert result.exit_code == 64
    assert "'Rule the World'" in result.output
    assert "Delete Cancelled Journal Entry" in result.output
    command("create-client", "--database", database.url, "--name", "another")
    assert len(database.truth("SELECT * FROM clients")) == 1


def test_serve_with_limits_and_a_lag_of_queries(database):
    made = command("create-client", "--database", database.url, "--name", "ci", "--format", "json")
    limits = ("--requests-per-minute", "50", "--requests-per-hour", "60", "--concurrency", "7")
    options = ("--reference", str(REFERENCE), "--query-lag", "3600", *limits)
    with serving(database, *options) as (_server, client):
        token = sign_in(client, *json.loads(made.output).values()).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        headers = client.get(f"{ENTRIES}/{post(client)}").headers
        found = rows(client, "select number from journalentry")
    assert found == []  # the entry is younger than what a query sees
    assert headers["RateLimit-Limit"] == "50, 50;w=60, 60;w=3600"
    assert headers["Concurrency-Limit-Limit"] == "7"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["serve", "--database", "nonsense"], 1, "Error: the database URL is not understood"),
        (["create-client", "--database", "nonsense", "--name", "x"], 1, "not understood"),
        (["serve", "--database", "{db}", "--reference", "nowhere.yaml"], 64, "nowhere.yaml"),
        (["serve", "--database", "{db}", "--host", "0.0.0.0"], 64, "--allow-remote"),
        (["serve", "--database", "{db}", "--host", "203.0.113.1", "--allow-remote"], 1, "listen"),
        (["serve"], 64, "--database"),
        (["serve", "--database", "{db}", "--port", "70000"], 64, "--port"),
        (["serve", "--database", "{db}", "--concurrency", "0"], 64, "--concurrency"),
        (["serve", "--database", "{db}", "--query-lag", "-1"], 64, "--query-lag"),
        (["serve", "--database", "{db}", "--query-lag", "nan"], 64, "--query-lag"),
    ],
)
def test_what_the_user_got_wrong_is_a_line_and_its_remedy_another(
    database, arguments, code, message
):
    result = command(*[argument.format(db=database.url) for argument in arguments])
    assert result.exit_code == code
    assert message in result.output
    assert code == 64 or ["To fix: " in row for row in result.output.splitlines()] == [False, True]
