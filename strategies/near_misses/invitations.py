"""Near misses of the rules of an invitation's own row: INV-I1 to INV-I6, INV-I9, INV-TIME4, -5."""

from typing import Final

from hypothesis import strategies as st

from conformance.engine.cases.scenario import Scenario, Ways
from conformance.engine.sql.no_label import NoLabel
from conformance.engine.sql.writes import Delete, Path, Row, Sql, Update
from strategies.enums import broken_labels
from strategies.instants import FIRST, FUTURE_START, LAST, TICK, TURN, future_timestamps
from strategies.near_misses.relations import parent
from strategies.near_misses.ways import Draw, Scenarios, besides, label, one_row, scenarios
from strategies.session_settings import REPEATS
from strategies.usual import usual
from strategies.world import World

# Invitations that are answered in scenarios were made before any answer, and expire after it.
MADE = FIRST - TICK
GAPS = (TICK, TICK * 1000, FIRST - MADE.replace(year=1990))
ANSWERS = st.sampled_from((FIRST, FIRST + TICK))
# Such an answer may come after the invitation expired as well.
LATER_ANSWERS = st.one_of(ANSWERS, st.just(LAST))


def invitation(world: World) -> Row:
    """Make an invitation by the owner of a team, who has another one."""
    _, owner = world.team()
    return world.an_invitation(world.owned_team(owner), owner)


def old_invitation(world: World) -> Row:
    """Make an invitation that was made long ago, and is open for long."""
    return {**invitation(world), "created_at": MADE, "expires_at": usual(FUTURE_START)}


def any_old_invitation(world: World) -> Row:
    """Make the same, of any age."""
    return {**old_invitation(world), "created_at": usual(MADE)}


def changed(row: Row, **changes: object) -> Update:
    """Return the update of an invitation."""
    return Update("invitations", {"id": row["id"]}, changes, row)


# Accepted and revoked


@scenarios
def ended(world: World, draw: Draw) -> Scenario:
    """Accept an invitation, revoke another; then do the other to each, and both to a third."""
    accepted, revoked, neither = (
        world.insert("invitations", any_old_invitation(world)) for _ in range(3)
    )
    at, later = draw(ANSWERS), draw(LATER_ANSWERS)
    return Scenario(
        given=(tuple(world.given),),
        legal=((changed(accepted, accepted_at=at),), (changed(revoked, revoked_at=at),)),
        broken=(
            (changed(accepted, revoked_at=later),),
            (changed(revoked, accepted_at=later),),
            (changed(neither, accepted_at=at, revoked_at=later),),
            (changed(neither, revoked_at=at), changed(neither, accepted_at=later)),
            (changed(neither, accepted_at=at), changed(neither, revoked_at=later)),
        ),
    )


_INSERTED_ENDED = one_row(
    "invitations",
    old_invitation,
    legal=st.just({"accepted_at": None, "revoked_at": None}),
    broken=st.builds(
        lambda accepted, revoked: {"accepted_at": accepted, "revoked_at": revoked},
        ANSWERS,
        ANSWERS,
    ),
    no_update="tried on its own",
    also=frozenset({"STATE-INVITATION"}),
)
NOT_BOTH = besides(_INSERTED_ENDED, update=ended)


# Times


@scenarios
def expiries(world: World, draw: Draw) -> Scenario:
    """Let an invitation expire just after it was made; then when it was made, or before.

    It is open, accepted or revoked.
    """
    row = world.insert("invitations", old_invitation(world))
    answered = draw(st.sampled_from((None, "accepted_at", "revoked_at")))
    if answered is not None:
        world.given.append(changed(row, **{answered: draw(ANSWERS)}))
    late, early = draw(st.sampled_from(GAPS)), draw(st.sampled_from((TICK * 0, *GAPS)))
    return Scenario(
        given=(tuple(world.given),),
        legal=((changed(row, expires_at=MADE + late),),),
        broken=((changed(row, expires_at=MADE - early),),),
    )


@scenarios
def acceptances(world: World, draw: Draw) -> Scenario:
    """Accept an invitation just after it was made; then when it was made, or before."""
    good, bad = (world.insert("invitations", old_invitation(world)) for _ in range(2))
    late, early = draw(st.sampled_from(GAPS)), draw(st.sampled_from((TICK * 0, *GAPS)))
    return Scenario(
        given=(tuple(world.given),),
        legal=((changed(good, accepted_at=MADE + late),),),
        broken=((changed(bad, accepted_at=MADE - early),),),
    )


def turned(column: str) -> Scenarios:
    """Return invitations that are ended just after they were made, and just before.

    The clocks on the wall are put back between the two, and turn their order round.
    """

    @scenarios
    def built(world: World, _: Draw) -> Scenario:
        good, bad = (
            world.insert("invitations", {**old_invitation(world), "created_at": made})
            for made in (TURN, TURN + TICK)
        )
        return Scenario(
            given=(tuple(world.given),),
            legal=((changed(good, **{column: TURN + TICK}),),),
            broken=((changed(bad, **{column: TURN}),),),
            settings=(("TimeZone", REPEATS),),
        )

    return built


_EXPIRING = one_row(
    "invitations",
    invitation,
    legal=st.builds(
        lambda at, gap: {"created_at": at - gap, "expires_at": at},
        future_timestamps(),
        st.sampled_from(GAPS),
    ),
    broken=st.builds(
        lambda at, gap: {"created_at": at + gap, "expires_at": at},
        future_timestamps(),
        st.sampled_from((TICK * 0, *GAPS)),
    ),
    no_update="tried on its own",
)
EXPIRES_LATER = besides(_EXPIRING, update=st.one_of(expiries, turned("expires_at")))

_ACCEPTED = one_row(
    "invitations",
    old_invitation,
    legal=st.just({"accepted_at": None}),
    broken=st.sampled_from((TICK * 0, *GAPS)).map(lambda gap: {"accepted_at": MADE - gap}),
    no_update="tried on its own",
    also=frozenset({"STATE-INVITATION"}),
)


# Its team and inviter


@scenarios
def inviters_gone(world: World, draw: Draw) -> Scenario:
    """Delete inviters with what they sent, or with the team; then one who has left the team."""
    home, owner = world.team()
    team = world.owned_team(owner)
    alone_team, alone = world.team()
    kept, gone = world.a_creator(), world.a_creator()
    rows = []
    for user in (kept, gone):
        world.insert("users", user)
        world.insert("memberships", world.a_membership(home, user))
        world.insert("memberships", world.a_membership(team, user, role="admin"))
        rows.append(world.insert("invitations", world.an_invitation(team, user)))
    world.insert("invitations", world.an_invitation(alone_team, alone))
    end = draw(st.sampled_from(({}, {"revoked_at": Sql("now()")})))
    leaves = Delete("memberships", {"user_id": kept["id"], "team_id": team["id"]})
    return Scenario(
        given=(tuple(world.given),),
        legal=(
            (Delete("invitations", {"id": rows[1]["id"]}), Delete("users", {"id": gone["id"]})),
            (Delete("teams", {"id": alone_team["id"]}), Delete("users", {"id": alone["id"]})),
            (leaves,),
            *(((changed(rows[0], **end),),) if end else ()),
        ),
        broken=((Delete("users", {"id": kept["id"]}),),),
    )


OWNER: Final = NoLabel("owner", "invitation_role")
WAYS: dict[str, Ways] = {
    "INV-I1": {
        **one_row(
            "invitations",
            invitation,
            legal=st.just({}),
            broken=st.sampled_from(
                ({"team_id": None}, {"email": None}, {"team_id": None, "email": None})
            ),
            immutable=True,
        ),
        Path.MOVE: "a move to no parent is an update: tried as such",
    },
    "INV-I2": label(
        "invitations",
        invitation,
        "role",
        "invitation_role",
        broken=st.one_of(st.just(OWNER), broken_labels(OWNER.enum)),
    ),
    "INV-I3": NOT_BOTH,
    "INV-I4": NOT_BOTH,
    "INV-I5": parent("invitations", invitation, "team_id", "teams", cascades=True),
    "INV-I6": {
        **parent("invitations", invitation, "invited_by", "users", cascades=False),
        Path.OTHER: inviters_gone,
    },
    "INV-I9": EXPIRES_LATER,
    "INV-TIME4": EXPIRES_LATER,
    "INV-TIME5": besides(_ACCEPTED, update=st.one_of(acceptances, turned("accepted_at"))),
}
