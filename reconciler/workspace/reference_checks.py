"""What a Reference can get wrong although it fits its schema."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from reconciler.core.model.enumerations import PeriodStatus, canonical
from reconciler.core.model.finding import Finding
from reconciler.core.model.money import WITHDRAWN, minor_units
from reconciler.core.model.policy import Policy
from reconciler.core.model.resource import Path, Source, Value, mapping_of, rows_of, texts_of
from reconciler.core.model.tenant import Tenant
from reconciler.core.rules.catalog import finding_at
from reconciler.core.rules.entries import excess_decimals, unknown_currency
from reconciler.core.rules.tenant import nearest
from reconciler.workspace.rules import finding

_ROWS: Final[tuple[tuple[Path, tuple[str, ...]], ...]] = (
    (("accountingPeriods",), ("name",)),
    (("accountingCodes",), ("name", "type")),
    (("customFields", "JournalEntry"), ("name",)),
    (("customFields", "JournalEntryItem"), ("name",)),
    (("entities",), ("id",)),
    (("entities",), ("name",)),
    (("organizations",), ("id",)),
    (("organizations",), ("name",)),
)
"""The lists of a Reference, and the fields that are unique together (API facts 1.1, 4.2, 4.3)."""


def reference_flaws(document: Mapping[str, Value], *, source: Source) -> tuple[Finding, ...]:
    """Rows under one key, and periods that end before they start, in an accepted Reference."""
    spec = mapping_of(document["spec"])
    return tuple(
        finding(rule, source=source, path=("spec", *path), message=fact)
        for path, rule, fact in (*_repeated(spec), *_backward(spec))
    )


def _repeated(spec: Mapping[str, Value]) -> Iterator[tuple[Path, str, str]]:
    for path, key_fields in _ROWS:
        seen: set[tuple[str, ...]] = set()
        value: Value = spec
        for field in path:
            value = mapping_of(value).get(str(field))
        for position, row in enumerate(rows_of(value)):
            key = tuple(str(row[field]) for field in key_fields)
            if key in seen:
                fact = f"`{', '.join(key)}` is in `{path[-1]}` twice"
                yield (*path, position), "reference-duplicate", fact
            seen.add(key)


def _backward(spec: Mapping[str, Value]) -> Iterator[tuple[Path, str, str]]:
    for position, row in enumerate(rows_of(spec["accountingPeriods"])):
        start, end = str(row["startDate"]), row.get("endDate")
        # Dates in one spelling of fixed width compare as text.
        if end is not None and str(end) < start:
            fact = f"`{row['name']}` ends on {end}, before it starts on {start}"
            yield ("accountingPeriods", position, "endDate"), "reference-period", fact


_POLICY = Source("reconciler.yaml")
_TIERS: Path = ("spec", "policy", "approvals", "tiers")


def check_spelling(workspace: Mapping[str, Value]) -> Iterator[Finding]:
    """Warnings about statuses of a policy that are not spelt as the ledger spells them."""
    policy = mapping_of(mapping_of(workspace.get("spec")).get("policy"))
    places = (
        (("freeze",), policy.get("freeze")),
        (("approvals", "tiers"), mapping_of(policy.get("approvals")).get("tiers")),
    )
    for path, rows in places:
        for at, row in enumerate(rows_of(rows)):
            for position, word in enumerate(texts_of(row.get("periodStatus"))):
                if (ours := canonical(PeriodStatus, word)) != word:
                    yield finding(
                        "period-status-spelling",
                        source=_POLICY,
                        path=("spec", "policy", *path, at, "periodStatus", position),
                        message=f"`{word}` is spelt `{ours}` by the ledger",
                    )


def check_policy(policy: Policy, tenant: Tenant) -> Iterator[Finding]:
    """Findings about names that the Reference does not have, and about amounts of money."""
    yield from _money(policy.max_money, tenant, ("spec", "policy", "limits", "money"))
    for at, tier in enumerate(policy.approvals.tiers):
        yield from _money(tier.amount, tenant, (*_TIERS, at, "amount"))
    if not tenant.complete:
        return
    for at, tier in enumerate(policy.approvals.tiers):
        path = (*_TIERS, at)
        codes, periods = (*path, "accountingCodes"), (*path, "periods")
        yield from _unknown("accounting code", tier.accounting_codes, tenant.codes_by_name, codes)
        yield from _unknown("accounting period", tier.periods, tenant.periods_by_name, periods)
    frozen, path = sorted(policy.freeze.periods), ("spec", "policy", "freeze")
    yield from _unknown("accounting period", frozen, tenant.periods_by_name, path)


def _money(amounts: Mapping[str, Decimal], tenant: Tenant, path: Path) -> Iterator[Finding]:
    """A limit in a currency that nothing is posted in never applies; nobody would notice."""
    for currency, amount in amounts.items():
        at = (*path, currency)
        if minor_units(currency) is None:
            yield finding_at(_POLICY, "currency-code", at, unknown_currency(currency))
        elif tenant.complete and currency not in {*tenant.currencies, *WITHDRAWN}:
            message = f"{currency} is not a currency of the Reference"
            remedy = nearest(currency, tenant.currencies)
            yield finding("policy-name", source=_POLICY, path=at, message=message, remedy=remedy)
        if too_fine := excess_decimals(amount, currency):
            yield finding_at(_POLICY, "minor-units", at, *too_fine)


def _unknown(
    what: str, names: Sequence[str], known: Collection[str], path: Path
) -> Iterator[Finding]:
    for position, name in enumerate(names):
        if name not in known:
            yield finding(
                "policy-name",
                source=_POLICY,
                path=(*path, position),
                message=f'no {what} is named "{name}"',
                remedy=nearest(name, known),
            )
