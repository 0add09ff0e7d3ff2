"""No credential is ever shown, whatever happens."""

import shutil

import pytest
from books_fixtures import SERVED
from books_harness import process

CANARY = "canary7c1f9b2e4d6a8035f1e2d3c4b5a69788"


@pytest.mark.parametrize("verb", ["validate", "plan", "apply", "drift", "doctor"])
@pytest.mark.parametrize(
    "secret",
    [
        {"ZUORA_CLIENT_ID": f"id-{CANARY}", "ZUORA_CLIENT_SECRET": CANARY},
        {"ZUORA_TOKEN": CANARY},
        {"ZUORA_TOKEN": f"{CANARY} with spaces"},
    ],
    ids=["client", "token", "odd token"],
)
def test_a_refused_credential_is_not_shown(served_small_shared, verb, secret):
    books = served_small_shared
    books.env = {"ZUORA_BASE_URL": books.url, **secret}
    ended = books.run(verb, "-v", *(["-y"] if verb == "apply" else []))
    # A token that was fetched elsewhere does not tell whose ledger it opens.
    refused = 4 if secret == {"ZUORA_TOKEN": CANARY} else 8
    assert ended.code == (0 if verb == "validate" else refused), ended.said
    assert CANARY not in ended.said
    assert not [path for path in books.root.rglob("*.json") if CANARY in path.read_text()]


def test_the_state_beside_a_tenants_books_stays_out_of_git(opened, empty_template):
    books = opened(empty_template, place=SERVED)
    shutil.rmtree(books.root / ".reconciler")
    books.declare("new")
    assert books.run("apply", "-y").code == 0
    assert (books.root / ".reconciler/.gitignore").read_text() == "*\n"
    assert (books.root / ".reconciler").stat().st_mode & 0o077 == 0


def test_an_accepted_credential_is_not_shown(served_small, tmp_path):
    secret = served_small.env["ZUORA_CLIENT_SECRET"]
    served_small.declare("new")
    report = tmp_path / "report.json"
    said = ""
    for args in (
        ["plan", "-v", "--out", tmp_path / "plan.json"],
        ["apply", "-v", "-y", "--report", report],
        ["drift", "-v", "--format", "json"],
        ["doctor", "-v"],
    ):
        ended = served_small.process(*args)
        assert ended.code == 0, ended.said
        said += ended.said
    said += report.read_text() + (tmp_path / "plan.json").read_text()
    assert secret not in said
    assert "Bearer" not in said
    daybook = b"".join(file.read_bytes() for file in (served_small.root / ".reconciler").iterdir())
    assert secret.encode() not in daybook


def test_a_secret_in_a_url_is_not_shown(small):
    small.leave_ledger_open()
    small.env = {"ZUORA_BASE_URL": f"https://user:{CANARY}@rest.zuora.com", "ZUORA_TOKEN": "t"}
    for verb in ("plan", "doctor"):
        ended = small.run(verb)
        assert ended.code == 1
        assert CANARY not in ended.said


def test_help_shows_no_environment(small):
    env = {"ZUORA_CLIENT_SECRET": CANARY, "ZUORA_TOKEN": CANARY}
    for args in (["--help"], ["plan", "--help"], ["plan", "--nonsense"], ["version"]):
        assert CANARY not in process(*args, env=env).said
