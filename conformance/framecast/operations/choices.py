"""Choice of the arguments of operations: from the model alone, in a fixed order."""

from __future__ import annotations

from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.framecast.model import State
    from conformance.framecast.operations.operation import Choice

T = TypeVar("T")
# Odd, and larger than what is left of a product: neighbours come to lie far from each other.
MIXES = 2_654_435_761
# An id that no row ever has.
NOBODY = 0xDEAD
# So few that people meet each other; the second differs from the first in case only.
EMAILS = ("ann@example.com", "Ann@Example.com", "bob@example.com", "cid@example.com")
A_FEW = 4
# What is done properly, more often than not.
MOSTLY = (True, True, True, False)


def varied(serial: int, values: Sequence[T]) -> T:
    """Return one of some values among which no rule decides: another one for other rows.

    So no rule is proven of rows of one kind only. The same row has the same value each time, and
    rows that follow each other do not have them in turns.
    """
    return values[(serial * MIXES >> 16) % len(values)]


def among(*values: Any) -> Choice:
    """Choose one of these."""
    return lambda _state: values


def row(table: str) -> Choice:
    """Choose the id of a row, the newest first."""
    return lambda state: tuple(reversed(getattr(state, table)))


def row_or_none(table: str) -> Choice:
    """Choose none, or the id of a row."""
    return lambda state: (None, *reversed(getattr(state, table)))


def place(state: State) -> tuple[tuple[int, int], ...]:
    """Choose (user, team): memberships, then a few who are not in that team, or do not exist."""
    inside = [(each.user, each.team) for each in reversed(state.memberships.values())]
    return (*inside, *islice(_outside(state), A_FEW))


def actor(state: State) -> tuple[tuple[int, int | None, int | None], ...]:
    """Choose (user, team, member): who acts, and the two parts of the URN for which they act."""
    inside = list(reversed(state.memberships.values()))
    legal = [
        *((user, None, user) for user in reversed(state.users)),
        *((each.user, each.team, None) for each in inside),
        *((each.user, each.team, each.user) for each in inside),
    ]
    wrong: list[tuple[int, int | None, int | None]] = []
    users = list(state.users)
    for user, other in islice(pairwise(users), A_FEW):
        wrong.append((other, None, user))
    for user, team in islice(_outside(state), A_FEW):
        wrong += [(user, team, None), (user, team, user)]
    wrong += [(each.user, each.team, NOBODY) for each in inside[:1]]
    wrong += [(NOBODY, None, NOBODY)]
    return (*legal, *wrong) if legal else ()


def _outside(state: State) -> Iterator[tuple[int, int]]:
    inside = {(each.user, each.team) for each in state.memberships.values()}
    for team in reversed(state.teams):
        for user in reversed(state.users):
            if (user, team) not in inside:
                yield user, team
    if state.users and state.teams:
        yield next(reversed(state.users)), NOBODY
        yield NOBODY, next(reversed(state.teams))
