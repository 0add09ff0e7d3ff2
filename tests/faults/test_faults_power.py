"""F9: the power fails under the daybook. It opens as old or as new, and holds all that was said.

I-40: images of its file and log with any part of what was not synced left out.
"""

import random
import sys
from pathlib import Path

import pytest
from builders import address
from power_loss import ACKNOWLEDGED, Disk, Operation, trace_of
from tracing import STRACE, require_strace

from reconciler.daybook import open_daybook

CALLS = 24
SCRIPT = f"""
import os, sys
from pathlib import Path
from reconciler.core.model.history import Act, Result
from reconciler.core.model.resource import Address
from reconciler.daybook import Intent, CallOutcome, open_daybook

for start in range(0, {CALLS}, 8):
    book = open_daybook(Path(sys.argv[1]), write=True)
    for at in range(start, start + 8):
        intent = Intent(address=Address("JournalEntry", f"n{{at}}"), act=Act.CREATE,
                        payload="x" * 700 * (at % 5))
        intent = book.record_intent(intent)
        os.write(1, b"a")
        book.record_outcome(intent, CallOutcome(result=Result.DONE, number=f"JE-{{at + 1:08}}"))
        os.write(1, b"a")
    book.close()
"""
"""Twenty-four creates in three runs, each half acknowledged as soon as it is durable."""


@pytest.fixture(scope="module")
def operations(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Operation]]:
    require_strace()
    folder = tmp_path_factory.mktemp("power")
    command = [sys.executable, "-c", SCRIPT, str(folder / "books" / "daybook.db")]
    found = trace_of(command, strace=str(STRACE), log=folder / "trace")
    assert sum(one.call == ACKNOWLEDGED for one in found) == 2 * CALLS
    return folder / "books", found


@pytest.mark.reaches("F9", "image")
@pytest.mark.parametrize(
    "images", [60, pytest.param(1000, marks=pytest.mark.faults)], ids=["few", "many"]
)
def test_f9_i40_power_loss_leaves_the_old_daybook_or_the_new(operations, tally, tmp_path, images):
    folder, found = operations
    chance = random.Random(images)
    stops = sorted(chance.choices(range(len(found) + 1), k=images))
    disk, acknowledged, done = Disk(folder=folder), 0, 0
    for stop in stops:
        for one in found[done:stop]:
            acknowledged += one.call == ACKNOWLEDGED
            disk.do(one)
        done = stop
        image = disk.image(chance)
        place = tmp_path / f"image-{stop}-{chance.random()}"
        place.mkdir()
        for name, content in image.items():
            if not name.endswith("-shm"):
                (place / name).write_bytes(content)
        with tally.watching("F9", "image"):
            require_old_or_new(place / "daybook.db", acknowledged)
            tally.reached("F9", "image")


def require_old_or_new(path: Path, acknowledged: int) -> None:
    if not path.exists():
        assert acknowledged == 0
        return
    book = open_daybook(path, write=True)
    try:
        assert book.serial in (acknowledged, acknowledged + 1)
        numbers = {where.name: state.number for where, state in book.recorded().items()}
        finished = book.serial // 2
        wanted = {f"n{at}": f"JE-{at + 1:08}" for at in range(finished)}
        if book.serial % 2:
            wanted[f"n{finished}"] = None
            assert [one.address for one in book.unsettled()] == [address(f"n{finished}")]
        assert numbers == wanted
    finally:
        book.close()
