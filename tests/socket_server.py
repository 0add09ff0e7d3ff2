"""A WSGI app on a socket of its own, served by a thread of the test's process."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import waitress
from waitress import wasyncore


@contextlib.contextmanager
def on_a_socket(app: Any) -> Iterator[str]:
    """Serve the app on a free port until the block ends; yields its base URL."""
    sockets: dict[int, Any] = {}
    server = waitress.create_server(app, host="127.0.0.1", port=0, threads=8, map=sockets)
    stopping = threading.Event()

    def run() -> None:
        while not stopping.is_set():
            wasyncore.loop(timeout=0.02, map=sockets, count=1)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        stopping.set()
        thread.join()
        server.task_dispatcher.shutdown()
        wasyncore.close_all(sockets)
