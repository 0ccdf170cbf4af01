"""Time within a transaction, and zones: another clock, moments without a zone, days for hours."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

from pglast import ast
from pglast.enums import A_Expr_Kind, SubLinkType

from conformance.engine.catalogue.concerns import concern
from conformance.engine.mutants.habits.rewriting import Change, is_a, node, rewritten
from conformance.engine.mutants.mutant import Mutant
from conformance.engine.mutants.syntax import brief, like, printed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.catalogue.schema import Schema

CLOCKS = {"now": "clock_timestamp", "clock_timestamp": "now"}
COMPARISONS = frozenset({"<", "<=", ">", ">=", "=", "<>"})
KINDS = (A_Expr_Kind.AEXPR_OP, A_Expr_Kind.AEXPR_DISTINCT, A_Expr_Kind.AEXPR_NOT_DISTINCT)
MOMENT = "timestamp with time zone"
# How engineers shorten an age; neither is as many hours in every zone, or in every month.
HOURS, MONTH = re.compile(r"(\d+) hours|(\d+):00:00"), "30 days"
DAY = 24
DEFAULT = re.compile(r"(?<=DEFAULT )(now|clock_timestamp)\(\)")


def of(schema: Schema) -> Iterator[Mutant]:
    """Return the mutants of clocks, zones and ages."""
    moments = {each.name for each in schema.columns if each.type == MOMENT}
    yield from rewritten(schema, lambda _: _clock)
    yield from rewritten(schema, lambda _: partial(_compared, moments))
    yield from rewritten(schema, lambda _: _age)
    for function in schema.functions:
        yield from _parameters(schema, function)


def _clock(tree: Any) -> Iterator[Change]:
    """Exchange the transaction's clock and the wall's."""
    if is_a(tree, ast.FuncCall) and tree.funcname[-1].sval in CLOCKS and not tree.args:
        other = CLOCKS[tree.funcname[-1].sval]
        yield Change("clock exchanged", f"{other}()", node(f"{other}()"))


def _compared(moments: set[str], tree: Any) -> Iterator[Change]:
    """Compare moments as a session's zone writes them, or by the second."""
    if not is_a(tree, ast.A_Expr) or tree.kind not in KINDS or tree.lexpr is None:
        return
    both = _is_moment(moments, tree.lexpr) and _is_moment(moments, tree.rexpr)
    if not both or tree.name[0].sval not in COMPARISONS:
        return
    for operator, text in (
        ("zone forgotten", "({})::timestamp"),
        ("compared by the second", "date_trunc('second', {})"),
    ):
        left, right = (node(text.format(printed(side))) for side in (tree.lexpr, tree.rexpr))
        yield Change(operator, brief(tree), like(tree, lexpr=left, rexpr=right))


def _is_moment(moments: set[str], tree: Any) -> bool:
    if is_a(tree, ast.ColumnRef):
        name = getattr(tree.fields[-1], "sval", "")
        return name in moments or name == "p_at"
    if is_a(tree, ast.FuncCall):
        return tree.funcname[-1].sval in CLOCKS
    if is_a(tree, ast.A_Expr):
        return tree.name[0].sval in "+-" and _is_moment(moments, tree.lexpr)
    if is_a(tree, ast.SubLink) and tree.subLinkType == SubLinkType.EXPR_SUBLINK:
        asked: tuple[Any, ...] = tree.subselect.targetList or ()
        return len(asked) == 1 and _is_moment(moments, asked[0].val)
    return False


def _age(tree: Any) -> Iterator[Change]:
    """Reckon an age in days or months, or from the time that a session's zone shows."""
    if _is_age(tree):
        local = node(f"{printed(tree.lexpr)}::timestamp")
        yield Change("zone forgotten", brief(tree), like(tree, lexpr=local))
    if not is_a(tree, ast.TypeCast) or tree.typeName.names[-1].sval != "interval":
        return
    text = getattr(getattr(tree.arg, "val", None), "sval", "")
    found = HOURS.fullmatch(text)
    hours = int(found[1] or found[2]) if found else 0
    if hours and hours % DAY == 0:
        days = f"{hours // DAY} days"
        yield Change("age in days", f"{text} becomes {days}", node(f"interval '{days}'"))
    if text == MONTH or hours == 30 * DAY:
        yield Change("age in months", f"{text} becomes 1 month", node("interval '1 mon'"))


def _is_age(tree: Any) -> bool:
    """Return whether an expression is so long before or after a clock's moment."""
    return (
        is_a(tree, ast.A_Expr)
        and tree.name[0].sval in ("+", "-")
        and is_a(tree.lexpr, ast.FuncCall)
        and tree.lexpr.funcname[-1].sval in CLOCKS
        and "interval" in printed(tree.rexpr).lower()
    )


def _parameters(schema: Schema, function: Any) -> Iterator[Mutant]:
    """Exchange the clock that a parameter is by default."""
    head = function.definition.partition("\n RETURNS")[0]
    about = concern(schema, function)
    for found in DEFAULT.finditer(head):
        other = CLOCKS[found[1]]
        sql = f"{head[: found.start()]}{other}(){function.definition[found.end() :]}"
        yield Mutant(
            f"{function.name}()",
            "clock exchanged",
            f"default {other}()",
            (sql,),
            about.rules,
            about.tables,
        )
