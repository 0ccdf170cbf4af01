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
    from decimal import Decimal

    from conformance.engine.database.session import Session
    from conformance.engine.sql.writes import Statement

OF_ONE = """
SELECT tbl, count(*) FROM conformance.changes WHERE extract(epoch FROM began) = {} GROUP BY tbl
"""
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

    def is_undone(self, body: Sequence[Statement], began: Decimal) -> bool:
        """Return whether the last statement wrote no row, or one before it that writes the same.

        Args:
            body: the statements, each of which that names a table writes a row of it; a function
                may write what the text does not say.
            began: the time of their transaction, as `Session.began` has it.
        """
        if any("DO NOTHING" in each.sql for each in body):
            return False
        done: list[frozenset[str]] = []
        for each in body:
            if each.sql.startswith("ROLLBACK TO "):
                done.clear()
            elif not each.sql.startswith("SET "):
                done.append(self._targets(each))
        if not done or not done[-1]:
            return False
        tables = done[-1] | {heir for heir, of in self._heirs if of in done[-1]}
        noted = self._session.fetch(OF_ONE.format(began))
        rows = sum(int(str(some)) for table, some in noted if str(table) in tables)
        return rows < sum(not each.isdisjoint(done[-1]) for each in done)

    def _targets(self, statement: Statement) -> frozenset[str]:
        return frozenset(TARGET.findall(statement.sql)) & self._known
