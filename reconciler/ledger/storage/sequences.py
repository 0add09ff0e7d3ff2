"""Sequences of numbers that are never reused, even after a delete."""

from sqlalchemy import Connection, bindparam, update

from .tables import counters

_NEXT = (
    update(counters)
    .where(counters.c.tenant_id == bindparam("tenant"), counters.c.name == bindparam("prefix"))
    .values(value=counters.c.value + 1)
    .returning(counters.c.value)
)


def next_number(tx: Connection, tenant_id: str, prefix: str) -> str:
    """The next number, such as `JE-00000001`: used up exactly if the transaction commits."""
    value = tx.execute(_NEXT, {"tenant": tenant_id, "prefix": prefix}).scalar_one_or_none()
    if value is None:
        value = 1
        tx.execute(counters.insert().values(tenant_id=tenant_id, name=prefix, value=value))
    return f"{prefix}-{value:08d}"
