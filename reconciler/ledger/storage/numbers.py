"""Numbers that rise and are never given out twice, not even after a delete."""

from sqlalchemy import Connection, update

from .tables import counters


def next_number(tx: Connection, tenant_id: str, prefix: str) -> str:
    """The next number with this prefix, such as `JE-00000001`.

    The counter moves in the caller's transaction: a number is used up exactly when it commits.
    """
    row = counters.c
    value = tx.execute(
        update(counters)
        .where(row.tenant_id == tenant_id, row.name == prefix)
        .values(value=row.value + 1)
        .returning(row.value)
    ).scalar_one_or_none()
    if value is None:
        value = 1
        tx.execute(counters.insert().values(tenant_id=tenant_id, name=prefix, value=value))
    return f"{prefix}-{value:08d}"
