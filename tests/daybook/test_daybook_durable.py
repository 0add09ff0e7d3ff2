"""In which order a disk is asked for what must be there after a power loss (I-40, I-43).

What SQLite does for a commit is its own affair; here is what we do around it: a new daybook gets
its name when its content is on the disk, and the name is there too; so with a spill file.
"""

import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")

SCRIPT = """
import sqlite3, sys
from contextlib import suppress
from pathlib import Path
from reconciler.core.model.history import Act, Result
from reconciler.core.model.resource import Address
from reconciler.daybook import Intent, CallOutcome, open_daybook
from reconciler.errors import DaybookError
from reconciler.engine.spill import SpillingDaybook

place = Path(sys.argv[1])
book = open_daybook(place / "daybook.db", write=True)
asked = book.record_intent(Intent(address=Address("JournalEntry", "a"), act=Act.CREATE))
other = sqlite3.connect(place / "daybook.db")
other.execute("create trigger full before insert on events begin select raise(abort, 'no'); end")
other.commit()
with suppress(DaybookError):
    SpillingDaybook(book, place / "rescue.jsonl", show=print).record_outcome(
        asked, CallOutcome(result=Result.DONE, number="JE-00000001")
    )
"""
SYNCED = re.compile(r"(?:fsync|fdatasync)\(\d+<(.+?)>\) += 0")
RENAMED = re.compile(r'rename\w*\(.*?"([^"]+)".*?"([^"]+)".*\) += 0')


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("durable").resolve()


@pytest.fixture(scope="module")
def asked(place: Path) -> list[tuple[str, ...]]:
    """What was synced, or renamed to what, by a process that makes a daybook and a spill file."""
    traced = subprocess.run(
        ["strace", "-f", "-y", "-e", "trace=fsync,fdatasync,rename,renameat,renameat2",
         sys.executable, "-B", "-c", SCRIPT, str(place)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = []
    for line in traced.stderr.splitlines():
        if said := (SYNCED.search(line) or RENAMED.search(line)):
            paths = (str(Path(path).relative_to(place)) for path in said.groups())
            found.append(tuple(paths))
    return found


def test_i40_b08_b09_a_daybook_gets_its_name_once_its_content_is_on_the_disk(asked):
    before = {then: now for now, then in pairwise(asked)}
    assert before["daybook.db.new", "daybook.db"] == ("daybook.db.new",), asked


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(("daybook.db.new", "daybook.db"), id="B10 I-40 a new daybook"),
        pytest.param(("rescue.jsonl",), id="B10 I-43 a spill file"),
    ],
)
def test_the_name_of_what_was_made_is_on_the_disk_too(asked, made):
    after = dict(pairwise(asked))
    assert after.get(made) == (".",), asked
