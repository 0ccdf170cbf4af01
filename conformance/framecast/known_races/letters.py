"""Races about invitations."""

from __future__ import annotations

from conformance.framecast.known_races.scene import AT_ONCE, FIRST, Deed, Scene, classic, does
from conformance.framecast.operations import clock, jobs, memberships, teams, users

GUEST = "guest@example.com"


@classic("CARD-4", law="a team has at most 50 open invitations")
def two_sent_at_forty_nine(scene: Scene) -> None:
    """A team that has sent 49 invitations sends two more at once."""
    ann, team = scene.given.creator()
    for number in range(49):
        _invite(scene, (ann, team), f"guest{number}@example.com")
    for who, guest in (("one device", "cid@example.com"), ("another", "dan@example.com")):
        scene.session(who, _invites((ann, team), guest))


@classic("CARD-4", law="a team has at most 50 open invitations")
def sent_while_resent_at_fifty(scene: Scene) -> None:
    """A team with 50 open invitations resends one while it sends another."""
    ann, team = scene.given.creator()
    for number in range(49):
        _invite(scene, (ann, team), f"guest{number}@example.com")
    last = _invite(scene, (ann, team), GUEST)
    scene.session("one device", does(memberships.RESEND, invitation=last))
    scene.session("another", _invites((ann, team), "dan@example.com"))


@classic("CARD-4", law="a team has at most 50 open invitations")
def two_extended_at_forty_nine(scene: Scene) -> None:
    """Two owners of a team with 49 open invitations extend one each that has expired, at once."""
    ann, team = scene.given.creator()
    bob, _ = scene.given.creator("bob@example.com")
    scene.given.do(memberships.JOIN, by=(bob, team), role="owner")
    expired = [_invite(scene, (each, team), f"late{each}@example.com") for each in (ann, bob)]
    scene.given.do(clock.PASS, days=7)
    for number in range(49):
        _invite(scene, (ann, team), f"guest{number}@example.com")
    for who, letter in zip(("ann", "bob"), expired, strict=True):
        scene.session(who, does(memberships.EXTEND, invitation=letter))


@classic("INV-I8", law="nobody is invited who is in the team")
def invited_while_joining(scene: Scene) -> None:
    """Somebody is invited to a team while being added to it."""
    ann, team = scene.given.creator()
    bob, _ = scene.given.creator(GUEST)
    scene.session("ann", _invites((ann, team), GUEST))
    scene.session("bob", does(memberships.JOIN, by=(bob, team), role="member"))


@classic("INV-I8", law="nobody is invited who is in the team")
def invited_while_joining_asked_at_once(scene: Scene) -> None:
    """The same, and both have all rules asked after each statement."""
    ann, team = scene.given.creator()
    bob, _ = scene.given.creator(GUEST)
    scene.session("ann", does(AT_ONCE), _invites((ann, team), GUEST))
    scene.session("bob", does(AT_ONCE), does(memberships.JOIN, by=(bob, team), role="member"))


@classic("INV-I8", law="nobody is invited who is in the team")
def invited_while_taking_the_email(scene: Scene) -> None:
    """A member changes to an email that the team is just inviting."""
    ann, team = scene.given.creator()
    bob, _ = scene.given.creator("bob@example.com")
    scene.given.do(memberships.JOIN, by=(bob, team), role="member")
    scene.session("ann", _invites((ann, team), GUEST))
    scene.session("bob", does(users.CHANGE_EMAIL, user=bob, email=GUEST))


@classic("INV-I8", law="nobody is invited who is in the team")
def joins_while_taking_an_invited_email(scene: Scene) -> None:
    """Somebody joins a team, and takes an email that it has invited."""
    ann, team = scene.given.creator()
    _invite(scene, (ann, team), GUEST)
    bob, _ = scene.given.creator("bob@example.com")
    scene.session("ann", does(memberships.JOIN, by=(bob, team), role="member"))
    scene.session("bob", does(users.CHANGE_EMAIL, user=bob, email=GUEST))


@classic("INV-I7", law="nobody invites their own email")
def invites_an_email_while_taking_it(scene: Scene) -> None:
    """Somebody invites an address while changing to it."""
    ann, team = scene.given.creator()
    scene.session("one device", _invites((ann, team), GUEST))
    scene.session("another", does(users.CHANGE_EMAIL, user=ann, email=GUEST))


@classic("INV-I7", law="nobody invites their own email")
def invites_and_revokes_while_taking_it(scene: Scene) -> None:
    """The same, and the invitation is revoked at once: then nothing else refuses it."""
    ann, team = scene.given.creator()
    revoke = does(memberships.REVOKE, invitation=FIRST)
    scene.session("one device", _invites((ann, team), GUEST), revoke)
    scene.session("another", does(users.CHANGE_EMAIL, user=ann, email=GUEST))


@classic("INV-M6", law="nobody holds on to the team of somebody else")
def email_taken_while_another_team_goes(scene: Scene) -> None:
    """Somebody takes another email while a team is deleted in which only others are."""
    ann, _ = scene.given.creator()
    bob, team = scene.given.creator("bob@example.com")
    _, other = scene.given.creator("cid@example.com")
    scene.given.do(memberships.JOIN, by=(bob, other), role="member")
    scene.session("ann", does(users.CHANGE_EMAIL, user=ann, email="ann@example.org"))
    scene.session("bob", does(teams.DELETE, team=team))


@classic("STATE-INVITATION", "INV-I3", "INV-I4", law="an invitation is answered once")
def accepted_while_revoked(scene: Scene) -> None:
    """An invitation is accepted while it is revoked."""
    ann, team = scene.given.creator()
    scene.given.creator(GUEST)
    letter = _invite(scene, (ann, team), GUEST)
    scene.session("guest", does(memberships.ACCEPT, invitation=letter, guest="joins"))
    scene.session("ann", does(memberships.REVOKE, invitation=letter))


@classic("STATE-INVITATION", "INV-M3", law="an invitation is answered once")
def accepted_twice(scene: Scene) -> None:
    """An invitation is accepted on two devices at once."""
    ann, team = scene.given.creator()
    scene.given.creator(GUEST)
    letter = _invite(scene, (ann, team), GUEST)
    for who, order in (("one device", "joins"), ("another", "joins first")):
        scene.session(who, does(memberships.ACCEPT, invitation=letter, guest=order))


@classic("INV-I5", law="an invitation's team exists")
def invited_to_a_team_that_goes(scene: Scene) -> None:
    """Somebody is invited to a team that is being deleted."""
    ann, team = scene.given.creator()
    _, other = scene.given.creator("bob@example.com")
    scene.given.do(memberships.JOIN, by=(ann, other), role="member")
    scene.session("ann", _invites((ann, team), GUEST))
    scene.session("support", does(teams.DELETE, team=team))


@classic("LOCK ORDER", "INV-I5", law="whoever waits for the same waits in the same order")
def extended_while_the_team_goes(scene: Scene) -> None:
    """An invitation is extended while the team is deleted, which waits for another of its own."""
    ann, team = scene.given.creator()
    _, other = scene.given.creator("bob@example.com")
    scene.given.do(memberships.JOIN, by=(ann, other), role="member")
    first, second = (_invite(scene, (ann, team), email) for email in (GUEST, "dan@example.com"))
    scene.session("guest", does(memberships.REVOKE, invitation=first))
    scene.session("support", does(teams.DELETE, team=team))
    scene.session("ann", does(memberships.EXTEND, invitation=second))


@classic("INV-I6", law="an invitation's inviter exists")
def invites_while_deleted(scene: Scene) -> None:
    """Somebody invites while the account is being deleted."""
    _, team = scene.given.creator()
    bob = scene.given.do(users.SIGN_UP, email="bob@example.com")
    scene.given.do(users.UPGRADE, user=bob, stamp=True, team=False)
    scene.given.do(memberships.JOIN, by=(bob, team), role="admin")
    scene.session("bob", _invites((bob, team), GUEST))
    scene.session("support", does(users.DELETE, user=bob))


@classic("ROLE-1", law="only owners and admins invite")
def invites_while_demoted(scene: Scene) -> None:
    """An admin invites while being made a viewer."""
    _, team = scene.given.creator()
    bob, _ = scene.given.creator("bob@example.com")
    seat = scene.given.do(memberships.JOIN, by=(bob, team), role="admin")
    scene.session("bob", _invites((bob, team), GUEST))
    scene.session("ann", does(memberships.CHANGE_ROLE, membership=seat, role="viewer"))


@classic("LOCK ORDER", "ROLE-1", law="whoever waits for the same waits in the same order")
def invited_and_demoted_behind_a_third(scene: Scene) -> None:
    """An owner invites and is made an admin while both wait for a job of the team."""
    ann, team = scene.given.creator()
    bob, _ = scene.given.creator("bob@example.com")
    scene.given.do(memberships.JOIN, by=(bob, team), role="owner")
    scene.session("worker", _job((bob, team, None)))
    scene.session("ann", _invites((ann, team), GUEST))
    scene.session("bob", does(memberships.CHANGE_ROLE, membership=team + 1, role="admin"))


@classic("LOCK ORDER", "ROLE-1", law="whoever waits for the same waits in the same order", times=8)
def invited_and_demoted_behind_one_who_fails(scene: Scene) -> None:
    """The same, and whoever makes the job fails: then the first who waits goes on first."""
    ann, team = scene.given.creator()
    bob, _ = scene.given.creator("bob@example.com")
    scene.given.do(memberships.JOIN, by=(bob, team), role="owner")
    scene.session("worker", _job((bob, team, None)), _job((bob, team, None), "completed"))
    scene.session("ann", _invites((ann, team), GUEST))
    scene.session("bob", does(memberships.CHANGE_ROLE, membership=team + 1, role="admin"))


@classic("LOCK ORDER", "ROLE-1", law="whoever waits for the same waits in the same order")
def invited_and_left_behind_a_third(scene: Scene) -> None:
    """An owner invites and leaves while both wait for a job of the team."""
    ann, team = scene.given.creator()
    bob, other = scene.given.creator("bob@example.com")
    scene.given.do(memberships.JOIN, by=(bob, team), role="owner")
    scene.given.do(memberships.JOIN, by=(ann, other), role="member")
    scene.session("worker", _job((bob, team, None)))
    scene.session("ann", _invites((ann, team), GUEST))
    scene.session("bob", does(memberships.LEAVE, membership=team + 1))


# Many, since few ids may be in order by chance: see the teams of many members.
@classic("LOCK ORDER", "INV-I8", law="whoever waits for the same waits in the same order")
def two_of_many_teams_behind_a_third(scene: Scene) -> None:
    """Two who are in 20 and in 10 teams take other emails while both wait for a job of a team."""
    ann, bob = (scene.given.creator(f"{name}@example.com")[0] for name in ("ann", "bob"))
    for user in (ann, bob):
        for _ in range(9):
            scene.given.do(teams.FOUND, user=user, slug="given", owned=True)
    both = [seat.team for seat in scene.given.state.teams_of(bob)]
    for team in both:
        scene.given.do(memberships.JOIN, by=(ann, team), role="member")
    scene.session("worker", _job((bob, both[5], None)))
    for who, user in (("ann", ann), ("bob", bob)):
        scene.session(who, does(users.CHANGE_EMAIL, user=user, email=f"{who}@example.org"))


def _job(by: tuple[int, int, None], status: str = "queued") -> Deed:
    return does(jobs.MAKE, by=by, project=None, charge=0, key=None, status=status)


def _invites(by: tuple[int, int], email: str) -> Deed:
    return does(memberships.INVITE, by=by, email=email, role="member", answered="open")


def _invite(scene: Scene, by: tuple[int, int], email: str) -> int:
    return scene.given.do(memberships.INVITE, by=by, email=email, role="member", answered="open")


CLASSICS = (
    two_sent_at_forty_nine,
    sent_while_resent_at_fifty,
    two_extended_at_forty_nine,
    invited_while_joining,
    invited_while_joining_asked_at_once,
    invited_while_taking_the_email,
    joins_while_taking_an_invited_email,
    invites_an_email_while_taking_it,
    invites_and_revokes_while_taking_it,
    email_taken_while_another_team_goes,
    accepted_while_revoked,
    accepted_twice,
    invited_to_a_team_that_goes,
    extended_while_the_team_goes,
    invites_while_deleted,
    invites_while_demoted,
    invited_and_demoted_behind_a_third,
    invited_and_demoted_behind_one_who_fails,
    invited_and_left_behind_a_third,
    two_of_many_teams_behind_a_third,
)
