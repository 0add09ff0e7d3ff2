"""Translation of a query to SQLite: names are resolved in the tenant's tables."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from sqlglot import exp
from sqlglot.errors import OptimizeError, ParseError, SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, traverse_scope

from ..web.errors import Refusal
from .dates import shown
from .decimal_functions import COLLATION
from .execution import Output, Translation
from .expressions import Expressions, kind_of
from .parser import DIALECT, SHOW_COLUMNS, SHOW_TABLES, outside, read_query, refused, too_deep
from .schema import DELETED, Kind, QueryTable

MAX_COLUMNS = 500
REMEMBERED, MAX_REMEMBERED = 128, 20_000
"""Translations that are kept, and the longest query in characters of which one is."""
log = logging.getLogger(__name__)

_TRANSLATED: dict[object, Translation] = {}
"""By the text of a query and the columns it may name. A query is submitted and then executed."""


def read_and_translate(
    query: str, schema: Mapping[str, QueryTable], *, now: datetime
) -> Translation | Output:
    """The translated query, or the answer itself. Raises Refusal and nothing else."""
    key = (query, tuple((name, *table.columns.items()) for name, table in schema.items()))
    known = _TRANSLATED.get(key)
    if known is not None:
        return known
    try:
        found, timeless = _read(query, schema, now)
    except Refusal:
        raise
    except RecursionError:
        raise too_deep() from None
    except SqlglotError as error:
        raise refused(_reason(error)) from None
    except Exception:
        # The parser may fail unexpectedly on text in other dialects.
        log.exception("a query could not be read")
        raise refused("The query is not understood") from None
    if isinstance(found, Translation) and timeless and len(query) <= MAX_REMEMBERED:
        while len(_TRANSLATED) >= REMEMBERED:
            _TRANSLATED.pop(next(iter(tuple(_TRANSLATED))), None)  # threads may pop the same
        _TRANSLATED[key] = found
    return found


def _read(
    query: str, schema: Mapping[str, QueryTable], now: datetime
) -> tuple[Translation | Output, bool]:
    """The translated query or the answer itself, and whether it is the same at any time."""
    if SHOW_TABLES.fullmatch(query):
        names = [(name,) for name in sorted(schema)]
        return Output(columns=(("table", Kind.TEXT),), rows=names), True
    named = SHOW_COLUMNS.fullmatch(query)
    if named:
        return _shown_columns(schema, named[1]), True
    return translate(read_query(query), schema, now=now)


def _reason(error: SqlglotError) -> str:
    """Why a query is not understood, without a part of it."""
    if isinstance(error, OptimizeError):
        # The library adds a place in the query, and perhaps the query.
        return str(error).split("\n")[0].partition(". Line")[0][:200]
    found = error.errors if isinstance(error, ParseError) else []
    at = f" at line {found[0].get('line')}, column {found[0].get('col')}" if found else ""
    return f"The query is not understood{at}"


def _shown_columns(schema: Mapping[str, QueryTable], name: str) -> Output:
    table = schema.get(name.lower())
    if table is None:
        raise refused(f"There is no table {name[:60]!r}; see SHOW TABLES")
    columns = {**table.columns, DELETED: Kind.BOOLEAN}
    return Output(
        columns=tuple((name, Kind.TEXT) for name in ("column", "type", "extra", "comment")),
        rows=[(column, str(kind), "", "") for column, kind in columns.items()],
    )


def translate(
    tree: exp.Select, schema: Mapping[str, QueryTable], *, now: datetime
) -> tuple[Translation, bool]:
    """The translated query, and whether it is the same at any time."""
    tables = frozenset(_tables(tree, schema))
    deleted = any(column.name.lower() == DELETED for column in tree.find_all(exp.Column))
    names = _columns(schema, deleted=deleted)
    qualified = qualify(tree.copy(), schema=names, dialect=DIALECT)
    annotated = annotate_types(qualified, schema=names, dialect=DIALECT)
    assert isinstance(annotated, exp.Select)
    _check_columns(annotated)
    values = Expressions(now)
    for scope in traverse_scope(annotated):  # subqueries come first
        assert isinstance(scope.expression, exp.Select)
        _check_grouping(scope)
        _select(scope.expression, values)
    columns = tuple(
        (_output(select.alias_or_name), kind_of(select) or Kind.TEXT)
        for select in annotated.selects
    )
    _check_output(columns)
    translation = Translation(
        sql=annotated.sql(dialect="sqlite"), tables=tables, columns=columns, deleted_too=deleted
    )
    return translation, values.timeless


def _tables(tree: exp.Select, schema: Mapping[str, QueryTable]) -> Iterator[str]:
    own = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    if own & set(schema):
        raise refused(f"WITH {min(own & set(schema))} would hide the table of this name")
    for table in tree.find_all(exp.Table):
        name = table.name.lower()
        if name in schema:
            yield name
        elif name not in own:
            raise refused(f"There is no table {table.name[:60]!r}; see SHOW TABLES")


def _columns(schema: Mapping[str, QueryTable], *, deleted: bool) -> dict[str, object]:
    more = {DELETED: Kind.BOOLEAN} if deleted else {}
    return {
        name: {column: str(kind) for column, kind in {**table.columns, **more}.items()}
        for name, table in schema.items()
    }


def _check_columns(tree: exp.Select) -> None:
    """Refuse columns that are in no table, except names of results."""
    for column in tree.find_all(exp.Column):
        if not column.table and column.find_ancestor(exp.Order, exp.Select) is None:
            raise refused(f"Column {column.name[:60]!r} could not be resolved")


def _check_grouping(scope: Scope) -> None:
    """Refuse a column that is neither grouped nor aggregated: SQLite would pick any row's."""
    select = scope.expression
    where = select.args.get("where")
    if where and _own(where, exp.AggFunc):
        raise refused("WHERE cannot have an aggregate; write HAVING")
    group = select.args.get("group")
    grouped = group.expressions if group else []
    parts = [*select.expressions, select.args.get("having"), select.args.get("order")]
    single = group or select.args.get("having")
    if not single and not any(_own(part, exp.AggFunc) for part in parts if part):
        return
    for part in filter(None, parts):
        for column in _own(part, exp.Column, but=grouped):
            if column.text("table") in scope.sources:
                raise refused(f"{shown(column)} must be aggregated or appear in GROUP BY")


def _own(part: exp.Expr, kind: type[exp.Expr], *, but: Sequence[exp.Expr] = ()) -> list[exp.Expr]:
    """Nodes of a type, without those in aggregates, in grouped expressions and in subqueries."""
    found: list[exp.Expr] = []
    waiting = [part]
    while waiting:
        node = waiting.pop()
        if any(type(other) is type(node) and other == node for other in but):
            continue
        if isinstance(node, kind):
            found.append(node)
        elif not isinstance(node, exp.AggFunc | exp.Select):
            waiting.extend(node.iter_expressions())
    return found


def _select(select: exp.Select, values: Expressions) -> None:
    """Translate one SELECT in place; its subqueries are translated already."""
    for result in select.selects:
        expected = kind_of(result)
        new, kind = values.value(result.unalias())
        if kind is not expected:
            # Outer queries were typed with the other type.
            raise refused(f"The type of {shown(result)} is not clear; write a CAST")
        result.set("this", new)
    for name in ("where", "having"):
        clause = select.args.get(name)
        if clause:
            clause.set("this", values.condition(clause.this))
    for join in select.args.get("joins") or ():
        if join.args.get("on"):
            join.set("on", values.condition(join.args["on"]))
    group = select.args.get("group")
    if group:
        group.set("expressions", [values.value(part)[0] for part in group.expressions])
    order = select.args.get("order")
    for ordered in order.expressions if order else ():
        new, kind = values.value(ordered.this)
        if kind is Kind.DECIMAL:
            new = exp.Collate(this=new, expression=exp.to_identifier(COLLATION))
        ordered.set("this", new)
    _limit(select)


def _limit(select: exp.Select) -> None:
    limit, offset = select.args.get("limit"), select.args.get("offset")
    counts = [
        clause.args.get("expression") or clause.args.get("count")
        for clause in (limit, offset)
        if clause
    ]
    for count in counts:
        if not (isinstance(count, exp.Literal) and not count.is_string and count.this.isdigit()):
            raise refused("LIMIT and OFFSET take a whole number")
    if offset and not limit:
        select.set("limit", exp.Limit(expression=exp.Literal.number(2**31)))


def _output(name: str) -> str:
    """The name of a result column; unnamed ones are `_col0`, `_col1`, as in Trino."""
    return f"_col{name.removeprefix('_col_')}" if name.startswith("_col_") else name.lower()


def _check_output(columns: tuple[tuple[str, Kind], ...]) -> None:
    names = [name for name, _kind in columns]
    if len(names) > MAX_COLUMNS:
        raise outside(f"A result of more than {MAX_COLUMNS} columns")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise refused(f"Two columns of the result are named {twice[0]!r}; name them with AS")
