"""Rows that go and come back under their own id, in one statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.engine.sql.writes import RawSql, literal

if TYPE_CHECKING:
    from conformance.engine.sql.writes import Row


def replaced(table: str, row: Row, *beside: str) -> RawSql:
    """Return the statement that deletes a row and inserts this one under its id.

    Args:
        table: of the row.
        row: the row that comes, with the id of the one that goes.
        beside: further statements that are part of the same one.
    """
    gone = f"DELETE FROM public.{table} WHERE id = {literal(row['id'])} RETURNING id"
    values = ", ".join(literal(value) for value in row.values())
    comes = f"INSERT INTO public.{table} ({', '.join(row)}) SELECT {values} FROM gone"
    parts = [f"gone AS ({gone})"]
    parts += [f"beside_{number} AS ({sql})" for number, sql in enumerate(beside)]
    return RawSql(f"WITH {', '.join(parts)} {comes}")


def at_once(first: str, second: str) -> RawSql:
    """Return one statement of two writes, of which neither sees the other's rows."""
    return RawSql(f"WITH beside AS ({first}) {second}")
