"""The result of a rehearsal as a section of the plan document."""

from msgspec import convert

from reconciler.core.documents.plain_fields import read_fields, written_fields
from reconciler.core.documents.plan_schema import Document
from reconciler.core.model.proofs.rehearsal import Rehearsal, RehearsedBalance, RehearsedChange


def rehearsal_document(rehearsal: Rehearsal) -> Document:
    """The result of a rehearsal. It is no part of the digest."""
    return {
        "permissions": list(rehearsal.permissions),
        "offline": rehearsal.offline,
        "holds": rehearsal.holds,
        "changes": [written_fields(change) for change in rehearsal.changes],
        "balances": [
            {**written_fields(row, code="account"), "agrees": row.agrees}
            for row in rehearsal.balances
        ],
        "unknown": list(rehearsal.unknown),
    }


def rehearsal_from(row: Document | None) -> Rehearsal | None:
    """The result in a document; None if it has none."""
    if row is None:
        return None
    return Rehearsal(
        permissions=convert(row["permissions"], tuple[str, ...]),
        offline=convert(row["offline"], bool),
        changes=tuple(read_fields(RehearsedChange, one) for one in row["changes"]),
        balances=tuple(
            read_fields(RehearsedBalance, one, code=one["account"]) for one in row["balances"]
        ),
        unknown=convert(row["unknown"], tuple[str, ...]),
    )
