"""Ends servers of tests that accept connections in a thread of their own."""

import contextlib
import socket


def end_listening(listener: socket.socket) -> None:
    """Close a socket on which another thread waits for connections, and wake that thread.

    `close` alone leaves it waiting. When the kernel restarts the call after a signal, it takes
    connections of whatever has the number of the closed socket by then.
    """
    with contextlib.suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()
