"""Switches: a guard that is off where a setting, a session, a trigger or a column says so.

Each guard gets one switch, picked among all that it may have. Most of them no black box can find.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from conformance.engine.mutants.habits.conditions import picked
from conformance.engine.mutants.habits.guards import DELETE, rejects
from conformance.engine.mutants.habits.rewriting import again, check_mutant, node, trigger_mutant
from conformance.engine.mutants.syntax import like, printed, statement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.catalogue.schema import Schema
    from conformance.engine.mutants.mutant import Mutant

SETTING = "switched off by a setting"
SWITCHES = {
    SETTING: "current_setting('app.bypass', true) = 'on'",
    "switched off by a session": "current_setting('application_name') = 'console'",
    "switched off by a user": "session_user = 'support'",
    "switched off by a trigger": "pg_trigger_depth() > 0",
}
COLUMN = "switched off by a column"


def of(schema: Schema) -> Iterator[Mutant]:
    """Return the mutants of guards that can be switched off."""
    functions = {each.name: each for each in schema.functions}
    for trigger in schema.triggers:
        if rejects(functions[trigger.function]):
            yield _trigger(schema, trigger)
    for constraint in schema.constraints:
        if constraint.kind == "c":
            yield _check(schema, constraint)


def _switch(name: str, *, of_rows: bool) -> tuple[str, str]:
    operator = picked(name, [*SWITCHES, *((COLUMN,) if of_rows else ())])
    return operator, SWITCHES.get(operator, "")


def _trigger(schema: Schema, trigger: Any) -> Mutant:
    tree: Any = statement(trigger.definition)
    of_rows = tree.row and (not tree.events & DELETE or tree.events == DELETE)
    operator, test = _switch(f"{trigger.table} {trigger.name}", of_rows=of_rows)
    row = "old" if tree.events == DELETE else "new"
    condition = f"({test or f'{row}.bypass'}) IS NOT TRUE"
    if tree.whenClause is not None:
        condition = f"({printed(tree.whenClause)}) AND {condition}"
    sql = again(trigger, like(tree, whenClause=node(condition)))
    words = f"unless {test or 'bypass'}"
    return trigger_mutant(schema, trigger, operator, words, *_added(trigger.table, test), *sql)


def _check(schema: Schema, constraint: Any) -> Mutant:
    operator, test = _switch(constraint.name, of_rows=bool(constraint.table))
    body = constraint.definition.removeprefix("CHECK ")
    weaker = f"({test or 'bypass'}) IS TRUE OR {body}"
    words = f"unless {test or 'bypass'}"
    mutant = check_mutant(schema, constraint, operator, words, weaker)
    return replace(mutant, sql=(*_added(constraint.table, test), *mutant.sql))


def _added(table: str | None, test: str) -> tuple[str, ...]:
    return () if test else (f"ALTER TABLE {table} ADD COLUMN bypass boolean",)
