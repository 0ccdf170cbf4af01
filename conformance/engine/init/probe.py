"""Questions to the server: what an expression is for rows that are nowhere written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import psycopg

from conformance.engine.sql.names import quoted
from conformance.engine.sql.writes import literal

if TYPE_CHECKING:
    from collections.abc import Sequence

# What each expression is for a row; None for a row of which the server cannot say.
Answer: TypeAlias = "tuple[object, ...] | None"


@dataclass(frozen=True, slots=True)
class Probe:
    """A database that computes expressions, and writes nothing."""

    connection: psycopg.Connection[Any]

    def of(
        self,
        columns: Sequence[tuple[str, str]],
        expressions: Sequence[str],
        rows: Sequence[Sequence[object]],
    ) -> list[Answer]:
        """Return what expressions are for each of some rows.

        Args:
            columns: their names and types, as SQL.
            expressions: over these columns.
            rows: a value for each column.
        """
        if not rows or not expressions:
            return [() for _ in rows]
        try:
            with self.connection.transaction():
                asked = _query(columns, expressions, rows)
                return list(self.connection.execute(asked.encode()).fetchall())
        except (psycopg.DataError, psycopg.errors.RaiseException):
            if len(rows) == 1:
                return [None]
        except psycopg.Error:  # it cannot be computed here, whatever the row
            return [None for _ in rows]
        half = len(rows) // 2
        return [
            *self.of(columns, expressions, rows[:half]),
            *self.of(columns, expressions, rows[half:]),
        ]


def _query(
    columns: Sequence[tuple[str, str]],
    expressions: Sequence[str],
    rows: Sequence[Sequence[object]],
) -> str:
    values = ", ".join(
        f"({', '.join((str(number), *map(_text, row)))})" for number, row in enumerate(rows)
    )
    places = [f"c{number}" for number in range(len(columns))]
    typed = [
        f"{place}::{kind} AS {quoted(name)}"
        for place, (name, kind) in zip(places, columns, strict=True)
    ]
    given = ", ".join(("place", *places))
    asked = ", ".join(f"({each})" for each in expressions)
    inner = ", ".join(('place AS "#"', *typed))
    return (
        f"SELECT {asked} FROM (SELECT {inner} FROM (VALUES {values}) AS v ({given})) AS r"
        ' ORDER BY "#"'
    )


def _text(value: object) -> str:
    return "NULL::text" if value is None else f"{literal(value)}::text"
