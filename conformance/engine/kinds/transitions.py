"""Transitions: a status is first set and moves on only in some ways."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

# A status before and after; None before, where the row is inserted.
Pair: TypeAlias = "tuple[str | None, str]"


def legal(text: str) -> frozenset[Pair]:
    """Return the pairs of a text such as `>draft draft>done`."""
    pairs = (pair.split(">") for pair in text.split())
    return frozenset((before or None, after) for before, after in pairs)


@dataclass(frozen=True, slots=True)
class Transitions:
    """One state machine.

    A pair of a state with itself counts only where the domain speaks of it: a delivery is retried
    again and again, and what was revoked once is not revoked again.

    Attributes:
        table: whose rows have the states.
        states: in the order in which they are passed.
        legal: the pairs that the domain allows; what else its rules ask is another matter.
        again: states for which the pair with itself counts.
        never: pairs that nothing can be, by the meaning of the words.
        column: which holds the state; '' where several do, and the query is written by hand.
        also: what else breaks the rule, as SQL on a change's `op`, `old` and `new`; where no column
            holds the state, all that does.
    """

    table: str
    states: tuple[str, ...]
    legal: frozenset[Pair]
    again: frozenset[str] = frozenset()
    never: frozenset[Pair] = frozenset()
    column: str = field(default="status", repr=False)
    also: str = field(default="", repr=False)

    @property
    def tables(self) -> tuple[str, ...]:
        """The table."""
        return (self.table,)

    @property
    def model(self) -> None:
        """Nothing: two states tell, which operations compare."""
        return

    @property
    def starts(self) -> tuple[str, ...]:
        """The states in which a row may begin."""
        return tuple(state for state in self.states if (None, state) in self.legal)

    def way_to(self, state: str) -> tuple[str, ...] | None:
        """Return the shortest legal way to a state, itself last; None where there is none."""
        ways: list[tuple[str, ...]] = [(start,) for start in self.starts]
        for way in ways:
            if way[-1] == state:
                return way
            ways += [
                (*way, after)
                for after in self.states
                if (way[-1], after) in self.legal and after not in way
            ]
        return None

    def pairs(self) -> Iterator[Pair]:
        """Yield every pair that counts, legal or not."""
        for before in (None, *self.states):
            for after in self.states:
                pair = before, after
                if pair not in self.never and (before != after or before in self.again):
                    yield pair

    @property
    def violations(self) -> str:
        """A query for the rows whose change was none that is legal."""
        breaks = " OR ".join(part for part in (*self._moves(), self.also) if part)
        return (
            "SELECT coalesce(new, old) ->> 'id' FROM conformance.fresh c"
            f" WHERE tbl = '{self.table}' AND ({breaks})"
        )

    def _moves(self) -> Iterator[str]:
        if not self.column:
            return
        before, after = f"old ->> '{self.column}'", f"new ->> '{self.column}'"
        if len(self.starts) < len(self.states):
            yield f"op = 'INSERT' AND {after} NOT IN ({_listed(self.starts)})"
        moves = ", ".join(
            f"({_listed(pair)})"
            for pair in ((old, new) for old in self.states for new in self.states)
            if pair in self.legal
        )
        yield f"op = 'UPDATE' AND {before} <> {after} AND ({before}, {after}) NOT IN ({moves})"


def _listed(states: tuple[str, ...]) -> str:
    return ", ".join(f"'{state}'" for state in states)
