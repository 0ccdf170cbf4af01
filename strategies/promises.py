"""Facts that this schema promises, and the domain does not: other schemas may do without.

The suite judges those too, and asks none of them. Mutants of this schema are tried by them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from conformance.engine.cases.scenario import ColumnCase, Fact
from conformance.engine.sql.writes import Insert, Sql
from strategies.column_cases import a_row
from strategies.moments import WEEK
from strategies.tables import COLUMNS
from strategies.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

AHEAD: Final = Sql("now() + interval '8760 hours'")


def promises() -> Iterator[ColumnCase]:
    """Return all of them."""
    for table, columns in COLUMNS.items():
        if "updated_at" in columns:
            yield _given(table, "updated_at", "updated_at <= now()")
    yield _given("invitations", "created_at", f"expires_at = created_at + {WEEK}")


def _given(table: str, column: str, fact: str) -> ColumnCase:
    """A time of a year ahead, by a client's clock, is taken, and what is filled in fits it."""
    world = World()
    if table == "teams":
        row, _ = world.team(**{column: AHEAD})
        writes = []
    else:
        row = {**a_row(table, world), column: AHEAD}
        writes = [(Insert(table, (row,)),)]
    where = f"FROM public.{table} WHERE id = '{row['id']}'"
    return ColumnCase(
        f"{table}.{column} ahead",
        (tuple(world.given), *writes),
        facts=(Fact(f"SELECT {fact} {where}", expected=True),),
        tables=(table,),
    )
