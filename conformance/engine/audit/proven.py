"""Rules that a database has proven of all its rows by constraints that are intact.

A CHECK that is validated, a column that is NOT NULL and a unique index hold of every row, whoever
wrote it: nothing but the loss of the constraint lets a row in that breaks them, and that the
comparison with the migrations finds. Foreign keys, triggers and what is asked at commit prove
nothing: a restore, a replica and an owner write without them. Nor do keys of texts, once the
server sorts in another way than when their indexes were made.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psycopg

from conformance.engine.audit.canonical import same
from conformance.engine.audit.enforcement import named_as_described
from conformance.engine.audit.questions import Proofs, of_rules
from conformance.engine.domain.chosen import RULES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.engine.audit.description import Description
    from conformance.engine.audit.questions import Condition, Question
    from conformance.engine.audit.target import Connection
    from conformance.engine.kinds.rule import Rule

SORTS_OTHERWISE = """
SELECT EXISTS (
    SELECT FROM pg_database AS d WHERE d.datname = current_database()
        AND d.datcollversion IS DISTINCT FROM pg_database_collation_actual_version(d.oid)
) OR EXISTS (
    SELECT FROM pg_collation AS c WHERE c.collversion IS NOT NULL
        AND c.collversion IS DISTINCT FROM pg_collation_actual_version(c.oid)
)
"""
UNIQUE = re.compile(r"(?:UNIQUE|PRIMARY KEY) .*", re.DOTALL)
UNIQUE_INDEX = re.compile(r"CREATE UNIQUE INDEX .*", re.DOTALL)
CHECK = re.compile(r"CHECK .*", re.DOTALL)
# Rows of which the same columns are twice there, as a kind of rule asks for them.
TWICE = re.compile(
    r"SELECT id::text FROM (?P<table>\w+) WHERE \((?P<columns>\w+(?:, \w+)*)\) IN \("
    r"SELECT (?P=columns) FROM (?P=table) GROUP BY (?P=columns) HAVING count\(\*\) > 1 OFFSET 0\)"
)
NEVER = "One-Time Filter: false"  # in the plan of what no row can meet
# What describes an object, and enforces nothing.
SILENT = ("comment", "privilege", "turn")


def questions(conn: Connection, expected: Description, found: Description) -> tuple[Question, ...]:
    """Return what is left to ask of the rows.

    Args:
        conn: of the database, in a transaction.
        expected: the schema as its migrations make it.
        found: as it is.
    """
    proven = by_constraints(conn, expected, found)
    left = (rule for rule in RULES.values() if rule.id not in proven)
    return of_rules(left, _Constraints(conn, expected, found))


def by_constraints(conn: Connection, expected: Description, found: Description) -> frozenset[str]:
    """Return the ids of the rules that nothing but constraints enforces, all intact; as above."""
    keys = not _sorts_otherwise(conn)
    return frozenset(
        rule.id
        for rule in RULES.values()
        if rule.of_rows and _is_proven(rule, expected, found, keys=keys)
    )


def _sorts_otherwise(conn: Connection) -> bool:
    ((differs,),) = conn.execute(SORTS_OTHERWISE).fetchall()
    return bool(differs)


class _Constraints(Proofs):
    """Proofs by constraints of a database."""

    def __init__(self, conn: Connection, expected: Description, found: Description) -> None:
        self._conn = conn
        self._found = found
        called = {name.partition("(")[0] for kind, name in found if kind == "function"}
        names = sorted(called | {name.rpartition(".")[2] for name in called})
        self._own = re.compile(rf"\b(?:{'|'.join(map(re.escape, names))})\(") if names else None
        self._keys = [
            definition
            for key, definition in found.items()
            if key[0] == "index" and same("index", definition, expected.get(key, ""))
            if _proves(key, definition, keys=not _sorts_otherwise(conn))
        ]

    def refute(self, table: str, condition: Condition) -> bool:
        """Ask the server's planner, which knows its CHECKs; but not of what functions compute."""
        if self._own is not None and self._own.search(condition.text):
            return False
        alias = condition.alias or table
        asked = f"EXPLAIN (COSTS OFF) SELECT FROM {table} AS {alias} WHERE {condition.text}"
        try:
            with self._conn.transaction():
                self._conn.execute("SET LOCAL constraint_exclusion = on")
                plan = [str(line) for (line,) in self._conn.execute(asked.encode()).fetchall()]
        except psycopg.Error:  # whoever asks it of the rows will say why it cannot be asked
            return False
        return plan[0].startswith("Result") and any(NEVER in line for line in plan[1:])

    def is_empty(self, query: str) -> bool:
        """Look for a key, if the query is for what has the same values twice."""
        twice = TWICE.fullmatch(query)
        if twice is None:
            return False
        table, columns = twice["table"], twice["columns"].split(", ")
        end = f" ON public.{table} USING btree ({twice['columns']})"
        is_key = any(key.endswith(end) for key in self._keys)
        return is_key and all(self._is_never_null(table, each) for each in columns)

    def _is_never_null(self, table: str, column: str) -> bool:
        return " NOT NULL" in self._found.get(("column", f"public.{table}.{column}"), "")


def _is_proven(rule: Rule, expected: Description, found: Description, *, keys: bool) -> bool:
    """Return whether nothing but constraints enforces a rule, all of them intact."""
    objects = list(enforcing(rule, expected))
    return bool(objects) and all(
        key in found
        and same(key[0], expected[key], found[key])
        and _proves(key, expected[key], keys=keys)
        and all(same("function", expected[each], found.get(each, "")) for each in calls)
        for key, calls in ((key, _called(expected[key], expected)) for key in objects)
    )


def enforcing(rule: Rule, expected: Description) -> Iterator[tuple[str, str]]:
    """Yield whatever of a schema speaks of a rule, or is named as what enforces it."""
    names = [named_as_described(each) for each in rule.enforced_by if not each.startswith("type ")]
    for key, definition in expected.items():
        kind, called = key
        if kind in SILENT:
            continue
        if any(name in f"{called} {definition}" for name in (*names, *rule.tokens)):
            yield key
        elif kind == "type" and called.rpartition(".")[2] in rule.types:
            yield key
            yield from _of_type(called, rule.tables, expected)


def _of_type(name: str, tables: Sequence[str], expected: Description) -> Iterator[tuple[str, str]]:
    """Yield the columns of some tables that have a type."""
    for key, definition in expected.items():
        kind, called = key
        table = called.rpartition(".")[0].rpartition(".")[2]
        if kind == "column" and table in tables and definition.partition(" ")[0] == name:
            yield key


def _proves(key: tuple[str, str], definition: str, *, keys: bool) -> bool:
    """Return whether an object holds of all rows, as long as it is there."""
    kind, _ = key
    if kind == "column":
        return " NOT NULL" in definition
    if kind == "type":
        return True
    if kind == "index":
        return keys and UNIQUE_INDEX.fullmatch(definition) is not None and _is_whole(definition)
    if kind == "constraint":
        is_key = keys and UNIQUE.fullmatch(definition) is not None
        return (is_key or CHECK.fullmatch(definition) is not None) and _is_whole(definition)
    return False


def _is_whole(definition: str) -> bool:
    marks = ("(not validated)", "(not enforced)", "(invalid)", "(deferrable)", "NOT VALID")
    return not any(mark in definition for mark in (*marks, " DEFERRABLE", "NOT ENFORCED"))


def _called(definition: str, expected: Description) -> list[tuple[str, str]]:
    """Return the schema's own functions that a definition calls, and those that they call."""
    found: list[tuple[str, str]] = []
    ahead = [definition]
    while ahead:
        text = ahead.pop()
        for key, body in expected.items():
            kind, called = key
            if kind == "function" and key not in found and f"{called.partition('(')[0]}(" in text:
                found.append(key)
                ahead.append(body)
    return found
