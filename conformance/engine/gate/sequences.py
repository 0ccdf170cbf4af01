"""Sequences of columns: whether the number that comes next is one that a row has already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

if TYPE_CHECKING:
    from conformance.engine.audit.target import Connection

# Of serial and identity columns: the sequence, its table, the column, and its step.
OF_COLUMNS = """
    SELECT n.nspname::text, s.relname::text, m.nspname::text, t.relname::text, a.attname::text,
        q.seqincrement
      FROM pg_depend AS d
      JOIN pg_class AS s ON s.oid = d.objid AND s.relkind = 'S'
      JOIN pg_namespace AS n ON n.oid = s.relnamespace
      JOIN pg_sequence AS q ON q.seqrelid = s.oid
      JOIN pg_class AS t ON t.oid = d.refobjid JOIN pg_namespace AS m ON m.oid = t.relnamespace
      JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
     WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
        AND d.deptype IN ('a', 'i') AND q.seqincrement > 0 AND n.nspname <> 'conformance'
"""
CYCLING = """
    SELECT regexp_replace(replace(seqrelid::regclass::text, '"', ''), '^public\\.', '')
      FROM pg_sequence WHERE seqcycle
"""
NEXT = "SELECT last_value + CASE WHEN is_called THEN {} ELSE 0 END FROM {}"


def advance(conn: Connection) -> None:
    """Let each sequence go on behind the highest number that a row has."""
    for sequence, table, column, _ in _found(conn):
        name = sequence.as_string(conn)
        conn.execute(
            sql.SQL("SELECT setval({}, max({})) FROM {} HAVING max({}) > 0").format(
                sql.Literal(name), column, table, column
            )
        )


def taken(conn: Connection) -> set[str]:
    """Return the sequences whose next number a row has, or one above it, or that begin anew."""
    found = {name for (name,) in conn.execute(CYCLING).fetchall()}
    for sequence, table, column, step in _found(conn):
        next_number = sql.SQL(NEXT).format(sql.Literal(step), sequence)
        query = sql.SQL("SELECT FROM {} HAVING max({}) >= ({})").format(table, column, next_number)
        if conn.execute(query).rowcount:
            found.add(sequence.as_string(conn).replace('"', "").removeprefix("public."))
    return found


def _found(
    conn: Connection,
) -> list[tuple[sql.Identifier, sql.Identifier, sql.Identifier, int]]:
    return [
        (
            sql.Identifier(schema, name),
            sql.Identifier(place, table),
            sql.Identifier(column),
            int(step),
        )
        for schema, name, place, table, column, step in conn.execute(OF_COLUMNS).fetchall()
    ]
