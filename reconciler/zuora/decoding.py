"""Decodes documents of the journal API into values."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType

from reconciler.core.model.enumerations import Enumeration, Side
from reconciler.core.model.json_text import DIGITS, Unreadable, exact_number
from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.resource import Live, Value
from reconciler.core.model.tenant import AccountingCode, AccountingPeriod
from reconciler.zuora.resources import Resource

AMOUNT = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?")

_LONGEST_VALUE = 40
"""Characters of an unknown word that are repeated."""


class UnknownValue(Unreadable):
    """A ledger says a word that this version does not know."""


def number_of(number: Value, field: str, kind: Kind) -> str:
    """The number in a field. Raises Unreadable unless it is a number of the kind."""
    if not isinstance(number, str) or not is_number(number, kind=kind):
        raise Unreadable(f"the response has no {kind.name} number in {field}")
    return number


def is_number(text: str, *, kind: Kind) -> bool:
    """Whether all of a text is a number of a kind, safe for a URL and for the daybook."""
    return len(text) <= DIGITS and re.fullmatch(kind.number_pattern, text) is not None


def live_of(
    document: Mapping[str, Value], *, kind: Kind, resource: Resource, number: str = ""
) -> Live:
    """A live object, with this number if one is given. Raises Unreadable for another document."""
    found = number_of(document.get("number"), "number", kind)
    if number and found != number:
        raise Unreadable("the response is about another number")
    status = _one_of(document.get("status"), "status", resource.statuses)
    for field in sorted(resource.required):
        _required_text(document, field)
    for field, form in resource.forms.items():
        if document.get(field) and not re.fullmatch(form, str(document[field])):
            raise Unreadable(f"{field} is not written as documented")
    custom = kind.custom_suffix
    fields = _documented(document, resource.fields, custom)
    for field, words in resource.words.items():
        if (value := document.get(field)) not in (None, ""):
            fields[field] = _one_of(value, field, words)
    for field, names in resource.parts.items():
        if field == resource.lines:
            fields[field] = _lines(document.get(field), field, names, custom)
        elif field in document:
            fields[field] = _parts(document[field], names, custom)
    return Live(number=found, status=status, fields=MappingProxyType(dict(sorted(fields.items()))))


def _documented(row: Mapping[str, Value], names: frozenset[str], custom: str) -> dict[str, Value]:
    return {name: value for name, value in row.items() if name in names or name.endswith(custom)}


def _parts(value: Value, names: frozenset[str], custom: str) -> Value:
    """A list whose objects have only documented fields; any other value as it is."""
    if not isinstance(value, tuple):
        return value
    return tuple(
        MappingProxyType(_documented(item, names, custom)) if isinstance(item, Mapping) else item
        for item in value
    )


def _lines(value: Value, field: str, names: frozenset[str], custom: str) -> tuple[Value, ...]:
    if not isinstance(value, tuple):
        raise Unreadable(f"the response has no list {field}")
    lines = []
    for item in value:
        if not isinstance(item, Mapping):
            raise Unreadable(f"an item of {field} is not an object")
        line = _documented(item, names, custom)
        line["type"] = _one_of(item.get("type"), "type", Side)
        line["amount"] = _amount(item.get("amount"), "amount")
        if item.get("homeCurrencyAmount") is not None:
            line["homeCurrencyAmount"] = _amount(item["homeCurrencyAmount"], "homeCurrencyAmount")
        lines.append(MappingProxyType(dict(sorted(line.items()))))
    return tuple(lines)


def _amount(value: Value, field: str) -> Decimal:
    """An amount as number or as text: samples and schemas differ (API facts 3.4)."""
    if isinstance(value, Decimal):
        return value
    if isinstance(value, str) and AMOUNT.fullmatch(value):
        return exact_number(value, field)
    raise Unreadable(f"an item has no exact {field}")


def _one_of(value: Value, field: str, words: type[Enumeration]) -> str:
    """The canonical spelling of a word. Raises Unreadable, or UnknownValue for a new one."""
    if not isinstance(value, str):
        raise Unreadable(f"{field} is {_none_of(words)}")
    try:
        return words(value).value
    except ValueError:
        fact = f'{field} is "{value[:_LONGEST_VALUE]}", which is {_none_of(words)}'
        raise UnknownValue(fact) from None


def _none_of(words: type[Enumeration]) -> str:
    return f"none of {', '.join(sorted(words))}"


def rows_in(value: Value, field: str) -> Iterator[Mapping[str, Value]]:
    """The objects of a list that a document has in a field. Raises Unreadable."""
    if not isinstance(value, tuple):
        raise Unreadable(f"the response has no list {field}")
    for row in value:
        if not isinstance(row, Mapping):
            raise Unreadable(f"an item of {field} is not an object")
        yield row


def accounting_code(row: Mapping[str, Value]) -> AccountingCode:
    """A row of the list of accounting codes (API facts 4.2). Raises Unreadable."""
    return AccountingCode(
        name=_required_text(row, "name"),
        type=_required_text(row, "type"),
        # The plan blocks what needs a code or a period whose status is an unknown word.
        status=_required_text(row, "status"),
        gl_account_name=_text(row, "glAccountName"),
        gl_account_number=_text(row, "glAccountNumber"),
    )


def accounting_period(row: Mapping[str, Value]) -> AccountingPeriod:
    """A row of the list of accounting periods (API facts 4.3). Raises Unreadable."""
    quarter = "fiscalQuarter" if "fiscalQuarter" in row else "fiscal_quarter"
    return AccountingPeriod(
        name=_required_text(row, "name"),
        start_date=_date(row, "startDate"),
        end_date=_date(row, "endDate") if row.get("endDate") else None,
        status=_required_text(row, "status"),
        fiscal_year=_integer(row, "fiscalYear"),
        fiscal_quarter=_integer(row, quarter),
    )


def _required_text(document: Mapping[str, Value], field: str) -> str:
    value = document.get(field)
    if not isinstance(value, str) or not value:
        raise Unreadable(f"the response has no text in {field}")
    return value


def _text(row: Mapping[str, Value], field: str) -> str:
    value = row.get(field)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Unreadable(f"{field} is not text")
    return value


def _date(row: Mapping[str, Value], field: str) -> str:
    """A day in ISO form: days are compared as text. What follows a space or a T is its time."""
    found = re.fullmatch("([0-9]{4}-[0-9]{2}-[0-9]{2})([T ].*)?", _required_text(row, field))
    if found is None:
        raise Unreadable(f"{field} is not a date in ISO form")
    return found[1]


def _integer(row: Mapping[str, Value], field: str) -> int | None:
    value = row.get(field)
    if value is None or value == "":
        return None
    text = str(value) if isinstance(value, Decimal | str) else ""
    if not re.fullmatch("[0-9]{1,4}", text):
        raise Unreadable(f"{field} is not a small whole number")
    return int(text)


def next_page_of(document: Mapping[str, Value]) -> str | None:
    """The URL of the next page of a list; None on the last. Raises Unreadable."""
    value = document.get("nextPage")
    if value is None:
        return None
    if not isinstance(value, str) or not value:
        raise Unreadable("nextPage is not a URL")
    return value
