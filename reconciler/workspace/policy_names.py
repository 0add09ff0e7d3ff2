"""Holds the names in a policy to the Reference: one that nothing bears would never apply."""

from collections.abc import Collection, Iterator

from reconciler.core.model.known import Known
from reconciler.core.model.policy import Approvals, Freeze
from reconciler.core.model.resource import Finding, Path, Source
from reconciler.core.rules.tenant import nearest
from reconciler.workspace.rules import RULES


def check_policy_names(approvals: Approvals, freeze: Freeze, known: Known) -> Iterator[Finding]:
    """Findings about accounting codes and periods that the Reference does not have."""
    if not known.complete:
        return
    for at, tier in enumerate(approvals.tiers):
        path: Path = ("spec", "policy", "approvals", "tiers", at)
        yield from _unknown("accounting code", tier.accounting_codes, known.codes, path)
        yield from _unknown("accounting period", tier.periods, known.periods, path)
    path = ("spec", "policy", "freeze")
    yield from _unknown("accounting period", sorted(freeze.periods), known.periods, path)


def _unknown(
    what: str, names: Collection[str], known: Collection[str], path: Path
) -> Iterator[Finding]:
    rule = RULES["policy-name"]
    for name in names:
        if name not in known:
            yield Finding(
                source=Source("reconciler.yaml"),
                path=path,
                rule=rule.id,
                message=f'no {what} is named "{name}"',
                remedy=nearest(name, known) or rule.remedy,
                severity=rule.severity,
            )
