"""The result of a rehearsal as a section of the plan document."""

from reconciler.core.documents.plain_fields import read_fields, written_fields
from reconciler.core.documents.plan_schema import Document
from reconciler.core.model.proofs.rehearsal import Rehearsal


def rehearsal_document(rehearsal: Rehearsal) -> Document:
    """The result of a rehearsal. It is no part of the digest."""
    rows = rehearsal.balances
    balances = [{**written_fields(row, code="account"), "agrees": row.agrees} for row in rows]
    return {**written_fields(rehearsal), "holds": rehearsal.holds, "balances": balances}


def rehearsal_from(row: Document | None) -> Rehearsal | None:
    """The result in a document; None if it has none."""
    if row is None:
        return None
    balances = [{**one, "code": one["account"]} for one in row["balances"]]
    return read_fields(Rehearsal, row, balances=balances)
