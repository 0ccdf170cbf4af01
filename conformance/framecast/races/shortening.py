"""Making a race that failed as small as it can be: sessions, steps, and switches between them.

As with runs, what is left out is left out by what it means. Every attempt is run and judged like
any other race, and counts where it fails by the same rule.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from conformance.engine.cases.verdicts import Finding
from conformance.engine.races.orders import following, switches
from conformance.framecast.races.schedule import Level, Planning, Race, Transaction
from conformance.framecast.races.serial import merges

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.framecast.races.harness import Harness

Case: TypeAlias = "tuple[Race, tuple[int, ...]]"
# Orders that are tried for fewer switches; races that have more of them keep theirs.
MOST_ORDERS = 300


def shortest(finding: Finding, race: Race, order: tuple[int, ...], harness: Harness) -> Finding:
    """Return the same finding, by rule, from a race of which nothing more can be left out."""
    case: Case = (race, order)
    progress = True
    while progress:
        progress = False
        for shorter in (*_smaller(*case), *_calmer(*case)):
            found = fails(finding, shorter, harness)
            if found is not None:
                finding, case, progress = found, shorter, True
                break
    return fails(finding, case, harness) or finding


def fails(
    finding: Finding, case: Case, harness: Harness, about: tuple[str, ...] = ()
) -> Finding | None:
    """Run a race that is about some rules; return its finding where it is the same."""
    race, order = case
    try:
        harness.run(race, following(order), about)
    except Finding as again:
        return again if again == finding else None
    return None


def _smaller(race: Race, order: tuple[int, ...]) -> Iterator[Case]:
    """Return the race with less: a session, an action, an early begin, a stricter level."""
    for place in range(len(race.sessions)):
        if len(race.sessions) > 1:
            yield _without_session(race, order, place)
    for place, session in race.transactions.items():
        if len(session.actions) > 1:
            for which in range(len(session.actions)):
                kept = (*session.actions[:which], *session.actions[which + 1 :])
                less = _without_step(order, place, which + session.early)
                yield _with(race, place, replace(session, actions=kept)), less
                again = _planned_anew(race, place, replace(session, actions=kept))
                if again is not None:
                    yield again, less
        if session.early:
            less = _without_step(order, place, 0)
            yield _with(race, place, replace(session, early=False)), less
        if session.level is not Level.READ_COMMITTED:
            lower = tuple(Level)[tuple(Level).index(session.level) - 1]
            yield _with(race, place, replace(session, level=lower)), order


def _calmer(race: Race, order: tuple[int, ...]) -> Iterator[Case]:
    """Return the race in orders with fewer switches, the fewest first."""
    lengths = [len(each.script) for each in race.sessions]
    found: list[tuple[int, ...]] = []
    for each in merges(lengths):
        if len(found) >= MOST_ORDERS:
            break
        found.append(each)
    for each in sorted(found, key=lambda one: (switches(one), one)):
        if switches(each) < switches(order):
            yield race, each


def _with(race: Race, place: int, session: Transaction) -> Race:
    sessions = list(race.sessions)
    sessions[place] = session
    return replace(race, sessions=tuple(sessions))


def _planned_anew(race: Race, place: int, session: Transaction) -> Race | None:
    """Return the race with a session's actions planned again, as if it knew of those before it."""
    known = [each for at, each in race.transactions.items() if at < place]
    plan = Planning(race.start, place, known)
    try:
        for action in session.actions:
            plan.add(action.operation, action.arguments, action.name)
    except (KeyError, StopIteration):
        return None
    return _with(race, place, replace(session, actions=tuple(plan.actions), serial=plan.serial))


def _without_session(race: Race, order: tuple[int, ...], place: int) -> Case:
    sessions = (*race.sessions[:place], *race.sessions[place + 1 :])
    left = tuple(each - (each > place) for each in order if each != place)
    return replace(race, sessions=sessions), left


def _without_step(order: tuple[int, ...], place: int, which: int) -> tuple[int, ...]:
    """Return the order without a session's step of that place."""
    at = [where for where, each in enumerate(order) if each == place]
    if which >= len(at):
        return order
    return (*order[: at[which]], *order[at[which] + 1 :])
