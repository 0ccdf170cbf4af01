"""Agreement: what a row says beside the name of its parent is what the parent says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SameAs:
    """A column of a table holds what a column of the row holds that another column names.

    Attributes:
        table: the table.
        column: that repeats what the parent says.
        via: the column that holds the parent's id.
        parent: the parent's table.
        theirs: the parent's column.
    """

    table: str
    column: str
    via: str
    parent: str
    theirs: str

    @property
    def tables(self) -> tuple[str, ...]:
        """Both tables."""
        return (self.table, self.parent)

    @property
    def model(self) -> None:
        """Nothing: no model has a column twice."""
        return

    @property
    def violations(self) -> str:
        """A query for the rows that say something else than their parents."""
        return (
            f"SELECT c.id::text FROM {self.table} c JOIN {self.parent} p ON p.id = c.{self.via}"
            f" WHERE c.{self.column} IS DISTINCT FROM p.{self.theirs}"
        )
