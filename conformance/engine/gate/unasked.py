"""Statements of pending files that cannot be asked of the target: what they do, running tells.

SQL that is pieced together while it runs has no text to ask, and a function does what its body
says. The rehearsal runs both, on rows that are drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pglast import ast, parse_plpgsql, parse_sql
from pglast.parser import ParseError

from conformance.engine.deployment.tokens import line_of
from conformance.engine.sql.tree import below

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.engine.audit.target import Connection
    from conformance.engine.deployment.migrations import Migration

MADE_UP: Final = "makes up SQL while it runs"
UNASKED: Final = (
    "what that does to rows of today was not asked of the target, and was only rehearsed"
)
DYNAMIC: Final = ("PLpgSQL_stmt_dynexecute", "PLpgSQL_stmt_dynfors", "dynquery")
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
    found = [each for file in files for each in _of_file(file)]
    names = sorted({name for _, called in found for name in called})
    built_in = {name for (name,) in conn.execute(BUILT_IN, (names,)).fetchall()}
    notes = []
    for place, called in found:
        ours = [name for name in called if name not in built_in]
        what = MADE_UP if not called else f"calls {', '.join(f'{name}()' for name in ours)}"
        if ours or not called:
            notes.append(f"{place}: {what}: {UNASKED}")
    return notes


def _of_file(file: Migration) -> Iterator[tuple[str, list[str]]]:
    """Yield places with the functions that are called there, or none where SQL is made up."""
    try:
        parsed = parse_sql(file.sql)
    except ParseError:
        return  # the trial says so
    for raw in parsed:
        place = f"{file.name}:{line_of(file.sql, raw.stmt_location or 0)}"
        text = file.sql[raw.stmt_location :][: raw.stmt_len or None]
        if isinstance(raw.stmt, ast.DoStmt):
            body = _body(text)
            if any(key in DYNAMIC for key, _ in body):
                yield place, []
            queries = [each for key, each in body if key == "query"]
            called = [name for query in queries for name in _called_in(query)]
        elif isinstance(raw.stmt, ast.CallStmt | ast.SelectStmt):
            called = list(_called(raw.stmt))
        else:
            continue
        if called:
            yield place, list(dict.fromkeys(called))


def _body(text: str) -> list[tuple[str, object]]:
    """Return all keys and values of a body's tree."""
    try:
        return [*_pairs(parse_plpgsql(text))]
    except ParseError:  # of another language
        return [(DYNAMIC[0], "")]


def _pairs(tree: Any) -> Iterator[tuple[str, object]]:
    if isinstance(tree, list):
        for each in tree:
            yield from _pairs(each)
    elif isinstance(tree, dict):
        for key, each in tree.items():
            yield key, each
            yield from _pairs(each)


def _called_in(query: object) -> Iterator[str]:
    """Yield the functions that a part of a body calls, a statement or an expression."""
    if not isinstance(query, str):
        return
    for text in (query, f"SELECT {query}"):
        try:
            parsed = parse_sql(text)
        except ParseError:
            continue
        for raw in parsed:
            yield from _called(raw.stmt)
        return


def _called(tree: Any) -> Iterator[str]:
    for node in below(tree):
        if isinstance(node, ast.FuncCall):
            *_, name = node.funcname or ()
            yield str(name.sval)
