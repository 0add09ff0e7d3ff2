"""Strict YAML: libyaml's events straight to plain values, by our own scalar rules.

Only `true`, `false`, `null` (also `~` and nothing) and plain decimal numbers are special; numbers
are exact decimals of their source text. What makes YAML surprising is refused by a named rule.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from yaml import MarkedYAMLError, YAMLError
from yaml._yaml import CParser
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from yaml.scanner import ScannerError

from reconciler.core.model.finding import Problem
from reconciler.core.model.resource import Value
from reconciler.values import dataclass
from reconciler.workspace.encoding import PLAIN, decode, flaw_of_value
from reconciler.workspace.rules import problem
from reconciler.workspace.syntax_remedies import hidden_by_comment, syntax_remedy

MAX_DEPTH = 20
MAX_NODES = 100_000
MAX_DOCUMENTS = 5_000
MAX_PROBLEMS = 100
MAX_NUMBER = 32
"""Characters of a number: more digits than any ledger keeps, few enough to be quick."""

_WORDS: Final[Mapping[str, Value]] = {
    "": None,
    "~": None,
    "null": None,
    "true": True,
    "false": False,
}
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?").fullmatch
_NUMBER_STARTS = frozenset("-0123456789")

# libyaml's own wording, where a plainer one exists. Anything else is quoted as it is.
_SYNTAX: Final[Mapping[str, str]] = {
    "found character that cannot start any token": (
        "a tab, `@`, a backtick or `%` stands where a value or an indent is expected"
    ),
    "block sequence entries are not allowed in this context": "a `- ` stands inside a value",
    "mapping values are not allowed in this context": "a `:` stands where no key can be",
    "could not find expected ':'": "a key has no `:` after it",
    "did not find expected key": "the indent fits no key above, or a quote or bracket is open",
    "did not find expected ',' or '}'": "a `{` is not closed, or a `,` is missing",
    "did not find expected ',' or ']'": "a `[` is not closed, or a `,` is missing",
    "did not find expected '-' indicator": "a list goes on without `-`",
    "found unexpected end of stream": "a quote or bracket is not closed",
    "found a tab character that violates indentation": "a tab stands where spaces indent",
    "found invalid Unicode character escape code": "the escape names no character",
    "found unknown escape character": "the escape after `\\` has no meaning",
}


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file: its value and the line it starts at, from 1."""

    value: Value
    line: int


def read(data: bytes, *, path: str) -> tuple[tuple[Document, ...], tuple[Problem, ...]]:
    """The documents of a file, or the problems it has; a file with problems has no documents.

    Mappings are plain dicts in the order of the file, lists are tuples, numbers are Decimal with
    their scale. `path` is only repeated in problems. Nothing but problems comes of any input.
    """
    plain = not data.translate(None, PLAIN)
    text, problems = (data.decode("ascii"), ()) if plain else decode(data, path=path)
    if problems:
        return (), problems
    # Without escapes a plain file cannot hold a scalar that needs a look at its characters.
    reader = _Reader(path, trusted=plain and b"\\" not in data)
    documents = reader.documents(text)
    return ((), tuple(reader.problems)) if reader.problems else (documents, ())


def plain_value(text: str) -> Value:
    """What an unquoted scalar means."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in _NUMBER_STARTS and _NUMBER(text):
        return Decimal(text)
    return text


class _StopReading(Exception):
    """The file is too deep, too large or too bad to go on."""


class _Reader:
    """Builds values from the events of one file and collects its problems."""

    __slots__ = ("_event", "_known", "_nodes", "_path", "_trusted", "problems", "stopped")

    def __init__(self, path: str, *, trusted: bool) -> None:
        self._path = path
        self._trusted = trusted
        self._nodes = 0
        # Keys found to be text however they are written; a file repeats the same few.
        self._known: set[str] = set()
        self.problems: list[Problem] = []
        self.stopped = False

    def documents(self, text: str) -> tuple[Document, ...]:
        self._event = CParser(text).get_event
        documents: list[Document] = []
        try:
            while (event := self._event()).__class__ is not StreamEndEvent:
                if event.__class__ is DocumentStartEvent:
                    self._begin(event, len(documents) + 1)
                    root: Any = self._event()
                    documents.append(Document(self._node(root, 0), root.start_mark.line + 1))
        except ScannerError as error:
            if before := self._refused_before(text, error):
                self.problems, self.stopped = before, True
            else:
                self._refuse_syntax(text, error)
        except YAMLError as error:
            self._refuse_syntax(text, error)
        except _StopReading:
            self.stopped = True
        return tuple(documents)

    def _node(self, event: Any, depth: int) -> Value:
        kind = event.__class__
        if kind is ScalarEvent:
            return self._scalar(event)
        if kind is MappingStartEvent:
            return self._mapping(event, depth + 1)
        if kind is SequenceStartEvent:
            return self._sequence(event, depth + 1)
        self._refuse(event, "yaml-alias", f"`*{event.anchor}` repeats a value from elsewhere")
        return None

    def _scalar(self, event: Any) -> Value:
        text: str = event.value
        if event.anchor is not None or event.tag is not None:
            self._refuse_properties(event)
        if not self._trusted and (flaw := flaw_of_value(text)):
            self._refuse(event, *flaw)
        if event.style:
            return text
        value = plain_value(text)
        if value.__class__ is Decimal and len(text) > MAX_NUMBER:
            self._refuse(event, "yaml-number-length", f"the number has {len(text):,} characters")
        return value

    def _mapping(self, start: Any, depth: int) -> Value:
        self._enter(start, depth)
        mapping: dict[str, Value] = {}
        event: Any
        next_event, known = self._event, self._known
        while (event := next_event()).__class__ is not MappingEndEvent:
            key = event.value if event.__class__ is ScalarEvent else None
            if key not in known or event.anchor is not None or event.tag is not None:
                key = self._key(event, depth)
            following = next_event()
            scalar = following.__class__ is ScalarEvent
            value = self._scalar(following) if scalar else self._node(following, depth)
            if key in mapping:
                self._refuse(event, "yaml-duplicate-key", f"`{key}` is written twice")
            elif key is not None:
                mapping[key] = value
        self._count(start, 2 * len(mapping))
        return mapping

    def _sequence(self, start: Any, depth: int) -> Value:
        self._enter(start, depth)
        values: list[Value] = []
        while (event := self._event()).__class__ is not SequenceEndEvent:
            values.append(self._node(event, depth))
        self._count(start, len(values))
        return tuple(values)

    def _key(self, event: Any, depth: int) -> str | None:
        if event.__class__ is not ScalarEvent:
            if event.__class__ is not AliasEvent:
                self._refuse(event, "yaml-key", "a list or a mapping is used as a key")
            self._node(event, depth)
            return None
        key = self._scalar(event)
        if key == "<<" and not event.style:
            self._refuse(event, "yaml-merge-key", "`<<` merges another mapping into this one")
            return None
        if key.__class__ is not str:
            self._refuse(event, "yaml-key", f"the key `{event.value}` is not text")
            return None
        if not self._trusted and ("\n" in event.value or "\t" in event.value):
            self._refuse(event, "yaml-key", "a line break or a tab stands inside a key")
        if not event.style:
            self._known.add(event.value)
        return key

    def _enter(self, start: Any, depth: int) -> None:
        if start.anchor is not None or start.tag is not None:
            self._refuse_properties(start)
        if depth > MAX_DEPTH:
            fact = f"mappings and lists are nested more than {MAX_DEPTH} deep"
            self._refuse(start, "yaml-depth", fact)
            raise _StopReading

    def _count(self, start: Any, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            self._refuse(start, "yaml-size", f"the document holds more than {MAX_NODES:,} values")
            raise _StopReading

    def _refuse(self, event: Any, rule: str, message: str) -> None:
        mark = event.start_mark
        place = mark.line + 1, mark.column + 1
        self.problems.append(problem(rule, self._path, message, at=place))
        if len(self.problems) == MAX_PROBLEMS:
            raise _StopReading

    def _refuse_properties(self, event: Any) -> None:
        if event.anchor is not None:
            self._refuse(event, "yaml-alias", f"`&{event.anchor}` names a value for repetition")
        if event.tag is not None:
            self._refuse(event, "yaml-tag", f"the value carries the tag `{event.tag}`")

    def _refused_before(self, text: str, error: ScannerError) -> list[Problem]:
        """The problems of what precedes the scanner's error, if one of them ends the reading.

        While a bracket may begin a key, libyaml scans on to the end of the line. What it refuses
        there hides the events before. The text up to that place tells them.
        """
        end, key = error.problem_mark, error.context_mark
        if end is not None and end.index < len(text):
            return self._ending_in(text[: end.index])
        if key is None or not text.startswith(("[", "{"), key.index):
            return []
        # The text ends inside a key that needs a `:` after it. A key behind `? ` needs none.
        marked = f"{text[: key.index]}? {text[key.index :]}"
        return [
            replace(one, column=one.column - 2) if one.line == key.line + 1 else one
            for one in self._ending_in(marked)
        ]

    def _ending_in(self, text: str) -> list[Problem]:
        again = _Reader(self._path, trusted=self._trusted)
        again.documents(text)
        return again.problems if again.stopped else []

    def _begin(self, event: Any, number: int) -> None:
        self._nodes = 0
        if number > MAX_DOCUMENTS:
            fact = f"the file holds more than {MAX_DOCUMENTS:,} documents"
            self._refuse(event, "yaml-size", fact)
            raise _StopReading
        if event.version is not None or event.tags is not None:
            name = "%TAG" if event.version is None else "%YAML"
            self._refuse(event, "yaml-directive", f"the document begins with `{name}`")

    def _refuse_syntax(self, text: str, error: YAMLError) -> None:
        mark = None
        fact = "the text is not YAML"
        if isinstance(error, MarkedYAMLError):
            mark = error.problem_mark or error.context_mark
            wording = f"{error.context or ''} {error.problem or ''}".strip()
            fact = _SYNTAX.get(error.problem or "", f"the text is not YAML: {wording}")
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        remedy = syntax_remedy(text, mark.index, mark.line) if mark else ""
        if isinstance(error, MarkedYAMLError) and error.context_mark and not remedy:
            remedy = hidden_by_comment(text, error.context_mark.line)
        self.problems.append(problem("yaml-syntax", self._path, fact, at=place, remedy=remedy))
