"""A database to try rules on: a session, the oracles, and the way back to an empty state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import psycopg

from conformance import witness
from conformance.catalogue import RULES
from conformance.session import Session

if TYPE_CHECKING:
    from types import TracebackType

    from conformance.catalogue import Rule

TABLES = """
SELECT format('%I.%I', n.nspname, c.relname)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r'
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'conformance')
    AND c.relpersistence = 'p'
ORDER BY 1
"""
# Deleted rows leave dead ones behind, which cost time until they are swept away.
SWEEP_EVERY = 300


class Lab:
    """One scratch database, from the time its schema is installed."""

    def __init__(self, conninfo: str) -> None:
        """Connect, put the witness in place, and learn what an empty database holds."""
        self.session = Session(conninfo)
        witness.install(self.session.connection)
        tables = [str(name) for (name,) in self.session.fetch(TABLES)]
        self._kept = [table for table in tables if self._has_rows(table)]
        self._emptied = [table for table in tables if table not in self._kept]
        for number, table in enumerate(self._kept):
            self._execute(f"CREATE TABLE conformance.kept_{number} AS TABLE {table}")
        # A session of its own: whoever changes session_replication_role forgets all its plans.
        self._janitor = Session(conninfo)
        self._reset = self._statement(superuser=self._may_replicate())
        self._resets = 0
        self.unreadable: dict[str, str] = {}
        self._prepare_oracles()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the session."""
        self.session.connection.close()
        self._janitor.connection.close()

    def reset(self) -> None:
        """Make the database as empty as its schema left it."""
        self._janitor.connection.execute(self._reset)
        self._resets += 1
        if self._resets % SWEEP_EVERY == 0:
            self._janitor.connection.execute("VACUUM")

    def violations(self) -> dict[str, list[str]]:
        """Return the keys of the rows that break each rule that is broken, in one round trip."""
        found: dict[str, list[str]] = {}
        for rule, key in self.session.fetch("EXECUTE oracles"):
            found.setdefault(str(rule), []).append(str(key))
        return found

    def _prepare_oracles(self) -> None:
        """Prepare one query for all rules whose own queries this schema can answer."""
        parts = ["SELECT NULL, NULL WHERE false"]
        for rule in RULES.values():
            part = part_of_union(rule)
            try:
                self._execute(part)
            except psycopg.Error as error:
                self.unreadable[rule.id] = error.diag.message_primary or str(error)
            else:
                parts.append(part)
        self._execute("PREPARE oracles AS " + " UNION ALL ".join(parts))

    def _statement(self, *, superuser: bool) -> str:
        """Return what empties the tables, with all that stands in its way switched off."""
        clear = [f"DELETE FROM {table}" for table in self._emptied]
        for number, table in enumerate(self._kept):
            clear += [
                f"DELETE FROM {table}",
                f"INSERT INTO {table} TABLE conformance.kept_{number}",
            ]
        clear.append("DELETE FROM conformance.changes")
        if superuser:
            off, on = [], []
        else:
            tables = [*self._emptied, *self._kept]
            off = [f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in tables]
            on = [f"ALTER TABLE {table} ENABLE TRIGGER USER" for table in tables]
            names = ", ".join([*tables, "conformance.changes"])
            clear = [f"TRUNCATE {names}", *clear[len(self._emptied) : -1]]
        return ";\n".join(["BEGIN", *off, *clear, *on, "COMMIT"])

    def _may_replicate(self) -> bool:
        try:
            self._janitor.connection.execute("SET session_replication_role = replica")
        except psycopg.errors.InsufficientPrivilege:
            return False
        return True

    def _has_rows(self, table: str) -> bool:
        return self.session.fetch(f"SELECT EXISTS (SELECT FROM {table})") == [(True,)]

    def _execute(self, statement: str) -> None:
        self.session.connection.execute(statement)


def part_of_union(rule: Rule) -> str:
    """Return a query for the rule's id and the keys of what breaks it."""
    return f"SELECT '{rule.id}' AS rule, v.key::text FROM ({rule.violations}) AS v (key)"
