"""Mutants of columns, of the labels of enum types, and of the rows that migrations put in place."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

from conformance.engine.catalogue.schema import short
from conformance.engine.mutants.expressions import changes
from conformance.engine.mutants.mutant import Mutant
from conformance.engine.mutants.syntax import edits, expression

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.catalogue.schema import Data, Schema


def of(schema: Schema) -> Iterator[Mutant]:
    """Return the mutants of all columns, enum types and rows."""
    for column in schema.columns:
        yield from _column(schema, column)
    for enum in schema.enums:
        yield from _enum(schema, enum)
    for data in schema.data:
        yield from _rows(schema, data)


def _column(schema: Schema, column: Any) -> Iterator[Mutant]:
    table = short(column.table)
    rules = schema.rules_with(column) if column.generated else ()

    def mutant(operator: str, change: str, action: str) -> Mutant:
        sql = f"ALTER TABLE {column.table} ALTER COLUMN {column.name} {action}"
        tables = schema.about(column.table)
        return Mutant(f"{table}.{column.name}", operator, change, (sql,), rules, tables)

    if column.required:
        yield mutant("not null dropped", "may be null", "DROP NOT NULL")
    if column.expression is None:
        return
    kind, action = "default", "SET DEFAULT"
    if column.generated:
        kind, action = "generation", "SET EXPRESSION AS"  # PostgreSQL 17 and newer
    else:
        yield mutant("default dropped", column.expression, "DROP DEFAULT")
    labels = schema.labels_for([table])
    for operator, change, text in edits(expression(column.expression), changes(labels.get)):
        new = f"({text.removeprefix('SELECT ')})"
        yield mutant(f"{kind}: {operator}", change, f"{action} {new}")


def _enum(schema: Schema, enum: Any) -> Iterator[Mutant]:
    def mutant(operator: str, change: str, *actions: str) -> Mutant:
        sql = tuple(f"ALTER TYPE {enum.name} {action}" for action in actions)
        rules = schema.rules_of(enum.name)
        return Mutant(short(enum.name), operator, change, sql, rules, tuple(map(short, enum.users)))

    yield mutant("label added", "another", "ADD VALUE 'another'")
    for label in enum.labels:
        gone = f"RENAME VALUE '{label}' TO '_{label}'"
        yield mutant("label removed", label, gone)
    for label, after in zip(enum.labels, enum.labels[1:], strict=False):
        yield mutant(
            "labels exchanged",
            f"{label} and {after}",
            f"RENAME VALUE '{label}' TO '_'",
            f"RENAME VALUE '{after}' TO '{label}'",
            f"RENAME VALUE '_' TO '{after}'",
        )


def _rows(schema: Schema, data: Data) -> Iterator[Mutant]:
    """Remove each row, and add each that the values of the others could make: what is granted."""
    table = short(data.table)
    fixed = "SET session_replication_role = replica"
    rules = tuple(
        dict.fromkeys(
            rule
            for trigger in schema.triggers
            if trigger.table == data.table
            for rule in schema.rules_of(trigger.name, trigger.comment, trigger.table)
        )
    )

    def mutant(operator: str, row: tuple[str, ...], sql: str) -> Mutant:
        back = "SET session_replication_role = origin"
        return Mutant(table, operator, " ".join(row), (fixed, sql, back), rules, (table,))

    names = ", ".join(data.columns)
    for row in data.rows:
        where = " AND ".join(
            f"{name} = '{value}'" for name, value in zip(data.columns, row, strict=True)
        )
        yield mutant("row removed", row, f"DELETE FROM {data.table} WHERE {where}")
    for row in product(*(sorted(set(values)) for values in zip(*data.rows, strict=True))):
        if row not in data.rows:
            values = ", ".join(f"'{value}'" for value in row)
            yield mutant("row added", row, f"INSERT INTO {data.table} ({names}) VALUES ({values})")
