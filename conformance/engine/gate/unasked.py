"""Calls of pending files that cannot be asked of the target: what they do, running tells.

A function of an extension does what nobody can read. The rehearsal runs it, on rows that are drawn.
What should be read, and cannot be, is a finding beside the rows that other statements take.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pglast import ast

from conformance.engine.deployment.tokens import line_of
from conformance.engine.gate.called import Bodies
from conformance.engine.gate.parts import last, of_block, parsed, statements
from conformance.engine.sql.tree import below

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.engine.audit.target import Connection
    from conformance.engine.deployment.migrations import Migration

UNASKED: Final = (
    "what that does to rows of today was not asked of the target, and was only rehearsed"
)
BUILT_IN: Final = """
    SELECT DISTINCT proname::text FROM pg_proc
     WHERE pronamespace = 'pg_catalog'::regnamespace AND proname::text = ANY (%s)
"""


def ask(conn: Connection, files: Sequence[Migration]) -> list[str]:
    """Return notes on what was not asked, each with its place.

    Args:
        conn: to the target, which knows its own functions.
        files: the pending ones.
    """
    bodies = Bodies(files, conn)
    found = [each for file in files for each in _of_file(file)]
    names = sorted({name for _, called in found for name in called})
    built_in = {name for (name,) in conn.execute(BUILT_IN, (names,)).fetchall()}
    notes = []
    for place, called in found:
        others = [name for name in called if name not in built_in]
        others = [name for name in others if not bodies.of(name) and not bodies.is_unread(name)]
        if others:
            said = ", ".join(f"{name}()" for name in others)
            notes.append(f"{place}: calls {said}: {UNASKED}")
    return notes


def _of_file(file: Migration) -> Iterator[tuple[str, list[str]]]:
    """Yield places with the functions that are called there."""
    for node, text, begins in statements(file.sql):
        parts = [node] if isinstance(node, ast.CallStmt | ast.SelectStmt) else []
        if isinstance(node, ast.DoStmt):
            parts = [each for part in of_block(text) or () for each in parsed(part)]
        calls = (each for each in below(tuple(parts)) if isinstance(each, ast.FuncCall))
        if called := [last(each.funcname) for each in calls]:
            yield f"{file.name}:{line_of(file.sql, begins)}", list(dict.fromkeys(called))
