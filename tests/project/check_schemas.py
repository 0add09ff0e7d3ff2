"""Checks that every file of schemas/ is a JSON Schema of draft 2020-12 that fetches nothing.

    python tests/project/check_schemas.py [DIRECTORY]

Prints a line for each finding and exits 1 when there is one.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def findings(directory: Path) -> Iterator[str]:
    """What is wrong with the schemas of a directory, a line each."""
    files = sorted(directory.glob("*.json"))
    if not files:
        yield f"{directory}: no schema is here"
    for file in files:
        try:
            schema = json.loads(file.read_text(encoding="utf-8"), object_pairs_hook=_once)
        except ValueError as error:
            yield f"{file}: {error}"
            continue
        if schema.get("$schema") != DRAFT:
            yield f"{file}: $schema is not {DRAFT}"
        for error in Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(schema):
            yield f"{file}: {error.json_path}: {error.message}"
        for reference in _references(schema):
            if not (reference.startswith("#/") and _leads_somewhere(schema, reference)):
                yield f"{file}: $ref {reference} leads to nothing in this file"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise ValueError(f"a key occurs twice among {', '.join(names)}")
    return dict(pairs)


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _references(part)


def _leads_somewhere(schema: Any, reference: str) -> bool:
    for step in reference.removeprefix("#/").split("/"):
        if not (isinstance(schema, dict) and step in schema):
            return False
        schema = schema[step]
    return True


def main() -> int:
    """Print the findings; 1 when there are any."""
    root = Path(__file__).parents[2]
    found = list(findings(Path(sys.argv[1]) if len(sys.argv) > 1 else root / "schemas"))
    print("\n".join(found) or "Every schema is JSON Schema 2020-12 and fetches nothing.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
