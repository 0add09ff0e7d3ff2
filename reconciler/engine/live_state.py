"""Reads the live state that a plan needs: what moved by one query, the content by single reads."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import timedelta

from reconciler.core.model.history import Recorded
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.resource import Address, Declared
from reconciler.core.planning.kept import (
    STAMP_COLUMNS,
    Asked,
    Kept,
    disproved,
    stamps_of,
    statement_of_stamps,
    to_prove,
    unmoved,
)
from reconciler.engine.observe import Observation, observe, read_all
from reconciler.engine.ports import LedgerReader
from reconciler.errors import LedgerError
from reconciler.values import dataclass

Wanted = tuple[tuple[Kind, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LastReads:
    """What earlier runs read, with what files and daybook say of it now."""

    kept: Mapping[Address, Kept]
    declared: Mapping[Address, Declared]
    recorded: Mapping[Address, Recorded]
    max_age: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Look(Observation):
    """What the ledger has, and how that is known.

    `unread` are the numbers that hold what an earlier run read. `asked` is None without a query,
    and `failure` says why there is none. `wrong` are numbers that moved although no stamp did:
    then everything was read.
    """

    unread: frozenset[str] = frozenset()
    asked: Asked | None = None
    failure: str = ""
    wrong: tuple[str, ...] = ()


def look(
    wanted: Wanted,
    ledger: LedgerReader,
    *,
    last: LastReads | None,
    parallelism: int,
    progress: Callable[[str, int], AbstractContextManager[Callable[[], None]]],
) -> Look:
    """Read what moved since the last reads, or may have. Without `last`, read everything.

    A query that fails is no reason to end: everything is read. A failed read raises (I-20).
    """
    asked, failure = None, ""
    if last is not None:
        try:
            asked = _ask(ledger, last.max_age)
        except LedgerError as error:
            failure = error.message.rstrip(".")
    needed = {number for _, number in wanted}
    held = unmoved(last.recorded, last.declared, last.kept, asked) if last and asked else {}
    held = {number: one for number, one in held.items() if number in needed}
    proving = to_prove(held)
    rest = tuple(item for item in wanted if item[1] not in held or item[1] in proving)
    with progress("Reading the ledger", len(rest)) as advance:
        seen = observe(rest, ledger, parallelism=parallelism, advance=advance)
    wrong = disproved(held, seen.live) if held else ()
    if wrong:
        rest = tuple(item for item in wanted if item[1] not in seen.live)
        with progress("Reading the rest of the ledger", len(rest)) as advance:
            live = read_all(rest, ledger, parallelism=parallelism, advance=advance)
        live = {**seen.live, **live}
        return Look(
            live=live, codes=seen.codes, periods=seen.periods, asked=asked, wrong=tuple(wrong)
        )
    unread = {number: one.live for number, one in held.items() if number not in seen.live}
    return Look(
        live={**seen.live, **unread},
        codes=seen.codes,
        periods=seen.periods,
        unread=frozenset(unread),
        asked=asked,
        failure=failure,
    )


def _ask(ledger: LedgerReader, max_age: timedelta) -> Asked:
    """Ask the ledger what moved. Raises LedgerError."""
    rows = [
        row
        for kind in KINDS.values()
        if kind.carries_marker
        for row in ledger.query_texts(statement_of_stamps(kind), STAMP_COLUMNS)
    ]
    at = ledger.server_time()
    if at is None:
        raise LedgerError("the ledger does not tell its time", remedy="Use --live reads.")
    return Asked(stamps=stamps_of(rows), at=at, max_age=max_age)
