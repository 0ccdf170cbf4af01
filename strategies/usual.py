"""Values that a row has because it must have some, and not because a scenario says so.

They are equal to plain ones in everything, and known by their type: near misses put others in their
place, so that no rule is only ever tried on rows that hold what the first example held.
"""

from __future__ import annotations

from datetime import datetime
from typing import Self, TypeVar, cast

from conformance.engine.sql.documents import Jsonb

T = TypeVar("T", str, int, datetime, Jsonb, list[str])


class Usual:
    """The mark of such a value."""

    __slots__ = ()


class UsualText(str, Usual):
    """A text or label."""

    __slots__ = ()


class UsualNumber(int, Usual):
    """A whole number."""

    __slots__ = ()


class UsualTime(datetime, Usual):
    """An instant."""

    __slots__ = ()

    @classmethod
    def of(cls, at: datetime) -> Self:
        """Return an instant with the mark."""
        return cls.combine(at.date(), at.timetz())


class UsualDocument(Jsonb, Usual):
    """A document, equal to any that holds the same."""

    def __eq__(self, other: object) -> bool:
        """Compare the documents."""
        return isinstance(other, Jsonb) and self.value == other.value

    def __hash__(self) -> int:
        """Hash the text of it."""
        return hash(str(self))


class UsualList(list[str], Usual):
    """An array."""

    __slots__ = ()


def usual(value: T) -> T:
    """Return a value with the mark."""
    made: object
    match value:
        case str():
            made = UsualText(value)
        case int():
            made = UsualNumber(value)
        case datetime():
            made = UsualTime.of(value)
        case Jsonb():
            made = UsualDocument(value.value)
        case _:
            made = UsualList(value)
    return cast("T", made)


def is_usual(value: object) -> bool:
    """Return whether a value may be another."""
    return isinstance(value, Usual)
