"""The organizations of a run, and who may see it (API facts 5.2, 8.6)."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, select

from ..auth.clients import Caller
from ..storage.tables import journal_runs
from ..web.errors import BUSINESS_RULE, INVALID_VALUE, MISSING_FIELD, Reason
from ..web.fields import Field, array, read_items, text

LABEL_FIELDS = (
    Field(name="organizationId", type=text(36, minimum=1)),
    Field(name="organizationName", type=text(100, minimum=1)),
)
FIELD = Field(name="organizationLabels", type=array(300, of=LABEL_FIELDS))
NOT_IN_MULTI_ORG = frozenset(
    {
        *("Invoice Item Adjustment (Invoice)", "Invoice Item Adjustment (Tax)"),
        "Invoice Adjustment",
        "Credit Balance Adjustment (Applied from Credit Balance)",
        "Credit Balance Adjustment (Transferred to Credit Balance)",
        *("Electronic Credit Balance Payment", "External Credit Balance Payment"),
        *("Electronic Credit Balance Refund", "External Credit Balance Refund"),
    }
)
"""Transaction types that Multi-Org tenants do not have."""


def read_labels(
    labels: Sequence[Any] | None, known: Mapping[str, str] | None, reasons: list[Reason]
) -> list[str] | None:
    """The names of the requested organizations, in their order; None without Multi-Org.

    `known` are those of the caller, id to name. Reasons against them are added to `reasons`.
    """
    if known is None:
        if labels:
            reasons.append(Reason(BUSINESS_RULE, "organizationLabels needs a Multi-Org tenant"))
        return None
    if not labels:
        message = "organizationLabels is required in a Multi-Org tenant"
        reasons.append(Reason(MISSING_FIELD, message))
        return None
    names: list[str] = []
    for at, found, _custom in read_items(labels, LABEL_FIELDS, reasons, at=FIELD.name):
        wrong = list(_wrong(found, known, names, at))
        reasons.extend(wrong)
        if not wrong:
            names.append(_name(found, known))
    return names


def labels_of(run: RowMapping, caller: Caller) -> list[dict[str, str]]:
    """The organizations of a run, in an answer to a caller who may see it."""
    ids = {name: key for key, name in (caller.organizations or {}).items()}
    return [
        {"organizationId": ids[name], "organizationName": name}
        for name in run["organizations"] or ()
        if name in ids
    ]


def may_see_run(caller: Caller, run: RowMapping) -> bool:
    """Whether the caller may see a run: only with all of its organizations."""
    return are_visible(run["organizations"], caller.organization_names)


def are_visible(names: Collection[str] | None, known: frozenset[str] | None) -> bool:
    """Whether a resource of these organizations is visible with those `known`; None is all."""
    return known is None or known.issuperset(names or ())


def visible_runs(
    tx: Connection, tenant_id: str, known: frozenset[str] | None
) -> tuple[ColumnElement[bool], ...]:
    """The condition on runs that are visible with these organizations; None means all."""
    if known is None:
        return ()
    lists = journal_runs.c.organizations
    listed = journal_runs.c.tenant_id == tenant_id, lists.is_not(None)
    found = tx.execute(select(lists).where(*listed).distinct()).scalars()
    return (lists.is_(None) | lists.in_([names for names in found if are_visible(names, known)]),)


def _wrong(
    found: Mapping[str, str], known: Mapping[str, str], names: Sequence[str], at: str
) -> Iterator[Reason]:
    if not found:
        yield Reason(MISSING_FIELD, f"{at} needs organizationId or organizationName")
        return
    key, name = found.get("organizationId"), found.get("organizationName")
    if key not in (None, *known) or name not in (None, *known.values()):
        yield Reason(INVALID_VALUE, f"{at}: the request has no organization {name or key!r}")
    elif key is not None and name not in (None, known[key]):
        yield Reason(INVALID_VALUE, f"{at}: {key!r} and {name!r} are different organizations")
    elif _name(found, known) in names:
        yield Reason(INVALID_VALUE, f"{at}: {_name(found, known)!r} is repeated")


def _name(found: Mapping[str, str], known: Mapping[str, str]) -> str:
    return found.get("organizationName") or known[found["organizationId"]]
