"""Near misses of what the columns of a job say: INV-J1, INV-J8 to J10, INV-J13, INV-TIME2 and 3.

What its states need is in `job_states`, how it moves on in `job_steps`, what its project asks of it
in `job_projects`, and how many may be active in `job_caps`.
"""

from datetime import datetime
from typing import Final

from hypothesis import strategies as st

from conformance.engine.cases.scenario import Scenario, ViolatesSeveral, Ways
from conformance.engine.sql.writes import Delete, Path, Row, Update
from strategies.enums import JOB_STATUS
from strategies.instants import FIRST, TICK, disordered_pairs, ordered_pairs
from strategies.near_misses.relations import parent
from strategies.near_misses.times import at_the_turn, created_before_updated
from strategies.near_misses.ways import (
    INSERTING,
    ONE_ROW,
    UPDATING,
    Draw,
    Scenarios,
    alone,
    besides,
    label,
    one_row,
    scenarios,
)
from strategies.replacing import replaced
from strategies.sizes import charges, negative_int32s, over_refunds
from strategies.world import NEEDS, World, urn_of_member, urn_of_team

# The kinds of jobs, by their owner; the last has a project.
KINDS: Final = st.sampled_from(("starter", "creator", "team", "member", "project"))
ACTIVE: Final = ("queued", "processing")
FINISHED: Final = ("completed", "failed", "canceled")

JOB_ROW: Final = {**ONE_ROW, Path.CASCADE: "a project that goes takes only itself from its jobs"}


def job_of(world: World, kind: str) -> Row:
    """Make a queued job of a kind of owner, who has nothing else."""
    if kind == "starter":
        return world.a_job(world.starter())
    team, owner = world.team()
    match kind:
        case "creator":
            return world.a_job(owner)
        case "member":
            return world.a_job(owner, urn_of_member(team, owner))
        case "project":
            project = world.project(team, owner)
            return world.a_job(owner, urn_of_team(team), project_id=project["id"])
    return world.a_job(owner, urn_of_team(team))


def own_job(world: World) -> Row:
    """Make a starter's job."""
    return job_of(world, "starter")


@scenarios
def refunds(world: World, draw: Draw) -> Scenario:
    """Change charge and refund, each alone and both, up to where they are equal; then beyond.

    The job is in any state. A finished one may still be refunded, but not charged (STATE-JOB).
    """
    status = draw(st.sampled_from(JOB_STATUS))
    job = world.insert("jobs", {**job_of(world, draw(KINDS)), "credits_charged": 9})
    world.move(job, status)
    charged: list[Row] = [{"credits_charged": 7, "credits_refunded": 7}, {"credits_charged": 8}]
    legal = [{"credits_refunded": 9}] if status in FINISHED else [*charged, {"credits_refunded": 8}]
    full = 9 if status in FINISHED else 8
    broken: list[Row] = [
        {"credits_refunded": full + 1},
        {"credits_charged": full - 1},
        {"credits_charged": full, "credits_refunded": draw(st.integers(full + 1, 99))},
    ]
    key = {"id": job["id"]}
    return Scenario(
        given=(tuple(world.given),),
        legal=tuple((Update("jobs", key, change, job),) for change in legal),
        broken=tuple(
            ViolatesSeveral(
                (Update("jobs", key, change, job),),
                # A finished job may be refunded, but not charged.
                frozenset({"STATE-JOB"})
                if status in FINISHED and "credits_charged" in change
                else frozenset(),
            )
            for change in broken
        ),
    )


@scenarios
def starts(world: World, draw: Draw) -> Scenario:
    """Start a job when it was made, and start it anew later; then before it was made."""
    created, started = draw(ordered_pairs(strict=False))
    gap = draw(disordered_pairs(strict=False).map(lambda pair: pair[0] - pair[1]))
    jobs = [
        world.insert("jobs", {**job_of(world, draw(KINDS)), "created_at": created})
        for _ in range(2)
    ]
    first, second = ({"id": job["id"]} for job in jobs)
    start = {"status": "processing"}
    return Scenario(
        given=(tuple(world.given),),
        legal=(
            (Update("jobs", first, {**start, "started_at": created}, jobs[0]),),
            (Update("jobs", first, {"started_at": started}, jobs[0]),),
        ),
        broken=(
            (Update("jobs", second, {**start, "started_at": created - gap}, jobs[1]),),
            (Update("jobs", first, {"started_at": created - gap}, jobs[0]),),
        ),
    )


@scenarios
def ends(world: World, draw: Draw) -> Scenario:
    """End a job when it was started, or later; then before, and with a start that is after it."""
    started, completed = draw(ordered_pairs(strict=False))
    late, early = draw(disordered_pairs(strict=False))
    status = draw(st.sampled_from(FINISHED))
    jobs = [
        world.insert("jobs", {**job_of(world, draw(KINDS)), "created_at": FIRST}) for _ in range(2)
    ]
    good, bad = ({"id": job["id"]} for job in jobs)
    world.given.extend(
        Update("jobs", key, {"status": "processing", "started_at": at}, None)
        for key, at in ((good, started), (bad, late))
    )
    end = {"status": status, **NEEDS[status]}
    return Scenario(
        given=(tuple(world.given),),
        legal=((Update("jobs", good, {**end, "completed_at": completed}, jobs[0]),),),
        broken=(
            (Update("jobs", bad, {**end, "completed_at": early}, jobs[1]),),
            (
                Update("jobs", bad, {"started_at": completed + TICK}, jobs[1]),
                Update("jobs", bad, {**end, "completed_at": completed}, jobs[1]),
            ),
            (
                Update("jobs", bad, {"completed_at": early}, jobs[1]),
                Update("jobs", bad, end, jobs[1]),
            ),
        ),
    )


@scenarios
def triggers_held(world: World, draw: Draw) -> Scenario:
    """Delete or replace a user without jobs; then one who has a job, in any state."""
    job = world.insert("jobs", own_job(world))
    world.move(job, draw(st.sampled_from(JOB_STATUS)))
    without = world.starter()
    return Scenario(
        given=(tuple(world.given),),
        legal=((replaced("users", without),), (Delete("users", {"id": without["id"]}),)),
        broken=(
            (Delete("users", {"id": job["triggered_by"]}),),
            (replaced("users", {"id": job["triggered_by"], "email": "back@example.com"}),),
        ),
    )


def _created_started(pair: tuple[datetime, datetime]) -> Row:
    return dict(zip(("created_at", "started_at"), pair, strict=True))


def _started_completed(pair: tuple[datetime, datetime]) -> Row:
    return {"created_at": FIRST, "started_at": pair[0], "completed_at": pair[1]}


def _credits(pair: tuple[int, int]) -> Row:
    return dict(zip(("credits_charged", "credits_refunded"), pair, strict=True))


def _with_updates(
    inserts: Ways, updates: st.SearchStrategy[Scenario], more: Scenarios | None = None
) -> Ways:
    """Return ways of inserts with updates of their own, and more inserts, beside them."""
    inserts = besides(inserts, insert=more) if more is not None else inserts
    ways = dict(inserts)
    for path in UPDATING:
        insert = inserts[path]
        ways[path] = (
            updates if isinstance(insert, str) or path not in INSERTING else insert | updates
        )
    return ways


APART: Final = "tried apart"

WAYS: dict[str, Ways] = {
    "INV-J1": label(
        "jobs",
        own_job,
        "status",
        "job_status",
        legal=st.just("queued"),
        also=frozenset({"STATE-JOB"}),
    ),
    "INV-J8": _with_updates(
        one_row(
            "jobs",
            own_job,
            legal=charges().map(_credits),
            broken=over_refunds().map(_credits),
            no_update=APART,
        ),
        refunds,
    ),
    "INV-J9": one_row(
        "jobs",
        own_job,
        legal=charges().map(_credits),
        broken=st.one_of(
            negative_int32s().map(lambda n: {"credits_refunded": n}),
            negative_int32s().map(lambda n: {"credits_charged": n, "credits_refunded": n}),
            negative_int32s().map(lambda n: {"credits_charged": n, "credits_refunded": 0}),
        ),
        also=frozenset({"INV-J8"}),
    ),
    "INV-J10": created_before_updated("jobs", own_job),
    "INV-J13": {
        **parent(
            "jobs",
            own_job,
            "triggered_by",
            "users",
            cascades=False,
            also=frozenset({"URN-2", "INV-X1"}),
        ),
        Path.OTHER: triggers_held,
    },
    "INV-TIME2": _with_updates(
        one_row(
            "jobs",
            own_job,
            legal=ordered_pairs(strict=False).map(_created_started),
            broken=disordered_pairs(strict=False).map(_created_started),
            no_update=APART,
        ),
        starts,
        at_the_turn(("jobs", own_job, _created_started, alone)),
    ),
    "INV-TIME3": _with_updates(
        one_row(
            "jobs",
            own_job,
            legal=ordered_pairs(strict=False).map(_started_completed),
            broken=disordered_pairs(strict=False).map(_started_completed),
            no_update=APART,
        ),
        ends,
        at_the_turn(("jobs", own_job, _started_completed, alone)),
    ),
}
