"""Keeps what the daybook could not take, and gives it back to the daybook later (I-43)."""

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

from reconciler.core.model.history import CALLS, Act, Recorded, Result
from reconciler.core.model.report import Settled
from reconciler.core.model.resource import Address
from reconciler.core.recovery.spill_record import (
    MOST_BYTES,
    SpillRecord,
    UnreadableSpillRecord,
    key_digest,
    line_of,
    record_from,
)
from reconciler.daybook import Intent
from reconciler.daybook.fsync import sync
from reconciler.engine.ports import SpillableDaybook
from reconciler.errors import DaybookError


class SpillingDaybook:
    """A daybook whose outcomes are kept elsewhere when it takes no more.

    First in the file at `path`; where that cannot be written either, `show` gets the line.
    """

    def __init__(
        self, daybook: SpillableDaybook, path: Path, *, show: Callable[[str], None]
    ) -> None:
        self._daybook, self._path, self._show = daybook, path, show
        self._lock = threading.Lock()

    def record_intent(self, intent: Intent) -> Intent:
        """Write an intent before its call. What cannot be written is not sent either."""
        return self._daybook.record_intent(intent)

    def unsettled(self) -> tuple[Intent, ...]:
        """Intents of calls that have no definite outcome, oldest first."""
        return self._daybook.unsettled()

    def recorded(self) -> Mapping[Address, Recorded]:
        """What is remembered of every address."""
        return self._daybook.recorded()

    def last_number(self, kind: str, *, before: Intent | None = None) -> str | None:
        """The highest number of a kind that is known."""
        return self._daybook.last_number(kind, before=before)

    def record_outcome(
        self, intent: Intent, result: Result, *, number: str | None = None, detail: str = ""
    ) -> None:
        """Write an outcome. Raises DaybookError when only the rescue has it, or nothing."""
        try:
            self._daybook.record_outcome(intent, result, number=number, detail=detail)
        except DaybookError as error:
            if result is Result.UNKNOWN or intent.act not in CALLS:
                # An open call says as much, and a note is planned again.
                raise
            rescued = SpillRecord(
                lineage=self._daybook.lineage,
                intent=intent.seq,
                address=intent.address,
                act=intent.act,
                result=result,
                number=number,
                key=key_digest(intent.key),
                detail=detail,
            )
            raise DaybookError(
                f"{error.message}; {self._keep(line_of(rescued))}",
                remedy="See to it that the daybook can be written, then run the command again: "
                "it takes in what was kept, and settles the rest.",
            ) from error

    def _keep(self, line: str) -> str:
        """Store a line; says where it is."""
        with self._lock:
            try:
                _append(self._path, line)
            except OSError as error:
                self._show(line)
                return (
                    f"{self._path} cannot be written either ({error.strerror}), so it is shown "
                    "on the screen"
                )
        return f"it is kept in {self._path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpillContents:
    """What lies in a rescue file: what can be taken in, and why the rest cannot."""

    lines: tuple[SpillRecord, ...] = ()
    problems: tuple[str, ...] = ()


def examine(daybook: SpillableDaybook, path: Path) -> SpillContents | None:
    """What a rescue file holds, held against the daybook; None where there is no such file."""
    try:
        text = _read(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        return SpillContents(problems=(f"it cannot be read: {error.strerror}",))
    except (UnicodeDecodeError, UnreadableSpillRecord):
        return SpillContents(problems=("it is no rescue file",))
    lines: dict[int, SpillRecord] = {}
    problems = []
    for at, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            rescued = record_from(line)
            _check(daybook, rescued, lines.get(rescued.intent))
            lines[rescued.intent] = rescued
        except UnreadableSpillRecord as error:
            problems.append(f"line {at}: {error}")
    return SpillContents(lines=tuple(lines[seq] for seq in sorted(lines)), problems=tuple(problems))


def take_in(
    daybook: SpillableDaybook, path: Path, *, trusted: Callable[[Intent, str], bool]
) -> Iterator[Settled]:
    """Give the daybook what a rescue file kept for it, and rename the file once all of it is in.

    Raises DaybookError when any line does not fit: then nothing is taken in. `trusted` tells
    whether a create made what stands under a number. What is not believed is left to be settled,
    and yielded as unknown; the file then stays for the next run.
    """
    found = examine(daybook, path)
    if found is None:
        return
    if found.problems:
        raise DaybookError(
            f"the rescue file {path} does not fit the daybook: {'; '.join(found.problems)}",
            remedy="Run `reconciler daybook recover`: it shows what is in there and what to do.",
        )
    whole = True
    for item in apply_records(daybook, found.lines, trusted=trusted):
        whole = whole and item.result is not Result.UNKNOWN
        yield item
    if whole:
        archive(path, "taken")


def apply_records(
    daybook: SpillableDaybook,
    lines: tuple[SpillRecord, ...],
    *,
    trusted: Callable[[Intent, str], bool],
) -> Iterator[Settled]:
    """Write down what these lines say of calls that are still open.

    A line that is not believed, or older than what is known of its call, is yielded as unknown.
    """
    for line in lines:
        tried = daybook.tried(line.intent)
        if tried is None or not tried.open:
            continue
        intent, result, number = tried.intent, line.result, line.number
        message = "taken from the rescue file"
        if tried.result is Result.UNKNOWN and not _made_something(line):
            # It was made again since, and may have had its effect then.
            result, message = Result.UNKNOWN, f"{_KEPT} is older than its last attempt"
        elif intent.key and number and not trusted(intent, number):
            result, message = Result.UNKNOWN, f"{_KEPT} is not borne out by the ledger"
        else:
            daybook.record_outcome(intent, result, number=number, detail=line.detail)
        yield Settled(
            address=intent.address,
            act=intent.act.value,
            result=result,
            number=number,
            message=message,
        )


_KEPT = "what the rescue file says of it"


def archive(path: Path, word: str) -> Path:
    """Rename a rescue file so that it is looked at no more, beside those of earlier times."""
    aside = _free_name(path, word)
    try:
        path.replace(aside)
        sync(path.parent)
    except OSError as error:
        raise DaybookError(
            f"{path} cannot be renamed: {error.strerror}",
            remedy=f"Rename it to {aside.name} by hand: all that it holds is in the daybook."
            if word == "taken"
            else "Rename it by hand.",
        ) from error
    return aside


def _free_name(path: Path, word: str) -> Path:
    numbered = (path.with_name(f"{path.name}.{word}.{number}") for number in count(2))
    names = chain([path.with_name(f"{path.name}.{word}")], numbered)
    return next(name for name in names if not os.path.lexists(name))


def _check(daybook: SpillableDaybook, line: SpillRecord, other: SpillRecord | None) -> None:
    """Raises NotRescued when a line is not about an open call, or one that ended as it says."""
    what = f"the {line.act.value} of {line.address.name}"
    if line.lineage != daybook.lineage:
        raise UnreadableSpillRecord(f"{what} belongs to another daybook")
    tried = daybook.tried(line.intent)
    if tried is None:
        raise UnreadableSpillRecord(f"the daybook knows of no such call: {what}")
    intent = tried.intent
    same = (intent.address, intent.act, key_digest(intent.key)) == (
        line.address,
        line.act,
        line.key,
    )
    if not same or (intent.number and line.number and intent.number != line.number):
        raise UnreadableSpillRecord(
            f"{what} is not the call that the daybook knows as no. {line.intent}"
        )
    said, known = (line.result, line.number), (tried.result, tried.number)
    if other is not None:
        known = (other.result, other.number)
    elif tried.open or not _made_something(line):
        # What a later run read in the ledger of any other call is newer than the line.
        return
    if not _agree(said, known):
        raise UnreadableSpillRecord(
            f"{what} is said to be {_words(said)}, and it is known to be {_words(known)}"
        )


def _made_something(line: SpillRecord) -> bool:
    """Whether a line tells of a new entry: that no later attempt takes back."""
    return line.act is Act.CREATE and line.result is Result.DONE


_Ended = tuple[Result | None, str | None]


def _agree(said: _Ended, known: _Ended) -> bool:
    return said[0] is known[0] and (said[0] is not Result.DONE or said[1] == known[1])


def _words(ended: _Ended) -> str:
    result, number = ended
    return (result.value if result else "open") + (f" ({number})" if number else "")


def _append(path: Path, line: str) -> None:
    """Add a line; it is on the disk when this returns. Leaves no half of it behind."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.open(path, flags, 0o600)
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
    """The text of a rescue file. Raises OSError, UnicodeDecodeError and NotRescued."""
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    raw = b""
    try:
        while len(raw) <= MOST_BYTES and (part := os.read(file, 1 << 16)):
            raw += part
    finally:
        os.close(file)
    if len(raw) > MOST_BYTES:
        raise UnreadableSpillRecord("it is too large")
    return raw.decode()
