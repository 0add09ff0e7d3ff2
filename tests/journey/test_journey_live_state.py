"""A plan by one query and a plan by reads say the same, whatever the query leaves out."""

import io
import json
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from books_harness import REFERENCE, Books, ServedBooks, credentials, credit, debit
from server_clock import Clock
from socket_server import on_a_socket

from reconciler.ledger import create_app, open_ledger
from reconciler.workspace.cache.program_identity import program_identity
from reconciler.workspace.cache.rows import Cache

PROVED = 4
"""How many each plan reads all the same. In the product it is twenty (test_kept.py)."""

NAMES = [f"entry-{at:02}" for at in range(9)]

QUERY, READS = ("--live", "query"), ("--live", "reads")


@pytest.fixture(scope="session")
def many_template(tmp_path_factory):
    """Nine entries, applied."""
    root = tmp_path_factory.mktemp("templates") / "many"
    with closing(Books(root)) as books:
        books.settings()
        shutil.copy(REFERENCE, root)
        for name in NAMES:
            books.declare(name, notes=f"Notes of {name}")
        assert books.apply().code == 0
    return root


class Proxy:
    """A ledger's app behind a proxy that changes queries of stamps, or what becomes of them."""

    def __init__(self, app):
        self.app, self.rewrite, self.status, self.denied = app, str, "", False
        self.reads = self.queries = 0

    def __call__(self, environ, start):
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        self.reads += method == "GET" and path.startswith("/v1/journal-entries/")
        if path.startswith("/query/jobs"):
            self.queries += method == "POST"
            if self.denied:
                return self._answer(start, "403 Forbidden", {"code": "1", "message": "denied"})
            if method == "POST":
                self._rewrite(environ)
            elif self.status:
                job = {"id": path.rpartition("/")[2], "queryStatus": self.status}
                return self._answer(start, "200 OK", {"data": job})
        return self.app(environ, start)

    def _rewrite(self, environ):
        body = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        body["query"] = self.rewrite(body["query"])
        data = json.dumps(body).encode()
        environ["wsgi.input"] = io.BytesIO(data)
        environ["CONTENT_LENGTH"] = str(len(data))

    def _answer(self, start, status, document):
        data = json.dumps(document).encode()
        start(status, [("Content-Type", "application/json"), ("Content-Length", str(len(data)))])
        return [data]


class Tenant(Books):
    """Books on a served ledger with its own clock, whose queries pass a proxy."""

    names_ledger = False

    def __init__(self, root, *, lag=0):
        database = root.parent / "ledger.db"
        shutil.move(root / ".reconciler" / "ledger.db", database)
        super().__init__(root, database)
        self.leave_ledger_open()
        self.clock = Clock()
        self.clock.pass_by(minutes=5, seconds=7)
        ledger = self._open.enter_context(open_ledger(f"sqlite:///{database}", REFERENCE))
        app = create_app(ledger, clock=self.clock, query_lag=lag)
        self.proxy = Proxy(app)
        self.url = self._open.enter_context(on_a_socket(self.proxy))
        self.env = credentials(database) | {"ZUORA_BASE_URL": self.url}

    _client = ServedBooks._client

    def both(self) -> tuple[dict, dict]:
        """The plan by query and the plan by reads; they differ in nothing but how it is known."""
        return self.plan_document(*QUERY), self.plan_document(*READS)


def told(document):
    """What a plan says, without how it is known."""
    return {name: value for name, value in document.items() if name not in ("live", "checksum")}


@contextmanager
def tenant_of(template, tmp_path, **options) -> Iterator[Tenant]:
    with closing(Tenant(shutil.copytree(template, tmp_path / "books"), **options)) as books:
        first = books.plan_document(*QUERY)
        assert first["live"] == {**first["live"], "by_query": 0, "by_read": len(NAMES)}
        books.clock.pass_by(minutes=1)
        yield books


@pytest.fixture(autouse=True)
def few_are_proved(monkeypatch):
    """So that a few entries are more than each plan reads all the same."""
    monkeypatch.setattr("reconciler.core.planning.kept.PROVED_AT_LEAST", PROVED)


@pytest.fixture
def books(many_template, tmp_path):
    with tenant_of(many_template, tmp_path) as books:
        yield books


def edited(books):
    """Somebody changed one entry and cancelled another; files change, come and go."""
    books.set("entry-08", notes="by hand")
    books.cancel("entry-07")
    books.declare("entry-06", notes="A new text")
    books.declare("entry-09", notes="A new entry")
    books.remove("entry-05")


def test_what_moved_is_read_and_the_rest_is_not(books):
    books.proxy.reads = 0
    quiet = books.plan_document(*QUERY)
    assert quiet["live"] == {**quiet["live"], "by_query": 5, "by_read": PROVED}
    assert books.proxy.reads == PROVED
    books.clock.pass_by(minutes=1)
    edited(books)
    by_query, by_reads = books.both()
    assert told(by_query) == told(by_reads)
    assert by_query["digest"] == by_reads["digest"]
    assert {one["name"]: one["action"] for one in by_query["changes"]} == {
        "entry-05": "remove", "entry-06": "update", "entry-07": "replace",
        "entry-08": "update", "entry-09": "create",
    }  # fmt: skip
    assert by_query["live"]["by_query"] + by_query["live"]["by_read"] == len(NAMES)
    assert "live" not in by_reads


def test_a_deleted_entry_is_missing_because_a_read_says_so(books):
    number = books.number("entry-08")
    books.cancel("entry-08")
    books.call("DELETE", f"journal-entries/{number}")
    by_query, by_reads = books.both()
    assert told(by_query) == told(by_reads)
    assert [one["reason"] for one in by_query["changes"]] == ["missing-in-ledger"]


ROWS = {
    "missing": lambda query: f"{query} WHERE number < 'JE-00000004'",
    "none": lambda query: f"{query} WHERE number IS NULL",
    "cut": lambda query: f"{query} ORDER BY number LIMIT 3",
    "without a stamp": lambda query: query.replace("updateddate AS", "NULL AS"),
    "with another status": lambda query: query.replace("status AS", "currency AS"),
    "of another entry": lambda query: query.replace("number AS", "id AS"),
}


def of_stamps(change):
    """A change of the query of stamps alone."""
    return lambda query: change(query) if "updateddate" in query else query


@pytest.mark.parametrize("fault", ROWS)
def test_rows_that_are_not_as_they_should_be_cost_reads_and_hide_nothing(books, fault):
    edited(books)
    books.proxy.rewrite = of_stamps(ROWS[fault])
    by_query, by_reads = books.both()
    assert told(by_query) == told(by_reads)
    assert by_query["live"]["by_read"] >= len(NAMES) - 2


@pytest.mark.parametrize("fault", ["failed", "cancelled", "denied", "refused"])
def test_without_a_query_every_entry_is_read_and_the_plan_says_so(books, fault):
    edited(books)
    books.remove("entry-09")
    books.proxy.status = fault if fault in ("failed", "cancelled") else ""
    books.proxy.denied = fault == "denied"
    if fault == "refused":
        books.proxy.rewrite = of_stamps(lambda query: f"{query} WHERE nothing = 1")
    by_query, by_reads = books.both()
    assert by_query["changes"] == by_reads["changes"]
    assert by_query["digest"] == by_reads["digest"]
    assert "live" not in by_query
    rules = [one["rule"] for one in by_query["warning_rules"]]
    assert rules.count("stamps-unavailable") == 1
    assert "so every entry was read" in books.plan(*QUERY).out


@pytest.mark.parametrize("lag", [0, 5, 3600])
def test_a_late_query_delays_a_change_and_shapes_none(many_template, tmp_path, lag):
    with tenant_of(many_template, tmp_path, lag=lag) as books:
        books.clock.pass_by(hours=2)
        assert books.plan(*QUERY).code == 0
        books.clock.pass_by(hours=2, seconds=7)
        assert books.plan_document(*QUERY)["live"]["by_query"] == 5
        edited(books)
        by_query, by_reads = books.both()
        reads = {one["name"]: one for one in by_reads["changes"]}
        query = {one["name"]: one for one in by_query["changes"]}
        assert all(reads[name] == change for name, change in query.items())
        # What the files ask for is never late.
        assert query.keys() >= {"entry-05", "entry-06", "entry-09"}
        books.clock.pass_by(hours=2)
        by_query, by_reads = books.both()
        assert told(by_query) == told(by_reads)


def test_a_change_in_the_second_of_the_read_is_seen(books):
    books.set("entry-08", notes="Notes of entry-08, first")
    books.declare("entry-08", notes="Notes of entry-08, first")
    assert books.apply(*QUERY).code == 0
    assert books.plan_document(*QUERY)["changes"] == []
    books.set("entry-08", notes="by hand, in the same second")
    books.clock.pass_by(minutes=1)
    by_query, by_reads = books.both()
    assert told(by_query) == told(by_reads)
    assert [one["name"] for one in by_query["changes"]] == ["entry-08"]


def test_stamps_that_never_move_are_found_out_by_the_sample(books):
    books.proxy.rewrite = of_stamps(lambda query: query.replace("updateddate", "createddate"))
    books.plan(*QUERY)
    books.clock.pass_by(minutes=1)
    assert books.plan_document(*QUERY)["live"]["by_query"] == 5
    # The next sample begins with it: it was read longest ago.
    books.set("entry-08", notes="by hand")
    by_query, by_reads = books.both()
    assert by_query["changes"] == by_reads["changes"]
    assert by_query["live"]["by_query"] == 0
    assert [one["rule"] for one in by_query["warning_rules"]].count("stamps-wrong") == 1
    # The remedy, to the letter: `--live reads`.
    assert "stamps-wrong" not in [one["rule"] for one in by_reads["warning_rules"]]


@pytest.mark.parametrize("how", [QUERY, READS])
def test_an_apply_reads_as_its_plan_did_and_does_what_it_says(books, tmp_path, how):
    edited(books)
    saved = tmp_path / "plan.json"
    assert books.plan(*how, "--out", saved).code == 0
    asked = books.proxy.queries
    books.proxy.rewrite = of_stamps(lambda query: pytest.fail("asked") if how is READS else query)
    ended = books.run("apply", saved, *(how if how is QUERY else ()))
    assert ended.code == 0, ended.said
    assert books.proxy.queries > asked
    after = books.plan_document(*READS)
    assert after["changes"] == []
    assert set(books.posted()) == {*NAMES, "entry-09"} - {"entry-05"}


def test_drift_reads_every_entry_unless_a_query_is_asked_for(books):
    asked = books.proxy.queries
    books.set("entry-08", notes="by hand")
    by_reads = books.run("drift", "--format", "json").json
    assert books.proxy.queries == asked
    assert "live" not in by_reads
    by_query = books.run("drift", *QUERY, "--format", "json").json
    assert by_query.pop("live")["by_query"] == 4
    assert by_query == by_reads
    assert books.run("drift", *QUERY).code == 7


def test_drift_by_query_is_quiet_where_nothing_moved_although_the_query_failed(books):
    books.proxy.status = "failed"
    ended = books.run("drift", *QUERY)
    assert ended.code == 0, ended.said
    assert "stamps-unavailable" in ended.out


@pytest.mark.parametrize("style", ["text", "markdown", "html", "github", "json"])
def test_every_format_says_how_the_live_state_is_known(books, style):
    shown = books.plan(*QUERY, "--format", style).out
    assert ("5 entries unchanged by Data Query" if style != "json" else '"by_query": 5') in shown
    assert ("4 read one by one" if style != "json" else '"by_read": 4') in shown


@pytest.mark.parametrize("way", ["deleted", "damaged", "--no-cache", "--max-age 0"])
def test_the_cache_may_go_at_any_time(books, way):
    cache = books.root / ".reconciler" / "cache.db"
    assert cache.stat().st_mode & 0o777 == 0o600
    whole = books.plan_document(*QUERY)
    books.clock.pass_by(seconds=1)
    if way == "deleted":
        cache.unlink()
    elif way == "damaged":
        with closing(sqlite3.connect(cache)) as database:
            database.execute("UPDATE kept SET body = replace(body, '400.9', '400.8')")
            database.commit()
    extra = way.split() if way.startswith("--") else QUERY
    extra = (*QUERY, *extra) if way == "--max-age 0" else extra
    plan = books.plan_document(*extra)
    assert plan.get("live", {"by_query": 0})["by_query"] == 0
    assert plan["digest"] == whole["digest"]
    assert plan["changes"] == []
    damaged = [one["rule"] for one in plan["warning_rules"]].count("cache-discarded")
    assert damaged == (way == "damaged")


@pytest.mark.parametrize("how", [[], ["--offline"]], ids=["ledger", "offline"])
def test_files_that_an_earlier_plan_read_are_read_again_if_it_changes_them(books, monkeypatch, how):
    monkeypatch.setattr("reconciler.app.file_cache.MANY_FILES", 1)
    books.declare("entry-01", debit("7.00"), credit("7.00"), notes="A new amount")
    whole = books.plan_document("--no-cache", *how)
    cache = books.root / ".reconciler" / "files.db"
    assert not cache.exists()
    assert books.plan_document(*how) == whole
    assert cache.stat().st_mode & 0o777 == 0o600
    assert books.plan_document(*how) == whole
    # Somebody who can write the cache, digests and all, shapes no posting.
    wrong = Cache(cache, generation=program_identity())
    rows = {
        key: (seen, body.replace(b"7.00", b"9.00")) for key, (seen, body) in wrong.rows().items()
    }
    wrong.keep(rows, stays=lambda *_: True)
    refused = books.plan(*how)
    assert refused.code == 1
    assert "the cache of files is wrong" in refused.err
    assert "--no-cache" in refused.err
    assert books.plan_document("--no-cache", *how) == whole
    assert books.apply("--no-cache").code == 0
    assert {
        line["amount"] for line in books.get(books.number("entry-01"))["journalEntryItems"]
    } == {7}


def test_a_damaged_cache_of_files_is_told_and_replaced(books, monkeypatch):
    monkeypatch.setattr("reconciler.app.file_cache.MANY_FILES", 1)
    books.plan()
    cache = books.root / ".reconciler" / "files.db"
    with closing(sqlite3.connect(cache)) as database:
        database.execute("UPDATE kept SET body = replace(body, '400.90', '400.80')")
        database.commit()
    plan = books.plan_document()
    assert plan["changes"] == []
    assert [one["rule"] for one in plan["warning_rules"]].count("cache-discarded") == 1
    assert "cache-discarded" not in [one["rule"] for one in books.plan_document()["warning_rules"]]


def test_a_cache_of_the_repository_is_refused_and_its_remedy_works(books, monkeypatch):
    monkeypatch.chdir(books.root)
    cache = ".reconciler/cache.db"
    for command in (["git", "init", "-q"], ["git", "add", "-f", cache]):
        subprocess.run(command, check=True)
    refused = books.run("plan", *QUERY)
    assert refused.code == 4
    assert "is tracked by git" in refused.err
    remedy = refused.err.split("`")[1]
    assert remedy.startswith("git rm --cached ")
    subprocess.run(remedy.split(), check=True)
    ended = books.run("plan", *QUERY)
    assert ended.code == 0, ended.said


def test_a_query_without_the_cache_is_a_contradiction(books):
    ended = books.plan(*QUERY, "--no-cache")
    assert ended.code == 64
    assert "--no-cache excludes it" in ended.err
