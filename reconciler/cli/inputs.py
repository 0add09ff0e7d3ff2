"""What verbs read before they begin, what they ask, and the signals that end them early."""

import signal
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.app.files.text_files import read_text
from reconciler.app.plan import LiveSource, PlanOptions, ReadOptions
from reconciler.app.workspace import CheckedWorkspace, read_workspace
from reconciler.cli.options import given_options, take
from reconciler.cli.streams import stdin_is_terminal
from reconciler.cli.terminal import err, log_steps, out_json, problem_spans, show_error
from reconciler.core.documents.plan_file import plan_of
from reconciler.core.model.finding import counted
from reconciler.core.model.plan import Allowances, Plan, SearchOptions
from reconciler.core.model.scope import Scope
from reconciler.errors import DaybookError, UsageError
from reconciler.render.change_view import cancelling_text
from reconciler.render.findings import problem_rows
from reconciler.render.styled_text import line

if TYPE_CHECKING:
    from reconciler.app.session import Stop


def checked_workspace(*, mends: Collection[str] = (), cached: bool = False) -> CheckedWorkspace:
    """The workspace that the options name, after its errors were shown.

    Problems of the rules that a verb `mends` are no obstacle to it. With `cached`, YAML that an
    earlier run read is not read again.
    """
    workspace = read_workspace(given_options().workspace, cached=cached)
    left = tuple(one for one in workspace.problems if one.rule not in mends)
    workspace = replace(workspace, problems=left)
    err(problem_spans(workspace.errors, workspace.root))
    if workspace.errors:
        out_json({"problems": problem_rows(workspace.errors)})
    log_steps()
    return workspace


def saved_plan(path: Path, *, key: str = "") -> Plan:
    """The plan in a file; with a key, its signature must be of that key."""
    return plan_of(read_text(path), key=key)


def given_plan_options(given: dict[str, Any], *, offline: bool = False) -> PlanOptions:
    """Take the options about a plan out of those of a verb."""
    given["scope"] = Scope(
        offline=offline,
        **{name: given.pop(name) for name in ("targets", "excludes", "periods", "labels")},
    )
    given["allowances"] = take(Allowances, given)
    given["search"] = take(SearchOptions, given)
    given["reading"] = given_reading(given)
    return take(PlanOptions, given)


def given_reading(given: dict[str, Any]) -> ReadOptions:
    """Take the options about the reading of the ledger out of those of a verb."""
    if given["live"] is not None:
        given["live"] = LiveSource(given["live"])
    if given["no_cache"] and given["live"] is LiveSource.QUERY:
        raise UsageError(
            "--live query compares with the cache, so --no-cache excludes it",
            remedy="Omit one of the two.",
        )
    return take(ReadOptions, given)


def require_terminal(remedy: str) -> None:
    """Raises UsageError when nobody can be asked."""
    if not stdin_is_terminal():
        raise UsageError("there is no terminal to confirm on", remedy=remedy)


def asking(verb: str, done: str, *nouns: str) -> Callable[[int, Plan | None], bool]:
    """Asks whether to go on with a number of changes: `yes` alone means yes.

    Of a plan it says what would be cancelled.
    """

    def confirm(count: int, plan: Plan | None) -> bool:
        cancels = cancelling_text(plan) if plan is not None else ""
        err([line((f"{verb} {counted(count, *nouns)}?", "strong"), f" {cancels}" * bool(cancels))])
        with unguarded():
            answer = click.prompt(
                "Only yes is accepted", default="no", show_default=False, err=True
            )
        if str(answer) != "yes":
            err([line(f"Nothing was {done}.")])
        return str(answer) == "yes"

    return confirm


_HANGUP = getattr(signal, "SIGHUP", getattr(signal, "SIGBREAK", signal.SIGTERM))
"""The terminal is gone. Windows has no such signal, but one for Ctrl+Break."""
_ENDING: tuple[int, ...] = (signal.SIGINT, signal.SIGTERM, _HANGUP)

_Handler = Callable[[int, Any], Any] | int | None


@contextmanager
def unguarded() -> Iterator[None]:
    """While nothing is in flight, a signal ends the run at once."""
    usual: dict[int, _Handler] = dict.fromkeys(_ENDING, signal.SIG_DFL)
    usual[signal.SIGINT] = signal.default_int_handler
    guarded = _installed(usual)
    try:
        yield
    finally:
        _installed(guarded)


@contextmanager
def stopping(stop: "Stop", *, after: float, own_process: bool = False) -> Iterator[None]:
    """The first signal ends the run after the calls in flight; the second ends it at once.

    So does the end of its time, `after` that number of seconds. Once the run has ended, its exit
    code stands: one more signal does not change it if the process ends with the command.
    """

    def handle(number: int, frame: Any) -> None:
        if stop.signalled:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        stop.signalled = True
        stop.event.set()
        err([line("Stopping after the calls in flight; a second signal stops at once.")])

    def end() -> None:
        stop.late = True
        stop.event.set()

    before = _installed(dict.fromkeys(_ENDING, handle))
    timer = threading.Timer(min(after, threading.TIMEOUT_MAX), end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except DaybookError as error:
        if not stop.signalled:
            raise
        show_error(error)
        raise KeyboardInterrupt from error
    finally:
        timer.cancel()
        _installed(dict.fromkeys(before, _once) if own_process else before)


def _installed(handlers: dict[int, _Handler]) -> dict[int, _Handler]:
    """Install handlers, and return those that were there. What is ignored stays ignored."""
    before: dict[int, _Handler] = {}
    for number, handler in handlers.items():
        # A program that was started with nohup goes on without its terminal.
        if number != _HANGUP or signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, handler)
    return before


def _once(number: int, frame: Any) -> None:
    """Let one signal pass; the next one ends the process, whatever it waits for."""
    signal.signal(number, signal.SIG_DFL)
