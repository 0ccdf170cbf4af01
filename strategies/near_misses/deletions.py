"""Near misses of what cannot be deleted: DEL-1."""

from datetime import timedelta
from typing import Final

from hypothesis import strategies as st

from conformance.engine.cases.scenario import Scenario, ViolatesSeveral, Ways
from conformance.engine.sql.writes import Delete, Insert, Path, RawSql, Row, Truncate, statements
from strategies.enums import JOB_FAILURE_TYPE
from strategies.instants import FIRST
from strategies.near_misses.jobs import ACTIVE, FINISHED, KINDS, job_of
from strategies.near_misses.privacy import erases
from strategies.near_misses.rendering import end
from strategies.near_misses.values import FREE
from strategies.near_misses.ways import Draw, by_shape, scenarios
from strategies.replacing import at_once, replaced
from strategies.world import World, urn_of_member, urn_of_team, urn_of_user

DAY: Final = timedelta(days=1)
ENDED: Final = st.sampled_from(FINISHED)
RUNNING: Final = st.sampled_from(ACTIVE)


@scenarios
def jobs(world: World, draw: Draw) -> Scenario:
    """Delete a finished job; then an active one, of any kind of owner."""
    ended, active = (world.insert("jobs", job_of(world, draw(KINDS))) for _ in range(2))
    world.move(ended, draw(ENDED))
    world.move(active, draw(RUNNING))
    return Scenario(
        given=(tuple(world.given),),
        legal=((Delete("jobs", {"id": ended["id"]}),),),
        broken=((Delete("jobs", {"id": active["id"]}),),),
    )


@scenarios
def many_jobs(world: World, draw: Draw) -> Scenario:
    """Delete all jobs of a user at once, of whom one is active; then when that has ended."""
    user = world.creator()
    rows = [world.job(user) for _ in range(3)]
    still = draw(st.integers(0, 2))
    for number, row in enumerate(rows):
        world.move(row, "processing" if number == still else draw(ENDED))
    other = world.job(world.creator())
    world.move(other, draw(ENDED))
    every = Delete("jobs", {"triggered_by": user["id"]})
    return Scenario(
        given=(tuple(world.given),),
        legal=((Delete("jobs", {"triggered_by": other["triggered_by"]}),),),
        broken=((every,), (Delete("jobs", {}),)),
    )


@scenarios
def projects(world: World, draw: Draw) -> Scenario:
    """Delete projects without a job, with one that has ended and one that ends; then an active one.

    Whether the active one was started, was made before or after one that has ended, or is of
    somebody who has left, makes no difference.
    """
    team, owner = world.team()
    guest, joined = world.guest(team)
    empty, done, ending, held = (world.project(team, owner) for _ in range(4))
    made, later = draw(st.permutations((FIRST, FIRST + DAY)))
    for project in (done, held):
        job = world.job(owner, urn_of_team(team), project_id=project["id"], created_at=made)
        world.move(job, draw(ENDED))
    last, active = (
        world.job(user, urn_of_team(team), project_id=project["id"], created_at=later)
        for user, project in ((owner, ending), (draw(st.sampled_from((owner, guest))), held))
    )
    world.move(last, "processing")
    world.move(active, draw(RUNNING))
    world.part(joined, wholly=draw(st.booleans()))
    gone = [Delete("projects", {"id": project["id"]}) for project in (empty, done, ending, held)]
    return Scenario(
        given=(tuple(world.given),),
        legal=((gone[0],), (gone[1],), (end(last, draw(ENDED)), gone[2])),
        broken=((gone[3],),),
    )


@scenarios
def teams(world: World, draw: Draw) -> Scenario:
    """Delete a team whose jobs have ended, with all that it has; then teams with an active job.

    The job may have either URN, and a project or none; it is the oldest or the youngest. A member's
    own job holds nobody back, nor does one of somebody whose id the team has.
    """
    owner = world.insert("users", world.a_creator())
    world.owned_team(owner)
    first, second, third = (world.owned_team(owner) for _ in range(3))
    for team, running, step in ((first, False, DAY), (second, True, DAY), (third, True, -DAY)):
        project = world.project(team, owner)
        kinds: tuple[tuple[str, Row], ...] = (
            (urn_of_team(team), {}),
            (urn_of_member(team, owner), {}),
            (urn_of_team(team), {"project_id": project["id"]}),
        )
        active = draw(st.integers(0, 2)) if running else None
        for number, (urn, columns) in enumerate(kinds):
            made = FIRST + DAY * 9 + step * ((number - (active or 0)) % 3)
            job = world.job(owner, urn, created_at=made, **columns)
            world.move(job, draw(RUNNING) if number == active else draw(ENDED))
    world.job(owner, urn_of_user(owner))
    namesake = world.insert("users", world.a_creator(id=first["id"]))
    elsewhere = world.owned_team(namesake)
    for urn in (urn_of_user(namesake), urn_of_member(elsewhere, namesake)):
        world.move(world.job(namesake, urn), draw(RUNNING))
    return Scenario(
        given=(tuple(world.given),),
        legal=((Delete("teams", {"id": first["id"]}),),),
        broken=tuple((Delete("teams", {"id": each["id"]}),) for each in (second, third)),
    )


@scenarios
def erasures(world: World, draw: Draw) -> Scenario:
    """Erase who is alone in a team whose jobs have ended; then in one with an active job.

    A team in which others are stays, and its jobs hold nobody back; nor does the user's own job.
    """
    team, _ = world.team()
    good, bad = (world.insert("users", world.a_creator()) for _ in range(2))
    for user, running in ((good, False), (bad, True)):
        world.insert("memberships", world.a_membership(team, user))
        lone = world.owned_team(user)
        urn = urn_of_team(lone) if draw(st.booleans()) else urn_of_member(lone, user)
        world.move(world.job(user, urn), draw(RUNNING) if running else draw(ENDED))
        world.move(world.job(user, urn_of_team(team)), draw(RUNNING))
        world.job(user)
    return Scenario(
        given=(tuple(world.given),),
        legal=((RawSql(erases(good)),),),
        broken=((RawSql(erases(bad)),),),
    )


@scenarios
def made_meanwhile(world: World, draw: Draw) -> Scenario:
    """Delete a project or a team while a job is made elsewhere; then for it, in one statement.

    The one that is deleted may come back under its id, and the job may say why it will fail, and
    whatever else a job may.
    """
    owner = world.insert("users", world.a_creator())
    kept, team = world.owned_team(owner), world.owned_team(owner)
    free, project = (world.project(team, owner) for _ in range(2))
    elsewhere = world.a_job(owner, urn_of_team(kept))
    failure = draw(st.sampled_from((None, *JOB_FAILURE_TYPE)))
    there = world.a_job(owner, urn_of_team(team), project_id=project["id"], failure_type=failure)
    more = {name: draw(st.sampled_from(values)) for name, values in FREE["jobs"].items()}
    there = {**there, **more}
    elsewhere_sql, there_sql = (
        statements(Insert("jobs", (row,)))[0].sql for row in (elsewhere, there)
    )
    gone = statements(Delete("projects", {"id": project["id"]}))[0].sql
    over = [
        at_once(there_sql, gone),
        at_once(gone, there_sql),
        replaced("projects", project, there_sql),
    ]
    return Scenario(
        given=(tuple(world.given),),
        legal=(
            (at_once(elsewhere_sql, statements(Delete("projects", {"id": free["id"]}))[0].sql),),
        ),
        broken=tuple(
            ViolatesSeveral((each,), frozenset({"INV-J11", "IMM-1"}))
            for each in draw(st.permutations(over))
        ),
    )


@scenarios
def truncated(world: World, draw: Draw) -> Scenario:
    """Truncate jobs, or what they refer to, when all have ended; then while one is active."""
    ended = world.insert("jobs", job_of(world, draw(KINDS)))
    world.move(ended, draw(ENDED))
    tables = draw(
        st.sampled_from((("jobs",), ("projects",), ("projects", "jobs"), ("users", "teams")))
    )
    given, world.given = tuple(world.given), []
    active = world.insert("jobs", job_of(world, draw(KINDS)))
    world.move(active, draw(RUNNING))
    return Scenario(
        given=(given,),
        legal=((Truncate(tables),), tuple(world.given)),
        broken=((Truncate(tables),),),
    )


STAYS: Final = "an insert or update deletes nothing"

WAYS: dict[str, Ways] = {
    "DEL-1": by_shape(
        delete=st.one_of(jobs, many_jobs, projects, teams),
        reasons={
            **dict.fromkeys(
                (Path.INSERT, Path.INSERT_MANY, Path.COPY, Path.UPDATE, Path.ON_CONFLICT), STAYS
            ),
            Path.MOVE: "IMM-1 keeps a job where it is, so nothing loses its active job that way",
        },
        other=made_meanwhile,
        cascade=st.one_of(teams, erasures),
        truncate=truncated,
    ),
}
