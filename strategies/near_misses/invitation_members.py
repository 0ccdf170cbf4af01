"""Near misses of INV-I8: there is no open invitation for somebody who is in that team."""

from hypothesis import strategies as st

from conformance.engine.cases.scenario import Scenario, Ways
from conformance.engine.sql.writes import Delete, Insert, PlainWrite, Row, Sql, Update, Write
from strategies.near_misses.invitation_guests import (
    ENDS,
    GUEST,
    NEAR,
    NOBODY_IS_LEFT,
    TWINS,
    again,
    joins,
    patterns,
    readdressed,
)
from strategies.near_misses.invitations import changed, old_invitation
from strategies.near_misses.ways import ONE_ROW, Draw, besides, by_shape, fixed, scenarios
from strategies.session_settings import AGO, AHEAD, AS_THEY_COME, SOON
from strategies.world import World

# Its clock is put back in two hours: what is open for less than fifteen looks over on it.
TURNING = (("TimeZone", SOON),)
# For how long somebody who is in the team already is invited.
LASTING = st.sampled_from(
    (
        {},
        {"expires_at": Sql("now() + interval '12 hours'")},
        *(
            {"expires_at": Sql(f"clock_timestamp() + interval '{seconds} seconds'")}
            for seconds in (20, 58)
        ),
    )
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
    settings = draw(st.sampled_from((AS_THEY_COME, TURNING)))
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
        settings=settings,
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
    """Extend an expired invitation of a stranger, and an open one; then one of who has joined.

    Before and after it may be the same on a wall whose clock is put back.
    """
    user = guest(world)
    rows = [world.insert("invitations", old_invitation(world)) for _ in range(2)]
    bad = world.insert("invitations", {**old_invitation(world), "email": draw(again())})
    for row in (rows[0], bad):
        world.given.append(changed(row, expires_at=Sql("now() - interval '24 hours'")))
    later = Sql("now() + interval '24 hours'")
    turning = draw(st.sampled_from((True, False)))
    return Scenario(
        given=(tuple(world.given), (joins(world, {"id": bad["team_id"]}, user),)),
        legal=(
            (changed(rows[0], expires_at=later),),
            (changed(rows[1], expires_at=later),),
            (changed(bad, expires_at=AGO),),
        ),
        broken=((changed(bad, expires_at=AHEAD if turning else later),),),
        settings=TURNING if turning else AS_THEY_COME,
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


WAYS: dict[str, Ways] = {
    "INV-I8": besides(
        by_shape(
            insert=member_invited,
            insert_many=st.one_of(members_invited, guests_join_many),
            update=extended,
            move=guests_moved,
            other=st.one_of(guests_join, member_readdressed),
            reasons={**ONE_ROW, **NOBODY_IS_LEFT},
        ),
        insert=st.one_of(guests_join, arrived),
        update=st.one_of(member_readdressed, member_readdressed_nearly),
    ),
}
