"""Races about users, teams and memberships."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.framecast.known_races.definition import AT_ONCE, RaceSetup, does, known_race
from conformance.framecast.operations import Act, Operation, jobs, memberships, teams, users

if TYPE_CHECKING:
    from conformance.framecast.model import State


def _delete_both(state: State, user: int, team: int) -> Act:
    first = users.DELETE.act(state, user=user)
    second = teams.DELETE.act(first.after, team=team)
    return Act((*first.writes, *second.writes), second.after, first.broken | second.broken)


DELETE_BOTH = Operation("delete a user and a team", {}, _delete_both)


@known_race("INV-T2", "INV-T1", "CARD-1", invariant="the team keeps an owner")
def two_owners_leave(setup: RaceSetup) -> None:
    """Both owners of a team leave at once."""
    _, _, seats = _owned_by_two(setup)
    setup.session("ann", does(memberships.LEAVE, membership=seats[0]))
    setup.session("bob", does(memberships.LEAVE, membership=seats[1]))


@known_race("INV-T2", "INV-T1", "CARD-1", invariant="the team keeps an owner")
def two_owners_step_down(setup: RaceSetup) -> None:
    """Both owners of a team become admins at once."""
    _, _, seats = _owned_by_two(setup)
    setup.session("ann", does(memberships.CHANGE_ROLE, membership=seats[0], role="admin"))
    setup.session("bob", does(memberships.CHANGE_ROLE, membership=seats[1], role="admin"))


@known_race("INV-T2", "INV-T1", "CARD-1", invariant="the team keeps an owner")
def two_owners_leave_asked_at_once(setup: RaceSetup) -> None:
    """Both leave, one of them with all rules asked after each statement."""
    _, _, seats = _owned_by_two(setup)
    setup.session("ann", does(AT_ONCE), does(memberships.LEAVE, membership=seats[0]))
    setup.session("bob", does(memberships.LEAVE, membership=seats[1]))


@known_race("INV-T2", "INV-T1", "CARD-1", invariant="the team keeps an owner")
def two_owners_step_down_asked_at_once(setup: RaceSetup) -> None:
    """Both become admins, one of them with all rules asked after each statement."""
    _, _, seats = _owned_by_two(setup)
    down = [does(memberships.CHANGE_ROLE, membership=seat, role="admin") for seat in seats]
    setup.session("ann", does(AT_ONCE), down[0])
    setup.session("bob", down[1])


@known_race("INV-T2", "INV-T1", "CARD-1", invariant="the team keeps an owner")
def owner_steps_down_while_the_other_is_deleted(setup: RaceSetup) -> None:
    """One owner becomes an admin while the other's account is deleted."""
    bob, _, seats = _owned_by_two(setup)
    setup.session("ann", does(memberships.CHANGE_ROLE, membership=seats[0], role="admin"))
    setup.session("support", does(users.DELETE, user=bob))


@known_race("INV-T2", "CARD-1", invariant="the team keeps an owner")
def two_owners_hand_over_to_each_other(setup: RaceSetup) -> None:
    """Both owners of a team step down and name the other, at once."""
    _, _, seats = _owned_by_two(setup)
    one, another = seats
    for who, mine, other in (("ann", one, another), ("bob", another, one)):
        setup.session(
            who,
            does(memberships.CHANGE_ROLE, membership=other, role="owner"),
            does(memberships.CHANGE_ROLE, membership=mine, role="admin"),
        )


@known_race("INV-U2", invariant="a creator keeps a team")
def two_last_teams_are_left(setup: RaceSetup) -> None:
    """A creator leaves the only two teams at once."""
    seats = _member_of_two(setup)
    setup.session("one device", does(memberships.LEAVE, membership=seats[0]))
    setup.session("another", does(memberships.LEAVE, membership=seats[1]))


@known_race("INV-U2", invariant="a creator keeps a team")
def two_last_teams_are_left_asked_at_once(setup: RaceSetup) -> None:
    """The same, on one device with all rules asked after each statement."""
    seats = _member_of_two(setup)
    setup.session("one device", does(AT_ONCE), does(memberships.LEAVE, membership=seats[0]))
    setup.session("another", does(memberships.LEAVE, membership=seats[1]))


@known_race("INV-U2", invariant="a creator keeps a team")
def last_team_goes_while_the_other_is_left(setup: RaceSetup) -> None:
    """A creator leaves one of two teams while the other is deleted."""
    seats = _member_of_two(setup)
    team = setup.given.state.memberships[seats[1]].team
    setup.session("member", does(memberships.LEAVE, membership=seats[0]))
    setup.session("owner", does(teams.DELETE, team=team))


@known_race("INV-U2", invariant="a creator keeps a team")
def two_last_teams_are_deleted(setup: RaceSetup) -> None:
    """The only two teams of a creator are deleted at once."""
    seats = _member_of_two(setup)
    for who, seat in (("ann", seats[0]), ("bob", seats[1])):
        setup.session(who, does(teams.DELETE, team=setup.given.state.memberships[seat].team))


@known_race("INV-U3", "INV-M4", invariant="only creators are in teams")
def joins_while_upgraded(setup: RaceSetup) -> None:
    """A starter is added to a team while becoming a creator."""
    _, team = setup.given.creator()
    starter = setup.given.do(users.SIGN_UP, email="eve@example.com")
    setup.session("eve", does(users.UPGRADE, user=starter, stamp=True, team=True))
    setup.session("ann", does(memberships.JOIN, by=(starter, team), role="member"))


@known_race("INV-M3", invariant="a user is in a team at most once")
def two_seats_for_one(setup: RaceSetup) -> None:
    """A user is added to one team twice at once."""
    _, team = setup.given.creator()
    bob, _ = setup.given.creator("bob@example.com")
    for who, role in (("ann", "member"), ("bob", "viewer")):
        setup.session(who, does(memberships.JOIN, by=(bob, team), role=role))


@known_race("INV-M6", invariant="a membership's team exists")
def joins_a_team_that_goes(setup: RaceSetup) -> None:
    """A user joins a team that is being deleted."""
    _, team, _ = _owned_by_two(setup)
    cid, _ = setup.given.creator("cid@example.com")
    setup.session("cid", does(memberships.JOIN, by=(cid, team), role="member"))
    setup.session("ann", does(teams.DELETE, team=team))


@known_race("INV-M5", invariant="a membership's user exists")
def joins_while_deleted(setup: RaceSetup) -> None:
    """A user's account is deleted while being added to a team."""
    _, team = setup.given.creator()
    eve, _ = setup.given.creator("eve@example.com")
    other = setup.given.creator("cid@example.com")[0]
    setup.given.do(memberships.JOIN, by=(other, eve + 1), role="owner")
    setup.session("ann", does(memberships.JOIN, by=(eve, team), role="member"))
    setup.session("support", does(users.DELETE, user=eve))


@known_race("LOCK ORDER", "INV-U3", invariant="whoever waits for the same waits in the same order")
def upgraded_while_a_team_goes(setup: RaceSetup) -> None:
    """Billing upgrades a creator again, with a new team, while an old team is deleted."""
    ann, team = setup.given.creator()
    _other_team(setup, ann)
    setup.session("billing", does(users.UPGRADE, user=ann, stamp=True, team=True))
    setup.session("support", does(teams.DELETE, team=team))


@known_race(
    "LOCK ORDER", "INV-M5", "INV-M6", invariant="whoever waits for the same waits in the same order"
)
def member_deleted_while_the_team_goes(setup: RaceSetup) -> None:
    """A member's account is deleted while the team is."""
    bob, team, _ = _owned_by_two(setup)
    setup.session("bob", does(users.DELETE, user=bob))
    setup.session("ann", does(teams.DELETE, team=team))


# Who goes takes their own guards along. One that is made anew holds its user or team at commit.
@known_race(
    "LOCK ORDER", "INV-M5", "INV-M6", invariant="whoever waits for the same waits in the same order"
)
def member_and_team_go_after_others(setup: RaceSetup) -> None:
    """The same, while others go: another user, and a team in which somebody else was too."""
    bob, team, _ = _owned_by_two(setup)
    dan, other = setup.given.creator("dan@example.com")
    cid, _ = setup.given.creator("cid@example.com")
    setup.given.do(memberships.JOIN, by=(cid, other), role="member")
    setup.session("support", does(DELETE_BOTH, user=dan, team=other))
    setup.session("bob", does(users.DELETE, user=bob))
    setup.session("ann", does(teams.DELETE, team=team))


@known_race(
    "LOCK ORDER", "INV-M5", "INV-M6", invariant="whoever waits for the same waits in the same order"
)
def joins_while_both_go_behind_a_third(setup: RaceSetup) -> None:
    """A user joins a team while both are deleted, which waits for a change of the user's role."""
    bob, _, seats = _owned_by_two(setup)
    cid, other = setup.given.creator("cid@example.com")
    _other_team(setup, cid)
    setup.session("ann", does(memberships.JOIN, by=(bob, other), role="member"))
    setup.session("support", does(DELETE_BOTH, user=bob, team=other))
    setup.session("eve", does(memberships.CHANGE_ROLE, membership=seats[1], role="admin"))


@known_race("LOCK ORDER", "INV-T2", invariant="whoever waits for the same waits in the same order")
def two_roles_change_while_deleted(setup: RaceSetup) -> None:
    """An owner of two teams is deleted while both teams give that owner another role."""
    bob, _, seats = _owned_by_two(setup)
    _, other = setup.given.creator("cid@example.com")
    seat = setup.given.do(memberships.JOIN, by=(bob, other), role="owner")
    setup.session("ann", does(memberships.CHANGE_ROLE, membership=seats[1], role="admin"))
    setup.session("support", does(users.DELETE, user=bob))
    setup.session("cid", does(memberships.CHANGE_ROLE, membership=seat, role="admin"))


@known_race("LOCK ORDER", "INV-M6", invariant="whoever waits for the same waits in the same order")
def left_while_the_team_goes(setup: RaceSetup) -> None:
    """A member leaves a team while it is deleted."""
    _, team, seats = _owned_by_two(setup)
    setup.session("bob", does(memberships.LEAVE, membership=seats[1]))
    setup.session("ann", does(teams.DELETE, team=team))


@known_race("LOCK ORDER", "INV-I8", invariant="whoever waits for the same waits in the same order")
def email_taken_while_the_team_goes(setup: RaceSetup) -> None:
    """A member takes another email while the team is deleted, which waits for another member."""
    bob, team, seats = _owned_by_two(setup)
    ann = setup.given.state.memberships[seats[0]].user
    setup.session("ann", does(teams.FOUND, user=ann, slug="given", owned=True))
    setup.session("support", does(teams.DELETE, team=team))
    setup.session("bob", does(users.CHANGE_EMAIL, user=bob, email="bob@example.org"))


@known_race("LOCK ORDER", "INV-T2", invariant="whoever waits for the same waits in the same order")
def two_owners_go_behind_a_third(setup: RaceSetup) -> None:
    """Two owners of two teams are deleted, who joined them in other orders, behind a third."""
    cid, one = setup.given.creator("cid@example.com")
    two = _team_of(setup, [cid])
    for who, owned in (("ann", (one, two)), ("bob", (two, one))):
        user = setup.given.do(users.SIGN_UP, email=f"{who}@example.com")
        setup.given.do(users.UPGRADE, user=user, stamp=True, team=False)
        for team in owned:
            setup.given.do(memberships.JOIN, by=(user, team), role="owner")
        setup.session(who, does(users.DELETE, user=user))
    setup.session(
        "worker",
        does(jobs.MAKE, by=(cid, one, None), project=None, charge=0, key=None, status="queued"),
    )


# Many, since few ids may be in order by chance. Sorted, those that both lists have are in one order
# in both; hashed, as DISTINCT does, in as many places as a list of that length takes, they are not.
@known_race("LOCK ORDER", "INV-U2", invariant="whoever waits for the same waits in the same order")
def two_big_teams_go_behind_a_third(setup: RaceSetup) -> None:
    """Teams of 20 and of 8 members are deleted while both wait for somebody who is in both."""
    everybody = [setup.given.creator(f"user{number}@example.com")[0] for number in range(20)]
    big, small = [_team_of(setup, everybody), _team_of(setup, everybody[:8])]
    setup.session("member", does(teams.FOUND, user=everybody[2], slug="given", owned=True))
    setup.session("ann", does(teams.DELETE, team=big))
    setup.session("bob", does(teams.DELETE, team=small))


def _team_of(setup: RaceSetup, members: list[int]) -> int:
    """Make a team of these members, the first of them its owner."""
    team = setup.given.do(teams.FOUND, user=members[0], slug="given", owned=True) - 1
    for user in members[1:]:
        setup.given.do(memberships.JOIN, by=(user, team), role="member")
    return team


def _owned_by_two(setup: RaceSetup) -> tuple[int, int, tuple[int, int]]:
    """Make a team with two owners, who are in other teams too; return bob, team and seats."""
    ann, team = setup.given.creator()
    _other_team(setup, ann)
    bob = setup.given.do(users.SIGN_UP, email="bob@example.com")
    setup.given.do(users.UPGRADE, user=bob, stamp=True, team=False)
    _other_team(setup, bob)
    second = setup.given.do(memberships.JOIN, by=(bob, team), role="owner")
    return bob, team, (team + 1, second)


def _other_team(setup: RaceSetup, user: int) -> None:
    """Let a user be in another team, which somebody else owns."""
    _, other = setup.given.creator("eve@example.com")
    setup.given.do(memberships.JOIN, by=(user, other), role="member")


def _member_of_two(setup: RaceSetup) -> tuple[int, int]:
    """Make a creator who is in two teams of others; return the seats."""
    others = [setup.given.creator(f"{name}@example.com")[1] for name in ("ann", "bob")]
    for owner in (others[0] - 1, others[1] - 1):
        _other_team(setup, owner)
    cid, own = setup.given.creator("cid@example.com")
    seats = [setup.given.do(memberships.JOIN, by=(cid, team), role="member") for team in others]
    setup.given.do(memberships.LEAVE, membership=own + 1)
    setup.given.do(teams.DELETE, team=own)
    return seats[0], seats[1]


KNOWN_RACES = (
    two_owners_leave,
    two_owners_leave_asked_at_once,
    two_owners_step_down,
    two_owners_step_down_asked_at_once,
    owner_steps_down_while_the_other_is_deleted,
    two_owners_hand_over_to_each_other,
    two_last_teams_are_left,
    two_last_teams_are_left_asked_at_once,
    last_team_goes_while_the_other_is_left,
    two_last_teams_are_deleted,
    joins_while_upgraded,
    two_seats_for_one,
    joins_a_team_that_goes,
    joins_while_deleted,
    upgraded_while_a_team_goes,
    member_deleted_while_the_team_goes,
    member_and_team_go_after_others,
    joins_while_both_go_behind_a_third,
    two_roles_change_while_deleted,
    left_while_the_team_goes,
    email_taken_while_the_team_goes,
    two_owners_go_behind_a_third,
    two_big_teams_go_behind_a_third,
)
