"""Holds the lock in requirements/ to what pyproject.toml declares. No registry is asked.

    python tests/project/check_lock.py

Prints a line for each finding and exits 1 when there is one.
"""

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LINE = re.compile(
    r"(?P<name>[a-z0-9]+(?:-[a-z0-9]+)*)==(?P<version>[^\s;]+)(?: ; [^\\\n]+)?"
    r"(?: \\\n    --hash=sha256:[0-9a-f]{64})+\n    # via (?P<via>.+)\n"
)
"""A package of the lock: its version, for which machines, its files, and what needs it."""


def findings(root: Path) -> Iterator[str]:
    """Where lock and declaration disagree, or the lock leaves something open; a line each."""
    declared = _declared(tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8")))
    texts = {
        name: (root / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
        for name in declared
    }
    tested = {found["name"]: found["version"] for found in LINE.finditer(texts["dev"])}
    for name, text in texts.items():
        file = f"requirements/{name}.txt"
        for line in LINE.sub("", text).splitlines():
            if not line.startswith("#"):
                yield f"{file}: `{line.strip()[:80]}` is no package with a version and hashes"
        packages = {found["name"]: found for found in LINE.finditer(text)}
        for package, requirement in declared[name].items():
            if package not in packages:
                yield f"{file}: {package} is missing"
            elif not requirement.specifier.contains(packages[package]["version"]):
                yield f"{file}: {package} has a version that `{requirement}` does not allow"
        for package, found in packages.items():
            if "(pyproject.toml)" in found["via"] and package not in declared[name]:
                yield f"{file}: {package} is not declared"
            if tested.get(package) != found["version"]:
                yield f"{file}: {package} has another version than in requirements/dev.txt"


def _declared(document: Mapping[str, Any]) -> dict[str, dict[str, Requirement]]:
    """By file of the lock, what it must hold, by name."""
    project = document["project"]
    extras = project["optional-dependencies"]
    run = project["dependencies"]
    lines = {
        "build": document["build-system"]["requires"],
        "run": run,
        "postgresql": [*run, *extras["postgresql"]],
        "ledger": [*run, *extras["ledger"], *extras["postgresql"]],
        "dev": [*run, *(line for extra in extras.values() for line in extra)],
    }
    return {
        name: {canonicalize_name(one.name): one for one in map(Requirement, stated)}
        for name, stated in lines.items()
    }


def main() -> int:
    """Print the findings; 1 when there are any."""
    found = list(findings(ROOT))
    print("\n".join([*found, "To fix: make lock"] if found else ["The lock is what is declared."]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
