"""What brings a database from one schema version to the next, on SQLite and PostgreSQL.

Every file in `versions` is one step and is never changed after it was released. A new one gets the
next number as `revision`, the one before as `down_revision`, and makes its change with the
operations of Alembic and the types of `storage.columns`. The same change goes into `tables.py`,
with the number as SCHEMA_VERSION; a test compares the two on both databases.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from ..tables import ledger_version


def migrate(tx: Connection, version: str | None, *, to: str = "head") -> None:
    """Bring a database from a version to a later one, in the caller's transaction.

    None stands for an empty database, which gets its tables step by step.
    """
    ledger_version.create(tx, checkfirst=True)
    if version is not None:
        tx.execute(ledger_version.delete())
        tx.execute(ledger_version.insert().values(version_num=version))
    command.upgrade(config_for(tx), to)


def config_for(tx: Connection) -> Config:
    """The migration library's settings, for a connection that is in a transaction."""
    config = Config()
    # The setting is a template, in which a percent sign begins a name.
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = tx
    return config
