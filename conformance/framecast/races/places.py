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
from conformance.framecast.operations.setups import Builder, merged
from conformance.framecast.races.schedule import Start


def office(serial: int = 0) -> Start:
    """Return people whose rows are entangled as they are in a team that works together.

    For each kind of row that somebody makes, an admin of somebody else's team has made one there,
    and nothing else that would hold the admin's account back before that does.

    Args:
        serial: ids of their rows come after it.
    """
    builder = Builder(State(serial=serial))
    ann, team = builder.creator()
    admins = []
    for _ in range(6):
        user, _own = builder.creator("bob@example.com")
        builder.do(memberships.JOIN, by=(user, team), role="admin")
        admins.append(user)
    builder.do(memberships.JOIN, by=(builder.creator("cid@example.com")[0], team), role="owner")
    painter, caller, sender, holder, archivist, runner = admins
    project = builder.do(projects.MAKE, by=(painter, team), status="draft")
    builder.do(projects.MAKE, by=(ann, team), status="draft")
    busy = builder.do(teams.FOUND, user=ann, slug="given", owned=True) - 1
    for place in (team, busy):
        builder.do(memberships.JOIN, by=(runner, place), role="admin") if place == busy else None
        job = builder.job((runner, place, None))
        builder.do(events.APPEND, job=job, number=0, kind="progress")
        if place == team:
            builder.do(jobs.SAY, job=job, status="processing")
            builder.do(jobs.SAY, job=job, status="completed")
    hook = builder.do(deliveries.MAKE, by=(caller, team), url="https", events="one")
    builder.do(deliveries.QUEUE, webhook=hook, job=job, status="pending")
    for owner in ((holder, team, None), (holder, team, holder)):
        builder.do(keys.MAKE, by=owner, hashed="fresh", lasts=None)
    revoked = builder.do(keys.MAKE, by=(holder, team, None), hashed="fresh", lasts=None)
    builder.do(keys.REVOKE, key=revoked)
    builder.do(
        assets.ANNOUNCE,
        by=(archivist, team, None),
        project=project,
        amiss="nothing",
        status="pending",
    )
    builder.do(
        memberships.INVITE,
        by=(sender, team),
        email="eve@example.com",
        role="member",
        answered="open",
    )
    rendering = builder.do(projects.MAKE, by=(ann, busy), status="draft")
    builder.do(jobs.RENDER, project=rendering, charge=0)
    return Start("office", tuple(merged(builder.writes)), builder.state)


def studio() -> Start:
    """Return somebody with a team of their own in which there is everything, and few others.

    The owner has made all of it, save what a member made who has left; is an admin of somebody
    else's team, has invited others to it, and is invited to a third.
    """
    builder = Builder(State())
    ann, shared = builder.creator()
    bob, third = builder.creator("bob@example.com")
    loner, own = builder.creator("cid@example.com")
    invitation = _invite(builder, (ann, shared), "cid@example.com")
    builder.do(memberships.ACCEPT, invitation=invitation, guest="joins first")
    builder.do(memberships.CHANGE_ROLE, membership=max(builder.state.memberships), role="admin")
    seat = builder.do(memberships.JOIN, by=(bob, own), role="admin")
    _invite(builder, (bob, own), "dan@example.com")
    builder.do(projects.MAKE, by=(bob, own), status="draft")
    builder.do(memberships.LEAVE, membership=seat)
    project = builder.do(projects.MAKE, by=(loner, own), status="draft")
    # The key of the team that can be left is the first that an erasure comes to.
    for by in ((loner, shared, None), (loner, own, None), (loner, None, loner)):
        job = builder.job(by)
        builder.do(jobs.SAY, job=job, status="processing")
        builder.do(jobs.SAY, job=job, status="completed")
        builder.do(keys.MAKE, by=by, hashed="fresh", lasts=None)
    revoked = builder.do(keys.MAKE, by=(loner, own, loner), hashed="fresh", lasts=None)
    builder.do(keys.REVOKE, key=revoked)
    builder.do(
        assets.ANNOUNCE,
        by=(loner, own, None),
        project=project,
        amiss="nothing",
        status="pending",
    )
    hook = builder.do(deliveries.MAKE, by=(loner, own), url="https", events="one")
    builder.do(deliveries.QUEUE, webhook=hook, job=job, status="pending")
    _invite(builder, (loner, shared), "eve@example.com")
    _invite(builder, (ann, shared), "bob@example.com")
    _invite(builder, (bob, third), "cid@example.com")
    return Start("studio", tuple(merged(builder.writes)), builder.state)


def _invite(builder: Builder, by: tuple[int, int], email: str) -> int:
    return builder.do(memberships.INVITE, by=by, email=email, role="member", answered="open")
