"""Near misses of the rules of projects: INV-P1 to INV-P4, and STATE-PROJECT.

INV-P5 and AUTO-PROJECT, which are as much about jobs, are in `rendering`.
"""

from typing import Final

from hypothesis import strategies as st

from conformance.engine.cases.scenario import Scenario, ViolatesSeveral, Ways
from conformance.engine.sql.writes import Insert, Path, Row, Update
from strategies.enums import PROJECT_STATUS
from strategies.near_misses.job_projects import a_finished_job, a_project_job
from strategies.near_misses.jobs import ACTIVE, FINISHED
from strategies.near_misses.relations import parent
from strategies.near_misses.rendering import end, status_is
from strategies.near_misses.times import created_before_updated
from strategies.near_misses.ways import (
    Draw,
    by_shape,
    fixed,
    label,
    scenarios,
)
from strategies.world import World, urn_of_team

# What people may do without a job.
STEPS: Final = {"draft": "archived", "completed": "archived", "archived": "draft"}


def project(world: World) -> Row:
    """Make a draft of a team whose owner has another team as well."""
    team, owner = world.team()
    world.owned_team(owner)
    return world.a_project(team, owner)


def members_project(world: World) -> Row:
    """Make a draft of somebody who is the last of no team."""
    team, _ = world.team()
    return world.a_project(team, world.member(team))


def project_in(world: World, status: str, job_status: str = "processing") -> Row:
    """Insert a project, and bring it into a state; a rendering one has a job of some status."""
    row = world.insert("projects", project(world))
    if status == "rendering":
        world.move(world.insert("jobs", a_project_job(world, row)), job_status)
    elif status == "completed":
        a_finished_job(world, row, "completed")
    elif status == "archived":
        world.given.append(into(row, "archived"))
    return row


# Whoever is made to render without a job breaks this as well.
NO_JOB = frozenset({"INV-P5"})
UNRENDERED = "a project that renders without its job is one that INV-P5 forbids"


def into(row: Row, status: str) -> Update:
    """Return the update of a project into a state."""
    return Update("projects", {"id": row["id"]}, {"status": status}, row)


@scenarios
def transitions(world: World, draw: Draw) -> Scenario:
    """From one state, take the step that people may take, and none; then try every other state.

    Where only a job could take the step, INV-P5 refuses it.
    """
    status = draw(st.sampled_from(PROJECT_STATUS))
    row = project_in(world, status, draw(st.sampled_from(ACTIVE)))
    legal = [status]
    moved = []
    if status in STEPS:
        legal.append(STEPS[status])
        moved.append((into(project_in(world, status), STEPS[status]),))
    return Scenario(
        given=(tuple(world.given),),
        legal=((into(row, status),), *moved),
        broken=tuple(
            ViolatesSeveral(
                (into(row, after),), NO_JOB if after == "rendering" else frozenset(), UNRENDERED
            )
            for after in PROJECT_STATUS
            if after not in legal
        ),
    )


@scenarios
def inserted(world: World, draw: Draw) -> Scenario:
    """Insert a draft, in so many words or not; then a project in every other state."""
    team, owner = world.team()
    given: Row = {"status": "draft"} if draw(st.booleans()) else {}
    return Scenario(
        given=(tuple(world.given),),
        legal=((Insert("projects", (world.a_project(team, owner, **given),)),),),
        broken=tuple(
            ViolatesSeveral(
                (Insert("projects", (world.a_project(team, owner, status=status),)),),
                NO_JOB if status == "rendering" else frozenset(),
                UNRENDERED,
            )
            for status in PROJECT_STATUS
            if status != "draft"
        ),
    )


@scenarios
def inserted_many(world: World, draw: Draw) -> Scenario:
    """Insert two drafts; then one with one that is in another state."""
    team, owner = world.team()
    other = draw(st.sampled_from([status for status in PROJECT_STATUS if status != "draft"]))
    statuses = draw(st.sampled_from((("draft", other), (other, "draft"))))
    return Scenario(
        given=(tuple(world.given),),
        legal=((Insert("projects", tuple(world.a_project(team, owner) for _ in range(2))),),),
        broken=(
            ViolatesSeveral(
                (
                    Insert(
                        "projects",
                        tuple(world.a_project(team, owner, status=status) for status in statuses),
                    ),
                ),
                NO_JOB if other == "rendering" else frozenset(),
                UNRENDERED,
            ),
        ),
    )


@scenarios
def jobs_made(world: World, draw: Draw) -> Scenario:
    """Make jobs in a project that is a draft, done or unarchived; then in an archived one.

    To unarchive it and to make the job may be one transaction, in that order.
    """
    first = project_in(world, draw(st.sampled_from(("draft", "completed"))))
    back, archived = project_in(world, "archived"), project_in(world, "archived")
    job = Insert("jobs", (a_project_job(world, first),))
    unarchived = Insert("jobs", (a_project_job(world, back),))
    bad = Insert("jobs", (a_project_job(world, archived),))
    draft = into(back, "draft")
    together = draw(st.booleans())
    return Scenario(
        given=(tuple(world.given),),
        legal=((job,), *(((draft, unarchived),) if together else ((draft,), (unarchived,)))),
        facts=(status_is(first, "rendering"), status_is(back, "rendering")),
        broken=((bad,), (into(archived, "draft"), into(archived, "archived"), bad)),
    )


@scenarios
def jobs_ended(world: World, draw: Draw) -> Scenario:
    """End the job of a project, and archive it, in one transaction; then archive a rendering one.

    A project that was completed is not made a draft but by way of the archive.
    """
    status = draw(st.sampled_from(FINISHED))
    rows = [world.insert("projects", project(world)) for _ in range(2)]
    first, second = (world.insert("jobs", a_project_job(world, row)) for row in rows)
    world.move(first, "processing")
    world.move(second, "processing")
    other = "draft" if status == "completed" else "completed"
    return Scenario(
        given=(tuple(world.given),),
        legal=((end(first, status), into(rows[0], "archived")),),
        facts=(status_is(rows[0], "archived"),),
        broken=(
            (into(rows[1], "archived"),),
            (into(rows[1], "draft"), end(second, status)),
            (end(second, status), into(rows[1], other)),
        ),
    )


@scenarios
def brought_in(world: World, _draw: Draw) -> Scenario:
    """Leave a job in no project; then move it into an archived one; IMM-1 refuses as well."""
    row = project_in(world, "archived")
    user, team = {"id": row["created_by"]}, {"id": row["team_id"]}
    job = world.job(user, urn_of_team(team))
    to = {"project_id": row["id"]}
    return Scenario(
        given=(tuple(world.given),),
        legal=((Update("jobs", {"id": job["id"]}, {"project_id": None}, job),),),
        broken=(fixed(Update("jobs", {"id": job["id"]}, to, job)),),
    )


PASSES: Final = "compares a row before and after an update, and is asked of rows that stay"

WAYS: dict[str, Ways] = {
    "INV-P1": label(
        "projects",
        project,
        "status",
        "project_status",
        legal=st.just("draft"),
        also=frozenset({"STATE-PROJECT"}),
    ),
    "INV-P2": parent(
        "projects", project, "team_id", "teams", cascades=True, also=frozenset({"ROLE-2"})
    ),
    "INV-P3": parent(
        "projects",
        members_project,
        "created_by",
        "users",
        cascades=False,
        also=frozenset({"ROLE-2"}),
    ),
    "INV-P4": created_before_updated("projects", project),
    "STATE-PROJECT": by_shape(
        insert=inserted,
        insert_many=inserted_many,
        update=transitions,
        reasons=dict.fromkeys((Path.DELETE, Path.CASCADE, Path.TRUNCATE), PASSES),
        move=brought_in,
        other=st.one_of(jobs_made, jobs_ended),
    ),
}
