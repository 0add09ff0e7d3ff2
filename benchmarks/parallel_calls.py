"""What calls in parallel gain against a ledger that is far away: a ratio to one call at a time.

    .venv/bin/python benchmarks/parallel_calls.py [CALLS]

An embedded ledger answers on a socket, after a delay in place of a network, and allows as many
calls at once as the column says. `refused` counts its answers with 429. The client takes a share of
the slots by itself; `--parallelism` is only its upper bound.
"""

import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import waitress
from waitress import wasyncore

from reconciler.core.model.kinds import KINDS
from reconciler.ledger import Limits, create_app, open_ledger
from reconciler.zuora.client import Client
from reconciler.zuora.connection import CallLimits, Connection, Credentials

KIND = KINDS["JournalEntry"]
DELAY = 0.05
"""Seconds of an answer: a tenant on another continent."""

ROWS = ((1, 40), (8, 40), (40, 40), (8, 4))
"""`--parallelism`, and the slots of the ledger."""


def main() -> None:
    """Measure each row, and print it."""
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    print("| parallelism | slots | calls a second | ratio | refused |")
    print("| --- | --- | --- | --- | --- |")
    one = 0.0
    for parallelism, slots in ROWS:
        refused: list[str] = []
        with (
            tempfile.TemporaryDirectory() as directory,
            served(directory, slots, refused) as made,
            made(parallelism) as client,
            ThreadPoolExecutor(parallelism) as pool,
        ):
            client.tenant()
            began = time.perf_counter()
            list(pool.map(client.read, [KIND] * calls, (f"JE-{at:08}" for at in range(calls))))
            rate = calls / (time.perf_counter() - began)
        one = one or rate
        print(f"| {parallelism} | {slots} | {rate:.0f} | {rate / one:.1f} | {len(refused)} |")


@contextmanager
def served(directory: str, slots: int, refused: list[str]) -> Iterator[Callable[[int], Client]]:
    """A ledger with so many slots; yields what makes a client of it."""
    ledger = open_ledger(f"sqlite:///{Path(directory) / 'ledger.db'}")
    limited = create_app(ledger, limits=Limits(concurrency=slots))

    def app(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        def noted(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            if status.startswith("429"):
                refused.append(status)
            return start(status, headers, *error)

        time.sleep(DELAY)
        return limited(environ, noted)

    sockets: dict[int, Any] = {}
    server = waitress.create_server(app, host="127.0.0.1", port=0, threads=48, map=sockets)
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            wasyncore.loop(timeout=0.02, map=sockets, count=1)

    thread = threading.Thread(target=serve)
    thread.start()
    client_id, secret = ledger.issue_client("benchmark")
    try:
        yield lambda parallelism: Client(
            Connection(base_url=f"http://127.0.0.1:{server.effective_port}"),
            Credentials(client_id=client_id, client_secret=secret),
            limits=CallLimits(concurrency=parallelism),
        )
    finally:
        ended.set()
        thread.join()
        server.task_dispatcher.shutdown()
        wasyncore.close_all(sockets)
        ledger.close()


if __name__ == "__main__":
    main()
