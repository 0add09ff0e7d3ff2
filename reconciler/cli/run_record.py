"""What a run leaves for machines: its report, and the stream of its events."""

import os
import platform
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from io import FileIO
from json import dumps
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any

import click

from reconciler import __version__
from reconciler.app.apply import INTERRUPTED
from reconciler.app.files.text_files import (
    require_replaceable,
    require_writable,
    without_secrets,
    write_text,
)
from reconciler.app.progress import Event, Note, NothingApplied, RunStarted, Tell
from reconciler.cli.options import given_options
from reconciler.cli.streams import write_document
from reconciler.cli.terminal import err, json_text, out_text, progress, whole_commands
from reconciler.core.model.plan import Action, Plan
from reconciler.core.model.report import (
    NOTHING_BEFORE,
    Applied,
    CallRecorded,
    Outcome,
    Report,
    RunFacts,
    Settled,
    change_row,
    report_document,
    settled_rows,
)
from reconciler.errors import ReconcilerError
from reconciler.render.pace import Pace
from reconciler.render.styled_text import line

EVENTS_FORMAT = "1.1"
FAREWELL = 5.0
"""Seconds that a slow reader of the events gets once the run has ended."""


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class EventStream:
    """Writes JSON documents to a file or to stdout, a line each, as they come.

    A thread of its own writes, so that no reader delays or ends the run.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._queue: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
        self._lost = ""
        self._file = None if path == "-" else _opened(path)
        self._thread = Thread(target=self._work, name="events", daemon=True)
        self._thread.start()

    def put(self, document: dict[str, Any]) -> None:
        """Write a document after those before it, at once and without waiting for it."""
        self._queue.put(document)

    def close(self) -> None:
        """Wait a moment for the reader, and say what it did not get."""
        self._queue.put(None)
        self._thread.join(FAREWELL)
        if self._thread.is_alive():
            self._lost = "its reader does not read"
        if self._lost:
            text = f"warning: the events in {self._path} are incomplete: {self._lost}"
            err([line((text, "warning"))])

    def _work(self) -> None:
        for number, document in enumerate(iter(self._queue.get, None), start=1):
            if not self._lost:
                try:
                    self._write(without_secrets(dumps({"seq": number, **document})) + "\n")
                except OSError as error:
                    self._lost = error.strerror or str(error)
        if self._file is not None:
            self._file.close()

    def _write(self, text: str) -> None:
        if self._file is None:
            write_document(text)
            return
        rest = text.encode()
        while rest:
            rest = rest[self._file.write(rest) or 0 :]


def _opened(path: str) -> FileIO:
    """A file or a pipe to write to, without a buffer. Raises ReconcilerError."""
    require_replaceable(Path(path))
    try:
        # A pipe that nobody reads is refused at once, instead of waited for.
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NONBLOCK", 0)
        descriptor = os.open(path, flags, 0o600)
        if hasattr(os, "O_NONBLOCK"):
            os.set_blocking(descriptor, True)
    except OSError as error:
        raise ReconcilerError(
            f"the events cannot be written to {path}: {error.strerror}",
            remedy="Start the reader of a pipe first. For a file, check the path.",
        ) from error
    return FileIO(descriptor, "w")


class RunRecord:
    """Passes on what a run tells, and records it: in a report when it ends, and as events."""

    def __init__(
        self, tell: Tell, *, style: str, report_file: Path | None, events: str | None
    ) -> None:
        self._tell, self._style, self._file = tell, style, report_file
        self._report: Report | None = None
        self._facts = RunFacts(
            version=__version__, python=platform.python_version(), started_at=_now()
        )
        self._events = events
        self._stream: EventStream | None = None

    def __call__(self, event: Event) -> None:
        match event:
            case RunStarted():
                self._facts = replace(self._facts, **asdict(event))
            case Report():
                self._report = event
                self._save()  # whatever happens next
            case NothingApplied():
                self._report = event.report
        if self._stream is not None and (document := document_of(event)) is not None:
            self._stream.put({"at": _now(), **document})
        self._tell(event)

    @property
    def tell(self) -> Tell:
        """What a run tells its events: the record, where anything of it is written."""
        wanted = self._style != "text" or self._file is not None or self._events
        return self if wanted else self._tell

    def progress(self, what: str, total: int) -> AbstractContextManager[Callable[[], None]]:
        """Shows how far a task is, and writes it to the events at intervals."""
        stream = self._stream
        if stream is None:
            return progress(what, total)
        return progress(what, total, tell=lambda pace: stream.put(_progress_document(pace)))

    def of(self, run: Callable[[], int]) -> int:
        """The exit code of a run, whose report is written however it ends."""
        given_options().recorded = True
        error, remedy, code = "", "", 1
        try:
            self._open()
            code = run()
        except ReconcilerError as raised:
            error, remedy, code = raised.message, raised.remedy, raised.exit_code
            raise
        except (KeyboardInterrupt, click.Abort):
            error, code = "interrupted", INTERRUPTED
            raise
        except Exception as raised:
            error = f"{type(raised).__name__}: {raised}"
            raise
        finally:
            self._end(code, error, remedy)
        return code

    def refused(self, code: int, error: str, remedy: str) -> None:
        """Record a run that ended before it began. Raises ReconcilerError."""
        try:
            self._open()
        finally:
            self._end(code, error, remedy)

    def _open(self) -> None:
        # A file that must not be written is not written at the end either.
        file, self._file = self._file, None
        require_writable(file)
        self._file = file
        if self._events:
            self._stream = EventStream(self._events)

    def _end(self, code: int, error: str, remedy: str) -> None:
        self._facts = replace(
            self._facts, ended_at=_now(), exit_code=code, error=error, remedy=remedy
        )
        if self._stream is not None:
            ended = {"exit_code": code, "error": error, "remedy": remedy}
            self._stream.put({"at": self._facts.ended_at, "event": "run_ended", **ended})
            self._stream.close()
        if self._style == "json" and self._report is not None:
            out_text(self._text())
        self._save()

    def _save(self) -> None:
        if self._file is not None:
            write_text(self._file, self._text())

    def _text(self) -> str:
        document = report_document(self._report or NOTHING_BEFORE, self._facts)
        return without_secrets(json_text(whole_commands(document)))


def _progress_document(pace: Pace) -> dict[str, Any]:
    return {
        "at": _now(),
        "event": "progress",
        "task": pace.task,
        "done": pace.done,
        "total": pace.total,
        "per_second": round(pace.per_second, 3),
        "seconds_left": pace.seconds_left,
    }


def document_of(event: Event) -> dict[str, Any] | None:  # noqa: PLR0911 - one for each event
    """An event as plain JSON values; None for what only people read."""
    match event:
        case RunStarted():
            known = {"format_version": EVENTS_FORMAT, "version": __version__}
            return {"event": "run_started", **known, **asdict(event)}
        case Settled():
            (row,) = settled_rows([event])
            return {"event": "call_settled", **row}
        case Plan():
            counts = Counter(change.action for change in event.pending)
            return {
                "event": "plan_made",
                "plan_digest": event.digest,
                "pending": {action.value: counts[action] for action in Action},
                "refused": [refusal.rule for refusal in event.refusals],
            }
        case CallRecorded():
            row = {**asdict(event), "address": str(event.address)}
            if row.pop("result") is None:
                return {"event": "call_begun", **row}
            return {"event": "call_ended", **row, "result": str(event.result)}
        case Applied():
            return {"event": "change_ended", **change_row(event)}
        case Report():
            summary = {outcome.value: len(event.ended(outcome)) for outcome in Outcome}
            return {"event": "changes_ended", "summary": summary}
        case NothingApplied():
            rows = [asdict(refusal) for refusal in event.report.refusals]
            return {"event": "nothing_applied", "refusals": rows}
        case Note():
            return {"event": "note", "message": event.text}
    return None
