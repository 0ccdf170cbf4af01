"""Definitions as they are once parsed: a dump that is restored says the same in other words.

PostgreSQL prints what it has parsed, and comparisons of rows come out nested: `((a OR b) OR c)`.
Parsed again, from a dump, that is `(a OR b OR c)`, and printed so from then on.
"""

from __future__ import annotations

from pglast import ast, parse_sql
from pglast.enums import BoolExprType
from pglast.parser import ParseError
from pglast.stream import RawStream
from pglast.visitors import Visitor

# What makes a statement of a definition. Others are compared as they are.
STATEMENTS = {
    "constraint": "ALTER TABLE t ADD CONSTRAINT c {}",
    "index": "{}",
    "trigger": "{}",
    "function": "{}",
}


def same(kind: str, one: str, other: str) -> bool:
    """Return whether two definitions of a kind say the same."""
    one, other = one.replace("\r\n", "\n"), other.replace("\r\n", "\n")
    return one == other or _canonical(kind, one) == _canonical(kind, other)


def _canonical(kind: str, definition: str) -> str:
    if kind not in STATEMENTS:
        return definition
    try:
        statements = parse_sql(STATEMENTS[kind].format(definition))
    except ParseError:  # it carries a mark, or is of a later major than the parser
        return definition
    _Flattened()(statements)
    return str(RawStream()(statements))


class _Flattened(Visitor):
    """Splices an AND into an AND, and an OR into an OR."""

    def visit_BoolExpr(self, _ancestors: object, node: ast.BoolExpr) -> None:  # noqa: N802 - pglast's
        if node.boolop in (BoolExprType.AND_EXPR, BoolExprType.OR_EXPR):
            node.args = tuple(_operands(node))


def _operands(node: ast.BoolExpr) -> list[ast.Node]:
    found: list[ast.Node] = []
    for each in node.args or ():
        nested = isinstance(each, ast.BoolExpr) and each.boolop == node.boolop
        found += _operands(each) if nested else [each]
    return found
