"""Texts of bounded length, and the form in which a text waits for the number that makes it unique.

Lengths are in characters, as PostgreSQL counts them. No text holds NUL or a surrogate: PostgreSQL
stores neither, and the driver would refuse them before the schema was asked.
"""

from collections.abc import Callable
from functools import cache
from typing import Final, TypeAlias

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

Form: TypeAlias = Callable[[int | None], str]
"""A text that lacks its serial: called with a number it is unique to it, with None it is bare."""

# All that PostgreSQL stores. Named by a codec, they are looked for one by one, for a second.
CHARACTERS: Final = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
_VISIBLE: Final = "aZ0!.'\u00e9\u00df\u0131\u65e5\u05d0\U0001f3ac"
_SHORT: Final = 8


def stretched(unit: str, length: int) -> str:
    """Repeat a non-empty unit to exactly `length` characters."""
    return (unit * (length // len(unit) + 1))[:length]


@cache
def _pieces() -> SearchStrategy[str]:
    """Return one to eight characters, of which the first can be seen."""
    tails = st.text(CHARACTERS, max_size=_SHORT - 1)
    return st.builds(str.__add__, st.sampled_from(_VISIBLE), tails)


@cache
def visible_texts(limit: int) -> SearchStrategy[str]:
    """Texts of 1 to `limit` characters (at least 8), never blank; often at the limit itself."""
    lengths = st.sampled_from((limit, limit - 1))
    return st.one_of(
        _pieces(),
        st.builds(stretched, _pieces(), lengths),
        st.builds(stretched, st.sampled_from(_VISIBLE), lengths),
    )


@cache
def texts(limit: int) -> SearchStrategy[str]:
    """Texts of 0 to `limit` characters (at least 8); often empty, blank, or at the limit itself."""
    return st.one_of(
        st.text(CHARACTERS, max_size=_SHORT),
        st.sampled_from(("", " ")),
        visible_texts(limit),
    )


@cache
def overlong_texts(limit: int) -> SearchStrategy[str]:
    """Texts of `limit` + 1 characters; the last one can be seen, so that nothing may trim it."""
    return st.one_of(
        st.sampled_from(_VISIBLE).map(lambda letter: letter * (limit + 1)),
        st.builds(lambda unit, last: stretched(unit, limit) + last, _pieces(), st.just("x")),
    )


@cache
def blank_texts(limit: int) -> SearchStrategy[str]:
    """Texts of 0 to `limit` characters in which there is nothing to see: empty or ASCII space."""
    return st.sampled_from(("", " ", "  ", "\t", "\n", " \t\r\n", " " * limit))
