"""What a run leaves for machines: the stream of its events, and a report however it ends."""

import fcntl
import json
import os
import re
import sqlite3
from contextlib import closing
from itertools import count

import pytest
from books_harness import entry
from document_schemas import must_fit

from reconciler import __version__
from reconciler.cli import run_record, terminal


def events_in(text):
    """The events of a stream. Each line is one that the schema describes, and they are numbered."""
    lines = text.splitlines()
    for row in lines:
        must_fit("apply-event", row)
    found = [json.loads(row) for row in lines]
    assert [event["seq"] for event in found] == [*range(1, len(found) + 1)]
    assert [event["at"] for event in found] == sorted(event["at"] for event in found)
    return found


def calls_in_daybook(books, *, after):
    """What the daybook has of calls: number and type in its order, and how each ended."""
    place = books.root / ".reconciler" / "daybook.db"
    with closing(sqlite3.connect(place)) as daybook:
        rows = daybook.execute(
            "SELECT seq, type, content FROM events WHERE type IN ('intent', 'outcome') AND seq > ?"
            " ORDER BY seq",
            [after],
        ).fetchall()
    found = [(seq, sort, json.loads(content)) for seq, sort, content in rows]
    return [
        ("call_begun", seq, content["act"])
        if sort == "intent"
        else ("call_ended", content["intent"], content["result"])
        for seq, sort, content in found
    ]


def last_seq(books):
    with closing(sqlite3.connect(books.root / ".reconciler" / "daybook.db")) as daybook:
        return daybook.execute("SELECT max(seq) FROM events").fetchone()[0]


@pytest.fixture
def pending(small):
    """A create, an update, a replace and a removal are pending."""
    small.declare("new")
    small.write("entry-01.yaml", entry("entry-01", notes="edited"))
    small.remove("entry-03")
    return small


def test_the_events_are_those_of_the_daybook_in_its_order(pending, tmp_path):
    before, stream = last_seq(pending), tmp_path / "events.jsonl"
    ended = pending.apply("--events", stream)
    assert ended.code == 0, ended.said
    events = events_in(stream.read_text())
    calls = [
        (event["event"], event["call"], event.get("result") or event["act"])
        for event in events
        if event["event"] in ("call_begun", "call_ended")
    ]
    assert calls == calls_in_daybook(pending, after=before)
    assert len(calls) >= 6
    assert [events[0]["event"], events[1]["event"]] == ["run_started", "plan_made"]
    assert events[-1] | {"seq": 0, "at": ""} == {
        "seq": 0,
        "at": "",
        "event": "run_ended",
        "exit_code": 0,
        "error": "",
        "remedy": "",
    }
    changed = {event["address"] for event in events if event["event"] == "change_ended"}
    assert changed == {f"JournalEntry/{name}" for name in ("new", "entry-01", "entry-03")}
    assert stream.stat().st_mode & 0o777 == 0o600


def test_events_on_stdout_are_alone_there(pending):
    ended = pending.apply("--events", "-")
    assert events_in(ended.out)[-1]["exit_code"] == 0
    refused = pending.apply("--events", "-", "--format", "json")
    assert [event["exit_code"] for event in events_in(refused.out)] == [refused.code] == [64]


def test_a_refused_plan_is_told_by_its_rules(small):
    for name in ("entry-00", "entry-01", "entry-02", "entry-03", "entry-04"):
        small.remove(name)
    ended = small.apply("--events", "-")
    _, made, _, last = events_in(ended.out)
    assert made["refused"] == ["too-many-removals"]
    assert last["exit_code"] == ended.code == 4


def test_why_nothing_was_applied_is_in_the_report_and_the_events(small, tmp_path):
    """Whoever reads only documents sees the refusals that a person sees."""
    small.settings(spec="{policy: {limits: {money: {USD: 400}}}}")
    small.declare("new")
    events, report = tmp_path / "events", tmp_path / "report.json"
    ended = small.apply("--events", str(events), "--report", str(report), "--format", "json")
    (refused,) = json.loads(report.read_text())["refusals"]
    assert (refused["rule"], ended.code, ended.json["refusals"]) == ("money-limit", 4, [refused])
    assert "USD 400.90 would be posted or cancelled" in refused["message"]
    *_, told, last = events_in(events.read_text())
    assert (told["event"], told["refusals"], last["event"]) == (
        "nothing_applied", [refused], "run_ended",
    )  # fmt: skip


@pytest.fixture
def slow(pending, monkeypatch):
    """Twenty seconds pass with each step of a task."""
    times = count(step=20)
    monkeypatch.setattr(terminal, "monotonic", lambda: next(times))
    return pending


def paces(events):
    return [
        (event["task"], event["done"], event["total"], event["per_second"], event["seconds_left"])
        for event in events
        if event["event"] == "progress"
    ]


APPLYING = "Applying: 2 of 3, 3.0 a minute, 20 s left.\n"


def test_an_apply_tells_its_rate_and_the_time_left_at_intervals(slow, tmp_path):
    stream, report = tmp_path / "events.jsonl", tmp_path / "report.json"
    ended = slow.apply("--events", stream, "--report", report)
    assert ended.code == 0
    assert ended.err.count(APPLYING) == ended.err.count("Applying") == 1
    assert ("Applying", 2, 3, 0.05, 20) in paces(events_in(stream.read_text()))
    for lasting in (ended.out, report.read_text()):
        assert "a minute" not in lasting
        assert "per_second" not in lasting


def test_a_quiet_apply_tells_its_rate_to_the_events_only(slow, tmp_path):
    stream = tmp_path / "events.jsonl"
    ended = slow.apply("--quiet", "--events", stream)
    assert (ended.code, "Applying" in ended.err) == (0, False)
    assert ("Applying", 2, 3, 0.05, 20) in paces(events_in(stream.read_text()))


def test_an_apply_that_is_fast_tells_no_rate(pending, monkeypatch):
    monkeypatch.setattr(terminal, "monotonic", lambda: 0.0)
    ended = pending.apply("--events", "-")
    assert "Applying" not in ended.err
    assert paces(events_in(ended.out)) == []


@pytest.fixture
def pipe(tmp_path):
    """A named pipe that holds a page, and a descriptor to read it."""
    path = tmp_path / "events"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)
    yield path, reader
    os.close(reader)


def test_a_reader_that_does_not_read_delays_no_apply(pending, pipe, monkeypatch):
    monkeypatch.setattr(run_record, "FAREWELL", 0.05)
    for number in range(20):
        pending.declare(f"more-{number:02}")
    ended = pending.apply("--events", pipe[0])
    assert ended.code == 0
    assert f"warning: the events in {pipe[0]} are incomplete: its reader does not read" in ended.err
    assert pending.plan("--detailed-exitcode").code == 0


def test_a_reader_that_goes_away_ends_no_apply(pending, tmp_path):
    path = tmp_path / "events"
    os.mkfifo(path)
    keep = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    original = run_record.EventStream.put

    def put(stream, document):
        if document["event"] == "plan_made":
            os.close(keep)
        original(stream, document)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_record.EventStream, "put", put)
        ended = pending.apply("--events", path)
    assert ended.code == 0
    assert "are incomplete: Broken pipe" in ended.err
    assert pending.plan("--detailed-exitcode").code == 0


def test_a_pipe_that_nobody_reads_is_refused_before_anything_is_sent(pending, tmp_path):
    path, before = tmp_path / "events", last_seq(pending)
    os.mkfifo(path)
    ended = pending.apply("--events", path)
    assert ended.code == 1
    assert "To fix: Start the reader of a pipe first." in ended.err
    assert last_seq(pending) == before


def bad_file(books):
    books.write("broken.yaml", "kind: JournalEntry\n")
    return []


def other_plan(books):
    books.plan("--out", books.root.parent / "plan.json")
    books.declare("later")
    return [books.root.parent / "plan.json"]


def no_plan(books):
    return [books.root.parent / "missing.json"]


@pytest.mark.parametrize(
    ("prepare", "code", "said"),
    [
        pytest.param(lambda _: ["--period", "Jan-2031"], 64, "Jan-2031", id="a wrong option"),
        pytest.param(no_plan, 1, "cannot be read", id="no saved plan"),
        pytest.param(bad_file, 3, "", id="a file with errors"),
        pytest.param(other_plan, 5, "", id="another plan than was reviewed"),
        pytest.param(lambda _: [], 0, "", id="nothing went wrong"),
    ],
)
def test_a_report_is_written_however_the_run_ends(small, tmp_path, prepare, code, said):
    words, path = prepare(small), tmp_path / "report.json"
    ended = small.apply(*words, "--report", path)
    assert ended.code == code, ended.said
    run = json.loads(path.read_text())["run"]
    assert (run["exit_code"], run["version"]) == (code, __version__)
    assert run["started_at"] <= run["ended_at"]
    assert said in run["error"]
    assert bool(run["error"]) == (code != 0)
    if code == 0:
        assert (run["workspace"], run["commit"]) == ("acme-books", "")
        assert run["tenant"].endswith("/-")


LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00 (debug|info|warning|error) .+")


def test_every_call_is_shown_with_its_time_and_level(small):
    lines = small.plan("-v").err.splitlines()
    assert lines
    assert [line for line in lines if not LINE.fullmatch(line)] == []


@pytest.mark.parametrize(
    ("words", "code", "levels"),
    [
        pytest.param(["-v"], 0, {"debug"}, id="calls"),
        pytest.param(["--target", "nosuch"], 64, {"info", "error"}, id="a wrong option"),
        pytest.param(["--wat"], 64, {"info", "error"}, id="an unknown option"),
    ],
)
def test_stderr_is_json_where_that_is_asked_for(small, monkeypatch, words, code, levels):
    monkeypatch.setenv("RECONCILER_LOG_FORMAT", "json")
    ended = small.plan(*words)
    records = [json.loads(line) for line in ended.err.splitlines()]
    assert ended.code == code
    assert {record["level"] for record in records} == levels
    assert all({*record} == {"at", "level", "message"} for record in records)
    assert ended.err.isascii()
    monkeypatch.delenv("RECONCILER_LOG_FORMAT")
    assert not small.plan("--wat").err.startswith("{")
