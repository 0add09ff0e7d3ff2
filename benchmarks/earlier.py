"""Compares `validate` of this checkout with that of an earlier commit, in turns: processor time.

    python benchmarks/earlier.py COMMIT [--size 10000] [--rounds 7]

The workspace has entries only: what a new kind of document costs those who do not use it.
"""

import argparse
import compileall
import subprocess
import sys
import tempfile
from pathlib import Path

from books import ROOT, write_workspace
from compare import ours
from measure import NotDone, in_turns, pattern_of, ratio, require_bytecode, spread


def checkout(commit: str, directory: Path) -> Path:
    """The files of a commit, compiled, as a package that can be run from there."""
    archive = subprocess.run(
        ["git", "-C", str(ROOT), "archive", commit, "reconciler", "schemas"],
        check=True,
        capture_output=True,
    )
    directory.mkdir()
    subprocess.run(["tar", "-x", "-C", str(directory)], input=archive.stdout, check=True)
    compileall.compile_dir(directory / "reconciler", quiet=1)
    return directory


def main() -> int:
    """Measure, and print the ratio with its spread."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("commit")
    parser.add_argument("--size", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    require_bytecode()
    with tempfile.TemporaryDirectory() as scratch:
        books = write_workspace(Path(scratch) / "books", options.size)
        roots = {"now": ROOT, "earlier": checkout(options.commit, Path(scratch) / "earlier")}
        proof = f"{pattern_of(options.size)} entries: 0 errors"
        commands = {
            name: ours(
                "validate", "-w", str(books), proof=proof, environment={"PYTHONPATH": str(root)}
            )
            for name, root in roots.items()
        }
        try:
            taken = in_turns(commands, options.rounds)
        except NotDone as error:
            print(error, file=sys.stderr)
            return 1
    for name, samples in taken.items():
        print(f"{name:8} {spread([one.cpu for one in samples])} s of processor time")
    print(f"ratio    {ratio(taken['now'], taken['earlier'])}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
