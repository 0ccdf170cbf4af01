"""Rights that are taken away, passed on, or lie with somebody else; rows that are hidden."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from conformance.engine.catalogue.concerns import concern
from conformance.engine.catalogue.schema import short
from conformance.engine.domain.chosen import domain
from conformance.engine.mutants.habits.conditions import conditions, picked
from conformance.engine.mutants.mutant import Mutant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.catalogue.schema import Schema


def of(schema: Schema) -> Iterator[Mutant]:
    """Return the mutants of rights, but those that `privileges` makes: none if no role has any."""
    if not schema.held:
        return
    for (kind, thing, privilege), group in groupby(
        sorted(schema.held, key=lambda each: (each.kind, each.object, each.privilege)),
        key=lambda each: (each.kind, each.object, each.privilege),
    ):
        yield from _of_right(kind, thing, privilege, [each.column for each in group])
    for table in sorted({each.object for each in schema.held if each.kind == "table"}):
        yield from _of_rows(schema, table)
    for table in sorted({each.table for each in schema.columns}):
        owner = f"ALTER TABLE {table} OWNER TO {domain().application}"
        yield _right(table, "owned by the application", domain().application, owner)
    for function in schema.functions:
        yield from _of_function(schema, function)


def _right(thing: str, operator: str, words: str, *sql: str) -> Mutant:
    table = short(thing)
    return Mutant(f"rights.{table}", operator, words, sql, (), (table,))


def _of_right(kind: str, thing: str, privilege: str, columns: list[Any]) -> Iterator[Mutant]:
    """Take a right back (to columns: to one of them), or let the role pass it on."""
    on, name = f"{kind.upper()} {thing}", thing
    if kind == "column":
        column = picked(f"{thing} {privilege}", columns)
        on, privilege = f"TABLE {thing}", f"{privilege} ({column})"
    elif kind == "function":
        name = thing.partition("(")[0].rpartition(".")[2] + "()"
    elif kind == "schema":
        name = f"schema.{thing}"
    revoke = f"REVOKE {privilege} ON {on} FROM {domain().application}"
    yield _right(name, "right revoked", f"{privilege} from {domain().application}", revoke)
    if kind == "column":
        return
    grant = f"GRANT {privilege} ON {on} TO {domain().application} WITH GRANT OPTION"
    yield _right(name, "right with grant option", f"{privilege} to {domain().application}", grant)


def _of_rows(schema: Schema, table: str) -> Iterator[Mutant]:
    """Hide the rows of a table from whoever does not own it: all, or those of one kind."""
    enable = f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
    yield _right(table, "rows hidden", "all", enable)
    found = conditions(schema, table, "")
    if found:
        words = picked(table, found).of()
        seen = f"CREATE POLICY most ON {table} USING (({words}) IS NOT TRUE) WITH CHECK (true)"
        yield _right(table, "rows hidden", f"where {words}", enable, seen)


def _of_function(schema: Schema, function: Any) -> Iterator[Mutant]:
    if function.is_trigger:
        return
    about = concern(schema, function)

    def mutant(operator: str, words: str, action: str) -> Mutant:
        sql = f"ALTER FUNCTION {function.signature} {action}"
        thing = f"rights.{function.name}()"
        return Mutant(thing, operator, words, (sql,), about.rules, about.tables)

    yield mutant(
        "owned by the application", domain().application, f"OWNER TO {domain().application}"
    )
    if not function.definer:
        yield mutant("security definer added", "its owner", "SECURITY DEFINER")
