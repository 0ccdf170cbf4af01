"""The rows of a database as the model shows them, as far as the schema lets them be read.

A table of which a column cannot be read, because it has another name or a function is missing, is
read without it: that part of a comparison cannot be made, and all others can.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.engine.cases.gaps import about
from conformance.framecast.model import view

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from conformance.engine.cases.gaps import Gaps
    from conformance.engine.database.session import Session
    from conformance.framecast.model import State


class Rows:
    """Reads the tables of one database; learns on the way what cannot be read."""

    def __init__(self, session: Session, prepared: str = "") -> None:
        """Read in a session; with a name, by statements that are prepared under such names."""
        self.without: dict[str, frozenset[int]] = {}
        self._reasons: dict[str, dict[int, str]] = {}
        self._session = session
        self._prepared = prepared
        self._queries: dict[str, str] = {}

    def read(self, tables: Collection[str]) -> dict[str, set[str]]:
        """Return the rows of tables as texts; a table of which nothing can be read is left out."""
        queries = self.asking(tables)
        return self.found(tables, [self._session.fetch_all(";\n".join(queries))] if queries else ())

    def asking(self, tables: Iterable[str]) -> list[str]:
        """Return the queries, one a table, of which `read` takes the answers."""
        return [
            query for table in tables if table in view.COLUMNS and (query := self._query(table))
        ]

    def found(
        self, tables: Iterable[str], answers: Iterable[Iterable[tuple[object, ...]]]
    ) -> dict[str, set[str]]:
        """Return what `read` does, from the answers to its queries."""
        shown = {table: set[str]() for table in tables if self.asking([table])}
        for rows in answers:
            for table, row in rows:
                shown[str(table)].add(str(row))
        return shown

    def of(self, state: State, table: str) -> set[str]:
        """Return the same of the model's rows."""
        return view.rows(state, table, self.without.get(table, frozenset()))

    def note(self, tables: Iterable[str], gaps: Gaps, only: frozenset[str] | None = None) -> None:
        """Note what of some tables cannot be read, under the rules that it is about.

        Args:
            tables: what was asked for.
            gaps: where to note it.
            only: the rules that matter; what is about none of them is no gap. None for all.
        """
        for table in tables:
            reasons = self._reasons.get(table, {})
            for at, reason in reasons.items():
                whole = len(reasons) == len(view.COLUMNS[table][0])
                rules = about(table, "" if whole else view.COLUMNS[table][0][at])
                meant = [rule for rule in rules if only is None or rule in only]
                if meant:
                    gaps.note(f"the rows of {table} cannot be read: {reason}", meant)

    def close(self) -> None:
        """Forget the statements that were prepared."""
        for query in self._queries.values():
            verb, _, name = query.partition(" ")
            if verb == "EXECUTE":
                self._session.connection.execute(f"DEALLOCATE {name}")
        self._queries.clear()

    def _query(self, table: str) -> str:
        """Return what reads a table, as far as it can be read; '' where it cannot."""
        if table not in self._queries:
            self._learn(table)
        if self._is_lost(table):
            return ""
        return self._queries[table]

    def _learn(self, table: str) -> None:
        """Find out what of a table can be read, and prepare it."""
        columns = view.COLUMNS[table][0]
        if self._reason(view.query(table)):
            found = {at: self._reason(view.column(table, at)) for at in range(len(columns))}
            self._reasons[table] = {at: reason for at, reason in found.items() if reason}
            self.without[table] = frozenset(self._reasons[table])
        query = view.query(table, self.without.get(table, frozenset()))
        self._queries[table] = query
        if self._prepared and not self._is_lost(table):
            name = f"{self._prepared}_{table}"
            self._session.connection.execute(f"PREPARE {name} AS {query}")
            self._queries[table] = f"EXECUTE {name}"

    def _reason(self, query: str) -> str:
        """Return why a query cannot be answered; '' where it can."""
        answer = self._session.ask(f"{query} LIMIT 0")
        return "" if isinstance(answer, list) else answer.message or answer.sqlstate

    def _is_lost(self, table: str) -> bool:
        return len(self._reasons.get(table, ())) == len(view.COLUMNS[table][0])


def is_lost(without: Mapping[str, frozenset[int]], table: str) -> bool:
    """Return whether nothing of a table can be read."""
    return len(without.get(table, ())) == len(view.COLUMNS[table][0])
