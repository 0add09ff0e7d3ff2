"""The saved plan: its signature, checksum, expiry, and what it is bound to."""

import hmac
import json
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from reconciler.core.documents.plan_digest import digest_of
from reconciler.core.documents.plan_json import (
    FORMAT_VERSION,
    NOT_A_PLAN,
    Document,
    checksum_of,
    document_of,
    plan_from,
)
from reconciler.core.model.canonical import json_bytes
from reconciler.core.model.money import ZERO, difference
from reconciler.core.model.plan import Action, Basis, Impact, Plan
from reconciler.core.planning.impact import balance_of, impact_of
from reconciler.errors import StalePlan


def plan_text(plan: Plan, *, key: str = "") -> str:
    """The plan file: indented JSON with sorted keys and a final line feed; signed with a key."""
    document = document_of(plan)
    if key:
        document["mac"] = _mac(document["checksum"], key)
    return msgspec.json.format(json_bytes(document), indent=2).decode() + "\n"


def _mac(checksum: str, key: str) -> str:
    return f"hmac-sha256:{hmac.new(key.encode(), checksum.encode(), 'sha256').hexdigest()}"


def plan_of(text: str, *, key: str = "") -> Plan:
    """Read a plan file. Raises StalePlan when it is not a plan file, or was altered.

    With a key, only a plan that was signed with it is accepted (I-30).
    """
    try:
        document = _parsed(text)
        version = str(document["format_version"])
        if version.partition(".")[0] != FORMAT_VERSION.partition(".")[0]:
            raise StalePlan(
                f"the plan file has format {version}; this version reads {FORMAT_VERSION}",
                remedy="Make a new plan with `reconciler plan --out FILE`.",
            )
        whole = document["checksum"] == checksum_of(document)
        plan = plan_from(document)
        whole = whole and digest_of(plan) == plan.digest
        figure = next(_unsupported_figures(plan), "")
    except (*NOT_A_PLAN, RecursionError) as error:
        raise StalePlan(
            "the file is not a plan that this tool wrote",
            remedy="Make it with `reconciler plan --out FILE`.",
        ) from error
    if not whole:
        raise StalePlan(
            "the plan file was altered since it was made: its digest does not match its content",
            remedy="Make a new plan, and have it reviewed again.",
        )
    if figure:
        raise StalePlan(
            f"the plan file was altered since it was made: {figure} does not follow from "
            "its changes",
            remedy="Make a new plan, and have it reviewed again.",
        )
    if key and not hmac.compare_digest(
        str(document.get("mac")).encode(), _mac(document["checksum"], key).encode()
    ):
        raise StalePlan(
            "the plan file is not signed with the key of this apply",
            remedy="Make the plan where RECONCILER_PLAN_KEY is set to the same key.",
        )
    return plan


def _parsed(text: str) -> Document:
    document = json.loads(
        text,
        object_pairs_hook=_once,
        parse_float=Decimal,
        parse_int=_integer,
        parse_constant=_no_constant,
    )
    if not isinstance(document, dict):
        raise TypeError("a plan is a mapping")
    return document


def _integer(text: str) -> int | Decimal:
    """A number of a custom field may be too large for JSON writers as an integer."""
    return int(text) if len(text) < len(str(sys.maxsize)) else Decimal(text)


def _once(pairs: list[tuple[str, Any]]) -> Document:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a key is repeated")
    return document


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number")


class _NetChange(NamedTuple):
    """The change of one row of the impact."""

    debit: Decimal
    credit: Decimal
    home: Decimal | None


def _unsupported_figures(plan: Plan) -> Iterator[str]:
    """The figures of a plan that do not follow from its changes, as text.

    A plan file does not hold unchanged entries. So the change of an impact can be checked, but
    not the amount before it; and the number of unchanged entries cannot be checked.
    """
    home_currency = plan.basis.home_currency
    if plan.balance != balance_of(plan.pending, home_currency):
        yield "its balance"
    if not _impact_holds(plan):
        yield "its impact on the books"
    counts = Counter(change.action for change in plan.pending)
    if any(
        plan.summary.get(action, 0) != counts[action]
        for action in Action
        if action is not Action.KEEP
    ):
        yield "its summary"


def _impact_holds(plan: Plan) -> bool:
    shown = {(row.period, row.code, row.currency): row for row in plan.impact}
    named = {code for _, code, _ in shown}
    made = {
        (row.period, row.code, row.currency): row
        for row in impact_of(plan.pending, plan.basis.home_currency, named=named)
    }
    if len(shown) != len(plan.impact):
        return False
    # If an unchanged entry has no home amount, a change of home amounts alone is not shown.
    needed = {
        key for key, row in made.items() if _net_change(row)[:2] != (ZERO, ZERO) or key in shown
    }
    return shown.keys() == needed and all(_is_consistent(made[key], shown[key]) for key in shown)


def _is_consistent(made: Impact, shown: Impact) -> bool:
    if shown.debit_before < made.debit_before or shown.credit_before < made.credit_before:
        return False
    was, says = _net_change(made), _net_change(shown)
    # If an unchanged entry has no home amount, its row has none.
    home = says.home is None or says.home == was.home
    return home and (was.debit, was.credit) == (says.debit, says.credit)


def _net_change(row: Impact) -> _NetChange:
    return _NetChange(
        debit=difference(row.debit_after, row.debit_before),
        credit=difference(row.credit_after, row.credit_before),
        home=row.home_change,
    )


def refusals_of(reviewed: Basis, now: Basis, *, at: datetime) -> Iterator[str]:
    """Why a saved plan can no longer be applied, whatever its digest (I-30).

    `at` is the current time, by the ledger's clock if it is known.
    """
    origin, here = reviewed.origin, now.origin
    if _target(reviewed) != _target(now):
        yield f"the plan is for {_target_text(reviewed)}, and this is {_target_text(now)}"
    if not origin.expires_at:
        yield "the file is not a saved plan to apply: it has no expiry time"
    elif at >= datetime.fromisoformat(origin.expires_at):
        yield f"the plan expired at {origin.expires_at}"
    if origin.tool_version != here.tool_version:
        yield f"version {origin.tool_version} made the plan, and this is {here.tool_version}"
    if origin.policy_digest != here.policy_digest:
        yield "the workspace's policy changed since the review"
    if reviewed.lineage and reviewed.lineage != now.lineage:
        yield "the plan was made with another daybook"
    elif reviewed.lineage and reviewed.serial > now.serial:
        yield (
            f"the daybook is an older copy: it has {now.serial} writes, and the plan was made "
            f"when it had {reviewed.serial}"
        )


def _target(basis: Basis) -> tuple[str, ...]:
    return basis.workspace, basis.tenant_id or basis.host, basis.entity_id


def _target_text(basis: Basis) -> str:
    entity = f", entity {basis.entity_id}" if basis.entity_id else ""
    tenant = f", tenant {basis.tenant_id}" if basis.tenant_id else ""
    return f"{basis.workspace} on {basis.host}{tenant}{entity}"


def remarks_on(reviewed: Basis, now: Basis) -> Iterator[str]:
    """Differences since the review that the digest does not cover.

    A merge or a squash makes a new commit with reviewed declarations.
    """
    origin, here = reviewed.origin, now.origin
    if origin.commit != here.commit:
        was, is_ = (commit[:12] or "no commit" for commit in (origin.commit, here.commit))
        yield f"reviewed at {was}, applied at {is_}"
    if origin.dirty:
        yield "the plan was made from files that were not committed"
    if here.dirty:
        yield "files of the workspace are not committed"
    if reviewed.files_digest != now.files_digest:
        yield "workspace files changed since the review; the plan is the same"
    if reviewed.lineage and reviewed.serial < now.serial:
        yield "the daybook was written to since the review"


def expiry_of(made_at: datetime, hours: int) -> str:
    """The expiry time of a plan."""
    return moment(made_at + timedelta(hours=hours))


def moment(at: datetime) -> str:
    """A time in the format of plans, to the second."""
    return at.isoformat(timespec="seconds")
