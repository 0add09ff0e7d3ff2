"""The first version. A new database is made from `tables.py`; later steps begin here."""

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Nothing: no database is older."""
