"""Near misses of the rules of API keys: INV-A1 to INV-A7, INV-X4, and AUTO-REVOKE."""

from collections.abc import Mapping, Sequence

from hypothesis import strategies as st

from conformance.scenario import Fact, Scenario, Ways
from conformance.writes import Delete, Insert, Path, Row, Sql, Update
from strategies.credentials import broken_hashes
from strategies.instants import FUTURE_START, PAST_END, TICK
from strategies.near_misses.ways import (
    DELETING,
    ONE_ROW,
    UPDATING,
    Draw,
    Scenarios,
    by_shape,
    one_row,
    parent,
    scenarios,
    unique,
)
from strategies.owners import user_urn
from strategies.world import NOW, World, urn_of_member, urn_of_team, urn_of_user

REVOKED: Row = {"revoked_at": NOW}
LIVE: Row = {"revoked_at": None}


def key(world: World) -> Row:
    """Make a key of a starter, with a hash as short as may be."""
    return world.a_key(world.starter(), key_hash=str(world.serial()))


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
        return world.a_key(world.starter(), urn_of_user(world.starter()), **columns)
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
        own = world.a_key(starter, **draw(ENDS))
        bad = starters_wrong(world, team, forms, draw)
        return Scenario(
            given=(tuple(world.given),),
            legal=((Insert("api_keys", (own,)),), (Insert("api_keys", (good,)),)),
            broken=((Insert("api_keys", (bad,)),),),
            also=NO_MEMBER,
        )

    return inserts


def of_starters_many(forms: Sequence[str]) -> Scenarios:
    """Make keys of a starter and of a member at once; then again, the starter's not its own."""

    @scenarios
    def inserts(world: World, draw: Draw) -> Scenario:
        team, _ = world.team()
        member, starter = world.member(team), world.starter()
        rows = [in_form(world, draw(FORMS), team, member, **LIVE) for _ in range(2)]
        rows += [world.a_key(starter, **LIVE), starters_wrong(world, team, forms, draw)]
        bad = rows[1::2] if draw(st.booleans()) else rows[:0:-2]
        return Scenario(
            given=(tuple(world.given),),
            legal=((Insert("api_keys", (rows[0], rows[2])),),),
            broken=((Insert("api_keys", tuple(bad)),),),
            also=NO_MEMBER,
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
        broken=((Update("api_keys", where, {"owner": bad["owner"]}, row),),),
        also=frozenset({"IMM-1"}),
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
        broken=((Update("api_keys", where, {"user_id": starter["id"]}, row),),),
        also=frozenset({"IMM-1"}),
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
            (
                Delete("memberships", {"id": joins["id"]}),
                Update("users", {"id": user["id"]}, down),
            ),
        ),
        also=frozenset({"STATE-USER"}),
    )


def creators_keys(*forms: str) -> Ways:
    """Return ways for a rule that a starter has no key of these forms."""
    return by_shape(
        insert=of_starters(forms),
        insert_many=of_starters_many(forms),
        update=starters_changes,
        move=handed_to_starter,
        other=tier_changes,
        reasons={
            Path.DELETE: "a key that is gone breaks nothing",
            Path.CASCADE: "a user's keys go with the user",
            Path.TRUNCATE: "keys refer to users, so they are truncated with them",
        },
    )


# Live keys of members


def without_membership(world: World, team: Row, user: Row, draw: Draw) -> Row:
    """Return a live key with the URN of another member, or of the user in another team."""
    elsewhere, _ = world.team()
    colleague = world.member(team)
    owners = (
        urn_of_member(team, colleague),
        urn_of_member(elsewhere, user),
        urn_of_member(elsewhere, colleague),
    )
    return world.a_key(user, draw(st.sampled_from(owners)))


@scenarios
def members(world: World, draw: Draw) -> Scenario:
    """Make a key with a member's own URN; then with one of another member or another team."""
    team, _ = world.team()
    user = world.member(team)
    good = in_form(world, "member", team, user)
    bad = without_membership(world, team, user, draw)
    return Scenario(
        given=(tuple(world.given),),
        legal=((Insert("api_keys", (good,)),),),
        broken=((Insert("api_keys", (bad,)),),),
        also=frozenset({"ROLE-2"}),
    )


@scenarios
def members_many(world: World, draw: Draw) -> Scenario:
    """Make two keys with a member's own URN; then one of them with another's or another team's."""
    team, _ = world.team()
    user = world.member(team)
    rows = [in_form(world, "member", team, user) for _ in range(3)]
    rows.append(without_membership(world, team, user, draw))
    bad = rows[2:] if draw(st.booleans()) else rows[:1:-1]
    return Scenario(
        given=(tuple(world.given),),
        legal=((Insert("api_keys", tuple(rows[:2])),),),
        broken=((Insert("api_keys", tuple(bad)),),),
        also=frozenset({"ROLE-2"}),
    )


@scenarios
def revivals(world: World, draw: Draw) -> Scenario:
    """Revive a revoked key of a member, whatever the role has become; then one of another's.

    The other one has the URN of another member, or its own membership has ended.
    """
    team, _ = world.team()
    user, leaver, colleague = world.member(team), world.creator(), world.member(team)
    joins = world.insert("memberships", world.a_membership(team, leaver))
    good = world.insert("api_keys", in_form(world, "member", team, user, **REVOKED))
    dead = (
        in_form(world, "member", team, leaver),
        world.a_key(user, urn_of_member(team, colleague), **REVOKED),
    )
    bad = world.insert("api_keys", draw(st.sampled_from(dead)))
    viewer = Update("memberships", {"user_id": user["id"]}, {"role": "viewer"})
    leaves = Delete("memberships", {"id": joins["id"]})
    return Scenario(
        given=(tuple(world.given), (leaves, viewer)),
        legal=((Update("api_keys", {"id": good["id"]}, LIVE, good),),),
        broken=((Update("api_keys", {"id": bad["id"]}, LIVE, {**bad, **REVOKED}),),),
    )


@scenarios
def key_moves(world: World, draw: Draw) -> Scenario:
    """Leave a key to its member; then give it to another, or take it to another team (IMM-1)."""
    team, _ = world.team()
    user = world.member(team)
    row = world.insert("api_keys", in_form(world, "member", team, user))
    bad = without_membership(world, team, user, draw)
    changes = draw(st.sampled_from(({"owner": bad["owner"]}, {"user_id": world.creator()["id"]})))
    where = {"id": row["id"]}
    return Scenario(
        given=(tuple(world.given),),
        legal=((Update("api_keys", where, {name: row[name] for name in changes}),),),
        broken=((Update("api_keys", where, changes),),),
        also=frozenset({"IMM-1"}),
    )


@scenarios
def membership_moves(world: World, draw: Draw) -> Scenario:
    """Change the role of a member who has a key; then give the membership away (IMM-1)."""
    team, owner = world.team()
    other = world.owned_team(owner)
    user = world.creator()
    joins = world.insert("memberships", world.a_membership(team, user))
    world.insert("api_keys", in_form(world, "member", team, user))
    away = ({"team_id": other["id"]}, {"user_id": world.creator()["id"]})
    where = {"id": joins["id"]}
    return Scenario(
        given=(tuple(world.given),),
        legal=((Update("memberships", where, {"role": "viewer"}),),),
        broken=((Update("memberships", where, draw(st.sampled_from(away))),),),
        also=frozenset({"IMM-1"}),
    )


# Memberships that end


class Leaving:
    """A user about to leave one of two teams, a colleague in both, and all their keys."""

    def __init__(self, world: World) -> None:
        """Insert them."""
        self.team, owner = world.team()
        other = world.owned_team(owner)
        self.user, self.colleague = world.creator(), world.creator()
        memberships = [
            world.insert("memberships", world.a_membership(team, user))
            for user in (self.user, self.colleague)
            for team in (self.team, other)
        ]
        self.leaves = Delete("memberships", {"id": memberships[0]["id"]})
        forms = ("team", "member")
        self.ending = [in_form(world, form, self.team, self.user) for form in forms]
        self.before = [in_form(world, form, self.team, self.user, **REVOKED) for form in forms]
        self.of_colleague = [in_form(world, form, self.team, self.colleague) for form in forms]
        self.staying = [
            in_form(world, "user", self.team, self.user),
            *(in_form(world, form, other, self.user) for form in forms),
            *(in_form(world, form, other, self.colleague) for form in forms),
        ]
        rows = (*self.ending, *self.before, *self.of_colleague, *self.staying)
        world.given.append(Insert("api_keys", tuple({**LIVE, **row} for row in rows)))
        self.given = (tuple(world.given),)

    def facts(self, *, colleague_stays: bool = True) -> tuple[Fact, ...]:
        """Return that exactly the keys of the user in the team are revoked, now or before."""
        stay = [*self.staying, *(self.of_colleague if colleague_stays else ())]
        end = [*self.ending, *(() if colleague_stays else self.of_colleague)]
        return (
            *(_revoked(row, "revoked_at IS NULL", granted=True) for row in stay),
            *(
                _revoked(row, "revoked_at > now() - interval '1 hour'", granted=False)
                for row in end
            ),
            *(_revoked(row, f"revoked_at = '{NOW}'", granted=False) for row in self.before),
        )


def _revoked(row: Row, condition: str, *, granted: bool) -> Fact:
    query = f"SELECT {condition} FROM public.api_keys WHERE id = '{row['id']}'"
    return Fact(query, expected=True, side=granted)


@scenarios
def leavings(world: World, _draw: Draw) -> Scenario:
    """End a membership: the user's live keys of that team are revoked, and no others."""
    leaving = Leaving(world)
    return Scenario(given=leaving.given, legal=((leaving.leaves,),), facts=leaving.facts())


@scenarios
def team_ends(world: World, _draw: Draw) -> Scenario:
    """Delete a team: all its members' keys of it are revoked, and no others."""
    leaving = Leaving(world)
    gone = Delete("teams", {"id": leaving.team["id"]})
    return Scenario(
        given=leaving.given, legal=((gone,),), facts=leaving.facts(colleague_stays=False)
    )


@scenarios
def user_ends(world: World, _draw: Draw) -> Scenario:
    """Delete a member: the keys go too, and those of others stay as they are."""
    team, _ = world.team()
    user, colleague = world.member(team), world.member(team)
    world.insert("api_keys", in_form(world, "member", team, user))
    world.insert("api_keys", in_form(world, "team", team, user))
    row = world.insert("api_keys", in_form(world, "member", team, colleague))
    return Scenario(
        given=(tuple(world.given),),
        legal=((Delete("users", {"id": user["id"]}),),),
        facts=(
            Fact("SELECT min(id::text) FROM public.api_keys", str(row["id"])),
            _revoked(row, "revoked_at IS NULL", granted=True),
        ),
    )


@scenarios
def rejoinings(world: World, _draw: Draw) -> Scenario:
    """Leave and rejoin in one transaction: the keys stay revoked, and then may be revived."""
    leaving = Leaving(world)
    joins = world.a_membership(leaving.team, leaving.user)
    revived = [Update("api_keys", {"id": row["id"]}, LIVE) for row in leaving.ending]
    return Scenario(
        given=leaving.given,
        legal=((leaving.leaves, Insert("memberships", (joins,))), tuple(revived)),
        facts=tuple(_revoked(row, "revoked_at IS NULL", granted=True) for row in leaving.ending),
    )


@scenarios
def revivals_too_late(world: World, draw: Draw) -> Scenario:
    """Revive a revoked key of a member; then one whose membership has ended, in either form.

    Or end a membership, and revive in the same transaction the key that this revoked.
    """
    leaving = Leaving(world)
    bad = draw(st.sampled_from(leaving.ending))
    revives = Update("api_keys", {"id": bad["id"]}, LIVE, {**bad, **REVOKED})
    at_once = draw(st.booleans())
    good = leaving.of_colleague[0]
    where = {"id": good["id"]}
    return Scenario(
        given=leaving.given,
        legal=(
            (Update("api_keys", where, REVOKED, good), Update("api_keys", where, LIVE, good)),
            *(() if at_once else ((leaving.leaves,),)),
        ),
        broken=((leaving.leaves, revives),) if at_once else ((revives,),),
        also=frozenset({"INV-X4", "ROLE-2"}),
    )


# Which keys are valid

PAST, FUTURE = PAST_END - TICK, FUTURE_START
VALID: tuple[Row, ...] = (
    {"expires_at": None, "revoked_at": None},
    {"expires_at": FUTURE, "revoked_at": None},
)
ENDED: Mapping[str, tuple[Row, ...]] = {
    "INV-A4": (
        {"expires_at": None, "revoked_at": PAST},
        {"expires_at": FUTURE, "revoked_at": PAST},
        {"expires_at": None, "revoked_at": FUTURE},
    ),
    "INV-A5": (
        {"expires_at": PAST, "revoked_at": None},
        {"expires_at": Sql("clock_timestamp()"), "revoked_at": None},
        {"expires_at": PAST, "revoked_at": PAST},
    ),
}
UNKNOWN = "00000000-0000-0000-0000-00000000dead"


def _valid(row: Row, *, expected: bool) -> Fact:
    return Fact(f"SELECT public.api_key_is_valid('{row['id']}')", expected, expected)


def validity(rule: str) -> Ways:
    """Return ways for what makes a key invalid: in which states it is valid, and in which not."""
    ended = st.sampled_from(ENDED[rule])

    @scenarios
    def inserts(world: World, draw: Draw) -> Scenario:
        """Insert a valid key, and one that is not; ask for them, and for one that there is not."""
        good = {**key(world), **draw(st.sampled_from(VALID))}
        bad = {**key(world), **draw(ended)}
        return Scenario(
            given=(tuple(world.given),),
            legal=((Insert("api_keys", (good,)),), (Insert("api_keys", (bad,)),)),
            facts=(
                _valid(good, expected=True),
                _valid(bad, expected=False),
                Fact(f"SELECT public.api_key_is_valid('{UNKNOWN}')", expected=False, side=False),
            ),
        )

    @scenarios
    def inserts_many(world: World, draw: Draw) -> Scenario:
        """Insert at once keys in all states."""
        good = [{**key(world), **columns} for columns in VALID]
        bad = [{**key(world), **columns} for columns in ENDED[rule]]
        rows = (*good, *bad) if draw(st.booleans()) else (*bad, *good)
        return Scenario(
            given=(tuple(world.given),),
            legal=((Insert("api_keys", rows),),),
            facts=(
                *(_valid(row, expected=True) for row in good),
                *(_valid(row, expected=False) for row in bad),
            ),
        )

    @scenarios
    def updates(world: World, draw: Draw) -> Scenario:
        """End a key, and make one valid that had ended."""
        good = world.insert("api_keys", {**key(world), **draw(ended)})
        bad = world.insert("api_keys", key(world))
        revived = draw(st.sampled_from(VALID))
        return Scenario(
            given=(tuple(world.given),),
            legal=(
                (Update("api_keys", {"id": good["id"]}, revived, good),),
                (Update("api_keys", {"id": bad["id"]}, draw(ended), bad),),
            ),
            facts=(_valid(good, expected=True), _valid(bad, expected=False)),
        )

    @scenarios
    def deletions(world: World, draw: Draw) -> Scenario:
        """Delete one of two keys."""
        good, bad = world.insert("api_keys", key(world)), world.insert("api_keys", key(world))
        gone = draw(
            st.sampled_from(
                (
                    Delete("api_keys", {"id": bad["id"]}),
                    Delete("users", {"id": bad["user_id"]}),
                )
            )
        )
        return Scenario(
            given=(tuple(world.given),),
            legal=((gone,),),
            facts=(_valid(good, expected=True), _valid(bad, expected=False)),
        )

    return by_shape(
        insert=inserts,
        insert_many=inserts_many,
        update=updates,
        delete=deletions,
        reasons={**ONE_ROW, Path.CASCADE: "a user's keys that go are tried as deletions"},
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
        key,
        legal=st.just({}),
        broken=broken_hashes().map(lambda text: {"key_hash": text}),
        immutable=True,
    ),
    "INV-A3": unique(
        "api_keys",
        key,
        lambda first, _: {"key_hash": first["key_hash"]},
        near=lambda first: {"key_hash": str(first["key_hash"]).upper()},
        immutable=True,
    ),
    "INV-A4": validity("INV-A4"),
    "INV-A5": validity("INV-A5"),
    "INV-A6": creators_keys("team", "member", "another's"),
    "INV-A7": creators_keys("team", "member"),
    "INV-X4": by_shape(
        insert=members,
        insert_many=members_many,
        update=revivals,
        delete=leavings,
        move=key_moves,
        other=membership_moves,
        cascade=st.one_of(team_ends, user_ends),
        reasons={Path.TRUNCATE: "keys refer to memberships, so they are truncated with them"},
    ),
    "AUTO-REVOKE": {
        **dict.fromkeys(Path, "no membership ends"),
        **dict.fromkeys(DELETING, leavings),
        **dict.fromkeys(UPDATING, revivals_too_late),
        Path.MERGE: st.one_of(leavings, revivals_too_late),
        Path.CTE: st.one_of(leavings, revivals_too_late),
        Path.INSERT: rejoinings,
        Path.OTHER: "memberships are the other table: tried as delete and as a cascade",
        Path.MOVE: membership_moves,
        Path.CASCADE: st.one_of(team_ends, user_ends),
        Path.TRUNCATE: "keys refer to memberships, so they are truncated with them",
    },
}
