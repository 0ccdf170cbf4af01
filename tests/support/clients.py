"""Writing as an application does: as a login, a member of its role, through psycopg."""

from typing import Any

import psycopg
from psycopg import sql

from conformance.engine.database.session import in_order
from conformance.engine.sql.writes import Insert, Path, Row, Write
from strategies.world import World

Connection = psycopg.Connection[Any]


def write(client: Connection, *writes: Write) -> None:
    """Write in the transaction that is open."""
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


def asked(client: Connection, table: str, expression: str, key: object) -> list[tuple[Any, ...]]:
    """Return what an expression says of a row by its id."""
    query = sql.SQL("SELECT {} FROM {} WHERE id = {}").format(
        sql.SQL(expression), sql.Identifier(table), sql.Literal(key)
    )
    return client.execute(query).fetchall()
