"""What the content of a cache depends on whatever its input is: the program itself."""

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import jsonschema_rs
import msgspec
import yaml

from reconciler import __version__

_READERS = (yaml, jsonschema_rs, msgspec)


@cache
def program_identity() -> tuple[str, ...]:
    """What reads and judges: this program and the libraries that it uses, to their last edit."""
    package = Path(__file__).resolve().parents[2]
    readers = (Path(str(reader.__file__)).parent for reader in _READERS)
    homes = (package, package.parent / "schemas", *readers)
    return (__version__, *(one for home in homes for one in _edits(home)))


def _edits(home: Path) -> Iterator[str]:
    """The sizes and times of the files of a directory. A version may name several commits."""
    for place, _, names in sorted(os.walk(home)):
        for name in sorted(names):
            if name.endswith((".py", ".json", ".so", ".pyd")):
                seen = os.stat(f"{place}/{name}")  # noqa: PTH116 - pathlib takes twice as long
                yield f"{place}/{name} {seen.st_size} {seen.st_mtime_ns}"
