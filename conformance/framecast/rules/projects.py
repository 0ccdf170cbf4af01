"""Rules of projects."""

from conformance.engine.kinds.at_least import AtLeast
from conformance.engine.kinds.check import Check
from conformance.engine.kinds.keys import References
from conformance.engine.kinds.transitions import Transitions, legal
from conformance.framecast.model import judgements
from conformance.framecast.rules.rule import Holds, Rule

_ACTIVE = "j.status IN ('queued', 'processing')"
_WITH_ACTIVE = (
    "SELECT p.id::text FROM projects p WHERE p.status <> 'rendering' AND p.id IN"
    f" (SELECT j.project_id FROM jobs j WHERE j.project_id IS NOT NULL AND {_ACTIVE})"
)
_MOVES = Transitions(
    "projects",
    ("draft", "rendering", "completed", "archived"),
    legal(
        ">draft draft>rendering draft>archived rendering>completed rendering>draft"
        " completed>rendering completed>archived archived>draft"
    ),
)

RULES = (
    Rule.of(
        "INV-P1",
        "a project's status is one of the four",
        Check(
            "projects", "(status IN ('draft', 'rendering', 'completed', 'archived')) IS NOT TRUE"
        ),
        ("type project_status",),
    ),
    Rule.of(
        "INV-P2",
        "its team exists",
        References("projects", "team_id", "teams", "team"),
        ("inv_p2__projects_team_exists",),
    ),
    Rule.of(
        "INV-P3",
        "its creator exists",
        References("projects", "created_by", "users", "creator"),
        ("inv_p3__projects_creator_exists",),
    ),
    Rule.of(
        "INV-P4",
        "its created_at is not after its updated_at",
        Check("projects", "updated_at < created_at"),
        ("inv_p4__projects_created_not_after_updated",),
    ),
    Rule.of(
        "INV-P5",
        "a rendering project has an active job",
        AtLeast(
            1,
            "jobs j",
            per="j.project_id",
            parents="projects p",
            where=_ACTIVE,
            among="p.status = 'rendering'",
            counted=lambda state: (j.project for j in state.jobs.values() if j.active),
            needing=lambda state: (
                p.id for p in state.projects.values() if p.status == "rendering"
            ),
        ),
        ("inv_p5__projects_rendering_has_active_job",),
    ),
    Rule(
        "STATE-PROJECT",
        "a project is inserted draft. transition: draft → rendering or archived; rendering →"
        " completed or draft; completed → rendering or archived; archived → draft. A project"
        " with an active job is rendering (the converse of INV-P5), so only its job moves it in"
        " and out of that state. A job cannot be made in an archived project",
        ("projects", "jobs"),
        Holds.TRANSITION,
        (
            "state_project__projects_inserted_draft",
            "state_project__projects_status_moves_on",
            "state_project__projects_active_job_keeps_rendering",
        ),
        f"{_MOVES.violations} UNION ALL {_WITH_ACTIVE}",
        kind=_MOVES,
        model=judgements.idle_with_a_job,
    ),
    Rule(
        "AUTO-PROJECT",
        "a job moves its project to rendering when it is made, to completed when it completes, to"
        " draft when it fails or is canceled",
        ("projects", "jobs"),
        Holds.DERIVED,
        ("trigger jobs._500_move_project",),
        f"{_WITH_ACTIVE} UNION ALL "
        # What the last job to be made or to end asked for, and its transaction did not do.
        "SELECT c.id FROM (SELECT DISTINCT ON (new ->> 'project_id') new ->> 'project_id' AS id,"
        " began, CASE WHEN new ->> 'status' IN ('failed', 'canceled') THEN 'draft'"
        " WHEN new ->> 'status' = 'completed' THEN 'completed' ELSE 'rendering' END AS status"
        " FROM conformance.changes WHERE tbl = 'jobs' AND new ->> 'project_id' IS NOT NULL"
        " AND (op = 'INSERT' OR old ->> 'status' <> new ->> 'status'"
        " AND new ->> 'status' <> 'processing')"
        " ORDER BY new ->> 'project_id', seq DESC) c"
        " WHERE NOT EXISTS (SELECT FROM conformance.changes p WHERE p.tbl = 'projects'"
        " AND (p.op = 'UPDATE' AND p.new ->> 'id' = c.id AND p.new ->> 'status' = c.status"
        " OR p.op = 'DELETE' AND p.old ->> 'id' = c.id) AND p.began = c.began)",
    ),
)
