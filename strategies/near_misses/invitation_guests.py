"""Near misses of INV-I7: nobody invites their own email."""

from hypothesis import strategies as st

from conformance.engine.cases.scenario import Scenario, ViolatesSeveral, Ways
from conformance.engine.sql.writes import Delete, Insert, Path, PlainWrite, Row, Sql, Update
from strategies.enums import MEMBERSHIP_ROLE
from strategies.instants import FIRST, FUTURE_START, LAST, TICK
from strategies.near_misses.invitations import MADE, changed
from strategies.near_misses.ways import ONE_ROW, Draw, by_shape, fixed, scenarios
from strategies.neighbours import WILD, matched, nearby_emails
from strategies.people import recased_emails
from strategies.world import World

# Mixed case, so that every way to write it anew differs from it.
GUEST = f"Ada.{WILD}@Example.com"
NEAR = nearby_emails(GUEST)
# What is another's, and is taken for the guest's by who compares with a pattern.
MATCHED = matched(GUEST)
# Two long addresses that differ in the last character of the name alone.
TWINS = tuple(f"{'x' * 200}{last}@example.com" for last in "ab")
AGES = st.sampled_from((MADE, MADE - TICK))
ENDS: tuple[Row, ...] = (
    {"accepted_at": FIRST},
    {"revoked_at": FIRST},
    {"expires_at": Sql("clock_timestamp()")},  # after the transaction began
)


NOBODY_IS_LEFT = {
    Path.DELETE: "an invitation, a member or an inviter that is gone breaks nothing",
    Path.CASCADE: "an invitation, a member or an inviter that is gone breaks nothing",
    Path.TRUNCATE: "invitations, members or inviters that are gone break nothing",
}


def again() -> st.SearchStrategy[str]:
    """The guest's email in any case."""
    return recased_emails(GUEST)


def readdressed(user: Row, email: object) -> Update:
    """Return the update that gives a user another email."""
    return Update("users", {"id": user["id"]}, {"email": email}, user)


def joins(world: World, team: Row, user: Row) -> Insert:
    """Return the insertion of a membership, in each role by turns."""
    role = MEMBERSHIP_ROLE[world.serial() % len(MEMBERSHIP_ROLE)]
    return Insert("memberships", (world.a_membership(team, user, role=role),))


# INV-I7: nobody invites their own email


def self_inviter(world: World) -> tuple[Row, Row]:
    """Insert a team whose owner has the guest's email; return both."""
    owner = world.insert("users", world.a_creator(email=GUEST))
    return world.owned_team(owner), owner


@scenarios
def self_invited(world: World, draw: Draw) -> Scenario:
    """Invite an email that is nearly one's own; then one's own, in any case."""
    team, owner = self_inviter(world)
    other, _ = world.team()
    admin = world.member(team, "admin")
    near = [world.an_invitation(team, owner, email=email) for email in NEAR]
    twin = world.insert("users", world.a_creator(email=TWINS[0]))
    near.append(world.an_invitation(world.owned_team(twin), twin, email=TWINS[1]))
    lent = world.an_invitation(other, world.member(other, "admin"), email=draw(again()))
    bad = world.an_invitation(team, owner, email=draw(again()))
    left, _ = world.team()
    leaver = world.insert("users", world.a_creator(email=GUEST))
    world.owned_team(leaver)
    seat = world.insert("memberships", world.a_membership(left, leaver, role="admin"))
    # Nobody with that email is in the team in the end.
    late = world.an_invitation(left, leaver, email=draw(again()))
    leaves = PlainWrite(Delete("memberships", {"id": seat["id"]}))
    return Scenario(
        given=(tuple(world.given),),
        legal=(
            (Insert("invitations", tuple(near)),),
            (Insert("invitations", (lent,)),),
            (Insert("invitations", (world.an_invitation(team, admin),)),),
        ),
        broken=(
            ViolatesSeveral((Insert("invitations", (bad,)),), frozenset({"INV-I8"})),
            (Insert("invitations", (late,)), leaves),
        ),
    )


@scenarios
def self_invited_outside(world: World, draw: Draw) -> Scenario:
    """Invite others by one statement; then oneself among them, and answered in the transaction."""
    team, owner = self_inviter(world)
    rows = [world.an_invitation(team, owner) for _ in range(3)]
    bad = world.an_invitation(team, owner, email=draw(again()))
    mixed = draw(st.permutations((rows[2], bad)))
    return Scenario(
        given=(tuple(world.given),),
        legal=((Insert("invitations", tuple(rows[:2])),),),
        broken=((Insert("invitations", tuple(mixed)),),),
    )


@scenarios
def inviter_readdressed(world: World, draw: Draw) -> Scenario:
    """Take an email that others invited, or nearly; then those that oneself did, open or not."""
    _, owner = world.team()
    team = world.owned_team(owner)
    other, host = world.team()
    world.insert("invitations", world.an_invitation(other, host, email="else@example.com"))
    emails = [f"{n}{GUEST}" for n in range(len(ENDS))]
    for email, end in zip((GUEST, *emails), ({}, *ENDS), strict=True):
        times = {
            "created_at": draw(AGES),
            "expires_at": draw(st.sampled_from((FUTURE_START, LAST))),
        }
        row = {**world.an_invitation(team, owner, email=email), **times}
        world.insert("invitations", row)
        world.given += [changed(row, **end)] if end else []
    return Scenario(
        given=(tuple(world.given),),
        legal=(
            *((readdressed(owner, email),) for email in draw(st.permutations(NEAR))[:5]),
            (readdressed(owner, str(owner["email"]).upper()),),
            (readdressed(owner, "else@example.com"),),
        ),
        broken=(
            ViolatesSeveral((readdressed(owner, draw(again())),), frozenset({"INV-I8"})),
            *(
                ViolatesSeveral((readdressed(owner, email.lower()),), frozenset({"INV-I8"}))
                for email in emails
            ),
        ),
    )


@st.composite
def patterns(draw: Draw) -> tuple[str, str]:
    """Draw two emails of which one matches the other where that is read as a pattern."""
    pair = (GUEST, draw(st.sampled_from(MATCHED)))
    return pair if draw(st.booleans()) else pair[::-1]


@scenarios
def inviter_readdressed_nearly(world: World, draw: Draw) -> Scenario:
    """Take an email that a pattern takes for one that oneself invited to a team since left.

    Then that one.
    """
    invited, nearly = draw(patterns())
    (team, _), inviter = world.team(), world.creator()
    seat = world.insert("memberships", world.a_membership(team, inviter, role="admin"))
    world.insert("invitations", world.an_invitation(team, inviter, email=invited))
    world.given.append(Delete("memberships", {"id": seat["id"]}))
    return Scenario(
        given=(tuple(world.given),),
        legal=((readdressed(inviter, nearly),),),
        broken=((readdressed(inviter, invited),),),
    )


@scenarios
def inviter_left(world: World, draw: Draw) -> Scenario:
    """Take an invited email once the invitation is gone; then one invited to a team since left."""
    home, _ = world.team()
    inviter = world.insert("users", world.a_creator())
    world.insert("memberships", world.a_membership(home, inviter))
    team, _ = world.team()
    sent = []
    for email in (GUEST, "else@example.com"):
        seat = world.insert("memberships", world.a_membership(team, inviter, role="admin"))
        sent.append(world.insert("invitations", world.an_invitation(team, inviter, email=email)))
        world.given.append(Delete("memberships", {"id": seat["id"]}))
    return Scenario(
        given=(tuple(world.given),),
        legal=(
            (
                Delete("invitations", {"id": sent[1]["id"]}),
                readdressed(inviter, "else@example.com"),
            ),
        ),
        broken=((readdressed(inviter, draw(again())),),),
    )


@scenarios
def invitation_readdressed(world: World, draw: Draw) -> Scenario:
    """Rewrite an invitation's email and inviter as they are; then as one person's; IMM-1, too."""
    team, owner = self_inviter(world)
    admin = world.member(team, "admin")
    sent = world.insert("invitations", world.an_invitation(team, owner))
    other, host = world.team()
    lent = world.insert("invitations", world.an_invitation(other, host, email=draw(again())))
    return Scenario(
        given=(tuple(world.given),),
        legal=(
            (changed(sent, email=sent["email"], invited_by=owner["id"]),),
            (changed(sent, role="admin"),),
        ),
        broken=(
            fixed(changed(sent, email=draw(again()))),
            fixed(changed(lent, invited_by=owner["id"])),
            fixed(changed(sent, email=admin["email"], invited_by=admin["id"])),
        ),
    )


WAYS: dict[str, Ways] = {
    "INV-I7": by_shape(
        insert=self_invited,
        insert_many=self_invited_outside,
        update=st.one_of(inviter_readdressed, inviter_left, inviter_readdressed_nearly),
        move=invitation_readdressed,
        other=st.one_of(inviter_readdressed, inviter_left),
        reasons={**ONE_ROW, **NOBODY_IS_LEFT},
    ),
}
