"""Numbers that rise and are never given out twice, not even after a delete."""

from sqlalchemy import Connection, bindparam, update

from .tables import counters

_NEXT = (
    update(counters)
    .where(counters.c.tenant_id == bindparam("tenant"), counters.c.name == bindparam("prefix"))
    .values(value=counters.c.value + 1)
    .returning(counters.c.value)
)


def next_number(tx: Connection, tenant_id: str, prefix: str) -> str:
    """The next number with this prefix, such as `JE-00000001`.

    The counter moves in the caller's transaction: a number is used up exactly when it commits.
    """
    value = tx.execute(_NEXT, {"tenant": tenant_id, "prefix": prefix}).scalar_one_or_none()
    if value is None:
        value = 1
        tx.execute(counters.insert().values(tenant_id=tenant_id, name=prefix, value=value))
    return f"{prefix}-{value:08d}"
