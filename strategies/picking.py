"""Picks from several small tables at once, for the price of one choice."""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

T = TypeVar("T")


def picked(make: Callable[..., T], *options: Sequence[Any]) -> SearchStrategy[T]:
    """Results of `make` for one option from each sequence, all combinations alike.

    The simplest takes the first option of each. To draw from each sequence apart would be slower
    to draw and slower to shrink.
    """

    def made(number: int) -> T:
        parts = []
        for sequence in options:
            number, index = divmod(number, len(sequence))
            parts.append(sequence[index])
        return make(*parts)

    return st.integers(0, prod(map(len, options)) - 1).map(made)
