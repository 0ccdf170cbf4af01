"""The tables and columns that a schema has, and what writes need of them.

A schema under test may lack what the domain promises. What does not need it is tried all the same.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.engine.domain.chosen import COLUMNS as KNOWN
from conformance.engine.privileges.missing import PRIVILEGE
from conformance.engine.sql.writes import Delete, Insert, PlainWrite, RawSql, Truncate, Update

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from conformance.engine.database.session import Session
    from conformance.engine.sql.outcomes import Rejected
    from conformance.engine.sql.writes import Row, Write

# Syntax error or access rule violation; a null where none may be.
OF_STATEMENTS, NOT_NULL = "42", "23502"
COLUMNS = """
SELECT CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || c.relname, a.attname
FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'conformance')
"""


class Inventory:
    """Inventory of a schema: the names of its columns, by tables."""

    def __init__(self, columns: Mapping[str, frozenset[str]]) -> None:
        """Take columns by tables, those outside `public` with their schema."""
        self._columns = columns
        self._asked: dict[str, str] = {}  # by table, a column that must be given

    @classmethod
    def of(cls, session: Session) -> Inventory:
        """Read what the schema of a database has."""
        columns: dict[str, set[str]] = {}
        for table, column in session.fetch(COLUMNS):
            columns.setdefault(str(table), set()).add(str(column))
        return cls({table: frozenset(each) for table, each in columns.items()})

    def lack(self, write: Write) -> tuple[str, str]:
        """Return the first table and column that a write needs and the schema lacks.

        The column is '' where the table itself is missing; both are where nothing is, or where the
        write is SQL text, of which only a server can say.
        """
        return next(self._lacks(write), ("", ""))

    def learn(self, refused: Rejected) -> bool:
        """Learn that rows need a column that the domain does not know; return whether that is new.

        A trigger may fill a column that is not null, so that only a server can say.
        """
        is_new = refused.sqlstate == NOT_NULL and refused.table not in self._asked
        if is_new:
            self._asked[refused.table] = refused.column
        return is_new

    def told(self, lack: tuple[str, str]) -> str:
        """Return in words what is missing, or must be given."""
        table, column = lack
        if self._asked.get(table) == column:
            return f"{table}.{column} must be given"
        return f"there is no column {table}.{column}" if column else f"there is no table {table}"

    def fitting(self, write: Write) -> Write | None:
        """Return a write without the columns that are missing; None where nothing is left of it."""
        if isinstance(write, PlainWrite):
            inner = self.fitting(write.write)
            return None if inner is None else PlainWrite(inner)
        if isinstance(write, RawSql) or self.lack(write) == ("", ""):
            return write
        if isinstance(write, Insert) and write.table in self._columns:
            return replace(write, rows=tuple(self._known(write.table, row) for row in write.rows))
        if isinstance(write, Update) and write.table in self._columns:
            changes = self._known(write.table, write.changes)
            fits = self.lack(Delete(write.table, write.key)) == ("", "")
            return replace(write, changes=changes, row=None) if fits and changes else None
        return None

    def all_fitting(self, writes: Iterable[Write]) -> list[Write]:
        """Return what of some writes fits."""
        return [fits for each in writes if (fits := self.fitting(each)) is not None]

    def _lacks(self, write: Write) -> Iterator[tuple[str, str]]:
        if isinstance(write, PlainWrite):
            yield from self._lacks(write.write)
        elif isinstance(write, Truncate):
            yield from ((table, "") for table in write.tables if table not in self._columns)
        elif isinstance(write, Insert | Update | Delete):
            if write.table not in self._columns:
                yield write.table, ""
            elif isinstance(write, Insert) and write.table in self._asked:
                yield write.table, self._asked[write.table]
            else:
                known = self._columns[write.table]
                yield from ((write.table, each) for each in _named(write) if each not in known)

    def _known(self, table: str, row: Row) -> Row:
        return {name: value for name, value in row.items() if name in self._columns[table]}


def is_foreign(refused: Rejected) -> bool:
    """Return whether a schema has refused what it cannot take at all, whatever the rules say.

    It lacks a table, a column, a function or a key that a statement names, or has a column without
    a default of which the domain knows nothing.
    """
    if refused.sqlstate == NOT_NULL:
        return refused.column not in KNOWN.get(refused.table, ())
    return refused.sqlstate.startswith(OF_STATEMENTS) and refused.sqlstate != PRIVILEGE


def _named(write: Insert | Update | Delete) -> Iterable[str]:
    if isinstance(write, Insert):
        return (name for row in write.rows for name in row)
    return (*write.key, *(write.changes if isinstance(write, Update) else ()))
