"""Functions that write down who wrote, when and where, and decide nothing by it.

A log reads the role, a setting or the transaction, as a guard must not. What it reads goes into the
rows of an INSERT as it stands, and nothing of the function looks at them again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from conformance.engine.reading import bodies, nodes
from conformance.engine.reading.nodes import Reading
from conformance.engine.sql.tree import below

if TYPE_CHECKING:
    from collections.abc import Callable

    # Whether something asks what is no row; whether a table is one that no rule speaks of.
    Asks = Callable[[Reading], bool]
    IsBeside = Callable[[str], bool]

LOOKS: Final = ("A_Expr", "BoolExpr", "CaseExpr", "NullTest", "SubLink", "ReturningClause")
NULLIF: Final = "AEXPR_NULLIF"


def only_records(function: Any, reading: Reading, asks: Asks, is_beside: IsBeside) -> bool:
    """Return whether all that a function asks goes into rows that only people read.

    Args:
        function: as the catalogue has it.
        reading: what it does.
        asks: tells whether something asks what is no row.
        is_beside: tells whether a table is one that no rule speaks of.
    """
    if function.language != "plpgsql" or reading.is_made_up or reading.catches:
        return False
    logs: set[str] = set()
    others: set[str] = set()
    _, texts = bodies.statements(function.language, function.definition, function.body)
    for text in texts:
        tree = _tree(text)
        part = _reading(tree)
        if not asks(part):
            others |= part.tables - part.written
        elif _is_row_alone(tree, asks) and all(map(is_beside, part.written)):
            logs |= part.written
            others |= part.tables - part.written
        else:
            return False
    return bool(logs) and not logs & others


def appends(function: Any) -> set[str]:
    """Return the tables to which a function adds rows, and of which it asks nothing."""
    if function.language != "plpgsql":
        return set()
    added, others = set[str](), set[str]()
    for text in bodies.statements(function.language, function.definition, function.body)[1]:
        tree = _tree(text)
        part = _reading(tree)
        is_insert = [type(each.stmt).__name__ for each in tree] == ["InsertStmt"]
        if is_insert and tree[0].stmt.onConflictClause is None:
            added |= part.written
            others |= part.tables - part.written
        else:
            others |= part.tables
    return added - others


def _is_row_alone(tree: Any, asks: Asks) -> bool:
    """Return whether what an INSERT asks is put into a row, and looked at by nothing on the way."""
    is_insert = [type(each.stmt).__name__ for each in tree] == ["InsertStmt"]
    return is_insert and not any(_looks(node) and asks(_reading(node)) for node in below(tree))


def _looks(node: Any) -> bool:
    kind = type(node).__name__
    if kind == "FuncCall":  # of ours, which may do anything with what it is given
        return len(node.funcname) > 1 and node.funcname[0].sval != "pg_catalog"
    return kind in LOOKS and getattr(getattr(node, "kind", None), "name", "") != NULLIF


def _tree(text: str) -> Any:
    from pglast.parser import parse_sql  # noqa: PLC0415 - slow, and rarely needed

    return parse_sql(text)


def _reading(tree: Any) -> Reading:
    reading = Reading()
    nodes.read(tree, reading)
    return reading
