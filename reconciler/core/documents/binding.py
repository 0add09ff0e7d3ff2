"""What a saved plan is bound to besides its digest: who made it, when, and on which grounds."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from reconciler.core.model.plan import Basis


def refusals_of(reviewed: Basis, now: Basis, *, at: datetime) -> Iterator[str]:
    """Why a saved plan may not be applied any more, whatever its digest (I-30).

    `at` is the time now, by the ledger's clock where it is known.
    """
    origin, here = reviewed.origin, now.origin
    if _books(reviewed) != _books(now):
        yield f"the plan is for {_named(reviewed)}, and this is {_named(now)}"
    if not origin.expires_at:
        yield "the file was not saved as a plan to apply: it says nowhere how long it is valid"
    elif at >= datetime.fromisoformat(origin.expires_at):
        yield f"the plan expired at {origin.expires_at}"
    if origin.tool_version != here.tool_version:
        yield f"version {origin.tool_version} made the plan, and this is {here.tool_version}"
    if origin.policy_digest != here.policy_digest:
        yield "the workspace's policy is not the one that the plan was reviewed under"
    if reviewed.lineage and reviewed.lineage != now.lineage:
        yield "the daybook is another one than the plan was made with"
    elif reviewed.lineage and reviewed.serial > now.serial:
        yield (
            f"the daybook is an older copy: it has {now.serial} writes, and the plan was made "
            f"when it had {reviewed.serial}"
        )


def _books(basis: Basis) -> tuple[str, ...]:
    return basis.workspace, basis.tenant_id or basis.host, basis.entity_id


def _named(basis: Basis) -> str:
    entity = f", entity {basis.entity_id}" if basis.entity_id else ""
    tenant = f", tenant {basis.tenant_id}" if basis.tenant_id else ""
    return f"{basis.workspace} on {basis.host}{tenant}{entity}"


def remarks_on(reviewed: Basis, now: Basis) -> Iterator[str]:
    """What is not as it was at the review and changes nothing that the digest covers.

    A merge or a squash makes a commit that nobody reviewed as such; what it declares was.
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
        yield "files of the workspace are others than at the review, which changes nothing planned"
    if reviewed.lineage and reviewed.serial < now.serial:
        yield "the daybook was written to since the review"


def expiry_of(made_at: datetime, hours: int) -> str:
    """When a plan that is made now ceases to be valid."""
    return moment(made_at + timedelta(hours=hours))


def moment(at: datetime) -> str:
    """A time as plans state it, to the second."""
    return at.isoformat(timespec="seconds")
