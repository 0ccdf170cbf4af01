"""Moments: one transaction has one time, and none depends on the zone of a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from conformance.engine.cases.scenario import ColumnCase, Fact
from conformance.engine.sql.writes import Insert, RawSql, Row, Sql, Update
from strategies.column_cases import a_row
from strategies.session_settings import SOON
from strategies.tables import COLUMNS
from strategies.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TIMES: Final = ("created_at", "updated_at")
# What is later than this by less than two hours is so on every wall; this looks earlier on one.
LATER: Final = Sql("now() + interval '5 hours'")
# The first and the last that there are; and what is before and after all of them.
ENDS: Final = ("4713-11-24 00:00+00 BC", "294276-12-31 23:59:59.999999+00", "-infinity", "infinity")
WEEK: Final = "interval '168 hours'"
ELSEWHERE: Final = RawSql(f"SET LOCAL TimeZone = '{SOON}'")


def moments() -> Iterator[ColumnCase]:
    """Return all of them, as facts of the tables' columns."""
    for table, columns in COLUMNS.items():
        times = [name for name in TIMES if name in columns]
        if times:
            yield _made_together(table, times)
    yield _moved_together()
    yield from _open_elsewhere()
    yield from _at_the_ends()


def _made_together(table: str, times: Sequence[str]) -> ColumnCase:
    """Rows that a transaction makes one after another are of one time."""
    world = World()
    rows = [a_row(table, world) for _ in range(2)]
    writes = [Insert(table, (row,)) for row in rows]
    if table == "teams":
        owner = world.creator()
        joins = [world.a_membership(team, owner, role="owner") for team in rows]
        writes.append(Insert("memberships", tuple(joins)))
    return ColumnCase(
        f"{table} made together",
        (tuple(world.given), tuple(writes)),
        facts=(_of_one_time(table, rows, times),),
        tables=(table,),
    )


def _moved_together() -> ColumnCase:
    """Jobs that a transaction moves on one after another are of one time."""
    world = World()
    rows = [world.job(world.starter()) for _ in range(2)]
    steps: tuple[Row, ...] = ({"status": "processing"}, {"status": "completed", "output": "{}"})
    starts, ends = (
        tuple(Update("jobs", {"id": row["id"]}, each) for row in rows) for each in steps
    )
    times = ("started_at", "completed_at", "updated_at")
    return ColumnCase(
        "jobs moved together",
        (tuple(world.given), starts, ends),
        facts=(_of_one_time("jobs", rows, times),),
        tables=("jobs",),
    )


def _of_one_time(table: str, rows: Sequence[Row], times: Sequence[str]) -> Fact:
    """Return the fact that each time is the same in all rows."""
    one = " AND ".join(f"count(DISTINCT {name}) = 1" for name in times)
    ids = ", ".join(f"'{row['id']}'" for row in rows)
    where = f"FROM public.{table} WHERE id IN ({ids})"
    return Fact(f"SELECT {one} {where}", expected=True)


def _open_elsewhere() -> Iterator[ColumnCase]:
    """An invitation is open until it expires, whatever the clock on the wall will be then.

    One that was made later than now, by a client's clock, is open for as long, or until then.
    """
    world = World()
    made, late, usual, ahead = (a_row("invitations", world) for _ in range(4))
    ahead = {**ahead, "created_at": Sql("now() + interval '1 hour'")}
    world.insert("invitations", {**made, "expires_at": LATER})
    accepted = Update("invitations", {"id": made["id"]}, {"accepted_at": Sql("clock_timestamp()")})
    where = f"FROM public.invitations WHERE id = '{usual['id']}'"
    both = (
        "FROM public.invitations AS a CROSS JOIN public.invitations AS u"
        f" WHERE a.id = '{ahead['id']}' AND u.id = '{usual['id']}'"
    )
    yield ColumnCase(
        "invitations.expires_at elsewhere",
        (
            tuple(world.given),
            (ELSEWHERE, Insert("invitations", ({**late, "expires_at": LATER},))),
            (ELSEWHERE, accepted),
            (ELSEWHERE, Insert("invitations", (usual, ahead))),
        ),
        facts=(
            Fact(f"SELECT expires_at - created_at = {WEEK} {where}", expected=True),
            Fact(
                f"SELECT a.expires_at IN (a.created_at + {WEEK}, u.expires_at) {both}",
                expected=True,
            ),
        ),
        tables=("invitations",),
    )


def _at_the_ends() -> Iterator[ColumnCase]:
    """Rows of the first and the last times that there are can be written back, and move on."""
    for table, columns in COLUMNS.items():
        if "created_at" in columns:
            ends = ENDS[:-1] if table == "invitations" else ENDS  # none expires after all times
            yield _at_end(f"{table}.created_at", ends, {})
    yield _at_end("invitations.expires_at", ENDS[1:2], {"accepted_at": ENDS[1]})
    canceled: Row = {"status": "canceled", "failure_type": "system"}
    yield _at_end("jobs.started_at", ENDS[1::2], canceled)


def _at_end(name: str, ends: Sequence[str], change: Row) -> ColumnCase:
    """Rows with such times are changed, while the time comes back; and so once more."""
    table, _, column = name.partition(".")
    world = World()
    moves = []
    for end in ends:
        if table == "teams":
            row, _ = world.team(created_at=end)
        else:
            late = {"expires_at": ENDS[-1]} if table == "invitations" else {}
            row = world.insert(table, {**a_row(table, world), **late, column: end})
        moves.append(Update(table, {"id": row["id"]}, {**change, column: end}))
    accepted = (tuple(world.given), tuple(moves), tuple(moves))
    return ColumnCase(f"{name} at the ends", accepted, tables=(table,))
