"""Near misses of the rules on what is open, and what becomes of it: CARD-4 and STATE-INVITATION."""

from __future__ import annotations

from itertools import chain, repeat
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from conformance.engine.cases.scenario import Scenario, ViolatesSeveral, Ways
from conformance.engine.sql.writes import Delete, Insert, Path, Row, Sql, Update
from strategies import session_settings
from strategies.instants import FIRST, FUTURE_START, LAST, PAST_END, TICK
from strategies.near_misses.invitations import MADE, any_old_invitation, changed, old_invitation
from strategies.near_misses.ways import (
    ONE_ROW,
    Draw,
    besides,
    by_shape,
    fixed,
    one_row,
    replayed,
    scenarios,
)
from strategies.session_settings import AGO, AHEAD, AS_THEY_COME
from strategies.usual import usual

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from conformance.engine.cases.scenario import Settings
    from strategies.world import World

OPEN_LIMIT = 50
# Later than the transaction began, and over when the next statement asks.
JUST_NOW = Sql("clock_timestamp()")
# Soon, and not before all of a scenario has been tried.
SOON = Sql("clock_timestamp() + interval '45 seconds'")
# By less than a clock on the wall may be put back: see `session_settings.SOON`.
LATER = Sql("now() + interval '12 hours'")
TURNING: Settings = (("TimeZone", session_settings.SOON),)
# What some open invitations are like: who overlooks one of them lets in one too many.
UNLIKE: tuple[Row, ...] = (
    {"expires_at": SOON},
    {"created_at": Sql("now() + interval '1 hour'")},
    {"expires_at": LATER},
)


# CARD-4: a team has at most 50 open invitations


def sent(
    world: World,
    team: Row,
    inviter: Row,
    count: int,
    unlike: Sequence[Row] = (),
) -> list[Row]:
    """Insert open invitations of one team, sent by turns by four people, the first unlike others.

    Two of them then leave the team, or are viewers of it.
    """
    guests = [world.guest(team, "admin") for _ in range(2)]
    inviters = (inviter, world.member(team, "admin"), *(user for user, _ in guests))
    rows = [
        world.an_invitation(
            team,
            inviters[n % len(inviters)],
            **{"created_at": usual(MADE), "expires_at": FUTURE_START, **columns},
        )
        for n, columns in zip(range(count), chain(unlike, repeat({})), strict=False)
    ]
    world.given.append(Insert("invitations", tuple(rows)))
    for wholly, (_, membership) in zip((True, False), guests, strict=True):
        world.part(membership, wholly=wholly)
    return rows


def expired(world: World, team: Row, inviter: Row, count: int) -> list[Row]:
    """Insert invitations of one team that have expired."""
    rows = sent(world, team, inviter, count)
    world.given += [changed(row, expires_at=JUST_NOW) for row in rows]
    return rows


@scenarios
def invited(world: World, draw: Draw) -> Scenario:
    """Send a 50th open invitation beside others, and one more when one is answered; then a 51st."""
    team, owner = world.team()
    other, host = world.team()
    expired(world, team, owner, 1)
    answered = sent(world, team, owner, 2)
    world.given.append(changed(answered[0], accepted_at=FIRST))
    world.given.append(changed(answered[1], revoked_at=FIRST))
    rows = sent(world, team, owner, OPEN_LIMIT - 1)
    ends: tuple[Row, ...] = ({"accepted_at": FIRST}, {"revoked_at": FIRST}, {"expires_at": FIRST})
    end = draw(st.sampled_from((None, *ends)))
    freed = changed(rows[0], **end) if end else Delete("invitations", {"id": rows[0]["id"]})
    fiftieth = Insert("invitations", (world.an_invitation(team, owner),))
    return Scenario(
        given=(tuple(world.given),),
        legal=(
            (fiftieth,),
            (replayed(fiftieth),),
            (freed, Insert("invitations", (world.an_invitation(team, owner),))),
            (
                changed(rows[1], expires_at=JUST_NOW),
                Insert("invitations", (world.an_invitation(team, owner),)),
            ),
            (Insert("invitations", (world.an_invitation(other, host),)),),
        ),
        broken=((Insert("invitations", (world.an_invitation(team, owner),)),),),
    )


@scenarios
def invited_many(world: World, draw: Draw) -> Scenario:
    """Send a 49th and a 50th by one statement; then a 50th and a 51st, another team's beside.

    Of those that are there some expire soon, or when the clock on the wall has been put back, or
    were made by a client's clock that is ahead.
    """
    settings = draw(st.sampled_from((AS_THEY_COME, TURNING)))
    (good, host), (bad, owner), (other, other_owner) = (world.team() for _ in range(3))
    sent(world, good, host, OPEN_LIMIT - 2)
    sent(world, bad, owner, OPEN_LIMIT - 1, UNLIKE)
    rows = [world.an_invitation(good, host) for _ in range(2)]
    over = [world.an_invitation(bad, owner) for _ in range(2)]
    mixed = draw(st.permutations((*over, world.an_invitation(other, other_owner))))
    return Scenario(
        given=(tuple(world.given),),
        legal=((Insert("invitations", tuple(rows)),),),
        broken=(
            (Insert("invitations", tuple(mixed)),),
            (Insert("invitations", tuple(world.an_invitation(bad, owner) for _ in range(3))),),
        ),
        settings=settings,
    )


@scenarios
def reopened(world: World, draw: Draw) -> Scenario:
    """Extend an expired invitation as the 50th open one, and open ones; then one as the 51st."""
    team, owner = world.team()
    first, second = expired(world, team, owner, 2)
    rows = sent(world, team, owner, OPEN_LIMIT - 1)
    role = draw(st.sampled_from(("admin", "viewer")))
    return Scenario(
        given=(tuple(world.given),),
        legal=(
            (changed(first, expires_at=LATER),),
            (changed(rows[0], expires_at=LAST),),
            (changed(rows[1], role=role),),
            (changed(second, role=role),),
            (changed(rows[0], revoked_at=FIRST), changed(second, expires_at=LATER)),
            (changed(second, expires_at=JUST_NOW), changed(second, revoked_at=FIRST)),
            (Insert("invitations", (world.an_invitation(team, owner),)),),
            (changed(first, expires_at=JUST_NOW), changed(first, expires_at=LATER)),
        ),
        broken=(
            (
                changed(rows[1], expires_at=JUST_NOW),
                Insert("invitations", (world.an_invitation(team, owner),)),
                changed(rows[1], expires_at=LATER),
            ),
        ),
    )


@scenarios
def reopened_over(world: World, draw: Draw) -> Scenario:
    """Extend an expired invitation as the 50th open one; then another as the 51st.

    Before and after it may be the same on a wall whose clock is put back.
    """
    team, owner = world.team()
    first, second = expired(world, team, owner, 2)
    sent(world, team, owner, OPEN_LIMIT - 1)
    turning = draw(st.sampled_from((True, False)))
    if turning:
        world.given.append(changed(second, expires_at=AGO))
    return Scenario(
        given=(tuple(world.given),),
        legal=((changed(first, expires_at=LATER),),),
        broken=((changed(second, expires_at=AHEAD if turning else LATER),),),
        settings=TURNING if turning else AS_THEY_COME,
    )


@scenarios
def reopened_many(world: World, _draw: Draw) -> Scenario:
    """Extend all of 50 invitations by one statement, two of which have expired; then all of 51."""
    teams = []
    for count in (OPEN_LIMIT - 2, OPEN_LIMIT - 1):
        team, owner = world.team()
        expired(world, team, owner, 2)
        sent(world, team, owner, count)
        teams.append(team)
    good, bad = (
        Update("invitations", {"team_id": team["id"]}, {"expires_at": LAST}) for team in teams
    )
    return Scenario(given=(tuple(world.given),), legal=((good,),), broken=((bad,),))


@scenarios
def invited_unless(world: World, _draw: Draw) -> Scenario:
    """Send a 50th open invitation unless it is there, twice; then a 51st."""
    team, owner = world.team()
    sent(world, team, owner, OPEN_LIMIT - 1)
    fiftieth, another = (
        replayed(Insert("invitations", (world.an_invitation(team, owner),))) for _ in range(2)
    )
    return Scenario(
        given=(tuple(world.given),),
        legal=((fiftieth,), (fiftieth,)),
        broken=((another,),),
    )


@scenarios
def given_to_full_team(world: World, _draw: Draw) -> Scenario:
    """Rewrite the team of a 50th invitation as it is; then move another's there; IMM-1, too."""
    team, owner = world.team()
    other, host = world.team()
    rows = sent(world, team, owner, OPEN_LIMIT)
    (stray,) = sent(world, other, host, 1)
    return Scenario(
        given=(tuple(world.given),),
        legal=((changed(rows[0], team_id=team["id"]),),),
        broken=(fixed(changed(stray, team_id=team["id"])),),
    )


# STATE-INVITATION: from each state, what may and what may not become of an invitation

ACCEPT: Row = {"accepted_at": LATER}
REVOKE: Row = {"revoked_at": LATER}
EXTEND: Row = {"expires_at": LATER}
_PASSED: Row = {"expires_at": FIRST + TICK}
# When invitations were answered, here.
ANSWERED = st.sampled_from((FIRST, PAST_END, FUTURE_START))


def states(at: datetime) -> dict[str, tuple[Row, ...]]:
    """Return, by state, how an invitation comes to be in it: there may be several ways."""
    return {
        "open": ({"role": "admin"},),
        "expired": ({"expires_at": JUST_NOW},),
        "accepted": ({"accepted_at": at}, {"accepted_at": at, **_PASSED}),
        "revoked": ({"revoked_at": at}, {"revoked_at": at, **_PASSED}),
    }


def may(at: datetime) -> dict[str, tuple[Row, ...]]:
    """Return, by state, what may become of an invitation that was answered then."""
    return {
        "open": (ACCEPT, REVOKE, EXTEND, {"expires_at": JUST_NOW}, {"role": "viewer"}),
        "expired": (REVOKE, EXTEND, {"role": "viewer"}),
        "accepted": ({"accepted_at": at}, {"role": "viewer"}),
        "revoked": ({"revoked_at": at}, {"role": "viewer"}),
    }


def may_not(at: datetime) -> dict[str, tuple[Row, ...]]:
    """Return, by state, what may not become of it."""
    return {
        "open": ({**ACCEPT, **REVOKE},),
        "expired": (ACCEPT, {**ACCEPT, **EXTEND}, {**ACCEPT, **REVOKE}),
        "accepted": (
            {"accepted_at": None},
            {"accepted_at": at + TICK},
            {"accepted_at": None, **EXTEND},
            {"accepted_at": None, **REVOKE},
            REVOKE,
        ),
        "revoked": (
            {"revoked_at": None},
            {"revoked_at": at + TICK},
            {"revoked_at": None, **EXTEND},
            {"revoked_at": None, **ACCEPT},
            ACCEPT,
        ),
    }


@scenarios
def moved_on(world: World, draw: Draw) -> Scenario:
    """Take one state to each that may follow; then to each that may not, as INV-I3 says as well."""
    at = draw(ANSWERED)
    state = draw(st.sampled_from(tuple(states(at))))
    begin, legal, broken = [], [], []
    for way in states(at)[state]:
        moves = may(at)[state]
        rows = [world.insert("invitations", any_old_invitation(world)) for _ in (*moves, None)]
        begin += [changed(row, **way) for row in rows]
        legal += [(changed(row, **move),) for row, move in zip(rows, moves, strict=False)]
        broken += [
            ((changed(rows[-1], **move),), _answered_twice(way, move))
            for move in may_not(at)[state]
        ]
    return Scenario(
        given=(tuple(world.given), tuple(begin)),
        legal=tuple(legal),
        broken=tuple(
            ViolatesSeveral(writes, frozenset({"INV-I3", "INV-I4"}) if both else frozenset(), BOTH)
            for writes, both in broken
        ),
    )


BOTH = "what was answered is answered again: INV-I3 forbids both answers at once"


def _answered_twice(way: Row, move: Row) -> bool:
    """Return whether a move leaves an invitation both accepted and revoked."""
    after = {**way, **move}
    return None not in (after.get("accepted_at"), after.get("revoked_at"))


@scenarios
def answered_at_once(world: World, draw: Draw) -> Scenario:
    """Insert, extend and answer an invitation in one transaction; then answer one that expired."""
    row = old_invitation(world)
    answer = draw(st.sampled_from((ACCEPT, REVOKE)))
    late = world.insert("invitations", old_invitation(world))
    late_too = world.insert("invitations", old_invitation(world))
    return Scenario(
        given=(tuple(world.given), (changed(late, expires_at=JUST_NOW),)),
        legal=(
            (Insert("invitations", (row,)), changed(row, **answer)),
            (changed(late, expires_at=LATER), changed(late, **answer)),
        ),
        broken=((changed(late_too, expires_at=JUST_NOW), changed(late_too, **ACCEPT)),),
    )


_BEGUN = one_row(
    "invitations",
    old_invitation,
    legal=st.sampled_from(
        (
            {},
            {"accepted_at": None, "revoked_at": None},
            {"expires_at": LAST},
            {"created_at": FUTURE_START - TICK},
        )
    ),
    broken=st.sampled_from(
        (
            {"accepted_at": FIRST},
            {"revoked_at": FIRST},
            {"expires_at": FIRST},
            {"expires_at": JUST_NOW},
            {"accepted_at": FIRST, "expires_at": FIRST + TICK},
            {"accepted_at": FIRST, "revoked_at": FIRST},
        )
    ),
    also=lambda row: {"INV-I3"} if row.keys() >= {"accepted_at", "revoked_at"} else frozenset(),
    because=BOTH,
    no_update="compares a row before and after an update: tried on its own",
)

WAYS: dict[str, Ways] = {
    "CARD-4": by_shape(
        insert=invited,
        insert_many=invited_many,
        update=st.one_of(reopened_over, reopened_many, reopened),
        on_conflict=st.one_of(reopened_over, invited_unless),
        move=given_to_full_team,
        reasons=ONE_ROW,
    ),
    "STATE-INVITATION": {
        **besides(_BEGUN, update=st.one_of(moved_on, answered_at_once)),
        Path.MOVE: "its parents are no part of its state",
    },
}
