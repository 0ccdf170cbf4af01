"""Columns that the schema derives: whatever a client sends there, null or wrong, is not taken."""

from collections.abc import Iterator
from typing import Any, Final

import psycopg
import pytest
from psycopg import sql

from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.sql.writes import Insert, Row, Update, Write, statements
from strategies.column_cases import a_row
from strategies.tables import DERIVED
from strategies.world import World

WRONG: Final = {"user_tier": "starter", "owner_tier": "starter", "is_erased": True}
OTHER: Final = "00000000-0000-4000-8000-000000000000"
COLUMNS: Final = [(table, column) for table, columns in DERIVED.items() for column in columns]
# Of a user's own key all of them are null.
SENT: Final = [
    *((table, column, WRONG.get(column, OTHER)) for table, column in COLUMNS),
    *((table, column, None) for table, column in COLUMNS if table != "api_keys"),
]


@pytest.fixture
def schema(scratch: Scratch, template: Template) -> Iterator[psycopg.Connection[Any]]:
    """A migrated database and one transaction in it."""
    with scratch.cloned(template, "derived") as database, database.connect() as connection:
        connection.autocommit = False
        yield connection


def run(connection: psycopg.Connection[Any], *writes: Write) -> None:
    """Carry out writes in the open transaction."""
    for write in writes:
        for statement in statements(write):
            connection.execute(statement.sql)


def held(connection: psycopg.Connection[Any], table: str, row: Row) -> dict[str, Any]:
    """Return what a row holds."""
    query = sql.SQL("SELECT to_jsonb(t) FROM {} AS t WHERE id = {}")
    found = connection.execute(query.format(sql.Identifier(table), row["id"]))
    ((whole,),) = found.fetchall()
    return {name: whole[name] for name in DERIVED[table]}


@pytest.mark.parametrize(("table", "column", "value"), SENT)
def test_what_is_sent_to_a_derived_column_is_not_taken(
    schema: psycopg.Connection[Any], table: str, column: str, value: object
) -> None:
    """A library that sends all columns of a row is right, and the trigger is what makes it so."""
    world = World()
    row = {**a_row(table, world), column: value}
    run(schema, *world.given, Insert(table, (row,)))
    derived = held(schema, table, row)
    run(schema, Update(table, {"id": row["id"]}, {column: value}))

    assert derived == held(schema, table, row)
    assert derived[column] != value
    schema.execute(f"DROP TRIGGER _100_derive ON {table}")
    with pytest.raises(psycopg.errors.IntegrityError):
        run(schema, Update(table, {"id": row["id"]}, {column: value}))
