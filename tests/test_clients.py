"""What applications' libraries send, as a login that is a member of the application's role."""

import secrets
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from conformance.application import APPLICATION
from conformance.postgres.scratch import Scratch, Template
from conformance.session import in_order
from conformance.writes import Insert, Path, Row, Sql, Update, Write
from strategies.forms import a_row
from strategies.near_misses.upkeep import CHANGES
from strategies.tables import COLUMNS
from strategies.world import World

Connection = psycopg.Connection[Any]

YEAR: Final = timedelta(days=365)
DEFAULT: Final = Sql("DEFAULT")
# Given for updated_at with a new row, and what there is of it then.
FIRST: Final = {
    "the default": ("DEFAULT", "now()"),
    "now": ("now()", "now()"),
    "a year ahead": ("now() + interval '8760 hours'", "now()"),
    "for ever": ("'infinity'", "now()"),
    "a year ago": ("now() - interval '8760 hours'", "now() - interval '8760 hours'"),
}


@pytest.fixture(scope="module")
def client(scratch: Scratch, template: Template) -> Iterator[Connection]:
    """Connect as a login that an application would use."""
    login = f"client_{secrets.token_hex(4)}"
    with scratch.cloned(template, "clients") as database, database.connect() as owner:
        owner.execute(f"CREATE ROLE {login} LOGIN IN ROLE {APPLICATION}".encode())
        try:
            with psycopg.connect(make_conninfo(database.conninfo, user=login)) as connection:
                yield connection
        finally:
            owner.execute(f"DROP ROLE {login}".encode())


@pytest.fixture(autouse=True)
def undone(client: Connection) -> Iterator[None]:
    """Take back what a test has written, once all rules were asked."""
    yield
    client.rollback()


def write(client: Connection, *writes: Write) -> None:
    """Write in the transaction that is open, and ask what waits for its end."""
    for statement in in_order(writes, Path.UPDATE):
        client.execute(statement.sql)


def whole(client: Connection, world: World, table: str, row: Row) -> None:
    """Insert a row with what it needs, and ask what waits for the end of the transaction."""
    write(client, *world.given, Insert(table, (row,)))
    if table == "teams":
        owner = world.a_creator()
        joins = world.a_membership(row, owner, role="owner")
        write(client, Insert("users", (owner,)), Insert("memberships", (joins,)))
    client.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


def times(client: Connection, table: str, row: Row, expected: str) -> list[tuple[Any, ...]]:
    """Return what a row has for updated_at, and what it should have."""
    query = sql.SQL("SELECT updated_at::text, ({})::text FROM {} WHERE id = {}").format(
        sql.SQL(expected), sql.Identifier(table), sql.Literal(row["id"])
    )
    return client.execute(query).fetchall()


@pytest.mark.parametrize("given", FIRST)
@pytest.mark.parametrize("table", CHANGES)
def test_updated_at_of_a_new_row_may_be_given(table: str, given: str, client: Connection) -> None:
    """A new row's updated_at may be given, and is never ahead of now()."""
    sent, expected = FIRST[given]
    world = World()
    made = {"created_at": Sql("now() - interval '17520 hours'")} if table != "usage" else {}
    row = {**a_row(table, world), **made, "updated_at": Sql(sent)}
    whole(client, world, table, row)

    ((is_so, should_be),) = times(client, table, row, expected)
    assert should_be == is_so


@pytest.mark.parametrize("table", sorted(CHANGES.keys() - {"usage"}))
def test_a_row_of_tomorrow_is_updated_when_it_was_made(table: str, client: Connection) -> None:
    """Where created_at is later than now(), updated_at is that at most."""
    world = World()
    later = {"created_at": Sql("now() + interval '1 hour'"), "updated_at": Sql("'infinity'")}
    row = {**a_row(table, world), **later}
    whole(client, world, table, row)

    ((is_so, should_be),) = times(client, table, row, "created_at")
    assert should_be == is_so


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

    ((is_so, should_be),) = times(client, table, row, "now()")
    assert should_be == is_so


@pytest.mark.parametrize("table", sorted(COLUMNS.keys() - {"system_assets"}))
def test_whatever_has_a_default_may_be_sent_as_default(table: str, client: Connection) -> None:
    """An INSERT may name all columns, with DEFAULT where there is no value."""
    world = World()
    row = a_row(table, world)
    whole(client, world, table, {**dict.fromkeys(COLUMNS[table], DEFAULT), **row})
