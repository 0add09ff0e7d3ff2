"""The Reference document, read from a YAML file or a mapping."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any

from ..errors import LedgerUnusable
from ..web.fields import DATE, BadValue
from .code_types import type_of
from .currencies import MAX_DECIMALS, minor_units

MAX_DEPTH = 20
"""Levels of a reference file; a library that composes nested values gives up beyond some depth."""

STATUSES = ("Open", "PendingClose", "Closed")
_UNIT_ID = re.compile(r"[0-9A-Za-z-]{1,36}")
_UNIT_NAME = re.compile(r"[^\n\t]{1,100}")


OPEN_ENDED_YEAR = 0
"""The fiscal year of the open-ended period (API facts 4.3)."""


Row = dict[str, Any]
"""A row, by the columns of its table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A Reference document: `settings` of the tenant, accounting periods, accounting codes.

    `custom_fields` maps object and field name to its maximum length. `entities` have an id and a
    name; with several the tenant is Multi-entity, with organizations in its settings Multi-Org.
    """

    settings: Row
    periods: list[Row]
    codes: list[Row]
    custom_fields: Mapping[str, Mapping[str, int]]
    entities: list[Row]


def built_in() -> Path:
    """The reference of a new ledger: that of the example workspace."""
    package = Path(__file__).parents[2]
    shipped = package / "examples" / "reference.yaml"
    return shipped if shipped.exists() else package.parent / "journals" / "reference.yaml"


def digest_of(reference: Mapping[str, Any] | Path) -> str:
    """The digest of a reference. Raises LedgerUnusable."""
    if isinstance(reference, Path):
        return hashlib.sha256(_bytes(reference)).hexdigest()
    text = json.dumps(reference, sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def load(reference: Mapping[str, Any] | Path) -> Reference:
    """The document as values. Raises LedgerUnusable with the place of the error."""
    try:
        if isinstance(reference, Path):
            return _read(_parse(reference), str(reference))
        return _read(reference, "reference")
    except LedgerUnusable as error:
        error.remedy = "Correct the Reference, or name another one."
        raise


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise LedgerUnusable(f"reference {path}: {error.strerror or error}") from error


def _parse(path: Path) -> Mapping[str, Any]:
    import yaml  # noqa: PLC0415 - only needed when a reference is new

    # The base loader reads every scalar as text.
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    data = _bytes(path)
    try:
        depth = 0
        for event in yaml.parse(data, Loader=loader):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                raise LedgerUnusable(f"reference {path}: nested deeper than {MAX_DEPTH}")
        document = yaml.load(data, Loader=loader)  # noqa: S506 - builds only text, lists, mappings
    except (yaml.YAMLError, ValueError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        place = f"{path}:{line + 1}" if line is not None else str(path)
        raise LedgerUnusable(f"reference {place}: not readable as YAML") from error
    if not isinstance(document, Mapping):
        raise LedgerUnusable(f"reference {path}: is not a mapping")
    return document


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else str(value)


def _read(document: Mapping[str, Any], name: str) -> Reference:
    if document.get("kind") != "Reference":
        raise LedgerUnusable(f"{name}: kind is {document.get('kind')!r}, expected Reference")
    spec = _At(f"{name}: spec", document.get("spec"))
    home = spec.text("homeCurrency")
    currencies = _currencies(spec)
    if home and home not in currencies and minor_units(home) is None:
        raise LedgerUnusable(f"{name}: {home!r} is not an ISO 4217 currency with minor units")
    aggregate = str(spec.value.get("aggregateCurrency", False)).lower() == "true"
    if aggregate and home is None:
        raise LedgerUnusable(f"{name}: aggregateCurrency needs a homeCurrency")
    rule, organizations = _active_rule(spec, name), _units(spec, "organizations")
    periods = [_period(item) for item in spec.mappings("accountingPeriods")]
    if not organizations:
        # Each organization has its own periods, and nobody says whose these are.
        _check_overlaps(periods, spec.place)
    return Reference(
        settings={
            "home_currency": home,
            "aggregate_currency": aggregate,
            "currencies": dict(sorted(currencies.items())),
            "segmentation_rule": rule.text("name"),
            "segments": [str(segment) for segment in rule.items("segments")],
            "organizations": organizations,
        },
        periods=periods,
        codes=[_code(item) for item in spec.mappings("accountingCodes")],
        custom_fields=_custom_fields(spec, name),
        entities=_units(spec, "entities"),
    )


def _active_rule(spec: "_At", name: str) -> "_At":
    """The segmentation rule that holds, from the short form or from the list; else an empty one."""
    listed, short = spec.mappings("segmentationRules"), spec.value.get("segmentationRule")
    if short and listed:
        raise LedgerUnusable(f"{name}: segmentationRule and segmentationRules are both given")
    active = [rule for rule in listed if rule.text(_UNTIL) is None]
    if len(active) > 1:
        raise LedgerUnusable(f"{active[1].place}: two segmentation rules are active")
    return active[0] if active else _At(f"{name}: segmentationRule", short or {})


def _currencies(spec: "_At") -> dict[str, int | None]:
    """The active currencies, with the decimals stated; one is a code or a mapping with it."""
    active: dict[str, int | None] = {}
    for at, item in enumerate(spec.items("currencies")):
        place = f"{spec.place}.currencies[{at}]"
        row = _At(place, item if isinstance(item, Mapping) else {"code": item})
        code, stated, inactive = row.required("code"), row.integer("minorUnits"), row.text(_UNTIL)
        known = minor_units(code)
        if known is None and stated is None:
            raise LedgerUnusable(f"{place}: {code!r} is not an ISO 4217 currency with minor units")
        if stated is not None and (stated > MAX_DECIMALS or known not in {None, stated}):
            raise LedgerUnusable(f"{place}: {code!r} does not have {stated} minor units")
        if inactive is None:
            active[code] = stated
        else:
            row.date(inactive)
    return active


_UNTIL = "inactiveSince"


def _period(item: "_At") -> Row:
    """An accounting period; the open-ended one has no end date."""
    end, start = item.text("endDate"), item.date(item.required("startDate"))
    if end is not None and item.date(end) < start:
        raise LedgerUnusable(f"{item.place}: endDate {end} is before startDate {start}")
    status = item.text("status") or "Open"
    if status not in STATUSES:
        raise LedgerUnusable(f"{item.place}: status is {status!r}, not one of {STATUSES}")
    return {
        "name": item.required("name"),
        "start_date": start,
        "end_date": end,
        "fiscal_year": item.integer("fiscalYear") if end else OPEN_ENDED_YEAR,
        "fiscal_quarter": item.integer("fiscalQuarter"),
        "status": status,
    }


def _check_overlaps(periods: Iterable[Row], place: str) -> None:
    """Raises LedgerUnusable for periods with days in common; one without an end has all later."""
    ordered = sorted(periods, key=itemgetter("start_date"))
    for earlier, later in pairwise(ordered):
        if earlier["end_date"] is None or later["start_date"] <= earlier["end_date"]:
            names = f"{earlier['name']!r} and {later['name']!r}"
            raise LedgerUnusable(f"{place}.accountingPeriods: {names} overlap")


def _code(item: "_At") -> Row:
    """An accounting code. Name and type together are its key."""
    written = item.required("type")
    kind = type_of(written)
    if kind is None:
        raise LedgerUnusable(f"{item.place}: {written!r} is not an accounting code type")
    status = item.text("status") or ("Inactive" if item.text(_UNTIL) else "Active")
    if status not in ("Active", "Inactive"):
        raise LedgerUnusable(f"{item.place}: status is {status!r}, not Active or Inactive")
    return {
        "name": item.required("name"),
        "type": kind,
        "status": status,
        "gl_account_name": item.text("glAccountName"),
        "gl_account_number": item.text("glAccountNumber"),
        "notes": item.text("notes"),
    }


def _units(spec: "_At", key: str) -> list[Row]:
    units = [
        {"id": item.required("id"), "name": item.required("name")} for item in spec.mappings(key)
    ]
    for unit in units:
        if not _UNIT_ID.fullmatch(unit["id"]) or not _UNIT_NAME.fullmatch(unit["name"]):
            raise LedgerUnusable(
                f"{spec.place}.{key}: {unit['name']!r} needs an id of at most 36 letters, digits "
                "or hyphens, and a name of at most 100 characters on one line"
            )
    if any(len({unit[part] for unit in units}) < len(units) for part in ("id", "name")):
        raise LedgerUnusable(f"{spec.place}.{key}: an id or a name is repeated")
    return units


def _custom_fields(spec: "_At", name: str) -> dict[str, dict[str, int]]:
    objects = _At(f"{name}: customFields", spec.value.get("customFields") or {})
    return {
        str(kind): {
            field.required("name"): field.integer("maxLength") or 255
            for field in objects.mappings(kind)
        }
        for kind in objects.value
    }


class _At:
    """A mapping of the document and its place, for messages."""

    def __init__(self, place: str, value: object) -> None:
        if not isinstance(value, Mapping):
            raise LedgerUnusable(f"{place} is missing or not a mapping")
        self.place, self.value = place, value

    def text(self, key: str) -> str | None:
        value = self.value.get(key)
        return None if value is None or value == "" else str(value)

    def required(self, key: str) -> str:
        value = self.text(key)
        if value is None:
            raise LedgerUnusable(f"{self.place}: {key} is missing")
        return value

    def integer(self, key: str) -> int | None:
        value = self.text(key)
        if value is not None and not re.fullmatch(r"[0-9]{1,6}", value):
            raise LedgerUnusable(f"{self.place}: {key} is {value!r}, expected a whole number")
        return None if value is None else int(value)

    def date(self, value: str) -> str:
        try:
            DATE.read(value)
        except BadValue:
            fact = f"{value!r} is not a date like 2026-01-31"
            raise LedgerUnusable(f"{self.place}: {fact}") from None
        return value

    def items(self, key: str) -> Sequence[Any]:
        value = self.value.get(key) or ()
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise LedgerUnusable(f"{self.place}: {key} is not a list")
        return value

    def mappings(self, key: str) -> list["_At"]:
        return [_At(f"{self.place}.{key}[{i}]", item) for i, item in enumerate(self.items(key))]
