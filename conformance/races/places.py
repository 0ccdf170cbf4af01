"""Where statements meet: people whose rows are entangled, so that much is locked by each."""

from __future__ import annotations

from conformance.framecast.model import State
from conformance.framecast.operations import (
    assets,
    deliveries,
    events,
    jobs,
    keys,
    memberships,
    projects,
    teams,
)
from conformance.framecast.operations.setups import Building, merged
from conformance.races.schedule import Start


def office(serial: int = 0) -> Start:
    """Return people whose rows are entangled as they are in a team that works together.

    For each kind of row that somebody makes, an admin of somebody else's team has made one there,
    and nothing else that would hold the admin's account back before that does.

    Args:
        serial: ids of their rows come after it.
    """
    building = Building(State(serial=serial))
    ann, team = building.creator()
    admins = []
    for _ in range(6):
        user, _own = building.creator("bob@example.com")
        building.do(memberships.JOIN, by=(user, team), role="admin")
        admins.append(user)
    building.do(memberships.JOIN, by=(building.creator("cid@example.com")[0], team), role="owner")
    painter, caller, sender, holder, archivist, runner = admins
    project = building.do(projects.MAKE, by=(painter, team), status="draft")
    building.do(projects.MAKE, by=(ann, team), status="draft")
    busy = building.do(teams.FOUND, user=ann, slug="given", owned=True) - 1
    for place in (team, busy):
        building.do(memberships.JOIN, by=(runner, place), role="admin") if place == busy else None
        job = building.job((runner, place, None))
        building.do(events.APPEND, job=job, number=0, kind="progress")
        if place == team:
            building.do(jobs.SAY, job=job, status="processing")
            building.do(jobs.SAY, job=job, status="completed")
    hook = building.do(deliveries.MAKE, by=(caller, team), url="https", events="one")
    building.do(deliveries.QUEUE, webhook=hook, job=job, status="pending")
    for owner in ((holder, team, None), (holder, team, holder)):
        building.do(keys.MAKE, by=owner, hashed="fresh", lasts=None)
    revoked = building.do(keys.MAKE, by=(holder, team, None), hashed="fresh", lasts=None)
    building.do(keys.REVOKE, key=revoked)
    building.do(
        assets.ANNOUNCE,
        by=(archivist, team, None),
        project=project,
        amiss="nothing",
        status="pending",
    )
    building.do(
        memberships.INVITE,
        by=(sender, team),
        email="eve@example.com",
        role="member",
        answered="open",
    )
    rendering = building.do(projects.MAKE, by=(ann, busy), status="draft")
    building.do(jobs.RENDER, project=rendering, charge=0)
    return Start("office", tuple(merged(building.writes)), building.state)


def studio() -> Start:
    """Return somebody with a team of their own in which there is everything, and few others.

    The owner has made all of it, save what a member made who has left; is an admin of somebody
    else's team, has invited others to it, and is invited to a third.
    """
    building = Building(State())
    ann, shared = building.creator()
    bob, third = building.creator("bob@example.com")
    loner, own = building.creator("cid@example.com")
    invitation = _invite(building, (ann, shared), "cid@example.com")
    building.do(memberships.ACCEPT, invitation=invitation, guest="joins first")
    building.do(memberships.CHANGE_ROLE, membership=max(building.state.memberships), role="admin")
    seat = building.do(memberships.JOIN, by=(bob, own), role="admin")
    _invite(building, (bob, own), "dan@example.com")
    building.do(projects.MAKE, by=(bob, own), status="draft")
    building.do(memberships.LEAVE, membership=seat)
    project = building.do(projects.MAKE, by=(loner, own), status="draft")
    for by in ((loner, own, None), (loner, shared, None), (loner, None, loner)):
        job = building.job(by)
        building.do(jobs.SAY, job=job, status="processing")
        building.do(jobs.SAY, job=job, status="completed")
        building.do(keys.MAKE, by=by, hashed="fresh", lasts=None)
    revoked = building.do(keys.MAKE, by=(loner, own, loner), hashed="fresh", lasts=None)
    building.do(keys.REVOKE, key=revoked)
    building.do(
        assets.ANNOUNCE,
        by=(loner, own, None),
        project=project,
        amiss="nothing",
        status="pending",
    )
    hook = building.do(deliveries.MAKE, by=(loner, own), url="https", events="one")
    building.do(deliveries.QUEUE, webhook=hook, job=job, status="pending")
    _invite(building, (loner, shared), "eve@example.com")
    _invite(building, (ann, shared), "bob@example.com")
    _invite(building, (bob, third), "cid@example.com")
    return Start("studio", tuple(merged(building.writes)), building.state)


def _invite(building: Building, by: tuple[int, int], email: str) -> int:
    return building.do(memberships.INVITE, by=by, email=email, role="member", answered="open")
