"""A second validator of documents, to which the verdicts of the first are held."""

import json
import re
from decimal import Decimal
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.validators import extend
from referencing import Registry

from reconciler.core.model.resource import Value
from reconciler.workspace.json_schema import is_date, schema_text


def is_valid_too(kind: str, document: Value) -> bool:
    """Whether the document fits the schema of its kind, as another library reads it."""
    return not any(True for _ in _validator(kind).iter_errors(document))


@cache
def _validator(kind: str) -> Draft202012Validator:
    validator: Any = extend(
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
    made: Draft202012Validator = validator(schema, registry=Registry(), format_checker=formats)
    return made


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
