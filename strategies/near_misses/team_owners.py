"""Near misses of the rules on who is in a team at least: INV-T1, INV-T2 and CARD-1."""

from hypothesis import strategies as st

from conformance.engine.cases.scenario import Scenario, ViolatesSeveral, Ways
from conformance.engine.sql.writes import Delete, Insert, Path, RawSql, Row, Sql, Truncate, Update
from strategies.near_misses.privacy import erases
from strategies.near_misses.ways import ONE_ROW, Draw, Scenarios, by_shape, fixed, scenarios
from strategies.world import World

NOT_OWNER = ("admin", "member", "viewer")
# How many more are in a team that is left without an owner: more than a guard may be content with.
COMPANIES = (1, 12)


def peopled(world: World, *roles: str) -> tuple[Row, list[Row]]:
    """Insert a team with a member of each role, who all have another team; return all."""
    home, _ = world.team()
    users = [world.member(home) for _ in roles]
    team = world.insert("teams", world.a_team())
    rows = [
        world.a_membership(team, user, role=role) for user, role in zip(users, roles, strict=True)
    ]
    world.given.append(Insert("memberships", tuple(rows)))
    return team, rows


def by_id(row: Row) -> Row:
    """Return a row's key."""
    return {"id": row["id"]}


def given_role(membership: Row, role: str) -> Update:
    """Return the update that gives a membership another role."""
    return Update("memberships", by_id(membership), {"role": role}, membership)


@scenarios
def founded(world: World, draw: Draw) -> Scenario:
    """Insert a team, its owner and the owner's user in any order; then a team with no owner."""
    order = draw(st.permutations(range(3)))
    role = draw(st.sampled_from(NOT_OWNER))

    def founding(role: str) -> tuple[Insert, ...]:
        team, user = world.a_team(), world.a_creator()
        joins = world.a_membership(team, user, role=role)
        writes = (
            Insert("teams", (team,)),
            Insert("memberships", (joins,)),
            Insert("users", (user,)),
        )
        return tuple(writes[n] for n in order)

    return Scenario(legal=(founding("owner"),), broken=(founding(role),))


@scenarios
def founded_alone(world: World, draw: Draw) -> Scenario:
    """Insert a team and its owner, who is a user already, in either order; then a team alone."""
    good, bad = world.a_team(), world.a_team()
    owner = world.creator()
    writes = (
        Insert("teams", (good,)),
        Insert("memberships", (world.a_membership(good, owner, role="owner"),)),
    )
    return Scenario(
        given=(tuple(world.given),),
        legal=(writes if draw(st.booleans()) else writes[::-1],),
        broken=((Insert("teams", (bad,)),),),
    )


def founded_many(roles: tuple[str, ...]) -> Scenarios:
    """Return insertions of two teams with owners; then of two of which one has not.

    Args:
        roles: the roles of those who are in that team instead; '' is nobody.
    """

    @scenarios
    def built(world: World, draw: Draw) -> Scenario:
        teams, owner = [world.a_team() for _ in range(4)], world.creator()
        rows = [world.a_membership(team, owner, role="owner") for team in teams]
        good = Insert("teams", tuple(teams[:2])), Insert("memberships", tuple(rows[:2]))
        role, kept = draw(st.sampled_from(roles)), draw(st.sampled_from(rows[2:]))
        others = [{**row, "role": role} for row in rows[2:] if row is not kept and role]
        bad = Insert("teams", tuple(teams[2:])), Insert("memberships", (kept, *others))
        forwards = draw(st.booleans())
        return Scenario(
            given=(tuple(world.given),),
            legal=(good if forwards else good[::-1],),
            broken=(bad if forwards else bad[::-1],),
        )

    return built


def demoting(*, several: bool) -> Scenarios:
    """Demote one of two owners, and hand the team over in either order; then demote the last.

    `several` says whether to change several rows by one statement as well.
    """

    @scenarios
    def built(world: World, draw: Draw) -> Scenario:
        company = ("viewer",) * (draw(st.sampled_from(COMPANIES)) - 1)
        team, (first, second, heir, *_) = peopled(world, "owner", "owner", "member", *company)
        role = draw(st.sampled_from(NOT_OWNER))
        handover = given_role(heir, "owner"), given_role(second, role)
        owners = {"team_id": team["id"], "role": "owner"}
        swapped = Sql(
            f"CASE id WHEN '{first['id']}' THEN 'owner' ELSE '{role}' END::public.membership_role"
        )
        return Scenario(
            given=(tuple(world.given),),
            legal=(
                (given_role(first, role),),
                handover if draw(st.booleans()) else handover[::-1],
                (given_role(heir, "owner"),),
                *(
                    ((Update("memberships", {"team_id": team["id"]}, {"role": swapped}),),)
                    if several
                    else ()
                ),
                (given_role(heir, "owner"), given_role(first, role)),
            ),
            broken=(
                (given_role(heir, role),),
                *(((Update("memberships", owners, {"role": role}),),) if several else ()),
                *(
                    ((Update("memberships", {"team_id": team["id"]}, {"role": role}),),)
                    if several
                    else ()
                ),
                (given_role(first, "owner"), given_role(heir, role), given_role(first, role)),
            ),
        )

    return built


def moved(company: tuple[str, ...]) -> Scenarios:
    """Return exchanges of one of two for a new one; then moves of the last; IMM-1 refuses as well.

    Args:
        company: the roles of those who stay in the team.
    """

    @scenarios
    def built(world: World, _draw: Draw) -> Scenario:
        other, _ = world.team()
        team, (first, second, *_) = peopled(world, "owner", "owner", *company)
        new = Insert("memberships", (world.a_membership(team, world.creator()),))
        return Scenario(
            given=(tuple(world.given),),
            legal=((new, Delete("memberships", by_id(first))),),
            broken=(
                fixed(
                    Delete("memberships", {"team_id": team["id"], "role": "member"}),
                    Update("memberships", by_id(second), {"team_id": other["id"]}, second),
                ),
            ),
        )

    return built


@scenarios
def owners_left(world: World, draw: Draw) -> Scenario:
    """End the membership of one of two owners, and hand over in either order; then of the last."""
    company = ("viewer",) * draw(st.sampled_from(COMPANIES))
    team, (first, second, heir, *_) = peopled(world, "owner", "owner", "admin", *company)
    handover = given_role(heir, "owner"), Delete("memberships", by_id(second))
    return Scenario(
        given=(tuple(world.given),),
        legal=(
            (Delete("memberships", by_id(first)),),
            handover if draw(st.booleans()) else handover[::-1],
        ),
        broken=(
            (Delete("memberships", by_id(heir)),),
            (Delete("memberships", {"team_id": team["id"], "role": "owner"}),),
        ),
    )


@scenarios
def members_left(world: World, draw: Draw) -> Scenario:
    """End the membership of one of two, or of all before their team; then of the last, or of two.

    A team that is gone by the end of the transaction needs nobody.
    """
    _, (last, first) = peopled(world, "owner", draw(st.sampled_from(("owner", "viewer"))))
    other, _ = peopled(world, "owner", "owner")
    left, _ = peopled(world, "owner", "member")
    empty = world.a_team()
    return Scenario(
        given=(tuple(world.given),),
        legal=(
            (Delete("memberships", by_id(first)),),
            (Delete("memberships", {"team_id": left["id"]}), Delete("teams", by_id(left))),
            (Insert("teams", (empty,)), Delete("teams", by_id(empty))),
        ),
        broken=(
            (Delete("memberships", by_id(last)),),
            (Delete("memberships", {"team_id": other["id"]}),),
        ),
    )


def users_gone(company: tuple[str, ...]) -> Scenarios:
    """Return deletions of one of two owners, of a team, of a team and its user; then of the last.

    Args:
        company: the roles of those who stay in the team.
    """

    @scenarios
    def built(world: World, draw: Draw) -> Scenario:
        _, (first, second, *_) = peopled(world, "owner", "owner", *company)
        gone, _ = peopled(world, "owner", "owner", "admin", "member", "viewer")
        left, alone = world.team()
        both = Delete("teams", by_id(left)), Delete("users", by_id(alone))
        return Scenario(
            given=(tuple(world.given),),
            legal=(
                (Delete("users", {"id": first["user_id"]}),),
                (Delete("teams", by_id(gone)),),
                both if draw(st.booleans()) else both[::-1],
            ),
            broken=((Delete("users", {"id": second["user_id"]}),),),
        )

    return built


@scenarios
def erased(world: World, draw: Draw) -> Scenario:
    """Erase one of two owners, and the last one after a handover; then the last one."""
    _, (first, second, heir, *_) = peopled(world, "owner", "owner", "admin", "viewer")
    one, last, other = ({"id": row["user_id"]} for row in (first, second, heir))
    handover = given_role(heir, "owner"), RawSql(erases(last))
    return Scenario(
        given=(tuple(world.given),),
        legal=((RawSql(erases(one)),), handover if draw(st.booleans()) else handover[::-1]),
        broken=((RawSql(erases(other)),),),
    )


@scenarios
def truncated(world: World, _draw: Draw) -> Scenario:
    """Truncate users and teams together; then what a team's owner is kept in, with teams left."""
    after = World()
    world.team()
    after.team()
    return Scenario(
        given=(tuple(world.given),),
        legal=((Truncate(("users", "teams")),), tuple(after.given)),
        broken=(
            ViolatesSeveral((Truncate(("memberships",)),), frozenset({"INV-U2"})),
            ViolatesSeveral((Truncate(("users",)),), frozenset({"INV-U2"})),
        ),
    )


_TABLES = {
    Path.OTHER: "memberships are the other table: tried as update, move, delete and cascade",
    Path.ON_CONFLICT: "a role that changes leaves the member in the team",
    Path.UPDATE: "a role that changes leaves the member in the team",
}

OWNED = by_shape(
    insert=st.one_of(founded, founded_alone),
    insert_many=founded_many(("", *NOT_OWNER)),
    update=demoting(several=True),
    on_conflict=demoting(several=False),
    delete=owners_left,
    move=moved(("admin", "viewer")),
    cascade=st.one_of(users_gone(("admin", "viewer")), erased),
    truncate=truncated,
    reasons={**ONE_ROW, **_TABLES},
)

WAYS: dict[str, Ways] = {
    "INV-T1": by_shape(
        insert=founded_alone,
        insert_many=founded_many(("",)),
        delete=members_left,
        move=moved(()),
        cascade=users_gone(()),
        truncate=truncated,
        reasons={**ONE_ROW, **_TABLES},
    ),
    "INV-T2": OWNED,
    "CARD-1": OWNED,
}
