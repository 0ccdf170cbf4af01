"""Near misses of the rules on keys of teams whose memberships end: INV-X4 and AUTO-REVOKE."""

from hypothesis import strategies as st

from conformance.engine.cases.scenario import Fact, Scenario, ViolatesSeveral, Ways
from conformance.engine.sql.writes import Delete, Insert, Path, PlainWrite, Row, Update
from strategies.enums import MEMBERSHIP_ROLE
from strategies.near_misses.keys import LIVE, REVOKED, in_form
from strategies.near_misses.ways import DELETING, UPDATING, Draw, by_shape, fixed, scenarios
from strategies.world import NOW, World, urn_of_member


def without_membership(world: World, team: Row, user: Row, draw: Draw) -> Row:
    """Return a live key with the URN of another member, or of the user in another team.

    One of those teams has the user's own id: that a URN names it says nothing of who is meant.
    """
    elsewhere, _ = world.team()
    colleague = world.member(team)
    namesake = world.owned_team(world.creator(), id=user["id"])
    world.insert("memberships", world.a_membership(namesake, user))
    world.insert("memberships", world.a_membership(namesake, colleague))
    owners = (
        urn_of_member(team, colleague),
        urn_of_member(elsewhere, user),
        urn_of_member(elsewhere, colleague),
        urn_of_member(namesake, colleague),
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
        broken=(ViolatesSeveral((Insert("api_keys", (bad,)),), frozenset({"ROLE-2"})),),
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
        broken=(ViolatesSeveral((Insert("api_keys", tuple(bad)),), frozenset({"ROLE-2"})),),
    )


@scenarios
def revivals(world: World, draw: Draw) -> Scenario:
    """Revive a revoked key of a member whose role has changed; then one of another's.

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
    role = draw(st.sampled_from(("admin", "owner")))  # a viewer makes no keys, nor revives them
    promoted = Update("memberships", {"user_id": user["id"]}, {"role": role})
    leaves = Delete("memberships", {"id": joins["id"]})
    return Scenario(
        given=(tuple(world.given), (leaves, promoted)),
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
        broken=(fixed(Update("api_keys", where, changes)),),
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
        broken=(fixed(Update("memberships", where, draw(st.sampled_from(away)))),),
    )


# Memberships that end

# How many live keys of each form somebody has in a team: more than any guard may be content with.
MANY = 6


class Leaving:
    """A user about to leave one of two teams, a colleague in both, and all their keys."""

    def __init__(self, world: World, role: str = "member") -> None:
        """Insert them; who is about to leave has a role there."""
        self.team, owner = world.team()
        other = world.owned_team(owner)
        first = "member" if role == "viewer" else role
        self.user, self.colleague = world.creator(), world.creator()
        memberships = [
            world.insert(
                "memberships",
                world.a_membership(team, user, role=first if user is self.user else "member"),
            )
            for user in (self.user, self.colleague)
            for team in (self.team, other)
        ]
        self.leaves = Delete("memberships", {"id": memberships[0]["id"]})
        forms = ("team", "member")
        self.ending = [in_form(world, form, self.team, self.user) for form in forms * MANY]
        self.before = [in_form(world, form, self.team, self.user, **REVOKED) for form in forms]
        self.of_colleague = [in_form(world, form, self.team, self.colleague) for form in forms]
        self.staying = [
            in_form(world, "user", self.team, self.user),
            *(in_form(world, form, other, self.user) for form in forms),
            *(in_form(world, form, other, self.colleague) for form in forms),
        ]
        rows = (*self.ending, *self.before, *self.of_colleague, *self.staying)
        world.given.append(Insert("api_keys", tuple({**LIVE, **row} for row in rows)))
        if role != first:
            world.given.append(Update("memberships", self.leaves.key, {"role": role}))
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
def leavings(world: World, draw: Draw) -> Scenario:
    """End a membership: the user's live keys of that team are revoked, and no others."""
    leaving = Leaving(world, draw(st.sampled_from(MEMBERSHIP_ROLE)))
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
            Fact("SELECT min(id::text) FROM public.api_keys", str(row["id"]), side=False),
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
        because="a membership that comes lets its keys be made live: nothing is denied",
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
            *(() if at_once else ((PlainWrite(leaving.leaves),),)),
        ),
        broken=(
            ViolatesSeveral(
                (leaving.leaves, revives) if at_once else (revives,),
                frozenset({"INV-X4", "ROLE-2"}),
                "a key that is live again needs its membership, by INV-X4 or by ROLE-2",
            ),
        ),
    )


WAYS: dict[str, Ways] = {
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
