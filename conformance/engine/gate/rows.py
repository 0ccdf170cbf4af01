"""The rows of a database, taken out as a state holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.engine.database.sandbox import TABLES

if TYPE_CHECKING:
    from conformance.engine.database.session import Session


def rows_of(session: Session) -> dict[str, tuple[str, bytes]]:
    """Take the rows out of a database: by tables, their columns and what COPY makes of them."""
    taken = {}
    for name, columns in session.fetch(TABLES):
        copy = f"COPY (SELECT {columns} FROM {name}) TO STDOUT"
        with session.connection.cursor().copy(copy.encode()) as rows:
            taken[str(name)] = str(columns), b"".join(bytes(data) for data in rows)
    return taken
