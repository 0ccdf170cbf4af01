"""Near misses of IMM-1: what a row is about never changes, column by column of every table."""

from collections.abc import Callable

from hypothesis import strategies as st

from conformance.cases.scenario import Fact, Scenario, ViolatesSeveral, Ways
from conformance.framecast.rules.ownership import SUBJECTS
from conformance.sql.writes import Delete, Path, Row, Update
from strategies.near_misses.subject_rows import ALL_KINDS, AT_ONCE, KINDS, Make
from strategies.near_misses.ways import UPDATING, Draw, scenarios
from strategies.world import World, urn_of_team


def attempts(
    make: Make,
    columns: Callable[[str], tuple[str, ...]],
    world: World | None = None,
) -> Scenario:
    """Write the same once more, and change other columns; then change each of some fixed ones."""
    world = world or World()
    made = make(world)
    key = {"id": made.row["id"]}
    same = {column: made.row[column] for column in SUBJECTS[made.table]}

    def write(changes: Row) -> tuple[Update]:
        return (Update(made.table, key, changes, made.row),)

    return Scenario(
        given=(tuple(world.given),),
        legal=(write(same), write({**same, **made.alike}), write({**same, **made.free})),
        broken=tuple(
            ViolatesSeveral(write(changes), made.also)
            for changes in made.changes(columns(made.table))
        ),
        because="" if columns(made.table) else f"what {made.table} are about is in no other table",
    )


def parents(table: str) -> tuple[str, ...]:
    """Return the fixed columns that name a parent."""
    return tuple(
        column
        for column in SUBJECTS[table]
        if column in {"owner", "uploaded_by", "created_by", "invited_by", "triggered_by"}
        or column.endswith("_id")
    )


def fixed(table: str) -> tuple[str, ...]:
    """Return all fixed columns."""
    return SUBJECTS[table]


@scenarios
def all_at_once(world: World, draw: Draw) -> Scenario:
    """Attempt every column of every table, so that none depends on what is drawn."""
    first = draw(st.integers(0, 11))
    parts = [
        attempts(kinds[(first + number) % len(kinds)], fixed, world)
        for kinds in KINDS.values()
        for number in range(min(AT_ONCE, len(kinds)))
    ]
    return Scenario(
        given=parts[-1].given,
        legal=tuple(each for part in parts for each in part.legal),
        broken=tuple(each for part in parts for each in part.broken),
    )


@scenarios
def project_ends(world: World, draw: Draw) -> Scenario:
    """Delete a project whose job has ended: the job stays, in no project. It never has another."""
    team, owner = world.team()
    project, other = world.project(team, owner), world.project(team, owner)
    row = world.job(owner, urn_of_team(team), project_id=project["id"])
    world.move(row, draw(st.sampled_from(("completed", "failed", "canceled"))))
    return Scenario(
        given=(tuple(world.given),),
        legal=((Delete("projects", {"id": project["id"]}),),),
        facts=(
            Fact(
                f"SELECT project_id IS NULL FROM public.jobs WHERE id = '{row['id']}'",
                expected=True,
            ),
        ),
        broken=(
            ViolatesSeveral(
                (Update("jobs", {"id": row["id"]}, {"project_id": other["id"]}),),
                frozenset({"STATE-JOB"}),
            ),
        ),
    )


WAYS: dict[str, Ways] = {
    "IMM-1": {
        **dict.fromkeys(Path, "compares a row before and after an update"),
        **dict.fromkeys(
            UPDATING, st.sampled_from(ALL_KINDS).map(lambda make: attempts(make, fixed))
        ),
        Path.UPDATE: all_at_once,
        Path.MOVE: st.sampled_from(ALL_KINDS).map(lambda make: attempts(make, parents)),
        Path.CASCADE: project_ends,
    }
}
