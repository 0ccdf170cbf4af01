"""The audit's look at what enforces the rules: every way to weaken it is seen, and named."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import psycopg
import pytest
from psycopg import sql

from conformance.engine.audit import enforcement, powers
from conformance.engine.audit.description import Description
from conformance.engine.audit.target import Limits, TargetError, reading
from conformance.engine.deployment import migrations
from conformance.engine.postgres import Server
from conformance.engine.postgres.scratch import Database, Scratch, Template

pytestmark = pytest.mark.usefixtures("roles_alone")
MIGRATIONS = "migrations"
TABLES = """
    SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
     WHERE schemaname IN ('public', 'framecast')
"""
CREDITS = "inv_t6__teams_credits_not_negative"
TRIGGER = "_500_number"
STRANGER = "framecast_conformance_stranger"


class Weakening(NamedTuple):
    """A weakening, and what the audit must say: about what, and how that begins."""

    did: str
    about: str
    what: str
    since: int = 15  # the first major that knows such a thing


WEAKENINGS = (
    Weakening(
        "CREATE UNIQUE INDEX one_email ON users (email)",
        "index public.one_email on public.users",
        "no part of the migrations",
    ),
    Weakening(
        "ALTER TABLE job_events DISABLE TRIGGER _500_number",
        "trigger _500_number on public.job_events",
        "disabled",
    ),
    Weakening(
        "ALTER TABLE job_events ENABLE REPLICA TRIGGER _500_number",
        "trigger _500_number on public.job_events",
        "firing on replicas only",
    ),
    Weakening(
        "DROP TRIGGER _500_number ON job_events",
        "trigger _500_number on public.job_events",
        "missing",
    ),
    Weakening(
        "ALTER TABLE job_events DISABLE TRIGGER ALL",
        "the triggers of job_events_job_exists on public.job_events",
        "disabled",
    ),
    Weakening(
        f"ALTER TABLE teams DROP CONSTRAINT {CREDITS}",
        f"constraint {CREDITS} on public.teams",
        "missing",
    ),
    Weakening(
        f"ALTER TABLE teams DROP CONSTRAINT {CREDITS},"
        f" ADD CONSTRAINT {CREDITS} CHECK (credits >= 0) NOT VALID",
        f"constraint {CREDITS} on public.teams",
        "not validated: rows from before may break it",
    ),
    Weakening(
        f"ALTER TABLE teams DROP CONSTRAINT {CREDITS}, "
        f"ADD CONSTRAINT {CREDITS} CHECK (credits >= -9)",
        f"constraint {CREDITS} on public.teams",
        "not as the migrations make it: it lacks 'CHECK ((credits >= 0))'",
    ),
    Weakening(
        "ALTER TABLE jobs ALTER CONSTRAINT inv_j13__jobs_trigger_exists NOT ENFORCED",
        "constraint inv_j13__jobs_trigger_exists on public.jobs",
        "not enforced",
        since=18,
    ),
    Weakening(
        "ALTER TABLE memberships DROP CONSTRAINT inv_m5__memberships_user_exists,"
        " ADD CONSTRAINT inv_m5__memberships_user_exists FOREIGN KEY (user_id) REFERENCES users"
        " ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;"
        # Names end in a number that grows, but are compared as text: 100001 comes before 99999.
        " UPDATE pg_trigger SET tgname = 'RI_ConstraintTrigger_c_9999999' || oid"
        " WHERE tgname ~ '^RI_ConstraintTrigger_c_' AND tgconstraint = ("
        "SELECT oid FROM pg_constraint WHERE conname = 'inv_m5__memberships_user_exists')",
        "constraint inv_u3__memberships_user_is_creator on public.memberships",
        "asked before a key whose name comes first",
    ),
    Weakening(
        "ALTER TABLE memberships DROP CONSTRAINT inv_m5__memberships_user_exists,"
        " DROP CONSTRAINT inv_m6__memberships_team_exists,"
        " ADD CONSTRAINT inv_m6__memberships_team_exists FOREIGN KEY (team_id) REFERENCES teams,"
        " ADD CONSTRAINT inv_m5__memberships_user_exists FOREIGN KEY (user_id) REFERENCES users",
        "constraint inv_m6__memberships_team_exists on public.memberships",
        "not as the migrations make it: it lacks 'FOREIGN KEY",
    ),
    Weakening(
        "UPDATE pg_index SET indisvalid = false"
        " WHERE indexrelid = 'inv_t3__teams_slug_unique'::regclass",
        "index public.inv_t3__teams_slug_unique on public.teams",
        "not valid: it neither finds nor refuses what it should",
    ),
    Weakening(
        "DROP INDEX inv_j12__jobs_one_active_per_project",
        "index public.inv_j12__jobs_one_active_per_project on public.jobs",
        "missing",
    ),
    Weakening(
        "CREATE OR REPLACE FUNCTION framecast.email_key(p_email text) RETURNS text"
        " LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN p_email",
        "function framecast.email_key(text)",
        "not as the migrations make it: it lacks 'RETURN lower(",
    ),
    Weakening(
        "ALTER FUNCTION framecast.email_key(text) VOLATILE",
        "function framecast.email_key(text)",
        "not as the migrations make it: ",
    ),
    Weakening(
        "CREATE FUNCTION framecast.tg_spoil() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN RETURN NEW; END'; CREATE TRIGGER zz_spoil BEFORE UPDATE ON jobs"
        " FOR EACH ROW EXECUTE FUNCTION framecast.tg_spoil()",
        "trigger zz_spoil on public.jobs",
        "no part of the migrations",
    ),
    Weakening(
        "CREATE RULE silence AS ON DELETE TO jobs DO INSTEAD NOTHING",
        "rule silence on public.jobs",
        "no part of the migrations",
    ),
    Weakening(
        "ALTER TABLE users ADD nick text", "column public.users.nick", "no part of the migrations"
    ),
    Weakening(
        "ALTER TABLE users ALTER credits SET DEFAULT 100",
        "column public.users.credits",
        "not as the migrations make it: it lacks 'integer NOT NULL DEFAULT 0'",
    ),
    Weakening(
        "CREATE TABLE more_users () INHERITS (users)",
        "child table public.more_users",
        "no part of the migrations",
    ),
    Weakening(
        "ALTER TYPE user_tier ADD VALUE 'guest'",
        "type public.user_tier",
        "not as the migrations make it: it lacks \"'starter', 'creator'\"",
    ),
    Weakening(
        f"COMMENT ON CONSTRAINT {CREDITS} ON teams IS 'another rule'",
        f"comment constraint {CREDITS} on public.teams",
        "not as the migrations make it: ",
    ),
    Weakening(
        "ALTER TABLE users ENABLE ROW LEVEL SECURITY",
        "relation public.users",
        "not as the migrations make it: ",
    ),
    Weakening(
        f"GRANT INSERT ON framecast.user_guards TO {STRANGER}",
        f"privilege INSERT on framecast.user_guards to {STRANGER}",
        "no part of the migrations",
    ),
    Weakening(
        f"GRANT TRIGGER, TRUNCATE ON jobs TO {STRANGER}",
        f"role {STRANGER}",
        "has TRIGGER, TRUNCATE on 1 table, jobs",
    ),
    Weakening(
        f"GRANT SET ON PARAMETER session_replication_role TO {STRANGER}",
        f"role {STRANGER}",
        "may SET session_replication_role, which silences triggers",
    ),
    Weakening(
        f"ALTER ROLE {STRANGER} SET session_replication_role = replica",
        f"role {STRANGER}",
        "begins each session with session_replication_role=replica, which silences triggers",
    ),
    Weakening(
        f"GRANT pg_execute_server_program TO {STRANGER}",
        f"role {STRANGER}",
        "may become a superuser, or write past the triggers, as a member of "
        "pg_execute_server_program",
    ),
    Weakening(
        f"ALTER TABLE usage OWNER TO {STRANGER}",
        f"role {STRANGER}",
        "owns 1 object of the schema, such as usage",
    ),
    Weakening(
        "DO $$BEGIN EXECUTE format("
        "'GRANT TEMPORARY ON DATABASE %I TO PUBLIC', current_database()); END$$",
        "privilege TEMPORARY on the database to PUBLIC",
        "no part of the migrations",
    ),
)
# Rows as a copy of `public` alone leaves them, without the schema's own books.
COPIED = """
SET session_replication_role = replica;
INSERT INTO projects (team_id, owner, created_by, name, spec)
SELECT id, 'framecast:team:' || id, gen_random_uuid(), 'Harbour', '{}' FROM gen_random_uuid() AS id;
INSERT INTO job_events (job_id, sequence, event_type) VALUES (gen_random_uuid(), 7, 'progress');
SET session_replication_role = origin;
"""
LACKING = {
    "books framecast.job_event_counters": (
        "jobs have events with a higher number than is counted: once those are cleaned up, numbers "
        "are used twice"
    ),
    "books framecast.project_specs": "projects are searched by another spec than they have",
}


@pytest.fixture(scope="module")
def expected(scratch: Scratch, pytestconfig: pytest.Config) -> Description:
    """Describe what the migrations make."""
    files = migrations.load(pytestconfig.rootpath / MIGRATIONS)
    return enforcement.expected_of(scratch, files)


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
        connection.execute(sql.SQL("REASSIGN OWNED BY {} TO CURRENT_USER").format(role))
        connection.execute(sql.SQL("DROP OWNED BY {}").format(role))
        connection.execute(sql.SQL("DROP ROLE {}").format(role))


def faults_of(database: Database, expected: Description) -> list[tuple[str, str]]:
    """Return what the audit finds, and what about."""
    with reading(database.conninfo, Limits()) as connection:
        section = enforcement.inspect(connection, expected)
    assert section.asked
    assert all(fault.remedy for fault in section.faults)
    return [(fault.about, fault.what) for fault in section.faults]


def test_a_fresh_installation_is_as_it_should_be(target: Database, expected: Description) -> None:
    """Where nobody has changed anything, nothing is found, and the superusers are named."""
    with reading(target.conninfo, Limits()) as connection:
        section = enforcement.inspect(connection, expected)

    assert [] == section.faults
    assert [True] == ["superusers: " in note for note in section.notes]
    assert len(expected) > 700


@pytest.mark.parametrize("weakening", WEAKENINGS, ids=lambda each: each.did[:60])
def test_a_weakening_is_named(
    weakening: Weakening,
    target: Database,
    owner: psycopg.Connection[Any],
    expected: Description,
    server: Server,
) -> None:
    """Every weakening of a rule and every added power is found."""
    if server.major < weakening.since:
        with pytest.raises(psycopg.errors.SyntaxError):
            owner.execute(weakening.did.encode())
        return
    owner.execute(weakening.did.encode())

    found = faults_of(target, expected)

    assert any(
        about == weakening.about and what.startswith(weakening.what) for about, what in found
    ), found


def test_a_member_of_the_owner_is_named(
    target: Database, owner: psycopg.Connection[Any], expected: Description
) -> None:
    """A member of the role that owns the tables may do what the owner may, and is named."""
    master = "framecast_conformance_master"
    owner.execute(f"CREATE ROLE {master}".encode())
    for (table,) in owner.execute(TABLES).fetchall():
        owner.execute(f"ALTER TABLE {table} OWNER TO {master}".encode())
    owner.execute(f"GRANT {master} TO {STRANGER}".encode())
    found = faults_of(target, expected)
    owner.execute(f"REASSIGN OWNED BY {master} TO CURRENT_USER".encode())
    owner.execute(f"DROP ROLE {master}".encode())

    assert (f"role {STRANGER}", f"is a member of the owner, {master}") in found


def test_an_application_that_may_do_more_is_named(owner: psycopg.Connection[Any]) -> None:
    """Attributes and memberships by which the application goes around its rights are found."""
    with owner.transaction(force_rollback=True):
        owner.execute("ALTER ROLE framecast_app BYPASSRLS")
        owner.execute("GRANT pg_write_all_data TO framecast_app")
        faults, _ = powers.look(owner)

    assert {
        "may do more than an application should: BYPASSRLS",
        "may do more than an application should: it is a member of pg_write_all_data",
    } == {fault.what for fault in faults if fault.about == "role framecast_app"}


def test_books_that_were_left_behind_are_named(
    target: Database, owner: psycopg.Connection[Any], expected: Description
) -> None:
    """Events that nobody has counted, and specs that nobody can search, are found."""
    owner.execute(COPIED)

    assert LACKING == dict(faults_of(target, expected))


def test_another_major_says_nothing_of_this_one(server: Server) -> None:
    """A scratch server of another major than the target's is refused, with the way out."""
    asked = {"database_url": server.conninfo}

    with (
        pytest.raises(TargetError, match=f"--postgres {server.major + 1}"),
        enforcement.scratch_of(server.major + 1, asked, {}),
    ):
        pass
