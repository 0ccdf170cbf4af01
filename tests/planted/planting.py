"""Violations planted where nothing refuses them, to see whether the violation queries see them.

A plant is made in a world of its own. It consists of what has to be written, which is as small as
it can be, and of the keys that the rule's violation query must return: those, and no others.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias
from uuid import UUID

from conformance.engine.sql.documents import Json, Jsonb
from conformance.engine.sql.writes import Insert, Row, Sql, Write, text
from strategies.world import World, urn_of_user

# A label that the types of a stripped schema have, and the domain has not.
FOREIGN = "planted"
# A row that does not exist.
GHOST: Row = {"id": UUID(int=0xDEAD)}
EPOCH = Sql("timestamptz '2020-01-01'")
BEFORE = Sql("timestamptz '2019-12-31'")

# Takes all that refuses away from a schema. Triggers and foreign keys stay, as a replica asks none
# of them, but for those that derive columns: what those have said is held by checks, which go.
# Types learn a label; keys that are found by id stay as well.
STRIP = """
DO $$
DECLARE
    v_drop text;
BEGIN
    FOR v_drop IN
        SELECT format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I CASCADE', conrelid::regclass,
            conname)
        FROM pg_constraint
        WHERE contype IN ('c', 'u') AND conrelid <> 0
            AND connamespace IN ('public'::regnamespace, 'framecast'::regnamespace)
        UNION ALL
        SELECT format('ALTER DOMAIN %s DROP CONSTRAINT %I', contypid::regtype, conname)
        FROM pg_constraint
        WHERE contype = 'c' AND contypid <> 0 AND connamespace = 'public'::regnamespace
        UNION ALL
        SELECT format('DROP INDEX %s', i.indexrelid::regclass)
        FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
        WHERE i.indisunique AND NOT i.indisprimary AND c.relnamespace = 'public'::regnamespace
            AND NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = i.indexrelid)
        UNION ALL
        SELECT format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL', t.oid::regclass, a.attname)
        FROM pg_attribute AS a JOIN pg_class AS t ON t.oid = a.attrelid
        WHERE t.relnamespace = 'public'::regnamespace AND t.relkind = 'r' AND a.attnum > 0
            AND a.attnotnull AND NOT EXISTS (
                SELECT FROM pg_index AS i
                WHERE i.indrelid = t.oid AND i.indisprimary AND a.attnum = ANY (i.indkey)
            )
        UNION ALL
        SELECT format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', tgrelid::regclass, tgname)
        FROM pg_trigger WHERE tgname = '_100_derive'
        UNION ALL
        SELECT format('ALTER TYPE %s ADD VALUE %L', oid::regtype, 'planted')
        FROM pg_type WHERE typtype = 'e' AND typnamespace = 'public'::regnamespace
    LOOP
        EXECUTE v_drop;
    END LOOP;
END;
$$
"""


class Planted(NamedTuple):
    """Planted rows: the writes, and the keys that must be found."""

    writes: tuple[Write, ...]
    keys: frozenset[str]


Plant: TypeAlias = Callable[[World], Planted]
Maker: TypeAlias = Callable[[World], Row]


def found(world: World, *keys: object) -> Planted:
    """Return what a world has been given, to be found by these keys."""
    return Planted(tuple(world.given), frozenset(map(str, keys)))


def row(table: str, make: Maker, **columns: object) -> Plant:
    """Plant one row with these columns, to be found by its id."""

    def plant(world: World) -> Planted:
        made = world.insert(table, {**make(world), **columns})
        return found(world, made["id"])

    return plant


def misowned(table: str, make: Maker, owner: str | None) -> Plant:
    """Plant what is in a project of one team, and owned by another, or by nobody."""

    def plant(world: World) -> Planted:
        home = world.insert("projects", world.a_project({"id": world.id()}, GHOST))
        columns = {"project_id": home["id"], "owner": owner}
        made = world.insert(table, {**make(world), **columns})
        return found(world, made["id"])

    return plant


def orphans(table: str, make: Maker, column: str) -> tuple[Plant, Plant]:
    """Plant a row whose column names what is not there, as it is made; and one where it is null."""
    return row(table, make), row(table, make, **{column: None})


def pair(table: str, make: Maker, **columns: object) -> Plant:
    """Plant two rows that share these columns, to be found by both ids."""

    def plant(world: World) -> Planted:
        ids = [world.insert(table, {**make(world), **columns})["id"] for _ in range(2)]
        return found(world, *ids)

    return plant


def change(op: str, table: str, old: Row | None = None, new: Row | None = None) -> Plant:
    """Plant a change that was made to a row, to be found by the row's id."""

    def plant(world: World) -> Planted:
        key = {"id": world.id()}
        world.given.append(noted(op, table, old and {**key, **old}, new and {**key, **new}))
        return found(world, key["id"])

    return plant


def noted(op: str, table: str, old: Row | None = None, new: Row | None = None) -> Insert:
    """Return what the change log would write of a change."""
    images = {"old": old and Jsonb(_plain(old)), "new": new and Jsonb(_plain(new))}
    return Insert("conformance.changes", ({"tbl": table, "op": op, **images},))


def all_of(plants: Mapping[str, Plant | tuple[Plant, ...]]) -> Mapping[str, tuple[Plant, ...]]:
    """Return plants by rule, each rule with at least one."""
    return {rule: each if isinstance(each, tuple) else (each,) for rule, each in plants.items()}


def starter(world: World) -> Row:
    """Make a starter."""
    return world.a_starter()


def creator(world: World) -> Row:
    """Make a creator."""
    return world.a_creator()


def team(world: World) -> Row:
    """Make a team."""
    return world.a_team()


def membership(world: World) -> Row:
    """Make a membership of nobody in nothing."""
    return world.a_membership(GHOST, GHOST)


def invitation(world: World) -> Row:
    """Make an invitation by nobody to nothing."""
    return world.an_invitation(GHOST, GHOST)


def project(world: World) -> Row:
    """Make a project of nothing."""
    return world.a_project(GHOST, GHOST)


def webhook(world: World) -> Row:
    """Make a webhook of nothing."""
    return world.a_webhook(GHOST, GHOST)


def delivery(world: World) -> Row:
    """Make a delivery to nothing."""
    return world.a_delivery(GHOST)


def key(world: World) -> Row:
    """Make a key of nobody."""
    return world.a_key(GHOST)


def asset(world: World) -> Row:
    """Make an asset of nobody."""
    return world.an_asset(GHOST)


def job(world: World) -> Row:
    """Make a job of nobody."""
    return world.a_job(GHOST)


def usage(world: World) -> Row:
    """Make a usage row of nobody."""
    return world.a_usage(urn_of_user(GHOST))


def system_asset(world: World) -> Row:
    """Make a system asset."""
    return world.a_system_asset()


def _plain(image: Row) -> Json:
    """Return a row as to_jsonb would have it."""
    return {
        name: each if isinstance(each, str | int | list | dict | None) else text(each)
        for name, each in image.items()
    }
