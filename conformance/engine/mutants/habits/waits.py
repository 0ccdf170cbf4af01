"""Waiting: a function that lets nobody pass, or gives up where it should wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pglast import ast
from pglast.enums.lockoptions import LockWaitPolicy

from conformance.engine.mutants import plpgsql
from conformance.engine.mutants.habits.rewriting import (
    Change,
    at_start,
    function_mutant,
    is_a,
    of_function,
)
from conformance.engine.mutants.syntax import brief, like, statement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.catalogue.schema import Schema
    from conformance.engine.mutants.mutant import Mutant

MODES = ("SHARE ROW EXCLUSIVE", "ACCESS EXCLUSIVE")
POLICIES = {
    LockWaitPolicy.LockWaitBlock: {
        "skips what is held": LockWaitPolicy.LockWaitSkip,
        "fails on what is held": LockWaitPolicy.LockWaitError,
    },
    LockWaitPolicy.LockWaitSkip: {"fails on what is held": LockWaitPolicy.LockWaitError},
    LockWaitPolicy.LockWaitError: {"skips what is held": LockWaitPolicy.LockWaitSkip},
}
TRIES = {
    "pg_advisory_xact_lock": "pg_try_advisory_xact_lock",
    "pg_try_advisory_xact_lock": "pg_advisory_xact_lock",
}


def of(schema: Schema) -> Iterator[Mutant]:
    """Return the mutants of functions that wait for more, or for less."""
    for function in schema.functions:
        yield from of_function(schema, function, lambda _: _policy)
        if function.sql_body or not _does(function):
            continue
        body = at_start(function, f"PERFORM pg_advisory_xact_lock(hashtext('{function.name}'));")
        yield function_mutant(schema, function, "one at a time", "an advisory lock", body)
        for table in _emptied(function):
            for mode in MODES:
                body = at_start(function, f"LOCK TABLE {table} IN {mode} MODE;")
                words = f"{table} in {mode} mode"
                yield function_mutant(schema, function, "table locked", words, body)


def _does(function: Any) -> bool:
    """Return whether a function does anything but reject: who is refused need not wait."""
    body = plpgsql.parse(function.body)
    return any(one.kind != "raise" for _, one in plpgsql.each(body.block))


def _policy(node: Any) -> Iterator[Change]:
    """Skip rows that are held, or fail on them."""
    if not is_a(node, ast.SelectStmt):
        return
    for number, clause in enumerate(node.lockingClause or ()):
        for operator, policy in POLICIES[clause.waitPolicy].items():
            other: Any = like(clause, waitPolicy=policy)
            locks = (*node.lockingClause[:number], other, *node.lockingClause[number + 1 :])
            yield Change(operator, brief(node, 120), like(node, lockingClause=locks))


def _emptied(function: Any) -> list[str]:
    """Return the tables that a function deletes from by itself: what cleans up."""
    if function.is_trigger:
        return []
    body = plpgsql.parse(function.body)
    found = []
    for _, one in plpgsql.each(body.block):
        if one.kind in ("with", "delete"):
            tree: Any = statement(body.cut(one.span).rstrip(";"))
            if is_a(tree, ast.DeleteStmt):
                found.append(f"{tree.relation.schemaname}.{tree.relation.relname}")
    return found
