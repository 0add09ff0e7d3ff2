"""Facts of a tenant, indexed for checking many declarations."""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.core.model.tenant import AccountingCode, AccountingPeriod, Facts

LINES = "journalEntryItems"
"""The field that holds the lines the accounting rules are about (API facts 3.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Facts indexed for checks, with the marker's place and the workspace's name."""

    facts: Facts
    complete: bool
    """Whether the facts come from a Reference, so that what they do not list does not exist."""
    codes: Mapping[str, tuple[AccountingCode, ...]]
    periods: Mapping[str, AccountingPeriod]
    marker: str
    workspace: str


def known(facts: Facts, *, complete: bool, marker: str, workspace: str) -> Known:
    """Index facts. Without a Reference, only codes and periods that facts do list are checked."""
    codes: dict[str, tuple[AccountingCode, ...]] = {}
    for code in facts.codes:
        codes[code.name] = (*codes.get(code.name, ()), code)
    return Known(
        facts=facts,
        complete=complete,
        codes=codes,
        periods={period.name: period for period in facts.periods},
        marker=marker,
        workspace=workspace,
    )
