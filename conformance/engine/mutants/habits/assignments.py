"""Assignment of a watched column: a trigger changes what another one asks of a statement's columns.

`UPDATE OF c` fires where a statement names c, and not where a trigger assigns it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.engine.catalogue.schema import short
from conformance.engine.domain.chosen import conventions
from conformance.engine.mutants.habits.conditions import changes, picked
from conformance.engine.mutants.habits.guards import fixed, rejects
from conformance.engine.mutants.habits.rewriting import trigger_mutant
from conformance.engine.mutants.syntax import statement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.catalogue.schema import Schema
    from conformance.engine.mutants.mutant import Mutant

# Another value of each type, for a column that may be null too.
ANOTHER = {
    "uuid": "gen_random_uuid()",
    "text": "coalesce({c}, '') || '0'",
    "integer": "coalesce({c}, 0) + 1",
    "bigint": "coalesce({c}, 0) + 1",
    "boolean": "NOT {c}",
    "jsonb": "jsonb_build_array({c})",
    "timestamp with time zone": "coalesce({c}, now()) + interval '1 second'",
}


def of(schema: Schema) -> Iterator[Mutant]:
    """Return the mutants that assign a column which a rejecting trigger watches, one for each."""
    functions = {each.name: each for each in schema.functions}
    columns = {(each.table, each.name): each for each in schema.columns}
    for trigger in schema.triggers:
        tree: Any = statement(trigger.definition)
        watched = [columns[trigger.table, each.sval] for each in tree.columns or ()]
        known = [(each.name, value) for each in watched if (value := _another(each))]
        spoken = f"{trigger.definition} {fixed(schema, trigger.table)}"
        others = changes(schema, trigger.table, spoken)
        if tree.row and rejects(functions[trigger.function]) and known and others:
            name, value = picked(trigger.name, known)
            cause = picked(trigger.name, others)
            yield _assigning(schema, trigger, name, value, cause.of())


def _another(column: Any) -> str:
    if column.labels:
        first, last = column.labels[0], column.labels[-1]
        return (
            f"CASE NEW.{column.name} WHEN '{last}' THEN '{first}' ELSE '{last}' END::{column.type}"
        )
    return ANOTHER.get(column.type, "").format(c=f"NEW.{column.name}")


def _assigning(schema: Schema, trigger: Any, column: str, value: str, cause: str) -> Mutant:
    function = f"{conventions().own}.tg_{short(trigger.table).replace('.', '_')}__derive_{column}"
    derives = (
        f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql"
        " SET search_path = pg_catalog, pg_temp AS $$ BEGIN"
        f" NEW.{column} := {value}; RETURN NEW; END; $$"
    )
    fires = (
        f"CREATE TRIGGER _100_derive_{column} BEFORE UPDATE ON {trigger.table}"
        f" FOR EACH ROW WHEN ({cause}) EXECUTE FUNCTION {function}()"
    )
    words = f"{column} is assigned if {cause}"
    return trigger_mutant(schema, trigger, "watched column assigned", words, derives, fires)
