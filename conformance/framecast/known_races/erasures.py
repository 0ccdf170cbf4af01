"""Races about accounts that are erased while something is done in their name, or to them."""

from __future__ import annotations

from conformance.framecast.known_races.definition import (
    AT_ONCE,
    RaceSetup,
    RaceStep,
    does,
    known_race,
)
from conformance.framecast.model.entities import nobodys
from conformance.framecast.operations import assets, jobs, keys, memberships, projects, teams, users

ORDER = "whoever waits for the same waits in the same order"


@known_race("PRIVACY-1", invariant="an erased account has no key")
def key_made_while_erased(setup: RaceSetup) -> None:
    """A user makes a key of their own while the account is erased."""
    ann = setup.given.do(users.SIGN_UP, email="ann@example.com")
    setup.session("ann", does(keys.MAKE, by=(ann, None, ann), hashed="fresh", lasts=None))
    setup.session("support", erases(ann))


@known_race("PRIVACY-1", invariant="an erased account has no key")
def key_made_while_erased_by_hand(setup: RaceSetup) -> None:
    """A user makes a key while the account gets the address that erases it."""
    ann = setup.given.do(users.SIGN_UP, email="ann@example.com")
    setup.session("ann", does(keys.MAKE, by=(ann, None, ann), hashed="fresh", lasts=None))
    setup.session("support", does(users.CHANGE_EMAIL, user=ann, email=nobodys(ann)))


@known_race("PRIVACY-1", invariant="an erased account has no key")
def key_made_while_erased_by_hand_and_asked_at_once(setup: RaceSetup) -> None:
    """The same, and both sessions ask all rules at the end of each statement."""
    ann = setup.given.do(users.SIGN_UP, email="ann@example.com")
    makes = does(keys.MAKE, by=(ann, None, ann), hashed="fresh", lasts=None)
    setup.session("ann", does(AT_ONCE), makes)
    setup.session("support", does(AT_ONCE), does(users.CHANGE_EMAIL, user=ann, email=nobodys(ann)))


@known_race("PRIVACY-1", invariant="an erased account has no key")
def team_key_made_while_erased(setup: RaceSetup) -> None:
    """A member makes a key of the team while the account is erased."""
    bob, team = member(setup, "member")
    setup.session("bob", does(keys.MAKE, by=(bob, team, bob), hashed="fresh", lasts=None))
    setup.session("support", erases(bob))


@known_race("PRIVACY-1", invariant="an erased account has no key")
def key_revived_while_erased(setup: RaceSetup) -> None:
    """A revoked key is made live again while the account of its user is erased."""
    bob, team = member(setup, "member")
    key = setup.given.do(keys.MAKE, by=(bob, team, bob), hashed="fresh", lasts=None)
    setup.given.do(keys.REVOKE, key=key)
    setup.session("bob", does(keys.REVIVE, key=key))
    setup.session("support", erases(bob))


@known_race("PRIVACY-1", invariant="an erased account is in no team but its own")
def joins_while_erased(setup: RaceSetup) -> None:
    """A creator joins a team while the account is erased."""
    bob, _ = setup.given.creator("bob@example.com")
    _, team = setup.given.creator()
    setup.session("bob", does(memberships.JOIN, by=(bob, team), role="member"))
    setup.session("support", erases(bob))


@known_race("PRIVACY-1", invariant="an erased account is in no team but its own")
def accepts_while_erased(setup: RaceSetup) -> None:
    """A creator accepts an invitation, and joins before, while the account is erased."""
    bob, _ = setup.given.creator("bob@example.com")
    ann, team = setup.given.creator()
    invitation = invite(setup, (ann, team), "bob@example.com")
    setup.session("bob", does(memberships.ACCEPT, invitation=invitation, guest="joins first"))
    setup.session("support", erases(bob))


@known_race("PRIVACY-1", invariant="an erased account has no name")
def renamed_while_erased(setup: RaceSetup) -> None:
    """A user takes a name while the account is erased."""
    ann = setup.given.do(users.SIGN_UP, email="ann@example.com")
    setup.session("ann", does(users.RENAME, user=ann))
    setup.session("support", erases(ann))


@known_race("PRIVACY-2", invariant="an erased account stays erased")
def email_changed_while_erased(setup: RaceSetup) -> None:
    """A user takes another email while the account is erased."""
    bob, _ = member(setup, "admin")
    setup.session("bob", does(users.CHANGE_EMAIL, user=bob, email="cid@example.com"))
    setup.session("support", erases(bob))


@known_race("PRIVACY-3", invariant="an account is erased once")
def erased_twice(setup: RaceSetup) -> None:
    """An account is erased twice at once."""
    bob, _ = member(setup, "admin")
    for who in ("support", "another"):
        setup.session(who, erases(bob))


@known_race("PRIVACY-3", invariant="an account that is there is erased")
def erased_while_deleted(setup: RaceSetup) -> None:
    """An account is erased while it is deleted with its team."""
    ann, team = setup.given.creator()
    setup.given.do(projects.MAKE, by=(ann, team), status="draft")
    setup.session("support", erases(ann))
    setup.session("ann", does(teams.DELETE, team=team), does(users.DELETE, user=ann))


@known_race("PRIVACY-3", invariant="an erased account is the last owner of no team with others")
def upgraded_while_erased(setup: RaceSetup) -> None:
    """A starter becomes a creator with a team while the account is erased."""
    ann = setup.given.do(users.SIGN_UP, email="ann@example.com")
    setup.session("ann", does(users.UPGRADE, user=ann, stamp=True, team=True))
    setup.session("support", erases(ann))


@known_race("PRIVACY-3", invariant="no invitation from an erased account is left")
def invites_while_erased(setup: RaceSetup) -> None:
    """An admin invites somebody while the account is erased."""
    bob, team = member(setup, "admin")
    setup.session("bob", _invites((bob, team), "eve@example.com"))
    setup.session("support", erases(bob))


@known_race("PRIVACY-3", invariant="whoever comes first decides")
def invited_while_erased(setup: RaceSetup) -> None:
    """A user is invited, and another one's invitation extended, while the account is erased."""
    bob, _ = setup.given.creator("bob@example.com")
    ann, team = setup.given.creator()
    invitation = invite(setup, (ann, team), "bob@example.com")
    setup.session("ann", does(memberships.EXTEND, invitation=invitation))
    setup.session("support", erases(bob))


@known_race(
    "INV-T2", "INV-T1", "CARD-1", "PRIVACY-3", invariant="a team with members keeps an owner"
)
def joined_while_its_owner_is_erased(setup: RaceSetup) -> None:
    """A user joins a team while the account of the only member is erased."""
    ann, team = setup.given.creator()
    bob, _ = setup.given.creator("bob@example.com")
    setup.session("bob", does(memberships.JOIN, by=(bob, team), role="member"))
    setup.session("support", erases(ann))


@known_race(
    "INV-T2", "INV-T1", "CARD-1", "PRIVACY-3", invariant="a team goes where nobody is left in it"
)
def left_while_its_owner_is_erased(setup: RaceSetup) -> None:
    """The other member leaves a team while its owner's account is erased."""
    ann, team = setup.given.creator()
    bob, _ = setup.given.creator("bob@example.com")
    seat = setup.given.do(memberships.JOIN, by=(bob, team), role="admin")
    setup.session("bob", does(memberships.LEAVE, membership=seat))
    setup.session("support", erases(ann))


@known_race("INV-T2", "INV-T1", "CARD-1", "PRIVACY-3", invariant="the team keeps an owner")
def both_owners_erased(setup: RaceSetup) -> None:
    """The accounts of both owners of a team are erased at once."""
    ann, team = setup.given.creator()
    bob, _ = setup.given.creator("bob@example.com")
    setup.given.do(memberships.JOIN, by=(bob, team), role="owner")
    for who, user in (("support", ann), ("another", bob)):
        setup.session(who, erases(user))


@known_race("INV-T2", "INV-T1", "CARD-1", "PRIVACY-3", invariant="the team keeps an owner")
def owner_leaves_while_the_other_is_erased(setup: RaceSetup) -> None:
    """One owner leaves a team while the account of the other is erased."""
    ann, team = setup.given.creator()
    bob, _ = setup.given.creator("bob@example.com")
    seat = setup.given.do(memberships.JOIN, by=(bob, team), role="owner")
    setup.session("bob", does(memberships.LEAVE, membership=seat))
    setup.session("support", erases(ann))


@known_race("DEL-1", "PRIVACY-3", invariant="a team with active jobs stays")
def job_made_while_erased(setup: RaceSetup) -> None:
    """A job is made in a project of somebody's own team while the account is erased."""
    ann, team = setup.given.creator()
    project = setup.given.do(projects.MAKE, by=(ann, team), status="draft")
    setup.session("ann", does(jobs.RENDER, project=project, charge=0))
    setup.session("support", erases(ann))


@known_race("LOCK ORDER", "PRIVACY-3", invariant=ORDER)
def asset_uploaded_while_erased(setup: RaceSetup) -> None:
    """An asset of a project of somebody's own team is uploaded while the account is erased."""
    ann, team = setup.given.creator()
    project = setup.given.do(projects.MAKE, by=(ann, team), status="draft")
    setup.session(
        "ann",
        does(
            assets.ANNOUNCE,
            by=(ann, team, None),
            project=project,
            amiss="nothing",
            status="pending",
        ),
    )
    setup.session("support", erases(ann))


def erases(user: int) -> RaceStep:
    """Return the step that erases an account."""
    return does(users.ERASE, user=user)


def member(setup: RaceSetup, role: str) -> tuple[int, int]:
    """Let Bob join Ann's team; return Bob and the team."""
    _, team = setup.given.creator()
    bob, _ = setup.given.creator("bob@example.com")
    setup.given.do(memberships.JOIN, by=(bob, team), role=role)
    return bob, team


def _invites(by: tuple[int, int], email: str) -> RaceStep:
    return does(memberships.INVITE, by=by, email=email, role="member", answered="open")


def invite(setup: RaceSetup, by: tuple[int, int], email: str) -> int:
    """Invite somebody into a team; return the invitation."""
    return setup.given.do(memberships.INVITE, by=by, email=email, role="member", answered="open")


KNOWN_RACES = (
    key_made_while_erased,
    key_made_while_erased_by_hand,
    key_made_while_erased_by_hand_and_asked_at_once,
    team_key_made_while_erased,
    key_revived_while_erased,
    joins_while_erased,
    accepts_while_erased,
    renamed_while_erased,
    email_changed_while_erased,
    erased_twice,
    erased_while_deleted,
    upgraded_while_erased,
    invites_while_erased,
    invited_while_erased,
    joined_while_its_owner_is_erased,
    left_while_its_owner_is_erased,
    both_owners_erased,
    owner_leaves_while_the_other_is_erased,
    job_made_while_erased,
    asset_uploaded_while_erased,
)
