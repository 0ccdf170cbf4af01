"""Data for measuring the audit: every table full, in the proportions of a product in use.

Of fifty rows one is a team; it has two members and one invitation, three projects, twelve jobs with
eighteen events, five assets, and so on. Rows are as wide as real ones: a storyboard of some scenes,
an output, payloads of webhooks. Everything keeps the rules, and is loaded with triggers off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

ROWS_OF_A_TEAM = 50

FUNCTIONS = """
CREATE FUNCTION pg_temp.uid(n bigint) RETURNS uuid IMMUTABLE RETURN md5('user ' || n)::uuid;
CREATE FUNCTION pg_temp.tid(n bigint) RETURNS uuid IMMUTABLE RETURN md5('team ' || n)::uuid;
CREATE FUNCTION pg_temp.pid(n bigint) RETURNS uuid IMMUTABLE RETURN md5('project ' || n)::uuid;
CREATE FUNCTION pg_temp.jid(n bigint) RETURNS uuid IMMUTABLE RETURN md5('job ' || n)::uuid;
CREATE FUNCTION pg_temp.hid(n bigint) RETURNS uuid IMMUTABLE RETURN md5('hook ' || n)::uuid;
CREATE FUNCTION pg_temp.scenes(n bigint) RETURNS jsonb IMMUTABLE RETURN jsonb_build_object(
    'title', 'Storyboard ' || n, 'fps', 30, 'scenes', jsonb_build_array(
        jsonb_build_object('text', repeat('A fox runs. ', 8), 'seconds', n % 9),
        jsonb_build_object('text', repeat('A hen looks. ', 8), 'seconds', n % 7)));
"""

# One statement a table; {teams} is how many teams there are. Team n has the owner n and the member
# {teams} + n; project n is of team 1 + n % {teams}, and so are job, asset and webhook n.
TABLES = {
    "users": """
        INSERT INTO users (id, email, name, tier, upgraded_at)
        SELECT pg_temp.uid(n), 'user' || n || '@example.com', 'User ' || n, 'creator', now()
        FROM generate_series(1, 2 * {teams}) AS n;
        INSERT INTO framecast.user_guards (user_id) SELECT id FROM users
    """,
    "teams": """
        INSERT INTO teams (id, name, slug, credits)
        SELECT pg_temp.tid(n), 'Team ' || n, 'team-' || n, 100
        FROM generate_series(1, {teams}) AS n;
        INSERT INTO framecast.team_guards (team_id) SELECT id FROM teams
    """,
    "memberships": """
        INSERT INTO memberships (team_id, user_id, role)
        SELECT pg_temp.tid(1 + (n - 1) % {teams}), pg_temp.uid(n),
            CASE WHEN n <= {teams} THEN 'owner' ELSE 'member' END::membership_role
        FROM generate_series(1, 2 * {teams}) AS n
    """,
    "invitations": """
        INSERT INTO invitations (team_id, invited_by, email, token, created_at, accepted_at)
        SELECT pg_temp.tid(n), pg_temp.uid(n), 'guest' || n || '@example.com', 'token ' || n,
            now() - interval '2 days', CASE WHEN n % 4 > 0 THEN now() - interval '1 day' END
        FROM generate_series(1, {teams}) AS n
    """,
    "projects": """
        INSERT INTO projects (id, team_id, owner, created_by, name, status, spec)
        SELECT pg_temp.pid(n), pg_temp.tid(1 + n % {teams}),
            'framecast:team:' || pg_temp.tid(1 + n % {teams}), pg_temp.uid(1 + n % {teams}),
            'Project ' || n, CASE n % 3 WHEN 0 THEN 'draft' ELSE 'completed' END::project_status,
            jsonb_build_object('title', 'Storyboard ' || n)
        FROM generate_series(1, 3 * {teams}) AS n;
        INSERT INTO framecast.project_specs (project_id, spec) SELECT id, spec FROM projects
    """,
    # One in 53 is active, and none of those has a project.
    "jobs": """
        INSERT INTO jobs (id, owner, triggered_by, project_id, status, spec_snapshot, output,
            output_size_bytes, error, failure_type, credits_charged, started_at, completed_at,
            created_at, updated_at)
        SELECT pg_temp.jid(n), 'framecast:team:' || pg_temp.tid(1 + n % {teams}),
            pg_temp.uid(1 + n % {teams}),
            CASE WHEN n % 53 > 0 AND n <= 6 * {teams}
                THEN pg_temp.pid(1 + (n - 1) % (3 * {teams})) END,
            s.status::job_status, pg_temp.scenes(n),
            CASE s.status WHEN 'completed' THEN jsonb_build_object(
                'video', 'https://cdn.example.com/videos/' || n || '.mp4', 'seconds', 30) END,
            1000000 + n, CASE s.status WHEN 'failed' THEN '{{"code": "oops"}}'::jsonb END,
            CASE s.status WHEN 'failed' THEN 'system' END::job_failure_type, 5,
            CASE WHEN s.status <> 'queued' THEN at END,
            CASE WHEN s.status IN ('completed', 'failed') THEN at END, at, at
        FROM generate_series(1, 12 * {teams}) AS n
        CROSS JOIN LATERAL (SELECT now() - n * interval '1 second',
            CASE WHEN n % 53 = 0 THEN 'queued' WHEN n % 20 = 1 THEN 'failed' ELSE 'completed' END
        ) AS s (at, status)
    """,
    "job_events": """
        INSERT INTO job_events (job_id, sequence, event_type, payload)
        SELECT pg_temp.jid(1 + (n - 1) / 6), 1 + (n - 1) % 6,
            CASE (n - 1) % 6 WHEN 0 THEN 'queued' WHEN 1 THEN 'started' WHEN 5 THEN 'completed'
                ELSE 'progress' END::job_event_type, jsonb_build_object('percent', n % 100)
        FROM generate_series(1, 18 * {teams}) AS n;
        INSERT INTO framecast.job_event_counters (job_id, last_sequence)
        SELECT pg_temp.jid(n), 6 FROM generate_series(1, 3 * {teams}) AS n
    """,
    "asset_files": """
        INSERT INTO asset_files (owner, uploaded_by, project_id, filename, s3_key, content_type,
            size_bytes, status, metadata)
        SELECT 'framecast:team:' || pg_temp.tid(1 + n % {teams}), pg_temp.uid(1 + n % {teams}),
            CASE WHEN n % 2 = 0 THEN pg_temp.pid(1 + (n - 1) % (3 * {teams})) END,
            'picture ' || n || '.png', 'uploads/' || md5(n::text) || '.png', 'image/png', 1000 + n,
            'ready', jsonb_build_object('width', 1920, 'height', 1080)
        FROM generate_series(1, 5 * {teams}) AS n
    """,
    "webhooks": """
        INSERT INTO webhooks (id, team_id, created_by, url, events, secret)
        SELECT pg_temp.hid(n), pg_temp.tid(n), pg_temp.uid(n),
            'https://hooks.example.com/teams/' || n, '{{job.completed,job.failed}}', md5(n::text)
        FROM generate_series(1, {teams} / 2) AS n
    """,
    "webhook_deliveries": """
        INSERT INTO webhook_deliveries (webhook_id, job_id, event_type, status, payload,
            response_status, response_body, attempts, delivered_at)
        SELECT pg_temp.hid(1 + n % ({teams} / 2)), pg_temp.jid(n), 'job.completed', 'delivered',
            jsonb_build_object('job', pg_temp.jid(n), 'text', repeat('It is done. ', 15)),
            200, 'thank you', 1, now()
        FROM generate_series(1, 3 * {teams}) AS n
    """,
    "usage": """
        INSERT INTO usage (owner, period, renders_count, credits_used)
        SELECT 'framecast:team:' || pg_temp.tid(1 + (n - 1) / 2),
            CASE n % 2 WHEN 0 THEN '2026-10' ELSE '2026-11' END, 5, 25
        FROM generate_series(1, 2 * {teams}) AS n
    """,
    "api_keys": """
        INSERT INTO api_keys (user_id, owner, key_prefix, key_hash, owner_tier, live_member_team_id)
        SELECT pg_temp.uid(n), 'framecast:' || pg_temp.tid(n) || ':' || pg_temp.uid(n), 'fc_',
            md5('key ' || n), 'creator', pg_temp.tid(n) FROM generate_series(1, {teams} / 2) AS n
    """,
}
# To build an index at the end takes a fraction of the time that it takes row by row.
SLEEP = """
UPDATE pg_index SET indisready = false, indisvalid = false WHERE indrelid = 'public.{}'::regclass
"""


def load(conn: psycopg.Connection[Any], rows: int) -> None:
    """Fill the tables of an installed schema with about so many rows in all."""
    conn.execute(FUNCTIONS)
    conn.execute("SET session_replication_role = replica")
    for table, script in TABLES.items():
        with conn.transaction():
            conn.execute(SLEEP.format(table).encode())
            teams = max(rows // ROWS_OF_A_TEAM, 2)
            conn.execute(script.format(teams=teams).encode(), prepare=False)
            conn.execute(f"REINDEX TABLE public.{table}".encode())
    conn.execute("SET session_replication_role = origin")
    conn.execute("VACUUM ANALYZE")
