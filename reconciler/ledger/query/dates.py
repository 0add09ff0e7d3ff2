"""Dates and timestamps of a query, in the form that the ledger stores."""

import re
from datetime import datetime

from sqlglot import exp

from ..web.errors import Refusal
from .parser import refused
from .schema import Kind

_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_DATE = re.compile(_DAY)
_TIMESTAMP = re.compile(rf"({_DAY})(?: ([0-9]{{2}}:[0-9]{{2}}(?::[0-9]{{2}})?))?(\.[0-9]{{1,6}})?")


def as_date(node: exp.Expr, kind: Kind | None) -> exp.Expr:
    """A value as a date. Raises Refusal if Trino has no such cast, or the date does not exist."""
    if kind in (Kind.DATE, None):
        return node
    if kind is Kind.TIMESTAMP:
        return exp.Substring(this=node, start=exp.Literal.number(1), length=exp.Literal.number(10))
    if isinstance(node, exp.Literal) and _DATE.fullmatch(node.this):
        return literal(_real(node.this, "%Y-%m-%d"))
    raise _no_moment(node, "DATE '2026-01-31'")


def as_timestamp(node: exp.Expr, kind: Kind | None) -> exp.Expr:
    """A value as a timestamp; a date becomes its midnight."""
    if kind in (Kind.TIMESTAMP, None):
        return node
    if kind is Kind.DATE:
        return exp.Paren(this=exp.DPipe(this=node, expression=literal(" 00:00:00")))
    text = node.this if isinstance(node, exp.Literal) and node.is_string else ""
    written = _TIMESTAMP.fullmatch(text.removesuffix(" UTC"))
    if written is None:
        raise _no_moment(node, "TIMESTAMP '2026-01-31 22:05:12'")
    day, time = written[1], written[2] or "00:00"
    whole = f"{day} {time}" if time.count(":") == 2 else f"{day} {time}:00"
    # Timestamps of the ledger have whole seconds: a fraction of zero makes no difference.
    return literal(_real(whole, "%Y-%m-%d %H:%M:%S") + (written[3] or ".").rstrip(".0"))


def _real(written: str, pattern: str) -> str:
    try:
        datetime.strptime(written, pattern)  # noqa: DTZ007 - only whether there is such a moment
    except ValueError:
        raise refused(f"{written!r} is not in the calendar") from None
    return written


def _no_moment(node: exp.Expr, example: str) -> Refusal:
    return refused(f"{shown(node)} is not a date or a time; write {example}")


def literal(value: str) -> exp.Expr:
    return exp.Literal.string(value)


def shown(node: exp.Expr) -> str:
    """A part of a query for a message, shortened."""
    written: str = node.sql(dialect="trino")
    return written if len(written) <= 60 else f"{written[:57]}..."
