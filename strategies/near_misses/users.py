"""Near misses of the rules of users: INV-U1 to INV-U6, and STATE-USER."""

from hypothesis import strategies as st

from conformance.engine.cases.scenario import Scenario, ViolatesSeveral, Ways
from conformance.engine.sql.writes import Delete, Insert, Path, Row, Truncate, Update
from strategies.instants import past_timestamps
from strategies.near_misses.ways import (
    ONE_ROW,
    UPDATING,
    Draw,
    by_shape,
    either,
    fixed,
    label,
    one_row,
    scenarios,
)
from strategies.sizes import int32s, int64s, negative_int32s, negative_int64s
from strategies.world import NOW, World


def starter(world: World) -> Row:
    """Make a starter."""
    return world.a_starter()


def creator(world: World) -> Row:
    """Make a creator, who has to be in a team."""
    return world.a_creator()


def in_a_team(world: World, user: Row) -> tuple[Insert]:
    """Return the insertion of a creator's membership."""
    return (Insert("memberships", (world.a_membership(world.team()[0], user),)),)


def of_any_tier(legal: st.SearchStrategy[Row], broken: st.SearchStrategy[Row]) -> Ways:
    """Return ways for a rule on other columns, of starters and of creators."""
    return either(
        one_row("users", starter, legal=legal, broken=broken),
        one_row("users", creator, legal=legal, broken=broken, beside=in_a_team),
    )


@scenarios
def upgrades(world: World, draw: Draw) -> Scenario:
    """Upgrade a starter, who joins a team in the same transaction; then one who joins none."""
    team, _ = world.team()
    good, bad = world.starter(), world.starter()
    changes = {"tier": "creator", "upgraded_at": draw(past_timestamps())}
    joins = Insert("memberships", (world.a_membership(team, good),))
    upgrade = Update("users", {"id": good["id"]}, changes, good)
    return Scenario(
        given=(tuple(world.given),),
        legal=((joins, upgrade),),
        broken=((Update("users", {"id": bad["id"]}, changes, bad),),),
    )


@scenarios
def creators(world: World, _draw: Draw) -> Scenario:
    """Insert a creator with a membership, in either order; then one without."""
    team, _ = world.team()
    good, bad = world.a_creator(), world.a_creator()
    user = Insert("users", (good,))
    joins = Insert("memberships", (world.a_membership(team, good),))
    return Scenario(
        given=(tuple(world.given),),
        legal=((joins, user),),
        broken=((Insert("users", (bad,)),),),
    )


@scenarios
def creators_many(world: World, draw: Draw) -> Scenario:
    """Insert two creators of whom both have memberships; then two of whom one has none."""
    team, _ = world.team()
    users = [world.a_creator() for _ in range(4)]
    joins = [Insert("memberships", (world.a_membership(team, user),)) for user in users]
    return Scenario(
        given=(tuple(world.given),),
        legal=((joins[0], joins[1], Insert("users", tuple(users[:2]))),),
        broken=((joins[draw(st.integers(2, 3))], Insert("users", tuple(users[2:]))),),
    )


@scenarios
def leavings(world: World, _draw: Draw) -> Scenario:
    """End the last but one membership of a creator; then the last."""
    first, _ = world.team()
    second, _ = world.team()
    user = world.member(first)
    last = world.insert("memberships", world.a_membership(second, user))
    return Scenario(
        given=(tuple(world.given),),
        legal=((Delete("memberships", {"team_id": first["id"], "user_id": user["id"]}),),),
        broken=((Delete("memberships", {"id": last["id"]}),),),
    )


@scenarios
def team_deletions(world: World, _draw: Draw) -> Scenario:
    """Delete a team whose members have another; then one that is somebody's last."""
    first, owner = world.team()
    second = world.owned_team(owner)
    return Scenario(
        given=(tuple(world.given),),
        legal=((Delete("teams", {"id": first["id"]}),),),
        broken=((Delete("teams", {"id": second["id"]}),),),
    )


@scenarios
def membership_moves(world: World, _draw: Draw) -> Scenario:
    """Give a membership to another user, so that its first one has none; IMM-1 refuses as well."""
    team, _ = world.team()
    user, other = world.member(team), world.creator()
    key = {"team_id": team["id"], "user_id": user["id"]}
    return Scenario(
        given=(tuple(world.given),),
        legal=((Update("memberships", key, {"role": "viewer"}),),),
        broken=(fixed(Update("memberships", key, {"user_id": other["id"]})),),
    )


@scenarios
def truncations(world: World, _draw: Draw) -> Scenario:
    """Truncate users and teams together; then memberships alone, with creators left."""
    after = World()
    world.team()
    after.team()
    return Scenario(
        given=(tuple(world.given),),
        legal=((Truncate(("users", "teams")),), tuple(after.given)),
        broken=(
            ViolatesSeveral((Truncate(("memberships",)),), frozenset({"INV-T2"})),
            ViolatesSeveral((Truncate(("teams",)),), frozenset({"INV-T2"})),
        ),
    )


@scenarios
def strays(world: World, _draw: Draw) -> Scenario:
    """Let a creator join a team; then a starter."""
    team, _ = world.team()
    good, bad = world.creator(), world.starter()
    return Scenario(
        given=(tuple(world.given),),
        legal=((Insert("memberships", (world.a_membership(team, good),)),),),
        broken=((Insert("memberships", (world.a_membership(team, bad),)),),),
    )


@scenarios
def strays_many(world: World, draw: Draw) -> Scenario:
    """Let two creators join a team; then a creator and a starter."""
    team, _ = world.team()
    users = [world.creator(), world.creator(), world.creator(), world.starter()]
    rows = [world.a_membership(team, user) for user in users]
    bad = rows[2:] if draw(st.booleans()) else rows[:1:-1]
    return Scenario(
        given=(tuple(world.given),),
        legal=((Insert("memberships", tuple(rows[:2])),),),
        broken=((Insert("memberships", tuple(bad)),),),
    )


@scenarios
def downgrades(world: World, _draw: Draw) -> Scenario:
    """Keep a creator as it is; then make a starter of it, who is in a team still."""
    user = world.creator()
    key = {"id": user["id"]}
    return Scenario(
        given=(tuple(world.given),),
        legal=((Update("users", key, {"tier": "creator", "upgraded_at": NOW}, user),),),
        broken=(
            ViolatesSeveral(
                (Update("users", key, {"tier": "starter", "upgraded_at": None}, user),),
                frozenset({"STATE-USER"}),
                "STATE-USER refuses every way back to a starter, in a team or not",
            ),
        ),
    )


@scenarios
def departures(world: World, _draw: Draw) -> Scenario:
    """Let a member leave their only team and found another; then leave, and become a starter."""
    team, _ = world.team()
    good, bad = (world.insert("users", world.a_creator()) for _ in range(2))
    leaves, left = (
        Delete(
            "memberships",
            {"id": world.insert("memberships", world.a_membership(team, user))["id"]},
        )
        for user in (good, bad)
    )
    own = world.a_team()
    founded = (
        Insert("teams", (own,)),
        Insert("memberships", (world.a_membership(own, good, role="owner"),)),
    )
    changes = {"tier": "starter", "upgraded_at": None}
    return Scenario(
        given=(tuple(world.given),),
        legal=((leaves, *founded, Update("users", {"id": good["id"]}, {"name": "Ada"}, good)),),
        broken=((left, Update("users", {"id": bad["id"]}, changes, bad)),),
    )


@scenarios
def handed_to_starter(world: World, _draw: Draw) -> Scenario:
    """Leave a membership to its creator; then give it to a starter; IMM-1 refuses as well."""
    team, _ = world.team()
    user, bad = world.creator(), world.starter()
    seat = world.insert("memberships", world.a_membership(team, user))
    key = {"id": seat["id"]}
    return Scenario(
        given=(tuple(world.given),),
        legal=((Update("memberships", key, {"user_id": user["id"]}, seat),),),
        broken=(fixed(Update("memberships", key, {"user_id": bad["id"]}, seat)),),
    )


@scenarios
def undated_creators(world: World, draw: Draw) -> Scenario:
    """Insert a creator who is in a team; then one who was never upgraded."""
    team, _ = world.team()
    good = world.a_creator(upgraded_at=draw(past_timestamps()))
    bad = world.a_creator(upgraded_at=None)
    return Scenario(
        given=(tuple(world.given),),
        legal=((Insert("memberships", (world.a_membership(team, good),)), _users(good)),),
        broken=((Insert("memberships", (world.a_membership(team, bad),)), _users(bad)),),
    )


@scenarios
def undated_many(world: World, draw: Draw) -> Scenario:
    """Insert two creators who are in a team; then two, one of whom was never upgraded."""
    team, _ = world.team()
    good = [world.a_creator(), world.a_creator()]
    bad = [world.a_creator(), world.a_creator(upgraded_at=None)]
    joins, strays = (
        Insert("memberships", tuple(world.a_membership(team, user) for user in users))
        for users in (good, bad)
    )
    if draw(st.booleans()):
        bad.reverse()
    return Scenario(
        given=(tuple(world.given),),
        legal=((joins, _users(*good)),),
        broken=((strays, _users(*bad)),),
    )


@scenarios
def undated_upgrades(world: World, draw: Draw) -> Scenario:
    """Upgrade a starter, who joins a team in the same transaction; then one without a date."""
    team, _ = world.team()
    good, bad = world.starter(), world.starter()
    changes = {"tier": "creator", "upgraded_at": draw(past_timestamps())}
    joins, strays = (
        Insert("memberships", (world.a_membership(team, user),)) for user in (good, bad)
    )
    return Scenario(
        given=(tuple(world.given),),
        legal=((joins, Update("users", {"id": good["id"]}, changes, good)),),
        broken=((strays, Update("users", {"id": bad["id"]}, {"tier": "creator"}, bad)),),
    )


def _users(*rows: Row) -> Insert:
    return Insert("users", rows)


MEMBERS_ARE_CREATORS = by_shape(
    insert=strays,
    insert_many=strays_many,
    reasons={
        **ONE_ROW,
        Path.UPDATE: "tier is on users: tried as other",
    },
    on_conflict=handed_to_starter,
    move=handed_to_starter,
    other=downgrades,
)

DATED_STARTERS = one_row(
    "users",
    starter,
    legal=st.just({"tier": "starter", "upgraded_at": None}),
    broken=past_timestamps().map(lambda at: {"tier": "starter", "upgraded_at": at}),
)
UNDATED = by_shape(
    insert=undated_creators,
    insert_many=undated_many,
    update=undated_upgrades,
    reasons=ONE_ROW,
)

WAYS: dict[str, Ways] = {
    "INV-U1": {
        path: ways if isinstance(ways, str) or isinstance(more, str) else ways | more
        for (path, ways), more in zip(DATED_STARTERS.items(), UNDATED.values(), strict=True)
    },
    "INV-U2": {
        **by_shape(
            insert=creators,
            insert_many=creators_many,
            update=upgrades,
            reasons=ONE_ROW,
            move=membership_moves,
            delete=leavings,
            cascade=team_deletions,
            truncate=truncations,
        ),
        Path.OTHER: "memberships are the other table: tried as delete and as a move",
    },
    "INV-U3": MEMBERS_ARE_CREATORS,
    "INV-U4": label("users", starter, "tier", "user_tier", legal=st.just("starter")),
    "INV-U5": of_any_tier(
        int32s().map(lambda n: {"credits": n}), negative_int32s().map(lambda n: {"credits": n})
    ),
    "INV-U6": of_any_tier(
        int64s().map(lambda n: {"ephemeral_storage_bytes": n}),
        negative_int64s().map(lambda n: {"ephemeral_storage_bytes": n}),
    ),
    "STATE-USER": {
        **dict.fromkeys(Path, "compares a row before and after an update"),
        **dict.fromkeys(UPDATING, downgrades | departures),
    },
    "INV-M4": MEMBERS_ARE_CREATORS,
}
