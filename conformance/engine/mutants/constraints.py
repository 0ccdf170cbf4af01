"""Mutants of constraints and of unique indexes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from conformance.engine.catalogue.schema import short
from conformance.engine.mutants.expressions import changes
from conformance.engine.mutants.mutant import Mutant
from conformance.engine.mutants.syntax import edits, expression, printed, statement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.catalogue.schema import Schema

# What each ON DELETE is exchanged for. NO ACTION is what is not written.
INSTEAD = {
    "CASCADE": ("NO ACTION", "SET NULL"),
    "SET NULL": ("NO ACTION", "CASCADE"),
    "RESTRICT": ("NO ACTION", "CASCADE", "SET NULL"),
    "NO ACTION": ("RESTRICT", "CASCADE", "SET NULL"),
}
ON_DELETE = re.compile(r" ON DELETE (CASCADE|RESTRICT|SET NULL|SET DEFAULT)( \([^)]*\))?")
DEFERRAL = re.compile(r"( DEFERRABLE)( INITIALLY DEFERRED)?$")
REFERENCE = re.compile(r"FOREIGN KEY \((.*?)\) REFERENCES (\S+?)\s?\((.*?)\)(.*)", re.DOTALL)
# An expression that can be true where a column is null says so with one of these.
SEES_NULL = re.compile(
    r"IS (NOT )?(NULL|DISTINCT)|num_nulls|coalesce|CASE|array_position", re.IGNORECASE
)


def of(schema: Schema) -> Iterator[Mutant]:
    """Return the mutants of all constraints, of tables and of domains, and of unique indexes."""
    for constraint in schema.constraints:
        change = {"c": _check, "f": _reference, "p": _key, "u": _key}[constraint.kind]
        for operator, text, definition in change(schema, constraint):
            yield _mutant(schema, constraint, operator, text, definition)
    for index in schema.indexes:
        yield from _index(schema, index)


def _mutant(
    schema: Schema, constraint: Any, operator: str, change: str, definition: str | None
) -> Mutant:
    held = constraint.table or constraint.domain
    alter = f"ALTER {'TABLE' if constraint.table else 'DOMAIN'} {held}"
    cascade = " CASCADE" if constraint.kind in "pu" else ""
    sql = [f"{alter} DROP CONSTRAINT {constraint.name}{cascade}"]
    if definition is not None:
        sql.append(f"{alter} ADD CONSTRAINT {constraint.name} {definition}")
        sql += [
            f"ALTER TABLE {each.table} ADD CONSTRAINT {each.name} {each.definition}"
            for each in schema.constraints
            if cascade and each.kind == "f" and each.index == constraint.index
        ]
    tables = schema.about(constraint.table) or tuple(map(short, constraint.users))
    return Mutant(
        f"{short(held)}.{constraint.name}",
        operator,
        change,
        tuple(sql),
        schema.rules_of(constraint.name, constraint.comment),
        tables,
    )


def _check(schema: Schema, constraint: Any) -> Iterator[tuple[str, str, str | None]]:
    yield "check dropped", constraint.definition, None
    tables = [short(constraint.table)] if constraint.table else [*map(short, constraint.users)]
    body = constraint.definition.removeprefix("CHECK ")
    for operator, change, text in edits(expression(body), changes(schema.labels_for(tables).get)):
        yield operator, change, f"CHECK ({text.removeprefix('SELECT ')})"
    if SEES_NULL.search(body):
        for column in constraint.nullable:
            yield "null passes", f"{column} may be null", f"CHECK ({column} IS NULL OR {body})"


def _key(_schema: Schema, constraint: Any) -> Iterator[tuple[str, str, str | None]]:
    definition = constraint.definition
    name = "primary key" if constraint.kind == "p" else "unique"
    yield f"{name} dropped", f"{definition}, and the keys that refer to it", None
    if constraint.kind == "u" and constraint.nullable:
        again = definition.replace("UNIQUE (", "UNIQUE NULLS NOT DISTINCT (")
        yield "nulls collide", again, again
    yield from _deferral(definition)


def _reference(_schema: Schema, constraint: Any) -> Iterator[tuple[str, str, str | None]]:
    definition = constraint.definition
    yield "foreign key dropped", definition, None
    found = ON_DELETE.search(definition)
    action = found[1] if found else "NO ACTION"
    bare = ON_DELETE.sub("", definition)
    parts = REFERENCE.fullmatch(bare)
    if parts is None:
        message = f"a foreign key that is not understood: {definition}"
        raise ValueError(message)
    columns, parent, keys, rest = parts.groups()
    for other in INSTEAD.get(action, ()):
        text = f"FOREIGN KEY ({columns}) REFERENCES {parent}({keys}) ON DELETE {other}{rest}"
        yield "on delete exchanged", f"{action} becomes {other}", text
    pairs = list(zip(columns.split(", "), keys.split(", "), strict=True))
    for number, pair in enumerate(pairs) if len(pairs) > 1 else ():
        kept = [each for at, each in enumerate(pairs) if at != number]
        ours, theirs = (", ".join(side) for side in zip(*kept, strict=True))
        deletes = f" ON DELETE {action}" if found else ""
        text = f"FOREIGN KEY ({ours}) REFERENCES {parent}({theirs}){deletes}{rest}"
        yield "foreign key weakened", f"without {pair[0]}", text
    yield from _deferral(definition)


def _deferral(definition: str) -> Iterator[tuple[str, str, str | None]]:
    found = DEFERRAL.search(definition)
    bare = DEFERRAL.sub("", definition)
    if found is not None:
        yield "deferrable removed", "not deferrable", bare
        now = f"{bare} DEFERRABLE{'' if found[2] else ' INITIALLY DEFERRED'}"
        yield "initially exchanged", "IMMEDIATE" if found[2] else "DEFERRED", now


def _index(schema: Schema, index: Any) -> Iterator[Mutant]:
    def mutant(operator: str, change: str, *definition: str) -> Mutant:
        sql = (f"DROP INDEX {index.name}", *definition)
        rules = schema.rules_of(index.short, index.comment)
        table = short(index.table)
        return Mutant(f"{table}.{index.short}", operator, change, sql, rules, (table,))

    definition = index.definition
    yield mutant("unique index dropped", definition)
    again = definition.replace("CREATE UNIQUE", "CREATE", 1)
    yield mutant("unique removed", again, again)
    tree: Any = statement(definition)
    if tree.whereClause is None:
        return
    labels = schema.labels_for([short(index.table)])
    for operator, change, text in edits(tree, changes(labels.get)):
        yield mutant(operator, change, text)
    tree.whereClause = None
    yield mutant("predicate dropped", printed(tree), printed(tree))
