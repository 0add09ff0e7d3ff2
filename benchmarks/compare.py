"""Compares this tool with its peers and with itself: processor time, as ratios of one run.

    make bench                       # a few minutes; renews docs/performance.md
    python benchmarks/compare.py [--size 1000] [--rounds 5] [--record FILE]

A ratio compares two commands that ran in turns, round by round: its median, with the least and
the greatest. Each command must prove that it did its work.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from books import ROOT, write_beancount, write_terraform, write_workspace, write_zone
from ledger import serving
from measure import (
    Command,
    NotDone,
    Sample,
    in_turns,
    pattern_of,
    ratio,
    require_bytecode,
    run,
    spread,
)

PEERS = ROOT / ".venv-bench" / "bin"
CHANGED = 10
NOTHING = "No changes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A comparison: what ran, against what, and the samples of both."""

    task: str
    peer: str
    ours: tuple[Sample, ...]
    theirs: tuple[Sample, ...]


def ours(
    *arguments: str, proof: str, environment: Mapping[str, str] = MappingProxyType({})
) -> Command:
    """A command of this tool, or of the version that PYTHONPATH names."""
    # Without -P, Python takes the package of the current directory, whatever PYTHONPATH says.
    words = (sys.executable, "-P", "-m", "reconciler", *arguments)
    return Command(words=words, proof=proof, environment=environment)


def peer(name: str, *arguments: str, proof: str) -> Command:
    """A command of a peer. Raises NotDone when it is not installed."""
    program = PEERS / name
    if not program.is_file():
        raise NotDone(f"{name} is not installed: make bench installs it")
    return Command(words=(str(program), *arguments), proof=proof)


def comparisons(scratch: Path, size: int, rounds: int) -> Iterator[Row]:
    """Every row, one after the other. Raises NotDone."""

    def row(task: str, name: str, one: Command, other: Command) -> Row:
        taken = in_turns({"ours": one, "theirs": other}, rounds)
        return Row(task=task, peer=name, ours=taken["ours"], theirs=taken["theirs"])

    bare = Command(words=(sys.executable, "-c", "print('pass')"), proof="pass")
    yield row("`--help`", "bare Python", ours("--help", proof="Commands"), bare)

    books = write_workspace(scratch / "books", size)
    validate = ours("validate", "-w", str(books), proof=pattern_of(size))
    files = [str(path) for path in sorted((books / "2026").rglob("*.yaml"))]
    schema = str(ROOT / "schemas" / "journal-entry.schema.json")
    checked = peer("check-jsonschema", "--schemafile", schema, *files, proof="ok")
    yield row("validate", "check-jsonschema", validate, checked)
    text = write_beancount(scratch / "books.beancount", size)
    checked = peer("bean-check", "--no-cache", "--verbose", str(text), proof=r"loader \(total\)")
    yield row("validate", "bean-check", validate, checked)

    config = write_zone(scratch / "zone", size)
    octodns = peer("octodns-sync", "--config-file", str(config), proof="No changes were planned")
    run(ours("apply", "-w", str(books), "--auto-approve", proof=rf"{size}"))
    nothing = ours("plan", "-w", str(books), proof=NOTHING)
    yield row("plan, nothing to do, embedded ledger", "octoDNS", nothing, octodns)
    offline = ours("plan", "-w", str(books), "--offline", proof="OFFLINE")
    yield row("plan --offline, nothing to do", "octoDNS", offline, octodns)
    edited = ours("plan", "-w", str(changed(books, scratch / "edited")), proof=f"{CHANGED} to up")
    yield row(f"plan, {CHANGED} changes, embedded ledger", "nothing to do", edited, nothing)
    if terraform := shutil.which("terraform"):
        blocks = terraform_plan(scratch / "terraform", size, terraform)
        yield row("plan, nothing to do, embedded ledger", "Terraform", nothing, blocks)
    else:
        print("terraform is not installed: its row is left out", file=sys.stderr)
    remote = write_workspace(scratch / "remote", size)
    with served() as environment:
        target = ("-w", str(remote))
        create = ours("apply", *target, "--auto-approve", proof=str(size), environment=environment)
        run(create)
        plan = ours("plan", *target, proof=NOTHING, environment=environment)
        yield row("plan, nothing to do, over a socket", "octoDNS", plan, octodns)


def changed(books: Path, place: Path) -> Path:
    """A copy of applied books in which some entries have other notes."""
    shutil.copytree(books, place)
    for path in sorted((place / "2026").rglob("*.yaml"))[:CHANGED]:
        path.write_text(path.read_text().replace("Generated entry", "Changed entry"))
    return place


def terraform_plan(folder: Path, size: int, terraform: str) -> Command:
    """A plan of so many resources, a block each, which is the fastest form; they are applied."""
    write_terraform(folder, size)
    environment = {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
    for verb in (("init",), ("apply", "-auto-approve")):
        words = (terraform, f"-chdir={folder}", *verb, "-input=false", "-no-color")
        run(Command(words=words, proof="complete|initialized", environment=environment))
    words = (terraform, f"-chdir={folder}", "plan", "-input=false", "-no-color")
    return Command(words=words, proof="No changes", environment=environment)


@contextmanager
def served() -> Iterator[Mapping[str, str]]:
    """A ledger on a socket; yields the variables that lead to it."""
    with serving("sqlite", 1) as served_ledger:
        client = served_ledger.client
        yield {
            "ZUORA_BASE_URL": served_ledger.urls[0],
            "ZUORA_CLIENT_ID": client["client_id"],
            "ZUORA_CLIENT_SECRET": client["client_secret"],
        }


def table(rows: Iterable[Row], size: int) -> str:
    """The results for people, as Markdown."""
    lines = [
        f"| {size:,} entries | compared with | ratio | CPU s | its CPU s | MiB | its MiB |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        cells = [row.task, row.peer, str(ratio(row.ours, row.theirs))]
        for measure in ("cpu", "memory"):
            for samples in (row.ours, row.theirs):
                middle = spread([getattr(sample, measure) for sample in samples]).median
                cells.append(f"{middle:.2f}" if measure == "cpu" else f"{middle:.0f}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def record(document: Path, mark: str, text: str) -> None:
    """Put a text between its marks in a document."""
    begin, end = (f"<!-- {mark}: {which} -->\n" for which in ("begin", "end"))
    before, rest = document.read_text(encoding="utf-8").split(begin)
    document.write_text(f"{before}{begin}\n{text}\n{end}{rest.split(end)[1]}", encoding="utf-8")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--size", type=int, default=1000, help="entries of the comparisons")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--record", type=Path, metavar="FILE", help="put the table in there")
    return parser.parse_args()


def main() -> int:
    """Measure, print, record; 2 when a command did not do its work."""
    asked = arguments()
    try:
        require_bytecode()
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            rows = []
            for row in comparisons(Path(folder), asked.size, asked.rounds):
                print(f"{row.task} / {row.peer}: {ratio(row.ours, row.theirs)}", flush=True)
                rows.append(row)
    except NotDone as error:
        print(error, file=sys.stderr)
        return 2
    text = table(rows, asked.size)
    print(f"\n{text}")
    if asked.record:
        record(asked.record, "bench", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
