"""Names that look alike: the nearest known one, and characters that are not what they seem."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

MOST_COMPARED: Final = 10
"""The known names that one unknown name is compared with in full."""

_MOST_SHARING: Final = 200
"""A part that more names share tells too little about which of them is meant."""

_LATIN: Final = str.maketrans(
    "абвгдезикмнорстухіјѕһԁАВЕЅІЈКМНОРСТУХΑΒΕΖΗΙΚΜΝΟΡΤΥΧανορυı"
    "\u2010\u2011\u2012\u2013\u2014\u2212\u2019\u2018\u02bc\u201c\u201d",
    "a6brge3ukmhopctyxijshdABESIJKMHOPCTYXABEZHIKMNOPTYXavopui------'''\"\"",
)
"""Letters and signs of other scripts that look like ASCII characters."""


def folded(name: str) -> str:
    """What a reader sees of a name: without case, repeated spaces and invisible characters."""
    plain = name
    if not name.isascii():
        visible = "".join(one for one in name if unicodedata.category(one) != "Cf")
        plain = unicodedata.normalize("NFKC", visible).translate(_LATIN)
    return " ".join(plain.casefold().split())


def misleading_character(text: str) -> str:
    """The first character that looks like another one or like nothing; empty without one.

    It is named by its code point and its position from 1: `U+00A0 (no-break space) at position 9`.
    """
    if text.isascii():
        return ""
    for position, one in enumerate(text, 1):
        if not one.isascii() and (not (seen := folded(one)) or seen.isascii()):
            return f"{described(one)} at position {position}"
    return ""


def described(character: str) -> str:
    """A character by its code point and name, as a reader can look it up."""
    name = unicodedata.name(character, "control character")
    return f"U+{ord(character):04X} ({name.lower()})"


class KnownNames:
    """Names to find the nearest one in. The index is built for the first search, and then kept."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names: Mapping[str, str] = {}
        self._unread = names
        self._sharing: dict[str, list[str]] = {}
        self._found: dict[str, str | None] = {}

    def nearest(self, name: str) -> str | None:
        """The known name that was probably meant. A word is searched for once."""
        wanted = folded(name[:_LONGEST])
        if not self._names:
            self._read()
        if wanted not in self._found:
            self._found[wanted] = self._names.get(wanted) or self._most_similar(wanted)
        return self._found[wanted]

    def _read(self) -> None:
        self._names = {folded(name): name for name in sorted(self._unread, reverse=True)}
        for name in self._names:
            for part in _parts(name):
                self._sharing.setdefault(part, []).append(name)

    def _most_similar(self, wanted: str) -> str | None:
        from difflib import SequenceMatcher  # noqa: PLC0415  only when a name is wrong

        shared: Counter[str] = Counter()
        for part in _parts(wanted):
            sharing = self._sharing.get(part, ())
            if len(sharing) <= _MOST_SHARING:
                shared.update(sharing)
        matcher = SequenceMatcher(b=wanted)
        best = _SIMILAR, ""
        for known, _ in shared.most_common(MOST_COMPARED):
            matcher.set_seq1(known)
            best = max(best, (int(100 * matcher.ratio()), known))
        return self._names.get(best[1])


_LONGEST = 100
"""No name is longer; what is, is compared by its beginning."""

_SIMILAR = 60
"""Per cent of characters in common from which on a name was probably meant."""


def nearest(name: str, known: KnownNames) -> str:
    """The remedy that names what was probably meant; empty if nothing is similar."""
    close = known.nearest(name)
    if close is None:
        return ""
    if (strange := misleading_character(name)) and folded(close) == folded(name):
        return f'The name holds {strange}. Write "{close}".'
    return f'Did you mean "{close}"?'


def _parts(name: str) -> Iterable[str]:
    """Two and three neighbouring characters, the ends included, and single ones by their count."""
    framed = f" {name} "
    single = (f"{one}{name.count(one, 0, at)}" for at, one in enumerate(name))
    return {framed[at : at + size] for size in (2, 3) for at in range(len(name) + 1)} | {*single}
