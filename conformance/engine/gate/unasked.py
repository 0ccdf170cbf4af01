"""Statements of pending files that cannot be asked of the target: what they do, running tells.

SQL that is pieced together while it runs has no text to ask, and a function of another language
does what nobody can read. The rehearsal runs both, on rows that are drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pglast import ast

from conformance.engine.deployment.tokens import line_of
from conformance.engine.gate.called import Bodies
from conformance.engine.gate.parts import constant, of_block, parsed, statements
from conformance.engine.gate.row_changes import TAKES
from conformance.engine.sql.tree import below

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.engine.audit.target import Connection
    from conformance.engine.deployment.migrations import Migration

MADE_UP: Final = "makes up SQL while it runs"
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
        ours = [name for name in called if name not in built_in and not _is_read(name, bodies)]
        what = MADE_UP if not called else f"calls {', '.join(f'{name}()' for name in ours)}"
        if ours or not called:
            notes.append(f"{place}: {what}: {UNASKED}")
    return notes


def _of_file(file: Migration) -> Iterator[tuple[str, list[str]]]:
    """Yield places with the functions that are called there, or none where SQL is made up."""
    for node, text, begins in statements(file.sql):
        place = f"{file.name}:{line_of(file.sql, begins)}"
        if isinstance(node, ast.DoStmt):
            if _makes_up(text) or not _is_plpgsql(node):
                yield place, []
            called = [name for part in of_block(text) or () for name in _called(parsed(part))]
        elif isinstance(node, ast.CallStmt | ast.SelectStmt):
            called = list(_called(node))
        else:
            continue
        if called:
            yield place, list(dict.fromkeys(called))


def _is_read(name: str, bodies: Bodies) -> bool:
    """Return whether what a function does to rows is asked as the files' own statements are."""
    definitions = bodies.of(name)
    return bool(definitions) and not any(
        "plpgsql" in each and _makes_up(each) for each in definitions
    )


def _is_plpgsql(block: ast.DoStmt) -> bool:
    words = {each.defname: getattr(each.arg, "sval", "") for each in block.args or ()}
    return words.get("language", "plpgsql") == "plpgsql"


def _makes_up(text: str) -> bool:
    """Return whether a body runs SQL that stands nowhere, and that is no finding by itself."""
    parts = of_block(text)
    return parts is None or any(
        dynamic and constant(query) is None and not TAKES.search(query)
        for query, dynamic in parts.items()
    )


def _called(tree: object) -> Iterator[str]:
    for node in below(tree):
        if isinstance(node, ast.FuncCall):
            *_, name = node.funcname or ()
            yield str(name.sval)
