"""Near misses of IMM-1: what a row is about never changes, column by column of every table."""

from collections.abc import Callable

from hypothesis import strategies as st

from conformance.engine.cases.scenario import Fact, Scenario, Transaction, ViolatesSeveral, Ways
from conformance.engine.sql.writes import Delete, Path, RawSql, Row, Update
from conformance.framecast.rules.ownership import SUBJECTS
from strategies.near_misses.subject_rows import ALL_KINDS, AT_ONCE, KINDS, Make
from strategies.near_misses.ways import UPDATING, Draw, Scenarios, scenarios
from strategies.world import World, urn_of_member, urn_of_team


def attempts(
    make: Make,
    columns: Callable[[str], tuple[str, ...]],
    world: World | None = None,
    *,
    is_fresh: bool = False,
) -> Scenario:
    """Write the same once more, and change other columns; then change each of some fixed ones.

    The fixed ones are those of the row whose others have changed, or of one that is as it was made:
    what lets pass a row that nobody has touched yet is not found on any other.
    """
    world = world or World()
    made = make(world)
    tried = make(world) if is_fresh else made
    same = {column: made.row[column] for column in SUBJECTS[made.table]}

    def write(changes: Row) -> tuple[Update]:
        return (Update(made.table, {"id": made.row["id"]}, changes, made.row),)

    def over(changes: Row) -> Transaction:
        all_changes = {**tried.along, **changes}
        write = Update(tried.table, {"id": tried.row["id"]}, all_changes, tried.row)
        return (*tried.beside, write)

    return Scenario(
        given=(tuple(world.given),),
        legal=(write(same), write({**same, **made.alike}), write({**same, **made.free})),
        broken=tuple(
            ViolatesSeveral(over(changes), tried.also)
            for changes in tried.changes(columns(tried.table))
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
    is_fresh = draw(st.booleans())
    parts = [
        attempts(
            kinds[(first + number) % len(kinds)], fixed, world, is_fresh=is_fresh ^ (number == 1)
        )
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


@scenarios
def project_ends_in_the_statement(world: World, draw: Draw) -> Scenario:
    """Let a job leave its project in the statement that deletes it: nothing else of it changes."""
    team, owner = world.team()
    rows = []
    for _ in range(2):
        project = world.project(team, owner)["id"]
        rows.append(world.job(owner, urn_of_team(team), project_id=project))
        world.move(rows[-1], draw(st.sampled_from(("completed", "failed", "canceled"))))

    def left(row: Row, also: str) -> tuple[RawSql]:
        gone = f"DELETE FROM public.projects WHERE id = '{row['project_id']}' RETURNING id"
        return (
            RawSql(
                f"WITH gone AS ({gone}) UPDATE public.jobs AS j SET project_id = NULL, {also}"
                f" FROM gone WHERE j.id = '{row['id']}' AND j.project_id = gone.id"
            ),
        )

    others = (
        f"id = '{world.id()}'",
        f"owner = '{urn_of_member(team, owner)}'",
        f"triggered_by = '{world.member(team)['id']}'",
        "spec_snapshot = '[]'",
        "created_at = created_at - interval '1 minute'",
    )
    return Scenario(
        given=(tuple(world.given),),
        legal=(left(rows[0], "progress = progress"),),
        broken=tuple(
            ViolatesSeveral(left(rows[1], other), frozenset({"STATE-JOB"})) for other in others
        ),
    )


def _of_any(columns: Callable[[str], tuple[str, ...]]) -> Scenarios:
    """Return attempts on a row of any kind."""
    return st.builds(
        lambda make, is_fresh: attempts(make, columns, is_fresh=is_fresh),
        st.sampled_from(ALL_KINDS),
        st.booleans(),
    )


WAYS: dict[str, Ways] = {
    "IMM-1": {
        **dict.fromkeys(Path, "compares a row before and after an update"),
        **dict.fromkeys(UPDATING, _of_any(fixed)),
        Path.UPDATE: all_at_once,
        Path.MOVE: _of_any(parents),
        Path.CASCADE: st.one_of(project_ends, project_ends_in_the_statement),
    }
}
