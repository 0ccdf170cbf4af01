"""Conflicts: two things that are legal alone, of which the second is not once the first is done.

There a lock shows: without it, each session looks at what there was before the other came, and both
are accepted. Which pairs these are, the model says of any start, so whoever adds an operation or a
rule names none of them; and the rule that refuses the second one says whose lock it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from math import prod
from typing import TYPE_CHECKING

from conformance.engine.domain.chosen import RULES
from conformance.engine.sql.writes import RawSql, statements
from conformance.framecast.known_races.definition import AT_ONCE
from conformance.framecast.model import rules
from conformance.framecast.operations import OPERATIONS, Operation, Step, memberships, step
from conformance.framecast.operations.setups import BY_NAME, Builder, forty_nine_invitations
from conformance.framecast.races.explorer import ENDS, two_owners
from conformance.framecast.races.meetings import COMBINATIONS, near
from conformance.framecast.races.places import office, studio
from conformance.framecast.races.schedule import (
    ROOM,
    Level,
    Planning,
    Race,
    Start,
    Transaction,
    start,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from conformance.engine.database.session import Session
    from conformance.framecast.model import State
    from conformance.framecast.operations.operation import Arguments

# Of the two sessions: alike, and where only one of them is serializable.
LEVELS = (
    (Level.READ_COMMITTED, Level.READ_COMMITTED),
    (Level.REPEATABLE_READ, Level.REPEATABLE_READ),
    (Level.SERIALIZABLE, Level.READ_COMMITTED),
    (Level.READ_COMMITTED, Level.SERIALIZABLE),
)
# Both have done what they do before either commits, and either may be the first to.
ORDERS = ((0, 1, 0, 1), (1, 0, 1, 0))
AT_ONCE_ORDER = (0, 1, 0, 1, 0, 1)


def rivals(builder: Builder) -> None:
    """Begin with a team that has sent 49 invitations, and two admins who may send the next."""
    forty_nine_invitations(builder)
    team = next(iter(builder.state.teams))
    for email in ("bob@example.com", "eve@example.com"):
        builder.do(memberships.JOIN, by=(builder.creator(email)[0], team), role="admin")


PLACES = {"office": office, "studio": studio}
BUILT = {**BY_NAME, "two owners": two_owners, "rivals": rivals}
SETUPS = ("rivals", *(name for name in BUILT if name not in {"nothing", "rivals"}))
STARTS = (*SETUPS, *PLACES)
DEFERRABLE = "SELECT conname FROM pg_catalog.pg_constraint WHERE condeferrable"
# What refuses the second one where it names a row that the first one has deleted.
GONE = "GONE"


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two legal steps from a start, and the rules by which the second is refused after the first.

    `rules` has GONE where it finds no row any more.
    """

    start: Start
    first: Step
    second: Step
    rules: frozenset[str]

    @property
    def kind(self) -> tuple[str, str, frozenset[str]]:
        """Its operations and rules: conflicts of one kind are tried once."""
        return self.first.operation.name, self.second.operation.name, self.rules

    @property
    def shared(self) -> int:
        """Number of the rows that both name."""
        return len(_named(self.first.arguments) & _named(self.second.arguments))

    @property
    def single(self) -> bool:
        """True where each is one statement, which can be asked all rules at once."""
        return all(
            sum(1 for write in each.writes for _ in statements(write)) == 1
            for each in (self.first, self.second)
        )

    @property
    def orders(self) -> tuple[tuple[int, ...], ...]:
        """Orders in which it is tried: a copy is refused for what it has read, so it comes first.

        No serial order explains that: the row that it copies has changed since it was read.
        """
        writes = (*self.first.writes, *self.second.writes)
        copies = any(isinstance(each, RawSql) and each.sql.startswith("INSERT") for each in writes)
        return ORDERS[:1] if copies else ORDERS

    def race(self, levels: tuple[Level, Level], *, at_once: bool) -> Race:
        """Two sessions that do either."""
        return Race(self.start, tuple(self._transactions(levels, at_once=at_once)))

    def _transactions(self, levels: tuple[Level, Level], *, at_once: bool) -> Iterator[Transaction]:
        steps = (("first", self.first), ("second", self.second))
        for place, (level, (name, each)) in enumerate(zip(levels, steps, strict=True)):
            plan = Planning(self.start, place)
            if at_once:
                plan.add(AT_ONCE, {})
            plan.add(each.operation, each.arguments)
            yield Transaction(name, level, tuple(plan.actions), plan.serial)


def ways(conflict: Conflict, deferred: Collection[str]) -> list[tuple[Race, tuple[int, ...]]]:
    """Return all races of a conflict, each with its order.

    What a rule of `deferred` asks at commit, sessions may ask at the end of their statement.
    """
    at_once = conflict.single and not conflict.rules.isdisjoint(deferred)
    return [
        *(
            (conflict.race(levels, at_once=False), order)
            for levels, order in product(LEVELS, conflict.orders)
        ),
        *([(conflict.race(LEVELS[0], at_once=True), AT_ONCE_ORDER)] if at_once else []),
    ]


def asked_at_commit(session: Session) -> frozenset[str]:
    """Return the rules that some constraint of a schema asks at commit."""
    names = [str(name) for (name,) in session.fetch(DEFERRABLE)]
    return frozenset(
        rule for rule, each in RULES.items() if any(each.token in name for name in names)
    )


def beginning(name: str) -> Start:
    """Return a start of STARTS."""
    if name in PLACES:
        return PLACES[name]()
    return start(name, BUILT[name])


@cache
def conflicts(name: str) -> tuple[Conflict, ...]:
    """Return the conflicts of a start, one of each kind, save those of a start before it.

    Of a kind the one in which both share the fewest rows: what they share may have a lock as well,
    and hide that another one is missing.
    """
    known = {each.kind for before in STARTS[: STARTS.index(name)] for each in conflicts(before)}
    found: dict[tuple[str, str, frozenset[str]], Conflict] = {}
    for conflict in _of(beginning(name)):
        if conflict.kind not in known:
            other = found.setdefault(conflict.kind, conflict)
            if conflict.shared < other.shared:
                found[conflict.kind] = conflict
    return tuple(found.values())


def _of(begun: Start) -> Iterator[Conflict]:
    mine = list(legal_steps(replace(begun.state, serial=ROOM)))
    theirs = list(legal_steps(replace(begun.state, serial=2 * ROOM)))
    for one in mine:
        after = replace(one.after, serial=2 * ROOM)
        changed = one.after.changed_since(begun.state)
        for other in theirs:
            refused = _refused(other, after, changed)
            if refused:
                yield Conflict(begun, one, other, refused)


def _refused(other: Step, after: State, changed: frozenset[str]) -> frozenset[str]:
    """Return the rules that a step breaks now that some tables have changed, and broke none before.

    Of the rules that hold always, only those can be broken now that speak of these tables.
    """
    try:
        act = other.operation.act(after, **other.arguments)
    except LookupError:
        return frozenset({GONE})
    return act.broken | rules.broken(act.after, act.after.changed_since(after), changed)


def legal_steps(state: State) -> Iterator[Step]:
    """Return legal steps from a state, of each operation with each argument that may be."""
    for operation in OPERATIONS.values():
        if not operation.alone and operation.possible(state):
            yield from _legal(state, operation)


def _legal(state: State, operation: Operation) -> Iterator[Step]:
    had: set[tuple[int, object]] = set()

    def planned(values: Sequence[object]) -> Step | None:
        try:
            found = step(state, operation, dict(zip(operation.takes, values, strict=True)))
        except LookupError:  # it names what is not there
            return None
        return None if found.broken or not found.writes else found

    for values in _arguments(operation, state, lambda some: planned(some) is not None):
        new = set(enumerate(values)) - had
        found = planned(values) if new or not values else None
        if found is not None:
            had |= new
            yield found


def _arguments(
    operation: Operation, state: State, is_legal: Callable[[tuple[object, ...]], bool]
) -> Iterable[tuple[object, ...]]:
    choices = [_ends(tuple(dict.fromkeys(each(state)))) for each in operation.takes.values()]
    if prod(map(len, choices)) <= COMBINATIONS:
        return product(*choices)
    return dict.fromkeys(near(choices, is_legal))


def _named(arguments: Arguments) -> set[int]:
    """Return the ids in some arguments, which may be tuples of them."""
    parts = [
        part
        for value in arguments.values()
        for part in (value if isinstance(value, tuple) else (value,))
    ]
    return {part for part in parts if isinstance(part, int) and not isinstance(part, bool)}


def _ends(choices: tuple[object, ...]) -> tuple[object, ...]:
    """Return choices from both ends, where the rows are that are near a cap, and the wrong ones."""
    return choices if len(choices) <= 2 * ENDS else (*choices[:ENDS], *choices[-ENDS:])
