"""Typed expressions of a query, translated to SQLite.

SQLite compares and adds values of any type. Trino refuses mixed types, and so does this. Decimals
are calculated by query.decimal_functions.
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlglot import exp

from .dates import as_date, as_timestamp, literal, shown
from .decimal_functions import canonical
from .parser import outside, refused
from .schema import Kind

Typed = tuple[exp.Expr, Kind | None]
"""An expression and its type; None for NULL, which has any type."""

_TYPES = {
    exp.DType.VARCHAR: Kind.TEXT,
    exp.DType.DECIMAL: Kind.DECIMAL,
    exp.DType.INT: Kind.INTEGER,
    exp.DType.BIGINT: Kind.INTEGER,
    exp.DType.BOOLEAN: Kind.BOOLEAN,
    exp.DType.DATE: Kind.DATE,
    exp.DType.TIMESTAMP: Kind.TIMESTAMP,
    exp.DType.TIMESTAMPTZ: Kind.TIMESTAMP,  # the current one, or written with UTC
    exp.DType.DOUBLE: Kind.DECIMAL,  # only from decimal literals
}
_NUMBERS = (Kind.DECIMAL, Kind.INTEGER)


def kind_of(node: exp.Expr) -> Kind | None:
    """The type of a column or result, None if it is always NULL."""
    written = node.type
    if written is None or written.this in (exp.DType.UNKNOWN, exp.DType.NULL):
        return None
    if written.this not in _TYPES:
        raise outside(f"The type {written.sql()}")
    return _TYPES[written.this]


class Expressions:
    """Translates expressions, in place where possible. `now` is the current time."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self.timeless = True
        """Whether the translation is the same at any time."""
        self._rules: dict[type[exp.Expr], Callable[..., Typed]] = {
            exp.Column: lambda node: (node, kind_of(node)),
            exp.Literal: _literal,
            exp.Null: lambda node: (node, None),
            exp.Boolean: lambda node: (node, Kind.BOOLEAN),
            exp.CurrentDate: lambda _: (literal(f"{self._time():%Y-%m-%d}"), Kind.DATE),
            exp.CurrentTimestamp: lambda _: (
                literal(f"{self._time():%Y-%m-%d %X}"),
                Kind.TIMESTAMP,
            ),
            exp.Paren: self._paren,
            exp.Subquery: lambda node: (node, kind_of(node.this.selects[0])),
            exp.Exists: lambda node: (node, Kind.BOOLEAN),
            exp.Neg: lambda node: self._signed(node, "decimal_negate"),
            exp.Abs: lambda node: self._signed(node, "decimal_absolute"),
            exp.Add: lambda node: self._arithmetic(node, "decimal_add"),
            exp.Sub: lambda node: self._arithmetic(node, "decimal_subtract"),
            exp.Mul: self._product,
            exp.And: self._connected,
            exp.Or: self._connected,
            exp.Not: lambda node: (self._operands(node, Kind.BOOLEAN, "this"), Kind.BOOLEAN),
            **dict.fromkeys((exp.EQ, exp.NEQ, exp.NullSafeEQ, exp.NullSafeNEQ), self._equal),
            **dict.fromkeys((exp.LT, exp.LTE, exp.GT, exp.GTE), self._ordered),
            exp.Between: self._between,
            exp.In: self._in,
            exp.Is: self._is,
            exp.Like: lambda node: (self._operands(node, Kind.TEXT), Kind.BOOLEAN),
            exp.Escape: self._escape,
            exp.Case: self._case,
            exp.If: lambda node: self._chosen(
                [node.this], [node.args["true"], node.args.get("false") or exp.Null()]
            ),
            exp.Coalesce: self._coalesce,
            exp.Nullif: self._nullif,
            exp.Concat: self._concat,
            exp.DPipe: lambda node: (self._operands(node, Kind.TEXT), Kind.TEXT),
            **dict.fromkeys((exp.Lower, exp.Upper, exp.Trim), self._text),
            exp.Length: lambda node: (self._operands(node, Kind.TEXT, "this"), Kind.INTEGER),
            exp.Substring: self._substring,
            exp.Cast: self._cast,
            exp.Date: lambda node: (as_date(*self.value(node.this)), Kind.DATE),
            exp.Count: self._count,
            exp.Sum: self._sum,
            exp.Min: lambda node: self._extreme(node, "decimal_min"),
            exp.Max: lambda node: self._extreme(node, "decimal_max"),
        }

    def _time(self) -> datetime:
        self.timeless = False
        return self._now

    def value(self, node: exp.Expr) -> Typed:
        """The translated expression and its type. Raises Refusal."""
        rule = self._rules.get(type(node))
        if rule is None:
            raise outside(type(node).__name__.upper())
        return rule(node)

    def condition(self, node: exp.Expr) -> exp.Expr:
        return self._of(node, Kind.BOOLEAN)

    def _of(self, node: exp.Expr, wanted: Kind) -> exp.Expr:
        new, kind = self.value(node)
        if kind not in (wanted, None):
            raise refused(f"{shown(node)} is {kind}, where {wanted} is expected")
        return new

    def _operands(self, node: exp.Expr, wanted: Kind, *names: str) -> exp.Expr:
        for name in names or ("this", "expression"):
            node.set(name, self._of(node.args[name], wanted))
        return node

    def _text(self, node: exp.Expr) -> Typed:
        return self._operands(node, Kind.TEXT, "this"), Kind.TEXT

    def _paren(self, node: exp.Paren) -> Typed:
        inner, kind = self.value(node.this)
        return exp.Paren(this=inner), kind

    def _connected(self, node: exp.Connector) -> Typed:
        # Hundreds of conditions form one chain: iterate, to allow that length.
        operands, top = [], node
        while type(top) is type(node):
            operands.append(top.expression)
            top = top.this
        operands.append(top)
        sides = [self.condition(operand) for operand in reversed(operands)]
        return exp.Paren(this=_balanced(type(node), sides)), Kind.BOOLEAN

    def _number(self, node: exp.Expr) -> Typed:
        new, kind = self.value(node)
        if kind not in (*_NUMBERS, None):
            raise refused(f"{shown(node)} is {kind}, where a number is expected")
        return new, kind

    def _signed(self, node: exp.Expr, function: str) -> Typed:
        new, kind = self._number(node.this)
        if kind is Kind.DECIMAL:
            return _call(function, new), kind
        return type(node)(this=new), kind

    def _arithmetic(self, node: exp.Binary, function: str) -> Typed:
        first, second = self._number(node.this), self._number(node.expression)
        (left, right), kind = _alike((first, second))
        if kind is Kind.DECIMAL:
            return _call(function, left, right), kind
        return type(node)(this=left, expression=right), kind

    def _product(self, node: exp.Mul) -> Typed:
        left, one = self._number(node.this)
        right, other = self._number(node.expression)
        if one is Kind.DECIMAL and other is Kind.DECIMAL:
            raise outside("The product of two decimals")
        if Kind.DECIMAL in (one, other):
            return _call("decimal_multiply", left, right), Kind.DECIMAL
        return exp.Mul(this=left, expression=right), one or other

    def _equal(self, node: exp.Binary) -> Typed:
        (left, right), _kind = _alike((self.value(node.this), self.value(node.expression)))
        return type(node)(this=left, expression=right), Kind.BOOLEAN

    def _ordered(self, node: exp.Binary) -> Typed:
        (left, right), kind = _alike((self.value(node.this), self.value(node.expression)))
        return _comparison(type(node), left, right, kind), Kind.BOOLEAN

    def _between(self, node: exp.Between) -> Typed:
        parts = [self.value(node.args[name]) for name in ("this", "low", "high")]
        (value, low, high), kind = _alike(parts)
        return exp.Paren(
            this=exp.And(
                this=_comparison(exp.GTE, value, low, kind),
                expression=_comparison(exp.LTE, value.copy(), high, kind),
            )
        ), Kind.BOOLEAN

    def _in(self, node: exp.In) -> Typed:
        query = node.args.get("query")
        if query is None:
            parts = [self.value(part) for part in (node.this, *node.expressions)]
            (value, *others), _kind = _alike(parts)
            return exp.In(this=value, expressions=others), Kind.BOOLEAN
        value, kind = self.value(node.this)
        selected = query.this.selects
        if len(selected) != 1:
            raise refused("A query after IN selects one column")
        found = kind_of(selected[0])
        if kind is not found and None not in (kind, found):
            raise refused(f"{shown(node.this)} is {kind}, and the query after IN gives {found}")
        node.set("this", value)
        return node, Kind.BOOLEAN

    def _is(self, node: exp.Is) -> Typed:
        if not isinstance(node.expression, exp.Null):
            raise outside("IS with anything but NULL")
        return exp.Is(this=self.value(node.this)[0], expression=node.expression), Kind.BOOLEAN

    def _escape(self, node: exp.Escape) -> Typed:
        mark = node.expression
        if not (isinstance(mark, exp.Literal) and mark.is_string and len(mark.this) == 1):
            raise refused("ESCAPE takes one character")
        node.set("this", self.condition(node.this))
        return node, Kind.BOOLEAN

    def _case(self, node: exp.Case) -> Typed:
        branches = node.args["ifs"]
        base = node.args.get("this")
        conditions = [
            branch.this if base is None else exp.EQ(this=base.copy(), expression=branch.this)
            for branch in branches
        ]
        results = [branch.args["true"] for branch in branches]
        results.append(node.args.get("default") or exp.Null())
        return self._chosen(conditions, results)

    def _chosen(self, conditions: Sequence[exp.Expr], results: Sequence[exp.Expr]) -> Typed:
        (*chosen, default), kind = _alike([self.value(result) for result in results])
        branches = [
            exp.If(this=self.condition(condition), true=result)
            for condition, result in zip(conditions, chosen, strict=True)
        ]
        return exp.Case(ifs=branches, default=default), kind

    def _coalesce(self, node: exp.Coalesce) -> Typed:
        parts = [self.value(part) for part in (node.this, *node.expressions)]
        (first, *others), kind = _alike(parts)
        return (exp.Coalesce(this=first, expressions=others) if others else first), kind

    def _nullif(self, node: exp.Nullif) -> Typed:
        parts = (self.value(node.this), self.value(node.expression))
        (first, second), kind = _alike(parts)
        return exp.Nullif(this=first, expression=second), kind

    def _concat(self, node: exp.Concat) -> Typed:
        first, *others = (self._of(part, Kind.TEXT) for part in node.expressions)
        joined = first
        for other in others:
            joined = exp.DPipe(this=joined, expression=other)
        return exp.Paren(this=joined), Kind.TEXT

    def _substring(self, node: exp.Substring) -> Typed:
        self._operands(node, Kind.TEXT, "this")
        self._operands(
            node, Kind.INTEGER, *(name for name in ("start", "length") if node.args.get(name))
        )
        return node, Kind.TEXT

    def _cast(self, node: exp.Cast) -> Typed:
        new, kind = self.value(node.this)
        wanted = _TYPES.get(node.to.this)
        if wanted is kind and kind is not Kind.DECIMAL:
            return new, kind
        if wanted is Kind.DATE:
            return as_date(new, kind), wanted
        if wanted is Kind.TIMESTAMP:
            return as_timestamp(new, kind), wanted
        if wanted is Kind.TEXT and kind is not Kind.BOOLEAN:
            return exp.Cast(this=new, to=exp.DataType.build("text")), wanted
        six = [part.name for part in node.to.expressions][1:] == ["6"]
        exact = node.to.this is exp.DType.DECIMAL and six
        if exact and kind in (*_NUMBERS, None):
            return _call("decimal_of", new), Kind.DECIMAL
        raise outside(f"CAST of {kind or 'NULL'} to {node.to.sql()}")

    def _count(self, node: exp.Count) -> Typed:
        if isinstance(node.this, exp.Star):
            return exp.Count(this=exp.Star()), Kind.INTEGER
        return exp.Count(this=self._argument(node.this)[0]), Kind.INTEGER

    def _sum(self, node: exp.Sum) -> Typed:
        new, kind = self._argument(node.this)
        if kind not in (*_NUMBERS, None):
            raise refused(f"SUM takes numbers, and {shown(node.this)} is {kind}")
        if kind is Kind.DECIMAL:
            return _call("decimal_sum", new), kind
        return exp.Sum(this=new), kind

    def _extreme(self, node: exp.AggFunc, function: str) -> Typed:
        new, kind = self._argument(node.this)
        if kind is Kind.DECIMAL:
            return _call(function, new), kind
        return type(node)(this=new), kind

    def _argument(self, node: exp.Expr) -> Typed:
        if not isinstance(node, exp.Distinct):
            return self.value(node)
        if len(node.expressions) != 1:
            raise outside("DISTINCT over several values")
        new, kind = self.value(node.expressions[0])
        return exp.Distinct(expressions=[new]), kind


def _alike(parts: Sequence[Typed]) -> tuple[list[exp.Expr], Kind | None]:
    """The expressions converted to one type, as Trino does. Raises Refusal."""
    kinds = {kind for _node, kind in parts if kind is not None}
    if len(kinds) < 2:
        return [node for node, _kind in parts], next(iter(kinds), None)
    if kinds == set(_NUMBERS):
        return [_as_decimal(*part) for part in parts], Kind.DECIMAL
    if kinds == {Kind.DATE, Kind.TIMESTAMP}:
        return [as_timestamp(*part) for part in parts], Kind.TIMESTAMP
    hint = "; write DATE '2026-01-31'" if Kind.DATE in kinds or Kind.TIMESTAMP in kinds else ""
    raise refused(f"{' and '.join(sorted(kinds))} are not compared or mixed{hint}")


def _balanced(connector: type[exp.Expr], sides: Sequence[exp.Expr]) -> exp.Expr:
    """A chain of conditions as a flat tree: databases limit its depth."""
    if len(sides) == 1:
        return sides[0]
    half = len(sides) // 2
    left, right = _balanced(connector, sides[:half]), _balanced(connector, sides[half:])
    return exp.Paren(this=connector(this=left, expression=right))


def _comparison(
    operator: type[exp.Expr], left: exp.Expr, right: exp.Expr, kind: Kind | None
) -> exp.Expr:
    if kind is Kind.DECIMAL:
        compared = _call("decimal_compare", left, right)
        return operator(this=compared, expression=exp.Literal.number(0))
    return operator(this=left, expression=right)


def _literal(node: exp.Literal) -> Typed:
    if node.is_string:
        return node, Kind.TEXT
    if re.fullmatch(r"[0-9]{1,18}", node.this):
        return node, Kind.INTEGER
    if re.fullmatch(r"[0-9]{0,30}\.?[0-9]{0,6}", node.this):
        return literal(canonical(node.this)), Kind.DECIMAL
    raise refused(f"The number {node.this[:60]} is not written with at most six decimal places")


def _as_decimal(node: exp.Expr, kind: Kind | None) -> exp.Expr:
    if kind is not Kind.INTEGER:
        return node
    if isinstance(node, exp.Literal):
        return literal(canonical(node.this))
    return _call("decimal_of", node)


def _call(name: str, *arguments: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=list(arguments))
