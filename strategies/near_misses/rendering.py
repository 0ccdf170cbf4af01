"""Near misses of how a project moves with its jobs: INV-P5 and AUTO-PROJECT."""

from dataclasses import replace
from itertools import product
from typing import Final

from hypothesis import strategies as st

from conformance.engine.cases.scenario import Fact, Scenario, ViolatesSeveral, Ways
from conformance.engine.sql.writes import (
    Delete,
    Insert,
    Path,
    PlainWrite,
    RawSql,
    Row,
    Truncate,
    Update,
    statements,
)
from strategies.enums import JOB_FAILURE_TYPE
from strategies.near_misses.job_projects import ENDED, a_finished_job, a_project_job, rendered
from strategies.near_misses.jobs import FINISHED
from strategies.near_misses.ways import Draw, by_shape, fixed, scenarios
from strategies.world import NEEDS, World, steps_to, urn_of_team

AFTER: Final = {"completed": "completed", "failed": "draft", "canceled": "draft"}


def end(job: Row, status: str) -> Update:
    """Return the update that ends a processing job."""
    return Update("jobs", {"id": job["id"]}, {"status": status, **NEEDS[status]}, job)


def status_is(project: Row, status: str, *, side: bool = True) -> Fact:
    """Return the fact that a project is in a state."""
    query = f"SELECT status::text FROM public.projects WHERE id = '{project['id']}'"
    return Fact(query, status, side=side)


# INV-P5


@scenarios
def rendering_alone(world: World, draw: Draw) -> Scenario:
    """Let a job move a project to rendering, and write it as it is; then move one without a job.

    The one without was never rendered, or is done. STATE-PROJECT refuses an archived one as well.
    """
    team, owner = world.team()
    good = world.project(team, owner)
    world.insert("jobs", a_project_job(world, good))
    before = draw(st.sampled_from(("draft", "completed", "failed", "canceled", "archived")))
    bad = world.project(team, owner)
    if before in FINISHED:
        a_finished_job(world, bad, before)
    elif before == "archived":
        world.given.append(Update("projects", {"id": bad["id"]}, {"status": "archived"}))
    rendering = {"status": "rendering"}
    return Scenario(
        given=(tuple(world.given),),
        legal=((Update("projects", {"id": good["id"]}, rendering, good),),),
        broken=(
            ViolatesSeveral(
                (Update("projects", {"id": bad["id"]}, rendering, bad),),
                frozenset({"STATE-PROJECT"}) if before == "archived" else frozenset(),
                "STATE-PROJECT refuses the way from archived to rendering",
            ),
        ),
    )


UNBORN = "STATE-PROJECT refuses whatever is inserted rendering"
KEPT = "DEL-1 refuses the end of every active job, in a project or not"


@scenarios
def inserted_rendering(world: World, _draw: Draw) -> Scenario:
    """Insert a draft; then a project that renders. STATE-PROJECT refuses as well."""
    team, owner = world.team()
    good = world.a_project(team, owner)
    bad = world.a_project(team, owner, status="rendering")
    return Scenario(
        given=(tuple(world.given),),
        legal=((Insert("projects", (good,)),),),
        broken=(
            ViolatesSeveral((Insert("projects", (bad,)),), frozenset({"STATE-PROJECT"}), UNBORN),
        ),
    )


@scenarios
def inserted_rendering_many(world: World, draw: Draw) -> Scenario:
    """Insert two drafts; then one with one that renders. STATE-PROJECT refuses as well."""
    team, owner = world.team()
    statuses = draw(st.permutations(("draft", "rendering")))
    good = tuple(world.a_project(team, owner, status="draft") for _ in range(2))
    bad = tuple(world.a_project(team, owner, status=status) for status in statuses)
    return Scenario(
        given=(tuple(world.given),),
        legal=((Insert("projects", good),),),
        broken=(ViolatesSeveral((Insert("projects", bad),), frozenset({"STATE-PROJECT"}), UNBORN),),
    )


@scenarios
def job_ended(world: World, draw: Draw) -> Scenario:
    """End a project's job: the project goes on by itself, and cannot go back without a job."""
    team, owner = world.team()
    project = world.project(team, owner)
    job = world.insert("jobs", a_project_job(world, project))
    world.move(job, "processing")
    rendering = Update("projects", {"id": project["id"]}, {"status": "rendering"}, project)
    finish = end(job, draw(ENDED))
    return Scenario(
        given=(tuple(world.given),), legal=((finish,),), broken=((rendering,), (rendering,))
    )


@scenarios
def job_taken(world: World, _draw: Draw) -> Scenario:
    """Take the one active job from a project, for another or for none; IMM-1 refuses as well."""
    team, owner = world.team()
    project, other = world.project(team, owner), world.project(team, owner)
    job = world.insert("jobs", a_project_job(world, project))
    changes: tuple[Row, ...] = ({"project_id": other["id"]}, {"project_id": None})
    key = {"id": job["id"]}
    return Scenario(
        given=(tuple(world.given),),
        legal=((Update("jobs", key, {"project_id": project["id"]}, job),),),
        broken=tuple(fixed(Update("jobs", key, change, job)) for change in changes),
    )


@scenarios
def job_deleted(world: World, draw: Draw) -> Scenario:
    """Delete a finished job of a rendering project; then the active one. DEL-1 refuses as well."""
    project, ended = rendered(world, draw(ENDED))
    job = world.insert("jobs", a_project_job(world, project))
    return Scenario(
        given=(tuple(world.given),),
        legal=((Delete("jobs", {"id": ended["id"]}),),),
        broken=(ViolatesSeveral((Delete("jobs", {"id": job["id"]}),), frozenset({"DEL-1"}), KEPT),),
    )


@scenarios
def jobs_truncated(world: World, draw: Draw) -> Scenario:
    """Truncate jobs while a project renders. DEL-1 refuses as well."""
    project, _ = rendered(world, draw(ENDED))
    job = a_project_job(world, project)
    return Scenario(
        given=(tuple(world.given),),
        legal=((Truncate(("jobs",)),), (Insert("jobs", (job,)),)),
        broken=(ViolatesSeveral((Truncate(("jobs",)),), frozenset({"DEL-1"}), KEPT),),
    )


# AUTO-PROJECT


@scenarios
def follows(world: World, draw: Draw) -> Scenario:
    """Make a job in a project that was never rendered, or is done: the project renders.

    A project that another job is about stays as it is.
    """
    team, owner = world.team()
    project, other = world.project(team, owner), world.project(team, owner)
    before = draw(st.sampled_from(("draft", *FINISHED)))
    if before != "draft":
        a_finished_job(world, project, before)
    row = a_project_job(world, project)
    return Scenario(
        given=(tuple(world.given),),
        legal=((Insert("jobs", (row,)),),),
        facts=(status_is(project, "rendering"), status_is(other, "draft", side=False)),
    )


@scenarios
def follow_many(world: World, draw: Draw) -> Scenario:
    """Make jobs of two projects and of none at once: both render, and a third does not."""
    team, owner = world.team()
    projects = [world.project(team, owner) for _ in range(3)]
    rows = [a_project_job(world, project) for project in projects[:2]]
    rows = draw(st.permutations([*rows, world.a_job(owner, urn_of_team(team))]))
    return Scenario(
        given=(tuple(world.given),),
        legal=((Insert("jobs", tuple(rows)),),),
        facts=(
            *(status_is(project, "rendering") for project in projects[:2]),
            status_is(projects[2], "draft", side=False),
        ),
    )


@scenarios
def follows_to_end(world: World, draw: Draw) -> Scenario:
    """Start a job, and end it: its project renders until then, and goes where the end says."""
    team, owner = world.team()
    project, other = world.project(team, owner), world.project(team, owner)
    job = world.insert("jobs", a_project_job(world, project))
    world.insert("jobs", a_project_job(world, other))
    status = draw(ENDED)
    start, finish = steps_to(job, status)
    if draw(st.booleans()) and status == "canceled":
        return Scenario(
            given=(tuple(world.given),),
            legal=((finish,),),
            facts=(status_is(project, "draft"), status_is(other, "rendering", side=False)),
        )
    if draw(st.booleans()):
        return Scenario(
            given=(tuple(world.given),),
            legal=((start,),),
            facts=(status_is(project, "rendering", side=False),),
        )
    return Scenario(
        given=((*world.given, start),),
        legal=((finish,),),
        facts=(status_is(project, AFTER[status]), status_is(other, "rendering", side=False)),
    )


@scenarios
def follows_each_end(world: World, draw: Draw) -> Scenario:
    """End jobs in every way, for every reason: their projects go where the ends say."""
    team, owner = world.team()
    other = world.project(team, owner)
    ends = (("completed", None), *product(("failed", "canceled"), JOB_FAILURE_TYPE))
    legal, facts = [], [status_is(other, "draft", side=False)]
    for status, failure in draw(st.permutations(ends)):
        project = world.project(team, owner)
        job = a_project_job(world, project)
        finish = end(job, status)
        why = {"failure_type": failure} if failure else {}
        ended = replace(finish, changes={**finish.changes, **why})
        started = PlainWrite(steps_to(job, "processing")[0])
        legal.append((PlainWrite(Insert("jobs", (job,))), started, ended))
        facts.append(status_is(project, AFTER[status]))
    return Scenario(given=(tuple(world.given),), legal=tuple(legal), facts=tuple(facts))


@scenarios
def stays(world: World, draw: Draw) -> Scenario:
    """Refund a job that ended long ago: its project stays where later jobs or people put it."""
    status = draw(ENDED)
    project, job = rendered(world, status)
    later = draw(st.sampled_from(("rendering", "archived", "draft")))
    key = {"id": project["id"]}
    if later == "rendering":
        world.insert("jobs", a_project_job(world, project))
    else:
        world.given.append(Update("projects", key, {"status": "archived"}))
    if later == "draft":
        world.given.append(Update("projects", key, {"status": "draft"}))
    refund = {"status": status, "credits_refunded": 1, "project_id": project["id"]}
    return Scenario(
        given=(tuple(world.given),),
        legal=((Update("jobs", {"id": job["id"]}, refund, job),),),
        facts=(status_is(project, later, side=False),),
    )


@scenarios
def ends_as_the_project_goes(world: World, _draw: Draw) -> Scenario:
    """Cancel a job in the statement that deletes its project: there is nothing left to move."""
    team, owner = world.team()
    project, other = world.project(team, owner), world.project(team, owner)
    job = world.insert("jobs", a_project_job(world, project))
    world.insert("jobs", a_project_job(world, other))
    (ended,) = statements(end(job, "canceled"))
    gone = "DELETE FROM public.projects USING ended WHERE id = ended.project_id"
    return Scenario(
        given=(tuple(world.given),),
        legal=((RawSql(f"WITH ended AS ({ended.sql} RETURNING project_id) {gone}"),),),
        facts=(
            Fact(f"SELECT count(*) FROM public.projects WHERE id = '{project['id']}'", 0),
            status_is(other, "rendering", side=False),
        ),
    )


SAYS: Final = {
    Path.MOVE: "a job never moves to another project: see IMM-1",
    Path.OTHER: "jobs are the other table: all that is tried writes them",
    Path.DELETE: "an active job cannot be deleted, and a finished one moves nothing: see INV-P5",
    Path.TRUNCATE: "TRUNCATE of jobs finds none active, and moves nothing: see INV-P5",
}

WAYS: dict[str, Ways] = {
    "INV-P5": by_shape(
        insert=inserted_rendering,
        insert_many=inserted_rendering_many,
        update=rendering_alone,
        delete=job_deleted,
        reasons={Path.CASCADE: "a job goes with nothing: its team has no key, its user is held"},
        move=job_taken,
        other=job_ended,
        truncate=jobs_truncated,
    ),
    "AUTO-PROJECT": by_shape(
        insert=follows,
        insert_many=follow_many,
        update=st.one_of(follows_to_end, follows_each_end, stays),
        cascade=ends_as_the_project_goes,
        reasons=SAYS,
    ),
}
