"""Makes what was written last through a loss of power."""

import os
from pathlib import Path


def sync(path: Path) -> None:
    """Have the disk hold a file or, for its entries, a directory. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
