"""The rows in the result of a query: one JSON object a line (API facts 6.1)."""

from collections.abc import Mapping

from reconciler.core.model.json_text import Texts, plain_texts
from reconciler.core.model.resource import Value, text_of
from reconciler.http_client.strict_json import read_object


def objects(body: bytes) -> tuple[Mapping[str, Value], ...]:
    """Every row by the names of its columns, in lower case. Raises Unreadable."""
    rows = (read_object(row) for row in body.split(b"\n") if row.strip())
    return tuple({name.lower(): value for name, value in row.items()} for row in rows)


def texts(body: bytes, columns: tuple[str, ...]) -> tuple[Texts, ...]:
    """The same rows: these columns as texts, None for what is absent. Raises Unreadable."""
    plain = plain_texts(body, columns)
    if plain is not None:
        return plain
    return tuple(tuple(text_of(row.get(name)) for name in columns) for row in objects(body))
