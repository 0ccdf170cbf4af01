"""Races about users, teams and memberships."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.framecast.known_races.scene import AT_ONCE, Scene, classic, does
from conformance.framecast.operations import Act, Operation, jobs, memberships, teams, users

if TYPE_CHECKING:
    from conformance.framecast.model import State


def _delete_both(state: State, user: int, team: int) -> Act:
    first = users.DELETE.act(state, user=user)
    second = teams.DELETE.act(first.after, team=team)
    return Act((*first.writes, *second.writes), second.after, first.broken | second.broken)


DELETE_BOTH = Operation("delete a user and a team", {}, _delete_both)


@classic("INV-T2", "INV-T1", "CARD-1", law="the team keeps an owner")
def two_owners_leave(scene: Scene) -> None:
    """Both owners of a team leave at once."""
    _, _, seats = _owned_by_two(scene)
    scene.session("ann", does(memberships.LEAVE, membership=seats[0]))
    scene.session("bob", does(memberships.LEAVE, membership=seats[1]))


@classic("INV-T2", "INV-T1", "CARD-1", law="the team keeps an owner")
def two_owners_step_down(scene: Scene) -> None:
    """Both owners of a team become admins at once."""
    _, _, seats = _owned_by_two(scene)
    scene.session("ann", does(memberships.CHANGE_ROLE, membership=seats[0], role="admin"))
    scene.session("bob", does(memberships.CHANGE_ROLE, membership=seats[1], role="admin"))


@classic("INV-T2", "INV-T1", "CARD-1", law="the team keeps an owner")
def two_owners_leave_asked_at_once(scene: Scene) -> None:
    """Both leave, one of them with all rules asked after each statement."""
    _, _, seats = _owned_by_two(scene)
    scene.session("ann", does(AT_ONCE), does(memberships.LEAVE, membership=seats[0]))
    scene.session("bob", does(memberships.LEAVE, membership=seats[1]))


@classic("INV-T2", "INV-T1", "CARD-1", law="the team keeps an owner")
def two_owners_step_down_asked_at_once(scene: Scene) -> None:
    """Both become admins, one of them with all rules asked after each statement."""
    _, _, seats = _owned_by_two(scene)
    down = [does(memberships.CHANGE_ROLE, membership=seat, role="admin") for seat in seats]
    scene.session("ann", does(AT_ONCE), down[0])
    scene.session("bob", down[1])


@classic("INV-T2", "INV-T1", "CARD-1", law="the team keeps an owner")
def owner_steps_down_while_the_other_is_deleted(scene: Scene) -> None:
    """One owner becomes an admin while the other's account is deleted."""
    bob, _, seats = _owned_by_two(scene)
    scene.session("ann", does(memberships.CHANGE_ROLE, membership=seats[0], role="admin"))
    scene.session("support", does(users.DELETE, user=bob))


@classic("INV-T2", "CARD-1", law="the team keeps an owner")
def two_owners_hand_over_to_each_other(scene: Scene) -> None:
    """Both owners of a team step down and name the other, at once."""
    _, _, seats = _owned_by_two(scene)
    one, another = seats
    for who, mine, other in (("ann", one, another), ("bob", another, one)):
        scene.session(
            who,
            does(memberships.CHANGE_ROLE, membership=other, role="owner"),
            does(memberships.CHANGE_ROLE, membership=mine, role="admin"),
        )


@classic("INV-U2", law="a creator keeps a team")
def two_last_teams_are_left(scene: Scene) -> None:
    """A creator leaves the only two teams at once."""
    seats = _member_of_two(scene)
    scene.session("one device", does(memberships.LEAVE, membership=seats[0]))
    scene.session("another", does(memberships.LEAVE, membership=seats[1]))


@classic("INV-U2", law="a creator keeps a team")
def two_last_teams_are_left_asked_at_once(scene: Scene) -> None:
    """The same, on one device with all rules asked after each statement."""
    seats = _member_of_two(scene)
    scene.session("one device", does(AT_ONCE), does(memberships.LEAVE, membership=seats[0]))
    scene.session("another", does(memberships.LEAVE, membership=seats[1]))


@classic("INV-U2", law="a creator keeps a team")
def last_team_goes_while_the_other_is_left(scene: Scene) -> None:
    """A creator leaves one of two teams while the other is deleted."""
    seats = _member_of_two(scene)
    team = scene.given.state.memberships[seats[1]].team
    scene.session("member", does(memberships.LEAVE, membership=seats[0]))
    scene.session("owner", does(teams.DELETE, team=team))


@classic("INV-U2", law="a creator keeps a team")
def two_last_teams_are_deleted(scene: Scene) -> None:
    """The only two teams of a creator are deleted at once."""
    seats = _member_of_two(scene)
    for who, seat in (("ann", seats[0]), ("bob", seats[1])):
        scene.session(who, does(teams.DELETE, team=scene.given.state.memberships[seat].team))


@classic("INV-T7", "CARD-2", law="a user owns at most 10 teams")
def two_founded_at_nine(scene: Scene) -> None:
    """Somebody who owns nine teams founds two more at once."""
    user = _owner_of(scene, 9)
    for who in ("one device", "another"):
        scene.session(who, does(teams.FOUND, user=user, slug="given", owned=True))


@classic("INV-T7", "CARD-2", law="a user owns at most 10 teams")
def founded_while_promoted_at_nine(scene: Scene) -> None:
    """Somebody who owns nine teams founds one while made an owner of another, an admin before."""
    user = _owner_of(scene, 9)
    _, team = scene.given.creator("bob@example.com")
    seat = scene.given.do(memberships.JOIN, by=(user, team), role="admin")
    scene.session("ann", does(teams.FOUND, user=user, slug="given", owned=True))
    scene.session("bob", does(memberships.CHANGE_ROLE, membership=seat, role="owner"))


@classic("INV-T8", "CARD-3", law="a user belongs to at most 50 teams")
def two_joined_at_forty_nine(scene: Scene) -> None:
    """Somebody who is in 49 teams joins two more at once."""
    given = scene.given
    owners = [given.creator("bob@example.com")[0] for _ in range(6)]
    for owner in owners[:5]:
        for _ in range(9):
            given.do(teams.FOUND, user=owner, slug="given", owned=True)
    user, own = given.creator()
    others = [team for team in given.state.teams if team != own]
    for team in others[:48]:
        given.do(memberships.JOIN, by=(user, team), role="viewer")
    for who, team in zip(("ann", "bob"), others[48:50], strict=True):
        scene.session(who, does(memberships.JOIN, by=(user, team), role="viewer"))


@classic("INV-U3", "INV-M4", law="only creators are in teams")
def joins_while_upgraded(scene: Scene) -> None:
    """A starter is added to a team while becoming a creator."""
    _, team = scene.given.creator()
    starter = scene.given.do(users.SIGN_UP, email="eve@example.com")
    scene.session("eve", does(users.UPGRADE, user=starter, stamp=True, team=True))
    scene.session("ann", does(memberships.JOIN, by=(starter, team), role="member"))


@classic("INV-M3", law="a user is in a team at most once")
def two_seats_for_one(scene: Scene) -> None:
    """Somebody is added to one team twice at once."""
    _, team = scene.given.creator()
    bob, _ = scene.given.creator("bob@example.com")
    for who, role in (("ann", "member"), ("bob", "viewer")):
        scene.session(who, does(memberships.JOIN, by=(bob, team), role=role))


@classic("INV-M6", law="a membership's team exists")
def joins_a_team_that_goes(scene: Scene) -> None:
    """Somebody joins a team that is being deleted."""
    _, team, _ = _owned_by_two(scene)
    cid, _ = scene.given.creator("cid@example.com")
    scene.session("cid", does(memberships.JOIN, by=(cid, team), role="member"))
    scene.session("ann", does(teams.DELETE, team=team))


@classic("INV-M5", law="a membership's user exists")
def joins_while_deleted(scene: Scene) -> None:
    """Somebody's account is deleted while being added to a team."""
    _, team = scene.given.creator()
    eve, _ = scene.given.creator("eve@example.com")
    other = scene.given.creator("cid@example.com")[0]
    scene.given.do(memberships.JOIN, by=(other, eve + 1), role="owner")
    scene.session("ann", does(memberships.JOIN, by=(eve, team), role="member"))
    scene.session("support", does(users.DELETE, user=eve))


@classic("LOCK ORDER", "INV-U3", law="whoever waits for the same waits in the same order")
def upgraded_while_a_team_goes(scene: Scene) -> None:
    """Billing upgrades a creator again, with a new team, while an old team is deleted."""
    ann, team = scene.given.creator()
    _other_team(scene, ann)
    scene.session("billing", does(users.UPGRADE, user=ann, stamp=True, team=True))
    scene.session("support", does(teams.DELETE, team=team))


@classic("LOCK ORDER", "INV-M5", "INV-M6", law="whoever waits for the same waits in the same order")
def member_deleted_while_the_team_goes(scene: Scene) -> None:
    """A member's account is deleted while the team is."""
    bob, team, _ = _owned_by_two(scene)
    scene.session("bob", does(users.DELETE, user=bob))
    scene.session("ann", does(teams.DELETE, team=team))


# Who goes takes their own guards along. One that is made anew holds its user or team at commit.
@classic("LOCK ORDER", "INV-M5", "INV-M6", law="whoever waits for the same waits in the same order")
def member_and_team_go_after_others(scene: Scene) -> None:
    """The same, while others go: another user, and a team in which somebody else was too."""
    bob, team, _ = _owned_by_two(scene)
    dan, other = scene.given.creator("dan@example.com")
    cid, _ = scene.given.creator("cid@example.com")
    scene.given.do(memberships.JOIN, by=(cid, other), role="member")
    scene.session("support", does(DELETE_BOTH, user=dan, team=other))
    scene.session("bob", does(users.DELETE, user=bob))
    scene.session("ann", does(teams.DELETE, team=team))


@classic("LOCK ORDER", "INV-M5", "INV-M6", law="whoever waits for the same waits in the same order")
def joins_while_both_go_behind_a_third(scene: Scene) -> None:
    """A user joins a team while both are deleted, which waits for a change of the user's role."""
    bob, _, seats = _owned_by_two(scene)
    cid, other = scene.given.creator("cid@example.com")
    _other_team(scene, cid)
    scene.session("ann", does(memberships.JOIN, by=(bob, other), role="member"))
    scene.session("support", does(DELETE_BOTH, user=bob, team=other))
    scene.session("eve", does(memberships.CHANGE_ROLE, membership=seats[1], role="admin"))


@classic("LOCK ORDER", "INV-T2", law="whoever waits for the same waits in the same order")
def two_roles_change_while_deleted(scene: Scene) -> None:
    """An owner of two teams is deleted while both teams give that owner another role."""
    bob, _, seats = _owned_by_two(scene)
    _, other = scene.given.creator("cid@example.com")
    seat = scene.given.do(memberships.JOIN, by=(bob, other), role="owner")
    scene.session("ann", does(memberships.CHANGE_ROLE, membership=seats[1], role="admin"))
    scene.session("support", does(users.DELETE, user=bob))
    scene.session("cid", does(memberships.CHANGE_ROLE, membership=seat, role="admin"))


@classic("LOCK ORDER", "INV-M6", law="whoever waits for the same waits in the same order")
def left_while_the_team_goes(scene: Scene) -> None:
    """A member leaves a team while it is deleted."""
    _, team, seats = _owned_by_two(scene)
    scene.session("bob", does(memberships.LEAVE, membership=seats[1]))
    scene.session("ann", does(teams.DELETE, team=team))


@classic("LOCK ORDER", "INV-I8", law="whoever waits for the same waits in the same order")
def email_taken_while_the_team_goes(scene: Scene) -> None:
    """A member takes another email while the team is deleted, which waits for another member."""
    bob, team, seats = _owned_by_two(scene)
    ann = scene.given.state.memberships[seats[0]].user
    scene.session("ann", does(teams.FOUND, user=ann, slug="given", owned=True))
    scene.session("support", does(teams.DELETE, team=team))
    scene.session("bob", does(users.CHANGE_EMAIL, user=bob, email="bob@example.org"))


@classic("LOCK ORDER", "INV-T2", law="whoever waits for the same waits in the same order")
def two_owners_go_behind_a_third(scene: Scene) -> None:
    """Two owners of two teams are deleted, who joined them in other orders, behind a third."""
    cid, one = scene.given.creator("cid@example.com")
    two = _team_of(scene, [cid])
    for who, owned in (("ann", (one, two)), ("bob", (two, one))):
        user = scene.given.do(users.SIGN_UP, email=f"{who}@example.com")
        scene.given.do(users.UPGRADE, user=user, stamp=True, team=False)
        for team in owned:
            scene.given.do(memberships.JOIN, by=(user, team), role="owner")
        scene.session(who, does(users.DELETE, user=user))
    scene.session(
        "worker",
        does(jobs.MAKE, by=(cid, one, None), project=None, charge=0, key=None, status="queued"),
    )


# Many, since few ids may be in order by chance. Sorted, those that both lists have are in one order
# in both; hashed, as DISTINCT does, in as many places as a list of that length takes, they are not.
@classic("LOCK ORDER", "INV-U2", law="whoever waits for the same waits in the same order")
def two_big_teams_go_behind_a_third(scene: Scene) -> None:
    """Teams of 20 and of 8 members are deleted while both wait for somebody who is in both."""
    everybody = [scene.given.creator(f"user{number}@example.com")[0] for number in range(20)]
    big, small = [_team_of(scene, everybody), _team_of(scene, everybody[:8])]
    scene.session("member", does(teams.FOUND, user=everybody[2], slug="given", owned=True))
    scene.session("ann", does(teams.DELETE, team=big))
    scene.session("bob", does(teams.DELETE, team=small))


def _team_of(scene: Scene, members: list[int]) -> int:
    """Make a team of these members, the first of them its owner."""
    team = scene.given.do(teams.FOUND, user=members[0], slug="given", owned=True) - 1
    for user in members[1:]:
        scene.given.do(memberships.JOIN, by=(user, team), role="member")
    return team


def _owned_by_two(scene: Scene) -> tuple[int, int, tuple[int, int]]:
    """Make a team with two owners, who are in other teams too; return bob, team and seats."""
    ann, team = scene.given.creator()
    _other_team(scene, ann)
    bob = scene.given.do(users.SIGN_UP, email="bob@example.com")
    scene.given.do(users.UPGRADE, user=bob, stamp=True, team=False)
    _other_team(scene, bob)
    second = scene.given.do(memberships.JOIN, by=(bob, team), role="owner")
    return bob, team, (team + 1, second)


def _other_team(scene: Scene, user: int) -> None:
    """Let a user be in another team, which somebody else owns."""
    _, other = scene.given.creator("eve@example.com")
    scene.given.do(memberships.JOIN, by=(user, other), role="member")


def _member_of_two(scene: Scene) -> tuple[int, int]:
    """Make a creator who is in two teams of others; return the seats."""
    others = [scene.given.creator(f"{name}@example.com")[1] for name in ("ann", "bob")]
    for owner in (others[0] - 1, others[1] - 1):
        _other_team(scene, owner)
    cid, own = scene.given.creator("cid@example.com")
    seats = [scene.given.do(memberships.JOIN, by=(cid, team), role="member") for team in others]
    scene.given.do(memberships.LEAVE, membership=own + 1)
    scene.given.do(teams.DELETE, team=own)
    return seats[0], seats[1]


def _owner_of(scene: Scene, count: int) -> int:
    """Make somebody who owns so many teams."""
    user, _ = scene.given.creator()
    for _ in range(count - 1):
        scene.given.do(teams.FOUND, user=user, slug="given", owned=True)
    return user


CLASSICS = (
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
    two_founded_at_nine,
    founded_while_promoted_at_nine,
    two_joined_at_forty_nine,
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
