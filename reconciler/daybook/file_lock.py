"""Locks a file for one process; the system releases the lock when the process ends."""

from importlib import import_module

try:
    from fcntl import LOCK_EX, LOCK_NB, flock
except ImportError:  # Windows

    def lock_file(descriptor: int) -> None:
        try:
            msvcrt = import_module("msvcrt")
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError(error.errno, error.strerror) from error

else:

    def lock_file(descriptor: int) -> None:
        """Lock an open file. Raises BlockingIOError when another process has the lock."""
        flock(descriptor, LOCK_EX | LOCK_NB)
