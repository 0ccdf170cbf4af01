"""Races of an erasure that waits halfway, and what it may hold from others by then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.framecast.known_races.definition import (
    RaceSetup,
    does,
    known_race,
)
from conformance.framecast.known_races.erasures import ORDER, erases, invite, member
from conformance.framecast.operations import assets, jobs, keys, memberships, projects, teams, users
from conformance.framecast.operations.operation import Act, Operation

if TYPE_CHECKING:
    from conformance.framecast.model import State


@known_race("LOCK ORDER", "PRIVACY-3", invariant=ORDER)
def asset_uploaded_while_erased_behind_a_job(setup: RaceSetup) -> None:
    """An asset is uploaded while the erasure waits for a job that is made in the same name."""
    ann, team = setup.given.creator()
    project = setup.given.do(projects.MAKE, by=(ann, team), status="draft")
    job = {"project": None, "charge": 0, "key": None, "status": "queued"}
    setup.session("worker", does(jobs.MAKE, by=(ann, None, ann), **job))
    asset = {"project": project, "amiss": "nothing", "status": "pending"}
    setup.session("ann", does(assets.ANNOUNCE, by=(ann, team, None), **asset))
    setup.session("support", erases(ann))


@known_race("LOCK ORDER", "PRIVACY-3", invariant=ORDER)
def project_made_while_erased_behind_a_key(setup: RaceSetup) -> None:
    """A project is made in somebody's own team while the erasure waits for a key that is used."""
    ann, team = setup.given.creator()
    key = setup.given.do(keys.MAKE, by=(ann, None, ann), hashed="fresh", lasts=None)
    setup.session("client", does(keys.USE, key=key))
    setup.session("ann", does(projects.MAKE, by=(ann, team), status="draft"))
    setup.session("support", erases(ann))


@known_race("LOCK ORDER", "PRIVACY-3", invariant=ORDER)
def project_made_while_erased_behind_a_new_name(setup: RaceSetup) -> None:
    """A project is made in somebody's own team while the erasure waits for who renames the team."""
    ann, team = setup.given.creator()
    setup.session("client", does(teams.RENAME, team=team))
    setup.session("ann", does(projects.MAKE, by=(ann, team), status="draft"))
    setup.session("support", erases(ann))


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
    setup.session("support", erases(ann))


@known_race("LOCK ORDER", "PRIVACY-3", invariant=ORDER)
def own_invitation_extended_while_erased_behind_a_job(setup: RaceSetup) -> None:
    """An invitation is extended while its sender is erased, who waits for a job of another team."""
    bob, team = member(setup, "admin")
    invitation = invite(setup, (bob, team), "eve@example.com")
    _makes_a_job_elsewhere(setup, bob)
    setup.session("client", does(memberships.EXTEND, invitation=invitation))
    setup.session("support", erases(bob))


@known_race("LOCK ORDER", "PRIVACY-3", invariant=ORDER)
def answered_invitation_extended_while_erased_behind_a_job(setup: RaceSetup) -> None:
    """The same of an invitation that the erased one accepted, written in other capitals."""
    ann, team = setup.given.creator()
    bob, _ = setup.given.creator("Bob@Example.com")
    invitation = invite(setup, (ann, team), "BOB@example.com")
    setup.given.do(memberships.ACCEPT, invitation=invitation, guest="joins first")
    _makes_a_job_elsewhere(setup, bob)
    setup.session("client", does(memberships.EXTEND, invitation=invitation))
    setup.session("support", erases(bob))


@known_race("LOCK ORDER", "PRIVACY-3", invariant=ORDER)
def old_invitation_extended_while_erased_behind_a_job(setup: RaceSetup) -> None:
    """The same of an invitation whose sender has left, and whose team goes, the second of two."""
    ann, _ = setup.given.creator()
    team = setup.given.do(teams.FOUND, user=ann, slug="given", owned=True) - 1
    bob, _ = setup.given.creator("bob@example.com")
    seat = setup.given.do(memberships.JOIN, by=(bob, team), role="admin")
    invitation = invite(setup, (bob, team), "eve@example.com")
    setup.given.do(memberships.LEAVE, membership=seat)
    _makes_a_job_elsewhere(setup, ann)
    setup.session("client", does(memberships.EXTEND, invitation=invitation))
    setup.session("support", erases(ann))


@known_race("LOCK ORDER", "INV-P3", invariant=ORDER)
def team_deleted_while_a_user_is_deleted_behind_a_key(setup: RaceSetup) -> None:
    """A team is deleted while who made its project is, and waits for a key that is used."""
    ann, _ = setup.given.creator()
    team = setup.given.do(teams.FOUND, user=ann, slug="given", owned=True) - 1
    bob, _ = setup.given.creator("bob@example.com")
    setup.given.do(memberships.JOIN, by=(bob, team), role="admin")
    setup.given.do(projects.MAKE, by=(bob, team), status="draft")
    key = setup.given.do(keys.MAKE, by=(bob, None, bob), hashed="fresh", lasts=None)
    setup.session("client", does(keys.USE, key=key))
    setup.session("ann", does(teams.DELETE, team=team))
    setup.session("support", does(users.DELETE, user=bob))


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
    invitations = [invite(setup, (bob, lone), guest) for guest in guests]
    setup.session(
        "bob",
        *(does(teams.RENAME, team=team) for team in (lone, shared)),
        *(does(projects.EDIT, project=project) for project in places),
        does(users.RENAME, user=bob),
        does(keys.USE, key=key),
        *(does(memberships.EXTEND, invitation=invitation) for invitation in invitations),
    )
    setup.session("support", erases(ann))


@known_race(
    "LOCK ORDER", "PRIVACY-3", invariant="nobody waits for whom they have nothing to do with"
)
def two_accounts_erased(setup: RaceSetup) -> None:
    """Two people who have nothing in common are erased at once."""
    setup.independent = True
    for who in ("ann", "bob"):
        user, _ = setup.given.creator(f"{who}@example.com")
        setup.session(who, erases(user))


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


KNOWN_RACES = (
    asset_uploaded_while_erased_behind_a_job,
    project_made_while_erased_behind_a_key,
    project_made_while_erased_behind_a_new_name,
    teams_renamed_while_erased_behind_a_new_name,
    own_invitation_extended_while_erased_behind_a_job,
    answered_invitation_extended_while_erased_behind_a_job,
    old_invitation_extended_while_erased_behind_a_job,
    team_deleted_while_a_user_is_deleted_behind_a_key,
    others_work_while_one_is_erased,
    two_accounts_erased,
)
