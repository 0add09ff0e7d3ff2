"""Plain English: banned phrases with what to write instead, metaphors, length of sentences.

Documents have no breach. In the package the number of each phrase may only fall: lower it in
PHRASES when texts are rewritten.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from checkout import ROOT

LONGEST = 25
"""Words in a sentence of a document."""

PHRASES = {
    r"(?:take|takes|taken|took|taking) back": "cancelled, reversed or removed",
    r"(?:stand|stands|stood) in the (?:books|ledger)": "be posted",
    r"(?:leave|leaves|left) the books": "cancelled or deleted",
    r"house rules?": "custom rule",
    r"rescue files?": "spill file",
    r"ways? out": "what to do",
    r"ready tokens?": "bearer token",
    r"begun with": "created for",
    r"look(?:s|ed|ing)? upwards?": "probe",
    r"looked at one by one": "probed one by one",
    r"neither here nor gone": "say which state is unknown",
    r"(?:is|are) said to be": "name the option or the file that says it",
    r"(?:nobody|no file|no record) speaks of": "no longer managed",
    r"cannot be told": "is unknown",
    r"anew": "again",
    r"held to": "checked against, limited to",
    r"(?:bear|bears|bore) out": "confirm",
    r"disturbed": "name the error, such as HTTP 503",
    r"resting|seconds of rest|wants to rest": "retry after, rate limit",
    r"so many": "the number",
    r"besides": "in addition",
    r"what what": "name the thing",
    r"without a word": "silently",
}
"""A phrase, and what to write instead."""

METAPHORS = {
    "book", "books", "carry", "carrying", "desk", "door", "heart", "house", "look", "pen", "sight",
    "tongue", "whereabouts", "word", "words", "world",
}  # fmt: skip
"""No module is named so. Only `daybook` is a book."""

FENCE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
GENERATED = re.compile(r"<!-- (\w+): begin -->.*?<!-- \1: end -->|<!--.*?-->", re.DOTALL)
CODE = re.compile(r"(`+).+?\1", re.DOTALL)
LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
SOURCE = re.compile(r"\[[^\]]*\] ?")
ITEM = re.compile(r"^ *(?:[-*]|\d+\.) ")
END = re.compile(r"(?<=[.!?])[)\"*]*\s+|(?<=[.!?][)\"*])\s+|:$")
WORD = re.compile(r"[\w…`]\S*")


class Text(NamedTuple):
    """Text of a file, from a line on."""

    file: Path
    line: int
    text: str

    def at(self, offset: int) -> str:
        """`file:line` of a character."""
        line = self.line + self.text.count("\n", 0, offset)
        return f"{self.file.relative_to(ROOT).as_posix()}:{line}"


def documents() -> Iterator[Text]:
    """Every document without code and generated tables. Lines keep their numbers."""
    for file in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]):
        text = file.read_text(encoding="utf-8")
        for pattern in (FENCE, GENERATED):
            text = pattern.sub(lambda found: "\n" * found.group().count("\n"), text)
        yield Text(file, 1, CODE.sub(lambda found: "`" + "\n" * found.group().count("\n"), text))
    workflows = (*(ROOT / "docs").rglob("*.yml"), *(ROOT / ".github").rglob("*.yml"))
    for file in sorted([*workflows, ROOT / "action.yml"]):
        lines = file.read_text(encoding="utf-8").splitlines()
        comments = [re.sub(r"^ *# ?", "", line) if re.match(r" *#", line) else "" for line in lines]
        yield Text(file, 1, "\n".join(comments))


def package() -> Iterator[Text]:
    """Docstrings and literals of every module; templates, schemas and notes."""
    for file in sorted((ROOT / "reconciler").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield Text(file, node.lineno, node.value)
    others = (*(ROOT / "reconciler").rglob("*.html"), *(ROOT / "reconciler").rglob("*.md"))
    for file in sorted([*others, *(ROOT / "schemas").rglob("*.json")]):
        yield Text(file, 1, file.read_text(encoding="utf-8"))


def breaches(texts: Iterator[Text]) -> Iterator[str]:
    """Where a banned phrase is in the texts, what it says, and what to write instead."""
    patterns = {
        phrase: re.compile(rf"\b(?:{phrase.replace(' ', chr(92) + 's+')})\b", re.IGNORECASE)
        for phrase in PHRASES
    }
    for text in texts:
        for phrase, pattern in patterns.items():
            for found in pattern.finditer(text.text):
                place = text.at(found.start())
                yield f"{place}: {found.group()!r}: write {PHRASES[phrase]!r}"


def sentences(text: Text) -> Iterator[tuple[str, str]]:
    """Each sentence outside of tables, with its place."""
    block: list[str] = []
    start = 0
    for number, line in enumerate([*text.text.splitlines(), ""]):
        ends = not line.strip() or line.startswith(("|", "#")) or ITEM.match(line)
        if ends and block:
            place = f"{text.file.relative_to(ROOT).as_posix()}:{start + 1}"
            for sentence in END.split(SOURCE.sub("", LINK.sub(r"\1", " ".join(block)))):
                yield place, sentence
            block = []
        if line.strip() and not line.startswith(("|", "#")):
            start = start if block else number
            block.append(ITEM.sub("", line).strip())


def test_documents_use_plain_words() -> None:
    assert "\n".join(breaches(documents())) == ""


def test_no_sentence_of_a_document_is_long() -> None:
    long = [
        f"{place}: {len(WORD.findall(sentence))} words: {sentence}"
        for text in documents()
        for place, sentence in sentences(text)
        if len(WORD.findall(sentence)) > LONGEST
    ]
    assert "\n".join(long) == ""


def test_the_package_uses_plain_words() -> None:
    assert "\n".join(breaches(package())) == ""


def test_no_module_is_named_by_a_metaphor() -> None:
    named = {
        f"reconciler/{path.as_posix()}"
        for file in (ROOT / "reconciler").rglob("*.py")
        for path in (file.relative_to(ROOT / "reconciler").with_suffix(""),)
        for part in path.parts
        if METAPHORS & {*part.split("_")}
    }
    assert named == set()


def test_the_length_of_a_sentence_is_counted_right() -> None:
    text = Text(
        ROOT / "x.md", 1, "One two. Three\nfour (five).\n\n- six `\n- [seven eight](x.md)\n"
    )
    assert [(place, len(WORD.findall(sentence))) for place, sentence in sentences(text)] == [
        ("x.md:1", 2),
        ("x.md:1", 3),
        ("x.md:4", 2),
        ("x.md:5", 2),
    ]
