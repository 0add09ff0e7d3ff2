"""What the content of a cache depends on whatever its input is: the program itself."""

import os
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path

from reconciler import __version__

_READERS = ("PyYAML", "jsonschema-rs", "msgspec")


@cache
def program_identity() -> tuple[str, ...]:
    """What reads and judges: this program, to its last edit, and the libraries that it uses."""
    package = Path(__file__).resolve().parents[2]
    homes = (package, package.parent / "schemas")
    return (__version__, *map(version, _READERS), *(one for home in homes for one in _edits(home)))


def _edits(home: Path) -> Iterator[str]:
    """The sizes and times of the files of a directory. A version may name several commits."""
    for place, _, names in sorted(os.walk(home)):
        for name in sorted(names):
            if name.endswith((".py", ".json")):
                seen = Path(place, name).stat()
                yield f"{place}/{name} {seen.st_size} {seen.st_mtime_ns}"
