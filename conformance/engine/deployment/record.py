"""The record of what was applied to a database: one table, in a schema that is named.

The search_path of whoever migrates has no say in where it lies: two roles would keep two records.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql

from conformance.engine.deployment.migration import MigrationError

if TYPE_CHECKING:
    import psycopg

    from conformance.engine.deployment.migration import Migration

TABLE = "schema_migrations"
HOME = "public"
# Schemas that hold a table of that name, and whether it is of this program.
PLACES = """
    SELECT n.nspname::text, count(*) FILTER (WHERE a.attname IN ('name', 'sha256')) = 2
      FROM pg_catalog.pg_class AS c
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      LEFT JOIN pg_catalog.pg_attribute AS a
        ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE c.relname = 'schema_migrations' AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
     GROUP BY n.nspname
     ORDER BY 1
"""
CREATE = """
    CREATE TABLE IF NOT EXISTS {} (
        name text PRIMARY KEY,
        sha256 text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now(),
        applied_by text DEFAULT current_user,
        seconds double precision
    )
"""
# Of an earlier version's, which did not say who, and how long it took; by its owner alone.
COMPLETE = """
    ALTER TABLE {} ADD COLUMN IF NOT EXISTS applied_by text DEFAULT current_user,
        ADD COLUMN IF NOT EXISTS seconds double precision
"""
COLUMNS = """
    SELECT count(*) FILTER (WHERE a.attname IN ('applied_by', 'seconds')) = 2,
        pg_has_role(c.relowner, 'USAGE')
      FROM pg_catalog.pg_class AS c
      JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND NOT a.attisdropped
     WHERE c.oid = to_regclass(%s)
     GROUP BY c.relowner
"""


@dataclass(frozen=True, slots=True)
class Record:
    """The record in one schema.

    Attributes:
        schema: its name.
    """

    schema: str = HOME

    @property
    def table(self) -> sql.Identifier:
        """The table's name with its schema."""
        return sql.Identifier(self.schema, TABLE)

    def read(self, conn: psycopg.Connection[Any]) -> dict[str, str]:
        """Return the SHA-256 of each file that was applied, by its name; changes nothing.

        Raises:
            MigrationError: the table is another program's, or there is a record elsewhere.
        """
        places = dict(conn.execute(PLACES).fetchall())
        if self.schema not in places:
            elsewhere = [schema for schema, ours in places.items() if ours]
            if elsewhere:
                message = (
                    f"the record lies in schema {elsewhere[0]}, and not in {self.schema}: name it "
                    f"with --record-schema {elsewhere[0]}, or move it: "
                    f"ALTER TABLE {elsewhere[0]}.{TABLE} SET SCHEMA {self.schema}"
                )
                raise MigrationError(message)
            return {}
        if not places[self.schema]:
            message = (
                f"the database's table {self.schema}.{TABLE} belongs to another program: "
                "name another schema for the record with --record-schema"
            )
            raise MigrationError(message)
        query = sql.SQL("SELECT name, sha256 FROM {}").format(self.table)
        return dict(conn.execute(query).fetchall())

    def create(self, conn: psycopg.Connection[Any]) -> None:
        """Make the table, unless it is there, and let it say who and how long."""
        complete, owned = self._columns(conn) or (None, False)
        if complete is None:
            conn.execute(sql.SQL(CREATE).format(self.table))
        elif owned and not complete:
            conn.execute(sql.SQL(COMPLETE).format(self.table))

    def add(
        self, conn: psycopg.Connection[Any], migration: Migration, seconds: float | None
    ) -> None:
        """Record a file as applied; without the seconds that it took where it was not run."""
        complete, _ = self._columns(conn) or (False, False)
        given: dict[str, str | float | None] = {
            "name": migration.name,
            "sha256": migration.sha256,
        }
        if complete:
            given["seconds"] = seconds
        query = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            self.table,
            sql.SQL(", ").join(map(sql.Identifier, given)),
            sql.SQL(", ").join(sql.Placeholder() * len(given)),
        )
        conn.execute(query, list(given.values()))

    def rows(self, conn: psycopg.Connection[Any]) -> dict[str, dict[str, Any]]:
        """Return all that is recorded of each file, by its name; see `read`."""
        if not self.read(conn):
            return {}
        query = sql.SQL("SELECT to_jsonb(r) FROM {} AS r").format(self.table)
        return {row["name"]: row for (row,) in conn.execute(query).fetchall()}

    def _columns(self, conn: psycopg.Connection[Any]) -> tuple[bool, bool] | None:
        """Return whether the table has all columns, and is ours to change; None without it."""
        found = conn.execute(COLUMNS, (self.table.as_string(conn),)).fetchone()
        return (bool(found[0]), bool(found[1])) if found else None
