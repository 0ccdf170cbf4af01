"""Races about the team that an erased account is in, while somebody else joins it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.engine.sql.writes import Insert, RawSql
from conformance.framecast.known_races.definition import RaceSetup, does, known_race
from conformance.framecast.model.entities import Membership, Team, nobodys, stand_in, uuid
from conformance.framecast.operations import memberships, users
from conformance.framecast.operations.operation import Act, Operation
from strategies.near_misses.privacy import ASKED_AT_ONCE

if TYPE_CHECKING:
    from conformance.framecast.model import State

# Others that are asked with it hold the team before it does.
ALONE_AT_ONCE = Operation(
    "ask PRIVACY-1 alone at once",
    {},
    lambda state: Act((RawSql(ASKED_AT_ONCE),), state),
)


@known_race("PRIVACY-1", invariant="nobody is in a team with an erased account")
def joined_while_erased_by_hand(setup: RaceSetup) -> None:
    """Somebody joins the team of an account while it gets the address that erases it."""
    ann, team = stood_for(setup)
    bob, _ = setup.given.creator("bob@example.com")
    setup.session("bob", does(memberships.JOIN, by=(bob, team), role="member"))
    setup.session("support", does(users.CHANGE_EMAIL, user=ann, email=nobodys(ann)))


@known_race("PRIVACY-1", invariant="nobody is in a team with an erased account")
def joined_while_erased_by_hand_and_asked_at_once(setup: RaceSetup) -> None:
    """The same, and both sessions ask this rule alone at the end of each statement."""
    ann, team = stood_for(setup)
    bob, _ = setup.given.creator("bob@example.com")
    joins = does(memberships.JOIN, by=(bob, team), role="member")
    setup.session("bob", does(ALONE_AT_ONCE), joins)
    setup.session(
        "support", does(ALONE_AT_ONCE), does(users.CHANGE_EMAIL, user=ann, email=nobodys(ann))
    )


def _stand_in(state: State, user: int) -> Act:
    """Found the team that an erased account may be in, before the account is erased."""
    own = stand_in(user)
    key = uuid(own)
    return Act(
        (
            Insert("teams", ({"id": key, "name": "Mine", "slug": "mine"},)),
            Insert(
                "memberships",
                ({"id": key, "team_id": key, "user_id": uuid(user), "role": "owner"},),
            ),
        ),
        state.put(Team(own, "mine", name="Mine"), Membership(own, own, user, "owner")),
    )


def stood_for(setup: RaceSetup) -> tuple[int, int]:
    """Let Ann be alone in a team that an erased account may be in; return both."""
    ann = setup.given.state.serial + 1
    setup.given.do(users.SIGN_UP_AS_CREATOR, email="ann@example.com", team=False)
    setup.given.do(Operation("found the team that stands in", {}, _stand_in), user=ann)
    return ann, stand_in(ann)


KNOWN_RACES = (joined_while_erased_by_hand, joined_while_erased_by_hand_and_asked_at_once)
