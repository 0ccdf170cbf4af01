"""Draws examples for tests that look at many of them at once."""

from collections.abc import Callable
from typing import TypeVar

from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

T = TypeVar("T")

_BATCH = 25  # what Hypothesis does around an example costs more than to draw one

_ALIKE = settings(
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.generate,),
    suppress_health_check=tuple(HealthCheck),
)


def examples(strategy: SearchStrategy[T], count: int = 250) -> list[T]:
    """Return about `count` examples, the same in every run; fewer where there are not as many."""
    seen: list[T] = []

    @settings(_ALIKE, max_examples=max(1, count // _BATCH))
    @given(st.tuples(*[strategy] * _BATCH))
    def collect(values: tuple[T, ...]) -> None:
        seen.extend(values)

    collect()
    return seen


def reaches(strategy: SearchStrategy[T], condition: Callable[[T], object]) -> T:
    """Return an example that meets a condition, the same in every run.

    Raises:
        LookupError: if none of two thousand does.
    """
    for count in (100, 2_000):
        for value in examples(strategy, count):
            if condition(value):
                return value
    message = f"none of 2,000 examples of {strategy} meets the condition"
    raise LookupError(message)


def simplest(strategy: SearchStrategy[T]) -> T:
    """Return what Hypothesis would shrink to if every example failed."""
    phases = (Phase.generate, Phase.shrink)
    return find(strategy, lambda _: True, settings=settings(_ALIKE, phases=phases))
