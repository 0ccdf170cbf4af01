"""Times of statements, measured side by side: each round runs every variant, in turned order."""

from __future__ import annotations

import time
from collections import defaultdict
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import psycopg

# Microseconds by (variant, statement).
Medians = dict[tuple[str, str], float]

# What one round of a variant does: (name of the statement, its text, its parameters).
Step = tuple[str, bytes, list[Any]]

WARM_UP = 50  # rounds before the first that counts: plans, caches


def measure(
    conn: psycopg.Connection[Any],
    variants: Mapping[str, Callable[[], Sequence[Step]]],
    rounds: int,
) -> Medians:
    """Run every variant once a round, and return the median time of each of its statements.

    Args:
        conn: autocommits, and prepares every statement at once.
        variants: by name, what gives the steps of its next round.
        rounds: how many count.

    Returns:
        Microseconds as the client sees them, by (variant, statement).
    """
    times: dict[tuple[str, str], list[int]] = defaultdict(list)
    names = list(variants)
    for number in range(WARM_UP + rounds):
        turned = names[number % len(names) :] + names[: number % len(names)]
        for name in turned:
            for step, statement, parameters in variants[name]():
                begun = time.perf_counter_ns()
                conn.execute(statement, parameters)
                taken = time.perf_counter_ns() - begun
                if number >= WARM_UP:
                    times[name, step].append(taken)
    return {key: median(values) / 1000 for key, values in times.items()}


def total(medians: Medians, variant: str) -> float:
    """Add up the statements of a variant, in microseconds."""
    return sum(time for (name, _), time in medians.items() if name == variant)
