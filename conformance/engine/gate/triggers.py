"""Triggers that statements of pending files fire: what they do to the rows of that statement."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pglast import ast, parse_plpgsql
from pglast.parser import ParseError
from pglast.stream import RawStream
from pglast.visitors import Visitor

from conformance.engine.gate.contents import KEPT_BY_THE_DATABASE
from conformance.engine.gate.parts import parsed, quoted
from conformance.engine.sql.tree import below

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.gate.parts import Loops, Node

# An assignment to the new row, or to one of its columns, wholly or in part.
TO_NEW = re.compile(
    r"\s*NEW\s*(?:\.\s*(?P<column>\"[^\"]+\"|\w+)(?P<part>[^:=]*))?:?=\s*(?P<value>.*)",
    re.IGNORECASE | re.DOTALL,
)
INTO_NEW = re.compile(r"new\.(.+)", re.IGNORECASE)
ALL = ""  # columns


class _OfNew(Visitor):
    """Writes `new.name` as the name alone."""

    def visit_ColumnRef(self, _: object, node: Node) -> Node | None:  # noqa: N802 - pglast's name
        first, *rest = node.fields
        return ast.ColumnRef(fields=tuple(rest)) if rest and first.sval == "new" else None


def assigned(definition: str) -> dict[str, Node | None]:
    """Return what a trigger assigns to the row: an expression of its columns, None for any value.

    Args:
        definition: of its function.
    """
    try:
        tree = parse_plpgsql(definition)
    except ParseError:  # of another language
        return {}
    found: dict[str, Node | None] = {}
    for column, value in _assignments(tree):
        found[column] = None if column in found else value
    found.pop(KEPT_BY_THE_DATABASE, None)
    return found


def instead(node: ast.UpdateStmt, targets: dict[str, Node | None]) -> Node:
    """Return an UPDATE that assigns what a trigger does instead; DEFAULT stands for any value."""
    given = [
        ast.ResTarget(name=name, val=value or ast.SetToDefault()) for name, value in targets.items()
    ]
    return ast.UpdateStmt(
        relation=node.relation,
        targetList=tuple(given),
        whereClause=node.whereClause,
        fromClause=node.fromClause,
        withClause=node.withClause,
    )


def rows(node: ast.UpdateStmt | ast.DeleteStmt) -> Loops:
    """Return the rows that a statement meets, by the names that a trigger has for them."""
    others: Any = node.usingClause if isinstance(node, ast.DeleteStmt) else node.fromClause
    relation: Any = node.relation
    called = quoted(relation.alias.aliasname if relation.alias else relation.relname)
    tables = ", ".join(_sql(each) for each in (relation, *(others or ())))
    where = f" WHERE {_sql(node.whereClause)}" if node.whereClause else ""
    query = f"SELECT {called}.* FROM {tables}{where}"
    return (("new", query), ("old", query))


def _assignments(tree: Any) -> Iterator[tuple[str, Node | None]]:
    if isinstance(tree, list):
        for each in tree:
            yield from _assignments(each)
    elif isinstance(tree, dict):
        for name, each in tree.items():
            if name == "PLpgSQL_stmt_assign":
                if found := TO_NEW.fullmatch(each["expr"]["PLpgSQL_expr"]["query"]):
                    column = (found["column"] or ALL).strip('"')
                    partly = not column or (found["part"] or "").strip()
                    yield column, None if partly else _value(found["value"])
            elif name == "fields":
                for field in each:
                    if into := INTO_NEW.fullmatch(field["name"]):
                        yield into[1], None
            else:
                yield from _assignments(each)


def _value(text: str) -> Node | None:
    """Return an expression of columns of the new row; None where it names anything else."""
    for node in parsed(f"SELECT {text}"):
        names: list[Node] = [each for each in below(node) if isinstance(each, ast.ColumnRef)]
        of_new = all(getattr(each.fields[0], "sval", "") == "new" for each in names)
        asks = any(isinstance(each, ast.SubLink) for each in below(node))
        values: list[Node] = [each.val for each in node.targetList or ()]
        if of_new and not asks and len(values) == 1:
            return _OfNew()(ast.ResTarget(val=values[0])).val
    return None


def _sql(node: Any) -> str:
    return str(RawStream()(node))
