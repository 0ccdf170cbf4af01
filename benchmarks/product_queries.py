"""Queries of a busy product, as data: each costs what it returns, and not what there is.

Every statement is about the rows of `benchmarks/query_cost.py`: `:job` and the like are its
ids. A query that the product gets, gets a line here.
"""

from types import MappingProxyType
from typing import Final

TEAM, USER = "'00000000-0000-4000-8000-00000000000a'", "'00000000-0000-4000-8000-000000000001'"
OWNER: Final = "'framecast:team:00000000-0000-4000-8000-00000000000a'"

QUERIES: Final = MappingProxyType(
    {
        "claim a job": (
            "SELECT id FROM jobs WHERE status = 'queued' ORDER BY created_at LIMIT 1"
            " FOR UPDATE SKIP LOCKED"
        ),
        "claim and start a job": (
            "UPDATE jobs SET status = 'processing' WHERE id = (SELECT id FROM jobs"
            " WHERE status = 'queued' ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED)"
        ),
        "list a team's jobs": (
            f"SELECT id, status, created_at FROM jobs WHERE owner = {OWNER}"
            " ORDER BY created_at DESC LIMIT 20"
        ),
        "turn a page of a team's jobs": (
            f"SELECT id, status, created_at FROM jobs WHERE owner = {OWNER}"
            " AND created_at < now() - interval '1 hour' ORDER BY created_at DESC LIMIT 20"
        ),
        "list all jobs, newest first": "SELECT id FROM jobs ORDER BY created_at DESC LIMIT 20",
        "list a team's projects": (
            f"SELECT id, name FROM projects WHERE team_id = {TEAM}"
            " ORDER BY updated_at DESC LIMIT 20"
        ),
        "search a team's projects": (
            "SELECT p.id, p.name FROM searchable_projects AS s JOIN projects AS p"
            f" ON p.id = s.project_id WHERE p.team_id = {TEAM}"
            """ AND s.spec @> '{"title": "Project 7"}'"""
        ),
        "resume a job's events": (
            "SELECT sequence, payload FROM job_events WHERE job_id = :job AND sequence > 2"
            " ORDER BY sequence LIMIT 100"
        ),
        "find deliveries to try again": (
            "SELECT id FROM webhook_deliveries WHERE status = 'retrying' AND next_retry_at <= now()"
            " ORDER BY next_retry_at LIMIT 10 FOR UPDATE SKIP LOCKED"
        ),
        "roll up usage": (
            f"INSERT INTO usage (owner, period, renders_count) VALUES ({OWNER}, '2026-01', 1)"
            " ON CONFLICT (owner, period) DO UPDATE SET renders_count = usage.renders_count + 1"
        ),
        "look a key up": "SELECT id, user_id, scopes FROM api_keys WHERE key_hash = 'hash'",
        "look a user up by email": (
            """SELECT id FROM users WHERE lower(email COLLATE "C") = 'user1@example.com' LIMIT 1"""
        ),
        "make a job": (
            "INSERT INTO jobs (owner, triggered_by, spec_snapshot)"
            f" VALUES ({OWNER}, {USER}, '{{}}')"
        ),
        "render a project": (
            "INSERT INTO jobs (owner, triggered_by, project_id, spec_snapshot)"
            f" VALUES ({OWNER}, {USER}, {TEAM}, '{{}}')"
        ),
        "make a starter's job": (
            "INSERT INTO jobs (owner, triggered_by, spec_snapshot)"
            " VALUES ('framecast:user:' || :starter, :starter, '{}')"
        ),
        "append an event": "INSERT INTO job_events (job_id, event_type) VALUES (:job, 'progress')",
        "delete a finished job": "DELETE FROM jobs WHERE id = :finished",
        "clean up ten events": "SELECT delete_old_job_events(10)",
        "clean up ten deliveries": "SELECT delete_old_webhook_deliveries(10)",
        "invite somebody": (
            "INSERT INTO invitations (team_id, invited_by, email, token)"
            f" VALUES ({TEAM}, {USER}, 'guest@example.com', 'token')"
        ),
        "invite somebody again": (
            "UPDATE invitations SET expires_at = now() + interval '7 days' WHERE token = 'old1'"
        ),
        "join a team": f"INSERT INTO memberships (team_id, user_id) VALUES ({TEAM}, :guest)",
        "leave a team": f"DELETE FROM memberships WHERE team_id = {TEAM} AND user_id = :member",
        "make a project": (
            f"INSERT INTO projects (team_id, created_by, name) VALUES ({TEAM}, {USER}, 'New')"
        ),
        "erase an account": "SELECT erase_user(:member)",
        "delete an account": "DELETE FROM users WHERE id = :nobody",
    }
)
