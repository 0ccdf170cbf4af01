"""Near misses of what a job's states need: INV-J2 to INV-J7."""

from datetime import UTC, datetime
from typing import Final, TypeAlias

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from conformance.engine.cases.scenario import Scenario, ViolatesSeveral, Ways
from conformance.engine.sql.documents import Jsonb
from conformance.engine.sql.writes import Insert, Row, Update
from strategies.enums import JOB_FAILURE_TYPE
from strategies.instants import FUTURE_START, TICK, TURN
from strategies.near_misses.jobs import FINISHED, JOB_ROW, KINDS, job_of
from strategies.near_misses.ways import Draw, besides, by_shape, scenarios
from strategies.session_settings import REPEATS
from strategies.usual import usual
from strategies.world import NEEDS, World

# When the jobs here were made, where that matters.
BORN: Final = datetime(2020, 1, 1, tzinfo=UTC)
# Why what a finished job lacks is tried beside STATE-JOB as well.
UNMOVED: Final = "STATE-JOB refuses what is inserted finished, and what is changed then"
STEPS: Final = {
    "queued": ("processing", "canceled"),
    "processing": ("completed", "failed", "canceled"),
}

# How an active job ends: the state before, and the update.
Ending: TypeAlias = tuple[str, Row]

_ENDS: Final[dict[str, tuple[Row, ...]]] = {
    "completed": (
        {"output": Jsonb({"frames": 1})},
        {"output": Jsonb({}), "failure_type": None, "credits_charged": 2, "credits_refunded": 2},
        {"output": Jsonb([]), "output_size_bytes": 0, "completed_at": FUTURE_START},
    ),
    "failed": tuple(
        {"error": Jsonb({"code": 1}), "failure_type": kind} for kind in JOB_FAILURE_TYPE
    ),
    "canceled": (
        {"failure_type": "canceled"},
        {"failure_type": "system", "credits_charged": 2, "credits_refunded": 2},
        {"failure_type": "timeout", "error": Jsonb({}), "completed_at": FUTURE_START},
    ),
}


# Canceled when it was made, and not a tick before.
AT_ONCE: Final[Ending] = (
    "queued",
    {**NEEDS["canceled"], "status": "canceled", "completed_at": BORN},
)


def endings(*statuses: str) -> SearchStrategy[Ending]:
    """Return legal ways into these finished states."""
    return st.sampled_from(
        [
            (before, {"status": status, **columns})
            for status in statuses
            for columns in _ENDS[status]
            for before, after in STEPS.items()
            if status in after
        ]
    )


def born(world: World, draw: Draw, status: str = "queued") -> Row:
    """Insert a job of any kind of owner, and bring it into a state."""
    job = world.insert("jobs", {**job_of(world, draw(KINDS)), "created_at": usual(BORN)})
    world.move(job, status)
    return job


def as_inserted(world: World, draw: Draw, changes: Row) -> Row:
    """Return a row that is already as the changes would make a job, with times in order."""
    given = {"created_at": BORN, "started_at": BORN, "completed_at": BORN}
    return {**job_of(world, draw(KINDS)), **given, **changes}


def ends_with(
    ending: SearchStrategy[Ending],
    spoiled: SearchStrategy[Row],
    gone: SearchStrategy[Row] | None = None,
    also: frozenset[str] = frozenset(),
    because: str = "",
) -> Ways:
    """Return ways for what a finished state needs.

    Args:
        ending: legal ways into such a state.
        spoiled: columns that lack what it needs; null is also tried by leaving the column out.
        gone: columns that lack it only where no transition provides it.
        also: other rules that such a job breaks where it was started.
        because: why it always breaks them.
    """
    ended = spoiled if gone is None else spoiled | gone

    @scenarios
    def moves(world: World, draw: Draw) -> Scenario:
        """End a job as it must; then another, which lacks what the rule asks for."""
        before, changes = draw(ending)
        good, bad = born(world, draw, before), born(world, draw, before)
        lacking = _without(changes, draw(spoiled), left_out=draw(st.booleans()))
        return Scenario(
            given=(tuple(world.given),),
            legal=((Update("jobs", {"id": good["id"]}, changes, good),),),
            broken=(
                ViolatesSeveral(
                    (Update("jobs", {"id": bad["id"]}, lacking, bad),),
                    also if before == "processing" else frozenset(),
                    because,
                ),
            ),
        )

    @scenarios
    def in_two_steps(world: World, draw: Draw) -> Scenario:
        """Write the end's columns first and its status after them; then spoil them in between."""
        before, changes = draw(ending)
        columns = {name: value for name, value in changes.items() if name != "status"}
        good, bad = born(world, draw, before), born(world, draw, before)
        status = {"status": changes["status"]}
        bad_key = {"id": bad["id"]}
        return Scenario(
            given=(tuple(world.given),),
            legal=(
                (
                    Update("jobs", {"id": good["id"]}, columns, good),
                    Update("jobs", {"id": good["id"]}, status, good),
                ),
            ),
            broken=(
                ViolatesSeveral(
                    (
                        Update("jobs", bad_key, columns, bad),
                        Update("jobs", bad_key, draw(spoiled), bad),
                        Update("jobs", bad_key, {**status, **draw(spoiled)}, bad),
                    ),
                    also if before == "processing" else frozenset(),
                    because,
                ),
            ),
        )

    @scenarios
    def late(world: World, draw: Draw) -> Scenario:
        """Write a finished job as it is; then take away what it needs. STATE-JOB refuses too."""
        before, changes = draw(ending)
        job = born(world, draw, before)
        key = {"id": job["id"]}
        return Scenario(
            given=((*world.given, Update("jobs", key, changes, job)),),
            legal=((Update("jobs", key, changes, job),),),
            broken=(
                ViolatesSeveral(
                    (Update("jobs", key, draw(ended), job),), also | {"STATE-JOB"}, UNMOVED
                ),
            ),
        )

    @scenarios
    def inserts(world: World, draw: Draw) -> Scenario:
        """Insert a queued job; then one that has ended without. STATE-JOB refuses as well."""
        _, changes = draw(ending)
        good = job_of(world, draw(KINDS))
        bad = as_inserted(world, draw, {**changes, **draw(ended)})
        return Scenario(
            given=(tuple(world.given),),
            legal=((Insert("jobs", (good,)),),),
            broken=(ViolatesSeveral((Insert("jobs", (bad,)),), also | {"STATE-JOB"}, UNMOVED),),
        )

    @scenarios
    def inserts_many(world: World, draw: Draw) -> Scenario:
        """Insert two queued jobs; then one with one that has ended without, in either order."""
        _, changes = draw(ending)
        good = [job_of(world, "starter") for _ in range(3)]
        rows = (good[2], as_inserted(world, draw, {**changes, **draw(ended)}))
        return Scenario(
            given=(tuple(world.given),),
            legal=((Insert("jobs", tuple(good[:2])),),),
            broken=(
                ViolatesSeveral(
                    (Insert("jobs", rows if draw(st.booleans()) else rows[::-1]),),
                    also | {"STATE-JOB"},
                    UNMOVED,
                ),
            ),
        )

    return by_shape(
        insert=inserts,
        insert_many=inserts_many,
        update=st.one_of(moves, in_two_steps, late),
        reasons=JOB_ROW,
    )


def _without(changes: Row, spoiled: Row, *, left_out: bool) -> Row:
    lacking = {**changes, **spoiled}
    if not left_out:
        return lacking
    return {name: value for name, value in lacking.items() if value is not None}


@scenarios
def started(world: World, draw: Draw) -> Scenario:
    """Start a job, with a time or without; then take the time away. Insert one without a time."""
    job = born(world, draw)
    key = {"id": job["id"]}
    times: list[Row] = [{}, {"started_at": None}, {"started_at": BORN}]
    given = draw(st.sampled_from(times))
    progress = {"progress": Jsonb({"scenes": 1})}
    return Scenario(
        given=(tuple(world.given),),
        legal=(
            (Update("jobs", key, {"status": "processing", **given}, job),),
            (Update("jobs", key, progress, job),),
        ),
        broken=(
            (Update("jobs", key, {"started_at": None}, job),),
            (Update("jobs", key, {"status": "processing", "started_at": None, **progress}, job),),
        ),
    )


@scenarios
def ended_at_the_turn(world: World, draw: Draw) -> Scenario:
    """Cancel a job just after it was made, then another just before; the clocks are put back."""
    good, bad = (
        world.insert("jobs", {**job_of(world, "starter"), "created_at": made})
        for made in (TURN, TURN + TICK)
    )
    _, changes = draw(st.just(AT_ONCE))
    return Scenario(
        given=(tuple(world.given),),
        legal=(
            (Update("jobs", {"id": good["id"]}, {**changes, "completed_at": TURN + TICK}, good),),
        ),
        broken=((Update("jobs", {"id": bad["id"]}, {**changes, "completed_at": TURN}, bad),),),
        settings=(("TimeZone", REPEATS),),
    )


UNSTARTED: Final = "STATE-JOB refuses what is inserted in processing"


@scenarios
def inserted_processing(world: World, draw: Draw) -> Scenario:
    """Insert a queued job; then one in processing without a time. STATE-JOB refuses as well."""
    good, bad = job_of(world, draw(KINDS)), job_of(world, draw(KINDS))
    return Scenario(
        given=(tuple(world.given),),
        legal=((Insert("jobs", (good,)),),),
        broken=(
            ViolatesSeveral(
                (Insert("jobs", ({**bad, "status": "processing"},)),),
                frozenset({"STATE-JOB"}),
                UNSTARTED,
            ),
        ),
    )


@scenarios
def inserted_processing_many(world: World, draw: Draw) -> Scenario:
    """Insert two queued jobs; then one with one in processing. STATE-JOB refuses as well."""
    rows = [{**job_of(world, "starter"), "status": "queued"} for _ in range(4)]
    rows[draw(st.integers(2, 3))]["status"] = "processing"
    return Scenario(
        given=(tuple(world.given),),
        legal=((Insert("jobs", tuple(rows[:2])),),),
        broken=(
            ViolatesSeveral(
                (Insert("jobs", tuple(rows[2:])),), frozenset({"STATE-JOB"}), UNSTARTED
            ),
        ),
    )


WAYS: dict[str, Ways] = {
    "INV-J2": besides(
        ends_with(
            endings(*FINISHED) | st.just(AT_ONCE),
            st.just({"completed_at": BORN - TICK}),
            st.just({"completed_at": None}),
            also=frozenset({"INV-TIME3"}),
            because="what ends before it was made ends before it was started",
        ),
        update=ended_at_the_turn,
    ),
    "INV-J3": by_shape(
        insert=inserted_processing,
        insert_many=inserted_processing_many,
        update=started,
        reasons=JOB_ROW,
    ),
    "INV-J4": ends_with(
        endings("completed"), st.sampled_from(({"output": None}, {"output": Jsonb(None)}))
    ),
    "INV-J5": ends_with(
        endings("failed"), st.sampled_from(({"error": None}, {"error": Jsonb(None)}))
    ),
    "INV-J6": ends_with(endings("failed", "canceled"), st.just({"failure_type": None})),
    "INV-J7": ends_with(
        endings("completed"),
        st.sampled_from(JOB_FAILURE_TYPE).map(lambda kind: {"failure_type": kind}),
    ),
}
