"""Cost of the product's queries: the blocks that each touches, at two sizes of the tables.

A block counts whether it was found in memory or read; the triggers, keys and indexes of a statement
count with it, and so does the catalogue. Each is asked twice in a session, and counted the second
time.

    python -m benchmarks.query_cost
    python -m benchmarks.query_cost --rows 2000 200000 --postgres 15
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psycopg

from benchmarks.product_queries import OWNER, QUERIES, TEAM, USER
from conformance.engine.postgres import Request, provision
from conformance.engine.postgres.scratch import opened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.engine.postgres.scratch import Scratch, Template

MIGRATIONS = Path(__file__).parent.parent / "migrations"

NAMES: Final = {
    ":job": "'00000000-0000-4000-8000-0000000000e1'",
    ":finished": "'00000000-0000-4000-8000-0000000000e2'",
    ":starter": "'00000000-0000-4000-8000-0000000000c1'",
    ":member": "'00000000-0000-4000-8000-0000000000c2'",
    ":nobody": "'00000000-0000-4000-8000-0000000000c3'",
    ":guest": "'00000000-0000-4000-8000-0000000000c4'",
}
ROWS: Final = f"""
SET session_replication_role = replica;
INSERT INTO users (id, email, tier, upgraded_at) VALUES
    ({USER}, 'user1@example.com', 'creator', now()),
    ({NAMES[":member"]}, 'user2@example.com', 'creator', now()),
    ({NAMES[":guest"]}, 'user5@example.com', 'creator', now());
INSERT INTO users (id, email) VALUES
    ({NAMES[":starter"]}, 'user3@example.com'), ({NAMES[":nobody"]}, 'user4@example.com');
INSERT INTO users (email) SELECT 'many' || n || '@example.com' FROM generate_series(1, %(n)s) AS n;
INSERT INTO teams (id, name, slug) VALUES ({TEAM}, 'Team', 'team');
INSERT INTO teams (name, slug) SELECT 'Team', 'team-' || n FROM generate_series(1, %(n)s / 10) AS n;
INSERT INTO memberships (team_id, user_id, role) VALUES
    ({TEAM}, {USER}, 'owner'), ({TEAM}, {NAMES[":member"]}, 'member');
INSERT INTO memberships (team_id, user_id, role)
SELECT t.id, u.id, 'owner' FROM
    (SELECT id, row_number() OVER () AS n FROM teams WHERE id <> {TEAM}) AS t
    JOIN (SELECT id, row_number() OVER () AS n FROM users WHERE email LIKE 'many%%') AS u USING (n);
INSERT INTO memberships (team_id, user_id, role)
SELECT id, {NAMES[":member"]}, 'admin' FROM teams WHERE slug = 'team-1';
INSERT INTO memberships (team_id, user_id, role)
SELECT {TEAM}, id, 'viewer' FROM users WHERE email LIKE 'many%%' LIMIT %(n)s / 10;
INSERT INTO invitations (team_id, invited_by, email, token)
SELECT id, {USER}, 'guest' || slug || '@example.com', slug FROM teams WHERE slug LIKE 'team-%%';
INSERT INTO invitations (team_id, invited_by, email, token, created_at, expires_at)
SELECT {TEAM}, {USER}, 'old' || n || '@example.com', 'old' || n, now() - interval '9 days',
    now() - interval '2 days'
FROM generate_series(1, %(n)s) AS n;
INSERT INTO projects (id, team_id, owner, created_by, name, spec)
VALUES ({TEAM}, {TEAM}, {OWNER}, {USER}, 'Project', '{{"title": "Project"}}');
INSERT INTO projects (team_id, owner, created_by, name, spec)
SELECT {TEAM}, {OWNER}, {USER}, 'Project', jsonb_build_object('title', 'Project ' || n)
FROM generate_series(1, %(n)s / 10) AS n;
INSERT INTO framecast.project_specs SELECT id, spec FROM projects;
INSERT INTO jobs (owner, triggered_by, spec_snapshot, status, completed_at, created_at)
SELECT CASE n %% 100 WHEN 0 THEN {OWNER} ELSE 'framecast:team:' || md5(n %% 999 || '')::uuid END,
    {USER}, '{{}}', 'canceled', now(), now() - n * interval '1 minute'
FROM generate_series(1, %(n)s) AS n;
INSERT INTO jobs (id, owner, triggered_by, spec_snapshot, status, completed_at) VALUES
    ({NAMES[":job"]}, {OWNER}, {USER}, '{{}}', 'canceled', now()),
    ({NAMES[":finished"]}, {OWNER}, {USER}, '{{}}', 'canceled', now());
INSERT INTO jobs (owner, triggered_by, spec_snapshot, created_at)
SELECT 'framecast:user:' || u.id, u.id, '{{}}', now() - n * interval '3 minutes'
FROM (SELECT id, row_number() OVER () AS n FROM users WHERE email LIKE 'many%%') AS u
WHERE n <= %(n)s / 50;
INSERT INTO job_events (job_id, sequence, event_type, created_at)
SELECT j.id, n, 'progress', now() - (n * interval '1 hour')
FROM jobs AS j CROSS JOIN generate_series(1, 5) AS n;
UPDATE job_events SET created_at = now() - (200 + random()) * interval '1 hour'
WHERE id IN (SELECT id FROM job_events LIMIT %(n)s / 10);
INSERT INTO webhooks (id, team_id, created_by, url, events, secret)
VALUES ({TEAM}, {TEAM}, {USER}, 'https://h', '{{job.failed}}', 's');
INSERT INTO webhook_deliveries (webhook_id, event_type, payload, created_at, status, next_retry_at)
SELECT {TEAM}, 'job.failed', '{{}}', now() - n * interval '2 minutes',
    (CASE n %% 100 WHEN 0 THEN 'retrying' ELSE 'failed' END)::webhook_delivery_status, now()
FROM generate_series(1, %(n)s) AS n;
INSERT INTO usage (owner, period)
SELECT 'framecast:user:' || u.id, '2026-01' FROM users AS u;
INSERT INTO api_keys (user_id, owner, key_prefix, key_hash)
SELECT u.id, 'framecast:user:' || u.id, 'fc', u.id FROM users AS u;
SET session_replication_role = origin;
"""
NOW: Final = "SET CONSTRAINTS ALL IMMEDIATE"
READ: Final = "SELECT blks_hit + blks_read FROM pg_stat_database WHERE datname = current_database()"


def measured(scratch: Scratch, template: Template, size: int) -> dict[str, int]:
    """Return the blocks that each query touches, with tables of about so many rows."""
    with scratch.cloned(template, f"size_{size}") as database:
        with database.connect() as connection:
            filled(connection, size)
        return {name: touched(database.conninfo, query) for name, query in QUERIES.items()}


def filled(connection: psycopg.Connection[Any], size: int) -> None:
    """Fill the tables with about so many rows."""
    psycopg.ClientCursor(connection).execute(ROWS.encode(), {"n": size})
    connection.execute("VACUUM ANALYZE")


def touched(conninfo: str, query: str) -> int:
    """Return the blocks that a statement touches when a session asks it for the second time.

    What its triggers ask at COMMIT is among them.
    """
    for name, value in NAMES.items():
        query = query.replace(name, value)
    counts = []
    with (
        psycopg.connect(conninfo, autocommit=True, prepare_threshold=None) as connection,
        psycopg.connect(conninfo, autocommit=True) as watcher,
    ):
        for _ in range(2):
            connection.execute("SELECT pg_stat_force_next_flush()")
            before = watcher.execute(READ).fetchall()[0][0]
            connection.execute("SELECT pg_stat_force_next_flush()")
            connection.execute(f"BEGIN; {query}; {NOW}; ROLLBACK".encode())
            connection.execute("SELECT pg_stat_force_next_flush()")
            counts.append(watcher.execute(READ).fetchall()[0][0] - before)
    return int(counts[1])


def table(sizes: Sequence[int], found: Sequence[dict[str, int]]) -> list[str]:
    """Return it in Markdown: a line each query, a column each size."""
    heads = " | ".join(f"{size:,} rows" for size in sizes)
    return [
        f"| query | {heads} |",
        "|---" * (len(sizes) + 1) + "|",
        *(
            f"| {name} | " + " | ".join(str(each[name]) for each in found) + " |"
            for name in QUERIES
        ),
    ]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[2_000, 200_000])
    parser.add_argument("--postgres", type=int, help="a major version")
    given = parser.parse_args()
    with provision(Request(major=given.postgres)) as server, opened(server) as scratch:
        template = scratch.template(MIGRATIONS)
        found = [measured(scratch, template, size) for size in given.rows]
        print(server.origin, *table(given.rows, found), sep="\n")


if __name__ == "__main__":
    main()
