"""From the text of a query to what answers it: a translation, or the schema itself."""

import logging
from collections.abc import Mapping
from datetime import datetime

from ..web.errors import Refusal
from .execution import Output, Translation
from .parser import ShowColumns, ShowTables, read_query, refused
from .schema import DELETED, Kind, QueryTable
from .translation import translate

log = logging.getLogger(__name__)


def understood(
    query: str, schema: Mapping[str, QueryTable], *, now: datetime
) -> Translation | Output:
    """What is to be carried out, or the answer itself. Raises Refusal, and nothing else."""
    try:
        tree = read_query(query)
        if isinstance(tree, ShowTables):
            return _shown_tables(schema)
        if isinstance(tree, ShowColumns):
            return _shown_columns(schema, tree.table)
        return translate(tree, schema, now=now)
    except Refusal:
        raise
    except Exception:
        # The parser is made for many dialects; what it stumbles over is no query of this one.
        log.exception("a query could not be read")
        raise refused("The query is not understood") from None


def _shown_tables(schema: Mapping[str, QueryTable]) -> Output:
    names = sorted(schema)
    return Output(columns=(("table", Kind.TEXT),), rows=[(name,) for name in names])


def _shown_columns(schema: Mapping[str, QueryTable], name: str) -> Output:
    table = schema.get(name.lower())
    if table is None:
        raise refused(f"There is no table {name[:60]!r}; see SHOW TABLES")
    columns = {**table.columns, DELETED: Kind.BOOLEAN}
    return Output(
        columns=tuple((name, Kind.TEXT) for name in ("column", "type", "extra", "comment")),
        rows=[(column, str(kind), "", "") for column, kind in columns.items()],
    )
