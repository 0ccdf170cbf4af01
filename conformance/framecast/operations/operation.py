"""Operations: each is one thing that the product does, as data, known to no database.

An operation says what it may be done to (`takes`), and what doing it there means (`act`): the
writes, the model's state afterwards, and the rules that it breaks as a write or a transition. The
rules that hold always are added by `step`, from the state afterwards, for all operations alike.
So an operation changes the model as if nothing were forbidden, and what is forbidden shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from conformance.engine.sql.writes import Write  # noqa: TC001 - a field of a dataclass
from conformance.framecast.model import State, rules

# Returns what an argument may be, the plainest first; nothing where it cannot be done yet.
Choice: TypeAlias = Callable[[State], Sequence[Any]]
Arguments: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Act:
    """Effect of an operation at one point of the model.

    Attributes:
        writes: what it does to a database.
        after: the model's state afterwards, whether or not that is allowed.
        broken: the rules on writes and transitions that it breaks.
    """

    writes: tuple[Write, ...]
    after: State
    broken: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that the product does.

    Attributes:
        name: a plain phrase, such as `invite somebody`; no two operations share one.
        takes: its arguments by name, and how to choose them.
        act: what it does, given a state and its arguments.
        alone: whether it must have a transaction for itself.
        left_open: by argument, a value and the one that says what else the database may make of the
            same writes, where several sessions are at work.
        says: the rules that say what it comes to, where that is the database's work.
    """

    name: str
    takes: Mapping[str, Choice]
    act: Callable[..., Act] = field(repr=False)
    alone: bool = False
    left_open: Mapping[str, Mapping[Any, Any]] = field(default_factory=dict, repr=False)
    says: tuple[str, ...] = ()

    @property
    def identifier(self) -> str:
        """Return the name as Python would have it."""
        return self.name.replace(" ", "_").replace("'", "")

    def possible(self, state: State) -> bool:
        """Return whether there is something to do it to."""
        return all(choice(state) for choice in self.takes.values())


@dataclass(frozen=True, slots=True)
class Step:
    """An operation with its arguments, at one point of the model.

    `broken` are all rules that the operation breaks, `at_once` those of them that nothing later in
    the same transaction can mend.
    """

    operation: Operation
    arguments: Arguments
    writes: tuple[Write, ...]
    after: State
    at_once: frozenset[str]
    broken: frozenset[str]

    def __str__(self) -> str:
        """Return it in words."""
        told = ", ".join(f"{name}={value!r}" for name, value in self.arguments.items())
        return f"{self.operation.name}: {told}" if told else self.operation.name


def choices_of(state: State, operation: Operation) -> dict[str, Sequence[Any]]:
    """Return what each argument of an operation may be in a state."""
    return {name: choice(state) for name, choice in operation.takes.items()}


def step(state: State, operation: Operation, arguments: Arguments) -> Step:
    """Return what an operation would do to a state, and all that it would break there."""
    return of_act(state, operation, arguments, operation.act(state, **arguments))


def of_act(state: State, operation: Operation, arguments: Arguments, act: Act) -> Step:
    """Return what an operation does that was already asked for it."""
    always = rules.broken(act.after, act.after.changed_since(state))
    return Step(operation, arguments, act.writes, act.after, act.broken, act.broken | always)
