"""The record of what was applied to a database: one table, in a schema that is named.

The search_path of whoever migrates has no say in where it lies: two roles would keep two records.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql

from conformance.deployment.migration import MigrationError

if TYPE_CHECKING:
    import psycopg

    from conformance.deployment.migration import Migration

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
        applied_at timestamptz NOT NULL DEFAULT now()
    )
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
        """Make the table, unless it is there."""
        conn.execute(sql.SQL(CREATE).format(self.table))

    def add(self, conn: psycopg.Connection[Any], migration: Migration) -> None:
        """Record a file as applied."""
        query = sql.SQL("INSERT INTO {} (name, sha256) VALUES (%s, %s)").format(self.table)
        conn.execute(query, (migration.name, migration.sha256))
