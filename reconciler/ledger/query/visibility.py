"""Visibility: which rows a query sees, by organization, deletion and time.

A query names views that are created for it alone. With a lag they omit rows that have changed
since, and add those rows as they were.
"""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..journals.organization_scope import are_visible
from ..web.call import timestamp
from .as_of import as_of
from .replica import Reading, Snapshot, copied_table, insert
from .rows import SOURCES
from .schema import DELETED, ORGANIZATION

DELETED_ROWS_KEPT = timedelta(days=30)
"""How long deleted rows can be queried (API facts 1)."""

_SCOPE = "visible organizations"
_RUN_SCOPE = "visible organizations of runs"
"""Lists of organizations of runs; all in a list must be visible."""
_RUNS = "journalrun"
_WITH_HISTORY = ("JournalEntry", "JournalRun")
"""Object types whose history audit events hold. Periods and codes have only their present state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visibility:
    """What a query sees. `until` is its time as text, None for the present.

    `live` and `deleted` say which rows; deleted ones disappear after DELETED_ROWS_KEPT.
    `organizations` are the visible ones; None without Multi-Org. `owner_id` is the tenant of the
    users.
    """

    now: datetime
    until: str | None
    live: bool
    deleted: bool
    organizations: frozenset[str] | None
    owner_id: str

    def needs(self, tables: Iterable[str]) -> set[str]:
        """The tables to copy for a query: earlier items need their entries."""
        needed = set(tables)
        if self.until is not None and "journalentryitem" in needed:
            needed.add("journalentry")
        return needed

    def prepare(
        self, snapshot: Snapshot, reading: Reading, tables: Iterable[str]
    ) -> frozenset[str]:
        """Create the views of these tables; returns the names that the query may reach."""
        copy, reached = snapshot.copy, {*tables, *map(copied_table, tables), _SCOPE, _RUN_SCOPE}
        copy.execute(f'CREATE TEMP TABLE "{_SCOPE}" (name)')
        copy.execute(f'CREATE TEMP TABLE "{_RUN_SCOPE}" (name)')
        past = self._past(snapshot, reading, tables)
        runs = [copied_table(_RUNS)] if _RUNS in tables else []
        self._set_scope(copy, runs + ([_past(_RUNS)] if _RUNS in past else []))
        for name in tables:
            columns = ", ".join(
                f'"{column}"' for column in (*reading.schema[name].columns, DELETED)
            )
            condition = self._shows(_RUN_SCOPE if name == _RUNS else _SCOPE)
            shown = f'SELECT {columns} FROM main."{copied_table(name)}" WHERE {condition}'  # noqa: S608
            if self.until is not None and SOURCES[name].kind in _WITH_HISTORY:
                shown += f" AND +createddate <= '{self.until}' AND +updateddate <= '{self.until}'"
            if name in past:
                shown += " UNION ALL "
                shown += f'SELECT {columns} FROM temp."{_past(name)}" WHERE {condition}'  # noqa: S608
            copy.execute(f'CREATE TEMP VIEW "{name}" AS {shown}')
        return frozenset(reached | set(map(_past, past)))

    def _set_scope(self, copy: sqlite3.Connection, runs: Iterable[str]) -> None:
        """Store the visible organizations, and the visible lists of them."""
        if self.organizations is None:
            return
        names = [(name,) for name in sorted(self.organizations)]
        copy.executemany(f'INSERT INTO "{_SCOPE}" VALUES (?)', names)  # noqa: S608 - our names
        for table in runs:
            query = f'SELECT DISTINCT {ORGANIZATION} FROM "{table}"'  # noqa: S608
            listed = [text for (text,) in copy.execute(query) if text is not None]
            seen = [(text,) for text in listed if are_visible(json.loads(text), self.organizations)]
            copy.executemany(f'INSERT INTO "{_RUN_SCOPE}" VALUES (?)', seen)  # noqa: S608

    def _shows(self, scope: str) -> str:
        """The condition for visible rows. The plus prevents the use of an index."""
        since = f"+updateddate >= '{timestamp(self.now - DELETED_ROWS_KEPT)}'"
        live = [f"NOT {DELETED}"] if self.live else []
        deleted = [f"({DELETED} AND {since})"] if self.deleted else []
        seen = f"({' OR '.join(live + deleted)})"
        if self.organizations is None:
            return seen
        whose = f'{ORGANIZATION} IS NULL OR {ORGANIZATION} IN (SELECT name FROM temp."{scope}")'  # noqa: S608
        return f"{seen} AND ({whose})"

    def _past(self, snapshot: Snapshot, reading: Reading, tables: Iterable[str]) -> set[str]:
        """Store changed rows as they were in tables; returns the tables' names."""
        made: set[str] = set()
        if self.until is None:
            return made
        for kind in _WITH_HISTORY:
            names = [name for name in tables if SOURCES[name].kind == kind]
            if not names:
                continue
            numbers = _changed(snapshot.copy, kind.lower(), self.until)
            if not numbers:
                continue  # a join of views without the past is much quicker
            found = as_of(
                reading.tx,
                reading.tenant_id,
                kind,
                numbers,
                until=self.until,
                owner_id=self.owner_id,
            )
            for name in names:
                layout = snapshot.layouts[name]
                columns = ", ".join(f'"{column}"' for column in layout.columns)
                snapshot.copy.execute(f'CREATE TEMP TABLE "{_past(name)}" ({columns})')
                rows = (row for was in found.values() for row in layout.past(name, was))
                insert(snapshot.copy, _past(name), layout, rows, reading.check_interrupt)
                made.add(name)
        return made


def _past(name: str) -> str:
    return f"{name} past"


def _changed(copy: sqlite3.Connection, name: str, until: str) -> list[str]:
    """The numbers of rows that existed at a time and have changed since."""
    query = f'SELECT number FROM "{copied_table(name)}" WHERE +createddate <= ? AND updateddate > ?'  # noqa: S608
    return [number for (number,) in copy.execute(query, (until, until))]
