"""Keys: no two rows alike, and no row that refers to another that is not there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping  # noqa: TC003 - fields of a dataclass
from dataclasses import dataclass
from dataclasses import field as of_class
from operator import attrgetter
from typing import Any

from conformance.engine.sql.names import quoted


@dataclass(frozen=True, slots=True)
class Unique:
    """No two rows of a table share all of some columns; nulls are never alike.

    Attributes:
        table: the table.
        columns: the columns.
        fields: the same ones in the model; () without a model.
        by: what must differ, as SQL over the columns, where that is not the columns themselves.
        alike: pairs of values of the columns that differ and yet are one key.
        where: the rows that the rule speaks of, as SQL; '' for all.
        inside, outside: columns of rows that it speaks of, and of rows that it does not.
        key: what tells a row from others, as SQL.
    """

    table: str
    columns: tuple[str, ...]
    fields: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    alike: tuple[tuple[Mapping[str, object], Mapping[str, object]], ...] = of_class(
        default=(), hash=False
    )
    where: str = ""
    inside: tuple[Mapping[str, object], ...] = of_class(default=(), hash=False)
    outside: tuple[Mapping[str, object], ...] = of_class(default=(), hash=False)
    key: str = "id"

    @property
    def tables(self) -> tuple[str, ...]:
        """The table."""
        return (self.table,)

    @property
    def violations(self) -> str:
        """A query for the rows that share their key with another row."""
        by = self.by or tuple(map(quoted, self.columns))
        return repeated(quoted(self.table), *by, where=self.where, key=self.key)

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
        theirs: the column of the other table that it names.
        also: further columns that name the same row, with those of the other table.
        on_delete, on_update: what becomes of the row when the other goes or gets another key, as
            SQL has it ("no action", "restrict", "cascade", "set null"); '' for whatever the schema
            says.
        key: what tells a row from others, as SQL.
    """

    table: str
    column: str
    parent: str
    field: str = ""
    null: bool = True
    theirs: str = "id"
    also: Mapping[str, str] = of_class(default_factory=dict, hash=False)
    on_delete: str = ""
    on_update: str = ""
    key: str = "id"

    @property
    def tables(self) -> tuple[str, ...]:
        """Both tables."""
        return (self.table, self.parent)

    @property
    def columns(self) -> dict[str, str]:
        """The columns, with those of the other table."""
        return {self.column: self.theirs, **self.also}

    @property
    def violations(self) -> str:
        """A query for the rows whose parent is missing."""
        columns = {quoted(ours): quoted(theirs) for ours, theirs in self.columns.items()}
        table = quoted(self.table)
        found = unmatched(table, columns, quoted(self.parent), key=self.key)
        if not self.null:
            return found
        none = f"SELECT {self.key}::text FROM {table} WHERE {quoted(self.column)} IS NULL"
        return f"{found} UNION ALL {none}"

    @property
    def model(self) -> Callable[[Any], bool] | None:
        """Return whether a state of the model breaks it; None without a model."""
        return self.is_broken if self.field else None

    def is_broken(self, state: object) -> bool:
        """Return whether a row of the model names none of the other table."""
        rows: Mapping[int, Any] = getattr(state, self.table)
        parents: Mapping[int, Any] = getattr(state, self.parent)
        return any(getattr(row, self.field) not in parents for row in rows.values())


@dataclass(frozen=True, slots=True)
class Excludes:
    """No two rows of a table are such that all of some comparisons are true of them.

    Attributes:
        table: the table.
        columns: what is compared.
        operators: with what, such as `&&`, in the same order.
        where, inside, outside, key: as those of `Unique`.
    """

    table: str
    columns: tuple[str, ...]
    operators: tuple[str, ...]
    where: str = ""
    inside: tuple[Mapping[str, object], ...] = of_class(default=(), hash=False)
    outside: tuple[Mapping[str, object], ...] = of_class(default=(), hash=False)
    key: str = "id"

    @property
    def alike(self) -> tuple[tuple[Mapping[str, object], Mapping[str, object]], ...]:
        """Nothing: what meets and yet differs is not looked for."""
        return ()

    @property
    def tables(self) -> tuple[str, ...]:
        """The table."""
        return (self.table,)

    @property
    def model(self) -> None:
        """Nothing: no model compares so."""
        return

    @property
    def violations(self) -> str:
        """A query for the rows that meet another one."""
        named = [quoted(name) for name in self.columns]
        pairs = zip(named, self.operators, strict=True)
        meets = " AND ".join(f"other.{name} {operator} one.{name}" for name, operator in pairs)
        some = f"({self.where}) AND " if self.where else ""
        return (
            f"SELECT {self.key}::text FROM {quoted(self.table)} AS one WHERE {some}EXISTS ("
            f"SELECT FROM {quoted(self.table)} AS other"
            f" WHERE {some}other.ctid <> one.ctid AND {meets})"
        )


def repeated(table: str, *columns: str, where: str = "", key: str = "id") -> str:
    """Return a query for the rows of a table that share all of some columns with another row.

    Args:
        table: whose rows are looked at.
        columns: what they may not share.
        where: the rows that count; '' for all.
        key: what is returned of a row.
    """
    shared = ", ".join(columns)
    some = f"WHERE {where} " if where else ""
    again = f"SELECT {shared} FROM {table} {some}GROUP BY {shared} HAVING count(*) > 1 OFFSET 0"
    only = f"({where}) AND " if where else ""
    return f"SELECT {key}::text FROM {table} WHERE {only}({shared}) IN ({again})"


def unmatched(table: str, columns: Mapping[str, str], parent: str, key: str = "id") -> str:
    """Return a query for the rows of a table that name no row of another, if they name one.

    Args:
        table: whose rows are looked at.
        columns: of the table, of which the first may be null, and those of the other.
        parent: the other table.
        key: what is returned of a row.
    """
    # What is missing is looked for among the values alone, which indexes have in order: OFFSET 0
    # keeps the rows, which are many and wide, out of that.
    ours, first = ", ".join(columns), next(iter(columns))
    same = " AND ".join(f"p.{theirs} = c.{column}" for column, theirs in columns.items())
    missing = (
        f"SELECT {', '.join(f'c.{column}' for column in columns)} FROM {table} c"
        f" WHERE c.{first} IS NOT NULL"
        f" AND NOT EXISTS (SELECT FROM {parent} p WHERE {same}) OFFSET 0"
    )
    return f"SELECT {key}::text FROM {table} WHERE ({ours}) IN ({missing})"
