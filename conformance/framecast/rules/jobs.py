"""Rules of jobs and their events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.engine.kinds.at_most import AtMost
from conformance.engine.kinds.check import Check
from conformance.engine.kinds.keys import References, repeated
from conformance.engine.kinds.transitions import Transitions, legal
from conformance.framecast.model import judgements
from conformance.framecast.model.entities import FINISHED
from conformance.framecast.rules.rule import Holds, Rule, unowned, unowned_at_scale

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.framecast.model import State

_FINISHED = "status IN ('completed', 'failed', 'canceled')"
_ACTIVE = "j.status IN ('queued', 'processing')"
# The team that a URN names in either form, worked out apart from the schema's own function.
TEAM_OF_URN = (
    "CASE WHEN {0}::text LIKE 'framecast:user:%' THEN NULL"
    " WHEN {0}::text LIKE 'framecast:team:%' THEN substr({0}::text, 16, 36)"
    " WHEN {0}::text LIKE 'framecast:%' THEN substr({0}::text, 11, 36) END"
)

# As far as rows can tell: numbers that no count from one upwards gives.
_NUMBERED_TWICE = (
    f"{repeated('job_events', 'job_id', 'sequence')}"
    " UNION ALL SELECT id::text FROM job_events WHERE sequence < 1"
)
# Events whose number is not the rank that they have among all that were ever written for a job of
# that id, whether or not it was deleted and made again meanwhile.
_MISNUMBERED = (
    "SELECT new ->> 'id' FROM (SELECT new, {} AS n FROM conformance.changes"
    " WHERE tbl = 'job_events' AND op = 'INSERT') e WHERE (new ->> 'sequence')::bigint <> n"
)


def _busy_starters(state: State) -> Iterator[int]:
    """Return the starter of each active job of the model."""
    for job in state.jobs.values():
        user = state.users.get(job.user)
        if job.active and user is not None and user.tier == "starter":
            yield user.id


RULES = (
    Rule.of(
        "INV-J1",
        "a job's status is one of the five",
        Check(
            "jobs",
            "(status IN ('queued', 'processing', 'completed', 'failed', 'canceled')) IS NOT TRUE",
        ),
        ("type job_status",),
    ),
    Rule(
        "INV-J2",
        "a finished job has a completed_at, not before its created_at",
        ("jobs",),
        Holds.ALWAYS,
        ("inv_j2__jobs_finished_has_completed_at",),
        f"SELECT id::text FROM jobs WHERE (completed_at >= created_at) IS NOT TRUE AND {_FINISHED}",
    ),
    Rule.of(
        "INV-J3",
        "a processing job has a started_at",
        Check("jobs", "started_at IS NULL AND status = 'processing'"),
        ("inv_j3__jobs_processing_has_started_at",),
    ),
    Rule.of(
        "INV-J4",
        "a completed job has an output",
        Check(
            "jobs",
            "status = 'completed' AND coalesce(output, 'null') = 'null'",
            lambda j: j.status == "completed" and not j.output,
        ),
        ("inv_j4__jobs_completed_has_output",),
    ),
    Rule.of(
        "INV-J5",
        "a failed job has an error",
        Check(
            "jobs",
            "coalesce(error, 'null') = 'null' AND status = 'failed'",
            lambda j: j.status == "failed" and not j.error,
        ),
        ("inv_j5__jobs_failed_has_error",),
    ),
    Rule.of(
        "INV-J6",
        "a failed or canceled job has a failure_type",
        Check(
            "jobs",
            "status IN ('failed', 'canceled') AND failure_type IS NULL",
            lambda j: j.status in FINISHED and j.status != "completed" and j.failure is None,
        ),
        ("inv_j6__jobs_failed_or_canceled_has_failure_type",),
    ),
    Rule.of(
        "INV-J7",
        "a completed job has no failure_type",
        Check(
            "jobs",
            "failure_type IS NOT NULL AND status = 'completed'",
            lambda j: j.status == "completed" and j.failure is not None,
        ),
        ("inv_j7__jobs_completed_has_no_failure_type",),
    ),
    Rule.of(
        "INV-J8",
        "a job is never refunded more than it was charged",
        Check("jobs", "credits_refunded > credits_charged", lambda j: j.refunded > j.charged),
        ("inv_j8__jobs_refund_within_charge",),
    ),
    Rule.of(
        "INV-J9",
        "neither its charge nor its refund is negative",
        Check(
            "jobs",
            "credits_charged < 0 OR credits_refunded < 0",
            lambda j: j.refunded < 0 or j.charged < 0,
        ),
        ("inv_j9__jobs_credits_not_negative",),
    ),
    Rule.of(
        "INV-J10",
        "its created_at is not after its updated_at",
        Check("jobs", "updated_at < created_at"),
        ("inv_j10__jobs_created_not_after_updated",),
    ),
    Rule(
        "INV-J11",
        "a project's job is owned by framecast:team:… of that project's team",
        ("jobs", "projects"),
        Holds.ALWAYS,
        ("inv_j11__jobs_project_of_owning_team",),
        unowned("jobs"),
        unowned_at_scale("jobs"),
        model=judgements.other_teams_jobs,
    ),
    Rule(
        "INV-J12",
        "a project has at most one active job",
        ("jobs",),
        Holds.ALWAYS,
        ("inv_j12__jobs_one_active_per_project",),
        f"SELECT j.project_id::text FROM jobs j WHERE j.project_id IS NOT NULL AND {_ACTIVE}"
        " GROUP BY j.project_id HAVING count(*) > 1",
        model=lambda s: judgements.more(
            (j.project for j in s.jobs.values() if j.active and j.project is not None), 1
        ),
    ),
    Rule.of(
        "INV-J13",
        "the user who triggered it exists",
        References("jobs", "triggered_by", "users", "user"),
        ("inv_j13__jobs_trigger_exists",),
    ),
    Rule.of(
        "INV-TIME2",
        "a job's started_at is not before its created_at",
        Check("jobs", "started_at < created_at"),
        ("inv_time2__jobs_started_not_before_created",),
    ),
    Rule.of(
        "INV-TIME3",
        "a job's completed_at is not before its started_at",
        Check("jobs", "completed_at < started_at"),
        ("inv_time3__jobs_completed_not_before_started",),
    ),
    Rule.of(
        "CARD-5",
        "a team has at most 5 active jobs",
        AtMost(
            5,
            "jobs j",
            per=TEAM_OF_URN.format("j.owner"),
            where=_ACTIVE,
            counted=lambda state: (
                j.owner.team for j in state.jobs.values() if j.active and j.owner.team is not None
            ),
        ),
        ("card_5__jobs_team_has_at_most_5_active",),
        locks=True,
    ),
    Rule.of(
        "CARD-6",
        "a starter has at most 1 active job",
        AtMost(
            1,
            "jobs j JOIN users u ON u.id = j.triggered_by",
            per="u.id",
            where=f"u.tier = 'starter' AND {_ACTIVE}",
            also=("users",),
            counted=_busy_starters,
        ),
        (
            "card_6__jobs_starter_has_at_most_1_active",
            "card_6__memberships_leaves_starter_1_active",
        ),
        locks=True,
    ),
    Rule.of(
        "STATE-JOB",
        "a job is inserted queued. transition: queued → processing or canceled; processing →"
        " completed, failed or canceled; a finished job stays as it is, save that its refund may"
        " grow and that its project may go",
        Transitions(
            "jobs",
            ("queued", "processing", "completed", "failed", "canceled"),
            legal(
                ">queued queued>processing queued>canceled"
                " processing>completed processing>failed processing>canceled"
            ),
            also="op = 'UPDATE' AND old ->> 'status' IN ('completed', 'failed', 'canceled')"
            " AND (old - '{updated_at,credits_refunded,project_id}'::text[]"
            " <> new - '{updated_at,credits_refunded,project_id}'::text[]"
            " OR (new ->> 'credits_refunded')::int < (old ->> 'credits_refunded')::int"
            " OR new ->> 'project_id' <> coalesce(old ->> 'project_id', ''))",
        ),
        (
            "state_job__jobs_inserted_queued",
            "state_job__jobs_moves_on",
            "state_job__jobs_finished_stays",
        ),
        Holds.TRANSITION,
        locks=True,
    ),
    Rule(
        "SEQ-1",
        "a job's events are numbered 1, 2, 3 … in the order in which they commit; no number is"
        " used twice, even after old events were cleaned up",
        ("job_events",),
        Holds.ALWAYS,
        ("trigger job_events._500_number", "seq_1__job_events_number_used_once"),
        _MISNUMBERED.format("row_number() OVER (PARTITION BY new ->> 'job_id' ORDER BY seq)")
        + f" UNION ALL {_NUMBERED_TWICE}",
        locks=True,
    ),
    Rule(
        "SEQ-2",
        "whoever sees event n of a job sees every earlier one that was not cleaned up: a client"
        " that resumes after n misses nothing",
        ("job_events",),
        Holds.ALWAYS,
        ("trigger job_events._500_number",),
        "SELECT c.new ->> 'id' FROM conformance.changes c WHERE c.tbl = 'job_events'"
        " AND c.op = 'INSERT' AND NOT EXISTS (SELECT FROM job_events e"
        " WHERE e.id::text = c.new ->> 'id') AND NOT EXISTS (SELECT FROM conformance.changes d"
        " WHERE d.tbl = 'job_events' AND (d.op = 'TRUNCATE'"
        " OR d.op = 'DELETE' AND d.old ->> 'id' = c.new ->> 'id')) UNION ALL "
        # A number that nobody has written yet, below one that is there.
        + _MISNUMBERED.format(
            "row_number() OVER (PARTITION BY new ->> 'job_id'"
            " ORDER BY (new ->> 'sequence')::bigint, seq)"
        ),
        locks=True,
    ),
    Rule(
        "DEL-1",
        "a team with active jobs, a project with an active job, and an active job cannot be"
        " deleted",
        ("jobs", "projects", "teams"),
        Holds.TRANSITION,
        (
            "del_1__jobs_active_not_deleted",
            "del_1__jobs_active_keeps_its_project",
            "del_1__jobs_active_not_truncated",
            "del_1__projects_without_active_job",
            "del_1__teams_without_active_jobs",
        ),
        "SELECT old ->> 'id' FROM conformance.fresh WHERE tbl = 'jobs' AND op = 'DELETE'"
        " AND old ->> 'status' IN ('queued', 'processing')"
        " UNION ALL SELECT d.old ->> 'id' FROM conformance.fresh d JOIN jobs j ON"
        f" {TEAM_OF_URN.format('j.owner')} = d.old ->> 'id' AND {_ACTIVE}"
        " WHERE d.tbl = 'teams' AND d.op = 'DELETE'"
        # An active job has left the project, or is still in it.
        " UNION ALL SELECT d.old ->> 'id' FROM conformance.fresh d"
        " WHERE d.tbl = 'projects' AND d.op = 'DELETE' AND (EXISTS (SELECT FROM jobs j"
        f" WHERE j.project_id::text = d.old ->> 'id' AND {_ACTIVE}) OR EXISTS"
        " (SELECT FROM conformance.changes c WHERE c.tbl = 'jobs' AND c.op = 'UPDATE'"
        " AND c.old ->> 'project_id' = d.old ->> 'id' AND c.new ->> 'project_id' IS NULL"
        " AND c.new ->> 'status' IN ('queued', 'processing')))"
        # TRUNCATE notes no rows: they were active when last seen, and are gone without a word.
        " UNION ALL SELECT c.id FROM (SELECT DISTINCT ON (coalesce(new, old) ->> 'id')"
        " coalesce(new, old) ->> 'id' AS id, new ->> 'status' AS status FROM conformance.changes"
        " WHERE tbl = 'jobs' AND op <> 'TRUNCATE' ORDER BY coalesce(new, old) ->> 'id', seq DESC) c"
        " WHERE c.status IN ('queued', 'processing')"
        " AND EXISTS (SELECT FROM conformance.fresh WHERE op = 'TRUNCATE')"
        " AND NOT EXISTS (SELECT FROM jobs j WHERE j.id::text = c.id)",
    ),
    Rule(
        "AUTO-TIMES",
        "started_at and completed_at are set on the transitions that need them, when not given",
        ("jobs",),
        Holds.DERIVED,
        ("trigger jobs._100_set_times",),
        "SELECT id::text FROM jobs WHERE started_at IS NULL AND status = 'processing'"
        f" OR completed_at IS NULL AND {_FINISHED}",
    ),
    Rule(
        "AUTO-NUMBER",
        "events are numbered by the database, whatever number the client gave",
        ("job_events",),
        Holds.DERIVED,
        ("trigger job_events._500_number",),
        f"{_NUMBERED_TWICE} UNION ALL "
        # In rows alone, a number that is too high may be one that follows many that are gone.
        + _MISNUMBERED.format("row_number() OVER (PARTITION BY new ->> 'job_id' ORDER BY seq)"),
        locks=True,
    ),
)
