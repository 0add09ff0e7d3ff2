"""How `fmt` spells a scalar: the shortest form that means the same to us and to other readers."""

import re
from decimal import Decimal
from functools import lru_cache
from typing import Final

from yaml import ScalarNode
from yaml.resolver import Resolver

from reconciler.core.model.resource import Value
from reconciler.workspace.yaml_reader import plain_value, read

_TEXT_TAG: Final = "tag:yaml.org,2002:str"
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch
_AMOUNT: Final = re.compile(r"(0|[1-9][0-9]*)(?:\.([0-9]+))?").fullmatch
# What readers of YAML 1.2 take for a number; PyYAML's resolver knows those of YAML 1.1.
_NUMBER: Final = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-fA-F]+"
    r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
).fullmatch
# YAML 1.1 names them as booleans, PyYAML's resolver does not know them.
_SINGLE_LETTERS: Final = frozenset("yYnN")
_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}
_RESOLVER: Final = Resolver()


def is_date(text: str) -> bool:
    """Whether a text is written as a date, which may stand without quotes."""
    return _DATE(text) is not None


def value_of(node: ScalarNode) -> Value:
    """What the strict reader makes of the scalar."""
    text: str = node.value
    return text if node.style else plain_value(text)


def spelt(node: ScalarNode, *, flow: bool) -> str:
    """The scalar on one line; `flow` when it stands between brackets or braces."""
    value = value_of(node)
    if value is None:
        return "null"
    if not isinstance(value, str):
        return str(node.value)
    was_plain = not node.style
    return value if _may_stay_plain(value, flow=flow, was_plain=was_plain) else quoted(value)


def spelt_text(text: str, *, flow: bool) -> str:
    return text if _may_stay_plain(text, flow=flow, was_plain=False) else quoted(text)


def quoted(text: str) -> str:
    """The text in quotes: double ones, or single ones where those spare it from escapes."""
    if ('"' in text or "\\" in text) and not re.search(r"[\n\t]", text):
        return "'" + text.replace("'", "''") + "'"
    return '"' + "".join(_ESCAPES.get(character, character) for character in text) + '"'


def amount_in(text: str, units: int | None) -> str | None:
    """The amount with the decimals of its currency; as it is when the currency is not known.

    None when the text is no amount, and when it has more decimals than its currency, zeros too:
    such an amount is refused, and stays as its author wrote it.
    """
    match = _AMOUNT(text)
    if match is None:
        return None
    whole, decimals = match[1], match[2] or ""
    if units is None:
        return text
    if len(decimals) > units:
        return None
    amount = f"{whole}.{decimals.ljust(units, '0')}" if units else whole
    assert Decimal(amount) == Decimal(text)
    return amount


def _may_stay_plain(text: str, *, flow: bool, was_plain: bool) -> bool:
    if not text or plain_value(text) is not text or text in _SINGLE_LETTERS or _NUMBER(text):
        return False
    # Other readers take a date for a date. It may stay as its author wrote it, with or without
    # quotes, because dates are written plain all over the format.
    if _DATE(text):
        return was_plain
    tag = _RESOLVER.resolve(ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    if tag != _TEXT_TAG:
        return False
    return _reads_back(text, flow=flow)


# The names of fields and codes come again on every line.
@lru_cache(maxsize=2048)
def _reads_back(text: str, *, flow: bool) -> bool:
    if "\n" in text or "\t" in text:
        return False
    line = f"{{k: {text}, {text}: v}}\n" if flow else f"{text}: {text}\n"
    documents, problems = read(line.encode(), path="")
    expected = {"k": text, text: "v"} if flow else {text: text}
    return not problems and len(documents) == 1 and documents[0].value == expected
