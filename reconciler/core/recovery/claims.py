"""Decides whether a live object can be the result of a create without a response."""

from collections.abc import Mapping

from reconciler.core.model.kinds import KINDS
from reconciler.core.model.marker import marker_of, split_marker
from reconciler.core.model.resource import Address, Live, Value
from reconciler.core.model.tenant import AccountingPeriod
from reconciler.core.planning.diff import read_back
from reconciler.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What an open create requested: `spec` is the declaration when it was sent."""

    address: Address
    spec: Mapping[str, Value] | None


def mismatch(
    claim: Claim,
    live: Live | None,
    *,
    workspace: str,
    place: str,
    periods: Mapping[str, AccountingPeriod],
) -> str:
    """Why a live object cannot be the result of a create; empty when it can.

    The marker proves it. An object without markers must equal the request.
    """
    if live is None:
        return "is not in the ledger"
    kind = KINDS[claim.address.kind]
    if live.status in kind.busy_states:
        return f'has the status "{live.status}"; wait until that has ended'
    if live.status not in kind.posted_states | kind.failed:
        return f'has the status "{live.status}"'
    held, marker = split_marker(live.fields, place)
    if kind.carries_marker:
        expected = marker_of(workspace, claim.address)
        return "" if marker == expected else f'does not carry the marker "{expected}"'
    if claim.spec is None:
        return "cannot be compared: what was requested is not recorded"
    differing = [field.name for field in read_back(kind, claim.spec, None, held).fields]
    if kind.span is not None and (named := claim.spec.get(kind.period)):
        # A period is written by name, and read as its dates.
        period = periods.get(str(named))
        days = tuple(held.get(field) for field in kind.span)
        if period is None or days != (period.start_date, period.end_date):
            differing.append(kind.period)
    return f"differs from what was requested: {', '.join(differing)}" if differing else ""
