"""Data for benchmarks: a schema full of teams and jobs, and bare copies of its tables.

Everything is loaded with triggers off, so loading takes seconds; what is loaded keeps the rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

ACTIVE_OF_TEAM = 4  # one below the cap, so that each team has room for the job that is measured

# A user's id and a team's, from a number: nothing needs to be looked up.
LOAD = """
CREATE FUNCTION pg_temp.uid(n bigint) RETURNS uuid IMMUTABLE RETURN md5('user ' || n)::uuid;
CREATE FUNCTION pg_temp.tid(n bigint) RETURNS uuid IMMUTABLE RETURN md5('team ' || n)::uuid;

-- Each team has an owner and a member, who are in no other team.
INSERT INTO public.users (id, email, tier, upgraded_at)
SELECT pg_temp.uid(n), 'user' || n || '@example.com', 'creator', now()
FROM generate_series(1, 2 * {teams}) AS n;

INSERT INTO public.teams (id, name, slug)
SELECT pg_temp.tid(n), 'Team ' || n, 'team-' || n FROM generate_series(1, {teams}) AS n;

INSERT INTO public.memberships (team_id, user_id, role)
SELECT pg_temp.tid(1 + n % {teams}), pg_temp.uid(n),
    CASE WHEN n <= {teams} THEN 'owner' ELSE 'member' END::public.membership_role
FROM generate_series(1, 2 * {teams}) AS n;

INSERT INTO framecast.user_guards (user_id) SELECT id FROM public.users;
INSERT INTO framecast.team_guards (team_id) SELECT id FROM public.teams;

-- The indexes of jobs sleep meanwhile: to build them at the end takes a fraction of the time.
UPDATE pg_index SET indisready = FALSE, indisvalid = FALSE
WHERE indrelid = 'public.jobs'::regclass;

-- As many active jobs of teams as the cap leaves room for; the other active ones are creators' own.
INSERT INTO public.jobs (
    owner, triggered_by, status, spec_snapshot, started_at, created_at, updated_at
)
SELECT
    'framecast:' || CASE
        WHEN n <= {active_of_team} * {teams} THEN 'team:' || pg_temp.tid(1 + n % {teams})
        ELSE 'user:' || pg_temp.uid(1 + n % (2 * {teams}))
    END,
    pg_temp.uid(CASE
        WHEN n <= {active_of_team} * {teams} THEN {teams} + n % {teams} ELSE 1 + n % (2 * {teams})
    END),
    CASE n % 2 WHEN 0 THEN 'queued' ELSE 'processing' END::public.job_status,
    jsonb_build_object('scenes', n),
    now(), now() - n * interval '1 second', now()
FROM generate_series(1, {active}) AS n;

INSERT INTO public.jobs (
    owner, triggered_by, status, spec_snapshot, output, started_at, completed_at,
    created_at, updated_at
)
SELECT
    'framecast:team:' || pg_temp.tid(1 + n % {teams}), pg_temp.uid({teams} + n % {teams}),
    'completed',
    jsonb_build_object('scenes', n), jsonb_build_object('video', n), at, at, at, at
FROM generate_series(1, {finished}) AS n
CROSS JOIN LATERAL (SELECT now() - n * interval '10 seconds') AS t (at);

REINDEX TABLE public.jobs;
"""

# A column as it is without its domain: the domain's checks are constraints too.
COLUMNS = """
SELECT string_agg(
    format('%%I %%s%%s%%s', a.attname,
        format_type(coalesce(nullif(t.typbasetype, 0), a.atttypid), a.atttypmod),
        CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END,
        CASE WHEN a.attgenerated = '' THEN ' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid) END
    ), ', ' ORDER BY a.attnum)
FROM pg_attribute AS a
JOIN pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped
"""
INDEXES = "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = %s::regclass"
FOREIGN_KEYS = """
SELECT pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = %s::regclass AND contype = 'f'
"""


@dataclass(frozen=True)
class Size:
    """Size of a data set, in numbers of rows.

    Attributes:
        teams: each with two members.
        active: jobs, of which each team has at most 4.
        finished: jobs, all of teams.
    """

    teams: int
    active: int
    finished: int


def load(conn: psycopg.Connection[Any], size: Size) -> None:
    """Fill the tables of an installed schema."""
    numbers = {
        "teams": size.teams,
        "active": size.active,
        "finished": size.finished,
        "active_of_team": ACTIVE_OF_TEAM,
    }
    script = LOAD.format(**numbers)
    with conn.transaction():
        conn.execute("SET LOCAL session_replication_role = replica")
        conn.execute(script.encode(), prepare=False)


def copy_bare(conn: psycopg.Connection[Any], schema: str, *, foreign_keys: bool) -> None:
    """Copy jobs and what they refer to, with keys and indexes, without checks and triggers.

    Args:
        conn: autocommits.
        schema: the name of the schema to make for the copies.
        foreign_keys: whether those are copied too.
    """
    with conn.transaction():
        conn.execute("SET LOCAL search_path = pg_catalog")  # so that definitions name schemas
        conn.execute(f"CREATE SCHEMA {schema}".encode())
        for table in ("users", "projects", "jobs"):
            _copy(conn, table, schema, foreign_keys=foreign_keys and table == "jobs")


def _copy(conn: psycopg.Connection[Any], table: str, schema: str, *, foreign_keys: bool) -> None:
    origin, copy = f"public.{table}", f"{schema}.{table}"
    columns = conn.execute(COLUMNS, [origin]).fetchone()
    assert columns
    conn.execute(f"CREATE TABLE {copy} ({columns[0]})".encode())
    conn.execute(f"INSERT INTO {copy} TABLE {origin}".encode())
    for (index,) in conn.execute(INDEXES, [origin]).fetchall():
        conn.execute(index.replace(f" ON {origin} ", f" ON {copy} ").encode())
    if foreign_keys:
        for (key,) in conn.execute(FOREIGN_KEYS, [origin]).fetchall():
            conn.execute(
                f"ALTER TABLE {copy} ADD {key.replace(' public.', f' {schema}.')}".encode()
            )
