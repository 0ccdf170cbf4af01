"""Writes as data, and every shape of statement that can carry one.

A write says what should change; a path says how. Both know no database: what comes out is SQL text
that `psql` runs as it is, so that whatever the suite did can be shown and done again.

Values are plain Python: str, int, bool, None, UUID, aware datetime, Decimal, `Jsonb` for jsonb, a
list for an array, `Sql` for an expression. All but the last become untyped literals, which
PostgreSQL reads as the type of the column that they are meant for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

from conformance.engine.sql.conflict import Arbiter
from conformance.engine.sql.documents import Jsonb
from conformance.engine.sql.names import quoted

Row: TypeAlias = Mapping[str, object]


class Path(StrEnum):
    """The ways to write that a rule has to withstand."""

    INSERT = "insert"
    INSERT_MANY = "insert_many"
    UPDATE = "update"
    MOVE = "move"
    OTHER = "other"
    DELETE = "delete"
    CASCADE = "cascade"
    ON_CONFLICT = "on_conflict"
    MERGE = "merge"
    CTE = "cte"
    COPY = "copy"
    TRUNCATE = "truncate"


@dataclass(frozen=True, slots=True)
class Sql:
    """An SQL expression in the place of a value, such as `now() - interval '8 days'`."""

    text: str


@dataclass(frozen=True, slots=True)
class Insert:
    """Rows for one table, of `public` unless it names another. They may name different columns.

    `overriding`: whether they have values of their own for a column that is GENERATED ALWAYS.
    `brings`: rows of other tables without which these may not be; they are inserted plainly, after
    them, whatever path is tried.
    """

    table: str
    rows: tuple[Row, ...]
    overriding: bool = False
    brings: tuple[Insert, ...] = ()


@dataclass(frozen=True, slots=True)
class Update:
    """New values for the rows of a table that have a key.

    `row` is a full legal row with that key, for shapes that have to propose one (ON CONFLICT);
    `overriding` is of it as of an `Insert`.
    """

    table: str
    key: Row
    changes: Row
    row: Row | None = None
    overriding: bool = False


@dataclass(frozen=True, slots=True)
class Delete:
    """The end of the rows of a table that have a key."""

    table: str
    key: Row


@dataclass(frozen=True, slots=True)
class Truncate:
    """The end of all rows of some tables, and of those that refer to them."""

    tables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RawSql:
    """Any other statement, as SQL text; with what its ON CONFLICT names, if it does."""

    sql: str
    arbiter: Arbiter | None = None


@dataclass(frozen=True, slots=True)
class PlainWrite:
    """A write that is part of the case, and is carried out plainly whatever path is tried."""

    write: Write


Write: TypeAlias = Insert | Update | Delete | Truncate | RawSql | PlainWrite


class NotCarriedError(ValueError):
    """A write that the path's shape of statement cannot carry: the path would not be tried."""


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL text, the lines that follow it where it is a COPY, and what an ON CONFLICT names."""

    sql: str
    data: str | None = None
    arbiter: Arbiter | None = None

    def script(self) -> str:
        """Return what psql reads."""
        if self.data is None:
            return f"{self.sql};\n"
        return f"{self.sql};\n{self.data}\\.\n"


def literal(value: object) -> str:
    """Return a value as SQL: NULL, an expression, or an untyped literal."""
    if value is None:
        return "NULL"
    if isinstance(value, Sql):
        return value.text
    return _quoted(text(value))


def text(value: object) -> str:
    """Return a value that is not null in the text form that PostgreSQL reads.

    Raises:
        TypeError: The value is of no type that the suite writes.
    """
    if isinstance(value, Jsonb):
        return json.dumps(value.value, ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | Decimal | UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list):
        return "{" + ",".join("NULL" if each is None else _element(each) for each in value) + "}"
    message = f"no literal for {type(value).__name__}: {value!r}"
    raise TypeError(message)


def statements(write: Write, path: Path = Path.UPDATE) -> tuple[Statement, ...]:
    """Return the statements that carry a write along a path.

    A path that says nothing of the statement's shape (UPDATE, MOVE, CASCADE …) means the plain one,
    and so does SQL text.

    Raises:
        NotCarriedError: The path's shape cannot carry the write.
    """
    if not carries(path, write):
        message = f"{path} cannot carry {write}"
        raise NotCarriedError(message)
    match write:
        case PlainWrite(inner):
            return statements(inner)
        case Insert():
            brought = (each for one in write.brings for each in statements(one))
            return (*_inserts(write, path), *brought)
        case Update():
            return (Statement(_update(write, path), None, _arbiter(write, path)),)
        case Delete():
            return (Statement(_delete(write, path)),)
        case Truncate(tables):
            names = ", ".join(map(_qualified, tables))
            return (Statement(f"TRUNCATE {names} CASCADE"),)
        case RawSql(sql, arbiter):
            return (Statement(sql, None, arbiter),)


def carries(path: Path, write: Write) -> bool:
    """Return whether a path can carry a write, or says nothing of its shape."""
    if isinstance(write, RawSql | PlainWrite):
        return True
    match path:
        case Path.COPY:
            return isinstance(write, Insert) and not any(
                isinstance(value, Sql) for row in write.rows for value in row.values()
            )
        case Path.ON_CONFLICT:
            return isinstance(write, Update) and write.row is not None
        case Path.MERGE | Path.CTE:
            return isinstance(write, Insert | Update | Delete)
    return True


def _inserts(write: Insert, path: Path) -> list[Statement]:
    if path is Path.MERGE:  # of one row each
        return [_insert(write, tuple(row), [row], path) for row in write.rows]
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in write.rows:
        groups.setdefault(tuple(row), []).append(row)
    return [_insert(write, columns, rows, path) for columns, rows in groups.items()]


def _insert(write: Insert, columns: tuple[str, ...], rows: list[Row], path: Path) -> Statement:
    table, names = write.table, _names(columns)
    values = f"{_override(write)}VALUES " + ", ".join(f"({_values(row)})" for row in rows)
    plain = f"INSERT INTO {_qualified(table)} ({names}) {values}"
    if not columns:
        return Statement(f"INSERT INTO {_qualified(table)} DEFAULT VALUES")
    if path is Path.COPY:
        lines = "".join("\t".join(map(_field, row.values())) + "\n" for row in rows)
        return Statement(f"COPY {_qualified(table)} ({names}) FROM STDIN", lines)
    if path is Path.CTE:
        return Statement(f"WITH w AS ({plain} RETURNING 1) SELECT count(*) FROM w")
    if path is Path.MERGE:
        return Statement(
            f"MERGE INTO {_qualified(table)} AS t USING (VALUES (1)) AS s (x) ON false"
            f" WHEN NOT MATCHED THEN INSERT ({names}) {values}"
        )
    return Statement(plain)


def _update(write: Update, path: Path) -> str:
    changes = ", ".join(
        f"{quoted(name)} = {literal(value)}" for name, value in write.changes.items()
    )
    plain = f"UPDATE {_qualified(write.table)} SET {changes} WHERE {_where(write.key)}"
    if path is Path.CTE:
        return f"WITH w AS ({plain} RETURNING 1) SELECT count(*) FROM w"
    if path is Path.MERGE:
        return (
            f"MERGE INTO {_qualified(write.table)} AS t USING (VALUES (1)) AS s (x)"
            f" ON {_where(write.key, 't.')} WHEN MATCHED THEN UPDATE SET {changes}"
        )
    if write.row is not None and path is Path.ON_CONFLICT:
        names = _names(write.row)
        return (
            f"INSERT INTO {_qualified(write.table)} ({names})"
            f" {_override(write)}VALUES ({_values(write.row)})"
            f" {Arbiter(write.table, tuple(write.key)).clause} DO UPDATE SET {changes}"
        )
    return plain


def _arbiter(write: Update, path: Path) -> Arbiter | None:
    return Arbiter(write.table, tuple(write.key)) if path is Path.ON_CONFLICT else None


def _delete(write: Delete, path: Path) -> str:
    plain = f"DELETE FROM {_qualified(write.table)} WHERE {_where(write.key)}"
    if path is Path.CTE:
        return f"WITH w AS ({plain} RETURNING 1) SELECT count(*) FROM w"
    if path is Path.MERGE:
        return (
            f"MERGE INTO {_qualified(write.table)} AS t USING (VALUES (1)) AS s (x)"
            f" ON {_where(write.key, 't.')} WHEN MATCHED THEN DELETE"
        )
    return plain


def _qualified(table: str) -> str:
    return table if "." in table else f"public.{quoted(table)}"


def _override(write: Insert | Update) -> str:
    return "OVERRIDING SYSTEM VALUE " if write.overriding else ""


def _names(columns: Iterable[str]) -> str:
    return ", ".join(map(quoted, columns))


def _where(key: Row, prefix: str = "") -> str:
    if not key:
        return "true"
    return " AND ".join(f"{prefix}{quoted(name)} = {literal(value)}" for name, value in key.items())


def _values(row: Row) -> str:
    return ", ".join(literal(value) for value in row.values())


def _quoted(value: str) -> str:
    doubled = value.replace("'", "''")
    if "\\" in doubled:
        return " E'" + doubled.replace("\\", "\\\\") + "'"
    return f"'{doubled}'"


def _element(value: object) -> str:
    escaped = text(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _field(value: object) -> str:
    if value is None:
        return "\\N"
    escaped = text(value).replace("\\", "\\\\")
    return escaped.replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
