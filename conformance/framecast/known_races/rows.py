"""Races of single statements that write several rows, whose locks the schema has to sort."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.framecast.known_races.definition import RaceSetup, does, known_race
from conformance.framecast.operations import Act, Operation, jobs, keys, memberships, teams, users
from conformance.framecast.operations.setups import merged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.framecast.model import State

ORDER = "whoever waits for the same waits in the same order"


def _make_keys(state: State, by: Sequence[tuple[int, int, None]]) -> Act:
    return _together(
        state, keys.MAKE, [{"by": each, "hashed": "fresh", "lasts": None} for each in by]
    )


def _make_jobs(state: State, by: tuple[int, int, None], count: int) -> Act:
    plain = {"by": by, "project": None, "charge": 0, "key": None, "status": "queued"}
    return _together(state, jobs.MAKE, [plain] * count)


def _together(state: State, operation: Operation, each: Sequence[dict[str, Any]]) -> Act:
    """Do the same several times, in one statement."""
    acts: list[Act] = []
    for arguments in each:
        acts.append(operation.act(acts[-1].after if acts else state, **arguments))
    broken = frozenset().union(*(act.broken for act in acts))
    return Act(tuple(merged([one for act in acts for one in act.writes])), acts[-1].after, broken)


MAKE_KEYS = Operation("make several keys", {}, _make_keys)
MAKE_JOBS = Operation("make several jobs", {}, _make_jobs)


@known_race("LOCK ORDER", "ROLE-2", invariant=ORDER, times=8)
def keys_of_two_made_behind_a_third(setup: RaceSetup) -> None:
    """A role changes; meanwhile keys of two members are made, in one order and in the other."""
    _, team = setup.given.creator()
    _, other = setup.given.creator("cid@example.com")
    members, seats = [], []
    for email in ("bob@example.com", "ben@example.com"):
        user = setup.given.do(users.SIGN_UP, email=email)
        setup.given.do(users.UPGRADE, user=user, stamp=True, team=False)
        setup.given.do(memberships.JOIN, by=(user, other), role="member")
        seats.append(setup.given.do(memberships.JOIN, by=(user, team), role="member"))
        members.append((user, team, None))
    setup.session("ann", does(memberships.CHANGE_ROLE, membership=seats[0], role="admin"))
    setup.session("service", does(MAKE_KEYS, by=members))
    setup.session("another", does(MAKE_KEYS, by=members[::-1]))


@known_race("LOCK ORDER", "CARD-5", "DEL-1", invariant=ORDER)
def two_jobs_made_while_the_team_goes(setup: RaceSetup) -> None:
    """Two jobs are made in one statement, while their team is being deleted."""
    ann, team = setup.given.creator()
    _, other = setup.given.creator("cid@example.com")
    setup.given.do(memberships.JOIN, by=(ann, other), role="member")
    setup.session("ann", does(MAKE_JOBS, by=(ann, team, None), count=2))
    setup.session("support", does(teams.DELETE, team=team))


KNOWN_RACES = (keys_of_two_made_behind_a_third, two_jobs_made_while_the_team_goes)
