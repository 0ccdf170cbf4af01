"""Near misses of how many jobs of a team may be active: CARD-5."""

from typing import Final

from hypothesis import strategies as st

from conformance.engine.cases.scenario import Scenario, ViolatesSeveral, Ways
from conformance.engine.sql.documents import Jsonb
from conformance.engine.sql.writes import Delete, Insert, Row, Truncate, Update, Write
from strategies.near_misses.jobs import FINISHED
from strategies.near_misses.ways import Draw, by_shape, fixed, replayed, scenarios
from strategies.world import NEEDS, NOW, World, steps_to, urn_of_member, urn_of_team

CAP: Final = 5
ENDED: Final = st.sampled_from(FINISHED)
BY_KEY: Final = "(triggered_by, idempotency_key)"


class Members:
    """A team with three who may make jobs, and the kinds of jobs that count for the team."""

    def __init__(self, world: World) -> None:
        """Insert the team, its owner, a member, and a guest who will go."""
        self.world = world
        self.team, self.owner = world.team()
        self.member = world.member(self.team)
        self.guest, self.joined = world.guest(self.team)

    def job(self, kind: str, **columns: object) -> Row:
        """Return a queued job of the team: of the whole, of the owner, the member, or a project."""
        world, team = self.world, self.team
        match kind:
            case "owner":
                return world.a_job(self.owner, urn_of_member(team, self.owner), **columns)
            case "member":
                return world.a_job(self.member, urn_of_member(team, self.member), **columns)
            case "project":
                project = world.project(team, self.owner)
                columns = {"project_id": project["id"], **columns}
        return world.a_job(self.owner, urn_of_team(team), **columns)

    def jobs(self, draw: Draw, count: int) -> tuple[Row, ...]:
        """Return queued jobs of the team, of kinds drawn for each."""
        kinds = st.sampled_from(("team", "owner", "member", "project"))
        return tuple(self.job(draw(kinds)) for _ in range(count))

    def fill(self, draw: Draw, count: int = CAP, **columns: object) -> list[Row]:
        """Insert active jobs of the team, of both URN forms, old ones too; the last is started.

        The guest, who made the second to last of them, then leaves the team, or views it only.
        """
        first = draw(st.sampled_from((0, 1)))
        kinds = ("team", "member")
        jobs = [
            self.job(kinds[(first + n) % 2], **({"created_at": NOW} if n % 2 else {}) | columns)
            for n in range(count)
        ]
        if count > 1:
            jobs[-2] = self.world.a_job(self.guest, urn_of_team(self.team), **columns)
        for job in jobs:
            self.world.insert("jobs", job)
        self.world.move(jobs[-1], "processing")
        self.world.part(self.joined, wholly=draw(st.booleans()))
        return jobs


@scenarios
def sixth(world: World, draw: Draw) -> Scenario:
    """Insert the 5th active job of a team, under any URN; then the 6th, and somebody's first.

    Beside them stand finished jobs of the team, and active ones that are its members' own or
    another team's.
    """
    members = Members(world)
    members.fill(draw, CAP - 1)
    other = world.owned_team(members.owner)
    ended = world.insert("jobs", members.job("team"))
    steps = steps_to(ended, draw(ENDED))
    world.job(members.owner)
    world.job(members.member)
    world.job(members.owner, urn_of_member(other, members.owner))
    fifth, bad = members.jobs(draw, 2)
    newcomer = world.member(members.team)
    first = world.a_job(newcomer, urn_of_team(members.team))
    return Scenario(
        given=((*world.given, *steps),),
        legal=((Insert("jobs", (fifth,)),),),
        broken=tuple((Insert("jobs", (row,)),) for row in (bad, first)),
    )


@scenarios
def six_at_once(world: World, draw: Draw) -> Scenario:
    """Insert all up to the 5th job of a team at once, with some of its member's own; then one more.

    Then six of another team at once, or in one transaction.
    """
    members, other = Members(world), Members(world)
    before = draw(st.integers(0, CAP - 1))
    if before:
        members.fill(draw, before)
    own = [world.a_job(members.member) for _ in range(2)]
    good = [*members.jobs(draw, CAP - before), *own]
    over = (*(world.a_job(members.owner) for _ in range(2)), *members.jobs(draw, 1))
    six = other.jobs(draw, CAP + draw(st.integers(1, 3)))
    apart = draw(st.integers(1, CAP + 1))
    writes = [Insert("jobs", rows) for rows in (six[:apart], six[apart:]) if rows]
    return Scenario(
        given=(tuple(world.given),),
        legal=((Insert("jobs", tuple(draw(st.permutations(good)))),),),
        broken=((Insert("jobs", over),), tuple(writes)),
    )


@scenarios
def moved_on(world: World, draw: Draw) -> Scenario:
    """At the cap, move a job on; let one end and make another; then revive the one that ended.

    STATE-JOB refuses that as well. The first job to end makes room for one, and for no more.
    """
    members = Members(world)
    jobs = members.fill(draw)
    status = draw(ENDED)
    again, bad = members.jobs(draw, 2)
    start, finish = steps_to(jobs[0], status)
    revive = Update("jobs", {"id": jobs[0]["id"]}, {"status": "queued"}, jobs[0])
    progress = Update("jobs", {"id": jobs[1]["id"]}, {"progress": Jsonb({"scene": 1})}, jobs[1])
    room: tuple[tuple[Write, ...], ...] = (
        ((finish, Insert("jobs", (again,))),)
        if draw(st.booleans())
        else ((finish,), (Insert("jobs", (again,)),))
    )
    return Scenario(
        given=(tuple(world.given),),
        legal=((progress,), (start,), *room),
        broken=(
            (Insert("jobs", (bad,)),),
            ViolatesSeveral((revive,), frozenset({"STATE-JOB"})),
        ),
    )


@scenarios
def replays(world: World, draw: Draw) -> Scenario:
    """At the cap, insert a job again under its idempotency key; then a new one in the same way.

    The first meets itself, and does nothing or little. The second is the 6th.
    """
    members = Members(world)
    first = world.insert("jobs", members.job("team", idempotency_key="one"))
    members.fill(draw, CAP - 1)
    again = members.job(draw(st.sampled_from(("team", "owner"))), idempotency_key="one")
    bad = members.job("team", idempotency_key="two")
    target = draw(st.sampled_from(("", f"{BY_KEY} ")))
    updates = f"{BY_KEY} DO UPDATE SET credits_charged = 2"
    return Scenario(
        given=(tuple(world.given),),
        legal=(
            (replayed(Insert("jobs", (again,)), f"{target}DO NOTHING"),),
            (replayed(Insert("jobs", (again,)), updates),),
            (Update("jobs", {"id": first["id"]}, {"status": "processing"}, first),),
        ),
        broken=(
            (replayed(Insert("jobs", (bad,)), f"{target}DO NOTHING"),),
            (replayed(Insert("jobs", (bad,)), updates),),
        ),
    )


@scenarios
def handed_over(world: World, draw: Draw) -> Scenario:
    """At the cap, keep a job's owner; then give the team another's. IMM-1 refuses as well."""
    members = Members(world)
    jobs = members.fill(draw)
    other = world.owned_team(members.owner)
    own = world.job(members.owner)
    foreign = world.job(members.owner, urn_of_team(other))
    forms = (urn_of_team(members.team), urn_of_member(members.team, members.owner))
    owner = {"owner": draw(st.sampled_from(forms))}
    same = {"owner": jobs[0]["owner"]}
    return Scenario(
        given=(tuple(world.given),),
        legal=((Update("jobs", {"id": jobs[0]["id"]}, same, jobs[0]),),),
        broken=tuple(
            fixed(Update("jobs", {"id": job["id"]}, owner, job)) for job in (own, foreign)
        ),
    )


@scenarios
def finished_deleted(world: World, draw: Draw) -> Scenario:
    """At the cap, delete a finished job, which makes no room for a 6th."""
    members = Members(world)
    ended = world.insert("jobs", members.job("team"))
    world.move(ended, draw(ENDED))
    members.fill(draw)
    bad = members.job("member")
    return Scenario(
        given=(tuple(world.given),),
        legal=((Delete("jobs", {"id": ended["id"]}),),),
        broken=((Insert("jobs", (bad,)),),),
    )


@scenarios
def project_deleted(world: World, draw: Draw) -> Scenario:
    """At the cap, delete the project of a finished job, which makes no room for a 6th."""
    members = Members(world)
    ended = world.insert("jobs", members.job("project"))
    world.move(ended, draw(ENDED))
    members.fill(draw)
    bad = members.job("team")
    return Scenario(
        given=(tuple(world.given),),
        legal=((Delete("projects", {"id": ended["project_id"]}),),),
        broken=((Insert("jobs", (bad,)),),),
    )


@scenarios
def makers_gone(world: World, draw: Draw) -> Scenario:
    """At the cap, let who made jobs be demoted, and leave; that makes no room for a 6th."""
    members = Members(world)
    jobs = [world.a_job(members.guest, urn_of_team(members.team)) for _ in range(CAP)]
    for job in jobs:
        world.insert("jobs", job)
    world.move(jobs[draw(st.integers(0, CAP - 1))], "processing")
    key = {"id": members.joined["id"]}
    demoted = Update("memberships", key, {"role": "viewer"}, members.joined)
    canceled = {"status": "canceled", **NEEDS["canceled"]}
    room = Update("jobs", {"id": jobs[0]["id"]}, canceled, jobs[0])
    good, bad = members.jobs(draw, 2)
    return Scenario(
        given=(tuple(world.given),),
        legal=((demoted,), (Delete("memberships", key),), (room, Insert("jobs", (good,)))),
        broken=((Insert("jobs", (bad,)),),),
    )


@scenarios
def all_truncated(world: World, draw: Draw) -> Scenario:
    """Let all jobs end and truncate them; the team has room for 5 again, and none for the 6th."""
    members = Members(world)
    jobs = members.fill(draw)
    ended = [Update("jobs", {"id": job["id"]}, _ended(job, jobs)) for job in jobs]
    *good, bad = (members.job(kind) for kind in ("team", "member", "owner") * 2)
    return Scenario(
        given=((*world.given, *ended),),
        legal=((Truncate(("jobs",)),), (Insert("jobs", tuple(good)),)),
        broken=((Insert("jobs", (bad,)),),),
    )


def _ended(job: Row, jobs: list[Row]) -> Row:
    """Return the end of a queued job, or of the last one, which has been started."""
    status = "completed" if job is jobs[-1] else "canceled"
    return {"status": status, **NEEDS[status]}


WAYS: dict[str, Ways] = {
    "CARD-5": by_shape(
        insert=sixth,
        insert_many=six_at_once,
        update=moved_on,
        delete=finished_deleted,
        reasons={},
        other=makers_gone,
        on_conflict=replays,
        move=handed_over,
        cascade=project_deleted,
        truncate=all_truncated,
    ),
}
