"""Mutants of triggers: whether, when, on what and in which order they fire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.engine.catalogue.schema import short
from conformance.engine.domain.chosen import conventions
from conformance.engine.mutants.expressions import changes
from conformance.engine.mutants.mutant import Mutant
from conformance.engine.mutants.syntax import Edit, edits, like, printed, statement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.catalogue.schema import Schema

# How pg_trigger and the parser write it down.
BEFORE, AFTER = 2, 0
EVENTS = {4: "INSERT", 8: "DELETE", 16: "UPDATE", 32: "TRUNCATE"}


def of(schema: Schema) -> Iterator[Mutant]:
    """Return the mutants of all triggers."""
    bodies = {function.name: function.body for function in schema.functions}
    call = conventions().rejection
    for trigger in schema.triggers:
        yield from _trigger(schema, trigger, rejects=call in bodies[trigger.function])


def _trigger(schema: Schema, trigger: Any, *, rejects: bool) -> Iterator[Mutant]:
    table = short(trigger.table)
    drop = f"DROP TRIGGER {trigger.name} ON {trigger.table}"

    def mutant(operator: str, change: str, *sql: str) -> Mutant:
        rules = schema.rules_of(trigger.name, trigger.comment, trigger.table)
        return Mutant(
            f"{table}.{trigger.name}", operator, change, sql, rules, schema.about(trigger.table)
        )

    yield mutant("trigger dropped", trigger.name, drop)
    disable = f"ALTER TABLE {trigger.table} DISABLE TRIGGER {trigger.name}"
    yield mutant("trigger disabled", trigger.name, disable)
    if not rejects:
        last = "_999" + trigger.name[4:]
        rename = f"ALTER TRIGGER {trigger.name} ON {trigger.table} RENAME TO {last}"
        yield mutant("trigger fires last", last, rename)
    tree: Any = statement(trigger.definition)
    for operator, change, text in _declared(tree):
        yield mutant(operator, change, drop, text)
    if tree.whenClause is not None:
        labels = schema.labels_for([table])
        for operator, change, text in edits(tree, changes(labels.get)):
            yield mutant(operator, change, drop, text)


def _declared(tree: Any) -> Iterator[Edit]:
    """Change what a trigger's declaration says apart from its condition."""
    if tree.whenClause is not None:
        yield Edit("when dropped", "fires always", printed(like(tree, whenClause=None)))
    events = [bit for bit in EVENTS if tree.events & bit]
    for bit in events if len(events) > 1 else ():
        columns = None if EVENTS[bit] == "UPDATE" else tree.columns
        rest = like(tree, events=tree.events & ~bit, columns=columns)
        yield Edit("event removed", EVENTS[bit], printed(rest))
    columns = tree.columns or ()
    for number, column in enumerate(columns) if len(columns) > 1 else ():
        rest = like(tree, columns=(*columns[:number], *columns[number + 1 :]))
        yield Edit("column removed from event", column.sval, printed(rest))
    if tree.isconstraint:
        if tree.deferrable:
            now = like(tree, deferrable=False, initdeferred=False)
            yield Edit("deferrable removed", "not deferrable", printed(now))
            other = like(tree, initdeferred=not tree.initdeferred)
            yield Edit("initially exchanged", "the other way", printed(other))
    else:
        before = tree.timing == BEFORE
        other = like(tree, timing=AFTER if before else BEFORE)
        change = "BEFORE becomes AFTER" if before else "AFTER becomes BEFORE"
        yield Edit("timing exchanged", change, printed(other))
