"""Checks, indexes and stored columns that hold today, and not for what they say tomorrow.

PostgreSQL asks a check when a row is written, and reads an index as it was built. What a clock, a
setting, or another row decides is another thing later: a row that was legal can no longer be
changed or restored, and an index does not find what it should.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pglast import ast
from pglast.enums import A_Expr_Kind, BoolExprType

from conformance.engine.gate import bodies
from conformance.engine.gate.parts import last, of_block, parsed, statements
from conformance.engine.sql.tree import below

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.audit.description import Description

CALL: Final = re.compile(r"((?:\w+|\"[^\"]+\")\.(?:\w+|\"[^\"]+\"))\(")
CLOCK: Final = "a clock"
ROWS: Final = "rows"
KEPT: Final = "{} reads {}, though it is said to be immutable: what is stored is not made anew"
OTHERWISE: Final = "reads {}: a row that keeps it today may break it later, unseen, and fails then"
UPWARD: Final = ("<", "<=")
DOWNWARD: Final = (">", ">=")
# Functions that grow with the moment that they are given.
GROWING: Final = ("timezone", "date_trunc", "date", "timestamptz", "timestamp")
CHECK: Final = re.compile(r"CHECK \((.*)\)(?: NO INHERIT)?(?: NOT VALID| NOT ENFORCED)?", re.DOTALL)
STATE: Final = re.compile(r" \(not \w+\)$")


def found(before: Description, after: Description) -> Iterator[tuple[str, str]]:
    """Yield what is unsteady and was not, each by the name to waive."""
    known = dict(_unsteady(before))
    for place, what in _unsteady(after):
        if known.get(place) != what:
            yield place, what


def _unsteady(schema: Description) -> Iterator[tuple[str, str]]:
    for (kind, name), definition in sorted(schema.items()):
        if kind == "constraint" and (check := CHECK.fullmatch(STATE.sub("", definition))):
            reads = {each for _, some in _called(definition, schema) for each in some}
            if not _lasts(check[1]):
                reads.add(CLOCK)
            reads |= bodies.reads(definition).keys() - {CLOCK}
            if reads:
                constraint, _, table = name.partition(" on ")
                table = table.removeprefix("domain ").removeprefix("public.")
                place = f"{table}.{constraint}"
                yield place, OTHERWISE.format(" and ".join(sorted(reads)))
        elif kind == "index" or (kind == "column" and " STORED AS " in definition):
            place = name.partition(" on ")[0].removeprefix("public.")
            for function, reads in _called(definition, schema):
                yield place, KEPT.format(f"{function}()", " and ".join(sorted(reads)))


def _called(definition: str, schema: Description) -> Iterator[tuple[str, set[str]]]:
    """Yield the functions of ours that a definition calls, however far, and what they read."""
    names = dict.fromkeys(CALL.findall(definition))
    for name in [*names]:
        reads, seen, left = set[str](), set[str](), [name]
        while left:
            called = left.pop()
            seen.add(called)
            for (kind, each), text in schema.items():
                if kind == "function" and each.partition("(")[0] == called:
                    reads |= bodies.reads(text).keys() | _rows(text)
                    left += {*CALL.findall(text)} - seen - {*left}
        if reads:
            yield name, reads


def _rows(definition: str) -> set[str]:
    """Return whether a function reads rows of a table."""
    trees: list[Any] = []
    for node, text, _ in statements(definition):
        trees.append(node)
        plpgsql = of_block(text) if "plpgsql" in text else None
        bodies_of = [
            each.sval
            for option in getattr(node, "options", None) or ()
            if option.defname == "as"
            for each in option.arg
        ]
        trees += [part for each in plpgsql or bodies_of for part in parsed(each)]
    # What WITH calls a table is none.
    own = {each.ctename for each in below(tuple(trees)) if isinstance(each, ast.CommonTableExpr)}
    read = (each for each in below(tuple(trees)) if isinstance(each, ast.RangeVar))
    return {ROWS} if any(each.relname not in own for each in read) else set()


def _lasts(condition: str) -> bool:
    """Return whether what is true of a row stays so, however late it gets."""
    return all(
        _stays(target.val, later=True)
        for node in parsed(f"SELECT {condition}")
        for target in node.targetList or ()
    )


def _stays(node: Any, *, later: bool) -> bool:
    """Return whether a condition that holds (or else one that does not) stays so."""
    if not _asks(node):
        return True
    if isinstance(node, ast.BoolExpr):
        negated = node.boolop == BoolExprType.NOT_EXPR
        return all(_stays(each, later=later != negated) for each in node.args or ())
    if isinstance(node, ast.A_Expr) and node.kind == A_Expr_Kind.AEXPR_OP:
        operator = last(node.name)
        upward = operator in UPWARD
        small, great = (node.lexpr, node.rexpr) if upward == later else (node.rexpr, node.lexpr)
        return operator in {*UPWARD, *DOWNWARD} and not _asks(small) and _grows(great)
    return False


def _grows(node: Any) -> bool:
    """Return whether an expression is a moment that is never earlier than it was."""
    if isinstance(node, ast.TypeCast):
        return _grows(node.arg)
    if isinstance(node, ast.A_Expr) and last(node.name) in {"+", "-"} and node.lexpr:
        return _grows(node.lexpr) and not _asks(node.rexpr)
    if isinstance(node, ast.FuncCall) and last(node.funcname) in GROWING:
        return all(_grows(each) for each in node.args or () if _asks(each))
    return _is_clock(node)


def _asks(node: Any) -> bool:
    return any(_is_clock(each) for each in below((node,)))


def _is_clock(node: Any) -> bool:
    if isinstance(node, ast.SQLValueFunction):
        return node.op is not None and re.search("DATE|TIME", node.op.name) is not None
    clocks = bodies.READS[CLOCK]
    return isinstance(node, ast.FuncCall) and (
        clocks.search(f"{last(node.funcname)}(") is not None
        or (last(node.funcname) == "age" and len(node.args or ()) == 1)
    )
