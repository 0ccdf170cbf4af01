"""Orders in which the sessions of a race may go on.

Which session can go on depends on who waits, and only the server knows that. So orders are found on
the way: one is run, then the last choice that had another way is taken that way.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from conformance.engine.races.driver import Choose
    from conformance.engine.races.trace import Trace


def every(run: Callable[[Choose], Trace]) -> Iterator[Trace]:
    """Run every order of a race once, and return what happened in each."""
    prefix: list[int] | None = []
    while prefix is not None:
        trace = run(_beginning(prefix))
        yield trace
        prefix = _next(trace)


def _beginning(prefix: Sequence[int]) -> Choose:
    """Choose as a beginning says, and after it whoever stands first."""
    left = iter(prefix)
    return lambda ready: next(left, ready[0])


def following(order: Sequence[int]) -> Choose:
    """Choose as an order says, as far as it goes and as far as it can; else whoever went last."""
    left = list(order)
    went: list[int] = []

    def choose(ready: tuple[int, ...]) -> int:
        wanted = next((at for at, each in enumerate(left) if each in ready), None)
        if wanted is not None:
            went.append(left.pop(wanted))
        else:
            went.append(next((each for each in reversed(went) if each in ready), ready[0]))
        return went[-1]

    return choose


def in_turns(sessions: int, steps: int) -> Choose:
    """Choose so that sessions of so many steps at the most take turns."""
    return following([*range(sessions)] * steps)


def is_of(trace: Trace, choose: Choose) -> bool:
    """Return whether a race went as these choices would have had it."""
    return all(choose(ready) == chosen for chosen, ready in trace.choices)


def switches(order: Sequence[int]) -> int:
    """Return how often another session goes on than before."""
    return sum(one != other for one, other in pairwise(order))


def _next(trace: Trace) -> list[int] | None:
    """Return the beginning of the next order, the choices taken as numbers that count up."""
    choices = trace.choices
    for at in reversed(range(len(choices))):
        chosen, ready = choices[at]
        later = [each for each in ready if each > chosen]
        if later:
            return [*(each for each, _ in choices[:at]), later[0]]
    return None
