"""Near misses of the rules on created_at and updated_at: INV-TIME1 and AUTO-UPDATED."""

from hypothesis import strategies as st

from conformance.engine.cases.scenario import Fact, Scenario, Ways
from conformance.engine.sql.documents import Jsonb
from conformance.engine.sql.writes import Delete, Insert, Path, Row, Update
from strategies.instants import FIRST, FUTURE_START, PAST_END, TICK
from strategies.near_misses.teams import owned, team
from strategies.near_misses.times import at_the_turn, created_before_updated, stamps
from strategies.near_misses.ways import (
    UPDATING,
    Draw,
    Maker,
    alone,
    besides,
    either,
    scenarios,
)
from strategies.world import World, urn_of_team, urn_of_user


def user(world: World) -> Row:
    """Make a starter."""
    return world.a_starter()


def project(world: World) -> Row:
    """Make a project."""
    return world.a_project(*world.team())


def job(world: World) -> Row:
    """Make a job of a starter."""
    return world.a_job(world.starter())


def asset(world: World) -> Row:
    """Make an asset of a starter."""
    return world.an_asset(world.starter())


def webhook(world: World) -> Row:
    """Make a webhook."""
    return world.a_webhook(*world.team())


def usage(world: World) -> Row:
    """Make a row of usage."""
    return world.a_usage(urn_of_user({"id": world.id()}))


# Tables that keep both times, but teams, whose rows do not stand alone.
TIMED: dict[str, Maker] = {
    "users": user,
    "projects": project,
    "jobs": job,
    "asset_files": asset,
    "webhooks": webhook,
}

# A change to a row of each table that keeps updated_at.
CHANGES: dict[str, Row] = {
    "users": {"name": "Other"},
    "teams": {"name": "Other"},
    "projects": {"name": "Other"},
    "jobs": {"progress": Jsonb({"percent": 1})},
    "asset_files": {"status": "ready"},
    "webhooks": {"is_active": False},
    "usage": {"api_calls": 1},
}

AN_HOUR_AGO = "now() - interval '1 hour'"


def inserted(world: World, table: str, **times: object) -> Row:
    """Insert a row of this table with these times."""
    if table == "teams":
        return world.owned_team(world.creator(), **times)
    make = usage if table == "usage" else TIMED[table]
    times = {name: at for name, at in times.items() if table != "usage" or name != "created_at"}
    return world.insert(table, {**make(world), **times})


JUST_NOW = f"updated_at > {AN_HOUR_AGO} AND updated_at <= now()"


def just_now(table: str, row: Row) -> Fact:
    """Return that a row was updated just now."""
    return Fact(
        f"SELECT {JUST_NOW} FROM public.{table} WHERE id = '{row['id']}'",
        expected=True,
    )


@scenarios
def updates(world: World, draw: Draw) -> Scenario:
    """Update an old row, whatever is given for updated_at; then one whose time is yet to come.

    An update that leaves all as it was is one, too. The old row is of now. The other stays as it
    was, or is of now as well: no rule says which.
    """
    table = draw(st.sampled_from(sorted(CHANGES)))
    old = inserted(world, table, created_at=FIRST, updated_at=PAST_END - TICK)
    late = inserted(world, table, created_at=FIRST, updated_at=FUTURE_START)
    given = draw(st.sampled_from((None, FIRST, FIRST - TICK, PAST_END, FUTURE_START + TICK)))
    time = {"updated_at": given} if given else {}
    changes = draw(st.sampled_from((CHANGES[table], {})))
    return Scenario(
        given=(tuple(world.given),),
        legal=tuple(
            (Update(table, {"id": row["id"]}, {**(changes or {"id": row["id"]}), **time}, row),)
            for row in (old, late)
        ),
        facts=(
            just_now(table, old),
            Fact(
                f"SELECT updated_at <> '{FUTURE_START}' AND NOT ({JUST_NOW})"
                f" FROM public.{table} WHERE id = '{late['id']}'",
                expected=False,
                side=False,
            ),
        ),
    )


GIVEN = "no time is given with it that could be wrong"


@scenarios
def by_jobs(world: World, draw: Draw) -> Scenario:
    """Make a job, which moves its project; then end it, which moves both."""
    made, owner = world.team()
    row = world.a_project(made, owner, created_at=FIRST, updated_at=FIRST)
    world.insert("projects", row)
    work = world.a_job(
        owner, urn_of_team(made), project_id=row["id"], created_at=FIRST, updated_at=FIRST
    )
    cancel = {"status": "canceled", "failure_type": "canceled"}
    ends = (Update("jobs", {"id": work["id"]}, cancel),) if draw(st.booleans()) else ()
    return Scenario(
        given=(tuple(world.given),),
        legal=((Insert("jobs", (work,)),), *((end,) for end in ends)),
        facts=(
            just_now("projects", row),
            *(just_now("jobs", work) for _ in ends),
        ),
        because=GIVEN,
    )


@scenarios
def project_ends(world: World, _draw: Draw) -> Scenario:
    """Delete a project: its job leaves it, which is an update."""
    made, owner = world.team()
    row = world.project(made, owner)
    times = {"created_at": FIRST, "updated_at": FUTURE_START}
    work = world.a_job(owner, urn_of_team(made), project_id=row["id"], **times)
    world.insert("jobs", work)
    world.move(work, "canceled")
    return Scenario(
        given=(tuple(world.given),),
        legal=((Delete("projects", {"id": row["id"]}),),),
        facts=(
            Fact(
                f"SELECT project_id IS NULL AND (updated_at = '{FUTURE_START}' OR {JUST_NOW})"
                f" FROM public.jobs WHERE id = '{work['id']}'",
                expected=True,
            ),
        ),
        because=GIVEN,
    )


WAYS: dict[str, Ways] = {
    "INV-TIME1": besides(
        either(
            created_before_updated("teams", team, owned),
            *(created_before_updated(table, make) for table, make in TIMED.items()),
        ),
        insert=at_the_turn(
            ("teams", team, stamps, owned),
            *((table, make, stamps, alone) for table, make in TIMED.items()),
        ),
    ),
    "AUTO-UPDATED": {
        **dict.fromkeys(Path, "nothing is updated"),
        **dict.fromkeys(UPDATING, updates),
        Path.MOVE: "IMM-1 refuses every move to another parent",
        Path.OTHER: by_jobs,
        Path.CASCADE: project_ends,
    },
}
