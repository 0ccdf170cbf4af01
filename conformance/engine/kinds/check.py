"""Checks: what the columns of one row must be, whatever other rows there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping  # noqa: TC003 - fields of a dataclass
from dataclasses import dataclass, field
from typing import Any

from conformance.engine.sql.names import quoted


@dataclass(frozen=True, slots=True)
class Check:
    """A condition on the columns of a table's rows, said by what breaks it.

    Attributes:
        table: the table.
        breaks: the rows that break it, as SQL after WHERE.
        row_breaks: whether a row of the model breaks it; None where the model lacks the columns.
        legal: columns of rows that keep it, at the edges of what is legal.
        illegal: columns of rows that break it, and no other rule, one step over.
        key: what tells a row from others, as SQL.
    """

    table: str
    breaks: str
    row_breaks: Callable[[Any], bool] | None = field(default=None, repr=False)
    legal: tuple[Mapping[str, object], ...] = field(default=(), hash=False)
    illegal: tuple[Mapping[str, object], ...] = field(default=(), hash=False)
    key: str = "id"

    @property
    def tables(self) -> tuple[str, ...]:
        """The table."""
        return (self.table,)

    @property
    def violations(self) -> str:
        """A query for the rows that break it."""
        return f"SELECT {self.key}::text FROM {quoted(self.table)} WHERE {self.breaks}"

    @property
    def model(self) -> Callable[[Any], bool] | None:
        """Predicate on a state of the model, if it has the columns."""
        return None if self.row_breaks is None else self._is_broken

    def _is_broken(self, state: object) -> bool:
        rows: Mapping[int, Any] = getattr(state, self.table)
        return self.row_breaks is not None and any(map(self.row_breaks, rows.values()))


@dataclass(frozen=True, slots=True)
class Required:
    """Columns of a table that are never null.

    Attributes:
        table: the table.
        columns: the columns.
        key: what tells a row from others, as SQL.
    """

    table: str
    columns: tuple[str, ...]
    key: str = "id"

    @property
    def tables(self) -> tuple[str, ...]:
        """The table."""
        return (self.table,)

    @property
    def model(self) -> None:
        """Nothing: what a model has is never null."""
        return

    @property
    def enforced_by(self) -> tuple[str, ...]:
        """The columns, as a rule names what refuses a null."""
        return tuple(f"column {self.table}.{name}" for name in self.columns)

    @property
    def check(self) -> Check:
        """The same as a condition, with what breaks it."""
        breaks = " OR ".join(f"{quoted(name)} IS NULL" for name in self.columns)
        illegal = tuple({name: None} for name in self.columns)
        return Check(self.table, breaks, illegal=illegal, key=self.key)

    @property
    def violations(self) -> str:
        """A query for the rows with a null."""
        return self.check.violations


def each(column: str, *values: object) -> tuple[Mapping[str, object], ...]:
    """Return rows that differ in one column, as `legal` and `illegal` have them."""
    return tuple({column: value} for value in values)
