"""Takes from Python what Windows lacks, and makes files behave as they do there.

Python imports it from PYTHONPATH. Modules and names do not exist; descriptors translate line ends;
open files cannot be renamed or removed, nor directories opened; streams are in cp1252. What only
Windows itself can show, such as its paths, is left to its job in CI.
"""

import contextlib
import fcntl
import importlib
import os
import signal
import stat
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ABSENT_MODULES = ("fcntl", "grp", "pwd", "resource", "termios", "tty", "pty")
ABSENT = (
    *("O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "O_SYNC", "fork", "getuid"),
    *("geteuid", "getgid", "getegid", "chown", "fchmod", "mkfifo", "killpg", "setsid", "uname"),
)
O_BINARY = 0x8000
_text_mode: dict[int, tuple[int, int]] = {}
"""Descriptors that translate line breaks, each with its file: another may get its number."""


def take_away() -> None:
    for name in ABSENT_MODULES:
        sys.modules[name] = None  # type: ignore[assignment]
    for name in ABSENT:
        delattr(os, name)
    for name in ("SIGHUP", "SIGUSR1", "SIGALRM", "SIGPIPE", "SIGQUIT", "alarm", "setitimer"):
        delattr(signal, name)
    signal.SIGBREAK = signal.Signals(21)  # type: ignore[attr-defined]
    os.O_BINARY = O_BINARY  # type: ignore[attr-defined]
    os.kill = _kill
    import select

    for name in ("poll", "epoll"):
        delattr(select, name)


_real_kill = os.kill


def _kill(pid: int, number: int) -> None:
    assert number, "os.kill(pid, 0) interrupts this process on Windows"
    _real_kill(pid, number)


def lock_as_msvcrt() -> None:
    """A lock of one byte, which ends with its process and is refused as `PermissionError`."""
    flock, exclusive = fcntl.flock, fcntl.LOCK_EX | fcntl.LOCK_NB

    def locking(descriptor: int, mode: int, size: int) -> None:
        assert (mode, size) == (2, 1)
        try:
            flock(descriptor, exclusive)
        except BlockingIOError as error:
            raise PermissionError(13, "Permission denied") from error

    # `subprocess` and others take any module of that name for the whole of Windows.
    module = types.ModuleType("msvcrt")
    module.locking, module.LK_NBLCK = locking, 2  # type: ignore[attr-defined]
    real = importlib.import_module
    importlib.import_module = lambda name, package=None: (
        module if name == "msvcrt" else real(name, package)
    )


def open_and_rename_as_there() -> None:
    """Descriptors that translate, and files that stay where they are while open."""
    real = {name: getattr(os, name) for name in ("open", "read", "write", "stat")}

    def identity(descriptor: int) -> tuple[int, int]:
        found = os.fstat(descriptor)
        return found.st_dev, found.st_ino

    def translates(descriptor: int) -> bool:
        return _text_mode.get(descriptor) == identity(descriptor)

    def opened(path: Any, flags: int, *rest: Any, **more: Any) -> int:
        if not flags & os.O_CREAT and stat.S_ISDIR(real["stat"](path).st_mode):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        descriptor: int = real["open"](path, flags & ~O_BINARY, *rest, **more)
        if not flags & O_BINARY:
            _text_mode[descriptor] = identity(descriptor)
        return descriptor

    def read(descriptor: int, size: int) -> bytes:
        data: bytes = real["read"](descriptor, size)
        return data.replace(b"\r\n", b"\n") if translates(descriptor) else data

    def write(descriptor: int, data: bytes) -> int:
        if not translates(descriptor):
            return int(real["write"](descriptor, data))
        real["write"](descriptor, bytes(data).replace(b"\n", b"\r\n"))
        return len(data)

    os.open, os.read, os.write = opened, read, write
    for name in ("rename", "replace", "unlink", "remove"):
        setattr(os, name, _refusing_open_files(getattr(os, name)))


def sync_and_tell_as_there() -> None:
    """No sync of what may only be read, and no rights of others in a status."""
    real_sync, real_status, access = os.fsync, os.stat, os.O_ACCMODE

    def fsync(descriptor: int) -> None:
        if fcntl.fcntl(descriptor, fcntl.F_GETFL) & access == os.O_RDONLY:
            raise OSError(9, "Bad file descriptor")
        real_sync(descriptor)

    def status(*given: Any, **more: Any) -> os.stat_result:
        found = list(real_status(*given, **more))
        found[0] |= 0o666
        found[4] = found[5] = 0
        return os.stat_result(found)

    os.fsync, os.stat = fsync, status


def _refusing_open_files(real: Callable[..., None]) -> Callable[..., None]:
    def act(*paths: Any, **more: Any) -> None:
        if not more and any(map(_is_open, paths)):
            raise PermissionError(13, "Permission denied", os.fspath(paths[0]))
        real(*paths, **more)

    return act


def _is_open(path: Any) -> bool:
    """Whether a process of this user has the file open."""
    wanted = str(Path(os.fspath(path)).absolute())
    return any(found == wanted for found in _open_files())


def _open_files() -> Iterator[str]:
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            for file in (process / "fd").iterdir():
                with contextlib.suppress(OSError):
                    yield os.readlink(file)  # noqa: PTH115 - pathlib asks for more


if os.environ.get("WINDOWS_LIKE"):
    lock_as_msvcrt()
    open_and_rename_as_there()
    sync_and_tell_as_there()
    take_away()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="cp1252", newline="\r\n")  # type: ignore[union-attr]
