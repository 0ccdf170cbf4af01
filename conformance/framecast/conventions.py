"""Conventions of Framecast's schema: what it keeps in `framecast`, and does on purpose."""

from __future__ import annotations

from typing import Final

from conformance.engine.domain.conventions import Book, Conventions

BOOKS: Final = (
    Book(
        "framecast.job_event_counters",
        "job_events",
        (
            "jobs have events with a higher number than is counted: once those are cleaned up, "
            "numbers are used twice"
        ),
        """
        SELECT e.job_id::text
        FROM (SELECT job_id, max(sequence) AS last FROM public.job_events GROUP BY job_id) AS e
        LEFT JOIN framecast.job_event_counters AS c USING (job_id)
        WHERE e.last > coalesce(c.last_sequence, 0)
        """,
    ),
    Book(
        "framecast.project_specs",
        "projects",
        "projects are searched by another spec than they have",
        """
        SELECT coalesce(p.id, s.project_id)::text
        FROM public.projects AS p FULL JOIN framecast.project_specs AS s ON s.project_id = p.id
        WHERE p.spec IS DISTINCT FROM s.spec
        """,
    ),
)
ON_PURPOSE: Final = {
    ("framecast.snapshot_is_old", "current_setting('transaction_isolation')"): (
        "TRUNCATE sees rows by its own snapshot; who has an old one is refused"
    ),
    **{
        (f"column framecast.{guards}.{column}", reads): (
            "a guard is written once in a transaction, and tells which that was"
        )
        for guards in ("user_guards", "team_guards")
        for column, reads in (
            ("written_in", "pg_current_xact_id()"),
            ("server_start", "pg_postmaster_start_time()"),
        )
    },
    ("framecast.tg_teams__make_slug", "pg_try_advisory_xact_lock()"): (
        "it makes a slug, and refuses nothing: two who look for one do not wait"
    ),
    ("framecast.tg_teams__make_slug", "pg_advisory_xact_lock_shared()"): (
        "who brings a slug waits for whoever has just made one up, in one case of 256 for another"
    ),
    **dict.fromkeys(
        (
            ("public.delete_old_job_events", "ctid"),
            ("public.delete_old_webhook_deliveries", "ctid"),
        ),
        "a row is deleted by its place, which the statement has just locked",
    ),
    ("framecast.tg__reject_truncate_beside_parent", "made-up text"): (
        "the parent's name is the trigger's argument"
    ),
    **dict.fromkeys(
        (
            (
                f"trigger framecast.{books}._300_own_1__{books}_kept_by_schema",
                "pg_trigger_depth()",
            )
            for books in ("user_guards", "team_guards", "job_event_counters", "project_specs")
        ),
        "the schema's own triggers write its books, and nobody else",
    ),
}
ROLE_AT: Final = """
-- The role that a user had in a team just before a change; null for none.
CREATE FUNCTION conformance.role_at(p_team text, p_user text, p_seq bigint) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN c.op IN ('INSERT', 'UPDATE') THEN c.new ->> 'role' END
    FROM conformance.changes AS c
    WHERE c.tbl = 'memberships'
        AND c.seq < p_seq
        AND (
            c.op = 'TRUNCATE'
            OR coalesce(c.new, c.old) ->> 'team_id' = p_team
            AND coalesce(c.new, c.old) ->> 'user_id' = p_user
        )
    ORDER BY c.seq DESC
    LIMIT 1
$$;
"""
CONVENTIONS: Final = Conventions(
    helpers=("framecast",),
    reject="framecast.reject",
    books=BOOKS,
    on_purpose=ON_PURPOSE,
    rights=("PERM-1", "OWN-1"),
    functions=ROLE_AT,
)
