"""Files that say that they run outside a transaction: one statement each, which may be run again.

An index that is built concurrently does not keep writers waiting, and is left invalid where the
building fails. It is found then, dropped and built anew; one that is whole is recorded.
"""

import re
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import sql

from conformance.engine.deployment.migration import Migration, MigrationError
from conformance.engine.deployment.statements import statements
from conformance.engine.deployment.tokens import tokens

Connection = psycopg.Connection[Any]

LINE = re.compile(r"--[ \t]*outside a transaction\b.*", re.IGNORECASE)
MARK = "-- outside a transaction"
# Statements that are not possible in a transaction, or end it themselves.
FITTING = re.compile(
    r"CREATE\s+(UNIQUE\s+)?INDEX\s+CONCURRENTLY|DROP\s+INDEX\s+CONCURRENTLY|REINDEX\b.*CONCURRENTLY"
    r"|ALTER\s+TABLE\b.*DETACH\s+PARTITION\b.*CONCURRENTLY|VACUUM\b|CALL\b|DO\b"
    r"|ALTER\s+TYPE\b.*ADD\s+VALUE",
    re.IGNORECASE | re.DOTALL,
)
# Statements that are not possible in a transaction either, and are no matter of one database.
ELSEWHERE = re.compile(
    r"(?:CREATE|DROP)\s+(?:DATABASE|TABLESPACE|SUBSCRIPTION)\b|ALTER\s+SYSTEM\b"
    r"|ALTER\s+DATABASE\b.*\bSET\s+TABLESPACE\b",
    re.IGNORECASE | re.DOTALL,
)
LIKE = "framecast_alike"  # a temporary table, which is gone with its transaction
INDEX = """
    SELECT x.indisvalid, pg_get_indexdef(x.indexrelid), x.indexrelid::regclass::text,
        EXISTS (SELECT FROM pg_stat_progress_create_index AS p WHERE p.index_relid = x.indexrelid)
      FROM pg_index AS x JOIN pg_class AS c ON c.oid = x.indexrelid
     WHERE c.relname = %s
       AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass(%s))
"""


def says_so(migration: Migration) -> bool:
    """Return whether a file says in a line of its own that it runs outside a transaction."""
    return LINE.search(migration.sql) is not None and any(
        token.name == "SQL_COMMENT" and LINE.match(token.text) for token in tokens(migration.sql)
    )


def refuse(migration: Migration, *, single: bool = False) -> None:
    """Refuse a file that says so and holds more than one statement, or one that need not.

    Raises:
        MigrationError: it cannot be run so.
    """
    if not says_so(migration):
        return
    found = statements(migration.sql)
    what = None
    if single:
        what = "runs outside a transaction, and so not in one with others: run it by itself"
    elif len(found) != 1:
        what = f"runs outside a transaction, and holds {len(found)} statements: give each a file"
    elif ELSEWHERE.match(found[0].text):
        what = "a migration stays within its database: do that by hand, before it is run"
    elif not FITTING.match(found[0].text):
        what = f"needs no `{MARK}`: take that line out, so that it is rolled back if it fails"
    else:
        node = _index(migration)
        if node is not None and not node.idxname:
            what = "builds an index without a name, which could not be found again: name it"
    if what is not None:
        message = f"{migration.path}: {what}"
        raise MigrationError(message, migration.path)


def run(
    conn: Connection, migration: Migration, send: Callable[[Connection, Migration], None]
) -> bool:
    """Run the statement of such a file, or find that it has been run.

    Args:
        conn: outside a transaction.
        migration: the file.
        send: runs a file where that is.

    Returns:
        Whether an index that it builds was there, whole and the same.

    Raises:
        MigrationError: it failed; what it has done stays, and it may be run again.
    """
    node = _index(migration)
    if node is not None and _is_there(conn, migration, node):
        return True
    try:
        send(conn, migration)
    except MigrationError as error:
        message = f"{error}\n{migration.name} runs outside a transaction: run it again"
        raise MigrationError(message, error.path, error.line) from error
    return False


def _index(migration: Migration) -> Any:
    """Return the statement if it builds an index, or None."""
    from pglast.ast import IndexStmt  # noqa: PLC0415 - slow, and rarely needed
    from pglast.parser import ParseError, parse_sql  # noqa: PLC0415 - as above

    try:
        parsed = parse_sql(migration.sql)
    except ParseError:
        return None
    node = parsed[0].stmt if len(parsed) == 1 else None
    return node if isinstance(node, IndexStmt) else None


def _is_there(conn: Connection, migration: Migration, node: Any) -> bool:
    """Return whether an index is there; one that was not built to its end is dropped."""
    table = _printed(node.relation)
    found = conn.execute(INDEX, (node.idxname, table)).fetchone()
    if found is None:
        return False
    valid, definition, name, built = found
    if built:
        message = f"{migration.path}: another session is building {name}: wait for it"
        raise MigrationError(message, migration.path)
    if not valid:
        conn.execute(sql.SQL("DROP INDEX CONCURRENTLY {}").format(sql.SQL(name)))
        return False
    if _bare(definition) != _bare(_wanted(conn, node, table)):
        message = (
            f"{migration.path}: there is an index {name} already, and it is another one: "
            "give this one another name, or drop that one"
        )
        raise MigrationError(message, migration.path)
    return True


def _wanted(conn: Connection, node: Any, table: str) -> str:
    """Return how the server prints the index: it is built on an empty table, and taken back."""
    node.concurrent, node.if_not_exists, node.tableSpace = False, False, None
    node.relation.schemaname, node.relation.relname = "pg_temp", LIKE
    with conn.transaction(force_rollback=True):
        conn.execute(
            sql.SQL("CREATE TEMP TABLE {} (LIKE {})").format(sql.Identifier(LIKE), sql.SQL(table))
        )
        conn.execute(_printed(node).encode())
        name = f"pg_temp.{sql.Identifier(node.idxname).as_string(conn)}"
        found = conn.execute("SELECT pg_get_indexdef(to_regclass(%s))", (name,)).fetchall()
    return str(found[0][0])


def _printed(node: Any) -> str:
    from pglast.stream import RawStream  # noqa: PLC0415 - slow, and rarely needed

    return str(RawStream()(node))


def _bare(definition: str) -> tuple[bool, str]:
    """Return an index without its name and its table."""
    return definition.startswith("CREATE UNIQUE"), definition.partition(" USING ")[2]
