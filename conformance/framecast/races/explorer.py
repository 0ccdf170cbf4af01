"""Races that Hypothesis draws: a start, sessions that are apt to meet, and orders of their steps.

Sessions that do anything to anything hardly ever meet. So a race has a theme, whose operations
speak of the same few rows; a session often does what another one does; arguments come from the ends
of what there is to choose from, where the rows are that are near a cap, and the wrong ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping  # noqa: TC003 - fields of dataclasses
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from conformance.framecast.operations import (
    Operation,
    Step,
    assets,
    credit,
    deliveries,
    events,
    jobs,
    keys,
    memberships,
    projects,
    step,
    teams,
    users,
)
from conformance.framecast.operations.setups import BY_NAME, Lack, all_there
from conformance.framecast.races.schedule import (
    Level,
    Planning,
    Race,
    Reader,
    Start,
    Transaction,
    start,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hypothesis.strategies import DrawFn

    from conformance.framecast.operations.setups import Builder
    from conformance.framecast.races.schedule import Session

LONGEST = 4  # operations in one transaction
SESSIONS = 3  # at most, readers included
ATTEMPTS = 6  # to draw an operation, and its arguments, such that it is legal
# How often: sessions do alike, know of each other, begin early, do what is wrong.
ALIKE, KNOWING, EARLY, WRONG = 0.6, 0.2, 0.2, 0.05
ENDS = 3  # choices from each end
ORDERS = 4  # of one race


@dataclass(frozen=True, slots=True)
class Theme:
    """Operations whose sessions meet, with weights, and the setups from which they set out."""

    setups: tuple[str, ...]
    operations: tuple[tuple[int, Operation], ...]
    follows: bool = False  # whether somebody follows the events of a job


THEMES: Mapping[str, Theme] = {
    "members": Theme(
        ("a team", "forty nine memberships"),
        (
            (3, teams.FOUND),
            (4, memberships.JOIN),
            (4, memberships.LEAVE),
            (4, memberships.CHANGE_ROLE),
            (2, memberships.HAND_OVER),
            (2, users.UPGRADE),
            (1, users.DELETE),
            (2, teams.DELETE),
        ),
    ),
    "owned": Theme(
        ("nine owned teams",),
        ((5, teams.FOUND), (2, memberships.CHANGE_ROLE), (1, memberships.JOIN)),
    ),
    "owners": Theme(
        ("two owners",),
        (
            (4, memberships.LEAVE),
            (4, memberships.CHANGE_ROLE),
            (3, users.DELETE),
            (3, memberships.JOIN),
            (2, memberships.INVITE),
            (1, memberships.HAND_OVER),
            (1, teams.DELETE),
        ),
    ),
    "sent": Theme(
        ("forty nine invitations",),
        ((5, memberships.INVITE), (1, memberships.RESEND), (1, memberships.REVOKE)),
    ),
    "invitations": Theme(
        ("a team", "forty nine invitations"),
        (
            (6, memberships.INVITE),
            (2, memberships.RESEND),
            (1, memberships.EXTEND),
            (2, memberships.REVOKE),
            (3, memberships.ACCEPT),
            (3, memberships.JOIN),
            (1, memberships.CHANGE_ROLE),
            (4, users.CHANGE_EMAIL),
        ),
    ),
    "jobs": Theme(
        ("four active jobs", "jobs of each kind", "a team"),
        (
            (6, jobs.MAKE),
            (2, jobs.START),
            (2, jobs.COMPLETE),
            (2, jobs.CANCEL),
            (1, jobs.CLONE),
            (1, jobs.DELETE),
            (1, users.UPGRADE),
            (1, memberships.LEAVE),
            (1, teams.DELETE),
        ),
    ),
    "projects": Theme(
        ("projects of each kind", "four active jobs"),
        (
            (5, jobs.RENDER),
            (1, jobs.START),
            (2, jobs.COMPLETE),
            (1, jobs.FAIL),
            (2, jobs.CANCEL),
            (1, projects.MAKE),
            (3, projects.ARCHIVE),
            (2, projects.UNARCHIVE),
            (3, projects.DELETE),
            (1, projects.EDIT),
            (1, teams.DELETE),
        ),
    ),
    "credits": Theme(
        ("jobs of each kind", "a team"),
        (
            (4, jobs.MAKE),
            (2, credit.GRANT),
            (4, credit.SPEND),
            (4, credit.REFUND),
            (2, credit.CHARGE),
            (1, jobs.FAIL),
            (2, events.ROLL_UP),
        ),
    ),
    "keys": Theme(
        ("keys of each kind", "a team"),
        (
            (5, keys.MAKE),
            (2, keys.REVOKE),
            (3, keys.REVIVE),
            (4, memberships.LEAVE),
            (2, memberships.CHANGE_ROLE),
            (2, memberships.JOIN),
            (1, users.DELETE),
            (1, teams.DELETE),
            (1, users.UPGRADE),
        ),
    ),
    "content": Theme(
        ("keys of each kind", "deliveries of each kind"),
        (
            (3, assets.ANNOUNCE),
            (3, assets.SAY),
            (2, projects.DELETE),
            (2, deliveries.MAKE),
            (2, deliveries.REMOVE),
            (2, deliveries.QUEUE),
            (3, deliveries.TRY),
            (1, deliveries.ASK_AGAIN),
            (2, memberships.CHANGE_ROLE),
            (1, events.OPEN),
        ),
    ),
    "events": Theme(
        ("deliveries of each kind", "jobs of each kind"),
        (
            (6, events.APPEND),
            (2, events.REMOVE),
            (1, jobs.SAY),
            (1, jobs.PROGRESS),
            (1, jobs.DELETE),
        ),
        follows=True,
    ),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """Writes that a schema cannot take, for lack of a column or a function, are not drawn.

    Attributes:
        lack: what a write needs and the schema lacks.
        skip: is told of each planned step that was left out, and of what it lacks.
        keep: is told the name of each operation that was drawn.
    """

    lack: Lack = all_there
    skip: Callable[[Step, tuple[str, str]], None] = lambda _step, _lack: None
    keep: Callable[[str], None] = lambda _name: None


NO_LIMITS = Limits()
# Every theme with every setup of its own: a start that stays the same is quickly brought back.
PAIRS = {
    f"{name}, {like}": (theme, like) for name, theme in THEMES.items() for like in theme.setups
}


@st.composite
def races(
    draw: DrawFn, theme: Theme, like: str, limits: Limits = NO_LIMITS
) -> tuple[Race, list[tuple[int, ...]]]:
    """Draw a race that begins like a setup, and some orders in which its sessions may go on.

    Hypothesis draws one number, and the rest is made of that: it costs as much to draw fifty things
    as to run the race, and `shortening` makes a race smaller by what it means.
    """
    return drawn(theme, like, draw(st.integers(0, 2**32 - 1)), limits)


def drawn(
    theme: Theme, like: str, number: int, limits: Limits = NO_LIMITS
) -> tuple[Race, list[tuple[int, ...]]]:
    """Return the race and the orders of a number: the same ones each time."""
    chance = Random(number)  # noqa: S311 - nothing is secret
    beginning = _start(like, limits.lack)
    count = chance.choice((2, 2, 3))
    lengths = (1, 1, 1, 2, 2, 3, LONGEST) if count < SESSIONS else (1, 1, 1, 2)
    planned: list[Transaction] = []
    for _ in range(count):
        length = chance.choice(lengths)
        planned.append(_transaction(chance, theme, beginning, length, planned, limits))
    sessions: list[Session] = list(planned)
    if theme.follows and count < SESSIONS:
        job = next(iter(beginning.state.job_events.values()), None)
        followed = job.job if job else next(iter(beginning.state.jobs))
        sessions.append(Reader("reader", followed, chance.randint(1, 3)))
    race = Race(beginning, tuple(sessions))
    steps = [place for place, each in enumerate(race.sessions) for _ in each.script]
    # All that is done before anything is committed, and a few orders more.
    last = list(range(len(race.sessions)))
    first = [place for place, each in enumerate(race.sessions) for _ in each.script[1:]]
    together = (*chance.sample(first, len(first)), *chance.sample(last, len(last)))
    more = [tuple(chance.sample(steps, len(steps))) for _ in range(ORDERS - 1)]
    return race, [together, *more]


def _transaction(  # noqa: PLR0913, PLR0917 - all that one is made of
    chance: Random,
    theme: Theme,
    start: Start,
    length: int,
    others: Sequence[Transaction],
    limits: Limits,
) -> Transaction:
    # Mostly the level of the session before: locks that fail at one level fail for all who use it.
    level = chance.choice(tuple(Level))
    if others and chance.random() < ALIKE:
        level = others[-1].level
    place = len(others)
    # Now and then a session knows of what others make, and does something with that.
    plan = _planning(start, place, others if chance.random() < KNOWING else ())
    for _ in range(length):
        _plan(chance, theme, plan, others, limits)
    if not plan.actions:  # a transaction does something, be it wrong
        plan = Planning(start, place)
        operation = next(each for each in _weighted(theme) if each.possible(plan.state))
        plan.add(operation, _arguments(chance, operation, plan))
    early = chance.random() < EARLY
    return Transaction(f"session {place + 1}", level, tuple(plan.actions), plan.serial, early)


def _planning(start: Start, place: int, knows: Sequence[Transaction]) -> Planning:
    try:
        return Planning(start, place, knows)
    except LookupError:
        return Planning(start, place)  # what one of them does, another one makes impossible


def _plan(
    chance: Random, theme: Theme, plan: Planning, others: Sequence[Transaction], limits: Limits
) -> None:
    """Add an action: mostly one that is legal, as far as its session knows."""
    same = [each for other in others for each in other.actions]
    for _ in range(ATTEMPTS):
        operation, arguments = None, None
        if same and chance.random() < ALIKE:
            like = chance.choice(same)
            operation = like.operation
            arguments = like.arguments if chance.random() < ALIKE else None
        elif possible := [each for each in _weighted(theme) if each.possible(plan.state)]:
            operation = chance.choice(possible)
        if operation is None or not operation.possible(plan.state):
            continue
        legal = _legal(chance, operation, arguments, plan, limits)
        if legal is not None:
            plan.add(operation, legal)
            return


def _legal(
    chance: Random,
    operation: Operation,
    arguments: Mapping[str, Any] | None,
    plan: Planning,
    limits: Limits,
) -> Mapping[str, Any] | None:
    """Return arguments with which an operation breaks nothing; now and then, with which it does."""
    for _ in range(ATTEMPTS):
        tried = arguments or _arguments(chance, operation, plan)
        try:
            planned = step(plan.state, operation, tried)
        except LookupError:
            return None  # it is about what only another session has
        lacks = [each for each in map(limits.lack, planned.writes) if each != ("", "")]
        if lacks:  # other arguments may need less
            limits.skip(planned, lacks[0])
        elif not planned.broken or chance.random() < WRONG:
            limits.keep(operation.name)
            return tried
        arguments = None
    return None


def _arguments(chance: Random, operation: Operation, plan: Planning) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    for name, choice in operation.takes.items():
        choices = tuple(choice(plan.state))
        distinct = tuple(dict.fromkeys(choices))
        if len(distinct) > 2 * ENDS:
            choices = (*distinct[:ENDS], *distinct[-ENDS:])
        arguments[name] = chance.choice(choices)
    return arguments


@cache
def _start(name: str, lack: Lack) -> Start:
    """Return a start, without what the schema lacks something for if it comes to something."""
    build = two_owners if name == "two owners" else BY_NAME[name]
    try:
        return start(name, build, lack)
    except (LookupError, StopIteration):
        return start(name, build)


def two_owners(builder: Builder) -> None:
    """Begin with a team of two owners and a member, who are in another team too."""
    ann, team = builder.creator()
    _, other = builder.creator("eve@example.com")
    builder.do(memberships.JOIN, by=(ann, other), role="member")
    for email, role in (("cid@example.com", "member"), ("bob@example.com", "owner")):
        user = builder.do(users.SIGN_UP, email=email)
        builder.do(users.UPGRADE, user=user, stamp=True, team=False)
        builder.do(memberships.JOIN, by=(user, other), role="member")
        builder.do(memberships.JOIN, by=(user, team), role=role)


def _weighted(theme: Theme) -> tuple[Operation, ...]:
    return tuple(each for weight, each in theme.operations for _ in range(weight))
