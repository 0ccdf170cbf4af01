"""Rows of one kind: a query, a unique key or a trigger passes over those of one label, or a null.

Each is changed once for each table that it reads or holds: the kind is picked among all columns
that it does not speak of.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from pglast import ast

from conformance.engine.catalogue.schema import short
from conformance.engine.mutants.habits.conditions import conditions, picked
from conformance.engine.mutants.habits.guards import DELETE, rejects
from conformance.engine.mutants.habits.rewriting import (
    Change,
    again,
    is_a,
    node,
    of_function,
    trigger_mutant,
)
from conformance.engine.mutants.mutant import Mutant
from conformance.engine.mutants.syntax import like, printed, statement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.catalogue.schema import Schema
    from conformance.engine.mutants.habits.conditions import Condition
    from conformance.engine.mutants.habits.rewriting import Where

UNIQUE = "u"


def of(schema: Schema) -> Iterator[Mutant]:
    """Return the mutants that pass over rows of one kind."""
    for function in schema.functions:
        yield from of_function(schema, function, lambda where: partial(_query, schema, where))
    for constraint in schema.constraints:
        if constraint.kind == UNIQUE and not _is_referred_to(schema, constraint):
            yield from _unique(schema, constraint)
    for index in schema.indexes:
        yield from _index(schema, index)
    functions = {each.name: each for each in schema.functions}
    for trigger in schema.triggers:
        if not rejects(functions[trigger.function]):
            yield from _trigger(schema, trigger)


def _kind(schema: Schema, name: str, table: str, spoken: str) -> Condition | None:
    found = conditions(schema, table, spoken)
    return picked(f"{name} {table}", found) if found else None


def _query(schema: Schema, where: Where, tree: ast.Node) -> Iterator[Change]:
    """Take rows of one kind out of what a query or a write reads of each table."""
    if not is_a(tree, ast.SelectStmt, ast.UpdateStmt, ast.DeleteStmt):
        return
    text = printed(tree)
    for table, row in _ranges(tree):
        condition = _kind(schema, f"{where.thing} {text}", table, text)
        if condition is not None:
            words = condition.of(row)
            rest = f"({words}) IS NOT TRUE"
            before = getattr(tree, "whereClause", None)
            if before is not None:
                rest = f"({printed(before)}) AND {rest}"
            new = like(tree, whereClause=node(rest))
            yield Change("kind passed over", f"unless {words}, in {text[:120]}", new)


def _ranges(tree: Any) -> Iterator[tuple[str, str]]:
    """Return the tables of a statement, with their names in it."""
    below = [*(getattr(tree, "fromClause", None) or ())]
    target = getattr(tree, "relation", None)
    if target is not None:
        below.append(target)
    while below:
        one = below.pop(0)
        if is_a(one, ast.JoinExpr):
            below += [one.larg, one.rarg]
        elif is_a(one, ast.RangeVar) and one.schemaname:
            yield (
                f"{one.schemaname}.{one.relname}",
                one.alias.aliasname if one.alias else one.relname,
            )


def _is_referred_to(schema: Schema, constraint: Any) -> bool:
    return any(each.kind == "f" and each.index == constraint.index for each in schema.constraints)


def _unique(schema: Schema, constraint: Any) -> Iterator[Mutant]:
    condition = _kind(schema, constraint.name, constraint.table, constraint.definition)
    if condition is None:
        return
    columns = constraint.definition.removeprefix("UNIQUE ").partition(")")[0] + ")"
    words = condition.of()
    drop = f"ALTER TABLE {constraint.table} DROP CONSTRAINT {constraint.name}"
    index = f"CREATE UNIQUE INDEX {constraint.name} ON {constraint.table} {columns}"
    sql = (drop, f"{index} WHERE ({words}) IS NOT TRUE")
    thing = f"{short(constraint.table)}.{constraint.name}"
    rules = schema.rules_of(constraint.name, constraint.comment)
    tables = schema.about(constraint.table)
    yield Mutant(thing, "kind not unique", f"unless {words}", sql, rules, tables)


def _index(schema: Schema, index: Any) -> Iterator[Mutant]:
    condition = _kind(schema, index.short, index.table, index.definition)
    if condition is None:
        return
    tree: Any = statement(index.definition)
    words = condition.of()
    rest = f"({words}) IS NOT TRUE"
    if tree.whereClause is not None:
        rest = f"({printed(tree.whereClause)}) AND {rest}"
    sql = (f"DROP INDEX {index.name}", printed(like(tree, whereClause=node(rest))))
    thing, table = f"{short(index.table)}.{index.short}", short(index.table)
    rules = schema.rules_of(index.short, index.comment)
    yield Mutant(thing, "kind not unique", f"unless {words}", sql, rules, (table,))


def _trigger(schema: Schema, trigger: Any) -> Iterator[Mutant]:
    """Do not fire a trigger that derives for rows of one kind."""
    tree: Any = statement(trigger.definition)
    if not tree.row or (tree.events & DELETE and tree.events != DELETE):
        return
    condition = _kind(schema, trigger.name, trigger.table, trigger.definition)
    if condition is None:
        return
    words = condition.of("old" if tree.events == DELETE else "new")
    when = f"({words}) IS NOT TRUE"
    if tree.whenClause is not None:
        when = f"({printed(tree.whenClause)}) AND {when}"
    drop, made = again(trigger, like(tree, whenClause=node(when)))
    yield trigger_mutant(schema, trigger, "kind not derived", f"unless {words}", drop, made)
