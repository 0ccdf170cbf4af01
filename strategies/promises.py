"""Facts that this schema promises, and the domain does not: other schemas may do without.

The suite judges those too, and asks none of them. Mutants of this schema are tried by them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from conformance.engine.cases.scenario import ColumnCase, Fact
from conformance.engine.sql.documents import Jsonb
from conformance.engine.sql.writes import Insert, RawSql, Sql, Update
from strategies.column_cases import CHECK, a_row
from strategies.moments import WEEK
from strategies.tables import COLUMNS
from strategies.world import NOW, World, urn_of_member, urn_of_team, urn_of_user

if TYPE_CHECKING:
    from collections.abc import Iterator

# What no derived column of any row may be: null where it is not, and the other way round.
OTHERWISE: Final = {
    "users": (("is_erased", "NOT is_erased"),),
    "memberships": (("user_tier", "'starter'"),),
    "projects": (("owner", "'framecast:team:' || id"), ("owner", "upper(owner)")),
    "api_keys": (
        ("owner_tier", "'starter'"),
        ("owner_tier", "CASE WHEN owner_tier IS NULL THEN 'creator'::public.user_tier END"),
        *(
            (column, value.format(column))
            for column in ("live_member_team_id", "live_shared_team_id")
            for value in (
                "user_id",
                "CASE WHEN {} IS NULL THEN user_id END",
            )
        ),
    ),
}
AHEAD: Final = Sql("now() + interval '8760 hours'")


def promises() -> Iterator[ColumnCase]:
    """Return all of them."""
    for table, columns in COLUMNS.items():
        if "updated_at" in columns:
            yield _given(table, "updated_at", "updated_at <= now()")
    yield _given("invitations", "created_at", f"expires_at = created_at + {WEEK}")
    for table in ("users", "memberships", "api_keys", "projects"):
        yield _derived_otherwise(table)


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


def _derived_otherwise(table: str) -> ColumnCase:
    """Where columns are not derived by the trigger, a check refuses what they may not be.

    Of every row: an account that was erased and one that was not, keys of each form of owner, live
    and revoked.
    """
    world = World()
    team, owner = world.team()
    for role in ("admin", "viewer"):
        world.member(team, role)
    for spec in (None, Jsonb({})):
        world.project(team, owner, spec=spec)
    for urn in (urn_of_user(owner), urn_of_team(team), urn_of_member(team, owner)):
        for revoked in (None, NOW):
            world.insert("api_keys", world.a_key(owner, urn, revoked_at=revoked))
    erased = world.starter(ephemeral_storage_bytes=1)
    world.given.append(RawSql(f"SELECT public.erase_user('{erased['id']}')"))
    off = f"ALTER TABLE public.{table} DISABLE TRIGGER _100_derive"
    first, *more = (
        (RawSql(off), Update(table, {"id": row["id"]}, {column: Sql(value)}))
        for each in world.given
        if isinstance(each, Insert) and each.table == table
        for row in each.rows
        for column, value in OTHERWISE[table]
    )
    return ColumnCase(
        f"{table} derived otherwise",
        (tuple(world.given),),
        first,
        (CHECK, ""),
        tables=(table,),
        more=tuple(more),
        token="privacy_1__" if table == "users" else "",
    )
