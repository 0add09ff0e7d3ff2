"""Carries the steps out on the connection it is given. Run by Alembic, never imported."""

from alembic import context

from reconciler.ledger.storage.tables import METADATA, ledger_version

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=ledger_version.name,
    transactional_ddl=True,
)
context.run_migrations()
