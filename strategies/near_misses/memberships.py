"""Near misses of the rules of memberships: INV-M1 to INV-M3, INV-M5 and INV-M6."""

from uuid import UUID

from hypothesis import strategies as st

from conformance.engine.cases.scenario import Scenario, Ways
from conformance.engine.sql.writes import Delete, Insert, Path, Row, Update, Write
from strategies.enums import MEMBERSHIP_ROLE
from strategies.near_misses.relations import parent, unique
from strategies.near_misses.ways import (
    Draw,
    Scenarios,
    besides,
    label,
    one_row,
    replayed,
    scenarios,
)
from strategies.world import World


def membership(world: World) -> Row:
    """Make a membership of somebody who is in another team, in a team whose owner has another."""
    home, owner = world.team()
    return world.a_membership(world.owned_team(owner), world.member(home))


def dangling(column: str) -> Scenarios:
    """Return insertions whose parent comes with them, before or after; then some without one."""

    @scenarios
    def built(world: World, draw: Draw) -> Scenario:
        home, owner = world.team()
        row, bad = membership(world), membership(world)
        coming: tuple[Write, ...]
        if column == "user_id":
            user = world.a_creator()
            coming = (Insert("users", (user,)),)
            row = {**row, "user_id": user["id"]}
        else:
            team = world.a_team()
            row = {**row, "team_id": team["id"]}
            leads = world.a_membership(team, owner, role="owner")
            coming = (Insert("memberships", (leads,)), Insert("teams", (team,)))
        joins = Insert("memberships", (row,))
        stray = Insert(
            "memberships", ({**bad, column: UUID(int=draw(st.integers(0xDEAD, 0xDEAF)))},)
        )
        also = Insert("memberships", (world.a_membership(home, world.creator(), role="viewer"),))
        return Scenario(
            given=(tuple(world.given),),
            legal=((*coming, joins) if draw(st.booleans()) else (joins, *coming),),
            broken=((stray,), (stray, also), (also, stray)),
        )

    return built


@scenarios
def upserted(world: World, draw: Draw) -> Scenario:
    """Join again where that does nothing, or changes the role; then where it would be a second."""
    row = world.insert("memberships", membership(world))
    again = {**row, "id": world.id()}
    pair = {name: row[name] for name in ("team_id", "user_id")}
    role = draw(st.sampled_from(MEMBERSHIP_ROLE))
    twice = Insert("memberships", (again,))
    return Scenario(
        given=(tuple(world.given),),
        legal=(
            (replayed(twice),),
            (Update("memberships", pair, {"role": role}, again),),
        ),
        broken=((replayed(twice, "(id) DO NOTHING"),),),
    )


@scenarios
def rejoined(world: World, draw: Draw) -> Scenario:
    """Join a second team, and leave and join one at once; then join it twice, another beside."""
    row = world.insert("memberships", membership(world))
    second = {**membership(world), "user_id": row["user_id"]}
    again, twice = ({**row, "id": world.id()} for _ in range(2))
    rows = draw(st.permutations((twice, membership(world))))
    return Scenario(
        given=(tuple(world.given),),
        legal=(
            (Insert("memberships", (second,)),),
            (Delete("memberships", {"id": row["id"]}), Insert("memberships", (again,))),
        ),
        broken=((Insert("memberships", tuple(rows)),),),
    )


def _same_pair(first: Row, _: Row) -> Row:
    return {"team_id": first["team_id"], "user_id": first["user_id"]}


_TWICE = unique(
    "memberships",
    membership,
    _same_pair,
    near=lambda first: {"team_id": first["team_id"]},
    immutable=True,
)
_USER = parent("memberships", membership, "user_id", "users", cascades=True)
_TEAM = parent("memberships", membership, "team_id", "teams", cascades=True)

WAYS: dict[str, Ways] = {
    "INV-M1": {
        **one_row(
            "memberships",
            membership,
            legal=st.sampled_from(MEMBERSHIP_ROLE).map(lambda role: {"role": role}),
            broken=st.sampled_from(
                ({"team_id": None}, {"user_id": None}, {"team_id": None, "user_id": None})
            ),
            immutable=True,
        ),
        Path.MOVE: "a move to no parent is an update: tried as such",
    },
    "INV-M2": label("memberships", membership, "role", "membership_role"),
    "INV-M3": {
        **besides(_TWICE, insert=rejoined, update=upserted),
        Path.MOVE: "what is shared is the parents: tried as update",
    },
    "INV-M5": besides(_USER, insert=dangling("user_id")),
    "INV-M6": besides(_TEAM, insert=dangling("team_id")),
}
