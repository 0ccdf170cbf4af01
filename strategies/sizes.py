"""Whole numbers: around a limit, within a column's type, and in pairs that bound each other."""

from functools import cache
from typing import Final, TypeAlias

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

Bounded: TypeAlias = tuple[int, int]
"""(bound, part): the part is at most the bound where it is legal."""

INT32_MAX: Final = 2**31 - 1
INT64_MAX: Final = 2**63 - 1
ASSET_LIMIT: Final = 50 * 2**20  # bytes: 50 MiB

_USUAL: Final = 1_000  # most numbers are small, so that sums of a few stay within the type


def around(limit: int) -> tuple[int, int, int]:
    """Return the last but one that is accepted, the last one, and the first one beyond."""
    return (limit - 1, limit, limit + 1)


def _integers(minimum: int, maximum: int) -> SearchStrategy[int]:
    return st.one_of(
        st.integers(minimum, minimum + _USUAL),
        st.sampled_from((minimum, minimum + 1, maximum - 1, maximum)),
    )


@cache
def int32s(minimum: int = 0) -> SearchStrategy[int]:
    """Values of an integer column from `minimum` up: mostly small, with both edges."""
    return _integers(minimum, INT32_MAX)


@cache
def int64s(minimum: int = 0) -> SearchStrategy[int]:
    """Values of a bigint column from `minimum` up: mostly small, with both edges."""
    return _integers(minimum, INT64_MAX)


@cache
def negative_int32s() -> SearchStrategy[int]:
    """Values of an integer column below zero: -1, and some down to its least."""
    return st.sampled_from((-1, -2, -INT32_MAX, -INT32_MAX - 1))


@cache
def negative_int64s() -> SearchStrategy[int]:
    """Values of a bigint column below zero: -1, and some down to its least."""
    return st.sampled_from((-1, -2, -INT32_MAX - 2, -INT64_MAX - 1))


@cache
def asset_sizes() -> SearchStrategy[int]:
    """Bytes of an asset file: 1 to 50 MiB, with both edges."""
    return _integers(1, ASSET_LIMIT)


@cache
def oversizes() -> SearchStrategy[int]:
    """Bytes above the 50 MiB that an asset file may have."""
    return st.sampled_from((ASSET_LIMIT + 1, ASSET_LIMIT + 2, INT32_MAX + 1, INT64_MAX))


@cache
def non_positive_sizes() -> SearchStrategy[int]:
    """Bytes that no file has: 0 and below."""
    return st.sampled_from((0, -1, -ASSET_LIMIT, -INT64_MAX - 1))


@cache
def charges() -> SearchStrategy[Bounded]:
    """(credits charged, credits refunded): neither negative, the refund never the greater."""
    partial = st.builds(lambda refund, rest: (refund + rest, refund), _hundreds(), _hundreds())
    edges = ((INT32_MAX, INT32_MAX), (INT32_MAX, 0), (1, 1))
    return st.one_of(partial, st.sampled_from(edges))


@cache
def over_refunds() -> SearchStrategy[Bounded]:
    """(credits charged, credits refunded): the refund greater, mostly by 1; neither negative."""
    beyond = _hundreds().map(lambda charge: (charge, charge + 1))
    return st.one_of(beyond, st.sampled_from(((0, INT32_MAX), (INT32_MAX - 1, INT32_MAX))))


@cache
def attempts() -> SearchStrategy[Bounded]:
    """(max_attempts, attempts): at least 1 and 0, the attempts never more than the maximum."""
    partial = st.builds(lambda done, rest: (done + rest, done), _hundreds(), st.integers(1, 10))
    return st.one_of(partial, st.sampled_from(((1, 1), (5, 5), (INT32_MAX, INT32_MAX))))


@cache
def over_attempts() -> SearchStrategy[Bounded]:
    """(max_attempts, attempts): the attempts more than the maximum, mostly by 1."""
    beyond = st.integers(1, 100).map(lambda most: (most, most + 1))
    return st.one_of(beyond, st.sampled_from(((1, INT32_MAX), (INT32_MAX - 1, INT32_MAX))))


def _hundreds() -> SearchStrategy[int]:
    return st.integers(0, 100)
