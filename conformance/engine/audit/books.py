"""The schema's own books, against the rows that they are kept of.

Triggers keep them, and whatever writes past triggers does not: a copy of the schema `public` alone,
by a dump or by logical replication, leaves them behind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

from conformance.engine.audit.findings import SHOWN, Fault
from conformance.engine.audit.snapshot import GIVE_UP

if TYPE_CHECKING:
    from conformance.engine.audit.description import Description
    from conformance.engine.audit.target import Connection

# Each: the books, what is wrong, how to write them anew, and the keys of what they lack.
BOOKS = (
    (
        "framecast.job_event_counters",
        (
            "jobs have events with a higher number than is counted: once those are cleaned up, "
            "numbers are used twice"
        ),
        """
        SELECT e.job_id::text
        FROM (SELECT job_id, max(sequence) AS last FROM public.job_events GROUP BY job_id) AS e
        LEFT JOIN framecast.job_event_counters AS c USING (job_id)
        WHERE e.last > coalesce(c.last_sequence, 0)
        """,
    ),
    (
        "framecast.project_specs",
        "projects are searched by another spec than they have",
        """
        SELECT coalesce(p.id, s.project_id)::text
        FROM public.projects AS p FULL JOIN framecast.project_specs AS s ON s.project_id = p.id
        WHERE p.spec IS DISTINCT FROM s.spec
        """,
    ),
)
REMEDY = "write them anew: docs/operations.md has the statements"
# Publications of some tables that leave books of theirs out.
LEFT_OUT = """
SELECT t.pubname::text, string_agg(DISTINCT b.book, ', ' ORDER BY b.book)
FROM pg_publication_tables AS t JOIN (VALUES
    ('job_events', 'framecast.job_event_counters'), ('projects', 'framecast.project_specs')
) AS b (kept_of, book) ON t.tablename = b.kept_of AND t.schemaname = 'public'
WHERE to_regclass(b.book) IS NOT NULL AND NOT EXISTS (
    SELECT FROM pg_publication_tables AS o
    WHERE o.pubname = t.pubname AND o.schemaname || '.' || o.tablename = b.book
)
GROUP BY t.pubname ORDER BY 1
"""


def look(conn: Connection, expected: Description) -> tuple[list[Fault], list[str]]:
    """Return what is wrong with the books that the migrations make, and who is not sent them."""
    faults = [
        fault
        for book, what, query in BOOKS
        if ("relation", book) in expected and (fault := _fault(conn, book, what, query))
    ]
    notes = [
        f"publication {name} leaves out {books}: whoever subscribes to it cannot take over"
        for name, books in conn.execute(LEFT_OUT).fetchall()
    ]
    return faults, notes


def _fault(conn: Connection, book: str, what: str, query: str) -> Fault | None:
    counted = f"SELECT count(*), (array_agg(key))[:{SHOWN}] FROM ({query}) AS lacking (key)"
    try:
        with conn.transaction():
            count, keys = conn.execute(counted.encode()).fetchall()[0]
    except GIVE_UP:
        raise
    except psycopg.Error as error:
        said = error.diag.message_primary or str(error)
        return Fault(f"books {book}", f"they cannot be asked here: {said}", REMEDY)
    return Fault(f"books {book}", what, REMEDY, tuple(keys), int(count)) if count else None
