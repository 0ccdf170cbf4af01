"""Rules of no kind: a query written by hand, from which nothing follows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Query:
    """Rows that break a rule, as a query says it.

    Attributes:
        tables: the tables that the rule speaks of.
        violations: a query for the keys, as one text column, of the rows that break it.
    """

    tables: tuple[str, ...]
    violations: str

    @property
    def model(self) -> None:
        """Nothing: no model is told by a query."""
        return
