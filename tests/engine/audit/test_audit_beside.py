"""Notes, and no findings, on what stands beside the rules on a target."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from conformance.engine.audit import drift, enforcement
from conformance.engine.audit.description import Description, describe
from conformance.engine.audit.target import Limits, reading
from conformance.engine.deployment import migrations
from conformance.engine.postgres.scratch import Database, Scratch, Template

pytestmark = pytest.mark.usefixtures("roles_alone")
MIGRATIONS = Path(__file__).parents[3] / "migrations"
STRANGER = "framecast_conformance_bystander"


@pytest.fixture(scope="module")
def expected(scratch: Scratch) -> Description:
    """Describe what the migrations make."""
    return enforcement.expected_of(scratch, migrations.load(MIGRATIONS))


@pytest.fixture
def target(scratch: Scratch, template: Template) -> Iterator[Database]:
    """Lend a database in use."""
    with scratch.cloned(template, "target") as database:
        yield database


@pytest.fixture
def owner(target: Database) -> Iterator[psycopg.Connection[Any]]:
    """Connect to it as its owner; a role who has no business there is gone afterwards."""
    role = sql.Identifier(STRANGER)
    with target.connect() as connection:
        connection.execute(sql.SQL("CREATE ROLE {}").format(role))
        yield connection
        connection.execute(sql.SQL("DROP OWNED BY {}").format(role))
        connection.execute(sql.SQL("DROP ROLE {}").format(role))


def test_who_publishes_no_books_is_told(
    target: Database, owner: psycopg.Connection[Any], expected: Description
) -> None:
    """A publication of clients' tables alone is mentioned, with what a subscriber lacks."""
    owner.execute("CREATE PUBLICATION part FOR TABLE job_events, projects")
    owner.execute("CREATE PUBLICATION users FOR TABLE users")
    owner.execute("CREATE PUBLICATION every FOR TABLES IN SCHEMA public, framecast")
    with reading(target.conninfo, Limits()) as connection:
        section = enforcement.inspect(connection, expected)

    assert [] == section.faults
    (note,) = [note for note in section.notes if note.startswith("publication")]
    assert note == (
        "publication part leaves out framecast.job_event_counters, framecast.project_specs:"
        " whoever subscribes to it cannot take over"
    )


def test_what_stands_beside_the_schema_is_a_note(
    target: Database, owner: psycopg.Connection[Any], expected: Description
) -> None:
    """Other tables, and roles who only read, weaken no rule: they are mentioned."""
    owner.execute(
        "CREATE TABLE reports (id integer PRIMARY KEY, of_user uuid REFERENCES users,"
        " by_team uuid REFERENCES teams)"
    )
    owner.execute(f"GRANT SELECT ON users, teams TO {STRANGER}".encode())
    with reading(target.conninfo, Limits()) as connection:
        section = enforcement.inspect(connection, expected)

    assert [] == section.faults
    assert "relation public.reports is no part of the migrations" in section.notes
    assert (
        f"{STRANGER} has 2 privileges that the migrations do not give, such as"
        " SELECT on public.teams"
    ) in section.notes


def test_an_index_that_refuses_nothing_is_a_note(
    target: Database, owner: psycopg.Connection[Any], expected: Description
) -> None:
    """An index that somebody made to read faster takes nothing away."""
    owner.execute("CREATE INDEX faster ON users (created_at)")
    with reading(target.conninfo, Limits()) as connection:
        section = enforcement.inspect(connection, expected)
    owner.execute("DROP INDEX faster")

    assert [] == section.faults
    assert (
        "index public.faster on public.users is no part of the migrations, and refuses nothing"
    ) in section.notes


def test_what_others_have_not_finished_is_theirs(
    target: Database, owner: psycopg.Connection[Any], expected: Description
) -> None:
    """Of a table of others, no state is a finding; of ours, their objects are, once each."""
    owner.execute(
        "CREATE TABLE theirs (a int, of_user uuid, EXCLUDE USING gist (int4range(a, a) WITH &&));"
        " ALTER TABLE theirs ADD CHECK (a > 0) NOT VALID, ADD FOREIGN KEY (of_user)"
        " REFERENCES users NOT VALID;"
        " ALTER TABLE users ADD CONSTRAINT apart EXCLUDE USING btree (id WITH =);"
        " ALTER TABLE users ADD CONSTRAINT cheap CHECK (credits < 9) NOT VALID;"
        " CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        " CREATE TRIGGER stop BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION note();"
        " ALTER TABLE users DISABLE TRIGGER stop"
    )
    with reading(target.conninfo, Limits()) as connection:
        section = enforcement.inspect(connection, expected)

    assert {
        f"{each} on public.users": {drift.REMOVE}
        for each in ("constraint apart", "constraint cheap", "trigger stop")
    } == {fault.about: {fault.remedy} for fault in section.faults}
    assert 3 == len(section.faults)
    assert not [note for note in section.notes if "refuses nothing" in note]


def test_what_others_have_beside_the_rules_is_a_note(
    target: Database, owner: psycopg.Connection[Any], expected: Description
) -> None:
    """Partitions of tables that are not ours, and triggers that log what was written, are notes."""
    owner.execute(
        "CREATE TABLE log (at date) PARTITION BY RANGE (at);"
        " CREATE TABLE log_2026 PARTITION OF log FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');"
        " CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN INSERT INTO log VALUES (now()); RETURN NULL; END';"
        " CREATE TRIGGER noted AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION note()"
    )
    with reading(target.conninfo, Limits()) as connection:
        section = enforcement.inspect(connection, expected)
    owner.execute("DROP TABLE log; DROP FUNCTION note CASCADE")

    assert [] == section.faults
    assert any("trigger noted on public.users is no part" in note for note in section.notes)


@pytest.mark.parametrize("schema", ["public", "log"])
@pytest.mark.parametrize(
    "body",
    [
        "DELETE FROM public.webhooks; RETURN NULL;",
        "PERFORM public.purge(); RETURN NULL;",
        "update Only users SET name = 1; RETURN NULL;",
        "RAISE EXCEPTION $x$no user may change$x$;",
        "RAISE $x$none$x$;",
        "ASSERT NEW.name IS NULL; RETURN NULL;",
    ],
)
def test_a_trigger_of_others_that_does_more_than_log_is_told(
    body: str,
    schema: str,
    target: Database,
    owner: psycopg.Connection[Any],
    expected: Description,
) -> None:
    """A trigger after each write that refuses it, or writes what rules speak of, is no note."""
    owner.execute(
        "CREATE SCHEMA log;"
        " CREATE FUNCTION purge() RETURNS void LANGUAGE sql AS 'DELETE FROM public.webhooks'"
    )
    owner.execute(
        f"CREATE FUNCTION {schema}.meddle() RETURNS trigger LANGUAGE plpgsql AS "
        f"$f$BEGIN {body} END$f$;"
        " CREATE TRIGGER meddled AFTER UPDATE ON users FOR EACH ROW"
        f" EXECUTE FUNCTION {schema}.meddle('some', 'words')".encode()
    )
    with reading(target.conninfo, Limits()) as connection:
        section = enforcement.inspect(connection, expected)
    owner.execute(f"DROP FUNCTION {schema}.meddle CASCADE; DROP SCHEMA log CASCADE".encode())
    owner.execute("DROP FUNCTION purge")

    assert ["trigger meddled on public.users"] == [fault.about for fault in section.faults]


def test_what_the_migrations_validate_later_is_a_note(
    target: Database, owner: psycopg.Connection[Any], expected: Description
) -> None:
    """A constraint that the files add as NOT VALID is so on the target, and no drift."""
    owner.execute("ALTER TABLE users ADD CONSTRAINT later CHECK (name <> 'x') NOT VALID")
    with reading(target.conninfo, Limits()) as connection:
        meant = describe(connection)
        section = enforcement.inspect(connection, meant)
    with reading(target.conninfo, Limits()) as connection:
        alone = [fault.about for fault in enforcement.inspect(connection, expected).faults]
    owner.execute("ALTER TABLE users DROP CONSTRAINT later")

    assert [] == section.faults
    called = "constraint later on public.users"
    assert f"{called} is not validated yet, as the migrations have it" in section.notes
    assert {called} == set(alone)


def test_what_applied_files_have_taken_away_is_told(expected: Description) -> None:
    """A rule is off where the applied files drop what enforces it; on a whole schema none is."""
    assert [] == enforcement.switched_off(expected)
    dropped = {key: each for key, each in expected.items() if "inv_t6__" not in key[1]}

    [note] = enforcement.switched_off(dropped)
    assert note == (
        "INV-T6 is off there: the applied files do not make inv_t6__teams_credits_not_negative, "
        "or have taken it away"
    )
