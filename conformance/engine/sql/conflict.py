"""Conflict of a row that is proposed with ON CONFLICT, as data."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.engine.sql.names import quoted


@dataclass(frozen=True, slots=True)
class Arbiter:
    """The columns of a table by which the row of an ON CONFLICT meets another.

    `is_named`: whether it says so, or leaves it to the server to ask all unique indexes.
    """

    table: str
    columns: tuple[str, ...]
    is_named: bool = True

    @property
    def clause(self) -> str:
        """The clause that names them, where the table has a unique index of just these."""
        return f"ON CONFLICT ({', '.join(map(quoted, self.columns))})"
