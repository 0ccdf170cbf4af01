"""Near misses of what joins a job and its project: INV-J11 and INV-J12."""

from typing import Final
from uuid import UUID

from hypothesis import strategies as st

from conformance.engine.cases.scenario import Fact, Scenario, ViolatesSeveral, Ways
from conformance.engine.sql.documents import Jsonb
from conformance.engine.sql.writes import Delete, Insert, Path, PlainWrite, Row, Truncate, Update
from strategies.near_misses.jobs import ACTIVE, FINISHED
from strategies.near_misses.ways import Draw, by_shape, fixed, replayed, scenarios
from strategies.world import World, steps_to, urn_of_member, urn_of_team, urn_of_user

ENDED: Final = st.sampled_from(FINISHED)


def a_project_job(world: World, project: Row, **columns: object) -> Row:
    """Return a queued job of a project, of the project's creator."""
    team = {"id": project["team_id"]}
    user = {"id": project["created_by"]}
    return world.a_job(user, urn_of_team(team), project_id=project["id"], **columns)


def a_finished_job(world: World, project: Row, status: str) -> Row:
    """Insert a job of a project, and let it end."""
    job = world.insert("jobs", a_project_job(world, project, credits_charged=1))
    world.move(job, status)
    return job


def rendered(world: World, status: str) -> tuple[Row, Row]:
    """Insert a project whose creator has another team as well, with a finished job; return both."""
    team, owner = world.team()
    world.owned_team(owner)
    project = world.project(team, owner)
    return project, a_finished_job(world, project, status)


# INV-J11


@scenarios
def owned(world: World, draw: Draw) -> Scenario:
    """Insert a job of a project under its team's URN; then under every other, and of no project."""
    team, owner = world.team()
    other = world.owned_team(owner)
    first, second = world.project(team, owner), world.project(team, owner)
    urns = (
        *(urn_of_member(team, owner), urn_of_user(owner)),
        *(urn_of_team(other), urn_of_member(other, owner)),
    )
    absent = UUID(int=draw(st.integers(0xDEAD, 0xDEAF)))
    bad = [
        *(world.a_job(owner, urn, project_id=second["id"]) for urn in urns),
        world.a_job(owner, urn_of_team(team), project_id=absent),
    ]
    return Scenario(
        given=(tuple(world.given),),
        legal=((Insert("jobs", (a_project_job(world, first),)),),),
        broken=tuple((Insert("jobs", (row,)),) for row in bad),
    )


@scenarios
def owned_many(world: World, draw: Draw) -> Scenario:
    """Insert jobs of two teams' projects; then two with one that is of the other team's project."""
    owner = world.insert("users", world.a_creator())
    teams = [world.owned_team(owner) for _ in range(2)]
    projects = [world.project(team, owner) for team in teams for _ in range(2)]
    good = [a_project_job(world, project) for project in projects[::2]]
    bad = [a_project_job(world, project) for project in projects[1::2]]
    wrong = draw(st.integers(0, 1))
    bad[wrong] = {**bad[wrong], "owner": urn_of_team(teams[1 - wrong])}
    return Scenario(
        given=(tuple(world.given),),
        legal=((Insert("jobs", tuple(good)),),),
        broken=((Insert("jobs", tuple(bad)),),),
    )


@scenarios
def moved(world: World, draw: Draw) -> Scenario:
    """Keep a job's owner and project; then change either; IMM-1 refuses as well."""
    team, owner = world.team()
    other = world.owned_team(owner)
    project, foreign = world.project(team, owner), world.project(other, owner)
    job = world.insert("jobs", a_project_job(world, project))
    world.move(job, draw(st.sampled_from((*ACTIVE, *FINISHED))))
    same = {"owner": job["owner"], "project_id": project["id"]}
    changes: tuple[Row, ...] = (
        *({"owner": urn_of_member(team, owner)}, {"owner": urn_of_user(owner)}),
        *({"owner": urn_of_team(other)}, {"project_id": foreign["id"]}),
    )
    key = {"id": job["id"]}
    return Scenario(
        given=(tuple(world.given),),
        legal=((Update("jobs", key, same, job),),),
        broken=tuple(fixed(Update("jobs", key, change, job)) for change in changes),
    )


@scenarios
def projects_moved(world: World, draw: Draw) -> Scenario:
    """Rename a project that has a finished job; then give it to another team. IMM-1 refuses too."""
    project, _ = rendered(world, draw(ENDED))
    other, _ = world.team()
    key = {"id": project["id"]}
    return Scenario(
        given=(tuple(world.given),),
        legal=((Update("projects", key, {"name": "Another"}, project),),),
        broken=(fixed(Update("projects", key, {"team_id": other["id"]}, project)),),
    )


NO_PROJECT: Final = Fact(
    "SELECT count(*) FROM public.jobs WHERE project_id IS NOT NULL", 0, side=False
)


@scenarios
def projects_deleted(world: World, draw: Draw) -> Scenario:
    """Delete the project of a finished job, which stays without it."""
    project, _ = rendered(world, draw(ENDED))
    return Scenario(
        given=(tuple(world.given),),
        legal=((Delete("projects", {"id": project["id"]}),),),
        facts=(NO_PROJECT, Fact("SELECT count(*) FROM public.jobs", 1)),
    )


@scenarios
def teams_deleted(world: World, draw: Draw) -> Scenario:
    """Delete the team of a finished job's project: the job stays without it."""
    project, _ = rendered(world, draw(ENDED))
    return Scenario(
        given=(tuple(world.given),),
        legal=((Delete("teams", {"id": project["team_id"]}),),),
        facts=(NO_PROJECT, Fact("SELECT count(*) FROM public.jobs", 1)),
    )


@scenarios
def projects_truncated(world: World, draw: Draw) -> Scenario:
    """Truncate projects, with the jobs that refer to them."""
    rendered(world, draw(ENDED))
    return Scenario(
        given=(tuple(world.given),), legal=((Truncate(("projects",)),),), facts=(NO_PROJECT,)
    )


# INV-J12


@scenarios
def second_active(world: World, draw: Draw) -> Scenario:
    """Insert a job of a project beside finished ones, and of another; then a second active one.

    A job that ends in the same transaction makes room for the next.
    """
    team, owner = world.team()
    project, other = world.project(team, owner), world.project(team, owner)
    a_finished_job(world, project, draw(ENDED))
    first, second, third, elsewhere = (
        a_project_job(world, each) for each in (project, project, project, other)
    )
    others = {**a_project_job(world, project), "triggered_by": world.member(team)["id"]}
    start, finish = steps_to(first, draw(ENDED))
    begun, goes_on = draw(st.booleans()), draw(st.booleans())
    return Scenario(
        given=(tuple(world.given),),
        legal=(
            (Insert("jobs", (first,)),),
            (Insert("jobs", (elsewhere,)),),
            *(((PlainWrite(start),),) if begun else ()),
            (*(() if begun else (start,)), finish, Insert("jobs", (second,))),
            *(((PlainWrite(steps_to(second, "processing")[0]),),) if goes_on else ()),
        ),
        broken=((Insert("jobs", (third,)),), (Insert("jobs", (others,)),)),
    )


@scenarios
def second_active_many(world: World, draw: Draw) -> Scenario:
    """Insert jobs of two projects at once; then two jobs of one."""
    team, owner = world.team()
    projects = [world.project(team, owner) for _ in range(3)]
    good = [a_project_job(world, project) for project in projects[:2]]
    without = world.a_job(owner, urn_of_team(team))
    users = (owner, draw(st.sampled_from((owner, world.member(team)))))
    both = [{**a_project_job(world, projects[2]), "triggered_by": user["id"]} for user in users]
    bad = draw(st.permutations([*both, without]))
    return Scenario(
        given=(tuple(world.given),),
        legal=((Insert("jobs", tuple(good)),),),
        broken=((Insert("jobs", tuple(bad)),),),
    )


ONLY_REVIVED: Final = "a finished job could become active again, and STATE-JOB refuses that"


@scenarios
def revived(world: World, draw: Draw) -> Scenario:
    """Start the one active job of a project; then revive a finished one. STATE-JOB refuses too."""
    team, owner = world.team()
    project = world.project(team, owner)
    ended = a_finished_job(world, project, draw(ENDED))
    running = world.insert("jobs", a_project_job(world, project))
    back = {"status": draw(st.sampled_from(ACTIVE))}
    start = Update("jobs", {"id": running["id"]}, {"status": "processing"}, running)
    goes_on = Update("jobs", {"id": running["id"]}, {"progress": Jsonb({"scene": 1})}, running)
    return Scenario(
        given=(tuple(world.given),),
        legal=((start,), (goes_on,)) if draw(st.booleans()) else ((goes_on,),),
        broken=(
            ViolatesSeveral(
                (Update("jobs", {"id": ended["id"]}, back, ended),),
                frozenset({"STATE-JOB"}),
                ONLY_REVIVED,
            ),
        ),
    )


@scenarios
def active_replayed(world: World, draw: Draw) -> Scenario:
    """Insert a project's active job again under its idempotency key; then another.

    The first one meets a row of its own, and does nothing or little.
    """
    team, owner = world.team()
    project = world.project(team, owner)
    key = {"idempotency_key": "one"}
    first = world.insert("jobs", a_project_job(world, project, **key))
    again = a_project_job(world, project, **key)
    other = a_project_job(world, project, idempotency_key="two")
    target = "(triggered_by, idempotency_key)"
    action = draw(st.sampled_from(("DO NOTHING", "DO UPDATE SET credits_charged = 1")))
    return Scenario(
        given=(tuple(world.given),),
        legal=(
            (replayed(Insert("jobs", (again,)), f"{target} {action}"),),
            (Update("jobs", {"id": first["id"]}, {"status": "processing"}, first),),
        ),
        broken=((replayed(Insert("jobs", (other,)), f"{target} {action}"),),),
    )


# What a job may be while it is active, beside what the rule speaks of.
ANY_COLUMNS: Final = st.fixed_dictionaries(
    {},
    optional={
        "credits_charged": st.sampled_from((1, 0)),
        "idempotency_key": st.just("once"),
        "options": st.just(Jsonb({"draft": True})),
        "progress": st.just(Jsonb({"scene": 1})),
    },
)


def active(world: World, draw: Draw, project: Row | None, user: Row, owner: str) -> Row:
    """Insert a job, in a project or in none, in any state in which it is active."""
    where: Row = {"project_id": project["id"]} if project else {}
    columns = draw(ANY_COLUMNS)
    if "idempotency_key" in columns:
        columns = {**columns, "idempotency_key": f"key-{world.serial()}"}
    job = world.insert("jobs", world.a_job(user, owner, **where, **columns))
    world.move(job, draw(st.sampled_from(ACTIVE)))
    return job


@scenarios
def brought_together(world: World, draw: Draw) -> Scenario:
    """Leave an active job in its project; then move it to one that has one. IMM-1 refuses."""
    team, owner = world.team()
    project, other = world.project(team, owner), world.project(team, owner)
    urn = urn_of_team(team)
    active(world, draw, project, owner, urn)
    second = active(world, draw, other, owner, urn)
    without = active(world, draw, None, owner, urn)
    key, to = {"id": second["id"]}, {"project_id": project["id"]}
    return Scenario(
        given=(tuple(world.given),),
        legal=((Update("jobs", key, {"project_id": other["id"]}, second),),),
        broken=tuple(
            fixed(Update("jobs", {"id": job["id"]}, to, job)) for job in (second, without)
        ),
    )


GONE: Final = "a job that is gone is active in no project"
WAYS: dict[str, Ways] = {
    "INV-J11": by_shape(
        insert=owned,
        insert_many=owned_many,
        update=moved,
        reasons={},
        move=moved,
        other=projects_moved,
        delete=projects_deleted,
        cascade=teams_deleted,
        truncate=projects_truncated,
    ),
    "INV-J12": by_shape(
        insert=second_active,
        insert_many=second_active_many,
        update=revived,
        reasons={
            Path.OTHER: "no other table makes a job active",
            Path.DELETE: GONE,
            Path.CASCADE: "a project that goes has no jobs",
            Path.TRUNCATE: GONE,
        },
        move=brought_together,
        on_conflict=st.one_of(active_replayed, revived),
    ),
}
