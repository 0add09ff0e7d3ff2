"""Why a document does not fit its schema: one finding, in plain words, for everything it breaks."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import islice
from typing import Any, Final, TypeAlias

from reconciler.core.model.canonical import canonical_json
from reconciler.core.model.finding import Finding
from reconciler.core.model.resource import Path, Source, Value
from reconciler.core.model.similar_names import KnownNames, folded, misleading_character
from reconciler.core.model.urls import without_password
from reconciler.values import dataclass
from reconciler.workspace.amounts import amount_flaw, amount_remedy
from reconciler.workspace.field_names import custom_field_meant, server_owned
from reconciler.workspace.json_schema import errors_of, schema_of, validator
from reconciler.workspace.rules import finding
from reconciler.workspace.spellings import dates_meant, fitting, last_day

Breach: TypeAlias = tuple[Path, str, str, str]
"""A path, the rule it breaks, the fact, and the remedy; no remedy means that of the rule."""

_SORTS: Final = ((bool, "a boolean"), (str, "text"), (Decimal, "a number"), (tuple, "a list"))
_EXPECTED: Final[Mapping[str, str]] = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}
_BOOLEAN_WORDS = frozenset({"yes", "no", "on", "off", "true", "false", "y", "n"})
_SHOWN = 60
_LONGEST = 200
"""Characters of a text that are looked at for what its author meant."""
CREDENTIALS = (
    "Remove them from the file. Credentials come from the environment, and none is in a URL."
)
MAX_EXPLAINED = 100
"""What is told of one document; one with more to correct is explained again after that."""


def explain(
    kind: str, document: Value, *, source: Source, at_most: int = MAX_EXPLAINED
) -> tuple[Finding, ...]:
    """The reasons for which the schema of this kind refuses the document; at least one."""
    told = (
        breach
        for refused, path in _refusals(kind, document, at_most)
        for breach in _KEYWORDS[refused.keyword](refused, path)
    )
    breaches = dict.fromkeys(islice(told, at_most))
    if not breaches:
        # A document without a finding would count as one that nobody wrote.
        breaches = {((), "schema-value", "the document does not fit its schema", ""): None}
    return tuple(
        finding(rule, source, path, message, remedy=remedy)
        for path, rule, message, remedy in breaches
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refused:
    """A keyword of a schema, the value that does not fit it, and what stands around it."""

    instance: Any
    kind: str
    keyword: str
    schema: Any
    """The part of the schema of the kind that has the keyword."""
    required: bool
    beside: Mapping[str, Value]
    """The mapping that holds the value, when one does."""

    @property
    def limit(self) -> Any:
        """What the schema says of the keyword."""
        return self.schema[self.keyword]

    def fits(self, text: str) -> bool:
        """Whether a text could stand in the place of the value."""
        return validator({"$defs": schema_of(self.kind).get("$defs", {}), **self.schema}).is_valid(
            text
        )


def _refusals(kind: str, document: Value, at_most: int) -> Iterator[tuple[_Refused, Path]]:
    errors = list(islice(errors_of(kind, document), at_most))
    mistyped = [error.instance_path for error in errors if error.schema_path[-1] == "type"]
    for error in errors:
        # Of a value of the wrong sort nothing else needs to be said.
        if error.schema_path[-1] == "type" or error.instance_path not in mistyped:
            yield _refused(kind, document, error)


def _refused(kind: str, document: Value, error: Any) -> tuple[_Refused, Path]:
    here = above = root = schema_of(kind)
    *steps, keyword = error.evaluation_path
    for step in steps:
        above = here if step == "properties" else above
        here = root["$defs"][here["$ref"].rpartition("/")[2]] if step == "$ref" else here[step]
    path = tuple(error.instance_path)
    value: Any = document
    beside: Any = None
    for step in path:
        beside, value = value, value[step]
    if "propertyNames" in steps:
        name = error.kind.error.instance
        path, beside, value = (*path, name), value, name
    refused = _Refused(
        instance=value,
        kind=kind,
        keyword=keyword,
        schema=here,
        required=bool(path) and path[-1] in above.get("required", ()),
        beside=beside if isinstance(beside, dict) else {},
    )
    return refused, path


def _unknown_fields(error: _Refused, path: Path) -> Iterator[Breach]:
    known = list(error.schema.get("properties", {}))
    patterns = list(error.schema.get("patternProperties", {}))
    similar = KnownNames(known)
    for field in error.instance:
        if field in known or any(re.fullmatch(pattern, field) for pattern in patterns):
            continue
        fact, remedy = f"`{_short(field)}` is not a field here", ""
        if owned := server_owned(error.kind, path, field):
            fact, remedy = f"`{field}` belongs to the ledger", owned
        elif custom := custom_field_meant(field, patterns):
            remedy = (
                f"Write `{custom}`. Names of custom fields end in `__c`, and their case counts."
            )
        elif close := similar.nearest(field):
            remedy = _written(field, close)
        elif known:
            remedy = f"Known here: {_listed(known)}."
        yield (*path, field), "schema-unknown-field", fact, remedy


def _missing_fields(error: _Refused, path: Path) -> Iterator[Breach]:
    for field in error.limit:
        if field not in error.instance:
            yield (*path, field), "schema-missing-field", f"`{field}` is missing", ""


def _missing_companions(error: _Refused, path: Path) -> Iterator[Breach]:
    for field, companions in error.limit.items():
        for companion in companions:
            if field in error.instance and companion not in error.instance:
                fact = f"`{companion}` is missing, which `{field}` needs"
                yield (*path, companion), "schema-missing-field", fact, ""


def _no_choice(error: _Refused, path: Path) -> Iterator[Breach]:
    """Alternatives are lists of required fields, and the `$comment` beside them says which."""
    choice = error.schema["$comment"]
    if any(set(one["required"]) <= set(error.instance) for one in error.limit):
        yield path, "schema-choice", f"{_name(path)} takes {choice}, not both", "Keep one of them."
    else:
        yield path, "schema-choice", f"{_name(path)} needs {choice}", ""


def _wrong_pair(error: _Refused, path: Path) -> Iterator[Breach]:
    """Values that exclude each other; the `$comment` beside them says why."""
    fact = f"{_name(path)} takes {error.schema['$comment']}"
    yield path, "schema-choice", fact, "Change one of them, or state the one that is missing."


def _wrong_type(error: _Refused, path: Path) -> Iterator[Breach]:
    wanted = error.limit
    expected = (wanted,) if isinstance(wanted, str) else tuple(wanted)
    value = error.instance
    name = _name(path)
    words = error.schema.get("enum", ())
    if isinstance(value, bool) and words:
        fact = f"{name} is the boolean {_shown(value)}, but takes a word"
        yield path, "schema-boolean-word", fact, f"Write one of {_listed(words)}."
    elif "boolean" in expected and str(value).lower() in _BOOLEAN_WORDS:
        fact = f"{name} is the text `{_short(value)}`, but takes a boolean"
        yield path, "schema-boolean-word", fact, "Write true or false."
    elif isinstance(value, Decimal) and error.schema.get("format") == "date":
        yield from _wrong_date(replace(error, instance=str(value)), path)
    elif value is None:
        remedy = "Write a value." if error.required else "Write a value, or remove the field."
        yield path, "schema-type", f"{name} is empty", remedy
    else:
        takes = " or ".join(_EXPECTED[sort] for sort in expected)
        remedy = ""
        if "string" in expected and isinstance(value, bool | Decimal):
            text = _shown(value)
            remedy = f'Put it in quotes: "{text}".' if error.fits(text) else _meant(error, text)
        elif "object" in expected and isinstance(value, str):
            (field, *others) = error.schema.get("required") or ("",)
            # A row of one field, written without the name of the field.
            remedy = f"Write {{{field}: {_short(value)}}}." if field and not others else ""
        yield path, "schema-type", f"{name} is {_sort(value)}, but takes {takes}", remedy


def _wrong_value(error: _Refused, path: Path) -> Iterator[Breach]:
    words = error.limit
    words = words if isinstance(words, list) else [words]
    close = KnownNames(words).nearest(str(error.instance))
    remedy = _written(str(error.instance), close) if close else f"Write one of {_listed(words)}."
    fact = f"{_name(path)} is `{_short(error.instance)}`, which is not one of its values"
    yield path, "schema-value", fact, remedy


def _wrong_spelling(error: _Refused, path: Path) -> Iterator[Breach]:
    if error.schema.get("title") == "amount":
        yield _wrong_amount(error, path)
        return
    value, takes = _short(error.instance), error.schema["$comment"]
    if value != error.instance and "//" in value:
        fact = f"{_name(path)} holds a password or a token, which is not shown, but takes {takes}"
        yield path, "schema-spelling", fact, CREDENTIALS
        return
    fact = f"{_name(path)} is `{value}`, but takes {takes}"
    yield path, "schema-spelling", fact, _meant(error, error.instance)


def _wrong_amount(error: _Refused, path: Path) -> Breach:
    text = str(error.instance)
    fact = f"`{path[-1]}: {_short(text)}` {amount_flaw(text)}"
    return path, "schema-amount", fact, amount_remedy(text, side=error.beside.get("type"))


def _meant(error: _Refused, text: str) -> str:
    """The remedy that says what to write instead, if that can be told from the text."""
    if error.schema.get("format") == "date":
        days = " or ".join(dates_meant(text))
        if days and re.fullmatch("[0-9]{5}", text):
            return f"Write {days}, if {text} is the number of a day in a spreadsheet."
        return days and f"Write {days}."
    if words := error.schema.get("enum"):
        return f"Write one of {_listed(words)}."
    meant = fitting(text[:_LONGEST], error.fits)
    return _written(text, meant) if meant else ""


def _written(text: str, meant: str) -> str:
    """The remedy that names what to write, and the character that only looks right."""
    strange = misleading_character(text)
    told = f" The text holds {strange}." if strange and folded(text) == folded(meant) else ""
    return f"Write `{meant}`.{told}"


def _wrong_date(error: _Refused, path: Path) -> Iterator[Breach]:
    spelt = re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", error.instance)
    flaw = "which is no day of the calendar" if spelt else "which is not written YYYY-MM-DD"
    last = last_day(error.instance) if spelt else ""
    remedy = f"Write a day up to {last}." if last else _meant(error, error.instance)
    yield path, "schema-date", f"{_name(path)} is `{_short(error.instance)}`, {flaw}", remedy


def _wrong_length(error: _Refused, path: Path) -> Iterator[Breach]:
    length, limit = len(error.instance), error.limit
    if not length:
        yield path, "schema-length", f"{_name(path)} is empty", ""
        return
    unit = _UNITS[type(error.instance)] + "s" * (length > 1)
    bound = "at most" if error.keyword.startswith("max") else "at least"
    fact = f"{_name(path)} has {length:,} {unit}, but takes {bound} {limit:,}"
    yield path, "schema-length", fact, ""


def _wrong_range(error: _Refused, path: Path) -> Iterator[Breach]:
    if error.schema.get("title") == "amount":
        yield _wrong_amount(error, path)
        return
    bound = _BOUNDS[error.keyword]
    fact = f"{_name(path)} is {_shown(error.instance)}, but takes {bound} {error.limit:,}"
    yield path, "schema-range", fact, ""


def _repeated(error: _Refused, path: Path) -> Iterator[Breach]:
    seen: set[str] = set()
    for position, value in enumerate(error.instance):
        # The order of fields means nothing.
        if (text := canonical_json(value)) in seen:
            shown = ", ".join(map(_shown, value.values())) if isinstance(value, dict) else value
            fact = f"`{_short(shown)}` is named twice in {_name(path)}"
            yield (*path, position), "schema-duplicate", fact, ""
        seen.add(text)


_UNITS: Final[Mapping[type, str]] = {str: "character", tuple: "item", dict: "field"}
_BOUNDS: Final[Mapping[str, str]] = {
    "minimum": "at least",
    "maximum": "at most",
    "exclusiveMinimum": "more than",
    "exclusiveMaximum": "less than",
}
_KEYWORDS: Final[Mapping[str, Callable[[_Refused, Path], Iterable[Breach]]]] = {
    "additionalProperties": _unknown_fields,
    "required": _missing_fields,
    "dependentRequired": _missing_companions,
    "anyOf": _no_choice,
    "oneOf": _no_choice,
    "not": _wrong_pair,
    "type": _wrong_type,
    "enum": _wrong_value,
    "const": _wrong_value,
    "pattern": _wrong_spelling,
    "format": _wrong_date,
    "minLength": _wrong_length,
    "maxLength": _wrong_length,
    "minItems": _wrong_length,
    "maxItems": _wrong_length,
    "minProperties": _wrong_length,
    "maxProperties": _wrong_length,
    "uniqueItems": _repeated,
    **dict.fromkeys(_BOUNDS, _wrong_range),
}


def _name(path: Path) -> str:
    if not path:
        return "the document"
    field = path[-1]
    if isinstance(field, str):
        return f"`{_short(field)}`"
    parent = path[-2] if len(path) > 1 else ""
    return f"`{parent}` number {field + 1}"


def _sort(value: Value) -> str:
    return next((name for sort, name in _SORTS if isinstance(value, sort)), "a mapping")


def _shown(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else _short(value)


def _short(value: Value) -> str:
    text = without_password(str(value))
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)
