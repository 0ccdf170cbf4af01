"""Races about accounts that are erased while something is done in their name, or to them."""

from __future__ import annotations

from conformance.framecast.known_races.scene import Deed, Scene, classic, does
from conformance.framecast.operations import assets, jobs, keys, memberships, projects, teams, users

ORDER = "whoever waits for the same waits in the same order"


@classic("PRIVACY-1", law="an erased account has no key")
def key_made_while_erased(scene: Scene) -> None:
    """Somebody makes a key of their own while the account is erased."""
    ann = scene.given.do(users.SIGN_UP, email="ann@example.com")
    scene.session("ann", does(keys.MAKE, by=(ann, None, ann), hashed="fresh", lasts=None))
    scene.session("support", _erases(ann))


@classic("PRIVACY-1", law="an erased account has no key")
def team_key_made_while_erased(scene: Scene) -> None:
    """A member makes a key of the team while the account is erased."""
    bob, team = _member(scene, "member")
    scene.session("bob", does(keys.MAKE, by=(bob, team, bob), hashed="fresh", lasts=None))
    scene.session("support", _erases(bob))


@classic("PRIVACY-1", law="an erased account has no key")
def key_revived_while_erased(scene: Scene) -> None:
    """A revoked key is made live again while the account of its user is erased."""
    bob, team = _member(scene, "member")
    key = scene.given.do(keys.MAKE, by=(bob, team, bob), hashed="fresh", lasts=None)
    scene.given.do(keys.REVOKE, key=key)
    scene.session("bob", does(keys.REVIVE, key=key))
    scene.session("support", _erases(bob))


@classic("PRIVACY-1", law="an erased account is in no team but its own")
def joins_while_erased(scene: Scene) -> None:
    """A creator joins a team while the account is erased."""
    bob, _ = scene.given.creator("bob@example.com")
    _, team = scene.given.creator()
    scene.session("bob", does(memberships.JOIN, by=(bob, team), role="member"))
    scene.session("support", _erases(bob))


@classic("PRIVACY-1", law="an erased account is in no team but its own")
def accepts_while_erased(scene: Scene) -> None:
    """A creator accepts an invitation, and joins before, while the account is erased."""
    bob, _ = scene.given.creator("bob@example.com")
    ann, team = scene.given.creator()
    letter = _invite(scene, (ann, team), "bob@example.com")
    scene.session("bob", does(memberships.ACCEPT, invitation=letter, guest="joins first"))
    scene.session("support", _erases(bob))


@classic("PRIVACY-1", law="an erased account has no name")
def renamed_while_erased(scene: Scene) -> None:
    """Somebody takes a name while the account is erased."""
    ann = scene.given.do(users.SIGN_UP, email="ann@example.com")
    scene.session("ann", does(users.RENAME, user=ann))
    scene.session("support", _erases(ann))


@classic("PRIVACY-2", law="an erased account stays erased")
def email_changed_while_erased(scene: Scene) -> None:
    """Somebody takes another email while the account is erased."""
    bob, _ = _member(scene, "admin")
    scene.session("bob", does(users.CHANGE_EMAIL, user=bob, email="cid@example.com"))
    scene.session("support", _erases(bob))


@classic("PRIVACY-3", law="an account is erased once")
def erased_twice(scene: Scene) -> None:
    """An account is erased twice at once."""
    bob, _ = _member(scene, "admin")
    for who in ("support", "another"):
        scene.session(who, _erases(bob))


@classic("PRIVACY-3", law="an account that is there is erased")
def erased_while_deleted(scene: Scene) -> None:
    """An account is erased while it is deleted with its team."""
    ann, team = scene.given.creator()
    scene.given.do(projects.MAKE, by=(ann, team), status="draft")
    scene.session("support", _erases(ann))
    scene.session("ann", does(teams.DELETE, team=team), does(users.DELETE, user=ann))


@classic("PRIVACY-3", law="an erased account is the last owner of no team with others")
def upgraded_while_erased(scene: Scene) -> None:
    """A starter becomes a creator with a team while the account is erased."""
    ann = scene.given.do(users.SIGN_UP, email="ann@example.com")
    scene.session("ann", does(users.UPGRADE, user=ann, stamp=True, team=True))
    scene.session("support", _erases(ann))


@classic("PRIVACY-3", law="no invitation from an erased account is left")
def invites_while_erased(scene: Scene) -> None:
    """An admin invites somebody while the account is erased."""
    bob, team = _member(scene, "admin")
    scene.session("bob", _invites((bob, team), "eve@example.com"))
    scene.session("support", _erases(bob))


@classic("PRIVACY-3", law="whoever comes first decides")
def invited_while_erased(scene: Scene) -> None:
    """Somebody is invited, and another one's letter extended, while the account is erased."""
    bob, _ = scene.given.creator("bob@example.com")
    ann, team = scene.given.creator()
    letter = _invite(scene, (ann, team), "bob@example.com")
    scene.session("ann", does(memberships.EXTEND, invitation=letter))
    scene.session("support", _erases(bob))


@classic("INV-T2", "INV-T1", "CARD-1", "PRIVACY-3", law="a team with members keeps an owner")
def joined_while_its_owner_is_erased(scene: Scene) -> None:
    """Somebody joins a team while the account of the only member is erased."""
    ann, team = scene.given.creator()
    bob, _ = scene.given.creator("bob@example.com")
    scene.session("bob", does(memberships.JOIN, by=(bob, team), role="member"))
    scene.session("support", _erases(ann))


@classic("INV-T2", "INV-T1", "CARD-1", "PRIVACY-3", law="a team goes where nobody is left in it")
def left_while_its_owner_is_erased(scene: Scene) -> None:
    """The other member leaves a team while its owner's account is erased."""
    ann, team = scene.given.creator()
    bob, _ = scene.given.creator("bob@example.com")
    seat = scene.given.do(memberships.JOIN, by=(bob, team), role="admin")
    scene.session("bob", does(memberships.LEAVE, membership=seat))
    scene.session("support", _erases(ann))


@classic("INV-T2", "INV-T1", "CARD-1", "PRIVACY-3", law="the team keeps an owner")
def both_owners_erased(scene: Scene) -> None:
    """The accounts of both owners of a team are erased at once."""
    ann, team = scene.given.creator()
    bob, _ = scene.given.creator("bob@example.com")
    scene.given.do(memberships.JOIN, by=(bob, team), role="owner")
    for who, user in (("support", ann), ("another", bob)):
        scene.session(who, _erases(user))


@classic("INV-T2", "INV-T1", "CARD-1", "PRIVACY-3", law="the team keeps an owner")
def owner_leaves_while_the_other_is_erased(scene: Scene) -> None:
    """One owner leaves a team while the account of the other is erased."""
    ann, team = scene.given.creator()
    bob, _ = scene.given.creator("bob@example.com")
    seat = scene.given.do(memberships.JOIN, by=(bob, team), role="owner")
    scene.session("bob", does(memberships.LEAVE, membership=seat))
    scene.session("support", _erases(ann))


@classic("DEL-1", "PRIVACY-3", law="a team with active jobs stays")
def job_made_while_erased(scene: Scene) -> None:
    """A job is made in a project of somebody's own team while the account is erased."""
    ann, team = scene.given.creator()
    project = scene.given.do(projects.MAKE, by=(ann, team), status="draft")
    scene.session("ann", does(jobs.RENDER, project=project, charge=0))
    scene.session("support", _erases(ann))


@classic("LOCK ORDER", "PRIVACY-3", law=ORDER)
def asset_uploaded_while_erased(scene: Scene) -> None:
    """An asset of a project of somebody's own team is uploaded while the account is erased."""
    ann, team = scene.given.creator()
    project = scene.given.do(projects.MAKE, by=(ann, team), status="draft")
    scene.session(
        "ann",
        does(
            assets.ANNOUNCE,
            by=(ann, team, None),
            project=project,
            amiss="nothing",
            status="pending",
        ),
    )
    scene.session("support", _erases(ann))


@classic("LOCK ORDER", "PRIVACY-3", law=ORDER)
def own_letter_extended_while_erased_behind_one_who_fails(scene: Scene) -> None:
    """A letter that somebody sent is extended while they are erased; both wait for who fails."""
    bob, team = _member(scene, "admin")
    letter = _invite(scene, (bob, team), "eve@example.com")
    scene.session("worker", *_fails((bob - 3, team, None)))
    scene.session("ann", does(memberships.EXTEND, invitation=letter))
    scene.session("support", _erases(bob))


@classic("LOCK ORDER", "PRIVACY-3", law=ORDER)
def answered_letter_extended_while_erased_behind_one_who_fails(scene: Scene) -> None:
    """A letter that somebody accepted is extended; the same, and both wait for one who fails."""
    ann, team = scene.given.creator()
    bob, _ = scene.given.creator("Bob@Example.com")
    letter = _invite(scene, (ann, team), "BOB@example.com")
    scene.given.do(memberships.ACCEPT, invitation=letter, guest="joins first")
    scene.session("worker", *_fails((ann, team, None)))
    scene.session("ann", does(memberships.EXTEND, invitation=letter))
    scene.session("support", _erases(bob))


@classic("LOCK ORDER", "PRIVACY-3", law=ORDER)
def old_letter_extended_while_erased_behind_one_who_fails(scene: Scene) -> None:
    """A letter of a team that goes, by who has left it, is extended; both wait for who fails."""
    ann, team = scene.given.creator()
    bob, other = scene.given.creator("bob@example.com")
    seat = scene.given.do(memberships.JOIN, by=(bob, team), role="admin")
    letter = _invite(scene, (bob, team), "eve@example.com")
    scene.given.do(memberships.LEAVE, membership=seat)
    invites = (_invites((bob, other), f"{guest}@example.com") for guest in ("dan", "bob"))
    scene.session("bob", *invites)
    scene.session("client", does(memberships.EXTEND, invitation=letter))
    scene.session("support", _erases(ann))


@classic("LOCK ORDER", "PRIVACY-3", law="nobody waits for whom they have nothing to do with")
def others_work_while_one_is_erased(scene: Scene) -> None:
    """Somebody works in a team with the erased one, and in one of their own, and waits for none."""
    scene.apart = True
    ann, own = scene.given.creator()
    bob, lone = scene.given.creator("bob@example.com")
    shared = scene.given.do(teams.FOUND, user=bob, slug="given", owned=True) - 1
    scene.given.do(memberships.JOIN, by=(ann, shared), role="admin")
    for by in ((ann, own), (ann, shared), (bob, lone)):
        scene.given.do(projects.MAKE, by=by, status="draft")
    places = [each.id for each in scene.given.state.projects.values()][1:]
    key = scene.given.do(keys.MAKE, by=(bob, None, bob), hashed="fresh", lasts=None)
    letter = _invite(scene, (bob, lone), "eve@example.com")
    scene.session(
        "bob",
        *(does(teams.RENAME, team=team) for team in (lone, shared)),
        *(does(projects.EDIT, project=project) for project in places),
        does(users.RENAME, user=bob),
        does(keys.USE, key=key),
        does(memberships.EXTEND, invitation=letter),
    )
    scene.session("support", _erases(ann))


def _fails(by: tuple[int, int, None]) -> tuple[Deed, Deed]:
    """Make a job, and one that may not be made: of two who wait, the first then goes on first."""
    queued, ended = (
        does(jobs.MAKE, by=by, project=None, charge=0, key=None, status=status)
        for status in ("queued", "completed")
    )
    return queued, ended


def _erases(user: int) -> Deed:
    return does(users.ERASE, user=user)


def _member(scene: Scene, role: str) -> tuple[int, int]:
    """Let Bob join Ann's team; return Bob and the team."""
    _, team = scene.given.creator()
    bob, _ = scene.given.creator("bob@example.com")
    scene.given.do(memberships.JOIN, by=(bob, team), role=role)
    return bob, team


def _invites(by: tuple[int, int], email: str) -> Deed:
    return does(memberships.INVITE, by=by, email=email, role="member", answered="open")


def _invite(scene: Scene, by: tuple[int, int], email: str) -> int:
    return scene.given.do(memberships.INVITE, by=by, email=email, role="member", answered="open")


CLASSICS = (
    key_made_while_erased,
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
    own_letter_extended_while_erased_behind_one_who_fails,
    answered_letter_extended_while_erased_behind_one_who_fails,
    old_letter_extended_while_erased_behind_one_who_fails,
    others_work_while_one_is_erased,
)
