"""Triggers of a log: they put what was written into a table of the files' own, and decide nothing.

What such a trigger can do to a rule is to fail. It comes after the write, asks no rows, waits for
nobody, and nothing reads what it writes: so whoever writes that table meets it, and no other test.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pglast import ast

from conformance.engine.gate import influence
from conformance.engine.gate.parts import body, last, parsed, queries
from conformance.engine.sql.tree import below

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.engine.audit.description import Description
    from conformance.engine.gate.parts import Node

AFTER = re.compile(r"CREATE TRIGGER \S+ AFTER .* FUNCTION (?P<function>[\w.\"]+)\(.*\)", re.DOTALL)
PATH = re.compile(r"^ SET search_path TO ", re.MULTILINE)
# Functions that take any row and any value, and wait for nobody.
PLAIN = frozenset(
    (
        *("to_json", "to_jsonb", "row_to_json", "jsonb_build_object", "json_build_object"),
        *("now", "clock_timestamp", "statement_timestamp", "transaction_timestamp", "timezone"),
        *("txid_current", "pg_current_xact_id", "gen_random_uuid", "concat", "lower", "upper"),
    )
)
STEPS = re.compile(r"PLpgSQL_stmt_(?!block|if|execsql|return|case)|exceptions?'")
ALLOWED = ("PRIMARY KEY", "NOT NULL")


def only(steps: Sequence[Description]) -> bool:
    """Return whether all that files change, and a rule could tell, are triggers of a log."""
    before, after = steps[0], steps[-1]
    keys = influence.touching(before, after)
    return bool(keys) and all(
        kind == "trigger" and (kind, name) not in before and _records(after[kind, name], after)
        for kind, name in keys
    )


def _records(trigger: str, schema: Description) -> bool:
    """Return whether a trigger only adds rows to tables that nothing else is about."""
    found = AFTER.fullmatch(trigger)
    definition = schema.get(("function", f"{found['function']}()"), "") if found else ""
    tree = body(definition) if " LANGUAGE plpgsql" in definition else None
    parts = [parsed(query) for query, *_ in queries(tree)]
    return (
        tree is not None
        and STEPS.search(str(tree)) is None
        and all(parts)
        and all(_is_plain(node, definition, schema) for nodes in parts for node in nodes)
    )


def _is_plain(node: Node, definition: str, schema: Description) -> bool:
    """Return whether a statement adds a row, or an expression asks nothing but its own values."""
    every: list[Node] = [*below(node)]
    named = [each for each in every if isinstance(each, ast.RangeVar)]
    called = {last(each.funcname) for each in every if isinstance(each, ast.FuncCall)}
    if not called <= PLAIN:
        return False
    if not isinstance(node, ast.InsertStmt):
        return isinstance(node, ast.SelectStmt) and not named
    into: Node = node.relation
    return (
        [into] == named
        and bool(into.schemaname or PATH.search(definition))
        and node.onConflictClause is None
        and node.returningClause is None
        and _is_bare(
            f"{into.schemaname or 'public'}.{into.relname}",
            {each.name for each in node.cols or ()},
            schema,
        )
    )


def _is_bare(table: str, columns: set[str | None], schema: Description) -> bool:
    """Return whether a table takes any row: no rule has it, and no key of values that are given."""
    on = f" on {table}"
    return (
        bool(columns)
        and schema.get(("relation", table), "").startswith("table")
        and table.removeprefix("public.") not in influence.spoken()
        and all(
            (kind == "constraint" and text.startswith(ALLOWED) and not columns & _keys(text))
            or (kind == "index" and ("constraint", name.partition(".")[2]) in schema)
            or kind in {"comment", "privilege", "column", "owner"}
            for (kind, name), text in schema.items()
            if name.endswith(on)
        )
    )


def _keys(constraint: str) -> set[str]:
    """Return the columns of a primary key: whoever gives them a value may give it twice."""
    return set(re.findall(r"\w+", constraint)) if constraint.startswith("PRIMARY") else set()
