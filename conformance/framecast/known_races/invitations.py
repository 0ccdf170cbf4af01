"""Races about invitations."""

from __future__ import annotations

from conformance.framecast.known_races.definition import (
    AT_ONCE,
    FIRST,
    RaceSetup,
    RaceStep,
    does,
    known_race,
)
from conformance.framecast.operations import jobs, memberships, teams, users

GUEST = "guest@example.com"


@known_race("CARD-4", invariant="a team has at most 50 open invitations")
def sent_while_resent_at_fifty(setup: RaceSetup) -> None:
    """A team with 50 open invitations resends one while it sends another."""
    ann, team = setup.given.creator()
    for number in range(49):
        _invite(setup, (ann, team), f"guest{number}@example.com")
    last = _invite(setup, (ann, team), GUEST)
    setup.session("one device", does(memberships.RESEND, invitation=last))
    setup.session("another", _invites((ann, team), "dan@example.com"))


@known_race("INV-I8", invariant="nobody is invited who is in the team")
def invited_while_joining(setup: RaceSetup) -> None:
    """A user is invited to a team while being added to it."""
    ann, team = setup.given.creator()
    bob, _ = setup.given.creator(GUEST)
    setup.session("ann", _invites((ann, team), GUEST))
    setup.session("bob", does(memberships.JOIN, by=(bob, team), role="member"))


@known_race("INV-I8", invariant="nobody is invited who is in the team")
def invited_while_joining_asked_at_once(setup: RaceSetup) -> None:
    """The same, and both have all rules asked after each statement."""
    ann, team = setup.given.creator()
    bob, _ = setup.given.creator(GUEST)
    setup.session("ann", does(AT_ONCE), _invites((ann, team), GUEST))
    setup.session("bob", does(AT_ONCE), does(memberships.JOIN, by=(bob, team), role="member"))


@known_race("INV-I8", invariant="nobody is invited who is in the team")
def invited_while_taking_the_email(setup: RaceSetup) -> None:
    """A member changes to an email that the team is just inviting."""
    ann, team = setup.given.creator()
    bob, _ = setup.given.creator("bob@example.com")
    setup.given.do(memberships.JOIN, by=(bob, team), role="member")
    setup.session("ann", _invites((ann, team), GUEST))
    setup.session("bob", does(users.CHANGE_EMAIL, user=bob, email=GUEST))


@known_race("INV-I8", invariant="nobody is invited who is in the team")
def joins_while_taking_an_invited_email(setup: RaceSetup) -> None:
    """A user joins a team, and takes an email that it has invited."""
    ann, team = setup.given.creator()
    _invite(setup, (ann, team), GUEST)
    bob, _ = setup.given.creator("bob@example.com")
    setup.session("ann", does(memberships.JOIN, by=(bob, team), role="member"))
    setup.session("bob", does(users.CHANGE_EMAIL, user=bob, email=GUEST))


@known_race("INV-I8", invariant="nobody is invited who is in the team")
def joins_at_once_while_taking_an_invited_email(setup: RaceSetup) -> None:
    """The same, and whoever joins has all rules asked after each statement."""
    ann, team = setup.given.creator()
    _invite(setup, (ann, team), GUEST)
    bob, _ = setup.given.creator("bob@example.com")
    setup.session("ann", does(AT_ONCE), does(memberships.JOIN, by=(bob, team), role="member"))
    setup.session("bob", does(users.CHANGE_EMAIL, user=bob, email=GUEST))


@known_race("INV-I7", invariant="nobody invites their own email")
def invites_an_email_while_taking_it(setup: RaceSetup) -> None:
    """A user invites an address while changing to it."""
    ann, team = setup.given.creator()
    setup.session("one device", _invites((ann, team), GUEST))
    setup.session("another", does(users.CHANGE_EMAIL, user=ann, email=GUEST))


@known_race("INV-I7", invariant="nobody invites their own email")
def invites_and_revokes_while_taking_it(setup: RaceSetup) -> None:
    """The same, and the invitation is revoked at once: then nothing else refuses it."""
    ann, team = setup.given.creator()
    revoke = does(memberships.REVOKE, invitation=FIRST)
    setup.session("one device", _invites((ann, team), GUEST), revoke)
    setup.session("another", does(users.CHANGE_EMAIL, user=ann, email=GUEST))


@known_race("INV-M6", invariant="nobody holds on to the team of somebody else")
def email_taken_while_another_team_goes(setup: RaceSetup) -> None:
    """A user takes another email while a team is deleted in which only others are."""
    ann, _ = setup.given.creator()
    bob, team = setup.given.creator("bob@example.com")
    _, other = setup.given.creator("cid@example.com")
    setup.given.do(memberships.JOIN, by=(bob, other), role="member")
    setup.session("ann", does(users.CHANGE_EMAIL, user=ann, email="ann@example.org"))
    setup.session("bob", does(teams.DELETE, team=team))


@known_race("STATE-INVITATION", "INV-I3", "INV-I4", invariant="an invitation is answered once")
def accepted_while_revoked(setup: RaceSetup) -> None:
    """An invitation is accepted while it is revoked."""
    ann, team = setup.given.creator()
    setup.given.creator(GUEST)
    invitation = _invite(setup, (ann, team), GUEST)
    setup.session("guest", does(memberships.ACCEPT, invitation=invitation, guest="joins"))
    setup.session("ann", does(memberships.REVOKE, invitation=invitation))


@known_race("STATE-INVITATION", "INV-M3", invariant="an invitation is answered once")
def accepted_twice(setup: RaceSetup) -> None:
    """An invitation is accepted on two devices at once."""
    ann, team = setup.given.creator()
    setup.given.creator(GUEST)
    invitation = _invite(setup, (ann, team), GUEST)
    for who, order in (("one device", "joins"), ("another", "joins first")):
        setup.session(who, does(memberships.ACCEPT, invitation=invitation, guest=order))


@known_race("INV-I5", invariant="an invitation's team exists")
def invited_to_a_team_that_goes(setup: RaceSetup) -> None:
    """A user is invited to a team that is being deleted."""
    ann, team = setup.given.creator()
    _, other = setup.given.creator("bob@example.com")
    setup.given.do(memberships.JOIN, by=(ann, other), role="member")
    setup.session("ann", _invites((ann, team), GUEST))
    setup.session("support", does(teams.DELETE, team=team))


@known_race("LOCK ORDER", "INV-I5", invariant="whoever waits for the same waits in the same order")
def extended_while_the_team_goes(setup: RaceSetup) -> None:
    """An invitation is extended while the team is deleted, which waits for another of its own."""
    ann, team = setup.given.creator()
    _, other = setup.given.creator("bob@example.com")
    setup.given.do(memberships.JOIN, by=(ann, other), role="member")
    first, second = (_invite(setup, (ann, team), email) for email in (GUEST, "dan@example.com"))
    setup.session("guest", does(memberships.REVOKE, invitation=first))
    setup.session("support", does(teams.DELETE, team=team))
    setup.session("ann", does(memberships.EXTEND, invitation=second))


@known_race("INV-I6", invariant="an invitation's inviter exists")
def invites_while_deleted(setup: RaceSetup) -> None:
    """A user invites while the account is being deleted."""
    _, team = setup.given.creator()
    bob = setup.given.do(users.SIGN_UP, email="bob@example.com")
    setup.given.do(users.UPGRADE, user=bob, stamp=True, team=False)
    setup.given.do(memberships.JOIN, by=(bob, team), role="admin")
    setup.session("bob", _invites((bob, team), GUEST))
    setup.session("support", does(users.DELETE, user=bob))


@known_race("ROLE-1", invariant="only owners and admins invite")
def invites_while_demoted(setup: RaceSetup) -> None:
    """An admin invites while being made a viewer."""
    _, team = setup.given.creator()
    bob, _ = setup.given.creator("bob@example.com")
    seat = setup.given.do(memberships.JOIN, by=(bob, team), role="admin")
    setup.session("bob", _invites((bob, team), GUEST))
    setup.session("ann", does(memberships.CHANGE_ROLE, membership=seat, role="viewer"))


@known_race("LOCK ORDER", "ROLE-1", invariant="whoever waits for the same waits in the same order")
def invited_and_demoted_behind_a_third(setup: RaceSetup) -> None:
    """An owner invites and is made an admin while both wait for a job of the team."""
    ann, team = setup.given.creator()
    bob, _ = setup.given.creator("bob@example.com")
    setup.given.do(memberships.JOIN, by=(bob, team), role="owner")
    setup.session("worker", _job((bob, team, None)))
    setup.session("ann", _invites((ann, team), GUEST))
    setup.session("bob", does(memberships.CHANGE_ROLE, membership=team + 1, role="admin"))


@known_race(
    "LOCK ORDER", "ROLE-1", invariant="whoever waits for the same waits in the same order", times=8
)
def invited_and_demoted_behind_one_who_fails(setup: RaceSetup) -> None:
    """The same, and whoever makes the job fails: then the first who waits goes on first."""
    ann, team = setup.given.creator()
    bob, _ = setup.given.creator("bob@example.com")
    setup.given.do(memberships.JOIN, by=(bob, team), role="owner")
    setup.session("worker", _job((bob, team, None)), _job((bob, team, None), "completed"))
    setup.session("ann", _invites((ann, team), GUEST))
    setup.session("bob", does(memberships.CHANGE_ROLE, membership=team + 1, role="admin"))


@known_race("LOCK ORDER", "ROLE-1", invariant="whoever waits for the same waits in the same order")
def invited_and_left_behind_a_third(setup: RaceSetup) -> None:
    """An owner invites and leaves while both wait for a job of the team."""
    ann, team = setup.given.creator()
    bob, other = setup.given.creator("bob@example.com")
    setup.given.do(memberships.JOIN, by=(bob, team), role="owner")
    setup.given.do(memberships.JOIN, by=(ann, other), role="member")
    setup.session("worker", _job((bob, team, None)))
    setup.session("ann", _invites((ann, team), GUEST))
    setup.session("bob", does(memberships.LEAVE, membership=team + 1))


# Many, since few ids may be in order by chance: see the teams of many members.
@known_race("LOCK ORDER", "INV-I8", invariant="whoever waits for the same waits in the same order")
def two_of_many_teams_behind_a_third(setup: RaceSetup) -> None:
    """Two who are in 20 and in 10 teams take other emails while both wait for a job of a team."""
    ann, bob = (setup.given.creator(f"{name}@example.com")[0] for name in ("ann", "bob"))
    for user in (ann, bob):
        for _ in range(9):
            setup.given.do(teams.FOUND, user=user, slug="given", owned=True)
    both = [seat.team for seat in setup.given.state.teams_of(bob)]
    for team in both:
        setup.given.do(memberships.JOIN, by=(ann, team), role="member")
    setup.session("worker", _job((bob, both[5], None)))
    for who, user in (("ann", ann), ("bob", bob)):
        setup.session(who, does(users.CHANGE_EMAIL, user=user, email=f"{who}@example.org"))


def _job(by: tuple[int, int, None], status: str = "queued") -> RaceStep:
    return does(jobs.MAKE, by=by, project=None, charge=0, key=None, status=status)


def _invites(by: tuple[int, int], email: str) -> RaceStep:
    return does(memberships.INVITE, by=by, email=email, role="member", answered="open")


def _invite(setup: RaceSetup, by: tuple[int, int], email: str) -> int:
    return setup.given.do(memberships.INVITE, by=by, email=email, role="member", answered="open")


KNOWN_RACES = (
    sent_while_resent_at_fifty,
    invited_while_joining,
    invited_while_joining_asked_at_once,
    invited_while_taking_the_email,
    joins_while_taking_an_invited_email,
    joins_at_once_while_taking_an_invited_email,
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
