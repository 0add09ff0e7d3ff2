"""Which characters may stand in a file, and how its bytes become text."""

import re
import unicodedata

from reconciler.core.model.finding import Problem
from reconciler.core.model.similar_names import described
from reconciler.workspace.rules import problem

MAX_REPORTED = 20
"""Characters named for one file; a file full of them needs no longer list."""

PLAIN = b"\n" + bytes(range(0x20, 0x7F))
"""Printable ASCII and line feeds: where a file holds no other byte, nothing needs a look."""
_LINE_BREAKS = "\r\x85\u2028\u2029"
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_REFUSED = re.compile(
    f"\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff{_BIDI}]"
)
_REFUSED_IN_VALUES = re.compile(rf"{_REFUSED.pattern}|\r")
_REFUSED_IN_NAMES = re.compile(rf"[\x00-\x1f]|{_REFUSED.pattern}")
_IS_BIDI = re.compile(f"[{_BIDI}]")

# UTF-32 before UTF-16: the little-endian mark of one begins with that of the other.
_ENCODINGS = (
    (b"\xef\xbb\xbf", "UTF-8 with a byte order mark"),
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)


def decode(data: bytes, *, path: str) -> tuple[str, tuple[Problem, ...]]:
    """The text of a file; with problems the text is empty and must not be used."""
    encoding = _other_encoding(data)
    if encoding:
        return "", (problem("file-encoding", path, f"the file is written in {encoding}"),)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line_start = data.rfind(b"\n", 0, error.start) + 1
        flaw = problem(
            "file-encoding",
            path,
            f"byte 0x{data[error.start]:02X} is not UTF-8",
            at=(
                data.count(b"\n", 0, error.start) + 1,
                len(data[line_start : error.start].decode("utf-8")) + 1,
            ),
        )
        return "", (flaw,)
    flaws = tuple(_flaws(text, path=path))
    return ("", flaws) if flaws else (text, ())


def flaw_of_value(value: str) -> tuple[str, str] | None:
    """The rule a scalar breaks with its characters, and the fact; None when all are fine."""
    if refused := _REFUSED_IN_VALUES.search(value):
        return _rule_of(refused[0]), f"the text holds {described(refused[0])}"
    if not value.isascii() and not unicodedata.is_normalized("NFC", value):
        return "yaml-normalization", "the text is not in Unicode normalization form C"
    return None


def refused_in_name(path: str) -> str | None:
    """The first character of a path that no file name may hold, described; None without one."""
    if path.isascii() and path.isprintable():
        return None
    refused = _REFUSED_IN_NAMES.search(path)
    return described(refused[0]) if refused else None


def _other_encoding(data: bytes) -> str | None:
    for mark, name in _ENCODINGS:
        if data.startswith(mark):
            return name
    # Without a mark, UTF-16 shows by a NUL beside the ASCII character every YAML file begins with.
    return "UTF-16" if len(data) > 1 and data[:2].count(0) == 1 else None


def _flaws(text: str, *, path: str) -> list[Problem]:
    flaws: list[Problem] = []
    for match in _REFUSED.finditer(text):
        line_start = text.rfind("\n", 0, match.start()) + 1
        flaws.append(
            problem(
                _rule_of(match[0]),
                path,
                f"the file holds {described(match[0])}",
                at=(text.count("\n", 0, match.start()) + 1, match.start() - line_start + 1),
            )
        )
        if len(flaws) == MAX_REPORTED:
            break
    return flaws


def _rule_of(character: str) -> str:
    if character in _LINE_BREAKS:
        return "yaml-line-break"
    if _IS_BIDI.match(character):
        return "yaml-bidi"
    return "yaml-control-character"
