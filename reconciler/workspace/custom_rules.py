"""Checks declarations against the custom rules of the workspace, which are JSON Schemas."""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path as FilePath
from typing import Any, TypeAlias

import jsonschema_rs

from reconciler.core.model.enumerations import CodeType, canonical
from reconciler.core.model.finding import Finding
from reconciler.core.model.policy import CustomRule, Waiver
from reconciler.core.model.resource import Declared, Path, Source, Value
from reconciler.core.rules.severities import waiver_text
from reconciler.values import dataclass
from reconciler.workspace.files import FoundFile, read_file
from reconciler.workspace.formatter.writer import metadata_of
from reconciler.workspace.json_schema import API_VERSION, fetch_nothing
from reconciler.workspace.rules import finding

MAX_PATTERN = 256
"""Characters of a regular expression in a custom rule."""

MAX_DEPTH = 100
"""The deepest nesting of a custom rule. Each JSON library has its own limit above it."""

_SHOWN = 20
"""The most places that are named where one declaration breaks one rule."""

_CODE_TYPE = "accountingCodeType"
_TOO_DEEP = f"is nested more than {MAX_DEPTH} deep"
_POLICY = Source("reconciler.yaml")

_Validator: TypeAlias = jsonschema_rs.Draft202012Validator


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomRuleResult:
    """The findings of the custom rules, and a text for each waiver that applied."""

    findings: tuple[Finding, ...] = ()
    waived: tuple[str, ...] = ()


def check_custom_rules(  # noqa: PLR0913 - each input is a part of the workspace
    schemas: FilePath | Mapping[str, bytes],
    rules: tuple[CustomRule, ...],
    waivers: tuple[Waiver, ...],
    declared: Iterable[Declared],
    *,
    today: str,
    warned: frozenset[tuple[str, str]] = frozenset(),
) -> CustomRuleResult:
    """The findings `house/ID` of every declaration, and those about rules and waivers themselves.

    `today` is YYYY-MM-DD: a waiver applies until and including its expiry date. `schemas` is
    the workspace with the files of the rules, or what they hold, by their names. `warned` has
    the rule and the declaration of each built-in warning that a waiver may cover.
    """
    known: dict[str, tuple[CustomRule, _Validator]] = {}
    findings: list[Finding] = []
    for index, rule in enumerate(rules):
        validator: _Validator | str = f"`{rule.id}` occurs twice"
        if rule.id not in known:
            validator = _read(rule, *_content(schemas, rule.schema))
        if isinstance(validator, str):
            findings.append(_about("house-schema", ("houseRules", index), validator))
        else:
            known[rule.id] = rule, validator
    exceptions = _Waivers(waivers, today, warned)
    for one in declared if known else ():
        document = _document_of(one)
        for rule, validator in known.values():
            if rule.kinds and one.address.kind not in rule.kinds:
                continue
            paths = _breaches(validator, document)
            if paths and not exceptions.covers(rule, one):
                findings += [_breach(rule, one, path) for path in paths]
    return CustomRuleResult(
        findings=(*findings, *exceptions.findings()), waived=tuple(exceptions.applied_waivers())
    )


class _Waivers:
    """The waivers, and which of them were used."""

    def __init__(
        self, waivers: tuple[Waiver, ...], today: str, warned: frozenset[tuple[str, str]]
    ) -> None:
        self._waivers = waivers
        self._warned = warned
        self._today = today
        self._used: set[Waiver] = set()

    def covers(self, rule: CustomRule, declared: Declared) -> bool:
        """Whether an unexpired waiver covers the declaration."""
        for waiver in self._waivers:
            if (waiver.rule, waiver.name) == (rule.id, declared.address.name):
                self._used.add(waiver)
                if self._today <= waiver.expires:
                    return True
        return False

    def findings(self) -> Iterator[Finding]:
        for index, waiver in enumerate(self._waivers):
            at = ("waivers", index)
            what = f"the waiver of {waiver.rule} for {waiver.name}"
            if waiver.expires < self._today:
                yield _about("waiver-expired", at, f"{what} expired on {waiver.expires}")
            elif waiver not in self._used and (waiver.rule, waiver.name) not in self._warned:
                yield _about("waiver-unused", at, f"{what} covers no declaration")

    def applied_waivers(self) -> Iterator[str]:
        """A text for each waiver that applied, for the plan."""
        for waiver in self._waivers:
            if waiver in self._used and self._today <= waiver.expires:
                yield waiver_text(f"house/{waiver.rule}", waiver)


def _document_of(declared: Declared) -> dict[str, Value]:
    """A declaration as its file states it, with amounts as exact numbers however written."""
    return {
        "apiVersion": API_VERSION,
        "kind": declared.address.kind,
        "metadata": {"labels": {}, **metadata_of(declared)},
        "spec": dict(declared.spec),
    }


def _breaches(validator: _Validator, document: dict[str, Value]) -> tuple[Path, ...]:
    if validator.is_valid(document):
        return ()
    errors = islice(validator.iter_errors(document), _SHOWN)
    return tuple(dict.fromkeys(tuple(error.instance_path) for error in errors))


def _breach(rule: CustomRule, declared: Declared, path: Path) -> Finding:
    where = "/".join(map(str, path))
    return Finding(
        source=declared.source,
        path=path,
        rule=f"house/{rule.id}",
        message=f"{rule.title} ({where})" if where else rule.title,
        remedy=rule.remedy,
    )


def _about(rule: str, at: tuple[str, int], message: str) -> Finding:
    return finding(rule, _POLICY, ("spec", "policy", *at), message)


def _read(rule: CustomRule, data: bytes, fact: str) -> _Validator | str:
    """A validator of the schema of a rule, or why there is none."""
    if fact:
        return fact
    if flaw := _flaw_of(data):
        return f"`{rule.schema}` {flaw}"
    try:
        return jsonschema_rs.Draft202012Validator(
            data.decode("utf-8"),
            validate_formats=True,
            retriever=fetch_nothing,
            pattern_options=jsonschema_rs.RegexOptions(),
        )
    except ValueError as error:
        return f"`{rule.schema}` is not a JSON Schema: {str(error).splitlines()[0][:200]}"


def _flaw_of(data: bytes) -> str:
    """Why a file is not a custom rule, before it is compiled; empty if it may be one."""
    try:
        schema = json.loads(data, object_pairs_hook=_unique_members, parse_float=str, parse_int=str)
    except RecursionError:
        return _TOO_DEEP
    except ValueError as error:
        return f"is not JSON: {error}"
    if refused := next(_refused_parts(schema), ""):
        return refused
    return "" if isinstance(schema, dict) else "is not a JSON Schema: it is not an object"


def _content(schemas: FilePath | Mapping[str, bytes], name: str) -> tuple[bytes, str]:
    """The bytes of a file of the workspace, or why it cannot be read."""
    if isinstance(schemas, Mapping):
        return schemas.get(name, b""), "" if name in schemas else f"there is no file `{name}`"
    top = schemas.resolve()
    file = (top / name).resolve()
    if not file.is_relative_to(top):
        return b"", f"`{name}` is outside the workspace"
    if not file.is_file():
        return b"", f"there is no file `{name}`"
    data, flaw = read_file(FoundFile(name, str(file)))
    return data, f"`{name}`: {flaw.message}" if flaw is not None else ""


def _refused_parts(part: Any) -> Iterator[str]:
    """What a custom rule must not contain, in any part of its schema."""
    waiting = [(part, 1)]
    while waiting:
        item, depth = waiting.pop()
        if depth > MAX_DEPTH and isinstance(item, dict | list):
            yield _TOO_DEEP
        if isinstance(item, list):
            waiting += ((value, depth + 1) for value in item)
        if not isinstance(item, dict):
            continue
        waiting += ((value, depth + 1) for value in item.values())
        for name in ("$ref", "$dynamicRef"):
            if isinstance(item.get(name), str) and not item[name].startswith("#"):
                yield f"refers to `{item[name][:80]}`, and no schema is fetched"
        for text in _compared_values(item.get(_CODE_TYPE)):
            if (ours := canonical(CodeType, text)) != text:
                yield f"names `{text[:80]}`, which declarations spell `{ours}`"
        patterns = [item.get("pattern"), *(item.get("patternProperties") or ())]
        if any(isinstance(text, str) and len(text) > MAX_PATTERN for text in patterns):
            yield f"has a pattern of more than {MAX_PATTERN} characters"


def _compared_values(schema: Any) -> Iterator[str]:
    """The words that a part of a schema compares with, its own parts included."""
    if isinstance(schema, dict):
        words = schema.get("enum")
        words = [schema.get("const"), *(words if isinstance(words, list) else ())]
        yield from (word for word in words if isinstance(word, str))
        yield from (word for part in schema.values() for word in _compared_values(part))
    elif isinstance(schema, list):
        yield from (word for part in schema for word in _compared_values(part))


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key occurs twice")
    return members
