"""Trace of a race, in the order in which the driver saw it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from conformance.engine.sql.outcomes import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.engine.sql.outcomes import Outcome

Script: TypeAlias = "Sequence[tuple[str, str]]"  # of one session: names of steps, and their SQL


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that a session did.

    Attributes:
        session: its place.
        step: the place of the step in the session's script.
        waits_for: the places of the sessions for which the step waits; () where it is done.
        waited: whether it had waited before it was done.
        outcome: what refused it, in words; '' where nothing did.
    """

    session: int
    step: int
    waits_for: tuple[int, ...] = ()
    waited: bool = False
    outcome: str = ""


@dataclass(slots=True)
class Trace:
    """A race that was run.

    Attributes:
        scripts: what the sessions had to do.
        lines: what they did.
        choices: which session was chosen each time, and among which.
        outcomes: what became of each transaction, by the place of its session.
        committed: the places of those that committed, in the order in which they did.
        looks: what each reader saw each time: numbers of events.
        deadlocked: for each session that was given up to end a deadlock, the sessions in it.
        reached: the step at which each session ended.
    """

    scripts: tuple[Script, ...]
    lines: list[Line] = field(default_factory=list)
    choices: list[tuple[int, tuple[int, ...]]] = field(default_factory=list)
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    committed: list[int] = field(default_factory=list)
    looks: dict[int, list[list[int]]] = field(default_factory=dict)
    deadlocked: dict[int, tuple[int, ...]] = field(default_factory=dict)
    reached: dict[int, int] = field(default_factory=dict)

    @property
    def order(self) -> tuple[int, ...]:
        """Return the sessions in the order in which their steps were sent."""
        return tuple(chosen for chosen, _ in self.choices)

    @property
    def hung(self) -> tuple[int, ...]:
        """Return the sessions that waited until a timeout ended it."""
        return tuple(
            place
            for place, outcome in self.outcomes.items()
            if isinstance(outcome, Inconclusive) and outcome.timed_out
        )
