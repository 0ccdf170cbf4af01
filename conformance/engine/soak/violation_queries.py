"""Violation queries of one snapshot, while others write to the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.engine.database.violations import part_of_union
from conformance.engine.domain.chosen import RULES

if TYPE_CHECKING:
    import psycopg

# The other rules are about single writes: only the change log could tell, whose order is not that
# in which sessions commit when there are many.
ASKED = tuple(rule for rule in RULES.values() if rule.in_rows)
BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


def violations(connection: psycopg.Connection[Any]) -> dict[str, list[str]]:
    """Return the keys of the rows that break each rule that is broken, all at one moment."""
    found: dict[str, list[str]] = {}
    # In one message: between two of them the busy clients of this process would have their turn.
    cursor = connection.execute(";\n".join([BEGIN, *map(part_of_union, ASKED), "COMMIT"]))
    while cursor.nextset():
        if cursor.description:
            for rule, key in cursor:
                found.setdefault(str(rule), []).append(str(key))
    return found


def count_rows(connection: psycopg.Connection[Any], tables: tuple[str, ...]) -> dict[str, int]:
    """Return how many rows tables have."""
    counts = (f"SELECT '{table}', count(*) FROM public.{table}" for table in tables)
    return dict(list(connection.execute(" UNION ALL ".join(counts))))


def in_words(rule: str) -> str:
    """Return a rule in words."""
    return f"{rule}: {RULES[rule].statement}"
