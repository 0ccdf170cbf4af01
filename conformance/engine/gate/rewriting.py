"""Writes to tables that no rule speaks of: what could be written before must be possible after.

The suite knows none of these tables. A row that is there is written again as it is, and taken back.
What a new constraint refuses is no matter here: the target's own rows are asked about that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import psycopg
from psycopg import sql

from conformance.engine.domain.chosen import COLUMNS, conventions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from conformance.engine.audit.target import Connection
    from conformance.engine.gate.contents import Table

ROWS: Final = 2  # of a table
WRITABLE: Final = """
    SELECT attname::text FROM pg_attribute
     WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped
       AND attgenerated = '' AND attidentity <> 'a'
     ORDER BY attnum
"""
VIOLATIONS: Final = "23"  # the class of SQLSTATEs of constraints


def refused(conn: Connection, tables: Mapping[str, Table]) -> dict[tuple[str, str], str]:
    """Return which rows cannot be written again, by table and verb, with what the server says.

    Args:
        conn: of a superuser, to a copy.
        tables: what there is.
    """
    found = {}
    for name, table in tables.items():
        schema, _, bare = name.partition(".")
        if not table.rows or bare in COLUMNS or schema in conventions().schemas[1:]:
            continue
        columns = [each for (each,) in conn.execute(WRITABLE, (name,)).fetchall()]
        place = sql.SQL(name)
        rows = conn.execute(sql.SQL("SELECT ctid FROM {} LIMIT {}").format(place, ROWS)).fetchall()
        for verb, statements in _written(place, columns):
            for (row,) in rows if columns else ():
                said = _tried(conn, statements, row)
                if said:
                    found[name, verb] = said
    return found


def _written(
    table: sql.Composable, columns: list[str]
) -> Iterator[tuple[str, tuple[sql.Composed, ...]]]:
    """Yield what writes a row as it is, by its verb."""
    some = sql.SQL(", ").join(map(sql.Identifier, columns))
    same = sql.SQL(", ").join(sql.SQL("{0} = {0}").format(sql.Identifier(each)) for each in columns)
    parts = {"table": table, "some": some, "same": same}
    yield "UPDATE", (sql.SQL("UPDATE {table} SET {same} WHERE ctid = %(row)s").format(**parts),)
    delete = sql.SQL("DELETE FROM {table} WHERE ctid = %(row)s").format(**parts)
    yield "DELETE", (delete,)
    keep = sql.SQL("CREATE TEMPORARY TABLE kept AS SELECT {some} FROM {table} WHERE ctid = %(row)s")
    insert = sql.SQL("INSERT INTO {table} ({some}) SELECT {some} FROM pg_temp.kept")
    yield "INSERT", (keep.format(**parts), delete, insert.format(**parts))


def _tried(conn: Connection, statements: tuple[sql.Composed, ...], row: str) -> str:
    try:
        with conn.transaction(force_rollback=True):
            for statement in statements:
                conn.execute(
                    statement, {"row": row} if b"%(row)s" in statement.as_bytes() else None
                )
            conn.execute("SET CONSTRAINTS ALL IMMEDIATE")
    except psycopg.Error as error:
        of_constraint = (error.sqlstate or "").startswith(VIOLATIONS) and error.diag.constraint_name
        return "" if of_constraint or error.diag.column_name else str(error.diag.message_primary)
    return ""
