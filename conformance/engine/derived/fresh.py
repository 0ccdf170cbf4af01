"""Values of a column's type that no other row has, where nobody has named any."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from uuid import UUID

from hypothesis import strategies as st

from conformance.engine.sql.documents import Jsonb

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy

    from conformance.engine.derived.catalogue import Column

    Draw: TypeAlias = "Callable[[SearchStrategy[Any]], Any]"

FIRST: Final = datetime(2026, 1, 1, tzinfo=UTC)


class NoValueError(Exception):
    """A column of a type for which no value can be made; its text says what to write."""


def fresh(table: str, column: Column, number: int, draw: Draw) -> object:
    """Return the value of a number, another one for each, as far as the type has so many.

    Raises:
        NoValueError: Of the type none can be made.
    """
    by_type = BY_TYPE.get(column.type)
    if by_type is not None:
        return by_type(number)
    if column.category == "B":
        return draw(st.booleans())
    if column.category in BY_CATEGORY:
        return BY_CATEGORY[column.category](column, number)
    message = (
        f"{table}.{column.name} is of type {column.type}, of which no value can be made:"
        f' name some as values={{"{table}.{column.name}": (…)}}'
    )
    raise NoValueError(message)


def _instant(column: Column, number: int) -> object:
    at = FIRST + timedelta(days=number)
    if column.type.startswith("time") and not column.type.startswith("timestamp"):
        return (FIRST + timedelta(minutes=number)).time().isoformat()
    return at.date().isoformat() if column.type == "date" else at


def _day(number: int) -> str:
    day = (FIRST + timedelta(days=number)).date().isoformat()
    return f"[{day},{day}]"


def _hour(number: int) -> str:
    first, last = (FIRST + timedelta(hours=each) for each in (number, number + 1))
    return f"[{first:%Y-%m-%d %H:%M},{last:%Y-%m-%d %H:%M})"


def _document(_number: int) -> Jsonb:
    return Jsonb({})


BY_CATEGORY: Final[dict[str, Callable[[Column, int], object]]] = {
    "N": lambda column, number: Decimal(number) if column.type == "numeric" else number,
    "S": lambda column, number: f"{column.name} {number}"[-(column.most or 100) :],
    "D": _instant,
    "T": lambda _column, number: f"{number} hours",
    "A": lambda _column, _number: [],
    "I": lambda _column, number: f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
}
BY_TYPE: Final[dict[str, Callable[[int], object]]] = {
    "bytea": lambda number: f"\\x{number:08x}",
    "daterange": _day,
    "int4range": lambda number: f"[{number},{number}]",
    "int8range": lambda number: f"[{number},{number}]",
    "json": _document,
    "jsonb": _document,
    "macaddr": lambda number: (
        f"08:00:2b:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"
    ),
    "numrange": lambda number: f"[{number},{number}]",
    "tsrange": _hour,
    "tstzrange": _hour,
    "uuid": lambda number: UUID(int=number),
}
