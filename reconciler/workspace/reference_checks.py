"""What a Reference can get wrong although it fits its schema."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from reconciler.core.model.enumerations import CodeStatus, PeriodStatus, canonical
from reconciler.core.model.finding import Finding, Severity
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.money import WITHDRAWN, minor_units
from reconciler.core.model.policy import EVERY_RULE, Level, Policy
from reconciler.core.model.resource import (
    Declared,
    Path,
    Source,
    Value,
    mapping_of,
    rows_of,
    text_of,
    texts_of,
)
from reconciler.core.model.similar_names import KnownNames, folded, nearest
from reconciler.core.model.tenant import Tenant, currency_rows, segmentation_rules
from reconciler.core.rules.catalog import finding_at
from reconciler.core.rules.entries import excess_decimals, unknown_currency
from reconciler.core.rules.file_rules import FILE_RULES, TENANT_FACTS
from reconciler.core.rules.plan_warnings import WARNING_RULES
from reconciler.core.rules.severities import LOWERABLE
from reconciler.workspace.rules import RULES, finding

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


_Flaw: TypeAlias = tuple[Path, str, str, str]
"""A path below `spec`, the rule it breaks, the fact, and a remedy unless it is that of the rule."""


def reference_flaws(document: Mapping[str, Value], *, source: Source) -> tuple[Finding, ...]:
    """What an accepted Reference states twice, or in contradiction to itself or to ISO 4217.

    Each organization of a tenant has its own accounting periods, and the Reference does not say
    whose they are (API facts 8.6). With organizations, periods that overlap are a warning.
    """
    spec = mapping_of(document["spec"])
    overlaps = Severity.WARNING if spec.get("organizations") else Severity.ERROR
    found = [
        finding(rule, source, ("spec", *path), fact, remedy=remedy)
        for flaws in (_repeated, _backward, _currencies, _overlapping, _history)
        for path, rule, fact, remedy in flaws(spec)
    ]
    return tuple(
        replace(one, severity=overlaps) if one.rule == "reference-overlap" else one for one in found
    )


def _repeated(spec: Mapping[str, Value]) -> Iterator[_Flaw]:
    for path, key_fields in _ROWS:
        seen: dict[tuple[str, ...], tuple[str, ...]] = {}
        value: Value = spec
        for field in path:
            value = mapping_of(value).get(str(field))
        for position, row in enumerate(rows_of(value)):
            key = tuple(str(row[field]) for field in key_fields)
            yield from _twice(key, seen, (*path, position))
    short: Path = ("segmentationRule",)
    for at, rule in enumerate(segmentation_rules(spec)):
        named: dict[tuple[str, ...], tuple[str, ...]] = {}
        where: Path = ("segmentationRules", at) if "segmentationRules" in spec else short
        for position, name in enumerate(rule.segments):
            yield from _twice((name,), named, (*where, "segments", position))


def _twice(
    key: tuple[str, ...], seen: dict[tuple[str, ...], tuple[str, ...]], path: Path
) -> Iterator[_Flaw]:
    """A finding about names that are the same, or that a reader takes for the same."""
    other = seen.setdefault(tuple(map(folded, key)), key)
    named, place = ", ".join(key), path[-2]
    if other is key:
        return
    fact = f"`{named}` is in `{place}` twice"
    if other != key:
        fact = f"`{named}` and `{', '.join(other)}` in `{place}` look the same to a reader"
    yield path, "reference-duplicate", fact, ""


def _currencies(spec: Mapping[str, Value]) -> Iterator[_Flaw]:
    rows, home = currency_rows(spec), text_of(spec.get("homeCurrency"))
    seen: dict[tuple[str, ...], tuple[str, ...]] = {}
    for position, row in enumerate(rows):
        yield from _twice((row.code,), seen, ("currencies", position))
        known = minor_units(row.code)
        if known is None and row.minor_units is None:
            remedy = "Correct or remove the code. Or state its decimal places: "
            remedy += f"{{code: {row.code}, minorUnits: 2}}."
            yield ("currencies", position), "reference-currency", unknown_currency(row.code), remedy
        elif known is not None and row.minor_units not in {None, known}:
            fact = f"{row.code} has {known or 'no'} decimal places, not {row.minor_units}"
            remedy = f"Remove `minorUnits` of {row.code}."
            yield ("currencies", position, "minorUnits"), "reference-currency", fact, remedy
    of_home = next((row for row in rows if row.code == home), None)
    if home is not None and minor_units(home) is None and of_home is None:
        yield ("homeCurrency",), "reference-currency", unknown_currency(home), "Correct the code."
    elif home is not None and (of_home is None or of_home.inactive_since):
        fact = f"the home currency {home} is not in `currencies`, so it is not active"
        remedy = f"Correct `homeCurrency`, or add {home} to `currencies`."
        if of_home is not None:
            fact = f"the home currency {home} is not active since {of_home.inactive_since}"
            remedy = f"Correct `homeCurrency`, or remove `inactiveSince` of {home}."
        yield ("homeCurrency",), "reference-currency", fact, remedy
    if spec.get("aggregateCurrency") is True and home is None:
        fact = "`aggregateCurrency` is true, but `homeCurrency` is missing"
        remedy = "Add `homeCurrency`, or remove `aggregateCurrency`."
        yield ("aggregateCurrency",), "reference-currency", fact, remedy


def _overlapping(spec: Mapping[str, Value]) -> Iterator[_Flaw]:
    """Periods with days in common, and a second one without an end. Gaps are no flaw.

    A tenant's periods adjoin each other, adjustment periods too (API facts 4.3).
    """
    rows = [
        (str(row["startDate"]), text_of(row.get("endDate")) or _NO_END, position, str(row["name"]))
        for position, row in enumerate(rows_of(spec["accountingPeriods"]))
    ]
    endless = [row for row in rows if row[1] == _NO_END]
    for *_, position, name in endless[1:]:
        fact = f"`{name}` has no end date, and `{endless[0][3]}` has none either"
        remedy = "Add its `endDate`, or remove it."
        yield ("accountingPeriods", position), "reference-overlap", fact, remedy
    until = earlier = ""
    # Dates in one spelling of fixed width compare as text.
    for start, end, position, name in sorted({*rows} - {*endless[1:]}):
        if start <= until:
            ends = "has no end date" if until == _NO_END else f"ends on {until}"
            fact = f"`{name}` starts on {start}, but `{earlier}` {ends}"
            yield ("accountingPeriods", position, "startDate"), "reference-overlap", fact, ""
        until, earlier = max((until, earlier), (end, name))


def _history(spec: Mapping[str, Value]) -> Iterator[_Flaw]:
    """Codes that are active and were until a day; segmentation rules with days in common."""
    rule = "reference-history"
    for at, row in enumerate(rows_of(spec["accountingCodes"])):
        if row.get("status") == CodeStatus.ACTIVE and "inactiveSince" in row:
            fact = f"`{row['name']}` is active, but has `inactiveSince: {row['inactiveSince']}`"
            remedy = "Remove `inactiveSince`, or write `status: Inactive`."
            yield ("accountingCodes", at, "inactiveSince"), rule, fact, remedy
    if "segmentationRule" in spec and "segmentationRules" in spec:
        fact, remedy = "the segmentation rule is stated in two ways", "Remove `segmentationRule`."
        yield ("segmentationRule",), rule, fact, remedy
        return
    until, earlier = "", ""
    rows = sorted(
        (one.active_since, one.inactive_since or _NO_END, at, one.name)
        for at, one in enumerate(segmentation_rules(spec))
    )
    for start, end, at, name in rows:
        path: Path = ("segmentationRules", at)
        if end <= start:
            fact = f"`{name}` is not active since {end}, but starts on {start}"
            yield (*path, "inactiveSince"), rule, fact, "Exchange or correct the two dates."
            continue
        if until and start < until:
            ends = "is active" if until == _NO_END else f"is active until {until}"
            since = f"starts on {start}" if start else "has no `activeSince`"
            fact = f"`{name}` {since}, but `{earlier}` {ends}"
            yield path, rule, fact, ""
        until, earlier = max((until, earlier), (end, name))


_NO_END = "9999-12-32"
"""Later than any day."""


def _backward(spec: Mapping[str, Value]) -> Iterator[_Flaw]:
    for position, row in enumerate(rows_of(spec["accountingPeriods"])):
        start, end = str(row["startDate"]), row.get("endDate")
        # Dates in one spelling of fixed width compare as text.
        if end is not None and str(end) < start:
            fact = f"`{row['name']}` ends on {end}, before it starts on {start}"
            yield ("accountingPeriods", position, "endDate"), "reference-period", fact, ""


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
                        _POLICY,
                        ("spec", "policy", *path, at, "periodStatus", position),
                        f"`{word}` is spelt `{ours}` by the ledger",
                    )


def check_severities(policy: Policy) -> Iterator[Finding]:
    """Findings about levels of rules that give no warning, and about levels that are too low."""
    rules = {**RULES, **FILE_RULES, **WARNING_RULES}
    known = {name for name, rule in rules.items() if rule.severity is not Severity.ERROR}
    failing = {name for name, rule in rules.items() if rule.severity is Severity.WARNING} | {_NAME}
    named = [(name, "strict", failing | TENANT_FACTS) for name in policy.strict - {EVERY_RULE}]
    named += [(name, "severities", known | TENANT_FACTS | {_NAME}) for name in policy.severities]
    for name, key, names in sorted(named, key=lambda row: row[:2]):
        if name not in names:
            yield finding(
                _NAME,
                _POLICY,
                ("spec", "policy", key),
                f'no rule that gives a warning is named "{name}"',
                remedy=nearest(name, KnownNames(names)),
            )
    for name, level in policy.severities.items():
        lower = level in (Level.INFORMATION, Level.OFF) or (
            level is Level.WARNING and name in TENANT_FACTS
        )
        fact = ""
        if lower and name in policy.strict:
            fact = f"`strict` names {name}, and `severities` lowers it to {level}"
        elif lower and name not in LOWERABLE and name in known | TENANT_FACTS | {_NAME}:
            fact = f"{name} guards money or evidence, so it cannot be lowered to {level}"
        if fact:
            path = ("spec", "policy", "severities", name)
            yield finding("policy-severity", _POLICY, path, fact)


def check_policy(
    policy: Policy, tenant: Tenant, declared: Collection[Declared]
) -> Iterator[Finding]:
    """Findings about names that the Reference does not have, and about amounts of money.

    A name that nothing has is an error: it would control nothing. One that a declaration uses
    still controls that, so it is a warning.
    """

    def is_used(what: str, name: str) -> bool:
        return name in _used_names(what, declared)

    policies: Path = ("spec", "policy")
    tiers = [((*_TIERS, at), tier) for at, tier in enumerate(policy.approvals.tiers)]
    limits = (
        (policy.max_money, (*policies, "limits", "money")),
        (policy.materiality, (*policies, "materiality")),
        *((tier.amount, (*path, "amount")) for path, tier in tiers),
    )
    for amounts, path in limits:
        for currency, amount in amounts.items():
            place = (*path, currency)
            yield from _currency(currency, tenant, is_used, place)
            if too_fine := excess_decimals(amount, currency, tenant):
                yield finding_at(_POLICY, "minor-units", place, *too_fine)
    for one, row in policy.rates.items():
        for place in ((*policies, "rates", one), *((*policies, "rates", one, two) for two in row)):
            yield from _currency(str(place[-1]), tenant, is_used, place)
    codes, periods = tenant.codes_by_name, tenant.periods_by_name
    named: Iterable[tuple[str, Sequence[str], Collection[str], Path]] = (
        *(
            (_CODE, tier.accounting_codes, codes, (*path, "accountingCodes"))
            for path, tier in tiers
        ),
        *((_PERIOD, tier.periods, periods, (*path, "periods")) for path, tier in tiers),
        (_FIELD, tenant.dimensions, tenant.line_fields, ("spec", "dimensions")),
        (_PERIOD, sorted(policy.freeze.periods), periods, (*policies, "freeze")),
    )
    for what, names, known, path in named if tenant.complete else ():
        for position, name in enumerate(names):
            if name not in known:
                message = f'no {what} is named "{name}"'
                used = is_used(what, name)
                yield _named(message, nearest(name, KnownNames(known)), used, (*path, position))


_NAME = "policy-name"
_CODE, _PERIOD, _CURRENCY = "accounting code", "accounting period", "currency"
_FIELD = "custom field of lines"


def _used_names(what: str, declared: Iterable[Declared]) -> set[Value]:
    """The codes, periods, currencies or fields of lines that declarations use."""
    used: set[Value] = set()
    for one in declared:
        kind = KINDS[one.address.kind]
        for row in rows_of(one.spec.get(kind.lines)):
            used.update({_CODE: (row.get("accountingCodeName"),), _FIELD: tuple(row)}.get(what, ()))
        field = {_PERIOD: kind.period, _CURRENCY: kind.currency}.get(what)
        used.add(one.spec.get(field or ""))
    return used


def _currency(
    currency: str, tenant: Tenant, is_used: Callable[[str, str], bool], path: Path
) -> Iterator[Finding]:
    """What is stated of a currency that nothing is posted in never applies; nobody would notice."""
    known = {*tenant.currencies, *tenant.former_currencies}
    unknown = tenant.minor_units(currency) is None
    if unknown and not is_used(_CURRENCY, currency):
        found = finding_at(_POLICY, "currency-code", path, unknown_currency(currency))
        # Unlike in an entry, nothing is blocked by it.
        yield replace(found, of_tenant=False)
    elif unknown or (tenant.complete and currency not in {*known, *WITHDRAWN}):
        message = f"{currency} is not a currency of the Reference"
        close = nearest(currency, KnownNames(known))
        yield _named(message, close, is_used(_CURRENCY, currency), path)


def _named(message: str, remedy: str, used: bool, path: Path) -> Finding:
    """A finding about a name of a policy that the Reference lacks."""
    if not used:
        return finding(_NAME, _POLICY, path, message, remedy=remedy)
    found = finding(
        _NAME,
        _POLICY,
        path,
        f"{message}, but declarations use it",
        remedy="Nothing to do while they use it. When none does, remove it.",
    )
    return replace(found, severity=Severity.WARNING)
