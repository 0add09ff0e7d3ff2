"""Keeps written files through a power loss."""

import os
from pathlib import Path


def sync(path: Path) -> None:
    """Sync a file, or the entries of a directory, to disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
