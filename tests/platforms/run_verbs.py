"""Runs the verbs as processes on whatever system this is, with nothing but the standard library.

`python tests/platforms/run_verbs.py FOLDER` needs the program with its extra `ledger`, git, and an
empty folder. It ends at the first surprise.
"""

import io
import json
import os
import re
import subprocess
import sys
import urllib.request
from importlib.util import find_spec
from pathlib import Path

from reconciler.cli import streams
from reconciler.cli.main import run

ENTRY = """\
apiVersion: journal.reconciler/v1
kind: JournalEntry
metadata:
  name: 2026-01-{name}
spec:
  accountingPeriodName: Jan-2026
  currency: USD
  journalEntryDate: "2026-01-31"
  notes: {notes}
  journalEntryItems:
    - accountingCodeName: Hosting Costs
      amount: {amount}
      type: Debit
    - accountingCodeName: Accrued Expenses
      amount: {amount}
      type: Credit
"""


def reconciler(*words: object, code: int = 0) -> bytes:
    """What a verb writes to stdout. It must end with the code, and without a traceback.

    It runs in this process, on streams like those of a console of Windows.
    """
    kept = sys.stdout, sys.stderr
    given = [io.TextIOWrapper(io.BytesIO(), "cp1252", newline="\r\n") for _ in kept]
    sys.stdout, sys.stderr = given
    try:
        streams.take_over_process()
        ended = run([*map(str, words)])
    finally:
        sys.stdout, sys.stderr = kept
    out, err = (io.BytesIO.getvalue(stream.detach()) for stream in given)  # type: ignore[arg-type]
    shown = f"$ reconciler {' '.join(map(str, words))}\n{out.decode()}{err.decode()}"
    assert ended == code, f"exit {ended}\n{shown}"
    assert "Traceback" not in shown, shown
    print(words[0], end=" ", flush=True)
    return out


def process(*words: object) -> bytes:
    """What a verb writes to stdout as a process of its own."""
    command = [sys.executable, "-P", "-m", "reconciler", *map(str, words)]
    return subprocess.run(command, capture_output=True, timeout=300, check=True).stdout


def git(*words: str) -> None:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    subprocess.run(["git", *who, *words], check=True, capture_output=True, timeout=60)


def declare(name: str, *, amount: str, notes: str, ends: str = "\n") -> Path:
    file = Path("journals", "2026", f"{name}.yaml")
    file.parent.mkdir(parents=True, exist_ok=True)
    text = ENTRY.format(name=name, amount=amount, notes=notes)
    file.write_bytes(text.replace("\n", ends).encode())
    return file


def every_path(document: object) -> list[str]:
    """The texts of a document that name a file of YAML."""
    if isinstance(document, dict):
        return [path for value in document.values() for path in every_path(value)]
    if isinstance(document, list):
        return [path for value in document for path in every_path(value)]
    return [document] if isinstance(document, str) and document.endswith(".yaml") else []


def life_of_an_entry() -> None:
    """Declared with the line ends of Windows, planned, posted, changed, removed; money is exact."""
    reconciler("init", "--example", "journals")
    for file in Path("journals").rglob("*.yaml"):
        if file.name not in ("reconciler.yaml", "reference.yaml"):
            file.unlink()
    git("init", "--quiet")
    first = declare("hosting", amount="1234.56", notes="Hébergement ✓ ¥", ends="\r\n")
    reconciler("validate")
    plan = reconciler("plan", "--out", "plan.json", "--detailed-exitcode", code=2)
    assert "1 to create" in plan.decode("utf-8"), plan
    saved = json.loads(Path("plan.json").read_bytes())
    assert set(every_path(saved)) == {"2026/hosting.yaml"}, every_path(saved)
    assert b"\r\r" not in plan
    reconciler("show", "plan.json", "--format", "html")
    reconciler("plan", "--rehearse")
    reconciler("apply", "plan.json", "--auto-approve", "--report", "report.json")
    assert json.loads(Path("report.json").read_bytes())["summary"]["done"] == 1
    assert b"No changes" in reconciler("plan", "--detailed-exitcode")
    assert "✓".encode() in reconciler("show", "plan.json")
    git("add", "journals")
    git("commit", "--quiet", "-m", "Declare the hosting costs")
    reconciler("fmt", "journals/2026/hosting.yaml")
    reconciler("fmt", "--check", "journals/2026/hosting.yaml")
    declare("hosting", amount="1234.57", notes="Hosting")
    reconciler("apply", "--auto-approve")
    reconciler("drift")
    reconciler("export", "--to", "entries.csv")
    if find_spec("openpyxl"):
        reconciler("export", "--to", "entries.xlsx")
    assert b"1234.57" in Path("entries.csv").read_bytes()
    first.unlink()
    assert b"1 to remove" in reconciler("plan", "--max-removals", 1)
    reconciler("apply", "--auto-approve", "--max-removals", 1)


def daybook_and_the_rest() -> None:
    """What is about the daybook, the machine and the texts of the program itself."""
    reconciler("daybook", "verify")
    reconciler("daybook", "export", "daybook.jsonl")
    reconciler("daybook", "recover", "--dry-run")
    reconciler("daybook", "unlock", "0" * 8, code=1)
    reconciler("doctor")
    reconciler("generate", "--dry-run")
    reconciler("explain", "lines-balance")
    reconciler("schema", "JournalEntry")
    reconciler("version", "--format", "json")
    assert b"Usage" in process("--help")
    assert "✓".encode() in process("show", "plan.json")
    reconciler("validate", "--workspace", "nowhere", code=3)


def an_interrupted_apply() -> None:
    """A process that ends while it holds the daybook leaves it free for the next."""
    holding = (
        "import os, sys; from pathlib import Path; from reconciler.daybook import open_daybook\n"
        "daybook = open_daybook(Path(sys.argv[1]), write=True, workspace='books')\n"
        "print('held', flush=True); sys.stdin.read(); os._exit(9)"
    )
    place = str(Path("journals", ".reconciler", "daybook.db"))
    command = [sys.executable, "-P", "-c", holding, place]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        declare("second", amount="5.00", notes="Second")
        reconciler("apply", "--auto-approve", code=1)
        reconciler("plan")
        lease = re.search(rb"[0-9a-f]{8}-[0-9a-f-]{27}", reconciler("daybook", "show"))
        if WINDOWS and lease:
            reconciler("daybook", "unlock", lease[0].decode(), code=1)
        holder.communicate("")
    reconciler("apply", "--auto-approve")
    reconciler("daybook", "verify")


def a_served_ledger() -> None:
    """`reconciler ledger serve` answers on a free port, and ends when it is told to."""
    database = f"sqlite:///{Path('served.db').absolute().as_posix()}"
    words = ("ledger", "serve", "--database", database, "--port", "0")
    command = [sys.executable, "-P", "-m", "reconciler", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as server:
        try:
            assert server.stdout is not None
            line = server.stdout.readline().decode()
            address = re.search(r"http://[0-9.:]+", line)
            assert address, line
            with urllib.request.urlopen(f"{address[0]}/openapi.json", timeout=60) as answer:
                assert answer.status == 200
        finally:
            server.kill()
    print("serve", end=" ", flush=True)


WINDOWS = not hasattr(os, "getuid")

if __name__ == "__main__":
    os.chdir(sys.argv[1])
    for name in [name for name in os.environ if name.startswith(("RECONCILER_", "CI", "GITHUB_"))]:
        del os.environ[name]
    life_of_an_entry()
    daybook_and_the_rest()
    an_interrupted_apply()
    a_served_ledger()
    print(f"\nAll verbs ended as expected {'without' if WINDOWS else 'with'} POSIX.")
