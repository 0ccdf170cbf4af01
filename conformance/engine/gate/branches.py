"""Branches of blocks in pending files that the scratch server does not take.

A block may ask where it runs, or how many rows there are, and do there what it does nowhere else.
So each file whose blocks have conditions is tried with all of them true, and with them false.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pglast import ast

from conformance.engine.gate.parts import body, last, queries, statements

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.engine.audit.description import Description
    from conformance.engine.deployment.migrations import Migration

BRANCHING: Final = (ast.DoStmt, ast.CreateFunctionStmt)
WORDS: Final = ("IF", "ELSIF|ELSEIF")
VALUES: Final = (("true", "true"), ("false", "true"), ("false", "false"))  # of these
ALIKE: Final = re.compile(r"\bserver_version_num\b")  # the scratch server has the target's major
# Functions and tables that tell a scratch server from any other.
WHERE: Final = re.compile(
    r"\b(?:current_database|current_catalog|inet_server_\w+|pg_database|pg_stat_database"
    r"|pg_stat_activity|pg_postmaster_start_time|pg_conf_load_time|pg_control_system|cluster_name"
    r"|data_directory|rolsuper|is_superuser)\b",
    re.IGNORECASE,
)
ASKS: Final = "is asked by a block: what it does elsewhere was not tried"
WHAT: Final = "is not as it was tried, where a condition of a block is otherwise than here"


def variants(file: Migration) -> Iterator[Migration]:
    """Yield a file with other values in the place of conditions; none where it has none."""
    conditions = {
        condition
        for node, text, _ in statements(file.sql)
        if isinstance(node, BRANCHING)
        for condition in _conditions(body(text))
        if not ALIKE.search(condition)
    }
    for values in VALUES:
        sql = file.sql
        for words, value in zip(WORDS, values, strict=True):
            for each in conditions:
                told = rf"\b({words})\s*{re.escape(each)}\s*THEN\b"
                sql = re.sub(told, rf"\1 {value} THEN", sql, flags=re.IGNORECASE)
        if sql != file.sql:
            yield replace(file, sql=sql)


def asking(file: Migration) -> Iterator[tuple[str, str]]:
    """Yield that a block, or a call, asks where it runs otherwise than by an IF; and in words.

    A name that goes into SQL that is made up is no question.
    """
    for node, text, _ in statements(file.sql):
        parts = [text] if isinstance(node, ast.SelectStmt | ast.CallStmt) else []
        if isinstance(node, ast.DoStmt) and (tree := body(text)):
            own = {*_conditions(tree)}
            parts = [part for part, _, made in queries(tree) if not made and part not in own]
        if any(map(WHERE.search, parts)):
            yield "where it runs", ASKS


def differing(
    file: Migration, steps: Sequence[Description], otherwise: Description
) -> Iterator[tuple[str, str]]:
    """Yield what a file changes with other values, and does not as it was tried; and in words.

    Args:
        file: as it is.
        steps: what the schema is before it, and after it.
        otherwise: what it is after a variant; nothing where that cannot be applied.
    """
    before, after = steps
    own = {
        last(node.funcname)
        for node, *_ in statements(file.sql)
        if isinstance(node, ast.CreateFunctionStmt)
    }
    for key in sorted(before.keys() | otherwise.keys()) if otherwise else ():
        kind, name = key
        bare = name.partition("(")[0].rpartition(".")[2].strip('"')
        now = otherwise.get(key)
        if now not in {before.get(key), after.get(key)} and not (
            kind == "function" and bare in own
        ):
            yield (name if kind == "privilege" else f"{kind} {name}"), WHAT


def _conditions(tree: Any) -> Iterator[str]:
    for each in tree if isinstance(tree, list) else ():
        yield from _conditions(each)
    for name, each in tree.items() if isinstance(tree, dict) else ():
        if name in {"PLpgSQL_stmt_if", "PLpgSQL_if_elsif"}:
            yield each["cond"]["PLpgSQL_expr"]["query"]
        yield from _conditions(each)
