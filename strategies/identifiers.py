"""Ids: from a counter where rows are made, drawn where only the form matters."""

from functools import cache
from typing import Final
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from strategies.tables import COLUMNS

_NUMBERS: Final = {table: number for number, table in enumerate(COLUMNS, start=1)}


def identifier(table: str, serial: int) -> UUID:
    """Return the id of the serial-th row of a table, for instance `fc000002-0000-4000-8000-…07`.

    Two calls agree exactly when their table and serial agree, and a person can read both from it.

    Args:
        table: one of the thirteen tables.
        serial: 0 to 2⁴⁸ - 1.
    """
    return UUID(f"fc{_NUMBERS[table]:06x}-0000-4000-8000-{serial:012x}")


@cache
def identifiers() -> SearchStrategy[UUID]:
    """UUIDs of any value that begin with a letter: for forms, where no row is behind the id."""
    # A leading `fc` makes the upper case differ from the lower case, whatever follows.
    return st.integers(0, 2**120 - 1).map(lambda number: UUID(int=0xFC << 120 | number))
