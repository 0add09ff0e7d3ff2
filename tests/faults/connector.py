"""A connector that takes an entry of the first run as soon as the run's cancel is accepted.

In a ledger that the test hosts the test does it; in one that is a process of its own, this does.
"""

import os
import threading
from typing import Any

VARIABLE = "LAB_CONNECTOR"
"""The URL of the ledger's database."""

FIRST_RUN = "JR-00000001"


def transferring(state: str) -> str:
    """The statement by which the first entry of the first run is transferred, or is not."""
    return (
        f"UPDATE journal_entries SET transferred_to_accounting = '{state}' WHERE run_position = 1 "
        f"AND journal_run_id IN (SELECT id FROM journal_runs WHERE number = '{FIRST_RUN}')"
    )


def install_from_environment() -> None:
    url = os.environ.get(VARIABLE)
    if not url:
        return
    from crash_points import wrapped

    asked = threading.local()

    def respond(call: Any, site: Any, route: Any, request: Any, path: Any) -> Any:
        asked.path = request.path
        return call(site, route, request, path)

    def wake(call: Any, worker: Any) -> Any:
        # The cancel is committed, and the worker has not heard of it.
        if getattr(asked, "path", "").endswith(f"{FIRST_RUN}/cancel"):
            _run(url, transferring("Yes"))
        return call(worker)

    wrapped("reconciler.ledger.app:respond", respond)
    wrapped("reconciler.ledger.runs.worker:Worker.wake", wake)


def _run(url: str, statement: str) -> None:
    from sqlalchemy import create_engine

    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()
