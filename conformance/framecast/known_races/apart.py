"""Sessions that have nothing to do with each other: none may wait for another one.

A lock that is wider than its rule breaks nothing; it only makes people wait.
"""

from __future__ import annotations

from conformance.framecast.known_races.scene import Deed, Scene, classic, does
from conformance.framecast.operations import jobs, keys, memberships, projects, users

LAW = "nobody waits for whom they have nothing to do with"


@classic("LOCK ORDER", "ROLE-2", law=LAW)
def key_made_beside_another_role(scene: Scene) -> None:
    """A member makes a key of the team; meanwhile a colleague's role changes."""
    bob, team, _, colleague, _ = _members(scene)
    scene.session("bob", does(keys.MAKE, by=(bob, team, None), hashed="fresh", lasts=None))
    scene.session("ann", does(memberships.CHANGE_ROLE, membership=colleague, role="admin"))


@classic("LOCK ORDER", "ROLE-2", law=LAW)
def key_made_beside_another_team(scene: Scene) -> None:
    """A member makes a key of a team; meanwhile their role in another team changes."""
    bob, team, _, _, elsewhere = _members(scene)
    scene.session("bob", does(keys.MAKE, by=(bob, team, None), hashed="fresh", lasts=None))
    scene.session("cid", does(memberships.CHANGE_ROLE, membership=elsewhere, role="admin"))


@classic("LOCK ORDER", "ROLE-2", law=LAW)
def key_revived_beside_another_role(scene: Scene) -> None:
    """A key of a team is made live again; meanwhile a colleague's role changes."""
    bob, team, _, colleague, _ = _members(scene)
    scene.session("bob", does(keys.REVIVE, key=_revoked(scene, bob, team)))
    scene.session("ann", does(memberships.CHANGE_ROLE, membership=colleague, role="admin"))


@classic("LOCK ORDER", "ROLE-2", law=LAW)
def key_revived_beside_another_team(scene: Scene) -> None:
    """A key of a team is made live again; meanwhile its user's role in another team changes."""
    bob, team, _, _, elsewhere = _members(scene)
    scene.session("bob", does(keys.REVIVE, key=_revoked(scene, bob, team)))
    scene.session("cid", does(memberships.CHANGE_ROLE, membership=elsewhere, role="admin"))


@classic("LOCK ORDER", "INV-T2", law=LAW)
def two_roles_change(scene: Scene) -> None:
    """Two members who are no owners get other roles at once."""
    _, _, mine, colleague, _ = _members(scene)
    scene.session("ann", does(memberships.CHANGE_ROLE, membership=mine, role="viewer"))
    scene.session("ben", does(memberships.CHANGE_ROLE, membership=colleague, role="admin"))


@classic("LOCK ORDER", "INV-T2", law=LAW)
def role_changes_while_invited(scene: Scene) -> None:
    """Somebody is invited to a team; meanwhile a member gets another role, but is no owner."""
    bob, team, _, colleague, _ = _members(scene, "admin")
    scene.session("bob", _invites((bob, team)))
    scene.session("ann", does(memberships.CHANGE_ROLE, membership=colleague, role="admin"))


@classic("LOCK ORDER", "INV-I8", law=LAW)
def address_in_capitals_while_invited(scene: Scene) -> None:
    """A member's address gets other capitals; meanwhile somebody is invited to the team."""
    bob, team, _, _, _ = _members(scene)
    scene.given.do(users.CHANGE_EMAIL, user=bob, email="Bob@example.com")
    ann = next(iter(scene.given.state.users))
    scene.session("bob", does(users.CHANGE_EMAIL, user=bob, email="BOB@example.com"))
    scene.session("ann", _invites((ann, team)))


@classic("LOCK ORDER", "AUTO-PROJECT", law=LAW)
def job_taken_while_its_project_is_edited(scene: Scene) -> None:
    """A worker takes a job; meanwhile somebody edits its project."""
    bob, team, _, _, _ = _members(scene)
    project = scene.given.do(projects.MAKE, by=(bob, team), status="draft")
    job = scene.given.job((bob, team, None), project=project)
    scene.session("worker", does(jobs.START, job=job))
    scene.session("bob", does(projects.EDIT, project=project))


@classic("LOCK ORDER", "OWN-1", law=LAW)
def two_projects_are_edited(scene: Scene) -> None:
    """The specs of two projects of a team are written at once."""
    bob, team, _, _, _ = _members(scene)
    for who in ("ann", "ben"):
        project = scene.given.do(projects.MAKE, by=(bob, team), status="draft")
        scene.session(who, does(projects.EDIT, project=project))


@classic("LOCK ORDER", "CARD-5", law=LAW)
def jobs_of_two_teams(scene: Scene) -> None:
    """Jobs are made in two teams at once, by people who have no team in common."""
    scene.apart = True
    for who in ("ann", "bob"):
        user, team = scene.given.creator(f"{who}@example.com")
        job = {"project": None, "charge": 0, "key": None, "status": "queued"}
        scene.session(who, does(jobs.MAKE, by=(user, team, None), **job))


def _invites(by: tuple[int, int]) -> Deed:
    return does(memberships.INVITE, by=by, email="eve@example.com", role="member", answered="open")


def _revoked(scene: Scene, user: int, team: int) -> int:
    key = scene.given.do(keys.MAKE, by=(user, team, None), hashed="fresh", lasts=None)
    scene.given.do(keys.REVOKE, key=key)
    return key


def _members(scene: Scene, role: str = "member") -> tuple[int, int, int, int, int]:
    """Make a team of three; say that sessions are apart.

    Returns:
        A user, the team, the seat there, a colleague's seat, and the user's seat in another team.
    """
    scene.apart = True
    _, team = scene.given.creator()
    cid, other = scene.given.creator("cid@example.com")
    bob = scene.given.do(users.SIGN_UP, email="bob@example.com")
    scene.given.do(users.UPGRADE, user=bob, stamp=True, team=False)
    seats = [
        scene.given.do(memberships.JOIN, by=by, role=as_)
        for by, as_ in (((bob, team), role), ((cid, team), "member"), ((bob, other), "member"))
    ]
    return bob, team, seats[0], seats[1], seats[2]


CLASSICS = (
    key_made_beside_another_role,
    key_made_beside_another_team,
    key_revived_beside_another_role,
    key_revived_beside_another_team,
    two_roles_change,
    role_changes_while_invited,
    address_in_capitals_while_invited,
    two_projects_are_edited,
    job_taken_while_its_project_is_edited,
    jobs_of_two_teams,
)
