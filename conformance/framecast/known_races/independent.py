"""Sessions that have nothing to do with each other: none may wait for another one.

A lock that is wider than its rule breaks nothing; it only makes people wait.
"""

from __future__ import annotations

from conformance.framecast.known_races.definition import RaceSetup, RaceStep, does, known_race
from conformance.framecast.operations import (
    assets,
    jobs,
    keys,
    memberships,
    projects,
    teams,
    users,
)

INVARIANT = "nobody waits for whom they have nothing to do with"


@known_race("LOCK ORDER", "ROLE-2", invariant=INVARIANT)
def key_made_beside_another_role(setup: RaceSetup) -> None:
    """A member makes a key of the team; meanwhile a colleague's role changes."""
    bob, team, _, colleague, _ = _members(setup)
    setup.session("bob", does(keys.MAKE, by=(bob, team, None), hashed="fresh", lasts=None))
    setup.session("ann", does(memberships.CHANGE_ROLE, membership=colleague, role="admin"))


@known_race("LOCK ORDER", "ROLE-2", invariant=INVARIANT)
def key_made_beside_another_team(setup: RaceSetup) -> None:
    """A member makes a key of a team; meanwhile their role in another team changes."""
    bob, team, _, _, elsewhere = _members(setup)
    setup.session("bob", does(keys.MAKE, by=(bob, team, None), hashed="fresh", lasts=None))
    setup.session("cid", does(memberships.CHANGE_ROLE, membership=elsewhere, role="admin"))


@known_race("LOCK ORDER", "ROLE-2", invariant=INVARIANT)
def key_revived_beside_another_role(setup: RaceSetup) -> None:
    """A key of a team is made live again; meanwhile a colleague's role changes."""
    bob, team, _, colleague, _ = _members(setup)
    setup.session("bob", does(keys.REVIVE, key=_revoked(setup, bob, team)))
    setup.session("ann", does(memberships.CHANGE_ROLE, membership=colleague, role="admin"))


@known_race("LOCK ORDER", "ROLE-2", invariant=INVARIANT)
def key_revived_beside_another_team(setup: RaceSetup) -> None:
    """A key of a team is made live again; meanwhile its user's role in another team changes."""
    bob, team, _, _, elsewhere = _members(setup)
    setup.session("bob", does(keys.REVIVE, key=_revoked(setup, bob, team)))
    setup.session("cid", does(memberships.CHANGE_ROLE, membership=elsewhere, role="admin"))


@known_race("LOCK ORDER", "INV-T2", invariant=INVARIANT)
def two_roles_change(setup: RaceSetup) -> None:
    """Two members who are no owners get other roles at once."""
    _, _, mine, colleague, _ = _members(setup)
    setup.session("ann", does(memberships.CHANGE_ROLE, membership=mine, role="viewer"))
    setup.session("ben", does(memberships.CHANGE_ROLE, membership=colleague, role="admin"))


@known_race("LOCK ORDER", "INV-T2", invariant=INVARIANT)
def role_changes_while_invited(setup: RaceSetup) -> None:
    """A user is invited to a team; meanwhile a member gets another role, but is no owner."""
    bob, team, _, colleague, _ = _members(setup, "admin")
    setup.session("bob", _invites((bob, team)))
    setup.session("ann", does(memberships.CHANGE_ROLE, membership=colleague, role="admin"))


@known_race("LOCK ORDER", "INV-I8", invariant=INVARIANT)
def address_in_capitals_while_invited(setup: RaceSetup) -> None:
    """A member's address gets other capitals; meanwhile somebody is invited to the team."""
    bob, team, _, _, _ = _members(setup)
    setup.given.do(users.CHANGE_EMAIL, user=bob, email="Bob@example.com")
    ann = next(iter(setup.given.state.users))
    setup.session("bob", does(users.CHANGE_EMAIL, user=bob, email="BOB@example.com"))
    setup.session("ann", _invites((ann, team)))


@known_race("LOCK ORDER", "AUTO-PROJECT", invariant=INVARIANT)
def job_taken_while_its_project_is_edited(setup: RaceSetup) -> None:
    """A worker takes a job; meanwhile somebody edits its project."""
    bob, team, _, _, _ = _members(setup)
    project = setup.given.do(projects.MAKE, by=(bob, team), status="draft")
    job = setup.given.job((bob, team, None), project=project)
    setup.session("worker", does(jobs.START, job=job))
    setup.session("bob", does(projects.EDIT, project=project))


@known_race("LOCK ORDER", "OWN-1", invariant=INVARIANT)
def two_projects_are_edited(setup: RaceSetup) -> None:
    """The specs of two projects of a team are written at once."""
    bob, team, _, _, _ = _members(setup)
    for who in ("ann", "ben"):
        project = setup.given.do(projects.MAKE, by=(bob, team), status="draft")
        setup.session(who, does(projects.EDIT, project=project))


@known_race("LOCK ORDER", "ROLE-2", invariant=INVARIANT)
def two_members_make_projects(setup: RaceSetup) -> None:
    """Two members of a team make a project each at once."""
    for who, by in zip(("ann", "bob"), _colleagues(setup), strict=True):
        setup.session(who, does(projects.MAKE, by=by, status="draft"))


@known_race("LOCK ORDER", "INV-X2", invariant=INVARIANT)
def two_members_upload(setup: RaceSetup) -> None:
    """Two members of a team upload an asset each at once."""
    for who, (user, team) in zip(("ann", "bob"), _colleagues(setup), strict=True):
        asset = {"project": None, "amiss": "nothing", "status": "pending"}
        setup.session(who, does(assets.ANNOUNCE, by=(user, team, None), **asset))


@known_race("LOCK ORDER", "CARD-5", invariant=INVARIANT)
def job_made_while_its_team_is_renamed(setup: RaceSetup) -> None:
    """A member makes a job of a team; meanwhile the team gets another name."""
    (user, team), _ = _colleagues(setup)
    setup.session("bob", _makes_a_job(user, team))
    setup.session("ann", does(teams.RENAME, team=team))


@known_race("LOCK ORDER", "CARD-5", invariant=INVARIANT)
def job_made_beside_a_project(setup: RaceSetup) -> None:
    """A member makes a job of a team; meanwhile another one makes a project."""
    (user, team), by = _colleagues(setup)
    setup.session("bob", _makes_a_job(user, team))
    setup.session("ann", does(projects.MAKE, by=by, status="draft"))


@known_race("LOCK ORDER", "CARD-5", invariant=INVARIANT)
def jobs_of_two_teams(setup: RaceSetup) -> None:
    """Jobs are made in two teams at once, by people who have no team in common."""
    setup.independent = True
    for who in ("ann", "bob"):
        setup.session(who, _makes_a_job(*setup.given.creator(f"{who}@example.com")))


def _makes_a_job(user: int, team: int) -> RaceStep:
    job = {"project": None, "charge": 0, "key": None, "status": "queued"}
    return does(jobs.MAKE, by=(user, team, None), **job)


def _colleagues(setup: RaceSetup) -> tuple[tuple[int, int], tuple[int, int]]:
    """Make a team with an owner and a member, and return both with it; say that they are apart."""
    bob, team, _, _, _ = _members(setup)
    return (next(iter(setup.given.state.users)), team), (bob, team)


def _invites(by: tuple[int, int]) -> RaceStep:
    return does(memberships.INVITE, by=by, email="eve@example.com", role="member", answered="open")


def _revoked(setup: RaceSetup, user: int, team: int) -> int:
    key = setup.given.do(keys.MAKE, by=(user, team, None), hashed="fresh", lasts=None)
    setup.given.do(keys.REVOKE, key=key)
    return key


def _members(setup: RaceSetup, role: str = "member") -> tuple[int, int, int, int, int]:
    """Make a team of three; say that sessions are apart.

    Returns:
        A user, the team, the seat there, a colleague's seat, and the user's seat in another team.
    """
    setup.independent = True
    _, team = setup.given.creator()
    cid, other = setup.given.creator("cid@example.com")
    bob = setup.given.do(users.SIGN_UP, email="bob@example.com")
    setup.given.do(users.UPGRADE, user=bob, stamp=True, team=False)
    seats = [
        setup.given.do(memberships.JOIN, by=by, role=as_)
        for by, as_ in (((bob, team), role), ((cid, team), "member"), ((bob, other), "member"))
    ]
    return bob, team, seats[0], seats[1], seats[2]


KNOWN_RACES = (
    key_made_beside_another_role,
    key_made_beside_another_team,
    key_revived_beside_another_role,
    key_revived_beside_another_team,
    two_roles_change,
    role_changes_while_invited,
    address_in_capitals_while_invited,
    two_projects_are_edited,
    job_taken_while_its_project_is_edited,
    two_members_make_projects,
    two_members_upload,
    job_made_while_its_team_is_renamed,
    job_made_beside_a_project,
    jobs_of_two_teams,
)
