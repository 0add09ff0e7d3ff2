"""What to do about text that is not YAML: most often a text needs quotes, or a tab spaces."""

import re
from typing import Final

from yaml import YAMLError
from yaml._yaml import CParser
from yaml.events import StreamEndEvent

from reconciler.core.model.urls import is_secret

_VALUE: Final = re.compile(
    r"(?P<before>[ ]*(?:- )*)(?P<key>[A-Za-z_][\w.-]*:[ ]+|(?<=- ))(?P<value>\S.*?)[ ]*\r?"
).fullmatch
_LONGEST: Final = 200
"""No longer line is repeated in a remedy."""


def syntax_remedy(text: str, index: int, line_number: int) -> str:
    """The remedy for the syntax error at a place; empty if none can be told from its line.

    A text is proposed in quotes only if the error is then gone.
    """
    lines = text.split("\n")
    line = lines[line_number] if line_number < len(lines) else ""
    if text[index : index + 1] == "\t" or re.match(r" *\t", line):
        return "Replace each tab at the beginning of the line by spaces."
    found = _VALUE(line)
    if found is None or len(line) > _LONGEST or is_secret(line):
        return ""
    if re.fullmatch(r"[\[{].*[\]}]", found["value"]):
        # A list or a mapping on one line, with a mistake inside.
        return ""
    value = re.sub(r"\A(['\"])(.*)\1\Z", r"\2", found["value"])
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    quoted = f'{found["key"]}"{escaped}"'
    lines[line_number] = found["before"] + quoted
    if _is_read(lines, beyond=line_number):
        return f"Put the text in quotes: {'' if found['key'] else '- '}{quoted}."
    return ""


def hidden_by_comment(text: str, line_number: int) -> str:
    """The remedy if a comment hides the end of the bracket that begins on this line."""
    line = "".join(text.split("\n")[line_number : line_number + 1])
    if re.search(r"[\[{].*\s#[^\]}]*[\]}]", line):
        return "A `#` after a space begins a comment. Put the text that holds the `#` in quotes."
    return ""


def _is_read(lines: list[str], *, beyond: int) -> bool:
    """Whether libyaml reads the lines further than this one."""
    parser = CParser("\n".join(lines))
    try:
        while not isinstance(parser.get_event(), StreamEndEvent):
            pass
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        return mark is not None and mark.line > beyond + 1
    return True
