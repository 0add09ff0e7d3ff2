"""What a shell can complete: rules, kinds, and the names and periods of a workspace."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from reconciler.app.explain import all_rules, schemas
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.schedule import SCHEDULE
from reconciler.core.model.tenant import tenant_from
from reconciler.workspace.files import find
from reconciler.workspace.json_schema import REFERENCE, is_valid
from reconciler.workspace.yaml_reader import read

_DECLARED = re.compile(
    r"^kind: (\w+)\r?\nmetadata:(?: \{|\r?\n +)name: ([a-z0-9._-]+)", re.MULTILINE
)
_PLAIN = re.compile(r"[\w.,:/@%+=-]+")
"""Words that mean themselves in every shell. A file under review may hold others."""


def candidates(what: str, root: Path) -> Mapping[str, str]:
    """The words of one sort of WORDS, each with what a shell says of it."""
    found = WORDS[what](root)
    return {word: said for word, said in found.items() if _PLAIN.fullmatch(word)}


def _declared(root: Path, *kinds: str) -> dict[str, str]:
    return {name: kind for _, kind, name in _documents(root) if kind in kinds}


def _periods(root: Path) -> dict[str, str]:
    path = next((path for path, kind, _ in _documents(root) if kind == REFERENCE), None)
    documents, _ = read(path.read_bytes(), path="") if path else ((), ())
    sound = (one.value for one in documents if is_valid(REFERENCE, one.value))
    return {
        period.name: f"{period.start_date}, {period.status}"
        for value in sound
        if isinstance(value, Mapping)
        for period in tenant_from(value).periods
    }


def _documents(root: Path) -> Iterator[tuple[Path, str, str]]:
    """The file, kind and name of documents that are written as `fmt` writes them.

    Nothing is checked: a shell waits, and reading as a plan does takes ten times as long.
    """
    for file in find(root)[0]:
        path = Path(file.real)
        for kind, name in _DECLARED.findall(path.read_text(encoding="utf-8", errors="replace")):
            yield path, kind, name


WORDS: Mapping[str, Callable[[Path], dict[str, str]]] = {
    "kind": lambda _: dict(schemas()),
    "mapping": lambda root: _declared(root, "SpreadsheetMapping"),
    "name": lambda root: _declared(root, *KINDS),
    "period": _periods,
    "rule": lambda _: {name: rule.summary for name, rule in all_rules().items()},
    "source": lambda root: _declared(root, *KINDS, SCHEDULE),
}
