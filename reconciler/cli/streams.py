"""Writes to stdout and stderr. No other module of the command line does.

Every line passes the encoder for terminals, and every text the redactor. What cannot be written is
remembered, so that the exit code says it.
"""

import json
import logging
import os
import sys
import threading
import traceback
import warnings
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from errno import EBADF
from io import TextIOBase, TextIOWrapper
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

import click

from reconciler.app.files.text_files import hide_secrets, without_secrets
from reconciler.render.escaping import escaped
from reconciler.render.styled_text import Part, laid_out

if TYPE_CHECKING:
    from rich.console import Console

_PAINT: Mapping[str, Mapping[str, Any]] = {
    "strong": {"bold": True},
    "place": {"dim": True},
    "faint": {"dim": True},
    "create": {"fg": "green"},
    "update": {"fg": "yellow"},
    "replace": {"fg": "magenta"},
    "remove": {"fg": "red"},
    "adopt": {"fg": "cyan"},
    "forget": {"dim": True},
    "blocked": {"fg": "red", "bold": True},
    "good": {"fg": "green"},
    "warning": {"fg": "yellow"},
    "bad": {"fg": "red", "bold": True},
}

SECRETS = (
    "ZUORA_CLIENT_SECRET",
    "ZUORA_TOKEN",
    "PGPASSWORD",
    "RECONCILER_PLAN_KEY",
    "GITHUB_TOKEN",
    "GITLAB_TOKEN",
    "CI_JOB_TOKEN",
)
"""Variables whose values are never shown."""

_lost: dict[str, str] = {}
"""Why a stream could not be written, by its name."""


_log_format = ["text"]
"""How lines are written to stderr: `text`, or `json`."""

_LEVELS: Mapping[str, str] = {"bad": "error", "warning": "warning"}
"""The levels of styles; of all others it is `info`."""


def begin() -> None:
    """Forget what an earlier command in this process could not write, and its secrets."""
    _lost.clear()
    use_log_format("text")
    logging.getLogger("reconciler").handlers = []
    logging.getLogger("reconciler").setLevel(logging.NOTSET)
    hide_secrets(os.environ.get(name, "") for name in SECRETS)


def use_log_format(name: str | None) -> None:
    """From now on, write each line to stderr as `text` or as `json`; None changes nothing."""
    _log_format[0] = name or _log_format[0]


def lost(name: str = "") -> str:
    """Why stdout or stderr could not be written; empty when all was."""
    return _lost.get(name, "") if name else next(iter(_lost.values()), "")


def write_lines(parts: Iterable[Part], *, to_stderr: bool = False, colour: bool = True) -> None:
    """Write parts: folded for a terminal, and styled if it takes `colour`; plain elsewhere."""
    as_json = to_stderr and _log_format[0] == "json"
    stream = sys.stderr if to_stderr else sys.stdout
    terminal = is_terminal(stream) and not as_json
    lines = laid_out(parts, _columns(stream) if terminal else None)
    if as_json:
        for spans in lines:
            level = next((_LEVELS[style] for _, style in spans if style in _LEVELS), "info")
            _write(_record("".join(text for text, _ in spans).strip(), level), to_stderr=True)
        return
    drawn = (_safe("".join(text for text, _ in spans).rstrip()) for spans in lines)
    if colour and terminal:
        drawn = ("".join(_painted(*span) for span in spans) for spans in lines)
    _write("".join(f"{text}\n" for text in drawn), to_stderr=to_stderr)


def _painted(text: str, style: str) -> str:
    return click.style(_safe(text), **_PAINT[style]) if text and style in _PAINT else _safe(text)


_USUAL_COLUMNS = 80
"""The width of a terminal that does not state one."""


def _columns(stream: TextIO | None) -> int:
    """The width of a terminal: as COLUMNS says, or as the terminal does."""
    stated = os.environ.get("COLUMNS", "")
    if stated.isascii() and stated.isdigit() and int(stated):
        return int(stated)
    with suppress(OSError, ValueError, AttributeError):
        return os.get_terminal_size(stream.fileno()).columns or _USUAL_COLUMNS  # type: ignore[union-attr]
    return _USUAL_COLUMNS


def write_line(text: str, *, to_stderr: bool = False, level: str = "info") -> None:
    """Write a line of text from anywhere. The level is shown in JSON."""
    as_json = to_stderr and _log_format[0] == "json"
    _write(_record(text, level) if as_json else _safe(text) + "\n", to_stderr=to_stderr)


def write_document(text: str, *, to_stderr: bool = False) -> None:
    """Write a text in a machine format: encoded already, for what reads it."""
    _write(without_secrets(text), to_stderr=to_stderr)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a standard stream is open, and is a terminal."""
    with suppress(ValueError):
        return stream is not None and stream.isatty()
    return False


def stderr_is_terminal() -> bool:
    return is_terminal(sys.stderr)


def stdin_is_terminal() -> bool:
    return is_terminal(sys.stdin)


def shown_together() -> bool:
    """Whether stdout and stderr end in the same place, so that a line on both is read twice."""
    try:
        return os.path.sameopenfile(sys.stdout.fileno(), sys.stderr.fileno())
    except (AttributeError, OSError, ValueError):
        return False


def bar_console(*, colour: bool) -> "Console":
    """Where a progress bar is drawn; its texts must be escaped."""
    from rich.console import Console

    return Console(stderr=True, no_color=not colour)


def take_over_process() -> None:
    """Send through this module what Python itself shows: warnings, log records, tracebacks.

    Closed streams are replaced by nothing, so that no file gets their numbers.
    """
    for name in ("stdin", "stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, _Closed())
        elif name != "stdin" and isinstance(stream, TextIOWrapper):
            # Notes and names may hold any character, whatever the locale has.
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    logging.lastResort = LineHandler(logging.WARNING)
    logging.raiseExceptions = False
    warnings.showwarning = lambda message, *_, **__: write_line(
        f"{message}", to_stderr=True, level="warning"
    )
    sys.excepthook = _show_traceback
    threading.excepthook = lambda ended: (
        _show_traceback(ended.exc_type, ended.exc_value, ended.exc_traceback)
        if ended.exc_value is not None
        else None
    )


class _Closed(TextIOBase):
    """A standard stream that was closed before the process began."""

    def write(self, text: str, /) -> int:
        raise OSError(EBADF, "it is closed")


class LineHandler(logging.Handler):
    """Writes log records as lines to stderr, with time and level."""

    def emit(self, record: logging.LogRecord) -> None:
        level = record.levelname.lower()
        text = record.getMessage()
        if _log_format[0] == "text":
            text = f"{_time(record.created)} {level} {text}"
        write_line(text, to_stderr=True, level=level)


def _show_traceback(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    for text in "".join(traceback.format_exception(kind, error, trace)).splitlines():
        write_line(text, to_stderr=True, level="error")


def _time(moment: float | None = None) -> str:
    now = datetime.now(UTC) if moment is None else datetime.fromtimestamp(moment, UTC)
    return now.isoformat(timespec="milliseconds")


def _record(text: str, level: str) -> str:
    """A line of JSON, in ASCII, so that it needs no encoding for any terminal or log."""
    record = {"at": _time(), "level": level, "message": without_secrets(text)}
    return f"{json.dumps(record)}\n" if text else ""


def _safe(text: str) -> str:
    return escaped(without_secrets(text))


def _write(text: str, *, to_stderr: bool) -> None:
    name, stream = ("stderr", sys.stderr) if to_stderr else ("stdout", sys.stdout)
    if not text or name in _lost:
        return
    try:
        click.echo(text, nl=False, file=stream)
    except OSError as error:
        _lose(name, stream, error.strerror or str(error))
    except ValueError:
        _lose(name, stream, "it is closed")
    except RuntimeError:
        # A signal came in the middle of a write, and what it has to say can be left out.
        return


def _lose(name: str, stream: TextIO | None, why: str) -> None:
    """Remember that a stream is lost: no work ends for it, but the exit code tells."""
    _lost[name] = why
    with suppress(OSError, ValueError, AttributeError):
        # What is still in its buffer goes nowhere, also when the process ends.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())  # type: ignore[union-attr]
        os.close(nowhere)
