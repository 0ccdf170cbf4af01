"""Keys: no two rows alike, and no row that refers to another that is not there."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True)
class Unique:
    """No two rows of a table share all of some columns; nulls are never alike.

    Attributes:
        table: the table.
        columns: the columns.
        fields: the same ones in the model; () without a model.
    """

    table: str
    columns: tuple[str, ...]
    fields: tuple[str, ...] = ()

    @property
    def tables(self) -> tuple[str, ...]:
        """The table."""
        return (self.table,)

    @property
    def violations(self) -> str:
        """A query for the rows that share their key with another row."""
        return repeated(self.table, *self.columns)

    @property
    def model(self) -> Callable[[Any], bool] | None:
        """Return whether a state of the model breaks it; None without a model."""
        return self.is_broken if self.fields else None

    def is_broken(self, state: object) -> bool:
        """Return whether two rows of the model are alike."""
        rows: Mapping[int, Any] = getattr(state, self.table)
        read = [attrgetter(name) for name in self.fields]
        keys = (tuple(each(row) for each in read) for row in rows.values())
        counts = Counter(key for key in keys if None not in key)
        return any(count > 1 for count in counts.values())


@dataclass(frozen=True, slots=True)
class References:
    """A column of a table names a row of another one.

    Attributes:
        table: the table.
        column: where the other row's id stands.
        parent: the other table.
        field: the column in the model; '' without a model.
        null: whether a null breaks the rule too; else that is another rule's.
    """

    table: str
    column: str
    parent: str
    field: str = ""
    null: bool = True

    @property
    def tables(self) -> tuple[str, ...]:
        """Both tables."""
        return (self.table, self.parent)

    @property
    def violations(self) -> str:
        """A query for the rows whose parent is missing."""
        found = unmatched(self.table, {self.column: "id"}, self.parent)
        if not self.null:
            return found
        return f"{found} UNION ALL SELECT id::text FROM {self.table} WHERE {self.column} IS NULL"

    @property
    def model(self) -> Callable[[Any], bool] | None:
        """Return whether a state of the model breaks it; None without a model."""
        return self.is_broken if self.field else None

    def is_broken(self, state: object) -> bool:
        """Return whether a row of the model names none of the other table."""
        rows: Mapping[int, Any] = getattr(state, self.table)
        parents: Mapping[int, Any] = getattr(state, self.parent)
        return any(getattr(row, self.field) not in parents for row in rows.values())


def repeated(table: str, *columns: str) -> str:
    """Return a query for the rows of a table that share all of some columns with another row."""
    key = ", ".join(columns)
    again = f"SELECT {key} FROM {table} GROUP BY {key} HAVING count(*) > 1 OFFSET 0"
    return f"SELECT id::text FROM {table} WHERE ({key}) IN ({again})"


def unmatched(table: str, columns: Mapping[str, str], parent: str) -> str:
    """Return a query for the rows of a table that name no row of another, if they name one.

    Args:
        table: whose rows are looked at.
        columns: of the table, of which the first may be null, and those of the other.
        parent: the other table.
    """
    # What is missing is looked for among the values alone, which indexes have in order: OFFSET 0
    # keeps the rows, which are many and wide, out of that.
    key, first = ", ".join(columns), next(iter(columns))
    same = " AND ".join(f"p.{theirs} = c.{ours}" for ours, theirs in columns.items())
    missing = (
        f"SELECT {', '.join(f'c.{column}' for column in columns)} FROM {table} c"
        f" WHERE c.{first} IS NOT NULL"
        f" AND NOT EXISTS (SELECT FROM {parent} p WHERE {same}) OFFSET 0"
    )
    return f"SELECT id::text FROM {table} WHERE ({key}) IN ({missing})"
