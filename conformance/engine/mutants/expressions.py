"""Mutations of expressions: comparisons, constants, conditions, lists, locks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

from pglast import ast
from pglast.enums import A_Expr_Kind as Kind
from pglast.enums import BoolExprType, JoinType, NullTestType, OnConflictAction
from pglast.enums.lockoptions import LockClauseStrength, LockWaitPolicy

from conformance.engine.mutants import patterns
from conformance.engine.mutants.syntax import like

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Another label of the type that has this one; None for a text that is no label.
Labels: TypeAlias = "Callable[[str], str | None]"
Changed: TypeAlias = "Iterator[tuple[str, ast.Node]]"

MOVED = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "=": "<>", "<>": "="}
# What a join keeps of the rows that find none on the other side.
JOINS = {
    JoinType.JOIN_INNER: (JoinType.JOIN_LEFT,),
    JoinType.JOIN_LEFT: (JoinType.JOIN_INNER,),
    JoinType.JOIN_RIGHT: (JoinType.JOIN_INNER,),
    JoinType.JOIN_FULL: (JoinType.JOIN_LEFT, JoinType.JOIN_RIGHT),
}
MATCHES = frozenset({"~", "~*"})
WORDS, PATTERN = re.compile(r"[a-z]"), re.compile(r"[\[^]")


def changes(labels: Labels) -> Callable[[ast.Node], Changed]:
    """Return what yields, for a node, each operator that applies and the node in its place."""

    def of(node: ast.Node) -> Changed:
        if isinstance(node, ast.A_Const):
            yield from _constant(node, labels)
        elif type(node) in OPERATORS:
            yield from OPERATORS[type(node)](node)

    return of


def _connective(node: Any) -> Changed:
    if node.boolop == BoolExprType.NOT_EXPR:
        yield "negation removed", node.args[0]
        return
    ands = node.boolop == BoolExprType.AND_EXPR
    name = "conjunct removed" if ands else "alternative removed"
    for number in range(len(node.args)):
        rest = (*node.args[:number], *node.args[number + 1 :])
        yield name, rest[0] if len(rest) == 1 else like(node, args=rest)


def _comparison(node: Any) -> Changed:
    name = node.name[0].sval
    if node.kind == Kind.AEXPR_OP and name in MATCHES:
        yield from _pattern(node)
    elif node.kind == Kind.AEXPR_OP and name in MOVED and node.lexpr is not None:
        yield "comparison moved", like(node, name=(ast.String(sval=MOVED[name]),))
    elif node.kind == Kind.AEXPR_IN:
        other = "<>" if name == "=" else "="
        yield "comparison moved", like(node, name=(ast.String(sval=other),))
        yield from _without_one(node, "rexpr", "list element removed")
    elif node.kind in (Kind.AEXPR_DISTINCT, Kind.AEXPR_NOT_DISTINCT):
        distinct = node.kind == Kind.AEXPR_DISTINCT
        other_kind = Kind.AEXPR_NOT_DISTINCT if distinct else Kind.AEXPR_DISTINCT
        yield "comparison moved", like(node, kind=other_kind)
        yield from _columns(node)
    elif node.kind in (Kind.AEXPR_OP_ANY, Kind.AEXPR_OP_ALL) and name in MOVED:
        yield "comparison moved", like(node, name=(ast.String(sval=MOVED[name]),))


def _pattern(node: Any) -> Changed:
    for place in _texts(node.rexpr):
        for changed in patterns.weakened(place.val.sval):
            yield "pattern changed", like(node, rexpr=_replaced(node.rexpr, place, changed))


def _columns(node: Any) -> Changed:
    """Take a column out of both sides of a comparison of rows."""
    left, right = node.lexpr, node.rexpr
    if _is_row(left) and _is_row(right) and len(left.args) > 1:
        for number in range(len(left.args)):
            sides = (
                like(side, args=(*side.args[:number], *side.args[number + 1 :]))
                for side in (left, right)
            )
            lexpr, rexpr = sides
            yield "column removed", like(node, lexpr=lexpr, rexpr=rexpr)


def _is_row(node: Any) -> bool:
    return isinstance(node, ast.RowExpr)


def _constant(node: Any, labels: Labels) -> Changed:
    match node.val:
        case ast.Integer(ival=int(number)):
            for moved in (number - 1, number + 1):
                yield "constant moved", like(node, val=ast.Integer(ival=moved))
        case ast.Boolean(boolval=value):
            yield "constant moved", like(node, val=ast.Boolean(boolval=not value))
        case ast.String(sval=str(text)):
            yield from _changed_text(text, labels)


def _changed_text(text: str, labels: Labels) -> Changed:
    label = labels(text)
    if label is not None:
        yield "label exchanged", _text(label)
    elif WORDS.match(text) and not PATTERN.search(text):
        yield "text changed", _text("_" + text)


def _null_test(node: Any) -> Changed:
    is_null = node.nulltesttype == NullTestType.IS_NULL
    other = NullTestType.IS_NOT_NULL if is_null else NullTestType.IS_NULL
    yield "null test exchanged", like(node, nulltesttype=other)


def _cast(node: Any) -> Changed:
    if _is_interval(node):
        for moved in _ages(node.arg.val.sval):
            yield "age moved", like(node, arg=_text(moved))


def _join(node: Any) -> Changed:
    if node.quals is not None:  # a cross join has none, and no other form
        for other in JOINS[node.jointype]:
            yield "join exchanged", like(node, jointype=other)


def _branches(node: Any) -> Changed:
    yield from _without_one(node, "args", "branch removed")
    if node.defresult is not None:
        yield "branch removed", like(node, defresult=None)


def _call(node: Any) -> Changed:
    """Put the first argument in the place of a call: what it computes is not computed."""
    if not node.args:
        return
    if node.over is None and not node.agg_star and node.funcname[-1].sval not in ("count", "max"):
        yield "call removed", node.args[0]
    if len(node.args) > 1 and node.funcname[-1].sval == "num_nulls":
        yield from _without_one(node, "args", "list element removed")


def _query(node: Any) -> Changed:
    yield from _condition(node)
    if node.havingClause is not None:
        yield "condition removed", like(node, havingClause=None)
    for number, clause in enumerate(node.lockingClause or ()):
        rest = (*node.lockingClause[:number], *node.lockingClause[number + 1 :])
        yield "lock removed", like(node, lockingClause=rest or None)
        if clause.strength == LockClauseStrength.LCS_FORUPDATE:
            weaker = like(clause, strength=LockClauseStrength.LCS_FORKEYSHARE)
            yield "lock weakened", like(node, lockingClause=(weaker, *rest))
        if clause.waitPolicy == LockWaitPolicy.LockWaitSkip:
            waits = like(clause, waitPolicy=LockWaitPolicy.LockWaitBlock)
            yield "lock waits", like(node, lockingClause=(waits, *rest))
    if node.sortClause and node.limitCount is not None:
        yield "order removed", like(node, sortClause=None)
        yield from _without_one(node, "sortClause", "order removed")
    if node.limitCount is not None and node.sortClause:
        yield "limit removed", like(node, limitCount=None)
    if node.sortClause and node.limitCount is None:
        yield "lock order removed", like(node, sortClause=None)
    if node.distinctClause:
        yield "distinct removed", like(node, distinctClause=None)


def _write(node: Any) -> Changed:
    yield from _condition(node)
    yield from _without_one(node, "targetList", "assignment removed")


def _condition(node: Any) -> Changed:
    if node.whereClause is not None:
        yield "condition removed", like(node, whereClause=None)


def _conflict(node: Any) -> Changed:
    clause = node.onConflictClause
    if clause is None:
        return
    if clause.action == OnConflictAction.ONCONFLICT_UPDATE:
        nothing = like(clause, action=OnConflictAction.ONCONFLICT_NOTHING, targetList=None)
        yield "lock removed", like(node, onConflictClause=nothing)
    else:
        yield "conflict unhandled", like(node, onConflictClause=None)


def _without_one(node: Any, attribute: str, operator: str) -> Changed:
    members = getattr(node, attribute, None)
    if isinstance(members, tuple) and len(members) > 1:
        for number in range(len(members)):
            rest = (*members[:number], *members[number + 1 :])
            yield operator, like(node, **{attribute: rest})


def _texts(node: Any) -> Iterator[Any]:
    """Return the constants of a pattern, which may be put together from several."""
    if isinstance(node, ast.A_Const) and isinstance(node.val, ast.String):
        yield node
    elif isinstance(node, ast.A_Expr):
        yield from _texts(node.lexpr)
        yield from _texts(node.rexpr)
    elif isinstance(node, ast.TypeCast):
        yield from _texts(node.arg)


def _replaced(node: Any, old: Any, new: str) -> Any:
    if node is old:
        return _text(new)
    if isinstance(node, ast.A_Expr):
        return like(
            node, lexpr=_replaced(node.lexpr, old, new), rexpr=_replaced(node.rexpr, old, new)
        )
    if isinstance(node, ast.TypeCast):
        return like(node, arg=_replaced(node.arg, old, new))
    return node


def _is_interval(node: Any) -> bool:
    constant = isinstance(node.arg, ast.A_Const) and isinstance(node.arg.val, ast.String)
    return constant and node.typeName.names[-1].sval == "interval"


def _ages(text: str) -> Iterator[str]:
    found = re.fullmatch(r"(\d+)(\D.*)", text)
    if found:
        for moved in (int(found[1]) - 1, int(found[1]) + 1):
            yield f"{moved}{found[2]}"


def _text(value: str) -> ast.A_Const:
    return ast.A_Const(isnull=False, val=ast.String(sval=value))


def _arguments(node: Any) -> Changed:
    yield from _without_one(node, "args", "argument removed")


def _elements(node: Any) -> Changed:
    yield from _without_one(node, "elements", "list element removed")


OPERATORS: dict[type, Callable[[Any], Changed]] = {
    ast.BoolExpr: _connective,
    ast.A_Expr: _comparison,
    ast.NullTest: _null_test,
    ast.TypeCast: _cast,
    ast.JoinExpr: _join,
    ast.CaseExpr: _branches,
    ast.CoalesceExpr: _arguments,
    ast.MinMaxExpr: _arguments,
    ast.A_ArrayExpr: _elements,
    ast.FuncCall: _call,
    ast.SelectStmt: _query,
    ast.UpdateStmt: _write,
    ast.DeleteStmt: _write,
    ast.InsertStmt: _conflict,
}
