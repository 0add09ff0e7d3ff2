"""Section 3.5: daybooks and saved plans that were cut, flipped or edited are refused, and kept.

Before any request, with what is wrong, and with nothing overwritten. I-30, I-34, I-40.
"""

import json
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from laboratory import Books, Lab, entry

from reconciler.core.documents.plan_digest import digest_of
from reconciler.core.documents.plan_file import plan_of
from reconciler.core.documents.plan_json import checksum_of, plan_from
from reconciler.daybook import open_daybook
from reconciler.daybook.events import GENESIS, seal
from reconciler.errors import DaybookError, StalePlan

BEFORE = {f"n{at}": entry(f"{at}.00") for at in range(1, 4)}
AFTER = {f"n{at}": entry(f"{at}.99") for at in range(1, 4)}


def prepared(lab: Lab) -> None:
    with lab.hosted():
        lab.declare(Books(entries=BEFORE))
        ended = lab.apply()
        assert ended.code == 0, ended.said
        lab.declare(Books(entries=AFTER))


@pytest.fixture
def lab(make_lab: Callable[..., Lab]) -> Lab:
    return make_lab("files", prepared)


@pytest.fixture
def planned(lab: Lab) -> Iterator[Lab]:
    """The same with a plan that was saved, for the address at which the ledger is served."""
    with lab.hosted():
        assert lab.run("plan", "--out", lab.root / "plan.json").code == 0
        yield lab


def state(path: Path) -> Any:
    """All that anything is decided from in a daybook."""
    book = open_daybook(path, write=False)
    try:
        return dict(book.recorded()), book.unsettled()
    finally:
        book.close()


@pytest.mark.parametrize(
    "stride", [4096 - 256, pytest.param(256, marks=pytest.mark.faults)], ids=str
)
def test_i40_a_daybook_cut_anywhere_is_refused_and_kept(lab, stride):
    path = lab.books / ".reconciler" / "daybook.db"
    sound, whole = path.read_bytes(), state(path)
    for size in range(0, len(sound), stride):
        path.write_bytes(sound[:size])
        for write in (False, True):
            with pytest.raises(DaybookError) as caught:
                read_for(path, write=write)
            assert caught.value.remedy
            assert path.stat().st_size == size, "is not overwritten"
    path.write_bytes(sound)
    assert state(path) == whole


def read_for(path: Path, *, write: bool) -> None:
    book = open_daybook(path, write=write)
    try:
        book.recorded()
        book.unsettled()
    finally:
        book.close()


@pytest.mark.parametrize("flips", [40, pytest.param(500, marks=pytest.mark.faults)])
def test_i40_a_flipped_bit_is_noticed_or_changes_nothing(lab, flips):
    path = lab.books / ".reconciler" / "daybook.db"
    sound, whole = path.read_bytes(), state(path)
    chance, noticed = random.Random(flips), 0
    for _ in range(flips):
        at, bit = chance.randrange(len(sound)), 1 << chance.randrange(8)
        path.write_bytes(sound[:at] + bytes([sound[at] ^ bit]) + sound[at + 1 :])
        try:
            assert state(path) == whole, f"bit {bit} at {at}"
        except DaybookError:
            noticed += 1
    assert noticed


@pytest.mark.parametrize(
    "number",
    [
        "../accounting-periods",
        *(
            pytest.param(number, marks=pytest.mark.faults)
            for number in ("JE-00000001/cancel", "JE-1", "JE-00000001?x=1")
        ),
    ],
)
def test_i34_a_number_that_is_none_never_becomes_part_of_a_request(lab, number):
    """Even where its row was sealed again: only a number of the kind enters a URL."""
    rewrite(lab.books / ".reconciler" / "daybook.db", number)
    before = lab.truth()
    with lab.hosted():
        ended = lab.apply()
    assert ended.code not in (0, None), ended.said
    assert "Traceback" not in ended.said
    assert lab.requests == []
    assert lab.truth().effects == before.effects


def rewrite(path: Path, number: str) -> None:
    """Put another number into the first outcome, and seal it and every event after it again."""
    with closing(sqlite3.connect(path)) as connection:
        hash_, edited = GENESIS, False
        for row in connection.execute("select * from events order by seq").fetchall():
            seq, at, event_type, content, _ = row
            if event_type == "outcome" and not edited:
                content, edited = json.dumps({**json.loads(content), "number": number}), True
            hash_ = seal(hash_, seq, at, event_type, content)
            connection.execute(
                "update events set content = ?, hash = ? where seq = ?", [content, hash_, seq]
            )
        connection.execute("update head set hash = ?", [hash_])
        connection.commit()
    assert edited


@pytest.mark.parametrize("edits", [150, pytest.param(5000, marks=pytest.mark.faults)])
def test_i30_a_plan_with_one_other_byte_is_refused(planned, edits):
    """But for white space between its words, which nothing reads."""
    sound = (planned.root / "plan.json").read_bytes()
    document, chance, refused = json.loads(sound), random.Random(edits), 0
    for _ in range(edits):
        at = chance.randrange(len(sound))
        byte = chance.choice(b'0123456789abcxyzJE-_./"{}[],: \n')
        text = (sound[:at] + bytes([byte]) + sound[at + 1 :]).decode()
        try:
            plan_of(text)
        except StalePlan as error:
            assert error.remedy
            refused += 1
        else:
            assert json.loads(text) == document, f"{chr(byte)} at {at}"
    assert refused > edits / 2


def amounts(document: dict[str, Any]) -> str:
    return json.dumps(document).replace('"1.99"', '"9.99"')


def names(document: dict[str, Any]) -> str:
    return json.dumps(document).replace('"n1"', '"n9"')


def numbers(document: dict[str, Any]) -> str:
    return json.dumps(document).replace('"JE-00000001"', '"JE-00000002"')


def lineages(document: dict[str, Any]) -> str:
    """A plan that was made with another daybook."""
    lineage = document["basis"]["daybook_lineage"]
    return json.dumps(document).replace(lineage, "0" * len(lineage))


@pytest.mark.parametrize("edit", [amounts, names, numbers, lineages], ids=lambda e: e.__name__)
def test_i30_a_plan_edited_through_and_through_is_stale(planned, edit):
    """Its checksum and its digest fit again; the plan made now is another."""
    path = planned.root / "plan.json"
    sound = json.loads(path.read_text())
    document = json.loads(edit(sound))
    assert document != sound, "the edit found its place"
    path.write_text(json.dumps(sealed(document)))
    ended = planned.run("apply", path)
    assert ended.code == 5, ended.said
    assert planned.requests == []


def sealed(document: dict[str, Any]) -> dict[str, Any]:
    for _ in range(2):
        try:
            document["digest"] = digest_of(plan_from(json.loads(json.dumps(document))))
        except (KeyError, ValueError, TypeError):
            break
    document["checksum"] = checksum_of(document)
    return document


def test_i30_a_plan_is_applied_once(planned) -> None:
    first = planned.run("apply", planned.root / "plan.json")
    assert first.code == 0, first.said
    sent = len(planned.requests)
    again = planned.run("apply", planned.root / "plan.json")
    assert again.code == 5, again.said
    assert len(planned.requests) == sent


def pieces(sound: bytes) -> Iterator[bytes]:
    yield b""
    yield sound[: len(sound) // 2]
    yield sound + sound
    yield sound.replace(b'"format_version"', b'"digest": "x",\n  "format_version"', 1)


def test_i30_a_plan_that_is_cut_or_doubled_is_refused_before_any_request(planned):
    path = planned.root / "plan.json"
    sound = path.read_bytes()
    for text in pieces(sound):
        path.write_bytes(text)
        ended = planned.run("apply", path)
        assert ended.code == 5, ended.said
        assert path.read_bytes() == text
    assert planned.requests == []
