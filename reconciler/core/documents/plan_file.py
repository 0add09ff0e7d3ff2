"""The saved plan: its signature, checksum, expiry, and what it is bound to."""

import hmac
from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from reconciler.core.documents.plan_consistency import contradictions
from reconciler.core.documents.plan_digest import digest_of
from reconciler.core.documents.plan_json import NOT_A_PLAN, checksum_of, document_of, plan_from
from reconciler.core.documents.plan_schema import FORMAT_VERSION, NotAPlan
from reconciler.core.model.canonical import harmless_json, json_bytes
from reconciler.core.model.json_text import Unreadable, read_json
from reconciler.core.model.plan import Basis, Plan
from reconciler.errors import StalePlan

_MAJOR = FORMAT_VERSION.partition(".")[0]
_ALTERED = "its digest does not match its content"


def plan_text(plan: Plan, *, key: str = "") -> str:
    """The plan file: indented JSON with sorted keys and a final line feed; signed with a key."""
    document = document_of(plan)
    if key:
        document["mac"] = _mac(document["checksum"], key)
    return harmless_json(msgspec.json.format(json_bytes(document), indent=2).decode()) + "\n"


def _mac(checksum: str, key: str) -> str:
    return f"hmac-sha256:{hmac.new(key.encode(), checksum.encode(), 'sha256').hexdigest()}"


def plan_of(text: str, *, key: str = "") -> Plan:
    """Read a plan file. Raises StalePlan when it is not a plan file, or was altered.

    With a key, only a plan that was signed with it is accepted (I-30).
    """
    try:
        document = read_json(text, what="the file")
        version = document.get("format_version") if isinstance(document, dict) else None
        if isinstance(version, str) and version.partition(".")[0] != _MAJOR:
            raise StalePlan(
                f"the plan file has format {version}; this version reads {FORMAT_VERSION}",
                remedy="Make a new plan with `reconciler plan --out plan.json`.",
            )
        plan = plan_from(document)
        again = document_of(plan)
        known = digest_of(plan, again["changes"]), checksum_of(document)
        whole = (plan.digest, document["checksum"]) == known
        fault = next(contradictions(document, plan, again), "") if whole else _ALTERED
    except (*NOT_A_PLAN, RecursionError) as error:
        raise StalePlan(
            f"the file is not a plan that this tool wrote{_reason(error)}",
            remedy="Make it with `reconciler plan --out plan.json`.",
        ) from error
    if fault:
        raise StalePlan(
            f"the plan file was altered since it was made: {fault}",
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


def _reason(error: Exception) -> str:
    if isinstance(error, Unreadable) and error.key:
        return f": {error} `{error.key}`"
    return f": {error}" if isinstance(error, NotAPlan | Unreadable) else ""


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
