"""Facts asked from plans that were made before what they are about has changed.

A session that asks the same thing again may answer from the plan of the first time. Whatever that
plan knew of the rows must not be part of the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.engine.sql.outcomes import Accepted
from conformance.engine.sql.writes import Statement

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.engine.database.session import Session
    from conformance.engine.sql.outcomes import Inconclusive, Rejected


class Plans:
    """Prepared queries of one scenario, each of which has been answered once, and taken back."""

    def __init__(self) -> None:
        """Begin with none."""
        self._names: dict[tuple[Session, str], str] = {}

    def make(self, session: Session, queries: Iterable[str]) -> None:
        """Ask queries for the first time, and take back what they did.

        What cannot be asked yet is asked plainly later, and makes the others be tried one by one.
        """
        names = {query: f"fact_{n}" for n, query in enumerate(dict.fromkeys(queries))}
        if names and not self._make(session, names):
            for query, name in names.items():
                self._make(session, {query: name})

    def _make(self, session: Session, names: dict[str, str]) -> bool:
        """Make plans in one message; return whether all could be asked."""
        if isinstance(session.send(Statement(_script(names))), Accepted):
            self._names.update({(session, query): name for query, name in names.items()})
            return True
        session.send(Statement("ROLLBACK"))
        for name in names.values():
            session.send(Statement(f"DEALLOCATE {name}"))  # it may not be there
        return False

    def ask(
        self, session: Session, query: str
    ) -> list[tuple[object, ...]] | Inconclusive | Rejected:
        """Ask a query from its plan, if there is one."""
        return session.ask(self.shown(session, query))

    def script(self, session: Session, query: str) -> str:
        """Return how the plan of a query was made, as psql reads it; '' without one."""
        name = self._names.get((session, query))
        return _script({query: name}) if name else ""

    def shown(self, session: Session, query: str) -> str:
        """Return the statement that asks a query."""
        name = self._names.get((session, query))
        return f"EXECUTE {name}" if name else query

    def forget(self) -> None:
        """Drop all plans."""
        for session in {session for session, _ in self._names}:
            names = [name for (where, _), name in self._names.items() if where is session]
            session.fetch_all(";\n".join(f"DEALLOCATE {name}" for name in names))
        self._names.clear()


def _script(names: dict[str, str]) -> str:
    prepared = [f"PREPARE {name} AS {query}" for query, name in names.items()]
    asked = [f"EXECUTE {name}" for name in names.values()]
    return "".join(f"{each};\n" for each in (*prepared, "BEGIN", *asked, "ROLLBACK"))
