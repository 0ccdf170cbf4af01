"""Statements of applications' libraries, as a login in the application's role."""

from typing import Final

import pytest
from psycopg import sql

from conformance.engine.sql.writes import Sql, Update
from strategies.column_cases import a_row
from strategies.enums import ENUMS
from strategies.near_misses.upkeep import CHANGES
from strategies.tables import COLUMNS, REQUIRED
from strategies.world import World
from tests.support.clients import Connection, asked, whole, write

DEFAULT: Final = Sql("DEFAULT")
# Given for updated_at with a new row, and what there is of it then.
FIRST: Final = {
    "the default": ("DEFAULT", "now()"),
    "now": ("now()", "now()"),
    "a year ahead": ("now() + interval '8760 hours'", "now()"),
    "for ever": ("'infinity'", "now()"),
    "a year ago": ("now() - interval '8760 hours'", "now() - interval '8760 hours'"),
}

# The columns that a client writes of an enum type, or of lists of it.
OF_TYPE: Final = """
SELECT a.attrelid::regclass::text, a.attname::text, CASE a.atttypid WHEN t.oid THEN '' ELSE '[]' END
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid AND c.relkind = 'r'
JOIN pg_type AS t ON a.atttypid IN (t.oid, t.typarray)
WHERE t.oid = %s::regtype AND a.attgenerated = ''
    AND c.relname NOT IN ('role_permissions', 'system_assets')
"""

WITHOUT_DEFAULT: Final = """
SELECT a.attrelid::regclass::text, a.attname::text
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid AND c.relkind = 'r'
WHERE c.relnamespace = 'public'::regnamespace AND c.relname <> 'role_permissions'
    AND a.attnum > 0 AND a.attnotnull AND NOT a.atthasdef AND NOT a.attisdropped
"""


@pytest.mark.parametrize("given", FIRST)
@pytest.mark.parametrize("table", CHANGES)
def test_updated_at_of_a_new_row_may_be_given(table: str, given: str, client: Connection) -> None:
    """A new row's updated_at may be given, and is never ahead of now()."""
    sent, expected = FIRST[given]
    world = World()
    made = {"created_at": Sql("now() - interval '17520 hours'")} if table != "usage" else {}
    row = {**a_row(table, world), **made, "updated_at": Sql(sent)}
    whole(client, world, table, row)

    assert [(True,)] == asked(client, table, f"updated_at = {expected}", row["id"])


@pytest.mark.parametrize("table", sorted(CHANGES.keys() - {"usage"}))
def test_a_row_of_tomorrow_is_updated_when_it_was_made(table: str, client: Connection) -> None:
    """Where created_at is later than now(), updated_at is that at most."""
    world = World()
    later = {"created_at": Sql("now() + interval '1 hour'"), "updated_at": Sql("'infinity'")}
    row = {**a_row(table, world), **later}
    whole(client, world, table, row)

    assert [(True,)] == asked(client, table, "updated_at = created_at", row["id"])


@pytest.mark.parametrize("given", FIRST)
@pytest.mark.parametrize("table", CHANGES)
def test_updated_at_may_be_given_with_a_change(table: str, given: str, client: Connection) -> None:
    """A change may name updated_at, and the database decides what it becomes."""
    world = World()
    row = {**a_row(table, world), "updated_at": Sql("now() - interval '1 hour'")}
    made = {"created_at": Sql("now() - interval '2 hours'")} if table != "usage" else {}
    whole(client, world, table, {**row, **made})
    changes = {**CHANGES[table], "updated_at": Sql(FIRST[given][0])}
    write(client, Update(table, {"id": row["id"]}, changes))

    assert [(True,)] == asked(client, table, "updated_at = now()", row["id"])


@pytest.mark.parametrize("kind", ["text", "varchar"])
@pytest.mark.parametrize("enum", sorted(ENUMS.keys() - {"system_asset_category"}))
def test_a_label_may_be_sent_as_text(enum: str, kind: str, client: Connection) -> None:
    """Each column of labels takes them as text or varchar, one or a list."""
    columns = client.execute(OF_TYPE, [enum]).fetchall()
    assert columns
    for table, column, many in columns:
        query = sql.SQL("INSERT INTO {} ({}) SELECT {}::{} WHERE false").format(
            *(sql.Identifier(table), sql.Identifier(column)),
            *(sql.Placeholder(), sql.SQL(f"{kind}{many}")),
        )
        label = ENUMS[enum][0]
        client.execute(query, [[label] if many else label])


def test_what_the_database_gives_has_a_default(client: Connection) -> None:
    """A column that is not null and need not be given has a default, as generators of code ask."""
    needed = {(table, column) for table, columns in REQUIRED.items() for column in columns}
    assert set() == set(client.execute(WITHOUT_DEFAULT).fetchall()) - needed


def test_a_default_slug_is_made(client: Connection) -> None:
    """A team that asks for the default gets a slug of its name, and an event its number."""
    world = World()
    whole(client, world, "teams", {**world.a_team(name="Ada's Team"), "slug": DEFAULT})
    assert [("ada-s-team",)] == client.execute("SELECT slug FROM teams").fetchall()
    world = World()
    job = world.job(world.starter())
    whole(client, world, "job_events", {**world.an_event(job), "sequence": DEFAULT})
    assert [(1,)] == client.execute("SELECT sequence FROM job_events").fetchall()


@pytest.mark.parametrize("table", sorted(COLUMNS.keys() - {"system_assets"}))
def test_whatever_has_a_default_may_be_sent_as_default(table: str, client: Connection) -> None:
    """An INSERT may name all columns, with DEFAULT where there is no value."""
    world = World()
    row = a_row(table, world)
    whole(client, world, table, {**dict.fromkeys(COLUMNS[table], DEFAULT), **row})
