"""Races at caps: every two ways to one row more, and every way to one less beside one to more.

Who has room for one more, and which operations take it or make it, is written here once for each
cap. The pairs are not: an operation that is added to a cap meets all others.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING

from conformance.framecast.known_races.definition import KnownRace, RaceSetup, RaceStep, does
from conformance.framecast.operations import clock, jobs, memberships, projects, teams, users
from conformance.framecast.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.framecast.operations.setups import Builder

JOB = {"project": None, "charge": 0, "key": None, "status": "queued"}
OPEN = {"role": "member", "answered": "open"}


@dataclass(frozen=True, slots=True)
class Ways:
    """Operations that change by one how many rows somebody has who has room for one more.

    Attributes:
        enter: ways to one more; two of one kind, where that can be done twice.
        leave: ways to one less, from when there is no more room.
    """

    enter: tuple[RaceStep, ...]
    leave: tuple[RaceStep, ...]


def owned_teams(given: Builder) -> Ways:
    """Make somebody who owns nine teams, and could be an owner of two others."""
    user, first = given.creator()
    for _ in range(8):
        given.do(teams.FOUND, user=user, slug="given", owned=True)
    seats = []
    for email in ("bob@example.com", "cid@example.com"):
        _, team = given.creator(email)
        owner = given.state.serial
        seats.append((owner, given.do(memberships.JOIN, by=(user, team), role="admin")))
    founds = does(teams.FOUND, user=user, slug="given", owned=True)
    return Ways(
        (
            founds,
            founds,
            does(memberships.CHANGE_ROLE, membership=seats[0][1], role="owner"),
            does(memberships.HAND_OVER, membership=seats[1][0], first="take"),
            does(users.UPGRADE, user=user, stamp=True, team=True),
        ),
        (does(teams.DELETE, team=first),),
    )


def teams_of_a_user(given: Builder) -> Ways:
    """Make somebody who is in 49 teams, and is invited to another one."""
    owners = [given.creator("bob@example.com") for _ in range(6)]
    for owner, _ in owners[:5]:
        for _ in range(9):
            given.do(teams.FOUND, user=owner, slug="given", owned=True)
    user, own = given.creator()
    others = [team for team in given.state.teams if team != own]
    seats = [given.do(memberships.JOIN, by=(user, team), role="viewer") for team in others[:48]]
    host = next(m.user for m in given.state.members(others[48]))
    invited = given.do(
        memberships.INVITE, by=(host, others[48]), email=given.state.users[user].email, **OPEN
    )
    joins = [does(memberships.JOIN, by=(user, team), role="viewer") for team in others[49:51]]
    return Ways(
        (
            *joins,
            does(memberships.ACCEPT, invitation=invited, guest="joins"),
            does(teams.FOUND, user=user, slug="given", owned=True),
            does(users.UPGRADE, user=user, stamp=True, team=True),
        ),
        (
            does(memberships.LEAVE, membership=seats[-1]),
            does(teams.DELETE, team=others[0]),
        ),
    )


def open_invitations(given: Builder) -> Ways:
    """Make a team that has sent 49 invitations, and three by two owners that have expired."""
    ann, team = given.creator()
    bob, _ = given.creator("bob@example.com")
    given.do(memberships.JOIN, by=(bob, team), role="owner")
    late = [
        given.do(memberships.INVITE, by=(each, team), email=f"late{n}@example.com", **OPEN)
        for n, each in enumerate((ann, bob, ann))
    ]
    given.do(clock.PASS, days=7)
    sent = [
        given.do(memberships.INVITE, by=(ann, team), email=f"guest{n}@example.com", **OPEN)
        for n in range(49)
    ]
    invites = [
        does(memberships.INVITE, by=(who, team), email=email, **OPEN)
        for who, email in ((ann, "cid@example.com"), (bob, "dan@example.com"))
    ]
    return Ways(
        (
            *invites,
            *(does(memberships.EXTEND, invitation=each) for each in late[:2]),
            does(memberships.RESEND, invitation=late[2]),
        ),
        (
            does(memberships.REVOKE, invitation=sent[0]),
            does(memberships.ACCEPT, invitation=sent[0], guest="nobody joins"),
        ),
    )


def active_jobs(given: Builder) -> Ways:
    """Make a team that has four active jobs, one that is done, and two who may make more."""
    ann, team = given.creator()
    bob, _ = given.creator("bob@example.com")
    given.do(memberships.JOIN, by=(bob, team), role="member")
    project = given.do(projects.MAKE, by=(ann, team), status="draft")
    done = given.job((ann, team, None))
    for status in ("processing", "completed"):
        given.do(jobs.SAY, job=done, status=status)
    active = [given.job((ann, team, None)) for _ in range(4)]
    given.do(jobs.SAY, job=active[0], status="processing")
    return Ways(
        (
            does(jobs.MAKE, by=(ann, team, None), **JOB),
            does(jobs.MAKE, by=(bob, team, bob), **JOB),
            does(jobs.RENDER, project=project, charge=0),
            does(jobs.CLONE, job=done),
        ),
        (
            does(jobs.SAY, job=active[0], status="completed"),
            does(jobs.CANCEL, job=active[1], lacking="nothing"),
        ),
    )


def starters_jobs(given: Builder) -> Ways:
    """Make a starter whose only job is done."""
    eve = given.do(users.SIGN_UP, email="eve@example.com")
    done = given.job((eve, None, eve))
    for status in ("processing", "completed"):
        given.do(jobs.SAY, job=done, status=status)
    makes = does(jobs.MAKE, by=(eve, None, eve), **JOB)
    return Ways((makes, makes, does(jobs.CLONE, job=done)), ())


# By the rule, of those that say the same the first.
WAYS: dict[str, Callable[[Builder], Ways]] = {
    "INV-T7": owned_teams,
    "INV-T8": teams_of_a_user,
    "CARD-4": open_invitations,
    "CARD-5": active_jobs,
    "CARD-6": starters_jobs,
}


def _races() -> Iterator[KnownRace]:
    for rule, build in WAYS.items():
        ways = build(RaceSetup().given)
        named: set[tuple[str, ...]] = set()
        for places in combinations(range(len(ways.enter)), 2):
            names = tuple(ways.enter[at].operation.name for at in places)
            if names not in named:
                named.add(names)
                yield _race(rule, names, partial(_both, places))
        for place, way in enumerate(ways.leave):
            names = (way.operation.name, ways.enter[1].operation.name)
            yield _race(rule, names, partial(_in_turn, place), full=True)


def _both(places: tuple[int, int], ways: Ways) -> tuple[RaceStep, ...]:
    return tuple(ways.enter[place] for place in places)


def _in_turn(place: int, ways: Ways) -> tuple[RaceStep, ...]:
    return ways.leave[place], ways.enter[1]


def _race(
    rule: str,
    names: tuple[str, ...],
    chosen: Callable[[Ways], tuple[RaceStep, ...]],
    *,
    full: bool = False,
) -> KnownRace:
    """Return the race of two ways; where there is no more room, the first way was taken before."""

    def play(setup: RaceSetup) -> None:
        ways = WAYS[rule](setup.given)
        if full:
            setup.given.do(ways.enter[0].operation, **ways.enter[0].arguments)
        for who, way in zip(("one", "another"), chosen(ways), strict=True):
            setup.session(who, way)

    declared = RULES[rule]
    return KnownRace(
        declared.token + "_and_".join(each.replace(" ", "_") for each in names),
        tuple(each.id for each in RULES.values() if each.kind == declared.kind),
        declared.statement,
        f"With {'no more room' if full else 'room for one more'}: {' and '.join(names)}, at once.",
        play,
    )


KNOWN_RACES = tuple(_races())
