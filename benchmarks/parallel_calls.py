"""What calls in parallel gain against a ledger that is far away: a ratio to one call at a time.

    .venv/bin/python benchmarks/parallel_calls.py [CALLS]

An embedded ledger answers in a process of its own, after a delay in place of a network, and allows
as many calls at once as the column says. `refused` counts its answers with 429. The client takes a
share of the slots by itself; `--parallelism` is only its upper bound.
"""

import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

import waitress

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
        with (
            tempfile.TemporaryDirectory() as directory,
            served(directory, slots) as (refused, made),
            made(parallelism) as client,
            ThreadPoolExecutor(parallelism) as pool,
        ):
            client.tenant()
            began = time.perf_counter()
            list(pool.map(client.read, [KIND] * calls, (f"JE-{at:08}" for at in range(calls))))
            rate = calls / (time.perf_counter() - began)
        one = one or rate
        print(f"| {parallelism} | {slots} | {rate:.0f} | {rate / one:.1f} | {refused.value} |")


@contextmanager
def served(directory: str, slots: int) -> Iterator[tuple[Any, Callable[[int], Client]]]:
    """A ledger with so many slots: its count of refusals, and what makes a client of it."""
    here, there = multiprocessing.Pipe()
    refused = multiprocessing.Value("i", 0)
    process = multiprocessing.Process(target=_serve, args=(directory, slots, refused, there))
    process.start()
    try:
        url, client_id, secret = here.recv()
        yield (
            refused,
            lambda parallelism: Client(
                Connection(base_url=url),
                Credentials(client_id=client_id, client_secret=secret),
                limits=CallLimits(concurrency=parallelism),
            ),
        )
    finally:
        process.terminate()
        process.join()


def _serve(directory: str, slots: int, refused: Any, told: Pipe) -> None:
    ledger = open_ledger(f"sqlite:///{Path(directory) / 'ledger.db'}")
    limited = create_app(ledger, limits=Limits(concurrency=slots))

    def app(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        def noted(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            if status.startswith("429"):
                with refused.get_lock():
                    refused.value += 1
            return start(status, headers, *error)

        time.sleep(DELAY)
        return limited(environ, noted)

    server = waitress.create_server(app, host="127.0.0.1", port=0, threads=48)
    told.send((f"http://127.0.0.1:{server.effective_port}", *ledger.issue_client("benchmark")))
    server.run()


if __name__ == "__main__":
    main()
