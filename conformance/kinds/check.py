"""Checks: what the columns of one row must be, whatever other rows there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping  # noqa: TC003 - fields of a dataclass
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Check:
    """A condition on the columns of a table's rows, said by what breaks it.

    Attributes:
        table: the table.
        breaks: the rows that break it, as SQL after WHERE.
        row_breaks: whether a row of the model breaks it; None where the model lacks the columns.
        legal: columns of rows that keep it, at the edges of what is legal.
        illegal: columns of rows that break it, and no other rule, one step over.
    """

    table: str
    breaks: str
    row_breaks: Callable[[Any], bool] | None = field(default=None, repr=False)
    legal: tuple[Mapping[str, object], ...] = field(default=(), hash=False)
    illegal: tuple[Mapping[str, object], ...] = field(default=(), hash=False)

    @property
    def tables(self) -> tuple[str, ...]:
        """The table."""
        return (self.table,)

    @property
    def violations(self) -> str:
        """A query for the rows that break it."""
        return f"SELECT id::text FROM {self.table} WHERE {self.breaks}"

    @property
    def model(self) -> Callable[[Any], bool] | None:
        """Predicate on a state of the model, if it has the columns."""
        return None if self.row_breaks is None else self._is_broken

    def _is_broken(self, state: object) -> bool:
        rows: Mapping[int, Any] = getattr(state, self.table)
        return self.row_breaks is not None and any(map(self.row_breaks, rows.values()))


def each(column: str, *values: object) -> tuple[Mapping[str, object], ...]:
    """Return rows that differ in one column, as `legal` and `illegal` have them."""
    return tuple({column: value} for value in values)
