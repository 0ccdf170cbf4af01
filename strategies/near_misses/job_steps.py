"""Near misses of how a job moves on, and of what stays when it has ended: STATE-JOB, AUTO-TIMES."""

from typing import Final

from hypothesis import strategies as st

from conformance.engine.cases.scenario import Fact, Scenario, ViolatesSeveral, Ways
from conformance.engine.sql.documents import Jsonb
from conformance.engine.sql.writes import Delete, Insert, Path, Row, Sql, Update, Write
from strategies.enums import JOB_FAILURE_TYPE, JOB_STATUS
from strategies.instants import FUTURE_START, LAST, TICK, future_timestamps
from strategies.near_misses.job_states import BORN, STEPS, as_inserted, born
from strategies.near_misses.jobs import FINISHED, JOB_ROW, KINDS, job_of
from strategies.near_misses.ways import INSERTING, Draw, by_shape, fixed, scenarios
from strategies.session_settings import HOSTILE
from strategies.world import NEEDS, World, urn_of_team

FAILING: Final = ("failed", "canceled")
REASONS: Final[tuple[Row, ...]] = tuple({"failure_type": kind} for kind in JOB_FAILURE_TYPE)


@scenarios
def transitions(world: World, draw: Draw) -> Scenario:
    """From each state, take every legal step, and none; then try every other state.

    A job that fails or is canceled does so for any reason.
    """
    legal, broken = [], []
    for status in JOB_STATUS:
        may = (status, *STEPS.get(status, ()))
        steps = [(born(world, draw, status), after) for after in may]
        legal += [(_into(job, after),) for job, after in steps]
        stays = steps[0][0]
        broken += [
            (_into(stays, after, **kind),)
            for after in JOB_STATUS
            if after not in may
            for kind in (REASONS if status not in FINISHED and after in FAILING else ({},))
        ]
    return Scenario(given=(tuple(world.given),), legal=tuple(legal), broken=tuple(broken))


def _into(job: Row, status: str, **kind: object) -> Update:
    """Return the update of any job into a state, with all that the state needs."""
    needs = {**NEEDS[status], **({"failure_type": None} if status == "completed" else {})}
    return Update("jobs", {"id": job["id"]}, {"status": status, **needs, **kind}, job)


# Every column of a finished job but its status, and values that are legal and not what it has.
FROZEN: Final = (
    *(("options", Jsonb({"hd": True})), ("progress", Jsonb({"scenes": 2}))),
    *(("output", Jsonb({"frames": 2})), ("error", Jsonb({"code": 2}))),
    *(("output_size_bytes", 2), ("output_size_bytes", None)),
    *(("idempotency_key", "other"), ("idempotency_key", None)),
    *(("credits_charged", 8), ("credits_charged", 10), ("credits_charged", 2147483647)),
    *(("credits_refunded", 5), ("credits_refunded", 0)),
    *(("started_at", BORN), ("started_at", None)),
    ("completed_at", LAST),
)
# What a job that has no more than it needs holds already, or may come to hold.
AS_IN_BARE: Final = (
    *(("output_size_bytes", None), ("idempotency_key", None)),
    *(("credits_refunded", 0), ("credits_refunded", 5)),
)
GROWING: Final[Row] = {"credits_refunded": 7}
# IMM-1 holds these as well.
SUBJECT: Final = (
    *(("id", Sql("gen_random_uuid()")), ("created_at", BORN - TICK)),
    *(("spec_snapshot", Jsonb({"scenes": 1})), ("project_id", None)),
)


@scenarios
def frozen(world: World, draw: Draw) -> Scenario:
    """Let the refunds of finished jobs grow; then change every other column of them, each alone.

    Or in the statement that lets the refund grow. One job has something in every column, and one
    only what it needs.
    """
    is_along = draw(st.booleans())
    first = draw(st.sampled_from((0, 1)))
    refund = {"credits_refunded": 6}
    jobs, bare = ([make(world, status) for status in FINISHED] for make in (_finished, _bare))
    changes = [
        (job, column, value, number + place)
        for place, job in enumerate((*jobs, *bare))
        for number, (column, value) in enumerate((*FROZEN, *SUBJECT))
        if (column, value) not in AS_IN_BARE or job in jobs
    ]
    return Scenario(
        given=(tuple(world.given),),
        legal=tuple((Update("jobs", {"id": job["id"]}, refund, job),) for job in jobs),
        broken=tuple(
            fixed(change) if column in dict(SUBJECT) else (change,)
            for job, column, value, number in changes
            if number % 2 == first
            for more in (GROWING if is_along and column != "credits_refunded" else {},)
            for change in (Update("jobs", {"id": job["id"]}, {**more, column: value}, job),)
        ),
    )


@scenarios
def refrozen(world: World, draw: Draw) -> Scenario:
    """Write finished jobs as they are; then with a failure type that is another's."""
    status, kind = draw(
        st.sampled_from(
            [
                (status, kind)
                for status in FINISHED
                for kind in JOB_FAILURE_TYPE
                if kind != NEEDS[status].get("failure_type")
            ]
        )
    )
    job = _finished(world, status)
    key = {"id": job["id"]}
    same: Row = {"status": status, "error": Jsonb({"code": 1}), **NEEDS[status]}
    return Scenario(
        given=(tuple(world.given),),
        legal=((Update("jobs", key, same, job),),),
        broken=(
            ViolatesSeveral(
                (Update("jobs", key, {**same, "failure_type": kind}, job),),
                frozenset({"INV-J7"} if status == "completed" else ()),
                "a completed job with a failure type is one that INV-J7 forbids",
            ),
        ),
    )


def _finished(world: World, status: str) -> Row:
    """Insert a job with something in every column, and let it end."""
    job = world.insert(
        "jobs",
        {
            **job_of(world, "project"),
            "created_at": BORN,
            "idempotency_key": "one",
            "credits_charged": 9,
        },
    )
    end = {"credits_refunded": 5, "output_size_bytes": 1, "error": Jsonb({"code": 1})}
    world.given.append(Update("jobs", {"id": job["id"]}, {"status": "processing"}))
    end |= {**NEEDS[status], "status": status}
    world.given.append(Update("jobs", {"id": job["id"]}, end))
    return job


def _bare(world: World, status: str) -> Row:
    """Insert a job with nothing in it but a charge, and let it end with what it needs."""
    job = {**job_of(world, "project"), "created_at": BORN, "credits_charged": 9}
    world.insert("jobs", job)
    world.move(job, status)
    return job


@scenarios
def inserted_later(world: World, draw: Draw) -> Scenario:
    """Insert a queued job; then one in every other state, with all that the state needs."""
    good = job_of(world, draw(KINDS))
    bad = [
        as_inserted(world, draw, {"status": status, **NEEDS[status]})
        for status in JOB_STATUS
        if status != "queued"
    ]
    return Scenario(
        given=(tuple(world.given),),
        legal=((Insert("jobs", ({**good, "status": "queued"},)),),),
        broken=tuple((Insert("jobs", (row,)),) for row in bad),
    )


@scenarios
def inserted_later_many(world: World, draw: Draw) -> Scenario:
    """Insert two queued jobs; then one with one in another state, in either order."""
    status = draw(st.sampled_from([status for status in JOB_STATUS if status != "queued"]))
    good = [job_of(world, "starter") for _ in range(3)]
    rows = (good[2], as_inserted(world, draw, {"status": status, **NEEDS[status]}))
    return Scenario(
        given=(tuple(world.given),),
        legal=((Insert("jobs", tuple(good[:2])),),),
        broken=((Insert("jobs", rows if draw(st.booleans()) else rows[::-1]),),),
    )


WITHOUT: Final = "a project that goes takes nothing from a job that the rule does not let go"


@scenarios
def projects_go(world: World, draw: Draw) -> Scenario:
    """Delete the project of a finished job, which stays as it was but for the project."""
    status = draw(st.sampled_from(FINISHED))
    job = _finished(world, status)
    return Scenario(
        given=(tuple(world.given),),
        legal=((Delete("projects", {"id": job["project_id"]}),),),
        facts=(
            Fact(
                "SELECT project_id IS NULL AND completed_at IS NOT NULL AND"
                f" (status, credits_refunded) = ('{status}', 5)"
                f" FROM public.jobs WHERE id = '{job['id']}'",
                expected=True,
            ),
        ),
        because=WITHOUT,
    )


@scenarios
def teams_go(world: World, draw: Draw) -> Scenario:
    """Delete the team of a finished job of its project, which stays as it was but for both."""
    status = draw(st.sampled_from(FINISHED))
    team, owner = world.team()
    world.owned_team(owner)
    project = world.project(team, owner)
    job = world.job(owner, urn_of_team(team), project_id=project["id"])
    world.move(job, status)
    return Scenario(
        given=(tuple(world.given),),
        legal=((Delete("teams", {"id": team["id"]}),),),
        facts=(
            Fact(
                f"SELECT project_id IS NULL AND owner = '{job['owner']}' AND status = '{status}'"
                f" FROM public.jobs WHERE id = '{job['id']}'",
                expected=True,
            ),
        ),
        because=WITHOUT,
    )


@scenarios
def given_away(world: World, _draw: Draw) -> Scenario:
    """Give a finished job's project, owner or trigger to another; IMM-1 refuses as well."""
    job = _finished(world, "completed")
    team, owner = world.team()
    project = world.project(team, owner)
    key = {"id": job["id"]}
    changes: tuple[Row, ...] = (
        {"project_id": project["id"]},
        {"project_id": project["id"], "owner": urn_of_team(team)},
        {"owner": urn_of_team(team)},
        {"triggered_by": owner["id"]},
    )
    return Scenario(
        given=(tuple(world.given),),
        legal=((Update("jobs", key, {"project_id": job["project_id"]}, job),),),
        broken=tuple(
            fixed(Update("jobs", key, change, job), also={"INV-J11", "INV-X1"})
            for change in changes
        ),
    )


@scenarios
def timed(world: World, draw: Draw) -> Scenario:
    """Take jobs each step, with its time given or not, made in the past or in the future.

    A time that is not given is set, never before what came earlier; one that is given stays.
    """
    legal: list[tuple[Write, ...]] = []
    facts: list[Fact] = []
    for before, after in STEPS.items():
        for status in after:
            write, *told = _timed(world, draw, before, status)
            legal.append((write,))
            facts += told
    return Scenario(
        given=(tuple(world.given),),
        legal=tuple(legal),
        facts=tuple(facts),
        settings=draw(st.sampled_from(((), *HOSTILE[-1:]))),
    )


def _timed(world: World, draw: Draw, before: str, status: str) -> tuple[Update, Fact, Fact]:
    """Insert a job that is to take a step; return that, and what is true of its times then."""
    future, given, late = (draw(st.booleans()) for _ in range(3))
    made = draw(future_timestamps()) if future else BORN
    column, other = (
        ("started_at", "completed_at") if status == "processing" else ("completed_at", "started_at")
    )
    job = job_of(world, draw(KINDS))
    world.insert("jobs", {**job, "created_at": made, "updated_at": made})
    key = {"id": job["id"]}
    began = made
    if before == "processing" and late and not given:
        began = max(made, FUTURE_START)  # by the clock of who says when it began
        world.given.append(Update("jobs", key, {"status": before, "started_at": began}, job))
    else:
        world.move(job, before)
    at = draw(future_timestamps()) if given and not future else began
    changes = {"status": status, **NEEDS[status], **({column: at} if given else {})}
    if given or future or began != made:
        claim = f"{column} = '{at.isoformat()}'"
    else:
        claim = f"{column} BETWEEN now() - interval '1 minute' AND now()"
    unset = f"({other} IS NULL) = {before == 'queued'}"
    source = f"FROM public.jobs WHERE id = '{job['id']}'"
    return (
        Update("jobs", key, changes, job),
        Fact(f"SELECT {claim} {source}", expected=True, side=not given),
        Fact(f"SELECT {unset} {source}", expected=True, side=False),
    )


SET_ON_A_STEP: Final = dict.fromkeys(
    INSERTING, "times are set when the status changes, and an insert changes none"
)

WAYS: dict[str, Ways] = {
    "STATE-JOB": by_shape(
        insert=inserted_later,
        insert_many=inserted_later_many,
        update=st.one_of(transitions, frozen, refrozen),
        reasons={
            Path.OTHER: "no other table moves a job, but a project that goes: tried as a cascade",
            Path.DELETE: "compares a row before and after an update; DEL-1 is about deletes",
            Path.TRUNCATE: "compares a row before and after an update; DEL-1 is about truncates",
        },
        move=given_away,
        cascade=st.one_of(projects_go, teams_go),
    ),
    "AUTO-TIMES": by_shape(update=timed, reasons={**JOB_ROW, **SET_ON_A_STEP}),
}
