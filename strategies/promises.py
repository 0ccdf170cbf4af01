"""Facts that this schema promises, and the domain does not: other schemas may do without.

The suite judges those too, and asks none of them. Mutants of this schema are tried by them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final
from uuid import UUID

from conformance.engine.cases.scenario import ColumnCase, Fact
from conformance.engine.sql.documents import Jsonb
from conformance.engine.sql.writes import Delete, Insert, RawSql, Row, Sql, Update
from strategies.column_cases import CHECK, a_row
from strategies.moments import WEEK
from strategies.tables import COLUMNS
from strategies.world import NOW, World, urn_of_member, urn_of_team, urn_of_user

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.sql.writes import Write

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
# What a client may send for them, of any row: they are derived all the same.
SENT: Final[dict[str, Row]] = {
    "users": {"is_erased": True},
    "memberships": {"user_tier": "starter"},
    "projects": {"owner": ""},
    "api_keys": {
        "owner_tier": "starter",
        "live_member_team_id": UUID(int=0),
        "live_shared_team_id": UUID(int=0),
    },
}
WITHOUT_DIGITS: Final = UUID("abcdefab-cdef-abcd-efab-cdefabcdefab")
MEMBER: Final = UUID("fedcbafe-dcba-fedc-bafe-dcbafedcbafe")
AHEAD: Final = Sql("now() + interval '8760 hours'")


def promises() -> Iterator[ColumnCase]:
    """Return all of them."""
    for table, columns in COLUMNS.items():
        if "updated_at" in columns:
            yield _given(table, "updated_at", "updated_at <= now()")
    yield _given("invitations", "created_at", f"expires_at = created_at + {WEEK}")
    for table in ("users", "memberships", "api_keys", "projects"):
        yield _sent_otherwise(table)
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


def _sent_otherwise(table: str) -> ColumnCase:
    """Columns are derived, whatever is sent for them with a new row, or for one that is there."""
    world = _every_row()
    given = (
        replace(each, rows=tuple({**row, **SENT[table]} for row in each.rows))
        if isinstance(each, Insert) and each.table == table
        else each
        for each in world.given
    )
    written = ((each,) for each in _written_otherwise(world, table))
    return ColumnCase(f"{table} sent otherwise", (tuple(given), *written), tables=(table,))


def _derived_otherwise(table: str) -> ColumnCase:
    """Where columns are not derived by the trigger, a check refuses what they may not be.

    Also what a trigger writes: keys are revoked when their membership ends.
    """
    world = _every_row()
    off = RawSql(f"ALTER TABLE public.{table} DISABLE TRIGGER _100_derive")
    writes: list[Write] = [*_written_otherwise(world, table)]
    if table == "api_keys":
        writes.append(Delete("memberships", {"team_id": WITHOUT_DIGITS, "user_id": MEMBER}))
    first, *more = ((off, each) for each in writes)
    return ColumnCase(
        f"{table} derived otherwise",
        (tuple(world.given),),
        first,
        (CHECK, ""),
        tables=(table,),
        more=tuple(more),
        token="privacy_1__" if table == "users" else "",
    )


def _written_otherwise(world: World, table: str) -> Iterator[Update]:
    for each in world.given:
        if isinstance(each, Insert) and each.table == table:
            for row in each.rows:
                for column, value in OTHERWISE[table]:
                    yield Update(table, {"id": row["id"]}, {column: Sql(value)})


def _every_row() -> World:
    """Rows of each kind: roles, projects with a spec and without, keys of each form, live and not.

    One team and its owner have ids without digits, and the others ones without letters.
    """
    world = World()
    team, owner = world.team()
    for role in ("admin", "member", "viewer"):
        world.member(team, role)
    lettered = world.creator(id=MEMBER)
    theirs = world.owned_team(lettered, id=WITHOUT_DIGITS)
    for spec in (None, Jsonb({})):
        project = world.project(team, owner, spec=spec)
    world.move(world.job(owner, urn_of_team(team), project_id=project["id"]), "completed")
    used: Row = {"last_used_at": NOW, "expires_at": AHEAD}
    for user, its, columns in ((owner, team, {}), (lettered, theirs, used)):
        for urn in (urn_of_user(user), urn_of_team(its), urn_of_member(its, user)):
            for revoked in (None, NOW):
                world.insert("api_keys", world.a_key(user, urn, revoked_at=revoked, **columns))
    for bytes_stored in (0, 1):
        erased = {"id": world.starter(ephemeral_storage_bytes=bytes_stored)["id"]}
        world.given.append(RawSql(f"SELECT public.erase_user('{erased['id']}')"))
    world.given.append(Update("users", erased, {"email": Sql("upper(email)")}))
    return world
