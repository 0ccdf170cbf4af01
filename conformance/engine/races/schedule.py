"""Schedule of a race as data: what there was before it, what was sent in which order, and by whom.

It is what a finding keeps, so that the race can be done again up to a step of its timeline.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.engine.races.trace import Script, Trace


class Turn(NamedTuple):
    """One step that was sent: the place of its session, its name and its SQL."""

    session: int
    name: str
    sql: str


class Line(NamedTuple):
    """One line of the timeline: how many turns had been taken then, and whose line it is."""

    taken: int
    session: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """A race that was run.

    Attributes:
        setup: statements of the transaction before it.
        sessions: their names, as the timeline has them.
        turns: what was sent, in order.
        lines: what was seen of it, in order.
    """

    setup: tuple[str, ...]
    sessions: tuple[str, ...]
    turns: tuple[Turn, ...]
    lines: tuple[Line, ...]

    @classmethod
    def of(cls, setup: Iterable[str], sessions: Iterable[str], trace: Trace) -> Schedule:
        """Return the schedule of a race as it went."""
        return cls(tuple(setup), tuple(sessions), _turns(trace), lines_of(trace))

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "setup": [*self.setup],
            "sessions": [*self.sessions],
            "turns": [[*each] for each in self.turns],
            "lines": [[*each] for each in self.lines],
        }

    @classmethod
    def from_json(cls, document: Any) -> Schedule:
        """Return it as JSON has it.

        Raises:
            KeyError, TypeError: It is none.
        """
        return cls(
            tuple(document["setup"]),
            tuple(document["sessions"]),
            tuple(Turn(*each) for each in document["turns"]),
            tuple(Line(*each) for each in document["lines"]),
        )

    @property
    def scripts(self) -> Sequence[Script]:
        """The script of each session, as far as it was sent."""
        return [
            [(name, sql) for session, name, sql in self.turns if session == place]
            for place in range(len(self.sessions))
        ]

    @property
    def order(self) -> list[int]:
        """The sessions in the order in which their steps were sent."""
        return [turn.session for turn in self.turns]

    def before(self, number: int) -> int:
        """Return how many lines there are before the turn that brings a line about."""
        taken = self.lines[number - 1].taken
        return sum(line.taken < taken for line in self.lines)


def lines_of(trace: Trace) -> tuple[Line, ...]:
    """Return the lines of a race: what waited is done when another's turn has set it free."""
    at = Counter[int]()
    turns: dict[tuple[int, int], int] = {}
    for number, session in enumerate(trace.order, 1):
        turns[session, at[session]] = number
        at[session] += 1
    lines: list[Line] = []
    taken = 0
    for each in trace.lines:
        taken = max(taken, turns[each.session, each.step])
        lines.append(Line(taken, each.session))
    return tuple(lines)


def _turns(trace: Trace) -> tuple[Turn, ...]:
    at = Counter[int]()
    turns = []
    for session in trace.order:
        turns.append(Turn(session, *trace.scripts[session][at[session]]))
        at[session] += 1
    return tuple(turns)
