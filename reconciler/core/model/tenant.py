"""The data of a tenant: codes, periods, currencies, segments, custom fields."""

from collections.abc import Iterable, Mapping
from dataclasses import field
from types import MappingProxyType

from reconciler.core.model import money
from reconciler.core.model.enumerations import CodeStatus, CodeType, PeriodStatus, canonical
from reconciler.core.model.resource import (
    Value,
    all_made_of,
    made_of,
    mapping_of,
    text_of,
)
from reconciler.core.model.similar_names import KnownNames
from reconciler.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountingCode:
    """An accounting code of the chart of accounts. Name plus type is the key (API facts 4.2).

    `type` and `status` have their canonical spelling; a word of the ledger that is not known stays.
    Without a status it is active, unless it is `inactive_since` a day.
    """

    name: str
    type: str
    status: str = ""
    gl_account_name: str = ""
    gl_account_number: str = ""
    inactive_since: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "type", canonical(CodeType, self.type))
        usual = CodeStatus.INACTIVE if self.inactive_since else CodeStatus.ACTIVE
        object.__setattr__(self, "status", canonical(CodeStatus, self.status or usual))


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountingPeriod:
    """An accounting period. The open-ended one has no end date (API facts 4.3).

    `status` has its canonical spelling; a word of the ledger that is not known stays.
    """

    name: str
    start_date: str
    end_date: str | None = None
    status: str = PeriodStatus.OPEN
    fiscal_year: int | None = None
    fiscal_quarter: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", canonical(PeriodStatus, self.status))

    def holds(self, first: str, last: str) -> bool:
        """Whether all days from the first to the last are in it; dates in ISO form are text."""
        return self.start_date <= first and (self.end_date is None or last <= self.end_date)

    def touches(self, first: str, last: str) -> bool:
        """Whether one of the days from the first to the last is in it."""
        return self.start_date <= last and (self.end_date is None or first <= self.end_date)

    @property
    def status_known(self) -> bool:
        """Whether the status is a documented one; what another allows is unknown."""
        return self.status in frozenset(PeriodStatus)


def next_open(
    after: AccountingPeriod, periods: Iterable[AccountingPeriod]
) -> AccountingPeriod | None:
    """The earliest open period that starts after another one and has an end."""
    # Dates in ISO form compare as text.
    last = after.end_date or after.start_date
    following = (
        one
        for one in periods
        if one.status == PeriodStatus.OPEN and one.end_date is not None and one.start_date > last
    )
    return min(following, key=lambda one: (one.start_date, one.end_date or ""), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomField:
    """A custom field of an object: its API name ends in `__c`; `max_length` counts characters."""

    name: str
    max_length: int = 255
    inactive_since: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyRow:
    """A currency of a Reference, with its decimal places if the Reference states them."""

    code: str
    inactive_since: str = ""
    minor_units: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentationRule:
    """A segmentation rule that held from a day on, and until the day `inactive_since`."""

    name: str
    segments: tuple[str, ...]
    active_since: str = ""
    inactive_since: str = ""

    def held_on(self, date: str) -> bool:
        """Whether it was the rule on this day; dates in one spelling compare as text."""
        return self.active_since <= date and (not self.inactive_since or date < self.inactive_since)


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """An organization of a tenant with Multi-Org. A document may state one of the two."""

    id: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """The known data of a tenant, from the Reference or from the live ledger.

    If it is `complete`, as a Reference is, unlisted items do not exist. Otherwise only the listed
    codes and periods are checked. `marker` is the field that holds the marker of entries of the
    `workspace`, and `former_markers` are those that held it at an earlier time.
    `segments` are the segment names of the active rule in its order, None if no
    active rule is known. `currencies` are active, `former_currencies` were so until a day, and
    `decimals` are those that the Reference states of currencies. `former_rules` are segmentation
    rules that held until a day. `home_currency` is None without foreign currency conversion.
    `organizations` is empty without Multi-Org. `dimensions` are the custom fields of lines that the
    workspace names as dimensions; segments always are.
    """

    codes: tuple[AccountingCode, ...] = ()
    periods: tuple[AccountingPeriod, ...] = ()
    currencies: frozenset[str] = frozenset()
    former_currencies: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    decimals: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    home_currency: str | None = None
    aggregate_currency: bool = False
    segments: tuple[str, ...] | None = None
    former_rules: tuple[SegmentationRule, ...] = ()
    entry_fields: Mapping[str, CustomField] = field(default_factory=lambda: MappingProxyType({}))
    line_fields: Mapping[str, CustomField] = field(default_factory=lambda: MappingProxyType({}))
    organizations: tuple[Organization, ...] = ()
    complete: bool = False
    marker: str = ""
    former_markers: tuple[str, ...] = ()
    workspace: str = ""
    manages_close: bool | None = None
    """Whether the credentials may post in a period that is PendingClose; None if nobody says."""
    dimensions: tuple[str, ...] = ()
    codes_by_name: Mapping[str, tuple[AccountingCode, ...]] = field(init=False, compare=False)
    periods_by_name: Mapping[str, AccountingPeriod] = field(init=False, compare=False)
    similar_codes: KnownNames = field(init=False, compare=False, repr=False)
    similar_periods: KnownNames = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        codes: dict[str, tuple[AccountingCode, ...]] = {}
        for code in self.codes:
            codes[code.name] = (*codes.get(code.name, ()), code)
        object.__setattr__(self, "codes_by_name", codes)
        periods = {period.name: period for period in self.periods}
        object.__setattr__(self, "periods_by_name", periods)
        object.__setattr__(self, "similar_codes", KnownNames(codes))
        object.__setattr__(self, "similar_periods", KnownNames(periods))

    def minor_units(self, currency: str) -> int | None:
        """Decimal places of a currency: those of ISO 4217, else those that the Reference states."""
        known = money.minor_units(currency)
        return self.decimals.get(currency) if known is None else known

    def period_holding(self, first: str, last: str) -> AccountingPeriod | None:
        """The period with an end that has all days from the first to the last."""
        ended = (one for one in self.periods_by_name.values() if one.end_date and first <= last)
        return next((one for one in ended if one.holds(first, last)), None)


def tenant_from(document: Mapping[str, Value]) -> Tenant:
    """Read a document of kind Reference that fits its schema."""
    spec = mapping_of(document.get("spec"))
    custom = mapping_of(spec.get("customFields"))
    rows, rules = currency_rows(spec), segmentation_rules(spec)
    return Tenant(
        codes=all_made_of(AccountingCode, spec.get("accountingCodes")),
        periods=all_made_of(AccountingPeriod, spec.get("accountingPeriods")),
        currencies=frozenset(row.code for row in rows if not row.inactive_since),
        former_currencies={row.code: row.inactive_since for row in rows if row.inactive_since},
        decimals={row.code: row.minor_units for row in rows if row.minor_units is not None},
        home_currency=text_of(spec.get("homeCurrency")),
        aggregate_currency=spec.get("aggregateCurrency") is True,
        segments=next((rule.segments for rule in rules if not rule.inactive_since), None),
        former_rules=tuple(rule for rule in rules if rule.inactive_since),
        entry_fields=_fields(custom.get("JournalEntry")),
        line_fields=_fields(custom.get("JournalEntryItem")),
        organizations=all_made_of(Organization, spec.get("organizations")),
        complete=True,
    )


def currency_rows(spec: Mapping[str, Value]) -> tuple[CurrencyRow, ...]:
    """The currencies of a Reference in its order; a code alone is an active currency."""
    rows = spec.get("currencies")
    return tuple(
        made_of(CurrencyRow, row if isinstance(row, Mapping) else {"code": row})
        for row in (rows if isinstance(rows, tuple) else ())
    )


def segmentation_rules(spec: Mapping[str, Value]) -> tuple[SegmentationRule, ...]:
    """The segmentation rules of a Reference in its order; the short form is one that holds."""
    short = mapping_of(spec.get("segmentationRule"))
    rules = all_made_of(SegmentationRule, spec.get("segmentationRules"))
    return (*rules, made_of(SegmentationRule, short)) if short else rules


def _fields(value: Value) -> Mapping[str, CustomField]:
    return MappingProxyType({field.name: field for field in all_made_of(CustomField, value)})
