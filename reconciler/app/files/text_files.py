"""Files named on the command line: read and written whole, with an error in plain words."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from reconciler.errors import ReconcilerError, UsageError
from reconciler.http_client.redaction import SHORTEST, SHOWN

MAX_BYTES = 256 * 1024 * 1024


def read_text(path: Path) -> str:
    """The text of a file. Raises ReconcilerError when there is none to be had."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ReconcilerError(
                f"{path} has more than {MAX_BYTES:,} bytes", remedy="Name a smaller file."
            )
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise unreadable(path, error) from error
    except UnicodeDecodeError as error:
        remedy = "Save it as UTF-8 text, or name another file."
        raise ReconcilerError(f"{path} is not UTF-8 text", remedy=remedy) from error


def unreadable(path: Path, error: OSError) -> ReconcilerError:
    """The error for a file that cannot be read."""
    return ReconcilerError(
        f"{path} cannot be read: {error.strerror}",
        remedy="Name a file that exists, and that you may read.",
    )


def unwritable(path: Path, error: OSError) -> ReconcilerError:
    """The error for a file that cannot be written."""
    remedy = "Name another file, in a directory where you may write."
    if isinstance(error, FileNotFoundError):
        remedy = f"Create the directory {path.parent}, or name another file."
    return ReconcilerError(f"{path} cannot be written: {error.strerror}", remedy=remedy)


def write_text(path: Path, text: str, *, mode: int = 0o600) -> None:
    """Write a file whole or not at all. Raises ReconcilerError when it cannot be written."""
    write_bytes(path, text.encode(), mode=mode)


def write_bytes(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Write a file whole or not at all. Raises ReconcilerError when it cannot be written."""
    with _draft(path, mode) as (draft, descriptor):
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)


def require_writable(path: Path | None) -> None:
    """Raises ReconcilerError if a file could not be written, before the work whose result it gets.

    What is there stays as it is. Raises UsageError for a file that no result may replace.
    """
    if path is not None:
        require_replaceable(path)
        with _draft(path, 0o600) as (draft, descriptor):
            os.close(descriptor)
            draft.unlink()


def require_replaceable(path: Path) -> None:
    """Raises UsageError for a database, a spill file or declarations: nothing else holds them."""
    start = b""
    if path.is_file():
        with suppress(OSError), path.open("rb") as file:
            start = file.read(4096)
    # A result is JSON, which declarations may be too.
    declares = start and (b"apiVersion" in start or not start.lstrip().startswith(b"{"))
    what = ""
    if start.startswith(b"SQLite format 3"):
        what = "is a database"
    elif path.suffix == ".rescue":
        what = "is a spill file"
    elif path.suffix in (".yaml", ".yml") and declares:
        what = "holds YAML documents"
    if what:
        raise UsageError(f"{path} {what}, and is not overwritten", remedy="Name another file.")


@contextmanager
def _draft(path: Path, mode: int) -> Iterator[tuple[Path, int]]:
    """A new file beside another one, open to write. Leaves none if it raises ReconcilerError."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        yield draft, os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise unwritable(path, error) from error


def hide_secrets(secrets: Iterable[str]) -> None:
    """From now on these secrets are hidden in all that is shown, and those of no earlier run."""
    SHOWN.clear()
    for secret in secrets:
        if len(secret) >= SHORTEST:
            SHOWN.add(secret)


without_secrets = SHOWN.redact
"""A text to show: what a server was sent in confidence is masked."""
