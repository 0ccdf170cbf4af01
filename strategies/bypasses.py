"""Writes past what usually guards a rule, which are refused in its name all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from conformance.engine.cases.scenario import ColumnCase
from conformance.engine.sql.writes import Insert, RawSql, Sql, Update
from strategies.column_cases import CHECK, KEY, REFERENCE
from strategies.world import World, urn_of_team

if TYPE_CHECKING:
    from collections.abc import Iterator

# TRUNCATE removes what was committed after its transaction's snapshot was taken, and nothing in
# that transaction can see whether there was any.
BLIND: Final = ("REPEATABLE READ", "SERIALIZABLE")
EMPTIED: Final = {
    "public.memberships": "inv_t2__",
    "public.jobs": "del_1__",
    "framecast.user_guards": "own_1__",
    "framecast.team_guards": "own_1__",
    "framecast.project_specs": "own_1__",
}

# Another value for each column of a completed job that no other rule has a say in.
OTHERWISE: Final = {
    "options": """'{"other": 1}'""",
    "progress": """'{"other": 1}'""",
    "output": """'{"other": 1}'""",
    "output_size_bytes": "77",
    "error": """'{"other": 1}'""",
    "credits_charged": "credits_charged + 1",
    "idempotency_key": "'other'",
    "started_at": "started_at - interval '1 second'",
    "completed_at": "completed_at + interval '1 second'",
}


def bypasses() -> Iterator[ColumnCase]:
    """Return all of them, as facts of the tables' columns."""
    yield _numbered_by_hand()
    yield _finished()
    yield _key_of_another_team()
    for level in BLIND:
        for table, token in EMPTIED.items():
            yield _emptied(table, token, level)


def _numbered_by_hand() -> ColumnCase:
    """Where events are not numbered by the trigger, no number is used twice all the same."""
    world = World()
    job = world.job(world.starter())
    rows = tuple(world.an_event(job, sequence=7) for _ in range(2))
    by_hand = (
        RawSql("ALTER TABLE public.job_events DISABLE TRIGGER _500_number"),
        Insert("job_events", rows),
    )
    return ColumnCase(
        "job_events.sequence by hand",
        (tuple(world.given),),
        by_hand,
        (KEY, ""),
        tables=("job_events",),
        token="seq_1__",  # noqa: S106 - the rule
    )


def _key_of_another_team() -> ColumnCase:
    """A stranger's key of a team is refused as such, and not as a member's key without a member."""
    world = World()
    team, _ = world.team()
    row = world.a_key(world.creator(), urn_of_team(team))
    return ColumnCase(
        "api_keys.owner of another team",
        (tuple(world.given),),
        (Insert("api_keys", (row,)),),
        (REFERENCE, ""),
        tables=("api_keys", "memberships"),
        token="role_2__",  # noqa: S106 - the rule
    )


def _finished() -> ColumnCase:
    """A finished job stays as it is, in every column but those that may still change."""
    world = World()
    job = world.job(world.starter())
    world.move(job, "completed")
    key = {"id": job["id"]}
    first, *more = ((Update("jobs", key, {column: Sql(to)}),) for column, to in OTHERWISE.items())
    return ColumnCase(
        "jobs.* finished",
        (tuple(world.given),),
        first,
        (CHECK, ""),
        tables=("jobs",),
        more=tuple(more),
        token="state_job__",  # noqa: S106 - the rule
    )


def _emptied(table: str, token: str, level: str) -> ColumnCase:
    """A table that is empty, as far as can be seen."""
    emptied = (
        RawSql(f"SET TRANSACTION ISOLATION LEVEL {level}"),
        RawSql(f"TRUNCATE {table} CASCADE"),
    )
    about = table.removeprefix("public.")
    return ColumnCase(
        f"{about} emptied at {level.lower()}",
        (),
        emptied,
        (CHECK, ""),
        tables=(about,),
        token=token,
    )
