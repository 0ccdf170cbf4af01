"""Mutants of rights: each that the application's role lacks given, and what owners do, undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.engine.catalogue.concerns import concern
from conformance.engine.catalogue.schema import short
from conformance.engine.domain.chosen import domain
from conformance.engine.mutants.mutant import Mutant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.catalogue.schema import Schema

GRANTED, TO_ALL, AS_CALLER = "right granted", "right granted to all", "security definer removed"
OPERATORS = frozenset({GRANTED, TO_ALL, AS_CALLER})


def of(schema: Schema) -> Iterator[Mutant]:
    """Return the mutants of all rights to what a schema holds."""
    for right in schema.lacking:
        yield _granted(right)
    for function in schema.functions:
        if function.definer:
            found = concern(schema, function)
            sql = f"ALTER FUNCTION {function.signature} SECURITY INVOKER"
            thing = f"rights.{function.name}()"
            yield Mutant(thing, AS_CALLER, "its caller", (sql,), found.rules, found.tables)


def _granted(right: Any) -> Mutant:
    """Return a right that is given: to the role if it lacks it, or else to everybody."""
    whom, operator = (domain().application, GRANTED) if right.of_role else ("PUBLIC", TO_ALL)
    privilege, thing = right.privilege, f"rights.{short(right.object)}"
    if right.kind == "column":
        privilege = f"{right.privilege} ({right.column})"
        sql = f"GRANT {privilege} ON TABLE {right.object} TO {whom}"
        thing = f"{thing}.{right.column}"
    elif right.kind == "database":  # whose name is another one in each clone
        do = f"EXECUTE format('GRANT {privilege} ON DATABASE %I TO {whom}', current_database())"
        sql = f"DO $$BEGIN {do}; END$$"
        thing = "rights.database"
    else:
        sql = f"GRANT {privilege} ON {right.kind.upper()} {right.object} TO {whom}"
    if right.kind == "schema":
        thing = f"rights.schema.{right.object}"
    elif right.kind == "function":
        thing = f"rights.{right.object.partition('(')[0].rpartition('.')[2]}()"
    return Mutant(thing, operator, f"{right.privilege} to {whom}", (sql,))
