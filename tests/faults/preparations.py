"""Workspaces with their ledgers, brought into a state once and copied for each fault."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fault_counts import Tally
from laboratory import REFERENCE, Lab, SharedDaybook
from ledger_databases import Database, Databases, PostgresDatabase
from processes import Processes

from reconciler.ledger import open_ledger


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A workspace, its ledger and its daybook as they were when everybody had closed them."""

    root: Path
    database: Database
    daybook: SharedDaybook | None


@dataclass(frozen=True)
class Shared:
    """Makes daybooks on PostgreSQL, empty or as copies of one that nobody has open."""

    databases: Databases

    def make(self, folder: Path, prepared: SharedDaybook | None = None) -> SharedDaybook:
        of = self.databases
        made = of.clone(prepared.database, folder) if prepared else of.new(folder)
        assert isinstance(made, PostgresDatabase)
        return SharedDaybook(database=made)


class Preparations:
    """Workspaces that were brought into a state once, by name, to be copied.

    Their daybooks are on `daybooks`; without that, in files inside them.
    """

    def __init__(
        self,
        folder: Path,
        databases: Databases,
        processes: Processes,
        tally: Tally,
        *,
        daybooks: Shared | None = None,
    ) -> None:
        self._folder, self._databases, self._daybooks = folder, databases, daybooks
        self._processes, self._tally = processes, tally
        self._made: dict[str, Prepared] = {}

    def copy(self, name: str, prepare: Callable[[Lab], None], folder: Path) -> Lab:
        """A laboratory in the state that `prepare` brings one into; it is asked once."""
        if name not in self._made:
            root = self._folder / f"prepared-{len(self._made)}"
            root.mkdir(parents=True)
            lab = self._new(root)
            prepare(lab)
            self._made[name] = Prepared(root=root, database=lab.database, daybook=lab.daybook)
        prepared = self._made[name]
        shutil.copytree(prepared.root, folder, dirs_exist_ok=True)
        database = self._databases.clone(prepared.database, folder)
        daybook = None
        if self._daybooks is not None and prepared.daybook is not None:
            daybook = self._daybooks.make(folder, prepared.daybook)
            settings = folder / "books" / "reconciler.yaml"
            text = settings.read_text()
            settings.write_text(text.replace(prepared.daybook.url, daybook.url))
        return Lab(folder, database, self._processes, self._tally, daybook=daybook)

    def _new(self, root: Path) -> Lab:
        database = self._databases.new(root)
        daybook = self._daybooks.make(root) if self._daybooks is not None else None
        with open_ledger(database.url, REFERENCE) as ledger:
            client_id, secret = ledger.issue_client("laboratory")
        (root / "client.json").write_text(
            json.dumps({"ZUORA_CLIENT_ID": client_id, "ZUORA_CLIENT_SECRET": secret})
        )
        return Lab(root, database, self._processes, self._tally, daybook=daybook)
