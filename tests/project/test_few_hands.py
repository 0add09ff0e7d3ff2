"""One change of notes passes through few functions: the numbers here may only fall.

A function holds the entry when one of its arguments contains, at most three levels deep, the notes
of the entry or a value of its address: a declaration, a state, a change, an intent, a live entry.
Only functions outside `ledger/` count.
"""

import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from checkout import ROOT

from reconciler.cli.main import run
from reconciler.core.model.resource import Address, Live
from reconciler.daybook import open_daybook

FUNCTIONS, MODULES = 220, 63
"""Today's numbers. The aim is 220 functions in 55 modules."""

ENTRY = Address("JournalEntry", "2026-01-deferred-revenue-true-up")
FILE = "2026/01/deferred-revenue-true-up.yaml"
BEFORE, AFTER = "True-up of deferred revenue to", "True-up of contracts to"
LEVELS = 3
PACKAGE = f"{ROOT / 'reconciler'}/"


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """January of the example books, applied on the embedded ledger; one entry has other notes."""
    for name in ("ZUORA_BASE_URL", "RECONCILER_DAYBOOK"):
        monkeypatch.delenv(name, raising=False)
    root = tmp_path / "books"
    shutil.copytree(ROOT / "journals" / "2026" / "01", root / "2026" / "01")
    for name in ("reconciler.yaml", "reference.yaml", "2026/02/tokyo-office-rent.yaml"):
        (root / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / "journals" / name, root / name)
    assert run(["apply", "-w", str(root), "--auto-approve"]) == 0
    text = (root / FILE).read_text(encoding="utf-8")
    (root / FILE).write_text(text.replace(BEFORE, AFTER), encoding="utf-8")
    return root


def test_one_change_is_held_by_few_functions(books: Path) -> None:
    daybook = open_daybook(books / ".reconciler" / "daybook.db", write=False)
    number = daybook.recorded()[ENTRY].number
    daybook.close()
    assert number is not None
    holders = Holders(number)
    threading.setprofile(holders.profile)
    sys.setprofile(holders.profile)
    try:
        code = run(["apply", "-w", str(books), "--auto-approve"])
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    assert code == 0
    modules = {module for module, _ in holders.found}
    listed = "\n".join(f"{module} {function}" for module, function in sorted(holders.found))
    assert len(holders.found) <= FUNCTIONS, listed
    assert len(modules) <= MODULES, listed


class Holders:
    """Collects functions of the package that are called with the entry."""

    def __init__(self, number: str) -> None:
        self._number = number
        self.found: set[tuple[str, str]] = set()

    def profile(self, frame: FrameType, event: str, _: object) -> None:
        """What `sys.setprofile` calls."""
        code = frame.f_code
        module = code.co_filename.removeprefix(PACKAGE)
        function = (module, code.co_qualname)
        if event != "call" or module == code.co_filename or module.startswith("ledger/"):
            return
        if function in self.found:
            return
        sys.setprofile(None)  # Looking at values may call their methods.
        try:
            count = code.co_argcount + code.co_kwonlyargcount
            count += bool(code.co_flags & 0x04) + bool(code.co_flags & 0x08)
            arguments = [frame.f_locals.get(name) for name in code.co_varnames[:count]]
            if any(self._holds(value, LEVELS) for value in arguments):
                self.found.add(function)
        finally:
            sys.setprofile(self.profile)

    def _holds(self, value: Any, levels: int) -> bool:
        if isinstance(value, str | bytes):
            return _is_about(value)
        if value is None or isinstance(value, int | type):
            return False
        if isinstance(value, Live) and value.number == self._number:
            return True
        if not levels:
            return False
        return _attribute(value, "address") == ENTRY or any(
            self._holds(part, levels - 1) for part in _parts(value)
        )


def _is_about(text: str | bytes) -> bool:
    text = text.decode(errors="replace") if isinstance(text, bytes) else text
    return BEFORE in text or AFTER in text


def _parts(value: Any) -> Iterator[Any]:
    """The items of a collection, or the fields of an object of the package."""
    if isinstance(value, tuple | list | set | frozenset):
        yield from value
    elif isinstance(value, dict) or type(value).__name__ == "mappingproxy":
        yield from list(value.values())
    elif type(value).__module__.startswith("reconciler"):
        yield from (_attribute(value, "__dict__") or {}).values()
        slots = (getattr(each, "__slots__", ()) or () for each in type(value).__mro__)
        yield from (_attribute(value, name) for names in slots for name in names)


def _attribute(value: Any, name: str) -> Any:
    """An attribute as it is stored, without calling a property of the object's own class."""
    with suppress(Exception):
        return object.__getattribute__(value, name)
    return None
