"""The edges that a run must have seen: pairs of the state machines, and counts around the caps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.engine.machines.matrices import caps
from conformance.framecast.model.moves import MOVES, state_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from conformance.framecast.model import State

CAPS = caps()
ALL = frozenset(
    f"{machine} {before or 'new'}>{after}"
    for machine, moves in MOVES.items()
    for before, after in moves.pairs()
) | {f"{rule} {count}" for rule, cap in CAPS.items() for count in cap.near}


def tried(before: State, after: State, broken: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Return the edges between two states, each with the rule that refuses it; '' if it is legal.

    A legal edge counts where the transaction was accepted; an illegal one where what was done by
    itself was refused under this rule's name, and not where another rule refused it. An edge that
    breaks none of its own rules is left out where it is illegal for other reasons.
    """
    for machine, moves in MOVES.items():
        old, new = getattr(before, moves.table), getattr(after, moves.table)
        if old is new and (machine != "invitation" or before.day == after.day):
            continue
        rule = f"STATE-{machine.upper()}"
        for key, row in new.items():
            was = old.get(key)
            if was is row and before.day == after.day:
                continue
            start = state_of(was, before.day) if was is not None else None
            end = state_of(row, after.day, was)
            if start == end and (end not in moves.again or was is row):
                continue
            legal = (start, end) in moves.legal
            if legal or rule in broken:
                yield f"{machine} {start or 'new'}>{end}", "" if legal else rule
    yield from _counts(before, after, broken)


def _counts(before: State, after: State, broken: frozenset[str]) -> Iterator[tuple[str, str]]:
    for rule, cap in CAPS.items():
        if getattr(before, cap.table) is getattr(after, cap.table):
            continue
        was = cap.counts(before)
        for subject, count in cap.counts(after).items():
            legal = count <= cap.most
            if count > was[subject] and count in cap.near and (legal or rule in broken):
                yield f"{rule} {count}", "" if legal else rule


def unseen(seen: Mapping[str, int]) -> list[str]:
    """Return the edges that were not seen, in order."""
    return sorted(edge for edge in ALL if not seen.get(edge))
