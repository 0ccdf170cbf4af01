"""Foreign keys are asked in the order of their names, and cascade in whatever order there is."""

import re
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

from conformance.engine.database.sandbox import Sandbox
from conformance.engine.postgres import Request, Server, provision
from conformance.engine.postgres.scratch import Database, Scratch, Template, opened
from conformance.framecast.known_races import members
from conformance.framecast.races.harness import Harness
from conformance.framecast.races.runner import RaceRunner

MIGRATIONS = Path(__file__).parents[3] / "migrations"
KEYS = """
    SELECT k.conrelid::regclass || ' ' || g.tgfoid::regproc, k.conname::text, g.tgname::text
      FROM pg_constraint AS k
      JOIN pg_trigger AS g ON g.tgconstraint = k.oid AND g.tgrelid = k.conrelid
     WHERE k.contype = 'f'
     ORDER BY 1, g.tgname
"""
CASCADES_REVERSED = """
    SET LOCAL allow_system_table_mods = on;
    UPDATE pg_catalog.pg_trigger AS t
       SET tgname = 'RI_ConstraintTrigger_a_turned_' || lpad(n.place::text, 9, '0')
      FROM (
        SELECT g.oid, row_number() OVER (ORDER BY g.oid DESC) AS place
          FROM pg_catalog.pg_trigger AS g
         WHERE g.tgname LIKE 'RI\\_ConstraintTrigger\\_a\\_%'
      ) AS n
     WHERE n.oid = t.oid;
"""
SIX_DIGITS = 100_000  # a new server begins at 16,384


class Key(NamedTuple):
    """A foreign key, and the trigger by whose name PostgreSQL says when it is asked.

    Attributes:
        asked: the table, and whether on INSERT or on UPDATE.
        name: the key's.
        trigger: the trigger's.
    """

    asked: str
    name: str
    trigger: str

    @property
    def number(self) -> int:
        """The number in the trigger's name."""
        return int(re.sub(r"\D", "", self.trigger))


@pytest.fixture
def own() -> Iterator[Server]:
    """Start a server that is nobody else's, whatever was given: its numbers are used up."""
    with provision(Request()) as server:
        yield server


def keys_of(database: Database) -> list[Key]:
    """Return the foreign keys of each table in the order in which they are asked."""
    with database.connect() as connection:
        return [Key(*row) for row in connection.execute(KEYS)]


def in_order(keys: list[Key]) -> bool:
    """Each table's keys are asked in the order of their names, on INSERT and on UPDATE."""
    return all(one.name < other.name for one, other in pairwise(keys) if one.asked == other.asked)


def install(scratch: Scratch, folder: Path) -> list[Key]:
    """Return the keys of a new installation; it is new where the folder has not been used."""
    with scratch.cloned(scratch.template(folder)) as database:
        return keys_of(database)


def next_number(server: Server) -> int:
    """Use up one number of a server, and return the one after it."""
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        return int(connection.execute("SELECT lo_create(0)::bigint").fetchall()[0][0]) + 1


def use_up(server: Server, before: int) -> None:
    """Use up the numbers of a server up to one."""
    some = before - next_number(server)
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        connection.execute("SELECT count(lo_create(0)) FROM generate_series(1, %s)", [some])


def test_keys_are_asked_in_the_order_of_their_names(template: Template, scratch: Scratch) -> None:
    """Keys that pg_dump makes anew in the order of their names are asked as before."""
    with scratch.cloned(template, "keys") as database:
        keys = keys_of(database)

    assert len(keys) > 20
    assert in_order(keys), keys


@pytest.mark.parametrize(
    ("key", "last"),
    [
        ("inv_a6__api_keys_team_key_is_a_creators", "check_upd"),
        ("role_2__api_keys_maker_in_team", "check_ins"),
    ],
)
def test_another_digit_changes_no_order(key: str, last: str, own: Server, tmp_path: Path) -> None:
    """Where the numbers of a server get another digit in the midst of a table's keys."""
    again = Path(shutil.copytree(MIGRATIONS, tmp_path / "again"))
    (again / "999_again.sql").write_text("SELECT 'a template of its own';\n")
    with opened(own) as scratch:
        begun = next_number(own)
        (number,) = (
            each.number
            for each in install(scratch, MIGRATIONS)
            if each.name == key and each.asked.endswith(f'{last}"')
        )
        use_up(own, SIX_DIGITS - (number + 1 - begun))
        keys = install(scratch, again)

    numbers = {each.number < SIX_DIGITS for each in keys}
    assert {True, False} == numbers, keys
    assert in_order(keys), keys


def test_no_race_depends_on_what_is_cascaded_to_first(scratch: Scratch, tmp_path: Path) -> None:
    """Where all that goes with a row goes in the opposite order, nobody waits for each other."""
    schema = Path(shutil.copytree(MIGRATIONS, tmp_path / "migrations"))
    (schema / "999_cascades.sql").write_text(CASCADES_REVERSED)
    races = [race for race in members.KNOWN_RACES if "LOCK ORDER" in race.rules]

    assert len(races) > 5
    with (
        scratch.cloned(scratch.template(schema), "cascades") as database,
        Sandbox(database.conninfo) as sandbox,
        Harness(sandbox, database.conninfo) as harness,
    ):
        for race in races:
            RaceRunner(harness).run_all(race)
