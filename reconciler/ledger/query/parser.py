"""The parser of Data Query: text to a syntax tree of the supported subset.

Only listed tokens and nodes are accepted. Tokens are checked before parsing, because a short text
can make the parser work for long.
"""

import re

import sqlglot
from sqlglot import exp
from sqlglot.errors import TokenError
from sqlglot.tokenizer_core import Token, TokenType

from ..web.errors import INVALID_VALUE, Refusal, refusal

DIALECT = "trino"
MAX_LENGTH = 100_000
"""The longest query in characters; it holds a list of several thousand numbers."""
MAX_NESTING = 40
MAX_TABLES = 10
MAX_CONDITIONS = 500
"""The maximum of ANDs and ORs: the parser's cost grows with the length of a chain."""

_FUNCTIONS = (
    "abs cast coalesce concat count date if length lower max min now nullif substr substring sum"
    " trim upper"
)
FUNCTIONS = frozenset(_FUNCTIONS.split())
_TOKENS = (
    "ALIAS AND ASC BETWEEN BIGINT CASE COMMA CROSS CURRENT_DATE CURRENT_TIMESTAMP DASH DATE"
    " DECIMAL DESC DISTINCT DOT DPIPE ELSE END EQ ESCAPE EXISTS FALSE FETCH FIRST FROM FULL"
    " GROUP_BY GT GTE HAVING IDENTIFIER IN INNER INT IS JOIN LEFT LIKE LIMIT LT LTE L_PAREN"
    " NEQ NEXT NOT NULL NUMBER OFFSET ON OR ORDER_BY OUTER PLUS RIGHT ROWS R_PAREN SELECT STAR"
    " STRING THEN TIMESTAMP TRUE USING VAR VARCHAR WHEN WHERE WITH"
)
_WORDS = frozenset(TokenType[name] for name in _TOKENS.split())
_NAMES = (TokenType.VAR, TokenType.IDENTIFIER)

_SUPPORTED = (
    "Abs Add And Between Boolean Case Cast Coalesce Column Concat Count CurrentDate"
    " CurrentTimestamp DPipe Date EQ Escape Exists GT GTE If In Is LT LTE Length Like Literal"
    " Lower Max Min Mul NEQ Neg Not Null NullSafeEQ NullSafeNEQ Nullif Or Paren Sub Substring"
    " Sum Trim Upper Alias CTE DataType DataTypeParam Distinct Fetch From Group Having"
    " Identifier Join Limit LimitOptions Offset Order Ordered Select Star Subquery Table"
    " TableAlias Where With"
)
_NODES = frozenset(getattr(exp, name) for name in _SUPPORTED.split())
_CLAUSES_OF_SELECT = "expressions from_ joins where group having order limit offset distinct with_"
_PARTS: dict[type[exp.Expr], frozenset[str]] = {
    exp.Select: frozenset(_CLAUSES_OF_SELECT.split()),
    exp.Table: frozenset({"this", "alias"}),
    exp.TableAlias: frozenset({"this"}),
    exp.Subquery: frozenset({"this", "alias"}),
    exp.Join: frozenset({"this", "on", "using", "side", "kind"}),
    exp.Group: frozenset({"expressions"}),
    exp.Distinct: frozenset({"expressions"}),
    exp.With: frozenset({"expressions"}),
    exp.CTE: frozenset({"this", "alias"}),
    exp.Star: frozenset(),
    exp.Trim: frozenset({"this"}),
    exp.LimitOptions: frozenset({"rows"}),
    exp.Min: frozenset({"this"}),
    exp.Max: frozenset({"this"}),
    exp.In: frozenset({"this", "expressions", "query"}),
}
"""The permitted parts of nodes that could have others."""

SHOW_TABLES = re.compile(r"\s*show\s+tables\s*;?\s*", re.IGNORECASE)
SHOW_COLUMNS = re.compile(
    r"\s*(?:show\s+columns\s+(?:from|in)|describe)\s+\"?(\w{1,100})\"?\s*;?\s*",
    re.IGNORECASE | re.ASCII,
)


def read_query(text: str) -> exp.Select:
    """The query of a text. Raises Refusal for anything outside the subset, and parser errors."""
    tree = _parse(text)
    _check_nodes(tree)
    return tree


def refused(message: str) -> Refusal:
    """A refusal of a query, for callers of every version."""
    return refusal(INVALID_VALUE, message, always=True)


def too_deep() -> Refusal:
    return refused("The query is nested too deeply")


def outside(what: str) -> Refusal:
    """The refusal of a part of Trino that is outside the subset."""
    return refused(f"{what} is not part of the Data Query subset of this ledger")


def _parse(text: str) -> exp.Select:
    if len(text) > MAX_LENGTH:
        raise refused(f"The query exceeds {MAX_LENGTH} characters")
    try:
        tokens = sqlglot.tokenize(text, read=DIALECT)
    except TokenError:
        raise refused("The query is not understood: a quote or a comment is not closed") from None
    if tokens and tokens[-1].token_type is TokenType.SEMICOLON:
        tokens.pop()
    if not tokens:
        raise refused("The query is empty")
    _check_tokens(tokens)
    trees = sqlglot.Dialect.get_or_raise(DIALECT).parser().parse(tokens, text)
    tree = trees[0] if len(trees) == 1 else None
    if not isinstance(tree, exp.Select):
        raise refused("A query is one SELECT, SHOW TABLES or SHOW COLUMNS FROM a table")
    return tree


def _check_tokens(tokens: list[Token]) -> None:
    if tokens[0].token_type not in (TokenType.SELECT, TokenType.WITH):
        raise refused("A query is one SELECT, SHOW TABLES or SHOW COLUMNS FROM a table")
    if sum(token.token_type in (TokenType.AND, TokenType.OR) for token in tokens) > MAX_CONDITIONS:
        raise refused(f"A query has at most {MAX_CONDITIONS} conditions; write IN for a list")
    depth, before = 0, tokens[0]
    for token in tokens:
        if token.token_type is TokenType.SEMICOLON:
            raise refused("A query is a single statement")
        if token.token_type not in _WORDS:
            raise outside(repr(token.text[:40]))
        if token.token_type is TokenType.L_PAREN:
            depth += 1
            if before.token_type in _NAMES and before.text.lower() not in FUNCTIONS:
                raise outside(f"{before.text[:40]}(...)")
        depth -= token.token_type is TokenType.R_PAREN
        if depth > MAX_NESTING:
            raise too_deep()
        before = token


def _check_nodes(tree: exp.Select) -> None:
    tables = 0
    for node in tree.walk():
        if type(node) not in _NODES:
            raise outside(type(node).__name__.upper())
        allowed = _PARTS.get(type(node))
        if allowed is not None:
            strange = [name for name, part in node.args.items() if part and name not in allowed]
            if strange:
                part = strange[0].rstrip("_").upper()
                raise outside(f"{part} in {type(node).__name__.upper()}")
        if isinstance(node, exp.Select) and not node.expressions:
            raise refused("A SELECT names what it selects")
        tables += isinstance(node, exp.Table)
    if tables > MAX_TABLES:
        raise refused(f"A query names at most {MAX_TABLES} tables")
