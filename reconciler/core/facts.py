"""Facts about a tenant that accounting rules stand on: codes, periods, currencies, segments."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountingCode:
    """An accounting code of the chart of accounts. Name plus type is the key (API facts 4.2)."""

    name: str
    type: str
    status: str = "Active"
    gl_account_name: str = ""
    gl_account_number: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountingPeriod:
    """An accounting period. The open-ended one has no end date (API facts 4.3)."""

    name: str
    start_date: str
    end_date: str | None
    status: str = "Open"
    fiscal_year: int | None = None
    fiscal_quarter: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomField:
    """A custom field of an object: its API name ends in `__c`; `max_length` counts characters."""

    name: str
    max_length: int = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of the tenant, from the Reference or from the live ledger.

    `segments` holds the segment names of the active rule in its order, or None when no rule is
    known to be active. `home_currency` is None when no foreign currency conversion is set up.
    """

    codes: tuple[AccountingCode, ...] = ()
    periods: tuple[AccountingPeriod, ...] = ()
    currencies: frozenset[str] = frozenset()
    home_currency: str | None = None
    aggregate_currency: bool = False
    segments: tuple[str, ...] | None = None
    entry_fields: Mapping[str, CustomField] = MappingProxyType({})
    line_fields: Mapping[str, CustomField] = MappingProxyType({})
