"""Keeps written files through a power loss."""

import os
from pathlib import Path

_WINDOWS = not hasattr(os, "O_DIRECTORY")
"""There, a directory cannot be opened, and a file is synced only if it may be written."""


def sync(path: Path) -> None:
    """Sync a file, or the entries of a directory, to disk. Raises OSError."""
    if _WINDOWS and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDWR if _WINDOWS else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
