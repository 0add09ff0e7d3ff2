"""Encodes text from files and servers, one function for each place it is shown in (I-80).

JSON carries every text as it is, and escapes what does harm where it is shown: `readable_json`.
"""

import re

from reconciler.core.model.canonical import UNSAFE

_MARKS = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u0e31\u0e34-\u0e3a"
    "\u0e47-\u0e4e\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
)
"""Marks that are drawn above or below a letter."""

_UNSAFE = re.compile(
    f"[{UNSAFE}]"
    # Scripts that join letters need these, and emoji; between other letters nobody sees them.
    r"|(?<![\u0590-\u200b\u200e-\U0010ffff])[\u200c\u200d]|[\u200c\u200d](?![\u0590-\U0010ffff])"
    r"|(?<![\u2010-\U0010ffff])[\ufe00-\ufe0f]"
    # A tower of marks covers the lines around it.
    f"|(?<=[{_MARKS}]{{2}})[{_MARKS}]"
)

_COMMAND = re.compile(r"#(?=#\[)|:(?=:[a-z])(?:(?<=^:)|(?<=\s:)|(?=:.*::))", re.IGNORECASE)
"""What begins a command to GitHub's runner: `##[name]` anywhere in a line, `::name::` after blanks.

A text may be at the beginning of a line, or after blanks of ours; `std::string` is no command.
"""

_MEANING = re.compile(r"[^\w ,./=-]|_|(?<=www)\.", re.IGNORECASE)
"""What Markdown, HTML or a forge could interpret: all but letters, digits and a few marks."""

_FORMULA = ("=", "+", "-", "@")
"""What begins a formula in a spreadsheet."""


def escaped(text: str) -> str:
    """For terminals, logs and XML: every character that is not safe to show is written as `\\x1b`.

    The result is one line, and no command to the runner of a job that prints it.
    """
    return _COMMAND.sub(_escape, _UNSAFE.sub(_escape, text))


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def code(text: str) -> str:
    """For Markdown: the text as code, in which no character means anything."""
    safe = _MEANING.sub(lambda found: f"&#{ord(found[0])};", _UNSAFE.sub(_escape, text))
    return f"<code>{safe}</code>"


_LINK = re.compile(
    r"https://((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?)"
    r"(?::[0-9]{1,5})?(?:[/?#][a-z0-9/?#=&%.,:+~_-]{0,1000})?",
    re.IGNORECASE | re.ASCII,
)
"""An address of the web with a name as its host, and no character that Markdown interprets."""


def host_of(text: str) -> str:
    """The host of an https address that may be a link; empty for any other text."""
    found = _LINK.fullmatch(text)
    return found[1] if found else ""


def link(text: str) -> str:
    """For Markdown: an https address as a link that shows its host; any other text as code."""
    host = host_of(text)
    return f"[{code(host)}]({text.replace('&', '&amp;')})" if host else code(text)


def sentence(text: str) -> str:
    """For Markdown: a message as text, in which names, values and commands stand in code.

    Words of letters and plain amounts stay text. Forges make mentions, references and links of
    everything else, and they leave code alone.
    """
    drawn = " ".join(_in_sentence(found) for found in _TOKENS.findall(_UNSAFE.sub(_escape, text)))
    return _LIST.sub(lambda found: f"{found[1]}&#{ord(found[2])};", drawn)


_TOKENS = re.compile(r'\(?`[^`]+`\S*|\(?"[^"]+"\S*|--[a-z-]+ \d\S*|[^ ]+')
"""What a sentence is made of: a command in backticks, a value in quotes, an option with a number,
or one word."""

_WORD = re.compile(r"(\(?)(.+?)([,.;:?)]*)", re.DOTALL)
_TEXT = re.compile(
    r"(?![a-fA-F]{7,}$)[^\W\d_]+(?:[-/'][^\W\d_]+)*|\d{1,3}(?:,\d{3})*(?:\.\d+)?|[=≠]"
)
_LIST = re.compile(r"^(\d+)([.)])")


def _in_sentence(token: str) -> str:
    found = _WORD.fullmatch(token)
    assert found is not None
    begin, word, end = found.groups()
    if word.startswith("`") and word.endswith("`") and len(word) > 1:
        drawn = code(word[1:-1])
    else:
        drawn = word if _TEXT.fullmatch(word) else code(word)
    return f"{begin}{drawn}{end}"


def cell(text: str) -> str:
    """For a cell of a spreadsheet: an apostrophe before what would begin a formula.

    The writer of the file adds quotes.
    """
    safe = escaped(text)
    return f"'{safe}" if safe.lstrip().startswith(_FORMULA) else safe


def runner_text(text: str) -> str:
    """For the message of a runner's command, in which a percent sign begins an escape."""
    return escaped(text).replace("%", "%25")


def runner_property(text: str) -> str:
    """For a property of a runner's command, which ends at a comma and whose value at a colon."""
    return runner_text(text).replace(":", "%3A").replace(",", "%2C")


def neutral(value: object) -> object:
    """For HTML: a value before the template escapes it. Markup is encoded already."""
    return escaped(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def css_string(text: str) -> str:
    """For CSS: a string in quotes, in which no character means anything."""
    return '"' + "".join(map(_in_css, escaped(text))) + '"'


def _in_css(character: str) -> str:
    plain = character.isascii() and (character.isalnum() or character in " .,:-")
    return character if plain else f"\\{ord(character):x} "
