"""Legal rows of each table.

A row is a dict from column to plain Python value: `str`, `int`, `bool`, `None`, `UUID`, aware
`datetime`, `Decimal`, `Jsonb` for jsonb, a list for an array. An INSERT of it is legal where its
parents are as they must be: the functions that return rows say what they need of them. Columns that
may be left out sometimes are; nullable ones are sometimes null, in so many words.

Every function takes a `serial`, which makes the id and all that is unique differ from the same
table's rows of other serials. Without one, the database makes the id, and rows may collide.
"""

from collections.abc import Mapping
from functools import cache
from typing import TypeAlias, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from strategies.identifiers import identifier
from strategies.instants import ordered_pairs, past_timestamps

Row: TypeAlias = dict[str, object]
Columns: TypeAlias = Mapping[str, SearchStrategy[object]]

T = TypeVar("T")


def shapes(
    required: Columns, optional: Columns, *groups: SearchStrategy[Row]
) -> SearchStrategy[Row]:
    """Rows without ids, parents and serials: a part that is made once and serves every serial.

    Args:
        required: columns that are always given.
        optional: columns that are sometimes left out.
        groups: parts of rows whose columns depend on each other.
    """
    columns = st.fixed_dictionaries(dict(required), optional=dict(optional))
    return st.tuples(columns, *groups).map(_merged)


def _merged(parts: tuple[Row, ...]) -> Row:
    return {column: value for part in parts for column, value in part.items()}


def completed(
    table: str, shape: SearchStrategy[Row], serial: int | None, **given: object
) -> SearchStrategy[Row]:
    """Rows of a shape, with their id, the given columns, and the serial where a form waits for it.

    The id is the table's serial-th, save where the shape has one. A given None says nothing: the
    column stays as the shape has it.
    """
    fixed: Row = {column: value for column, value in given.items() if value is not None}
    numbered: Row = {} if serial is None else {"id": identifier(table, serial)}

    def complete(row: Row) -> Row:
        filled = {
            column: value(serial) if callable(value) else value for column, value in row.items()
        }
        return {**numbered, **filled, **fixed}

    return shape.map(complete)


def maybe(values: SearchStrategy[T]) -> SearchStrategy[T | None]:
    """Values of a nullable column: null, or one of these."""
    return st.one_of(st.none(), values)


@cache
def created() -> SearchStrategy[Row]:
    """`created_at`, left out or in the past."""
    return st.one_of(st.just({}), past_timestamps().map(lambda instant: {"created_at": instant}))


@cache
def stamped() -> SearchStrategy[Row]:
    """`created_at` and `updated_at`: neither, the first one, or both in order; all in the past."""
    pairs = ordered_pairs(strict=False)
    both = pairs.map(lambda pair: dict(zip(("created_at", "updated_at"), pair, strict=True)))
    return st.one_of(created(), both)
