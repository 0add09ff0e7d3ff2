"""Deterministic books: the same entries for this tool and for the tools that it is compared with.

An entry has two to eight lines, and its debits equal its credits. The same number of entries gives
the same bytes every time.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
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
metadata: {name: benchmark}
"""

ENTRY = """\
apiVersion: journal.reconciler/v1
kind: JournalEntry
metadata:
  name: entry-{number:07d}
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry: its number, its month, and its lines as (accounting code, side, amount)."""

    number: int
    period: str
    date: str
    lines: tuple[tuple[str, str, str], ...]


def entries(size: int) -> Iterator[Entry]:
    """So many entries, the same every time; the first ones do not depend on how many follow."""
    for number in range(size):
        chance = random.Random(number)
        period, date = MONTHS[number % 3]
        yield Entry(number=number, period=period, date=date, lines=tuple(_lines(chance)))


def _lines(chance: random.Random) -> Iterator[tuple[str, str, str]]:
    for _ in range(chance.randint(1, 4)):
        amount = f"{chance.randint(1, 999_999)}.{chance.randint(0, 99):02d}"
        for side, code in zip(("Debit", "Credit"), chance.sample(CODES, 2), strict=True):
            yield code, side, amount


def write_workspace(root: Path, size: int, *, in_a_file: int = 1) -> Path:
    """A workspace of so many entries; returns its root."""
    root.mkdir(parents=True)
    (root / "reconciler.yaml").write_text(WORKSPACE)
    reference = (ROOT / "journals" / "reference.yaml").read_text(encoding="utf-8")
    (root / "reference.yaml").write_text(reference, encoding="utf-8")
    texts: list[str] = []
    for entry in entries(size):
        texts.append(_document(entry))
        if len(texts) == in_a_file or entry.number == size - 1:
            folder = root / "2026" / f"{entry.number // 1000:04d}"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"entry-{entry.number:07d}.yaml").write_text("---\n".join(texts))
            texts.clear()
    return root


def _document(entry: Entry) -> str:
    lines = "".join(
        LINE.format(code=code, side=side, amount=amount) for code, side, amount in entry.lines
    )
    return ENTRY.format(number=entry.number, period=entry.period, date=entry.date, lines=lines)


def write_zone(folder: Path, size: int) -> Path:
    """The entries as TXT records of octoDNS, one value a line, with a target that holds them."""
    for place in ("declared", "live"):
        (folder / place).mkdir(parents=True)
        with (folder / place / "books.test.yaml").open("w") as file:
            for entry in entries(size):
                values = "".join(
                    f"  - {code} {side} {amount}\n" for code, side, amount in entry.lines
                )
                file.write(f"entry-{entry.number:07d}:\n  type: TXT\n  values:\n{values}")
    config = folder / "octodns.yaml"
    provider = "    class: octodns.provider.yaml.YamlProvider\n    enforce_order: false\n"
    config.write_text(
        "providers:\n"
        + "".join(
            f"  {place}:\n{provider}    directory: {folder / place}\n"
            for place in ("declared", "live")
        )
        + "zones:\n  books.test.:\n    sources: [declared]\n    targets: [live]\n"
    )
    return config


def write_beancount(file: Path, size: int) -> Path:
    """The entries as transactions of beancount."""
    accounts = {code: f"Assets:{code.replace(' ', '')}" for code in CODES}
    with file.open("w") as out:
        for account in accounts.values():
            out.write(f"2025-01-01 open {account} USD\n")
        for entry in entries(size):
            out.write(f'{entry.date} * "Generated entry number {entry.number}"\n')
            for code, side, amount in entry.lines:
                sign = "" if side == "Debit" else "-"
                out.write(f"  {accounts[code]}  {sign}{amount} USD\n")
    return file


def write_terraform(folder: Path, size: int) -> Path:
    """The entries as resources of Terraform, a block each."""
    folder.mkdir(parents=True)
    with (folder / "main.tf").open("w") as out:
        for entry in entries(size):
            lines = "".join(
                f'      {{ code = "{code}", type = "{side}", amount = "{amount}" }},\n'
                for code, side, amount in entry.lines
            )
            out.write(
                f'resource "terraform_data" "entry-{entry.number:07d}" {{\n'
                f'  input = {{\n    date = "{entry.date}"\n    lines = [\n{lines}    ]\n  }}\n}}\n'
            )
    return folder
