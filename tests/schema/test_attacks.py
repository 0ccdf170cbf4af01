"""Statements that a determined client tries, as the application's role and as the owner.

Each is tried at every isolation level, with names of PostgreSQL's that somebody has made again in
a schema of their own and put first on their search_path. COPY needs no place here: near misses
carry each rule's writes by it.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Final

import psycopg
import pytest

from conformance.engine.database.sandbox import Sandbox
from conformance.engine.sql.outcomes import Accepted
from conformance.framecast.rules import RULES
from strategies.world import World, urn_of_team

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.postgres.scratch import Database, Scratch, Template

LEVELS: Final = ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")
ROLES: Final = ("framecast_app", "NONE")
# The operators and functions that guards use, made again so that whoever finds them is told.
SHADOWS: Final = """
CREATE SCHEMA shadow; GRANT USAGE ON SCHEMA shadow TO PUBLIC;
DO $do$
DECLARE
    v record;
BEGIN
    FOR v IN SELECT o.oid, oprname, format_type(oprleft, NULL) AS l,
            format_type(oprright, NULL) AS r, format_type(oprresult, NULL) AS result
        FROM pg_operator AS o
        WHERE oprname IN ('=', '<>', '<', '>', '<=', '>=', '||', '->', '->>')
            AND oprleft::regtype::text IN ('uuid', 'text', 'integer', 'bigint',
                'timestamp with time zone', 'jsonb', 'anyenum')
    LOOP
        EXECUTE format('CREATE FUNCTION shadow.f%s(%s, %s) RETURNS %s LANGUAGE plpgsql AS '
            '''BEGIN RAISE ''''shadowed''''; END''', v.oid, v.l, v.r, v.result);
        EXECUTE format('CREATE OPERATOR shadow.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = '
            'shadow.f%s)', v.oprname, v.l, v.r, v.oid);
    END LOOP;
    FOR v IN SELECT proname, pg_get_function_identity_arguments(oid) AS arguments,
            pg_get_function_result(oid) AS result
        FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind = 'f'
            AND NOT '"any"'::regtype = ANY (proargtypes)
            AND proname IN ('now', 'clock_timestamp', 'lower', 'substr', 'format', 'hashtext',
                'md5', 'regexp_replace', 'jsonb_array_length', 'gen_random_uuid',
                'pg_current_xact_id', 'pg_postmaster_start_time', 'current_setting', 'split_part')
    LOOP
        EXECUTE format('CREATE FUNCTION shadow.%I(%s) RETURNS %s LANGUAGE plpgsql AS '
            '''BEGIN RAISE ''''shadowed''''; END''', v.proname, v.arguments, v.result);
    END LOOP;
END;
$do$;
CREATE DOMAIN shadow.uuid AS pg_catalog.text CHECK (false);
CREATE DOMAIN shadow.text AS pg_catalog.int4 CHECK (false);
CREATE DOMAIN shadow.job_status AS pg_catalog.int4 CHECK (false);
"""
# Empty tables of the same names, which come first as well.
TEMPORARY: Final = ";".join(
    f"CREATE TEMP TABLE {name} (LIKE public.{name}); GRANT ALL ON pg_temp.{name} TO PUBLIC"
    for name in ("users", "teams", "memberships", "jobs", "invitations", "projects")
)
CURSOR: Final = "DECLARE c CURSOR FOR SELECT * FROM public.{} WHERE {} FOR UPDATE; FETCH c; "
JOB: Final = "INSERT INTO public.jobs (owner, triggered_by, spec_snapshot) "
FULL: Final = JOB + "VALUES ('{urn}', '{owner}', '{{}}')"

# By name: statements of one transaction, and the rule that refuses them; '' where none has to.
# An equals sign of PostgreSQL's own is written ==.
ATTACKS: Final = {
    "a full team is given a job": (FULL, "CARD-5"),
    "a starter is given a second job": (
        JOB + "VALUES ('framecast:user:{starter}', '{starter}', '{{}}')",
        "CARD-6",
    ),
    "a job too many comes after a savepoint that held the guard": (
        f"SAVEPOINT s; DELETE FROM public.invitations; ROLLBACK TO s; {FULL}",
        "CARD-5",
    ),
    "the last owner is deleted through a cursor": (
        CURSOR.format("memberships", "user_id == '{owner}'")
        + "DELETE FROM public.memberships WHERE CURRENT OF c",
        "INV-T2",
    ),
    "a job is moved to another owner through a cursor": (
        CURSOR.format("jobs", "triggered_by == '{owner}' LIMIT 1")
        + "UPDATE public.jobs SET owner = 'framecast:user:{owner}' WHERE CURRENT OF c",
        "IMM-1",
    ),
    "an email that was invited is taken through a cursor": (
        CURSOR.format("users", "id == '{member}'")
        + "UPDATE public.users SET email = 'GUEST@example.com' WHERE CURRENT OF c",
        "INV-I8",
    ),
    "two users swap their ids": (
        (
            "UPDATE public.users SET id = CASE WHEN id == '{owner}' THEN"
            " '{member}'::pg_catalog.uuid"
            " ELSE '{owner}' END WHERE id == '{owner}' OR id == '{member}'"
        ),
        "IMM-1",
    ),
    "two memberships swap their teams": (
        (
            "UPDATE public.memberships SET team_id = CASE WHEN team_id == '{team}'"
            " THEN '{other}'::pg_catalog.uuid ELSE '{team}' END"
            " WHERE user_id == '{owner}' OR user_id == '{stranger}'"
        ),
        "IMM-1",
    ),
    "rows keep their ids": (
        (
            "UPDATE public.jobs SET id = id, owner = owner; UPDATE public.users SET id ="
            " id, email ="
            " email; UPDATE public.memberships SET id = id, team_id = team_id, user_id = user_id"
        ),
        "",
    ),
    "two members swap their roles": (
        (
            "UPDATE public.memberships SET role = CASE WHEN user_id == '{owner}' THEN 'member'"
            " ELSE 'owner' END::public.membership_role WHERE team_id == '{team}'"
        ),
        "",
    ),
    "an event brings its number": (
        (
            "INSERT INTO public.job_events (job_id, sequence, event_type) OVERRIDING USER VALUE"
            " SELECT id, 900, 'progress' FROM public.jobs"
        ),
        "",
    ),
    "a merge ends the owner's membership, and changes another": (
        (
            "MERGE INTO public.memberships AS m USING (VALUES ('{owner}'::pg_catalog.uuid),"
            " ('{member}'), ('{starter}')) AS v (id) ON m.user_id == v.id AND m.team_id == '{team}'"
            " WHEN MATCHED AND m.role == 'owner' THEN DELETE"
            " WHEN MATCHED THEN UPDATE SET role = 'viewer'"
            " WHEN NOT MATCHED THEN DO NOTHING"
        ),
        "INV-T2",
    ),
    "a merge lets a starter join beside who is demoted": (
        (
            "MERGE INTO public.memberships AS m USING (VALUES ('{member}'::pg_catalog.uuid),"
            " ('{starter}')) AS v (id) ON m.user_id == v.id AND m.team_id == '{team}'"
            " WHEN MATCHED THEN UPDATE SET role = 'viewer'"
            " WHEN NOT MATCHED THEN INSERT (team_id, user_id) VALUES ('{team}', v.id)"
        ),
        "INV-U3",
    ),
}
SINCE: Final = {
    # Of a major version on, what is no SQL before.
    "a merge ends what its source lacks": (
        17,
        (
            "MERGE INTO public.memberships AS m USING (VALUES"
            " ('{starter}'::pg_catalog.uuid)) AS v (id)"
            " ON m.user_id == v.id WHEN NOT MATCHED BY SOURCE AND m.role == 'owner' THEN DELETE"
            " RETURNING merge_action(), m.*"
        ),
        "INV-T2",
    ),
    "a merge returns what it makes": (
        17,
        (
            "WITH made AS (MERGE INTO public.jobs AS j USING (VALUES"
            " ('{starter}'::pg_catalog.uuid))"
            " AS v (id) ON false WHEN NOT MATCHED THEN INSERT (owner, triggered_by, spec_snapshot)"
            " VALUES (format('framecast:user:%s', v.id), v.id, '{{}}') RETURNING j.id)"
            " SELECT count(*) FROM made"
        ),
        "CARD-6",
    ),
    "an update returns the row before": (
        18,
        (
            "UPDATE public.jobs SET owner = 'framecast:user:{owner}' WHERE triggered_by =="
            " '{owner}'"
            " RETURNING WITH (OLD AS o, NEW AS n) o.owner, n.owner"
        ),
        "IMM-1",
    ),
}


class Attacked:
    """A world of two teams, of which one has all the jobs that it may have."""

    def __init__(self, database: Database, sandbox: Sandbox) -> None:
        """Make the rows."""
        world = World()
        team, owner = world.team()
        other, stranger = world.team()
        member, starter = world.member(team), world.starter()
        world.insert("invitations", world.an_invitation(team, owner, email="guest@example.com"))
        jobs = [world.job(owner, urn_of_team(team)) for _ in range(5)]
        world.insert("job_events", world.an_event(jobs[0]))
        world.job(starter)
        assert Accepted() == sandbox.session.transact(world.given)
        assert sandbox.keep("attacked")
        people = {"owner": owner, "member": member, "starter": starter, "stranger": stranger}
        named = {**people, "team": team, "other": other}
        self.names = {name: row["id"] for name, row in named.items()} | {"urn": urn_of_team(team)}
        self.sandbox = sandbox
        self.database = database

    def refused(self, statements: str, role: str, level: str, path: str) -> str:
        """Return the name by which one transaction is refused, and what is broken after it."""
        text = statements.format(**self.names).replace("==", "OPERATOR(pg_catalog.=)")
        begins = f"SET search_path = {path}; SET ROLE {role}; BEGIN ISOLATION LEVEL {level}"
        named = ""
        with self.database.connect() as client:
            client.execute(TEMPORARY.encode())
            try:
                client.execute(f"{begins}; {text}; COMMIT".encode())
            except psycopg.Error as error:
                named = error.diag.constraint_name or str(error)
        assert {} == self.sandbox.violations()
        self.sandbox.bring_back("attacked")
        return named


@pytest.fixture(scope="module")
def attacked(scratch: Scratch, template: Template) -> Iterator[Attacked]:
    """Rows to attack, which come back after each attack."""
    with (
        scratch.cloned(template, "attacked") as database,
        Sandbox(database.conninfo) as sandbox,
    ):
        sandbox.session.connection.execute(SHADOWS.encode())
        yield Attacked(database, sandbox)


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("path", ["public", "shadow, pg_temp, public, pg_catalog"])
def test_an_attack_is_refused_by_its_rule(attack: str, path: str, attacked: Attacked) -> None:
    """It is refused in the name of a rule, or leaves nothing that breaks one."""
    statements, rule = ATTACKS[attack]
    for role, level in product(ROLES, LEVELS):
        named = attacked.refused(statements, role, level, path)
        assert (rule and RULES[rule].token) == named[: len(RULES[rule].token) if rule else None]


@pytest.mark.parametrize("attack", SINCE)
def test_an_attack_of_a_later_major_is_refused(
    attack: str, attacked: Attacked, scratch: Scratch
) -> None:
    """A rule refuses the SQL of later majors there; before, it is none."""
    major, statements, rule = SINCE[attack]
    for role, level in product(ROLES, LEVELS):
        named = attacked.refused(statements, role, level, "public")
        if scratch.server.major < major:
            assert "syntax error" in named
        else:
            assert named.startswith(RULES[rule].token)
