"""Races about accounts that are erased while something is done in their name, or to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.framecast.known_races.definition import (
    AT_ONCE,
    RaceSetup,
    RaceStep,
    does,
    known_race,
)
from conformance.framecast.model.entities import nobodys
from conformance.framecast.operations import assets, jobs, keys, memberships, projects, teams, users
from conformance.framecast.operations.operation import Act, Operation

if TYPE_CHECKING:
    from conformance.framecast.model import State

ORDER = "whoever waits for the same waits in the same order"


@known_race("PRIVACY-1", invariant="an erased account has no key")
def key_made_while_erased(setup: RaceSetup) -> None:
    """A user makes a key of their own while the account is erased."""
    ann = setup.given.do(users.SIGN_UP, email="ann@example.com")
    setup.session("ann", does(keys.MAKE, by=(ann, None, ann), hashed="fresh", lasts=None))
    setup.session("support", _erases(ann))


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
    bob, team = _member(setup, "member")
    setup.session("bob", does(keys.MAKE, by=(bob, team, bob), hashed="fresh", lasts=None))
    setup.session("support", _erases(bob))


@known_race("PRIVACY-1", invariant="an erased account has no key")
def key_revived_while_erased(setup: RaceSetup) -> None:
    """A revoked key is made live again while the account of its user is erased."""
    bob, team = _member(setup, "member")
    key = setup.given.do(keys.MAKE, by=(bob, team, bob), hashed="fresh", lasts=None)
    setup.given.do(keys.REVOKE, key=key)
    setup.session("bob", does(keys.REVIVE, key=key))
    setup.session("support", _erases(bob))


@known_race("PRIVACY-1", invariant="an erased account is in no team but its own")
def joins_while_erased(setup: RaceSetup) -> None:
    """A creator joins a team while the account is erased."""
    bob, _ = setup.given.creator("bob@example.com")
    _, team = setup.given.creator()
    setup.session("bob", does(memberships.JOIN, by=(bob, team), role="member"))
    setup.session("support", _erases(bob))


@known_race("PRIVACY-1", invariant="an erased account is in no team but its own")
def accepts_while_erased(setup: RaceSetup) -> None:
    """A creator accepts an invitation, and joins before, while the account is erased."""
    bob, _ = setup.given.creator("bob@example.com")
    ann, team = setup.given.creator()
    invitation = _invite(setup, (ann, team), "bob@example.com")
    setup.session("bob", does(memberships.ACCEPT, invitation=invitation, guest="joins first"))
    setup.session("support", _erases(bob))


@known_race("PRIVACY-1", invariant="an erased account has no name")
def renamed_while_erased(setup: RaceSetup) -> None:
    """A user takes a name while the account is erased."""
    ann = setup.given.do(users.SIGN_UP, email="ann@example.com")
    setup.session("ann", does(users.RENAME, user=ann))
    setup.session("support", _erases(ann))


@known_race("PRIVACY-2", invariant="an erased account stays erased")
def email_changed_while_erased(setup: RaceSetup) -> None:
    """A user takes another email while the account is erased."""
    bob, _ = _member(setup, "admin")
    setup.session("bob", does(users.CHANGE_EMAIL, user=bob, email="cid@example.com"))
    setup.session("support", _erases(bob))


@known_race("PRIVACY-3", invariant="an account is erased once")
def erased_twice(setup: RaceSetup) -> None:
    """An account is erased twice at once."""
    bob, _ = _member(setup, "admin")
    for who in ("support", "another"):
        setup.session(who, _erases(bob))


@known_race("PRIVACY-3", invariant="an account that is there is erased")
def erased_while_deleted(setup: RaceSetup) -> None:
    """An account is erased while it is deleted with its team."""
    ann, team = setup.given.creator()
    setup.given.do(projects.MAKE, by=(ann, team), status="draft")
    setup.session("support", _erases(ann))
    setup.session("ann", does(teams.DELETE, team=team), does(users.DELETE, user=ann))


@known_race("PRIVACY-3", invariant="an erased account is the last owner of no team with others")
def upgraded_while_erased(setup: RaceSetup) -> None:
    """A starter becomes a creator with a team while the account is erased."""
    ann = setup.given.do(users.SIGN_UP, email="ann@example.com")
    setup.session("ann", does(users.UPGRADE, user=ann, stamp=True, team=True))
    setup.session("support", _erases(ann))


@known_race("PRIVACY-3", invariant="no invitation from an erased account is left")
def invites_while_erased(setup: RaceSetup) -> None:
    """An admin invites somebody while the account is erased."""
    bob, team = _member(setup, "admin")
    setup.session("bob", _invites((bob, team), "eve@example.com"))
    setup.session("support", _erases(bob))


@known_race("PRIVACY-3", invariant="whoever comes first decides")
def invited_while_erased(setup: RaceSetup) -> None:
    """A user is invited, and another one's invitation extended, while the account is erased."""
    bob, _ = setup.given.creator("bob@example.com")
    ann, team = setup.given.creator()
    invitation = _invite(setup, (ann, team), "bob@example.com")
    setup.session("ann", does(memberships.EXTEND, invitation=invitation))
    setup.session("support", _erases(bob))


@known_race(
    "INV-T2", "INV-T1", "CARD-1", "PRIVACY-3", invariant="a team with members keeps an owner"
)
def joined_while_its_owner_is_erased(setup: RaceSetup) -> None:
    """A user joins a team while the account of the only member is erased."""
    ann, team = setup.given.creator()
    bob, _ = setup.given.creator("bob@example.com")
    setup.session("bob", does(memberships.JOIN, by=(bob, team), role="member"))
    setup.session("support", _erases(ann))


@known_race(
    "INV-T2", "INV-T1", "CARD-1", "PRIVACY-3", invariant="a team goes where nobody is left in it"
)
def left_while_its_owner_is_erased(setup: RaceSetup) -> None:
    """The other member leaves a team while its owner's account is erased."""
    ann, team = setup.given.creator()
    bob, _ = setup.given.creator("bob@example.com")
    seat = setup.given.do(memberships.JOIN, by=(bob, team), role="admin")
    setup.session("bob", does(memberships.LEAVE, membership=seat))
    setup.session("support", _erases(ann))


@known_race("INV-T2", "INV-T1", "CARD-1", "PRIVACY-3", invariant="the team keeps an owner")
def both_owners_erased(setup: RaceSetup) -> None:
    """The accounts of both owners of a team are erased at once."""
    ann, team = setup.given.creator()
    bob, _ = setup.given.creator("bob@example.com")
    setup.given.do(memberships.JOIN, by=(bob, team), role="owner")
    for who, user in (("support", ann), ("another", bob)):
        setup.session(who, _erases(user))


@known_race("INV-T2", "INV-T1", "CARD-1", "PRIVACY-3", invariant="the team keeps an owner")
def owner_leaves_while_the_other_is_erased(setup: RaceSetup) -> None:
    """One owner leaves a team while the account of the other is erased."""
    ann, team = setup.given.creator()
    bob, _ = setup.given.creator("bob@example.com")
    seat = setup.given.do(memberships.JOIN, by=(bob, team), role="owner")
    setup.session("bob", does(memberships.LEAVE, membership=seat))
    setup.session("support", _erases(ann))


@known_race("DEL-1", "PRIVACY-3", invariant="a team with active jobs stays")
def job_made_while_erased(setup: RaceSetup) -> None:
    """A job is made in a project of somebody's own team while the account is erased."""
    ann, team = setup.given.creator()
    project = setup.given.do(projects.MAKE, by=(ann, team), status="draft")
    setup.session("ann", does(jobs.RENDER, project=project, charge=0))
    setup.session("support", _erases(ann))


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
    setup.session("support", _erases(ann))


@known_race("LOCK ORDER", "PRIVACY-3", invariant=ORDER)
def asset_uploaded_while_erased_behind_a_job(setup: RaceSetup) -> None:
    """An asset is uploaded while the erasure waits for a job that is made in the same name."""
    ann, team = setup.given.creator()
    project = setup.given.do(projects.MAKE, by=(ann, team), status="draft")
    job = {"project": None, "charge": 0, "key": None, "status": "queued"}
    setup.session("worker", does(jobs.MAKE, by=(ann, None, ann), **job))
    asset = {"project": project, "amiss": "nothing", "status": "pending"}
    setup.session("ann", does(assets.ANNOUNCE, by=(ann, team, None), **asset))
    setup.session("support", _erases(ann))


@known_race("LOCK ORDER", "PRIVACY-3", invariant=ORDER)
def project_made_while_erased_behind_a_key(setup: RaceSetup) -> None:
    """A project is made in somebody's own team while the erasure waits for a key that is used."""
    ann, team = setup.given.creator()
    key = setup.given.do(keys.MAKE, by=(ann, None, ann), hashed="fresh", lasts=None)
    setup.session("client", does(keys.USE, key=key))
    setup.session("ann", does(projects.MAKE, by=(ann, team), status="draft"))
    setup.session("support", _erases(ann))


@known_race("LOCK ORDER", "PRIVACY-3", invariant=ORDER)
def project_made_while_erased_behind_a_new_name(setup: RaceSetup) -> None:
    """A project is made in somebody's own team while the erasure waits for who renames the team."""
    ann, team = setup.given.creator()
    setup.session("client", does(teams.RENAME, team=team))
    setup.session("ann", does(projects.MAKE, by=(ann, team), status="draft"))
    setup.session("support", _erases(ann))


@known_race("LOCK ORDER", "PRIVACY-3", invariant=ORDER)
def teams_renamed_while_erased_behind_a_new_name(setup: RaceSetup) -> None:
    """Teams of somebody's own are renamed, by their ids, while the account is erased.

    Both wait for who renames the first. The rows of the memberships do not lie in that order.
    """
    ann, first = setup.given.creator()
    second = setup.given.do(teams.FOUND, user=ann, slug="given", owned=True) - 1
    (seat,) = (each.id for each in setup.given.state.memberships.values() if each.team == first)
    bob, _ = setup.given.creator("bob@example.com")
    for user in (bob, ann):
        joined = setup.given.do(memberships.JOIN, by=(user, first), role="owner")
        setup.given.do(memberships.LEAVE, membership=seat)
        seat = joined
    setup.session("worker", does(teams.RENAME, team=first))
    setup.session("client", does(_RENAME_BOTH, first=first, second=second))
    setup.session("support", _erases(ann))


@known_race("LOCK ORDER", "PRIVACY-3", invariant=ORDER)
def own_invitation_extended_while_erased_behind_a_job(setup: RaceSetup) -> None:
    """An invitation is extended while its sender is erased, who waits for a job of another team."""
    bob, team = _member(setup, "admin")
    invitation = _invite(setup, (bob, team), "eve@example.com")
    _makes_a_job_elsewhere(setup, bob)
    setup.session("client", does(memberships.EXTEND, invitation=invitation))
    setup.session("support", _erases(bob))


@known_race("LOCK ORDER", "PRIVACY-3", invariant=ORDER)
def answered_invitation_extended_while_erased_behind_a_job(setup: RaceSetup) -> None:
    """The same of an invitation that the erased one accepted, written in other capitals."""
    ann, team = setup.given.creator()
    bob, _ = setup.given.creator("Bob@Example.com")
    invitation = _invite(setup, (ann, team), "BOB@example.com")
    setup.given.do(memberships.ACCEPT, invitation=invitation, guest="joins first")
    _makes_a_job_elsewhere(setup, bob)
    setup.session("client", does(memberships.EXTEND, invitation=invitation))
    setup.session("support", _erases(bob))


@known_race("LOCK ORDER", "PRIVACY-3", invariant=ORDER)
def old_invitation_extended_while_erased_behind_a_job(setup: RaceSetup) -> None:
    """The same of an invitation whose sender has left, and whose team goes, the second of two."""
    ann, _ = setup.given.creator()
    team = setup.given.do(teams.FOUND, user=ann, slug="given", owned=True) - 1
    bob, _ = setup.given.creator("bob@example.com")
    seat = setup.given.do(memberships.JOIN, by=(bob, team), role="admin")
    invitation = _invite(setup, (bob, team), "eve@example.com")
    setup.given.do(memberships.LEAVE, membership=seat)
    _makes_a_job_elsewhere(setup, ann)
    setup.session("client", does(memberships.EXTEND, invitation=invitation))
    setup.session("support", _erases(ann))


@known_race(
    "LOCK ORDER", "PRIVACY-3", invariant="nobody waits for whom they have nothing to do with"
)
def others_work_while_one_is_erased(setup: RaceSetup) -> None:
    """A user works in a team with the erased one, and in one of their own, and waits for none."""
    setup.independent = True
    ann, own = setup.given.creator("a_n@example.com")
    bob, lone = setup.given.creator("bob@example.com")
    shared = setup.given.do(teams.FOUND, user=bob, slug="given", owned=True) - 1
    setup.given.do(memberships.JOIN, by=(ann, shared), role="admin")
    for by in ((ann, own), (ann, shared), (bob, lone)):
        setup.given.do(projects.MAKE, by=by, status="draft")
    places = [each.id for each in setup.given.state.projects.values()][1:]
    key = setup.given.do(keys.MAKE, by=(bob, None, bob), hashed="fresh", lasts=None)
    # Addresses that are like the erased one, as a pattern and in how they begin.
    guests = ("eve@example.com", "axn@example.com", "a_n@example.com.au")
    invitations = [_invite(setup, (bob, lone), guest) for guest in guests]
    setup.session(
        "bob",
        *(does(teams.RENAME, team=team) for team in (lone, shared)),
        *(does(projects.EDIT, project=project) for project in places),
        does(users.RENAME, user=bob),
        does(keys.USE, key=key),
        *(does(memberships.EXTEND, invitation=invitation) for invitation in invitations),
    )
    setup.session("support", _erases(ann))


@known_race(
    "LOCK ORDER", "PRIVACY-3", invariant="nobody waits for whom they have nothing to do with"
)
def two_accounts_erased(setup: RaceSetup) -> None:
    """Two people who have nothing in common are erased at once."""
    setup.independent = True
    for who in ("ann", "bob"):
        user, _ = setup.given.creator(f"{who}@example.com")
        setup.session(who, _erases(user))


def _makes_a_job_elsewhere(setup: RaceSetup, user: int) -> None:
    """Let a user join a team, made last, for which somebody makes a job.

    Guards are written by the ids of teams. So the erasure has those of all other teams while it
    waits for this one: it stops halfway, in one order, and not with a chance as two who wait for
    one transaction.
    """
    cid, elsewhere = setup.given.creator("cid@example.com")
    setup.given.do(memberships.JOIN, by=(user, elsewhere), role="member")
    job = {"project": None, "charge": 0, "key": None, "status": "queued"}
    setup.session("worker", does(jobs.MAKE, by=(cid, elsewhere, None), **job))


def _rename_both(state: State, first: int, second: int) -> Act:
    one = teams.RENAME.act(state, first)
    other = teams.RENAME.act(one.after, second)
    return Act((*one.writes, *other.writes), other.after)


# One thing that a client does in the order in which everybody takes locks.
_RENAME_BOTH = Operation("rename two teams", {}, _rename_both)


def _erases(user: int) -> RaceStep:
    return does(users.ERASE, user=user)


def _member(setup: RaceSetup, role: str) -> tuple[int, int]:
    """Let Bob join Ann's team; return Bob and the team."""
    _, team = setup.given.creator()
    bob, _ = setup.given.creator("bob@example.com")
    setup.given.do(memberships.JOIN, by=(bob, team), role=role)
    return bob, team


def _invites(by: tuple[int, int], email: str) -> RaceStep:
    return does(memberships.INVITE, by=by, email=email, role="member", answered="open")


def _invite(setup: RaceSetup, by: tuple[int, int], email: str) -> int:
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
    asset_uploaded_while_erased_behind_a_job,
    project_made_while_erased_behind_a_key,
    project_made_while_erased_behind_a_new_name,
    teams_renamed_while_erased_behind_a_new_name,
    own_invitation_extended_while_erased_behind_a_job,
    answered_invitation_extended_while_erased_behind_a_job,
    old_invitation_extended_while_erased_behind_a_job,
    others_work_while_one_is_erased,
    two_accounts_erased,
)
