"""The JSON Schema that editors use for the files of a workspace, and the line that names it.

The program judges no file by it: a change under review could bring another one.
"""

import re
from collections.abc import Iterator, Mapping, Set
from pathlib import Path, PurePath
from typing import Any

from reconciler.core.model.canonical import readable_json
from reconciler.core.model.enumerations import CodeStatus
from reconciler.core.model.finding import Problem
from reconciler.core.model.tenant import AccountingCode, CustomField, Tenant
from reconciler.workspace.json_schema import API_VERSION, REFERENCE, SCHEMAS, schema_of
from reconciler.workspace.rules import problem

EDITOR_SCHEMA = "reconciler.schema.json"
"""Its file, beside `reconciler.yaml`. It is committed, so that a clone needs nothing else."""

_LISTS: Mapping[str, str] = {
    "accountingCodeName": "accountingCodes",
    "accountingPeriodName": "accountingPeriods",
    "currency": "currencies",
    "from": "accountingPeriods",
    "organizationLabel": "organizations",
    "organizationName": "organizations",
    "period": "accountingPeriods",
    "segmentName": "segments",
    "skip": "accountingPeriods",
    "through": "accountingPeriods",
}
"""Which list of the tenant a field takes its value from, by the name of the field."""

_CUSTOM_FIELD = "^[A-Za-z][A-Za-z0-9_]*__c$"
"""The pattern of the schemas for the name of a custom field."""

_Schema = dict[str, Any]


def editor_schema(tenant: Tenant) -> str:
    """One schema for every file of a workspace; `kind` chooses what holds for a document.

    Where the tenant is complete, its accounting codes, periods, currencies, segments, custom
    fields and organizations are listed, each with what an editor says of it.
    """
    lists = _lists(tenant) if tenant.complete else {}
    kinds = {kind: _schema_of(kind, lists, tenant) for kind in SCHEMAS}
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$comment": "Written by `reconciler schema --write`, for editors. Do not edit it.",
        "title": f"A file of {tenant.workspace}",
        "type": "object",
        "required": ["apiVersion", "kind"],
        "properties": {
            "apiVersion": {"description": "The version of this format.", "const": API_VERSION},
            "kind": {"description": "The sort of document.", "enum": [*kinds]},
        },
        "allOf": [
            {
                "if": {"required": ["kind"], "properties": {"kind": {"const": kind}}},
                "then": {"$ref": f"#/$defs/{kind}"},
            }
            for kind in kinds
        ],
        "$defs": {
            name: {"enum": [*values], "enumDescriptions": [*values.values()]}
            for name, values in lists.items()
        }
        | kinds,
    }
    return readable_json(document)


def has_editor_schema(root: Path) -> bool:
    """Whether editors have a schema for the files of a workspace."""
    return (root / EDITOR_SCHEMA).is_file()


def outdated(root: Path, tenant: Tenant) -> Iterator[Problem]:
    """The problem that the schema of a workspace is not the one of this tenant and version."""
    if (
        has_editor_schema(root)
        and (root / EDITOR_SCHEMA).read_bytes() != editor_schema(tenant).encode()
    ):
        fact = "it does not list what the Reference has now, or another version wrote it"
        yield problem("editor-schema", EDITOR_SCHEMA, fact)


_DOCUMENT = re.compile(r"^---[ \t]*\r?\n", re.MULTILINE)
_CONTENT = re.compile(r"^[^#\s]", re.MULTILINE)
_MODELINE = re.compile(r"^# yaml-language-server: \$schema=(\S*)", re.MULTILINE)


def has_modeline(text: str) -> bool:
    """Whether a line names the schema of a workspace."""
    return any(_names_ours(found) for found in _MODELINE.finditer(text))


def with_modelines(text: str, path: PurePath) -> str:
    """The text of a file whose documents each have the line that names the schema.

    `path` begins at the workspace. A document that names another schema stays as it is.
    """
    modeline = f"# yaml-language-server: $schema={'../' * (len(path.parts) - 1)}{EDITOR_SCHEMA}"
    # Comments before a first `---` belong to the document after it.
    marks = [one for one in _DOCUMENT.finditer(text) if _CONTENT.search(text, 0, one.start())]
    begins = [0, *(one.end() for one in marks)]
    parts = (text[at:end] for at, end in zip(begins, [*begins[1:], None], strict=True))
    line_end = "\r\n" if "\r\n" in text else "\n"
    return "".join(_with_modeline(part, modeline, line_end) for part in parts)


def _with_modeline(part: str, modeline: str, line_end: str) -> str:
    found = _MODELINE.search(part)
    if found is None:
        return f"{modeline}{line_end}{part}"
    return part[: found.start()] + modeline + part[found.end() :] if _names_ours(found) else part


def _names_ours(found: re.Match[str]) -> bool:
    return found[1].rpartition("/")[2] == EDITOR_SCHEMA


def _schema_of(kind: str, lists: Mapping[str, object], tenant: Tenant) -> _Schema:
    """The schema of a kind as a part of another, with the values of the tenant."""
    parts = schema_of(kind).items()
    whole = {name: part for name, part in parts if name not in ("$schema", "$id")}
    # The Reference is where the lists come from.
    shared: Set[str] = frozenset() if kind == REFERENCE else lists.keys()
    found: _Schema = _within(whole, f"#/$defs/{kind}", shared)
    for part in found["$defs"].values() if tenant.complete else ():
        if _CUSTOM_FIELD in part.get("patternProperties", {}):
            of_entry = "journalEntryItems" in part["properties"]
            fields = tenant.entry_fields if of_entry else tenant.line_fields
            named = (one for one in fields.values() if one.name != tenant.marker)
            part["properties"] |= {one.name: {"description": _of_field(one)} for one in named}
    return found


def _within(part: Any, home: str, lists: Set[str]) -> Any:
    """A part of a schema whose references begin at `home`, and whose fields name their lists."""
    if isinstance(part, list):
        return [_within(item, home, lists) for item in part]
    if not isinstance(part, dict):
        return part
    found = {name: _within(inner, home, lists) for name, inner in part.items()}
    if isinstance(reference := found.get("$ref"), str):
        found["$ref"] = reference.replace("#", home, 1)
    properties = found.get("properties")
    for name, field in properties.items() if isinstance(properties, dict) else ():
        value = field.get("items", field)
        if _LISTS.get(name) in lists and value.get("type") == "string":
            value["$ref"] = f"#/$defs/{_LISTS[name]}"
    return found


def _lists(tenant: Tenant) -> Mapping[str, Mapping[str, str]]:
    """The values of each list, with what an editor says of them; an empty one is left out."""
    former = (name for rule in tenant.former_rules for name in rule.segments)
    found = {
        "accountingCodes": {
            name: "; ".join(map(_of_code, codes)) for name, codes in tenant.codes_by_name.items()
        },
        "accountingPeriods": {
            # Without the status: a schema must not be out of date whenever a period is closed.
            one.name: f"{one.start_date} to {one.end_date or 'an open end'}"
            for one in tenant.periods
        },
        "currencies": {
            **dict.fromkeys(sorted(tenant.currencies), "active"),
            **({tenant.home_currency: "the home currency"} if tenant.home_currency else {}),
            **{code: f"inactive since {day}" for code, day in tenant.former_currencies.items()},
        },
        "organizations": {one.name: f"the organization {one.id}" for one in tenant.organizations},
        "segments": {
            **dict.fromkeys(former, "of an earlier segmentation rule"),
            **dict.fromkeys(tenant.segments or (), "of the segmentation rule"),
        },
    }
    return {name: values for name, values in found.items() if values}


def _of_code(code: AccountingCode) -> str:
    account = f"{code.gl_account_number} {code.gl_account_name}".strip()
    status = "" if code.status == CodeStatus.ACTIVE else code.status.lower()
    since = f" since {code.inactive_since}" if code.inactive_since else ""
    return ", ".join(filter(None, (account, code.type, status + since)))


def _of_field(field: CustomField) -> str:
    since = f", inactive since {field.inactive_since}" if field.inactive_since else ""
    return f"A custom field of the tenant: at most {field.max_length} characters{since}."
