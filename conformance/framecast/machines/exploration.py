"""Exploration: where the runs of one test have been, and what would lead somewhere new.

A transition is an abstract state, an operation, and what came of it: the abstract state afterwards,
or the rules that refused. Guided runs prefer operations whose transition is new, as the model says,
and begin at states that others have reached.

What is known changes between two rounds of runs only. Within a round a run knows that, and its own
past: so all that it draws depends on its choices alone, and the same choices make the same run.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from conformance.framecast.model.abstraction import Abstraction
from conformance.framecast.operations import choices_of, step

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from conformance.framecast.machines.pasts import Passed
    from conformance.framecast.model import State
    from conformance.framecast.model.abstraction import AbstractState
    from conformance.framecast.operations import Operation, Step

    Transition: TypeAlias = tuple[AbstractState, str, object]
    # An operation, and the choices of its arguments.
    Way: TypeAlias = tuple[Operation, Mapping[str, Sequence[Any]]]

T = TypeVar("T")
QUARTERS = 4
TRIES = 12  # steps that a run looks at, to find one that leads somewhere new
# Of the first quarter's new transitions, one of so many is new in the last.
MUCH, LITTLE = 2, 8
DIGITS = 12  # hexadecimal, of a transition's digest
STARTS = 2  # states of the archive at which the runs of a round may begin
DEEPEST = 60  # transactions that led to a state at which a run may still begin


@dataclass(slots=True)
class Reached:
    """A state that a run has come to, what led there, and the rounds that could begin there."""

    state: State
    past: tuple[Passed, ...]
    chosen: int = 0


@dataclass(slots=True)
class Archive:
    """Archive of what the runs of one test have seen.

    Attributes:
        leads: whether runs are led by it; else it looks on.
        salt: what the runs of a round choose with, beside what is drawn.
        transitions: those that were known when the round began.
        starts: the states at which its runs may begin.
        done: how many operations have been noted.
        news: at which of them a transition was seen for the first time.
    """

    leads: bool = True
    salt: str = ""
    transitions: set[Transition] = field(default_factory=set)
    starts: tuple[Reached, ...] = ()
    done: int = 0
    news: list[int] = field(default_factory=list)
    turns: Counter[object] = field(default_factory=Counter)
    new_turns: Counter[object] = field(default_factory=Counter)
    _states: dict[AbstractState, Reached] = field(default_factory=dict)
    _new_transitions: set[Transition] = field(default_factory=set)
    _new_states: dict[AbstractState, Reached] = field(default_factory=dict)
    _abstraction: Abstraction = field(default_factory=Abstraction)

    def curve(self) -> list[int]:
        """Return how many transitions were new in each quarter of the operations."""
        ends = [self.done * (each + 1) / QUARTERS for each in range(QUARTERS)]
        seen = [sum(at <= end for at in self.news) for end in ends]
        return [after - before for before, after in zip((0, *seen), seen, strict=False)]

    def digests(self) -> list[str]:
        """Return the transitions that were seen, each by a digest that every process gives it."""
        seen = self.transitions | self._new_transitions
        return sorted(sha256(_plain(each).encode()).hexdigest()[:DIGITS] for each in seen)

    def begin_round(self, salt: str) -> None:
        """Begin a round: what the last one has found is known from now on."""
        self.salt = salt
        self.transitions |= self._new_transitions
        for found, reached in self._new_states.items():
            if found in self._states:
                reached.chosen = self._states[found].chosen
            self._states[found] = reached
        self._new_transitions, self._new_states = set(), {}
        self.turns += self.new_turns
        self.new_turns.clear()
        self.starts = self._chosen(Random(salt))  # noqa: S311 - no secret

    def known(self) -> tuple[Reached, ...]:
        """Return the states at which a run may begin."""
        return tuple(self._states.values())

    def note(self, made: Sequence[Transition], operations: int) -> None:
        """Note the transitions that a transaction has made, and how many operations it was of."""
        self.done += operations
        for each in made:
            if each not in self.transitions and each not in self._new_transitions:
                self._new_transitions.add(each)
                self.news.append(self.done)

    def reach(self, state: State, past: Sequence[Passed]) -> None:
        """Note a state at which a run may begin, unless a way there is known that is as short."""
        found = self._abstraction.of(state)
        known = self._new_states.get(found) or self._states.get(found)
        if len(past) <= DEEPEST and (known is None or len(known.past) > len(past)):
            self._new_states[found] = Reached(state, tuple(past))

    def made(self, before: State, steps: Sequence[Step], *, accepted: bool) -> Iterator[Transition]:
        """Yield the transitions of a transaction; none of several operations that were refused."""
        state = self._abstraction.of(before)
        if accepted:
            for each in steps:
                after = self._abstraction.of(each.after)
                yield state, each.operation.name, after
                state = after
        elif len(steps) == 1:
            yield state, steps[0].operation.name, steps[0].broken

    def _chosen(self, random: Random) -> tuple[Reached, ...]:
        """Choose where to begin; seldom where many have begun before."""
        known = self.known()
        weights = [1 / (1 + each.chosen) ** 2 for each in known]
        some = random.choices(known, weights, k=STARTS) if known else []
        for each in some:
            each.chosen += 1
        return tuple(some)


class Explorer:
    """Explorer of one run: it knows what the archive does, and what the run itself has seen."""

    def __init__(self, archive: Archive) -> None:
        """Begin, knowing what was known when the round began."""
        self.archive = archive
        self.leads = archive.leads
        self._own: set[Transition] = set()
        self._turns: Counter[object] = Counter()
        self._drawn = 0

    def note(self, before: State, steps: Sequence[Step], *, accepted: bool) -> None:
        """Note what a transaction of the run came to."""
        made = list(self.archive.made(before, steps, accepted=accepted))
        self._own.update(made)
        self.archive.note(made, len(steps))

    def reach(self, state: State, past: Sequence[Passed]) -> None:
        """Note a state that the run has come to, where others can begin there."""
        if self.leads:
            self.archive.reach(state, past)

    def random(self, drawn: int) -> Random:
        """Return what to choose with, given a number that was drawn: other each time."""
        self._drawn += 1
        return Random(f"{self.archive.salt} {self._drawn} {drawn}")  # noqa: S311 - no secret

    def turn(self, random: Random, turns: Sequence[T], own: T) -> T:
        """Return what was done least, of some things; `own`, if nothing was done less."""
        counts = [self._turns[each] + self.archive.turns[each] for each in turns]
        fewest = min(counts)
        least = [each for each, count in zip(turns, counts, strict=True) if count == fewest]
        chosen = own if own in least else random.choice(least)
        self._turns[chosen] += 1
        self.archive.new_turns[chosen] += 1
        return chosen

    def is_new(self, state: State, planned: Step) -> bool:
        """Return whether nobody has made this transition, as far as the run may know."""
        return not any(
            each in self._own or each in self.archive.transitions
            for each in self.archive.made(state, [planned], accepted=not planned.broken)
        )

    def chosen(
        self, random: Random, state: State, ways: Sequence[Way], others: Sequence[Operation] = ()
    ) -> Step:
        """Return a step that leads somewhere new, or else one of the ways.

        Args:
            random: what to choose with.
            state: where the step begins.
            ways: what is preferred, as long as it leads somewhere new.
            others: what may be done instead.
        """
        first = planned = self._planned(random, state, ways)
        for _ in range(TRIES - 1):
            if self.is_new(state, planned):
                return planned
            planned = self._planned(random, state, ways)
        for _ in range(TRIES if others else 0):
            operation = random.choice(others)
            choices = choices_of(state, operation)
            if all(choices.values()):
                planned = self._planned(random, state, [(operation, choices)])
                if self.is_new(state, planned):
                    return planned
        return first

    @staticmethod
    def _planned(random: Random, state: State, ways: Sequence[Way]) -> Step:
        operation, choices = random.choice(ways)
        return step(state, operation, {name: random.choice(each) for name, each in choices.items()})


def told(name: str, operations: int, curve: Sequence[int]) -> str:
    """Return in words what the runs of a machine have seen, and whether more would see more."""
    first, last = curve[0], curve[-1]
    if last * MUCH >= first:
        more = "more time would show much more"
    elif last * LITTLE >= first:
        more = "more time would show some more"
    else:
        more = "more time would show little more"
    quarters = ", ".join(map(str, curve))
    return (
        f"{name}: {sum(curve)} different transitions in {operations} operations,"
        f" new in each quarter {quarters}: {more}"
    )


def _plain(value: object) -> str:
    """Return a text of a transition in which sets have an order."""
    if isinstance(value, frozenset):
        return f"{{{', '.join(sorted(map(_plain, value)))}}}"
    if isinstance(value, tuple):
        return f"({', '.join(map(_plain, value))})"
    return repr(value)
