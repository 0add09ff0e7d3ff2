"""What brings a database from one schema version to the next, on SQLite and PostgreSQL.

Every file in `versions` is one step and is never changed after it was released. A new one gets the
next number as `revision`, the one before as `down_revision`, and makes its change with the
operations of Alembic and the types of `storage.columns`. The same change goes into `tables.py`,
with the number as SCHEMA_VERSION. A test undoes the step with SQL on a new database, opens it, and
compares the result with `tables.py`.
"""

import os
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

VERSIONS = [Path(__file__).parent / "versions"]


def migrate(tx: Connection) -> None:
    command.upgrade(config_for(tx), "head")


def config_for(tx: Connection) -> Config:
    """The migration library's settings, for a connection that is in a transaction."""
    config = Config()
    options = {
        "script_location": str(Path(__file__).parent),
        "version_locations": os.pathsep.join(map(str, VERSIONS)),
        "path_separator": "os",
    }
    for name, value in options.items():
        # A setting is a template, in which a percent sign begins a name.
        config.set_main_option(name, value.replace("%", "%%"))
    config.attributes["connection"] = tx
    return config
