"""Load source transactions: check each, store all of them or none."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select

from ..auth.organizations import organization_names
from ..errors import BadRow, LedgerUnusable
from ..journals.amounts import AMOUNT, too_fine
from ..reference_data.code_types import CODE_TYPE
from ..reference_data.tenant_settings import Settings, settings_of
from ..runs.transaction_types import TRANSACTION_TYPES
from ..storage.author import Author
from ..storage.tables import accounting_codes, source_transactions
from ..web.fields import DATE, BadValue, Field, FieldType, choice, read_fields, text
from .file_rows import read_rows

BATCH = 1000
"""Transactions in memory at a time."""
MAX_SEGMENTS = 1500
"""Segments are part of an index, and indexes limit the size of a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    added: int
    known: int


def _segments(value: object) -> dict[str, str]:
    values = value.values() if isinstance(value, Mapping) else (None,)
    if not isinstance(value, Mapping) or not all(isinstance(each, str) and each for each in values):
        raise BadValue("must name a value for each segment")
    return dict(value)


FIELDS = (
    Field(name="id", type=text(100, minimum=1), required=True),
    Field(name="transactionType", type=choice(*TRANSACTION_TYPES), required=True),
    Field(name="transactionDate", type=DATE, required=True),
    Field(name="currency", type=text(3, minimum=3), required=True),
    Field(name="amount", type=AMOUNT, required=True),
    Field(name="homeCurrencyAmount", type=AMOUNT),
    Field(name="debitAccountingCodeName", type=text(100, minimum=1), required=True),
    Field(name="debitAccountingCodeType", type=CODE_TYPE),
    Field(name="creditAccountingCodeName", type=text(100, minimum=1), required=True),
    Field(name="creditAccountingCodeType", type=CODE_TYPE),
    Field(name="segments", type=FieldType(read=_segments, schema={})),
    # The same value: the names that entries and runs use.
    Field(name="organizationLabel", type=text(100, minimum=1)),
    Field(name="organizationName", type=text(100, minimum=1)),
)


def load_transactions(author: Author, path: Path) -> Loaded:
    """Load a file in the author's transaction, in batches. Raises LedgerUnusable for a wrong line.

    A transaction that exists with the same content is skipped; with other content it is an error.
    """
    tx = author.tx
    context = _load_context(tx, author.tenant_id)
    rows = read_rows(path)
    added = known = 0
    try:
        while batch := [(line, _read(line, row, context)) for line, row in islice(rows, BATCH)]:
            new = _new(tx, batch)
            if new:
                tx.execute(insert(source_transactions), new)
            added += len(new)
            known += len(batch) - len(new)
    except BadRow as bad:
        raise LedgerUnusable(f"{path}:{bad.line}: {bad}; nothing was loaded") from None
    if not added + known:
        raise LedgerUnusable(f"{path} holds no transaction; nothing was loaded")
    author.record("load", "Transactions", path.name, {"added": added, "known": known})
    return Loaded(added=added, known=known)


@dataclass(frozen=True, slots=True, kw_only=True)
class _LoadContext:
    tenant_id: str
    settings: Settings
    organizations: frozenset[str]
    codes: Mapping[str, Sequence[RowMapping]]


def _load_context(tx: Connection, tenant_id: str) -> _LoadContext:
    settings = settings_of(tx, tenant_id)
    if not settings.currencies:
        raise LedgerUnusable(
            "the ledger has no reference data", remedy="Name a Reference with --reference."
        )
    codes: dict[str, list[RowMapping]] = {}
    query = select(accounting_codes).where(accounting_codes.c.tenant_id == tenant_id)
    for code in tx.execute(query).mappings():
        codes.setdefault(code["name"], []).append(code)
    return _LoadContext(
        tenant_id=tenant_id,
        settings=settings,
        organizations=organization_names(tx, tenant_id),
        codes=codes,
    )


def _read(line: int, row: Mapping[str, Any], context: _LoadContext) -> dict[str, Any]:
    """The columns of a transaction. Raises BadRow with all reasons against it."""
    found, _custom, reasons = read_fields(row, FIELDS)
    problems = [reason.message for reason in reasons] or list(_violations(found, context))
    if problems:
        raise BadRow(line, "; ".join(problems))
    settings = context.settings
    home_amount = found.get("homeCurrencyAmount")
    return {
        "tenant_id": context.tenant_id,
        "id": found["id"],
        "transaction_type": found["transactionType"],
        "transaction_date": found["transactionDate"],
        "currency": found["currency"],
        "amount": found["amount"],
        "home_currency": settings.home_currency,
        "home_currency_amount": (
            found["amount"] if found["currency"] == settings.home_currency else home_amount
        ),
        "debit_code_id": _codes(found, "debit", context)[0]["id"],
        "credit_code_id": _codes(found, "credit", context)[0]["id"],
        "segments": [
            [name, found["segments"][name]]
            for name in settings.segments or ()
            if "segments" in found
        ],
        "organization": found.get("organizationName") or found.get("organizationLabel"),
    }


def _violations(found: Mapping[str, Any], context: _LoadContext) -> Iterator[str]:
    """All rules that an entry of this transaction would violate."""
    currency, settings = found["currency"], context.settings
    if currency not in settings.currencies:
        yield f"the currency {currency!r} is not active"
    wrong = too_fine(found["amount"], currency, settings)
    if wrong is not None:
        yield f"amount {wrong}"
    yield from _home_violations(found, settings)
    yield from _organization_violations(found, context.organizations)
    for side in ("debit", "credit"):
        name, codes = found[f"{side}AccountingCodeName"], _codes(found, side, context)
        if len(codes) != 1:
            count = "no accounting code is" if not codes else "several codes are"
            yield f"{side}: {count} named {name!r} with the type given"
        elif codes[0]["status"] != "Active":
            yield f"{side}: the accounting code {name!r} is not active"
    if "segments" in found and set(found["segments"]) != set(settings.segments or ()):
        names = ", ".join(settings.segments or ()) or "none, for no segmentation rule is active"
        yield f"segments must be {names}"
    if len(json.dumps(found.get("segments", {}))) > MAX_SEGMENTS:
        yield f"segments must have at most {MAX_SEGMENTS} characters as JSON, in all"


def _home_violations(found: Mapping[str, Any], settings: Settings) -> Iterator[str]:
    home, amount = settings.home_currency, found.get("homeCurrencyAmount")
    if home is None:
        if amount is not None:
            yield "homeCurrencyAmount must not be given: no home currency is set"
    elif found["currency"] == home:
        if amount not in (None, found["amount"]):
            yield f"homeCurrencyAmount must equal the amount, both are {home}"
    elif amount is None:
        yield f"homeCurrencyAmount is required, the home currency is {home}"
    elif (wrong := too_fine(amount, home, settings)) is not None:
        yield f"homeCurrencyAmount {wrong}"


def _organization_violations(found: Mapping[str, Any], known: frozenset[str]) -> Iterator[str]:
    given = {found[name] for name in ("organizationName", "organizationLabel") if name in found}
    if not known:
        if given:
            yield "organizationName must not be given: the tenant has no organizations"
    elif not given:
        yield "organizationName is required: the tenant has organizations"
    elif len(given) > 1:
        yield "organizationName and organizationLabel must name one organization"
    elif given - known:
        yield f"there is no organization {given.pop()!r}"


def _codes(found: Mapping[str, Any], side: str, context: _LoadContext) -> list[RowMapping]:
    kind = found.get(f"{side}AccountingCodeType")
    named = context.codes.get(found[f"{side}AccountingCodeName"], ())
    return [code for code in named if kind in (None, code["type"])]


def _new(tx: Connection, batch: Sequence[tuple[int, dict[str, Any]]]) -> list[dict[str, Any]]:
    """The new transactions. Raises BadRow if an id exists with other content."""
    row = source_transactions.c
    query = select(source_transactions).where(
        row.tenant_id == batch[0][1]["tenant_id"], row.id.in_([each["id"] for _, each in batch])
    )
    known: dict[str, Any] = {found["id"]: found for found in tx.execute(query).mappings()}
    new = []
    for line, transaction in batch:
        before = known.setdefault(transaction["id"], transaction)
        if before is transaction:
            new.append(transaction)
        changed = [name for name, value in transaction.items() if before[name] != value]
        if changed:
            name = transaction["id"]
            raise BadRow(line, f"the transaction {name!r} exists with a different {changed[0]}")
    return new
