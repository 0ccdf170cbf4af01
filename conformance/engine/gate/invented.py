"""Rows that the rehearsal invented, and that what a pending file newly demands refuses.

Of tables that no rule speaks of, nobody knows what their rows may be: whether those of the target
keep a new constraint is asked of themselves. An invented row that does not says nothing, and goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import psycopg
from psycopg import sql

from conformance.engine.deployment import migrations
from conformance.engine.deployment.migrations import Migration, MigrationError
from conformance.engine.domain.chosen import COLUMNS

if TYPE_CHECKING:
    from conformance.engine.audit.target import Connection

VIOLATIONS: Final = "23"  # the class of SQLSTATEs of constraints
# Whether what refused is there already, so that a statement on rows broke it.
THERE: Final = """
SELECT EXISTS (
    SELECT FROM pg_constraint
    WHERE conrelid = t.oid AND conname = %(constraint)s AND convalidated
) OR EXISTS (
    SELECT FROM pg_attribute WHERE attrelid = t.oid AND attname = %(column)s AND attnotnull
) OR EXISTS (
    SELECT FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid
    WHERE i.indrelid = t.oid AND i.indisunique AND x.relname = %(constraint)s
)
FROM pg_class AS t WHERE t.oid = to_regclass(%(table)s)
"""


def left_out(conn: Connection, file: Migration, error: MigrationError) -> bool:
    """Delete the invented rows that a file's new constraint refuses, if it takes others.

    Returns:
        Whether there were such rows, and the file is to be tried again.
    """
    cause = error.__cause__
    if not isinstance(cause, psycopg.Error) or not (cause.sqlstate or "").startswith(VIOLATIONS):
        return False
    diag = cause.diag
    if not diag.table_name or diag.table_name in COLUMNS:
        return False
    table = sql.Identifier(diag.schema_name or "public", diag.table_name)
    named = {"constraint": diag.constraint_name, "column": diag.column_name}
    told = table.as_string(conn)
    if conn.execute(THERE, {"table": told, **named}).fetchone() != (False,):
        return False
    places = [place for (place,) in conn.execute(sql.SQL("SELECT ctid FROM {}").format(table))]
    refused = [each for each in places if not _takes(conn, file, table, each)]
    if not refused or len(refused) == len(places):
        return False
    with conn.transaction():
        conn.execute("SET LOCAL session_replication_role = replica")
        conn.execute(sql.SQL("DELETE FROM {} WHERE ctid = ANY (%s)").format(table), (refused,))
    return True


def _takes(conn: Connection, file: Migration, table: sql.Identifier, place: object) -> bool:
    """Return whether a file can be applied where this is the only row of a table."""
    with conn.transaction(force_rollback=True):
        conn.execute("SET LOCAL session_replication_role = replica")
        conn.execute(sql.SQL("DELETE FROM {} WHERE ctid <> %s").format(table), (place,))
        conn.execute("SET LOCAL session_replication_role = origin")
        try:
            with migrations.transaction(conn, file):
                migrations.run(conn, file)
        except MigrationError:
            return False
        return True
