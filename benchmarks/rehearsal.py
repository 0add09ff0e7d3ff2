"""What a rehearsal costs, compared with an apply of the same plan to the embedded ledger.

    .venv/bin/python benchmarks/rehearsal.py [ENTRIES ...]

Every entry is new. Plan, rehearsed plan and apply run in turns, and each begins without a daybook.
"""

import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path

from books import write_workspace
from measure import Command, Sample, in_turns, require_bytecode, spread

SIZES = (100, 1000)
ROUNDS = 5


def main() -> None:
    """Measure each size, and print a row for it."""
    require_bytecode()
    sizes = [int(word) for word in sys.argv[1:]] or SIZES
    print("| entries | rehearsal, CPU ms an entry | apply, CPU ms an entry | ratio |")
    print("| --- | --- | --- | --- |")
    for size in sizes:
        with tempfile.TemporaryDirectory() as directory:
            print(_row(Path(directory), size))


def _row(directory: Path, size: int) -> str:
    books = write_workspace(directory / "books", size)
    fresh = partial(shutil.rmtree, books / ".reconciler", ignore_errors=True)

    def command(*words: str, proof: str) -> Command:
        program = (sys.executable, "-m", "reconciler", *words, "--workspace", str(books))
        return Command(words=program, proof=proof, before=fresh)

    made = f"{size} to create"
    taken = in_turns(
        {
            "plan": command("plan", "--summary", proof=made),
            "rehearse": command(
                "plan", "--summary", "--rehearse", proof=f"{size:,} of {size:,} changes accepted"
            ),
            "apply": command("apply", "--auto-approve", "--quiet", proof=f"{size} created"),
        },
        ROUNDS,
    )
    rehearsal = _beyond(taken["rehearse"], taken["plan"])
    apply = _beyond(taken["apply"], taken["plan"])
    ratio = spread([one / other for one, other in zip(rehearsal, apply, strict=True)])
    cells = (spread([1000 * seconds / size for seconds in found]) for found in (rehearsal, apply))
    return f"| {size:,} | {' | '.join(map(str, cells))} | {ratio} |"


def _beyond(samples: tuple[Sample, ...], plans: tuple[Sample, ...]) -> list[float]:
    """The processor seconds that a command takes more than a plan, round by round."""
    return [one.cpu - plan.cpu for one, plan in zip(samples, plans, strict=True)]


if __name__ == "__main__":
    main()
