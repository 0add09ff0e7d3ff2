"""Labelled crash points: where in the real code a process is to be hit, and how.

The product has no hooks. Before the command line runs, the functions named here are wrapped in the
process that is to die; all that they do is done by the real code, up to the blow.
"""

import functools
import importlib
import json
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from typing import Any

from fault_counts import FOLDER, Tally

VARIABLE = "LAB_BLOW"


@dataclass(frozen=True, kw_only=True)
class Blow:
    """What happens when a point is reached for the so-manieth time.

    The process sends itself `signal`, after noting in the tally that it was hit.
    """

    point: str
    nth: int = 1
    signal: int = SIGKILL
    fault: str = "F1"
    counted_as: str = ""

    def variables(self, tally: Tally) -> dict[str, str]:
        """The environment that makes a process install it."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {VARIABLE: json.dumps(fields), FOLDER: str(tally.folder)}


class Fuse:
    """Counts how often a point is reached, and strikes."""

    def __init__(self, blow: Blow, tally: Tally) -> None:
        self._blow, self._tally = blow, tally
        self._lock = threading.Lock()
        self._reached = 0

    def reach(self) -> None:
        if self.due():
            self.strike()

    def due(self) -> bool:
        """Count one more; whether this is the one."""
        with self._lock:
            self._reached += 1
            return self._reached == self._blow.nth

    def strike(self) -> None:
        self._tally.reached(self._blow.fault, self._blow.counted_as or self._blow.point)
        os.kill(os.getpid(), self._blow.signal)


Install = Callable[[Fuse], None]


def before(*places: str) -> Install:
    """When one of these functions is called."""

    def install(fuse: Fuse) -> None:
        def wrap(call: Callable[..., Any], *args: Any, **keywords: Any) -> Any:
            fuse.reach()
            return call(*args, **keywords)

        for place in places:
            wrapped(place, wrap)

    return install


def after(*places: str) -> Install:
    """When one of these functions is about to return."""

    def install(fuse: Fuse) -> None:
        def wrap(call: Callable[..., Any], *args: Any, **keywords: Any) -> Any:
            result = call(*args, **keywords)
            fuse.reach()
            return result

        for place in places:
            wrapped(place, wrap)

    return install


def wrapped(place: str, around: Callable[..., Any]) -> None:
    """Wrap `module:name` or `module:Class.name`; fails when the product has no such thing."""
    module, _, path = place.partition(":")
    owner: Any = importlib.import_module(module)
    *owners, name = path.split(".")
    for part in owners:
        owner = getattr(owner, part)
    call = getattr(owner, name)

    @functools.wraps(call)
    def wrapper(*args: Any, **keywords: Any) -> Any:
        return around(call, *args, **keywords)

    setattr(owner, name, wrapper)


CHANGING = (b"POST /v1/journal-", b"PUT /v1/journal-", b"DELETE /v1/journal-")


def half_a_request(fuse: Fuse) -> None:
    """C07: of the last piece of a request half is written: of its body, where it has one."""
    bodies: set[int] = set()

    def wrap(call: Callable[..., Any], stream: Any, buffer: bytes, **keywords: Any) -> Any:
        inner = stream._inner
        head = buffer.startswith(CHANGING)
        if head and b"\r\ncontent-length: " in buffer.lower():
            bodies.add(id(stream))
        elif head or id(stream) in bodies:
            bodies.discard(id(stream))
            if fuse.due():
                inner.write(buffer[: max(1, len(buffer) // 2)])
                fuse.strike()
        return call(stream, buffer, **keywords)

    wrapped("reconciler.http_client.transport:_Stream.write", wrap)


def before_the_answer(fuse: Fuse) -> None:
    """C08: a changing request is sent, and nothing of its answer is read."""
    sent: set[int] = set()

    def write(call: Callable[..., Any], stream: Any, buffer: bytes, **keywords: Any) -> Any:
        if buffer.startswith(CHANGING):
            sent.add(id(stream))
        return call(stream, buffer, **keywords)

    def read(call: Callable[..., Any], stream: Any, *args: Any, **keywords: Any) -> Any:
        if id(stream) in sent:
            sent.discard(id(stream))
            fuse.reach()
        return call(stream, *args, **keywords)

    wrapped("reconciler.http_client.transport:_Stream.write", write)
    wrapped("reconciler.http_client.transport:_Stream.read", read)


def headers_read(fuse: Fuse) -> None:
    """C09: the headers of an answer to a changing request are in, its body is not."""

    asked = threading.local()

    def sent(call: Callable[..., Any], exchange: Any, request: Any, **given: Any) -> Any:
        asked.changing = f"{request.method} {request.target}".encode().startswith(CHANGING)
        return call(exchange, request, **given)

    def received(call: Callable[..., Any], *args: Any, **given: Any) -> Any:
        if asked.changing:
            fuse.reach()
        return call(*args, **given)

    wrapped("reconciler.http_client.exchange:Exchange.send", sent)
    wrapped("reconciler.http_client.exchange:Exchange._receive", received)


def at_the_commit_of(place: str, *, done: bool) -> Install:
    """When what a function writes to the daybook is committed: just before, or just after.

    That is the next commit of its thread once it is called, be it inside the function or behind it;
    the lease is renewed in another thread, which does not count.
    """

    def install(fuse: Fuse) -> None:
        writing = threading.local()

        def write(call: Callable[..., Any], *args: Any, **keywords: Any) -> Any:
            writing.due = True
            return call(*args, **keywords)

        def commit(call: Callable[..., Any], *args: Any) -> Any:
            due, writing.due = getattr(writing, "due", False), False
            if due and not done:
                fuse.reach()
            call(*args)
            if due and done:
                fuse.reach()

        wrapped(place, write)
        wrapped("reconciler.daybook.transaction:Connections._commit", commit)

    return install


def between_calls(fuse: Fuse) -> None:
    """C14: a change has done a step, and has another before it."""

    def checked(call: Callable[..., Any], work: Any, step: Any) -> Any:
        if work.done:
            fuse.reach()
        return call(work, step)

    engine = importlib.import_module("reconciler.engine.change_executor")
    for verb, call in engine._PERFORM.items():
        engine._PERFORM[verb] = functools.partial(checked, call)


CLIENT: Mapping[str, Install] = {
    "C01": before("reconciler.app.state_directory:open_daybook"),
    "C02": after("reconciler.app.state_directory:open_daybook"),
    "C03": after("reconciler.daybook:Daybook.recorded"),
    "C04": after(
        "reconciler.app.apply:plan_and_search", "reconciler.app.files.importing:_adoptions"
    ),
    "C05": at_the_commit_of("reconciler.daybook:Daybook.record_intent", done=False),
    "C06": after("reconciler.daybook:Daybook.record_intent"),
    "C07": half_a_request,
    "C08": before_the_answer,
    "C09": headers_read,
    "C10": before("reconciler.daybook:Daybook.record_outcome"),
    "C11": at_the_commit_of("reconciler.daybook:Daybook.record_outcome", done=False),
    "C12": at_the_commit_of("reconciler.daybook:Daybook.record_outcome", done=True),
    "C13": after("reconciler.daybook:Daybook.record_outcome"),
    "C14": between_calls,
    "C15": before("reconciler.app.apply:report_of"),
    "C16": after("reconciler.app.apply:exit_code"),
}
"""C1 before lock; C2 lock taken; C3 state read; C4 plan checked; C5 intent written, not committed;
C6 intent durable, nothing sent; C7 request half sent; C8 sent, no answer; C9 headers read; C10
answer read, state not written; C11 outcome written, not committed; C12 committed, nobody told; C13
outcome stored; C14 between the calls of a change; C15 all done, no report; C16 report written, lock
held."""

ONCE = ("C01", "C02", "C03", "C04", "C15", "C16")
"""Points that a run passes once."""

EACH_CALL = ("C05", "C06", "C07", "C08", "C09", "C10", "C11", "C12", "C13")
"""Points that a run passes once for each changing call, while nothing goes wrong."""

LEASE: Mapping[str, Install] = {
    "C02 taking": at_the_commit_of("reconciler.daybook.opening:take_lease", done=False),
    "C02 taken": at_the_commit_of("reconciler.daybook.opening:take_lease", done=True),
    "C16 giving back": at_the_commit_of("reconciler.daybook.daybook:release_lease", done=False),
    "C16 given back": at_the_commit_of("reconciler.daybook.daybook:release_lease", done=True),
}
"""The lease written and not committed, or committed and nobody told; and so when it is given back.
A run passes each of them once."""


def at_its_name(end: str) -> Install:
    """When a file whose name ends so was given its own name, and the directory is not synced."""

    def install(fuse: Fuse) -> None:
        def wrap(call: Callable[..., Any], path: Path, target: Any) -> Any:
            result = call(path, target)
            if path.name.endswith(end):
                fuse.reach()
            return result

        wrapped("pathlib:Path.replace", wrap)

    return install


FOUNDING: Mapping[str, Install] = {
    "C11 founding": at_the_commit_of("reconciler.daybook.opening:_begin", done=False),
    "C12 founding": at_the_commit_of("reconciler.daybook.opening:_begin", done=True),
}
"""A new daybook written and not committed; committed, and in a file not renamed yet."""

FOUNDING_IN_A_FILE: Mapping[str, Install] = {"C12 named": at_its_name("daybook.db.new")}
"""A new daybook renamed into place, and its directory not synced."""

_request = threading.local()


def _at_work(fuse: Fuse, *, reach: bool = False) -> None:
    def wrap(
        call: Callable[..., Any], site: Any, route: Any, request: Any, *rest: Any, **keywords: Any
    ) -> Any:
        changing = f"{request.method} {request.path}".encode().startswith(CHANGING)
        _request.changing, _request.done = changing, False
        if reach and changing:
            fuse.reach()
        try:
            return call(site, route, request, *rest, **keywords)
        finally:
            _request.changing = False

    wrapped("reconciler.ledger.app:respond", wrap)


def _is_changing() -> bool:
    return getattr(_request, "changing", False)


def received(fuse: Fuse) -> None:
    """S1: a changing request is received."""
    _at_work(fuse, reach=True)


def in_the_transaction(fuse: Fuse) -> None:
    """S2: its work is done, in a transaction that is open."""
    _at_work(fuse)

    def wrap(call: Callable[..., Any], *args: Any, **keywords: Any) -> Any:
        result = call(*args, **keywords)
        if _is_changing():
            fuse.reach()
        return result

    wrapped("reconciler.ledger.web.endpoint:success", wrap)


def at_commit(fuse: Fuse) -> None:
    """S3: the commit is about to be asked for."""
    _at_work(fuse)

    def work(call: Callable[..., Any], *args: Any, **keywords: Any) -> Any:
        _request.done = _is_changing()
        return call(*args, **keywords)

    def end(call: Callable[..., Any], transaction: Any, *, commit: bool) -> Any:
        if commit and getattr(_request, "done", False):
            fuse.reach()
        return call(transaction, commit=commit)

    wrapped("reconciler.ledger.web.endpoint:success", work)
    wrapped("reconciler.ledger.storage.transaction:Transaction.end", end)


def half_an_answer(fuse: Fuse) -> None:
    """S5: half of the answer to a changing request is sent."""
    armed = threading.Event()

    def commit(call: Callable[..., Any], *args: Any) -> Any:
        if fuse.due():
            armed.set()
        return call(*args)

    def send(call: Callable[..., Any], channel: Any, data: bytes, **keywords: Any) -> Any:
        if armed.is_set():
            channel.socket.send(bytes(data)[: len(data) // 2])
            fuse.strike()
        return call(channel, data, **keywords)

    wrapped("reconciler.ledger.web.endpoint:_committed", commit)
    wrapped("waitress.channel:HTTPChannel.send", send)


def between_entries(fuse: Fuse) -> None:
    """S6: the worker has handled an entry of a journal run, and has another before it."""

    def wrap(call: Callable[..., Any], *event: Any) -> Any:
        call(*event)
        _author, _action, kind, _number, details = event
        of_a_run = {"transactions", "journalRun"} & set(details)
        if kind == "JournalEntry" and of_a_run:
            fuse.reach()

    wrapped("reconciler.ledger.storage.author:Author.record", wrap)


SERVER: Mapping[str, Install] = {
    "S01": received,
    "S02": in_the_transaction,
    "S03": at_commit,
    "S04": before("reconciler.ledger.web.endpoint:_committed"),
    "S05": half_an_answer,
    "S06": between_entries,
}
"""S1 received; S2 inside the transaction; S3 at commit; S4 committed, nothing sent; S5 answer half
sent; S6 in the worker between two entries."""


POINTS: Mapping[str, Install] = {
    **CLIENT,
    **SERVER,
    **LEASE,
    **FOUNDING,
    **FOUNDING_IN_A_FILE,
}


def install_from_environment() -> None:
    """Install the blow that the environment names, if any."""
    text = os.environ.get(VARIABLE)
    if text:
        blow = Blow(**json.loads(text))
        POINTS[blow.point](Fuse(blow, Tally(folder=Path(os.environ[FOLDER]))))
