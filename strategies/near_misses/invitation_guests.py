"""Near misses of the rules on whom an invitation may go to: INV-I7 and INV-I8."""

from hypothesis import strategies as st

from conformance.cases.scenario import Scenario, ViolatesSeveral, Ways
from conformance.sql.writes import Delete, Insert, Path, PlainWrite, Row, Sql, Update, Write
from strategies.enums import MEMBERSHIP_ROLE
from strategies.instants import FIRST, FUTURE_START, LAST, TICK
from strategies.near_misses.invitations import MADE, changed, old_invitation
from strategies.near_misses.ways import ONE_ROW, Draw, besides, by_shape, fixed, scenarios
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


# For how long somebody who is in the team already is invited.
LASTING = st.sampled_from(
    (
        {},
        *(
            {"expires_at": Sql(f"clock_timestamp() + interval '{seconds} seconds'")}
            for seconds in (20, 58)
        ),
    )
)

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
def member_readdressed_nearly(world: World, draw: Draw) -> Scenario:
    """Take an email that a pattern takes for one that one's team invited; then that one."""
    invited, nearly = draw(patterns())
    team, owner = world.team()
    member = world.member(team)
    world.insert("invitations", world.an_invitation(team, owner, email=invited))
    return Scenario(
        given=(tuple(world.given),),
        legal=((readdressed(member, nearly),),),
        broken=((readdressed(member, invited),),),
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


# INV-I8: there is no open invitation for somebody who is in that team


def guest(world: World) -> Row:
    """Insert a creator with the guest's email, who has a team."""
    return world.creator(email=GUEST)


@scenarios
def member_invited(world: World, draw: Draw) -> Scenario:
    """Invite who is in another team, or nearly in this one; then who is in it, in any case."""
    team, owner = world.team()
    other, host = world.team()
    user = guest(world)
    world.given += [joins(world, team, user), joins(world, team, world.creator(email=TWINS[0]))]
    elsewhere = world.an_invitation(other, host, email=draw(again()))
    near = [world.an_invitation(team, owner, email=email) for email in (*NEAR, TWINS[1])]
    email = draw(again())
    bad = {**world.an_invitation(team, owner, email=email), **draw(LASTING)}
    withdrawn = world.an_invitation(team, owner, email=email)
    withdraws = changed(withdrawn, revoked_at=Sql("now()"))
    return Scenario(
        given=(tuple(world.given),),
        legal=(
            (Insert("invitations", (elsewhere,)),),
            (Insert("invitations", tuple(near)),),
            (
                Insert("invitations", (withdrawn,)),
                PlainWrite(withdraws),
            ),
        ),
        broken=((Insert("invitations", (bad,)),),),
    )


@scenarios
def members_invited(world: World, draw: Draw) -> Scenario:
    """Invite two who are in no team by one statement; then one of them and a member."""
    team, owner = world.team()
    world.given.append(joins(world, team, guest(world)))
    rows = [world.an_invitation(team, owner) for _ in range(3)]
    bad = {**world.an_invitation(team, owner, email=draw(again())), **draw(LASTING)}
    return Scenario(
        given=(tuple(world.given),),
        legal=((Insert("invitations", tuple(rows[:2])),),),
        broken=((Insert("invitations", tuple(draw(st.permutations((rows[2], bad))))),),),
    )


@scenarios
def guests_join(world: World, draw: Draw) -> Scenario:
    """Join a team whose invitation is answered or expired before or after; then with it open."""
    user = guest(world)
    sent = [
        world.insert("invitations", {**old_invitation(world), "email": draw(again())})
        for _ in range(2)
    ]
    teams = [{"id": row["team_id"]} for row in sent]
    end = changed(sent[0], **draw(st.sampled_from(ENDS)))
    join = joins(world, teams[0], user)
    order = draw(st.sampled_from(("ends, joins", "joins, ends", "ended")))
    legal: dict[str, tuple[tuple[Write, ...], ...]] = {
        "ends, joins": ((end, join),),
        "joins, ends": ((join, PlainWrite(end)),),
        "ended": ((PlainWrite(end),), (join,)),
    }
    back_out = joins(world, teams[1], user)
    seat = {"team_id": teams[1]["id"], "user_id": user["id"]}
    return Scenario(
        given=(tuple(world.given),),
        legal=(*legal[order], (back_out, PlainWrite(Delete("memberships", seat)))),
        broken=((joins(world, teams[1], user),),),
    )


@scenarios
def arrived(world: World, draw: Draw) -> Scenario:
    """Sign up and join where nearly one's email is invited, in any order; then where it is."""
    team, owner = world.team()
    order = draw(st.permutations(range(3)))

    def arriving(email: str) -> tuple[Write, ...]:
        user = world.a_creator(email=email)
        sent = world.an_invitation(team, owner, email=GUEST)
        writes = (
            Insert("users", (user,)),
            joins(world, team, user),
            Insert("invitations", (sent,)),
        )
        return tuple(writes[n] for n in order)

    return Scenario(
        given=(tuple(world.given),),
        legal=(arriving(draw(st.sampled_from(NEAR))),),
        broken=(arriving(draw(again())),),
    )


@scenarios
def guests_join_many(world: World, draw: Draw) -> Scenario:
    """Join two teams that have not invited one by one statement; then one that has among them."""
    user = guest(world)
    teams = [world.team()[0] for _ in range(3)]
    sent = world.insert("invitations", {**old_invitation(world), "email": draw(again())})
    rows = [world.a_membership(team, user) for team in (*teams, {"id": sent["team_id"]})]
    return Scenario(
        given=(tuple(world.given),),
        legal=((Insert("memberships", tuple(rows[:2])),),),
        broken=((Insert("memberships", tuple(draw(st.permutations(rows[2:])))),),),
    )


@scenarios
def member_readdressed(world: World, draw: Draw) -> Scenario:
    """Take an email that another team invited, or that was answered; then one that is open here."""
    home, owner = world.team()
    team = world.owned_team(owner)
    member, other = world.member(home), world.member(home)
    world.given += [joins(world, team, member), joins(world, team, other)]
    open_here = {**world.an_invitation(team, owner), "email": draw(again())}
    answered = {
        **old_invitation(world),
        "team_id": team["id"],
        "invited_by": owner["id"],
        "email": "else@example.com",
    }
    elsewhere = {**old_invitation(world), "email": "away@example.com"}
    over = {**answered, "id": world.id(), "token": "over", "email": "over@example.com"}
    for row in (open_here, answered, elsewhere, over):
        world.insert("invitations", row)
    end = changed(answered, **draw(st.sampled_from(ENDS)))
    taken = readdressed(other, draw(again()))
    return Scenario(
        given=(tuple(world.given),),
        legal=(
            (end, readdressed(member, "ELSE@example.com")),
            (changed(over, **ENDS[-1]), readdressed(member, "Over@example.com")),
            (readdressed(member, "away@example.com"),),
            (readdressed(member, str(member["email"]).upper()),),
            (taken, readdressed(other, other["email"])),
            (
                taken,
                changed(open_here, role="admin"),
                readdressed(other, draw(st.sampled_from(NEAR))),
            ),
        ),
        broken=((readdressed(member, draw(again())),),),
    )


@scenarios
def extended(world: World, draw: Draw) -> Scenario:
    """Extend an expired invitation of a stranger, and an open one; then one of who has joined."""
    user = guest(world)
    rows = [world.insert("invitations", old_invitation(world)) for _ in range(2)]
    bad = world.insert("invitations", {**old_invitation(world), "email": draw(again())})
    for row in (rows[0], bad):
        world.given.append(changed(row, expires_at=Sql("now() - interval '24 hours'")))
    later = Sql("now() + interval '24 hours'")
    return Scenario(
        given=(tuple(world.given), (joins(world, {"id": bad["team_id"]}, user),)),
        legal=(
            (changed(rows[0], expires_at=later),),
            (changed(rows[1], expires_at=later),),
            (changed(bad, expires_at=Sql("now() - interval '1 hour'")),),
        ),
        broken=((changed(bad, expires_at=later),),),
    )


@scenarios
def guests_moved(world: World, draw: Draw) -> Scenario:
    """Rewrite an invitation's team as it is; then as the guest's, or the guest's; IMM-1, too."""
    user = guest(world)
    team, _ = world.team()
    seat = world.insert("memberships", world.a_membership(team, user))
    sent = world.insert("invitations", {**old_invitation(world), "email": draw(again())})
    away = Update("memberships", {"id": seat["id"]}, {"team_id": sent["team_id"]}, seat)
    return Scenario(
        given=(tuple(world.given),),
        legal=((changed(sent, team_id=sent["team_id"]),),),
        broken=(
            fixed(changed(sent, team_id=team["id"])),
            fixed(away),
        ),
    )


_NOBODY_IS_LEFT = {
    Path.DELETE: "an invitation, a member or an inviter that is gone breaks nothing",
    Path.CASCADE: "an invitation, a member or an inviter that is gone breaks nothing",
    Path.TRUNCATE: "invitations, members or inviters that are gone break nothing",
}

WAYS: dict[str, Ways] = {
    "INV-I7": by_shape(
        insert=self_invited,
        insert_many=self_invited_outside,
        update=st.one_of(inviter_readdressed, inviter_left, inviter_readdressed_nearly),
        move=invitation_readdressed,
        other=st.one_of(inviter_readdressed, inviter_left),
        reasons={**ONE_ROW, **_NOBODY_IS_LEFT},
    ),
    "INV-I8": besides(
        by_shape(
            insert=member_invited,
            insert_many=st.one_of(members_invited, guests_join_many),
            update=extended,
            move=guests_moved,
            other=st.one_of(guests_join, member_readdressed),
            reasons={**ONE_ROW, **_NOBODY_IS_LEFT},
        ),
        insert=st.one_of(guests_join, arrived),
        update=st.one_of(member_readdressed, member_readdressed_nearly),
    ),
}
