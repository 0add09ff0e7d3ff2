"""Who may look at the pages: everybody on this machine, elsewhere who signs in, and no other."""

import hashlib
import logging
import re
import subprocess
import sys
from urllib.parse import quote, urlencode

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledger_harness import ENTRIES, REFERENCE, post, serving, sign_in
from pages_harness import HOST, LocalBench, browse, numbers_of

from reconciler.ledger import Limits, open_ledger
from reconciler.ledger.pages.app import HEADERS, PAGES
from reconciler.ledger.web.headers import LOOPBACK_HOSTS

PATHS = [path.replace("{number}", "JE-00000001") for path in PAGES]
COOKIE = "ledger_session"


@pytest.fixture
def served(make_bench):
    """A ledger as `serve --allow-remote` makes it: it answers to any name, and asks for a login."""
    return make_bench()


def form_of(bench, **limited):
    return dict(
        zip(("client_id", "client_secret"), bench.ledger.issue_client("x", **limited), strict=True)
    )


def signed_in(bench, **limited):
    people = browse(bench)
    assert people.post("/sign-in", data=form_of(bench, **limited)).status_code == 303
    return people


class TestOpen:
    """On a loopback address nobody signs in, and no name but a loopback one is answered."""

    @pytest.fixture(scope="class")
    @staticmethod
    def local(databases, tmp_path_factory):

        bench = LocalBench(databases.copy(tmp_path_factory.mktemp("open")))
        post(bench.client())
        yield bench
        bench.close()

    @pytest.mark.parametrize("host", ["localhost", "localhost:8021", "127.0.0.1:1", "[::1]:8021"])
    def test_loopback_names_are_answered(self, local, host):
        assert browse(local).get("/", headers={"Host": host}).status_code == 200

    @pytest.mark.parametrize("host", ["evil.test", "evil.test:8021", "127.0.0.1.evil.test", ""])
    @pytest.mark.parametrize("path", [*PATHS, "/sign-in", "/pages/style.css"])
    def test_other_names_get_nothing(self, local, host, path):
        response = browse(local).get(path, headers={"Host": host})
        assert response.status_code == 403
        assert "JE-0" not in response.text
        assert local.ledger.tenant_id not in response.text

    @pytest.mark.parametrize("name", ["Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Proto"])
    def test_what_a_proxy_passes_on_is_not_from_here(self, local, name):
        response = browse(local).get("/", headers={name: "for=192.0.2.1"})
        assert (response.status_code, response.headers["Location"]) == (303, "/sign-in?then=%2F")

    def test_there_is_nothing_to_sign_in_to(self, local):
        response = browse(local).get("/sign-in")
        assert (response.status_code, response.headers["Location"]) == (303, "/")
        assert "Sign out" not in browse(local).get("/").text

    def test_an_address_elsewhere_is_none_of_this_machine(self, make_bench):
        bench = make_bench(allowed_hosts=LOOPBACK_HOSTS)
        transport = httpx.WSGITransport(app=bench.app, remote_addr="192.0.2.7")
        with httpx.Client(transport=transport, base_url=HOST) as client:
            assert client.get("/", headers={"Accept": "text/html"}).status_code == 303

    def test_a_name_of_ones_own_needs_a_login(self, make_bench):
        bench = make_bench(allowed_hosts={"localhost", "books.example"})
        response = browse(bench).get("/", headers={"Host": "localhost"})
        assert response.status_code == 303


def test_a_served_ledger_knows_who_asks(seeded):
    with serving(seeded) as (_server, client):
        client.headers["Accept"] = "text/html"
        asked = [{}, {"Host": "evil.test"}, {"X-Forwarded-For": "192.0.2.1"}, {"Via": "1.1 proxy"}]
        statuses = [client.get("/", headers=headers).status_code for headers in asked]
    assert statuses == [200, 403, 303, 303]


def test_a_ledger_served_to_others_asks_them_to_sign_in(seeded):
    with serving(seeded, "--host", "0.0.0.0", "--allow-remote") as (_server, client):
        statuses = [client.get(path).status_code for path in PATHS]
        with open_ledger(seeded.url) as ledger:
            form = dict(zip(("client_id", "client_secret"), ledger.issue_client("x"), strict=True))
        https = {"X-Forwarded-Proto": "https"}
        cookie = client.post("/sign-in", data=form, headers=https).headers["Set-Cookie"]
    assert statuses == [303] * len(PATHS)
    assert "Secure" in cookie


class TestHeaders:
    @pytest.fixture(scope="class")
    @staticmethod
    def local(databases, tmp_path_factory):

        path = databases.copy(tmp_path_factory.mktemp("headers"))
        bench = LocalBench(path, limits=Limits(requests_per_minute=1000, concurrency=9))
        post(bench.client())
        yield bench
        bench.close()

    @pytest.mark.parametrize(
        "path", [*PATHS, "/entries/nope", "/runs/a/b", "/sign-in", "/pages/style.css", "/?entity=x"]
    )
    def test_every_answer_is_strict_and_none_speaks_as_the_api(self, local, path):
        response = browse(local).get(path)
        assert response.status_code < 500
        assert {name: response.headers.get(name) for name in HEADERS} == HEADERS
        assert "default-src 'none'" in HEADERS["Content-Security-Policy"]
        assert "unsafe" not in HEADERS["Content-Security-Policy"]
        for name in response.headers:
            assert not name.lower().startswith(("zuora", "ratelimit", "concurrency"))

    @pytest.mark.parametrize("path", [*PATHS, "/pages/style.css", "/pages/icon.svg"])
    def test_head_is_answered_like_get(self, local, path):
        people = browse(local)
        head, get = people.head(path), people.get(path)
        assert (head.status_code, head.content) == (get.status_code, b"")
        assert head.headers["Content-Type"] == get.headers["Content-Type"]

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
    @pytest.mark.parametrize("path", [*PATHS, "/pages/style.css"])
    def test_pages_can_only_be_read(self, local, method, path):
        response = browse(local).request(method, path)
        assert response.status_code == 405
        assert "GET" in response.headers["Allow"]
        assert "<h1>Method not allowed</h1>" in response.text

    @pytest.mark.parametrize(
        ("path", "accept", "page"),
        [
            ("/", "text/html", True),
            ("/", "*/*", False),
            ("/", "application/json", False),
            ("/runs", "application/json, */*", False),
            ("/entries/a/b", "text/html", True),
            ("/entries/a/b", "*/*", False),
            ("/nowhere", "text/html", False),
            ("/v1/journal-entries/JE-00000009", "text/html", False),
            ("/entriesx", "text/html", False),
        ],
    )
    def test_a_client_of_the_api_gets_its_answers(self, local, path, accept, page):
        client = local.client()
        client.headers["Accept"] = accept
        response = client.get(path)
        if page:
            assert response.headers["Content-Type"] == "text/html; charset=utf-8"
        else:
            assert (response.status_code, response.json()["success"]) == (404, False)

    @pytest.mark.parametrize(
        ("path", "accept", "status"),
        [
            ("/", "*/*", 200),
            ("/", "", 200),
            ("/trial-balance", "text/*", 200),
            ("/", "application/json", 401),
            ("/entries/a/b", "*/*", 401),
            ("/v1/journal-entries/JE-00000001", "text/html", 401),
            ("/nowhere", "text/html", 401),
        ],
    )
    def test_without_a_token_the_paths_of_pages_are_theirs(self, local, path, accept, status):
        response = local.anonymous().get(path, headers={"Accept": accept})
        assert response.status_code == status
        assert response.headers["Content-Type"].startswith(
            "text/html" if status == 200 else "application/json"
        )


class TestSession:
    @pytest.mark.parametrize("path", PATHS)
    def test_nobody_sees_anything_without_one(self, served, path):
        response = browse(served).get(path)
        assert response.status_code == 303
        assert response.headers["Location"].startswith("/sign-in?then=%2F")
        assert response.content == b""

    def test_signing_in_leads_back_to_where_one_was(self, served):
        post(served.client())
        people = browse(served)
        wanted = "/?period=Jan-2026&text=a%26b"
        form = people.get(people.get(wanted).headers["Location"]).text
        then = re.search('name="then" value="([^"]*)"', form)[1].replace("&amp;", "&")
        assert then == wanted
        response = people.post("/sign-in", data={**form_of(served), "then": then})
        assert (response.status_code, response.headers["Location"]) == (303, wanted)
        cookie = response.headers["Set-Cookie"]
        parts = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert parts == {"httponly", "samesite=strict", "path=/", "max-age=3600"}
        assert numbers_of(people.get("/")) == ["JE-00000001"]

    @pytest.mark.parametrize(
        "then",
        [
            *("//evil.test/", "https://evil.test/", "/\\evil.test", "//evil.test/?x", "x", ""),
            *("/sign-out", "/pages/style.css", "javascript:alert(1)", "/v1/journal-entries"),
            "/%0d%0aX: y\r\nX: y",
        ],
    )
    def test_and_never_anywhere_else(self, served, then):
        response = browse(served).post("/sign-in", data={**form_of(served), "then": then})
        assert (response.status_code, response.headers["Location"]) == (303, "/")

    @pytest.mark.parametrize(
        ("headers", "secure"),
        [
            ({}, False),
            ({"X-Forwarded-Proto": "https"}, True),
            ({"X-Forwarded-Proto": "http"}, False),
        ],
    )
    def test_the_cookie_keeps_to_https_where_there_is_some(self, served, headers, secure):
        response = browse(served).post("/sign-in", data=form_of(served), headers=headers)
        assert ("secure" in response.headers["Set-Cookie"].lower()) is secure

    @pytest.mark.parametrize(
        "change",
        [
            {"client_secret": "wrong"},
            {"client_secret": ""},
            {"client_id": "0" * 36},
            {"client_id": "\0"},
            {"client_secret": "\N{EURO SIGN}"},
            {"client_id": "x" * 200},
        ],
        ids=repr,
    )
    def test_other_credentials_are_not_taken(self, served, change):
        form = form_of(served)
        response = browse(served).post("/sign-in", data={**form, **change})
        assert response.status_code == 401
        assert "Set-Cookie" not in response.headers
        assert "The client id or the secret is wrong" in response.text
        assert form["client_secret"] not in response.text

    @pytest.mark.parametrize("path", ["/sign-in", "/oauth/token"])
    def test_a_wrong_secret_is_told_without_a_turn_to_write(self, served, path):
        form = form_of(served) | {"client_secret": "wrong", "grant_type": "client_credentials"}
        with served.database.held():
            assert browse(served).post(path, data=form).status_code == 401

    @pytest.mark.parametrize(
        ("content", "media", "status"),
        [
            (b"", "application/x-www-form-urlencoded", 400),
            (b"{}", "application/json", 415),
            (b"a=1&a=2", "application/x-www-form-urlencoded", 400),
            (b"a" * 9000, "application/x-www-form-urlencoded", 400),
        ],
    )
    def test_other_forms_are_not_read(self, served, content, media, status):
        response = browse(served).post("/sign-in", content=content, headers={"Content-Type": media})
        assert response.status_code == status
        assert "<h1>" in response.text

    @pytest.mark.parametrize(("lifetime", "seconds"), [(None, 3600), (60, 60), (9000, 3600)])
    def test_it_ends_with_its_time(self, served, lifetime, seconds):
        people = signed_in(served, expires_in=lifetime)
        # The client of the test would drop the cookie by itself; the server must not rely on that.
        people.headers["Cookie"] = f"{COOKIE}={people.cookies[COOKIE]}"
        served.clock.pass_by(seconds=seconds - 1)
        assert people.get("/").status_code == 200
        served.clock.pass_by(seconds=1)
        assert people.get("/").status_code == 303

    def test_signing_out_ends_it_for_good(self, served):
        people = signed_in(served)
        text = people.cookies[COOKIE]
        assert people.get("/").status_code == 200
        response = people.post("/sign-out", headers={"Origin": "http://ledger.test"})
        assert response.status_code == 303
        assert "expires=Thu, 01 Jan 1970" in response.headers["Set-Cookie"]
        again = browse(served).get("/", headers={"Cookie": f"{COOKIE}={text}"})
        assert again.status_code == 303

    def test_it_is_stored_only_as_a_hash(self, served):
        text = signed_in(served).cookies[COOKIE]
        stored = {row["token_hash"] for row in served.truth("SELECT token_hash FROM tokens")}
        assert len(text) >= 43
        assert text not in stored
        assert hashlib.sha256(text.encode()).hexdigest() not in stored

    def test_session_and_token_cannot_stand_for_each_other(self, served):
        people = signed_in(served)
        text = people.cookies[COOKIE]
        stored = served.truth("SELECT token_hash FROM tokens")[0]["token_hash"]
        for headers in (
            {"Cookie": f"{COOKIE}={text}"},
            {"Authorization": f"Bearer {text}"},
            {"Authorization": f"Bearer {stored}"},
        ):
            response = served.anonymous().get(f"{ENTRIES}/JE-00000001", headers=headers)
            assert response.status_code == 401
        token = sign_in(served.anonymous(), *form_of(served).values()).json()["access_token"]
        fresh = browse(served)
        for path in (f"/?access_token={token}", f"/?{COOKIE}={text}"):
            assert fresh.get(path).status_code == 303
        for headers in ({"Cookie": f"{COOKIE}={token}"}, {"Authorization": f"Bearer {token}"}):
            assert fresh.get("/", headers=headers).status_code == 303

    def test_it_spans_the_entities_of_its_client(self, make_bench, tmp_path):
        path = tmp_path / "two.yaml"
        units = "  entities:\n    - {id: E-1, name: Europe}\n    - {id: E-2, name: Asia}\n"
        path.write_text(REFERENCE.read_text().replace("spec:\n", f"spec:\n{units}", 1))
        bench = make_bench(reference=path)
        people = signed_in(bench, entities=["Asia"])
        response = people.get("/")
        assert "Asia" in response.text
        assert "Europe" not in response.text
        statuses = [people.get(f"/?entity={name}").status_code for name in ("E-1", "E-2")]
        assert statuses == [404, 200]

    def test_another_tenant_is_another_world(self, served):
        other = served.ledger.add_tenant(REFERENCE)
        post(served.client())
        people = signed_in(served, tenant_id=other)
        assert other in people.get("/").text
        assert numbers_of(people.get("/")) == []

    def test_attempts_are_limited_with_those_for_tokens(self, make_bench):
        bench = make_bench(limits=Limits(token_requests_per_minute=2))
        people, form = browse(bench), form_of(bench)
        sign_in(bench.anonymous(), *form.values())
        wrong = {**form, "client_secret": "wrong"}
        statuses = [people.post("/sign-in", data=data).status_code for data in (wrong, form)]
        assert statuses == [401, 429]
        assert people.post("/sign-in", data=form).headers["Retry-After"]


class TestForms:
    """A form counts only when it comes from these pages."""

    @pytest.mark.parametrize(
        ("headers", "taken"),
        [
            ({}, True),
            ({"Origin": "http://ledger.test"}, True),
            ({"Origin": "https://ledger.test"}, True),
            ({"Origin": "http://ledger.test", "Sec-Fetch-Site": "same-origin"}, True),
            ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, True),
            ({"Origin": "https://books.example", "X-Forwarded-Host": "books.example"}, True),
            ({"Origin": "null"}, False),
            ({"Origin": "http://evil.test"}, False),
            ({"Origin": "http://ledger.test.evil.test"}, False),
            ({"Origin": "http://ledger.test:81"}, False),
            ({"Origin": "http://[evil"}, False),
            ({"Origin": ""}, False),
            ({"Sec-Fetch-Site": "cross-site"}, False),
            ({"Origin": "http://ledger.test", "Sec-Fetch-Site": "same-site"}, False),
        ],
        ids=str,
    )
    def test_signing_in_and_out(self, served, headers, taken):
        people = signed_in(served)
        out = people.post("/sign-out", headers=headers)
        into = browse(served).post("/sign-in", data=form_of(served), headers=headers)
        assert [out.status_code, into.status_code] == [303 if taken else 403] * 2
        assert ("Set-Cookie" in into.headers) is taken
        assert (people.get("/").status_code == 303) is taken


def test_nothing_secret_is_logged(served, caplog):
    caplog.set_level(logging.DEBUG)
    form = form_of(served)
    people = browse(served)
    people.post("/sign-in", data={**form, "client_secret": "almost" + form["client_secret"][6:]})
    people.post("/sign-in", data=form)
    people.get("/")
    for secret in (form["client_secret"], people.cookies[COOKIE]):
        assert secret not in caplog.text


def test_who_never_looks_at_a_page_does_not_load_them():
    script = (
        "import sys, tempfile, reconciler.ledger as ledger\n"
        "folder = tempfile.mkdtemp()\n"
        "app = ledger.create_app(ledger.open_ledger(f'sqlite:///{folder}/ledger.db'))\n"
        "print(sorted({'jinja2', 'reconciler.ledger.pages.app'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_any_request_is_answered(fuzzed, data):
    words = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
    below = st.sampled_from(
        ["/", "/entries/", "/runs", "/runs/", "/trial-balance", "/pages/", "/sign-in"]
    )
    names = st.sampled_from(
        ["period", "status", "run", "text", "older", "newer", "entity", "currency"]
    )
    query = data.draw(st.dictionaries(names | words, words, max_size=4))
    path = data.draw(below) + quote(data.draw(words), safe="/")
    method = data.draw(st.sampled_from(["GET", "GET", "GET", "HEAD", "POST", "PUT"]))
    cookie = {"Cookie": f"{COOKIE}={quote(data.draw(words))}"}
    response = fuzzed.request(method, f"{path}?{urlencode(query)}", headers=cookie)
    assert response.status_code < 500, response.text


@pytest.fixture(scope="module")
def fuzzed(databases, tmp_path_factory):

    bench = LocalBench(databases.copy(tmp_path_factory.mktemp("fuzzed")))
    post(bench.client())
    yield browse(bench)
    bench.close()
