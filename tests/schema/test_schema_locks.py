"""References to a row do not keep others from updating it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import psycopg
import pytest
from psycopg import sql

from conformance.engine.database.session import in_order
from conformance.engine.sql.writes import Path
from conformance.framecast.privileges import UPDATES
from strategies.world import World, urn_of_team

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.postgres.scratch import Scratch, Template

# By table that others refer to: the columns of its unique keys. Who writes one of those has to wait
# for who refers to the row, as PostgreSQL does not ask which key that is.
KEYS: Final = """
SELECT f.confrelid::regclass::text, array_agg(DISTINCT a.attname::text)
FROM pg_constraint AS f
JOIN pg_index AS i ON i.indrelid = f.confrelid AND i.indisunique
JOIN pg_attribute AS a ON a.attrelid = f.confrelid AND a.attnum = ANY (i.indkey)
WHERE f.contype = 'f' AND f.connamespace = 'public'::regnamespace
GROUP BY f.confrelid
"""


@pytest.fixture(scope="module")
def two(
    scratch: Scratch, template: Template
) -> Iterator[tuple[psycopg.Connection[Any], psycopg.Connection[Any]]]:
    """Connect twice to a database with a row of each table that others refer to."""
    world = World()
    team, owner = world.team()
    world.project(team, owner)
    world.insert("webhooks", world.a_webhook(team, owner))
    world.job(owner, urn_of_team(team))
    with (
        scratch.cloned(template, "locks") as database,
        database.connect() as one,
        database.connect() as other,
    ):
        one.autocommit = other.autocommit = False
        for statement in in_order(tuple(world.given), Path.UPDATE):
            one.execute(statement.sql)
        one.commit()
        yield one, other


def test_an_update_waits_for_nobody_who_refers_to_the_row(
    two: tuple[psycopg.Connection[Any], psycopg.Connection[Any]],
) -> None:
    """No column but those of a key: somebody is charged while a job is made in their name."""
    one, other = two
    keys = dict(one.execute(KEYS).fetchall())
    waits = set()
    for table, unique in keys.items():
        name = sql.Identifier(table)
        for column in sorted(UPDATES[table].difference(unique)):
            one.execute(sql.SQL("SELECT FROM {} FOR KEY SHARE").format(name))
            other.execute("SET LOCAL lock_timeout = '100ms'")
            write = sql.SQL("UPDATE {0} SET {1} = {1}").format(name, sql.Identifier(column))
            try:
                assert other.execute(write).rowcount
            except psycopg.errors.LockNotAvailable:
                waits.add(table)
            one.rollback()
            other.rollback()

    assert {"users", "teams", "memberships", "projects", "jobs", "webhooks"} == set(keys)
    assert waits == set()
