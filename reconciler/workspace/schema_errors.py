"""Why a document does not fit its schema: one finding, in plain words, for everything it breaks."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from itertools import islice
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.validators import extend
from referencing import Registry

from reconciler.core.model.finding import Finding
from reconciler.core.model.resource import Path, Source, Value
from reconciler.core.model.similar_names import KnownNames, folded, misleading_character
from reconciler.core.model.urls import without_password
from reconciler.workspace.amounts import amount_flaw, amount_remedy
from reconciler.workspace.field_names import custom_field_meant, server_owned
from reconciler.workspace.json_schema import is_date, schema_text
from reconciler.workspace.rules import finding
from reconciler.workspace.spellings import dates_meant, fitting, last_day

Breach: TypeAlias = tuple[Path, str, str, str]
"""A path, the rule it breaks, the fact, and the remedy; no remedy means that of the rule."""

_SORTS: Final = ((bool, "a boolean"), (str, "text"), (Decimal, "a number"), (tuple, "a list"))
_EXPECTED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "string": "text",
        "number": "a number",
        "integer": "a whole number",
        "boolean": "true or false",
        "array": "a list",
        "object": "a mapping",
        "null": "null",
    }
)
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
        for error in _errors(kind, document, at_most)
        for breach in _KEYWORDS[str(error.validator)](
            _refused(kind, document, error), tuple(error.path)
        )
    )
    breaches = dict.fromkeys(islice(told, at_most))
    if not breaches:
        # The two validators are held to the same verdict; the one that decides is the stricter.
        breaches = {((), "schema-value", "the document does not fit its schema", ""): None}
    return tuple(
        finding(rule, source=source, path=path, message=message, remedy=remedy)
        for path, rule, message, remedy in breaches
    )


def explained(kind: str, document: Value) -> bool:
    """True when the explaining validator sees nothing to explain: the second opinion of tests."""
    return not any(True for _ in _explainer(kind).iter_errors(document))


def _errors(kind: str, document: Value, at_most: int) -> Iterator[ValidationError]:
    errors = list(islice(_explainer(kind).iter_errors(document), at_most))
    mistyped = {tuple(error.path) for error in errors if error.validator == "type"}
    for error in errors:
        # Of a value of the wrong sort nothing else needs to be said.
        if error.validator == "type" or tuple(error.path) not in mistyped:
            yield error


@cache
def _explainer(kind: str) -> Draft202012Validator:
    validator: Any = extend(  # type: ignore[no-untyped-call]
        Draft202012Validator,
        type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(
            {
                "array": lambda _, value: isinstance(value, tuple),
                "integer": lambda _, value: _is_whole(value),
                "number": lambda _, value: isinstance(value, Decimal),
            }
        ),
    )
    formats = FormatChecker(())
    formats.checks("date")(lambda value: not isinstance(value, str) or is_date(value))
    schema = _for_python(json.loads(schema_text(kind), parse_float=Decimal))
    explainer: Draft202012Validator = validator(schema, registry=Registry(), format_checker=formats)
    return explainer


def _is_whole(value: Value) -> bool:
    # The remainder of a division would be limited to the digits of the decimal context.
    return isinstance(value, Decimal) and value == value.to_integral_value()


def _for_python(schema: Any) -> Any:
    """The schema with `$` in its patterns as JSON Schema means it: the very end of the text.

    Python's own `$` also stands before a last line feed.
    """
    if isinstance(schema, list):
        return [_for_python(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: _for_python(part) for key, part in schema.items()}
    if isinstance(schema.get("pattern"), str):
        schema["pattern"] = _to_the_end(schema["pattern"])
    if patterns := schema.get("patternProperties"):
        schema["patternProperties"] = {_to_the_end(name): patterns[name] for name in patterns}
    return schema


def _to_the_end(pattern: str) -> str:
    return re.sub(r"\$\Z", r"\\Z", pattern)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refused:
    """A keyword of the schema, the value that does not fit it, and what stands around it."""

    kind: str
    instance: Any
    schema: Any
    validator: str
    validator_value: Any
    required: bool
    beside: Mapping[str, Value]
    """The mapping that holds the value, when one does."""

    def fits(self, text: str) -> bool:
        """Whether a text could stand in the place of the value."""
        return _explainer(self.kind).evolve(schema=self.schema).is_valid(text)


def _refused(kind: str, document: Value, error: Any) -> _Refused:
    root: Any = _explainer(kind).schema
    here = above = root
    steps: list[Any] = list(error.absolute_schema_path)[:-1]
    for step in steps:
        # References are not among the steps.
        while step not in here and "$ref" in here:
            here = root["$defs"][here["$ref"].rpartition("/")[2]]
        above = here if step == "properties" else above
        here = here[step]
    path, beside = list(error.path), document
    for step in path[:-1]:
        beside = beside[step]  # type: ignore[index]
    return _Refused(
        kind=kind,
        instance=error.instance,
        schema=error.schema,
        validator=str(error.validator),
        validator_value=error.validator_value,
        required=bool(path) and path[-1] in above.get("required", ()),
        beside=beside if isinstance(beside, dict) else {},
    )


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
    for field in error.validator_value:
        if field not in error.instance:
            yield (*path, field), "schema-missing-field", f"`{field}` is missing", ""


def _missing_companions(error: _Refused, path: Path) -> Iterator[Breach]:
    for field, companions in error.validator_value.items():
        for companion in companions:
            if field in error.instance and companion not in error.instance:
                fact = f"`{companion}` is missing, which `{field}` needs"
                yield (*path, companion), "schema-missing-field", fact, ""


def _no_choice(error: _Refused, path: Path) -> Iterator[Breach]:
    """Alternatives are lists of required fields, and the `$comment` beside them says which."""
    choice = error.schema["$comment"]
    if any(set(one["required"]) <= set(error.instance) for one in error.validator_value):
        fact = f"{_name(path)} takes {choice}, not both"
        yield path, "schema-choice", fact, "Keep one of them."
    else:
        yield path, "schema-choice", f"{_name(path)} needs {choice}", ""


def _wrong_pair(error: _Refused, path: Path) -> Iterator[Breach]:
    """Values that exclude each other; the `$comment` beside them says why."""
    fact = f"{_name(path)} takes {error.schema['$comment']}"
    yield path, "schema-choice", fact, "Change one of them, or state the one that is missing."


def _wrong_type(error: _Refused, path: Path) -> Iterator[Breach]:
    wanted = error.validator_value
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
    words = error.validator_value
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
    length, limit = len(error.instance), error.validator_value
    if not length:
        yield path, "schema-length", f"{_name(path)} is empty", ""
        return
    unit = ("character" if isinstance(error.instance, str) else "item") + "s" * (length > 1)
    bound = "at most" if error.validator == "maxLength" else "at least"
    fact = f"{_name(path)} has {length:,} {unit}, but takes {bound} {limit:,}"
    yield path, "schema-length", fact, ""


def _wrong_range(error: _Refused, path: Path) -> Iterator[Breach]:
    if error.schema.get("title") == "amount":
        yield _wrong_amount(error, path)
        return
    bound = _BOUNDS[str(error.validator)]
    fact = f"{_name(path)} is {_shown(error.instance)}, but takes {bound} {error.validator_value:,}"
    yield path, "schema-range", fact, ""


def _repeated(error: _Refused, path: Path) -> Iterator[Breach]:
    seen: set[str] = set()
    for position, value in enumerate(error.instance):
        if repr(value) in seen:
            shown = ", ".join(map(_shown, value.values())) if isinstance(value, dict) else value
            fact = f"`{_short(shown)}` is named twice in {_name(path)}"
            yield (*path, position), "schema-duplicate", fact, ""
        seen.add(repr(value))


_BOUNDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "minimum": "at least",
        "maximum": "at most",
        "exclusiveMaximum": "less than",
    }
)
_KEYWORDS: Final[Mapping[str, Callable[[_Refused, Path], Iterable[Breach]]]] = MappingProxyType(
    {
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
        "uniqueItems": _repeated,
        "minimum": _wrong_range,
        "maximum": _wrong_range,
        "exclusiveMinimum": _wrong_range,
        "exclusiveMaximum": _wrong_range,
    }
)


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
