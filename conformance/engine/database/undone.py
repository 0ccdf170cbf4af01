"""Writes that were left undone: the change log has no row of what a transaction was to write.

A trigger that returns null leaves a row out, and a rule may do something else instead. The server's
own count says nothing of a WITH below a SELECT or of a COPY, and 0 of rows that a trigger spreads
over the tables that inherit from its own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.engine.database.session import Session
    from conformance.engine.sql.writes import Statement

LAST = """
SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM conformance.changes_seq_seq
"""
SINCE = "SELECT DISTINCT tbl FROM conformance.changes WHERE seq > {}"
# Each table that inherits from another one, and that one.
HEIRS = """
WITH RECURSIVE heirs AS (
    SELECT inhrelid, inhparent FROM pg_inherits
    UNION
    SELECT i.inhrelid, h.inhparent FROM pg_inherits AS i JOIN heirs AS h ON h.inhrelid = i.inhparent
)
SELECT c.relname::text, p.relname::text FROM heirs AS h
JOIN pg_class AS c ON c.oid = h.inhrelid JOIN pg_class AS p ON p.oid = h.inhparent
WHERE c.relkind = 'r'
"""
TARGET = re.compile(
    r"\b(?:INSERT INTO|UPDATE|DELETE FROM|MERGE INTO|COPY|TRUNCATE)\s+"
    r"(?:ONLY\s+)?(?:public\.)?\"?([\w.]+)"
)


class Written:
    """The tables that transactions have written, on one database."""

    def __init__(self, session: Session, noted: frozenset[str]) -> None:
        """Learn which tables inherit from which, of those that the change log notes."""
        self._session = session
        self._heirs = [(str(heir), str(of)) for heir, of in session.fetch(HEIRS)]
        self._known = noted.union(of for _, of in self._heirs)

    def last(self) -> int:
        """Return the number of the last change that was noted."""
        ((number,),) = self._session.fetch(LAST)
        return int(str(number))

    def is_undone(self, body: Sequence[Statement], before: int) -> bool:
        """Return whether no row came of any statement, each of which writes some.

        Args:
            body: the statements, of which a function may write what the text does not say.
            before: the change that was noted last before them.
        """
        if any("DO NOTHING" in each.sql for each in body):
            return False
        targets = [self._targets(each) for each in body if not each.sql.startswith("SET ")]
        tables = frozenset().union(*targets)
        if not tables or not all(targets):
            return False
        tables |= {heir for heir, of in self._heirs if of in tables}
        return not any(
            str(table) in tables for (table,) in self._session.fetch(SINCE.format(before))
        )

    def _targets(self, statement: Statement) -> frozenset[str]:
        return frozenset(TARGET.findall(statement.sql)) & self._known
