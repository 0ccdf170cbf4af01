"""Order and quantity: what counts sees less than all, what takes many takes the first of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from pglast import ast
from pglast.enums import A_Expr_Kind

from conformance.engine.mutants.habits.references import Links
from conformance.engine.mutants.habits.rewriting import Change, is_a, node, of_function
from conformance.engine.mutants.syntax import brief, like, printed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.catalogue.schema import Schema
    from conformance.engine.mutants.mutant import Mutant

FIRST = (1, 10)
BRIEF = 120


def of(schema: Schema) -> Iterator[Mutant]:
    """Return the mutants that count less, or take fewer."""
    links, aged = (
        Links(schema),
        {each.table for each in schema.columns if each.name == "created_at"},
    )
    for function in schema.functions:
        yield from of_function(schema, function, lambda _: _reached)
        yield from of_function(schema, function, lambda _: partial(_counted, links, aged))
        yield from of_function(schema, function, lambda _: partial(_first, links))
        yield from of_function(schema, function, lambda _: _ordered)


def _reached(tree: Any) -> Iterator[Change]:
    """Ask whether a count has just passed its limit: many at once jump over it."""
    if (
        is_a(tree, ast.A_Expr)
        and tree.kind == A_Expr_Kind.AEXPR_OP
        and tree.name[0].sval == ">"
        and printed(tree.lexpr).startswith("count(")
        and is_a(tree.rexpr, ast.A_Const)
        and is_a(tree.rexpr.val, ast.Integer)
    ):
        above = tree.rexpr.val.ival + 1
        yield Change("count reached", brief(tree), node(f"{printed(tree.lexpr)} = {above}"))


def _counted(links: Links, aged: set[str], tree: Any) -> Iterator[Change]:
    """Count only some of the rows: by when they were written, and by what was there before them."""
    if not is_a(tree, ast.SelectStmt) or not _counts(tree):
        return
    for one in tree.fromClause or ():
        if not is_a(one, ast.RangeVar) or not one.schemaname or not one.alias:
            continue
        table, row = f"{one.schemaname}.{one.relname}", one.alias.aliasname
        for operator, words, condition in _some(links, aged, table, row):
            where = condition
            if tree.whereClause is not None:
                where = f"({printed(tree.whereClause)}) AND {condition}"
            change = f"{words}, in {brief(tree, BRIEF)}"
            yield Change(operator, change, like(tree, whereClause=node(where)))


def _some(links: Links, aged: set[str], table: str, row: str) -> Iterator[tuple[str, str, str]]:
    written = f"{row}.xmin <> pg_current_xact_id()::xid"
    yield "counts what was committed", "not this transaction's", written
    if table in aged:
        past = f"{row}.created_at <= now()"
        yield "counts what is past", "not rows of the future", past
    for column, parent in links.parents(table):
        there = f"SELECT FROM {parent} AS p WHERE p.{links.key(parent)} = {row}.{column}"
        if links.is_deferred(table, column):
            yield "counts what has a parent", f"only if {column} is there", f"EXISTS ({there})"
        if {table, parent} <= aged:
            older = f"{there} AND p.created_at > {row}.created_at"
            yield "counts what is younger", f"not rows older than {column}", f"NOT EXISTS ({older})"


def _counts(tree: Any) -> bool:
    """Return whether a query itself counts, or looks beyond so many rows."""
    if is_a(tree.limitOffset, ast.A_Const):
        return True
    own = [*(tree.targetList or ()), *((tree.havingClause,) if tree.havingClause else ())]
    return any(printed(each).startswith("count(") for each in own)


def _first(links: Links, tree: Any) -> Iterator[Change]:
    """Take only the first of what a statement has written, is given, holds or writes."""
    if is_a(tree, ast.SelectStmt):
        yield from _first_held(tree)
    elif is_a(tree, ast.UpdateStmt, ast.DeleteStmt):
        yield from _first_written(links, tree)
    elif is_a(tree, ast.RangeVar) and not tree.schemaname and tree.relname.endswith("_rows"):
        for count in FIRST:
            name = tree.alias.aliasname if tree.alias else tree.relname
            some = f"(SELECT * FROM {tree.relname} LIMIT {count}) AS {name}"
            yield Change("only the first", f"{count} of {tree.relname}", _source(some))
    elif is_a(tree, ast.FuncCall) and tree.funcname[-1].sval == "unnest":
        for count in FIRST:
            array = printed(tree.args[0])
            yield Change(
                "only the first", f"{count} of {array}", node(f"unnest(({array})[:{count}])")
            )


def _ordered(tree: Any) -> Iterator[Change]:
    """Take so many rows by what they are ordered by last, and not by what comes first."""
    if is_a(tree, ast.SelectStmt) and tree.limitCount and len(tree.sortClause or ()) > 1:
        first, *rest = tree.sortClause
        words = f"not by {printed(first)}, in {brief(tree, BRIEF)}"
        yield Change("ordered by less", words, like(tree, sortClause=tuple(rest)))


def _source(text: str) -> Any:
    query: Any = node(f"EXISTS (SELECT FROM {text})")
    return query.subselect.fromClause[0]


def _first_held(tree: Any) -> Iterator[Change]:
    if tree.lockingClause:
        for count in FIRST:
            limit = f"least({count}, {printed(tree.limitCount)})" if tree.limitCount else f"{count}"
            new = like(tree, limitCount=node(limit), limitOption=_LIMIT)
            yield Change("only the first", f"{count} of {brief(tree, BRIEF)}", new)


def _first_written(links: Links, tree: Any) -> Iterator[Change]:
    """Write the first ten rows alone, where they are not named by their key."""
    target = tree.relation
    table, row = f"{target.schemaname}.{target.relname}", target.alias and target.alias.aliasname
    if not row or tree.whereClause is None:
        return
    where = printed(tree.whereClause)
    sources = [printed(each) for each in getattr(tree, "fromClause", None) or ()]
    sources += [printed(each) for each in getattr(tree, "usingClause", None) or ()]
    if f"{row}.{links.key(table)} = " in where and not sources:
        return
    inner = ", ".join((f"{table} AS {row}", *sources))
    some = f"{row}.ctid = ANY (ARRAY(SELECT {row}.ctid FROM {inner} WHERE {where} LIMIT 10))"
    new = like(tree, whereClause=node(f"({where}) AND {some}"))
    yield Change("only the first", f"10 of {brief(tree, BRIEF)}", new)


_query: Any = node("EXISTS (SELECT FROM t LIMIT 1)")
_LIMIT = _query.subselect.limitOption
