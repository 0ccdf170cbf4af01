"""The state machines of the domain, as data: their states, and the pairs that are legal.

A pair is (before, after); before is None where the row is inserted. Pairs of a state with itself
count only where the domain speaks of them: a delivery is retried again and again, and what was
accepted or revoked once is not accepted or revoked again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

Pair: TypeAlias = "tuple[str | None, str]"


@dataclass(frozen=True, slots=True)
class Moves:
    """One state machine.

    Attributes:
        table: whose rows have the states.
        states: in the order in which they are passed.
        legal: the pairs that the domain allows; what else its rules ask is another matter.
        again: states for which the pair with itself counts.
        never: pairs that nothing can be, by the meaning of the words.
    """

    table: str
    states: tuple[str, ...]
    legal: frozenset[Pair]
    again: frozenset[str] = frozenset()
    never: frozenset[Pair] = frozenset()

    def pairs(self) -> Iterator[Pair]:
        """Return every pair that counts, legal or not."""
        for before in (None, *self.states):
            for after in self.states:
                pair = before, after
                if pair not in self.never and (before != after or before in self.again):
                    yield pair


def _legal(text: str) -> frozenset[Pair]:
    pairs = (pair.split(">") for pair in text.split())
    return frozenset((before or None, after) for before, after in pairs)


MOVES = {
    "user": Moves(
        "users",
        ("starter", "creator"),
        _legal(">starter >creator starter>creator"),
    ),
    "invitation": Moves(
        "invitations",
        ("open", "accepted", "revoked", "expired"),
        # To expire is the clock's to do; a letter may be extended, even when it has expired.
        _legal(">open open>accepted open>revoked open>expired expired>open expired>revoked"),
        again=frozenset({"accepted", "revoked"}),
        never=_legal("accepted>expired revoked>expired"),  # what is answered does not expire
    ),
    "project": Moves(
        "projects",
        ("draft", "rendering", "completed", "archived"),
        _legal(
            ">draft draft>rendering draft>archived rendering>completed rendering>draft"
            " completed>rendering completed>archived archived>draft"
        ),
    ),
    "job": Moves(
        "jobs",
        ("queued", "processing", "completed", "failed", "canceled"),
        _legal(
            ">queued queued>processing queued>canceled"
            " processing>completed processing>failed processing>canceled"
        ),
    ),
    "asset": Moves(
        "asset_files",
        ("pending", "ready", "failed"),
        _legal(">pending pending>ready pending>failed"),
    ),
    "delivery": Moves(
        "webhook_deliveries",
        ("pending", "retrying", "delivered", "failed"),
        _legal(
            ">pending pending>delivered pending>retrying pending>failed retrying>retrying"
            " retrying>delivered retrying>failed failed>pending"
        ),
        again=frozenset({"retrying"}),
    ),
}


def state_of(row: Any, day: int, was: Any = None) -> str:
    """Return the state of a row of one of the machines, by the clock's day.

    A letter both accepted and revoked, which no rule allows, is what it was not before (`was`).
    """
    if hasattr(row, "tier"):
        return str(row.tier)
    if hasattr(row, "accepted"):
        if was is not None and None not in (row.accepted, row.revoked):
            return "revoked" if row.accepted == was.accepted else "accepted"
        if row.accepted is not None:
            return "accepted"
        if row.revoked is not None:
            return "revoked"
        return "open" if row.expires > day else "expired"
    return str(row.status)


def refused(machine: str, before: str | None, after: str) -> frozenset[str]:
    """Return the rule that a move breaks, if it is none that the machine allows."""
    if before == after or (before, after) in MOVES[machine].legal:
        return frozenset()
    return frozenset({f"STATE-{machine.upper()}"})
