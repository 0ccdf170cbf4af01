"""Times of statements, measured side by side: each round runs every variant, in turned order."""

from __future__ import annotations

import time
from collections import defaultdict
from statistics import quantiles
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import psycopg

# Microseconds by (variant, statement).
Times = dict[tuple[str, str], float]

# What one round of a variant does: (name of the statement, its text, its parameters).
Step = tuple[str, bytes, list[Any]]

WARM_UP = 100  # rounds before the first that counts: plans, caches
UPKEEP = 500  # rounds between two looks at how much there is


def measure(
    conn: psycopg.Connection[Any],
    variants: Mapping[str, Callable[[], Sequence[Step]]],
    rounds: int,
) -> Times:
    """Run every variant once a round, and return the lower quartile of each statement's times.

    A quarter of the times are below it: what else goes on in the machine only adds to the others.
    What autovacuum does for plans, which it would do while we measure, is done between rounds.

    Args:
        conn: autocommits, and prepares every statement at once.
        variants: by name, what gives the steps of its next round.
        rounds: how many count.

    Returns:
        Microseconds as the client sees them, by (variant, statement).
    """
    taken: dict[tuple[str, str], list[int]] = defaultdict(list)
    names = list(variants)
    for number in range(WARM_UP + rounds):
        if number % UPKEEP == WARM_UP // 2:
            conn.execute("ANALYZE", prepare=False)
        turned = names[number % len(names) :] + names[: number % len(names)]
        for name in turned:
            for step, statement, parameters in variants[name]():
                begun = time.perf_counter_ns()
                conn.execute(statement, parameters)
                ended = time.perf_counter_ns()
                if number >= WARM_UP:
                    taken[name, step].append(ended - begun)
    return {
        key: quantiles(values, n=4, method="inclusive")[0] / 1000 for key, values in taken.items()
    }


def total(times: Times, variant: str) -> float:
    """Add up the statements of a variant, in microseconds."""
    return sum(time for (name, _), time in times.items() if name == variant)
