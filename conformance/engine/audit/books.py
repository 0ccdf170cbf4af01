"""The schema's own books, against the rows that they are kept of.

Triggers keep them, and whatever writes past triggers does not: a copy of the schema `public` alone,
by a dump or by logical replication, leaves them behind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

from conformance.engine.audit.findings import SHOWN, Fault
from conformance.engine.audit.snapshot import GIVE_UP
from conformance.engine.domain.chosen import conventions

if TYPE_CHECKING:
    from conformance.engine.audit.description import Description
    from conformance.engine.audit.target import Connection
    from conformance.engine.domain.conventions import Book

REMEDY = "write them anew: docs/operations.md has the statements"
# Publications of some tables that leave books of theirs out.
LEFT_OUT = """
SELECT t.pubname::text, string_agg(DISTINCT b.book, ', ' ORDER BY b.book)
FROM pg_publication_tables AS t
JOIN unnest(%s::text[], %s::text[]) AS b (kept_of, book)
    ON t.tablename = b.kept_of AND t.schemaname = 'public'
WHERE to_regclass(b.book) IS NOT NULL AND NOT EXISTS (
    SELECT FROM pg_publication_tables AS o
    WHERE o.pubname = t.pubname AND o.schemaname || '.' || o.tablename = b.book
)
GROUP BY t.pubname ORDER BY 1
"""


def look(conn: Connection, expected: Description) -> tuple[list[Fault], list[str]]:
    """Return what is wrong with the books that the migrations make, and who is not sent them."""
    books = conventions().books
    faults = [
        fault
        for book in books
        if ("relation", book.table) in expected and (fault := _fault(conn, book))
    ]
    of_tables = [[book.kept_of for book in books], [book.table for book in books]]
    notes = [
        f"publication {name} leaves out {left}: whoever subscribes to it cannot take over"
        for name, left in conn.execute(LEFT_OUT, of_tables).fetchall()
    ]
    return faults, notes


def _fault(conn: Connection, book: Book) -> Fault | None:
    counted = f"SELECT count(*), (array_agg(key))[:{SHOWN}] FROM ({book.missing}) AS lacking (key)"
    try:
        with conn.transaction():
            count, keys = conn.execute(counted.encode()).fetchall()[0]
    except GIVE_UP:
        raise
    except psycopg.Error as error:
        said = error.diag.message_primary or str(error)
        return Fault(f"books {book.table}", f"they cannot be asked here: {said}", REMEDY)
    return (
        Fault(f"books {book.table}", book.fault, REMEDY, tuple(keys), int(count)) if count else None
    )
