"""Near misses of the rules on how many teams a user may have: INV-T7, INV-T8, CARD-2, CARD-3."""

from hypothesis import strategies as st

from conformance.engine.cases.scenario import Scenario, Ways
from conformance.engine.sql.writes import Delete, Insert, Path, Row, Sql, Update
from strategies.enums import MEMBERSHIP_ROLE
from strategies.near_misses.ways import (
    ONE_ROW,
    Draw,
    Scenarios,
    by_shape,
    fixed,
    replayed,
    scenarios,
)
from strategies.world import World

OWNED_LIMIT = 10
JOINED_LIMIT = 50
NOT_OWNER = ("admin", "member", "viewer")
_ORDERS = st.permutations(range(2))  # who has the lowest id says nothing


def crowd(world: World, count: int) -> list[Row]:
    """Insert teams, ten to an owner, as many as an owner may have; return the teams."""
    owners = [world.a_creator() for _ in range(-(-count // OWNED_LIMIT))]
    teams = [world.a_team() for _ in range(count)]
    rows = [
        world.a_membership(team, owners[n // OWNED_LIMIT], role="owner")
        for n, team in enumerate(teams)
    ]
    world.given += [
        Insert("users", tuple(owners)),
        Insert("teams", tuple(teams)),
        Insert("memberships", tuple(rows)),
    ]
    return teams


def joined(
    world: World, teams: list[Row], role: str, *, alone: bool = False
) -> tuple[Row, list[Row]]:
    """Insert a creator who has this role in these teams; return the user and the memberships.

    `alone` says whether the user owns the second of them, and its founder has left it.
    """
    user = world.insert("users", world.a_creator())
    rows = [world.a_membership(team, user, role=role) for team in teams]
    if alone:
        rows[1] = {**rows[1], "role": "owner"}
    world.given.append(Insert("memberships", tuple(rows)))
    if alone:
        left = {"team_id": teams[1]["id"], "user_id": world.founder(teams[1])}
        world.given.append(Delete("memberships", left))
    return user, rows


def both(world: World, draw: Draw, *of_each: tuple[str, list[Row]]) -> list[Row]:
    """Insert creators who have each a role in some teams, in any order; return them as given."""
    made = {n: joined(world, of_each[n][1], of_each[n][0])[0] for n in draw(_ORDERS)}
    return [made[n] for n in range(len(of_each))]


def joins(world: World, user: Row, role: str, *teams: Row) -> Insert:
    """Return the insertion of memberships of a user."""
    rows = tuple(world.a_membership(team, user, role=role) for team in teams)
    return Insert("memberships", rows)


def given_role(membership: Row, role: str) -> Update:
    """Return the update that gives a membership another role."""
    return Update("memberships", {"id": membership["id"]}, {"role": role}, membership)


@scenarios
def owners_join(world: World, draw: Draw) -> Scenario:
    """Own a 10th team, be in others, and give one up for another; then own an 11th."""
    teams = crowd(world, OWNED_LIMIT + 3)
    user, rows = joined(world, teams[: OWNED_LIMIT - 1], "owner", alone=True)
    tenth, eleventh, other = teams[OWNED_LIMIT - 1 : OWNED_LIMIT + 2]
    last = joins(world, user, "owner", tenth)
    return Scenario(
        given=(tuple(world.given),),
        legal=(
            (last,),
            (replayed(last),),
            (joins(world, user, draw(st.sampled_from(NOT_OWNER)), teams[-1]),),
            (Delete("memberships", {"id": rows[0]["id"]}), joins(world, user, "owner", other)),
        ),
        broken=((joins(world, user, "owner", eleventh),),),
    )


@scenarios
def founders(world: World, draw: Draw) -> Scenario:
    """Found a 10th team, in either order; then an 11th."""
    user, _ = joined(world, crowd(world, OWNED_LIMIT - 1), "owner")
    order = draw(st.sampled_from((1, -1)))

    def founding() -> tuple[Insert, ...]:
        team = world.a_team()
        return (Insert("teams", (team,)), joins(world, user, "owner", team))[::order]

    return Scenario(
        given=(tuple(world.given),),
        legal=(founding(),),
        broken=(founding(),),
    )


@scenarios
def owners_join_many(world: World, draw: Draw) -> Scenario:
    """Own a 9th and a 10th team by one statement; then a 10th and an 11th, others between them.

    Then three at once, which is more than one too many.
    """
    teams = crowd(world, OWNED_LIMIT + 2)
    good, _ = joined(world, teams[: OWNED_LIMIT - 2], "owner")
    bad, other = both(world, draw, ("owner", teams[: OWNED_LIMIT - 1]), ("member", teams[:1]))
    # Whose memberships have the lowest ids says nothing either.
    parts = [
        (bad, "owner", teams[-2:]),
        (other, "owner", teams[-1:]),
        (good, draw(st.sampled_from(NOT_OWNER)), teams[-1:]),
    ]
    rows = [
        row
        for user, role, some in draw(st.permutations(parts))
        for row in joins(world, user, role, *some).rows
    ]
    viewers = joins(world, other, "viewer", *teams[1:])
    return Scenario(
        given=(tuple(world.given),),
        legal=((joins(world, good, "owner", *teams[-3:-1]),),),
        broken=(
            (Insert("memberships", tuple(draw(st.permutations(rows)))),),
            (joins(world, bad, "owner", *teams[-3:]),),
            # After many others of the statement.
            (
                Insert(
                    "memberships", (*viewers.rows, *joins(world, bad, "owner", *teams[-2:]).rows)
                ),
            ),
        ),
    )


def promoting(*, several: bool) -> Scenarios:
    """Promote a member who owns 9 teams, and swap a team for another; then one who owns 10.

    `several` says whether to swap two by one statement as well.
    """

    @scenarios
    def built(world: World, draw: Draw) -> Scenario:
        role = draw(st.sampled_from(NOT_OWNER))
        teams = crowd(world, OWNED_LIMIT + 1)
        user, owned = joined(world, teams[: OWNED_LIMIT - 1], "owner")
        first, second = joins(world, user, role, *teams[-2:]).rows
        world.given.append(Insert("memberships", (first, second)))
        swapped = Update(
            "memberships",
            {"user_id": user["id"]},
            {
                "role": Sql(
                    f"CASE id WHEN '{owned[0]['id']}' THEN '{role}'"
                    f" WHEN '{second['id']}' THEN 'owner' ELSE role END::public.membership_role"
                )
            },
        )
        return Scenario(
            given=(tuple(world.given),),
            legal=(
                (given_role(first, "owner"),),
                (given_role(first, "owner"),),
                (given_role(owned[0], role), given_role(second, "owner")),
                (given_role(second, role), given_role(owned[0], "owner")),
                *(((swapped,),) if several else ()),
            ),
            broken=((given_role(owned[0] if several else second, "owner"),),),
        )

    return built


@scenarios
def promoted_many(world: World, draw: Draw) -> Scenario:
    """Promote one who owns 8 teams in two others by one statement; then one who owns 9, or 10."""
    role = draw(st.sampled_from(NOT_OWNER))
    teams = crowd(world, OWNED_LIMIT + 2)
    users = []
    for owned in (OWNED_LIMIT - 2, OWNED_LIMIT - 1, OWNED_LIMIT):
        user, _ = joined(world, teams[:owned], "owner")
        world.given.append(joins(world, user, role, *teams[owned : owned + 2]))
        users.append(user)
    good, bad, worse = (
        Update("memberships", {"user_id": user["id"], "role": role}, {"role": "owner"})
        for user in users
    )
    return Scenario(given=(tuple(world.given),), legal=((good,),), broken=((bad,), (worse,)))


@scenarios
def owners_replayed(world: World, _draw: Draw) -> Scenario:
    """Own a 10th team unless one does already, twice; then an 11th."""
    teams = crowd(world, OWNED_LIMIT + 1)
    user, _ = joined(world, teams[: OWNED_LIMIT - 1], "owner")
    tenth, eleventh = (replayed(joins(world, user, "owner", team)) for team in teams[-2:])
    return Scenario(
        given=(tuple(world.given),),
        legal=((tenth,), (tenth,)),
        broken=((eleventh,),),
    )


@scenarios
def owners_moved(world: World, _draw: Draw) -> Scenario:
    """Rewrite the 10th ownership with its own user; then give another's to that user."""
    teams = crowd(world, OWNED_LIMIT + 1)
    user, rows = joined(world, teams[:OWNED_LIMIT], "owner")
    _, (other,) = joined(world, teams[-1:], "owner")
    return moving(world, user, rows[-1], other)


def moving(world: World, user: Row, own: Row, other: Row) -> Scenario:
    """Return what leaves a user's own membership with the user; then gives it another's, too."""
    return Scenario(
        given=(tuple(world.given),),
        legal=((Update("memberships", {"id": own["id"]}, {"user_id": user["id"]}, own),),),
        broken=(fixed(Update("memberships", {"id": other["id"]}, {"user_id": user["id"]}, other)),),
    )


@scenarios
def members_join(world: World, draw: Draw) -> Scenario:
    """Join a 50th team, and leave one for another; then join a 51st."""
    teams = crowd(world, JOINED_LIMIT + 2)
    role = draw(st.sampled_from(MEMBERSHIP_ROLE))
    user, rows = joined(world, teams[: JOINED_LIMIT - 1], "member", alone=True)
    fiftieth = joins(world, user, role, teams[JOINED_LIMIT - 1])
    return Scenario(
        given=(tuple(world.given),),
        legal=(
            (fiftieth,),
            (replayed(fiftieth),),
            (
                Delete("memberships", {"id": rows[0]["id"]}),
                joins(world, user, role, teams[JOINED_LIMIT]),
            ),
        ),
        broken=((joins(world, user, role, teams[-1]),),),
    )


@scenarios
def members_join_many(world: World, draw: Draw) -> Scenario:
    """Join a 49th and a 50th team by one statement; then a 50th and a 51st, another's between.

    Then three at once, which is more than one too many.
    """
    teams = crowd(world, JOINED_LIMIT + 2)
    good, _ = joined(world, teams[: JOINED_LIMIT - 2], "member")
    bad, other = both(world, draw, ("member", teams[: JOINED_LIMIT - 1]), ("member", teams[:1]))
    rows = [
        *joins(world, bad, "viewer", *teams[-2:]).rows,
        *joins(world, other, "admin", teams[-1]).rows,
    ]
    return Scenario(
        given=(tuple(world.given),),
        legal=((joins(world, good, "member", *teams[-3:-1]),),),
        broken=(
            (Insert("memberships", tuple(draw(st.permutations(rows)))),),
            (joins(world, bad, "member", *teams[-3:]),),
        ),
    )


@scenarios
def members_first(world: World, draw: Draw) -> Scenario:
    """Join a 50th team before it is made, in one transaction with its owner; then a 51st."""
    role = draw(st.sampled_from(NOT_OWNER))
    owners = [world.creator() for _ in range(2)]
    user, _ = joined(world, crowd(world, JOINED_LIMIT - 1), "member")

    def founded(owner: Row) -> tuple[Insert, ...]:
        team = world.a_team()
        rows = (*joins(world, user, role, team).rows, *joins(world, owner, "owner", team).rows)
        return (Insert("memberships", tuple(draw(st.permutations(rows)))), Insert("teams", (team,)))

    return Scenario(
        given=(tuple(world.given),),
        legal=(founded(owners[0]),),
        broken=(founded(owners[1]),),
    )


def first_of_all(limit: int, role: str) -> Scenarios:
    """Join as many teams as one may before one signs up, in one transaction; then one more."""

    @scenarios
    def built(world: World, draw: Draw) -> Scenario:
        teams = crowd(world, limit + 1)

        def arriving(count: int) -> tuple[Insert, ...]:
            user = world.a_creator()
            return (
                joins(world, user, role, *draw(st.permutations(teams))[:count]),
                Insert("users", (user,)),
            )

        return Scenario(
            given=(tuple(world.given),), legal=(arriving(limit),), broken=(arriving(limit + 1),)
        )

    return built


def members_change(*, several: bool) -> Scenarios:
    """Change the role in the 50th team, or in all 50 by one statement; there is no step over.

    `several` says whether to change all of them by one statement as well.
    """

    @scenarios
    def built(world: World, draw: Draw) -> Scenario:
        teams = crowd(world, JOINED_LIMIT)
        user, rows = joined(world, teams, "member")
        all_of_them = {"user_id": user["id"]}
        return Scenario(
            given=(tuple(world.given),),
            legal=(
                (given_role(rows[-1], draw(st.sampled_from(MEMBERSHIP_ROLE))),),
                *(((Update("memberships", all_of_them, {"role": "viewer"}),),) if several else ()),
            ),
            because="a membership counts whatever its role",
        )

    return built


@scenarios
def members_replayed(world: World, _draw: Draw) -> Scenario:
    """Join a 50th team unless one is in it already, twice; then a 51st."""
    teams = crowd(world, JOINED_LIMIT + 1)
    user, _ = joined(world, teams[: JOINED_LIMIT - 1], "member")
    fiftieth, another = (replayed(joins(world, user, "member", team)) for team in teams[-2:])
    return Scenario(
        given=(tuple(world.given),),
        legal=((fiftieth,), (fiftieth,)),
        broken=((another,),),
    )


@scenarios
def members_moved(world: World, _draw: Draw) -> Scenario:
    """Rewrite the 50th membership with its own user; then give another's to that user."""
    teams = crowd(world, JOINED_LIMIT + 1)
    user, rows = joined(world, teams[:JOINED_LIMIT], "member")
    _, (_, other) = joined(world, [teams[0], teams[-1]], "member")
    return moving(world, user, rows[-1], other)


_ALONE = {**ONE_ROW, Path.OTHER: "memberships are counted, and no other table takes part"}

OWNS_AT_MOST_10 = by_shape(
    insert=st.one_of(owners_join, founders),
    insert_many=st.one_of(owners_join_many, first_of_all(OWNED_LIMIT, "owner")),
    update=st.one_of(promoting(several=True), promoted_many),
    on_conflict=st.one_of(promoting(several=False), owners_replayed),
    move=owners_moved,
    reasons=_ALONE,
)
IN_AT_MOST_50 = by_shape(
    insert=st.one_of(members_join, members_first),
    insert_many=st.one_of(members_join_many, first_of_all(JOINED_LIMIT, "member")),
    update=st.one_of(members_change(several=True), members_moved),
    on_conflict=st.one_of(members_change(several=False), members_moved, members_replayed),
    move=members_moved,
    reasons=_ALONE,
)

WAYS: dict[str, Ways] = {
    "INV-T7": OWNS_AT_MOST_10,
    "INV-T8": IN_AT_MOST_50,
    "CARD-2": OWNS_AT_MOST_10,
    "CARD-3": IN_AT_MOST_50,
}
