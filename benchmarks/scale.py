"""How the cost of validate, plan and apply grows with the books: CPU seconds, as ratios of one run.

    python benchmarks/scale.py [--small 500] [--large 5000] [--posted 500]

Two workspaces are generated, the second so many times larger. Each verb runs as a process of its
own; what is printed is its CPU time, the time an entry, and how that grew from small to large: a
verb that does more than its share of work for each entry shows a growth well above 1. The last
rows compare a plan with nothing to do to one that creates everything.
"""

import argparse
import random
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent

CODES = (
    "Accounts Receivable",
    "Deferred Revenue",
    "Hosting Costs",
    "Accrued Expenses",
    "Insurance",
)
MONTHS = (("Jan-2026", "2026-01-31"), ("Feb-2026", "2026-02-28"), ("Mar-2026", "2026-03-31"))

WORKSPACE = """\
apiVersion: journal.reconciler/v1
kind: Workspace
metadata: {name: scale}
"""

ENTRY = """\
apiVersion: journal.reconciler/v1
kind: JournalEntry
metadata:
  name: entry-{number:06d}
  labels: {{team: revenue}}
spec:
  accountingPeriodName: {period}
  currency: USD
  journalEntryDate: {date}
  notes: Generated entry number {number}
  segments:
    - {{segmentName: Department, segmentValue: Finance}}
    - {{segmentName: Region, segmentValue: EMEA}}
  journalEntryItems:
{lines}"""

LINE = "    - {{accountingCodeName: {code}, type: {side}, amount: {amount}}}\n"


def main() -> None:
    """Generate, run, print."""
    asked = _arguments()
    with tempfile.TemporaryDirectory() as scratch:
        books = {size: Path(scratch) / str(size) for size in (asked.small, asked.large)}
        for size, root in books.items():
            generate(root, size)
        print(f"{'verb':<22}{'entries':>9}{'CPU s':>9}{'us an entry':>13}{'growth':>9}")
        for verb in ("validate", "plan"):
            before = None
            for size, root in books.items():
                before = report(verb, size, cpu(verb, "-w", str(root)), before)
        posted = Path(scratch) / "posted"
        generate(posted, asked.posted)
        everything = cpu("plan", "-w", str(posted))
        report("plan, all to create", asked.posted, everything, None)
        report("apply", asked.posted, cpu("apply", "-w", str(posted), "--auto-approve"), None)
        nothing = cpu("plan", "-w", str(posted))
        report("plan, nothing to do", asked.posted, nothing, None)
        print(f"nothing to do / all to create: {nothing / everything:.2f}")


def generate(root: Path, size: int) -> None:
    """A workspace of so many entries of two to eight lines, one a file; the same every time."""
    chance = random.Random(size)
    root.mkdir()
    (root / "reconciler.yaml").write_text(WORKSPACE)
    reference = (ROOT / "journals" / "reference.yaml").read_text(encoding="utf-8")
    (root / "reference.yaml").write_text(reference, encoding="utf-8")
    for number in range(size):
        period, date = MONTHS[number % 3]
        folder = root / date[:4] / date[5:7] / f"{number // 500:03d}"
        folder.mkdir(parents=True, exist_ok=True)
        text = ENTRY.format(number=number, period=period, date=date, lines=_lines(chance))
        (folder / f"entry-{number:06d}.yaml").write_text(text)


def _lines(chance: random.Random) -> str:
    text = ""
    for _ in range(chance.randint(1, 4)):
        amount = f"{chance.randint(1, 999_999)}.{chance.randint(0, 99):02d}"
        for side, code in zip(("Debit", "Credit"), chance.sample(CODES, 2), strict=True):
            text += LINE.format(code=code, side=side, amount=amount)
    return text


def cpu(*arguments: str) -> float:
    """CPU seconds of one run of the command line, user and system. Fails when the run fails."""
    before = _children()
    command = [sys.executable, "-m", "reconciler", *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return _children() - before


def report(verb: str, size: int, seconds: float, before: float | None) -> float:
    """Print a row; returns the time an entry, to compare the next one with."""
    each = seconds / size
    growth = f"{each / before:9.2f}" if before else ""
    print(f"{verb:<22}{size:>9}{seconds:>9.2f}{each * 1e6:>13.0f}{growth}")
    return each


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--small", type=int, default=500)
    parser.add_argument("--large", type=int, default=5000)
    parser.add_argument("--posted", type=int, default=500)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
