"""Leaving out of what a hostile run has shown all that has no part in it.

Hypothesis makes shorter what it has drawn. The setup was not drawn, but chosen as a whole, and so
were the rows that it holds: they are left out here, statement by statement, each attempt judged as
the run was. What belongs together goes together: all that speaks of one row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from conformance.engine.cases.reduction import ID
from conformance.engine.cases.verdicts import Finding, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.sql.writes import Statement
    from conformance.framecast.machines.hostile import HostileRunner

ATTEMPTS = 500  # of some milliseconds each: what is still there after so many stays

Bodies: TypeAlias = "tuple[tuple[Statement, ...], ...]"


class Place(NamedTuple):
    """A statement of a transaction, both by number."""

    body: int
    at: int


def essentials(finding: Finding, hostile_runner: HostileRunner) -> Finding:
    """Return the same finding, shown by as few statements as are needed.

    What waits until a timeout is not tried again, and what steps cannot show stays as it is.
    """
    if finding.verdict is Verdict.UNPROVEN or not finding.steps:
        return finding
    bodies: Bodies = tuple(step.sql for step in finding.steps)
    best, left = finding, ATTEMPTS
    progress = True
    while progress and left > 0:
        progress = False
        for places in _candidates(bodies):
            if left <= 0:
                break
            less = _without(bodies, places)
            if less == bodies:
                continue
            left -= 1
            again = hostile_runner.again(less) if less else None
            if again is not None and _is_same(finding, again):
                best, bodies, progress = again, less, True
                break
    # Once more, so that what the session remembers is this and no attempt after it.
    return hostile_runner.again(bodies) or best


def _is_same(one: Finding, other: Finding) -> bool:
    return (one.rule, one.verdict, one.expected) == (other.rule, other.verdict, other.expected)


def _candidates(bodies: Bodies) -> Iterator[frozenset[Place]]:
    """Return what might be left out, the most first, the newest before what it may stand on."""
    places = [Place(n, at) for n, body in enumerate(bodies) for at in range(len(body))]
    setup = [place for place in places if place.body < len(bodies) - 1]
    yield frozenset(setup)
    for n in reversed(range(len(bodies) - 1)):
        yield frozenset(place for place in setup if place.body == n)
    size = len(places)
    while size > 1:
        size //= 2
        for start in range(len(places) - size, -1, -size):
            yield frozenset(places[start : start + size])
    by_id: dict[str, set[Place]] = {}
    for place in places:
        for found in ID.findall(_text(bodies[place.body][place.at])):
            by_id.setdefault(found, set()).add(place)
    for some in sorted(by_id.values(), key=len, reverse=True):
        yield frozenset(some)
        yield frozenset(some.intersection(setup))
    for start in range(len(places) - 2, -1, -1):
        yield frozenset(places[start : start + 2])


def _without(bodies: Bodies, places: frozenset[Place]) -> Bodies:
    less = (
        tuple(each for at, each in enumerate(body) if Place(n, at) not in places)
        for n, body in enumerate(bodies)
    )
    return tuple(body for body in less if body)


def _text(statement: Statement) -> str:
    return statement.sql + (statement.data or "")
