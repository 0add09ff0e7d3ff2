"""Keeps outcomes that the daybook could not store, and records them later (I-43)."""

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import chain, count
from pathlib import Path

from reconciler.core.model.history import CALLS, Act, Recorded, Result
from reconciler.core.model.report import CallRecorded, Settled
from reconciler.core.model.resource import Address
from reconciler.core.recovery.spill_record import (
    MOST_BYTES,
    SpillRecord,
    UnreadableSpillRecord,
    key_digest,
    line_of,
    record_from,
)
from reconciler.daybook import CallOutcome, CallRecord, Daybook, DaybookReader, Intent
from reconciler.daybook.fsync import sync
from reconciler.engine.call_outcome import settlement_of
from reconciler.engine.ports import CallLog
from reconciler.engine.settlement_record import record_settled
from reconciler.errors import DaybookError
from reconciler.values import dataclass


class SpillingDaybook:
    """A daybook that writes outcomes to a spill file when it cannot store them.

    If the file at `path` cannot be written either, `show` is called with the line. `watch` is
    told of a call once its intent is on disk, and again of its result and number.
    """

    def __init__(
        self,
        daybook: Daybook,
        path: Path,
        *,
        show: Callable[[str], None],
        watch: Callable[[CallRecorded], None] = lambda _: None,
    ) -> None:
        self._daybook, self._path, self._show, self._watch = daybook, path, show, watch
        self._lock = threading.Lock()

    def record_intent(self, intent: Intent) -> Intent:
        """Write an intent before its call. If it cannot be written, nothing is sent."""
        intent = self._daybook.record_intent(intent)
        self._tell(intent, None, intent.number)
        return intent

    def unsettled(self) -> tuple[Intent, ...]:
        return self._daybook.unsettled()

    def recorded(self) -> Mapping[Address, Recorded]:
        return self._daybook.recorded()

    def last_number(self, kind: str, *, before: Intent | None = None) -> str | None:
        return self._daybook.last_number(kind, before=before)

    def record_outcome(self, intent: Intent, outcome: CallOutcome) -> None:
        """Write an outcome. Raises DaybookError when only the spill file has it, or nothing."""
        try:
            self._daybook.record_outcome(intent, outcome)
            self._tell(intent, outcome.result, outcome.number or intent.number)
        except DaybookError as error:
            if outcome.result is Result.UNKNOWN or intent.act not in CALLS:
                # An open call is unknown anyway, and a note is planned again.
                raise
            record = SpillRecord(
                lineage=self._daybook.lineage,
                intent=intent.seq,
                address=intent.address,
                act=intent.act,
                outcome=outcome,
                key=key_digest(intent.key),
            )
            raise DaybookError(
                f"{error.message}; {self._keep(line_of(record))}",
                remedy="Make the daybook writable, then run the command again: it reads the "
                "spill file and settles the other open calls.",
            ) from error

    def _tell(self, intent: Intent, result: Result | None, number: str | None) -> None:
        self._watch(
            CallRecorded(
                call=intent.seq,
                address=intent.address,
                act=intent.act.value,
                number=number,
                track_id=intent.track_id,
                result=result,
            )
        )

    def _keep(self, line: str) -> str:
        """Store a line, and return where it is."""
        with self._lock:
            try:
                _append(self._path, line)
            except OSError as error:
                self._show(line)
                return (
                    f"{self._path} cannot be written either ({error.strerror}), so the outcome is "
                    "printed"
                )
        return f"the outcome is kept in {self._path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpillContents:
    """The contents of a spill file: usable lines, and why others are not."""

    lines: tuple[SpillRecord, ...] = ()
    problems: tuple[str, ...] = ()


def examine(daybook: DaybookReader, path: Path) -> SpillContents | None:
    """Read a spill file and check it against the daybook; None when there is no file."""
    try:
        text = _read(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        return SpillContents(problems=(f"it cannot be read: {error.strerror}",))
    except (UnicodeDecodeError, UnreadableSpillRecord):
        return SpillContents(problems=("it is not a spill file",))
    lines: dict[int, SpillRecord] = {}
    problems = []
    for at, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            record = record_from(line)
            _check(daybook, record, lines.get(record.intent))
            lines[record.intent] = record
        except UnreadableSpillRecord as error:
            problems.append(f"line {at}: {error}")
    return SpillContents(lines=tuple(lines[seq] for seq in sorted(lines)), problems=tuple(problems))


def take_in(
    daybook: Daybook, path: Path, *, confirm: Callable[[Intent, str], Settled]
) -> Iterator[Settled]:
    """Record the lines of a spill file in the daybook, and rename the file when all are recorded.

    Raises DaybookError, and records nothing, when any line does not fit. `confirm` settles a
    create by a number if it made that object. An unconfirmed line is yielded as unknown and left
    to be settled; the file then stays for the next run.
    """
    found = examine(daybook, path)
    if found is None:
        return
    if found.problems:
        raise DaybookError(
            f"the spill file {path} does not fit the daybook: {'; '.join(found.problems)}",
            remedy="Run `reconciler daybook recover`: it shows the lines and what to do.",
        )
    yield from apply_records(daybook, path, found, confirm=confirm)


def apply_records(
    daybook: Daybook,
    path: Path,
    found: SpillContents,
    *,
    confirm: Callable[[Intent, str], Settled],
    set_aside: bool = False,
) -> Iterator[Settled]:
    """Record the outcomes of usable lines for calls that are still open.

    A line that is unconfirmed, or older than the last attempt of its call, is yielded as unknown.
    The file is renamed when nothing is left of it, with `set_aside` in any case.
    """
    whole = not found.problems
    for line in found.lines:
        tried = daybook.tried(line.intent)
        if tried is None:
            continue
        intent, number = tried.intent, line.outcome.number
        if not tried.open:
            _add_entries(daybook, tried, line)
            continue
        settled = settlement_of(intent, line.outcome.result, number=number, message=TAKEN)
        unknown = ""
        if tried.result is Result.UNKNOWN and not _made_something(line):
            # The call was sent again since, and may have taken effect then.
            unknown = f"{_KEPT} is older than its last attempt"
        elif intent.key and number:
            settled = confirm(intent, number)
            if settled.result is Result.UNKNOWN:
                unknown = f"the ledger does not confirm {_KEPT}"
        if unknown:
            whole = False
            settled = settlement_of(intent, Result.UNKNOWN, number=number, message=unknown)
        else:
            record_settled(daybook, intent, settled, kept=line.outcome)
        yield settled
    if whole or set_aside:
        archive(path, "taken" if whole else "refused")


def _add_entries(daybook: CallLog, tried: CallRecord, line: SpillRecord) -> None:
    """Record the entries of a journal run that were read after its number was recorded."""
    known = tried.outcome
    if known is None or known.number != line.outcome.number or known.result is not Result.DONE:
        return
    outcome = known.with_entries(line.outcome.entries)
    if outcome != known:
        daybook.record_outcome(tried.intent, outcome)


TAKEN = "taken from the spill file"
_KEPT = "its line in the spill file"


def archive(path: Path, word: str) -> Path:
    """Rename a spill file so that it is no longer read."""
    aside = _free_name(path, word)
    try:
        path.replace(aside)
        sync(path.parent)
    except OSError as error:
        raise DaybookError(
            f"{path} cannot be renamed: {error.strerror}",
            remedy=f"Rename it to {aside.name} by hand: the daybook has all its lines."
            if word == "taken"
            else "Rename it by hand.",
        ) from error
    return aside


def _free_name(path: Path, word: str) -> Path:
    numbered = (path.with_name(f"{path.name}.{word}.{number}") for number in count(2))
    names = chain([path.with_name(f"{path.name}.{word}")], numbered)
    return next(name for name in names if not os.path.lexists(name))


def _check(daybook: DaybookReader, line: SpillRecord, other: SpillRecord | None) -> None:
    """Raises UnreadableSpillRecord for a line that contradicts the daybook."""
    what = f"the {line.act.value} of {line.address.name}"
    if line.lineage != daybook.lineage:
        raise UnreadableSpillRecord(f"{what} belongs to another daybook")
    tried = daybook.tried(line.intent)
    if tried is None:
        raise UnreadableSpillRecord(f"the daybook has no such call: {what}")
    intent = tried.intent
    same = (intent.address, intent.act, key_digest(intent.key)) == (
        line.address,
        line.act,
        line.key,
    )
    number = line.outcome.number
    if not same or (intent.number and number and intent.number != number):
        raise UnreadableSpillRecord(f"{what} is not call number {line.intent} of the daybook")
    said = (line.outcome.result, number)
    known = (tried.result, tried.outcome.number if tried.outcome else None)
    where = "in the daybook"
    if other is not None:
        known, where = (other.outcome.result, other.outcome.number), "in an earlier line"
    elif tried.open or not _made_something(line):
        # For any other call, what a later run read in the ledger is newer than the line.
        return
    if not _agree(said, known):
        raise UnreadableSpillRecord(
            f"{what} is {_describe(said)} here, and {_describe(known)} {where}"
        )


def _made_something(line: SpillRecord) -> bool:
    """Whether a line records a new entry, which no later attempt removes."""
    return line.act is Act.CREATE and line.outcome.result is Result.DONE


_Ended = tuple[Result | None, str | None]


def _agree(said: _Ended, known: _Ended) -> bool:
    return said[0] is known[0] and (said[0] is not Result.DONE or said[1] == known[1])


def _describe(ended: _Ended) -> str:
    result, number = ended
    return (result.value if result else "open") + (f" ({number})" if number else "")


_AS_IT_IS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
"""Follow no link; on Windows, where there is no such flag, translate no line break."""


def _append(path: Path, line: str) -> None:
    """Append a line; it is on disk when this returns. A failure leaves no part of it."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | _AS_IT_IS, 0o600)
    try:
        before = os.fstat(file).st_size
        try:
            rest = line.encode() + b"\n"
            while rest:
                rest = rest[os.write(file, rest) :]
            os.fsync(file)
        except OSError:
            with suppress(OSError):
                os.ftruncate(file, before)
                if not before:
                    path.unlink()
            raise
    finally:
        os.close(file)
    sync(path.parent)


def _read(path: Path) -> str:
    """The text of a spill file. Raises OSError and UnreadableSpillRecord."""
    file = os.open(path, os.O_RDONLY | _AS_IT_IS | getattr(os, "O_NONBLOCK", 0))
    raw = b""
    try:
        while len(raw) <= MOST_BYTES and (part := os.read(file, 1 << 16)):
            raw += part
    finally:
        os.close(file)
    if len(raw) > MOST_BYTES:
        raise UnreadableSpillRecord("it is too large")
    return raw.decode()
