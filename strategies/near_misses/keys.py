"""Near misses of the rules of API keys: whose they are, INV-A1 to INV-A3, INV-A6 and INV-A7."""

from collections.abc import Sequence

from hypothesis import strategies as st

from conformance.engine.cases.scenario import Scenario, ViolatesSeveral, Ways
from conformance.engine.sql.writes import Delete, Insert, Path, Row, Update, Write
from strategies.credentials import broken_hashes
from strategies.near_misses.relations import parent, unique
from strategies.near_misses.ways import Draw, Scenarios, by_shape, fixed, one_row, scenarios
from strategies.owners import user_urn
from strategies.usual import usual
from strategies.world import NOW, World, urn_of_member, urn_of_team, urn_of_user

REVOKED: Row = {"revoked_at": usual(NOW)}
LIVE: Row = {"revoked_at": None}


def key(world: World) -> Row:
    """Make a key of a starter."""
    return world.a_key(world.starter())


def short_key(world: World) -> Row:
    """Make a key of a starter, with a hash as short as may be."""
    return {**key(world), "key_hash": str(world.serial())}


# Whose a key may be


def in_form(world: World, form: str, team: Row, user: Row, **columns: object) -> Row:
    """Return a key of a user whose owner has a form, to do with this team."""
    owners = {
        "user": urn_of_user(user),
        "team": urn_of_team(team),
        "member": urn_of_member(team, user),
    }
    return world.a_key(user, owners[form], **columns)


ENDS = st.sampled_from((LIVE, REVOKED))
TEAM_FORMS = st.sampled_from(("team", "member"))
FORMS = st.sampled_from(("user", "team", "member"))


def starters_wrong(world: World, team: Row, forms: Sequence[str], draw: Draw) -> Row:
    """Insert a starter, and return a key of theirs which is not their own."""
    form = draw(st.sampled_from(forms))
    columns = draw(ENDS)
    if form == "another's":
        return {**world.a_key(world.starter(), urn_of_user(world.starter())), **columns}
    return in_form(world, form, team, world.starter(), **columns)


# What a starter's key of a team breaks besides.
NO_MEMBER = frozenset({"ROLE-2", "INV-X4"})


def of_starters(forms: Sequence[str]) -> Scenarios:
    """Make a starter's own key and a member's of each form; then a starter's that is not its own.

    Live or revoked: the rule is on all keys.
    """

    @scenarios
    def inserts(world: World, draw: Draw) -> Scenario:
        team, _ = world.team()
        member, starter = world.member(team), world.starter()
        good = in_form(world, draw(FORMS), team, member, **draw(ENDS))
        own = {**world.a_key(starter), **draw(ENDS)}
        bad = starters_wrong(world, team, forms, draw)
        return Scenario(
            given=(tuple(world.given),),
            legal=((Insert("api_keys", (own,)),), (Insert("api_keys", (good,)),)),
            broken=(ViolatesSeveral((Insert("api_keys", (bad,)),), NO_MEMBER),),
        )

    return inserts


def of_starters_many(forms: Sequence[str]) -> Scenarios:
    """Make keys of a starter and of a member at once; then again, the starter's not its own."""

    @scenarios
    def inserts(world: World, draw: Draw) -> Scenario:
        team, _ = world.team()
        member, starter = world.member(team), world.starter()
        rows = [in_form(world, draw(FORMS), team, member, **LIVE) for _ in range(2)]
        rows += [{**world.a_key(starter), **LIVE}, starters_wrong(world, team, forms, draw)]
        bad = rows[1::2] if draw(st.booleans()) else rows[:0:-2]
        return Scenario(
            given=(tuple(world.given),),
            legal=((Insert("api_keys", (rows[0], rows[2])),),),
            broken=(ViolatesSeveral((Insert("api_keys", tuple(bad)),), NO_MEMBER),),
        )

    return inserts


@scenarios
def starters_changes(world: World, draw: Draw) -> Scenario:
    """Write a starter's own URN again; then a team's; IMM-1 refuses as well."""
    team, _ = world.team()
    starter = world.starter()
    row = world.insert("api_keys", world.a_key(starter))
    bad = in_form(world, draw(TEAM_FORMS), team, starter)
    where = {"id": row["id"]}
    return Scenario(
        given=(tuple(world.given),),
        legal=((Update("api_keys", where, {"owner": row["owner"]}, row),),),
        broken=(fixed(Update("api_keys", where, {"owner": bad["owner"]}, row)),),
    )


@scenarios
def handed_to_starter(world: World, draw: Draw) -> Scenario:
    """Leave a key of a team to its member; then give it to a starter; IMM-1 refuses as well."""
    team, _ = world.team()
    member, starter = world.member(team), world.starter()
    row = world.insert("api_keys", in_form(world, draw(TEAM_FORMS), team, member))
    where = {"id": row["id"]}
    return Scenario(
        given=(tuple(world.given),),
        legal=((Update("api_keys", where, {"user_id": member["id"]}, row),),),
        broken=(fixed(Update("api_keys", where, {"user_id": starter["id"]}, row)),),
    )


@scenarios
def tier_changes(world: World, draw: Draw) -> Scenario:
    """Upgrade a starter who has a key, and let it make one of a team; then downgrade a member.

    The member has left all teams, and keeps a revoked key of one; STATE-USER refuses as well.
    """
    team, _ = world.team()
    starter, user = world.starter(), world.insert("users", world.a_creator())
    joins = world.insert("memberships", world.a_membership(team, user))
    world.insert("api_keys", world.a_key(starter))
    world.insert("api_keys", in_form(world, draw(TEAM_FORMS), team, user))
    made = in_form(world, draw(TEAM_FORMS), team, starter)
    up = {"tier": "creator", "upgraded_at": NOW}
    down = {"tier": "starter", "upgraded_at": None}
    return Scenario(
        given=(tuple(world.given),),
        legal=(
            (
                Insert("memberships", (world.a_membership(team, starter),)),
                Update("users", {"id": starter["id"]}, up),
                Insert("api_keys", (made,)),
            ),
        ),
        broken=(
            ViolatesSeveral(
                (
                    Delete("memberships", {"id": joins["id"]}),
                    Update("users", {"id": user["id"]}, down),
                ),
                frozenset({"STATE-USER"}),
                "only a creator could become a starter who has such a key: STATE-USER refuses that",
            ),
        ),
    )


@scenarios
def guest_leaves(world: World, draw: Draw) -> Scenario:
    """Join, make a key and leave in one transaction: as a creator, then as a starter.

    For that long a starter is in a team, since that is asked at commit. The key outlives it.
    """
    team, _ = world.team()
    creator, starter = world.creator(), world.starter()
    form = draw(TEAM_FORMS)

    def visit(user: Row) -> tuple[Write, ...]:
        joins = world.a_membership(team, user)
        return (
            Insert("memberships", (joins,)),
            Insert("api_keys", (in_form(world, form, team, user),)),
            Delete("memberships", {"id": joins["id"]}),
        )

    return Scenario(given=(tuple(world.given),), legal=(visit(creator),), broken=(visit(starter),))


def creators_keys(*forms: str) -> Ways:
    """Return ways for a rule that a starter has no key of these forms."""
    return by_shape(
        insert=of_starters(forms),
        insert_many=of_starters_many(forms),
        update=starters_changes,
        move=handed_to_starter,
        other=st.one_of(tier_changes, guest_leaves),
        reasons={
            Path.DELETE: "a key that is gone breaks nothing",
            Path.CASCADE: "a user's keys go with the user",
            Path.TRUNCATE: "keys refer to users, so they are truncated with them",
        },
    )


WAYS: dict[str, Ways] = {
    "INV-A1": parent(
        "api_keys",
        key,
        "user_id",
        "users",
        cascades=True,
        naming=lambda absent: {"owner": user_urn(absent)},
    ),
    "INV-A2": one_row(
        "api_keys",
        short_key,
        legal=st.just({}),
        broken=broken_hashes().map(lambda text: {"key_hash": text}),
        immutable=True,
    ),
    "INV-A3": unique(
        "api_keys",
        key,
        lambda first, _: {"key_hash": first["key_hash"]},
        text="key_hash",
        immutable=True,
    ),
    "INV-A6": creators_keys("team", "member", "another's"),
    "INV-A7": creators_keys("team", "member"),
}
