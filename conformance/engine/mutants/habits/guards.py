"""Guards of a schema, each with the SQL that weakens it for some rows.

A guard is a CHECK of a table, a trigger that rejects, or one of several rejections of a trigger's
function; an alternative of its condition is a guard of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from conformance.engine.domain.chosen import conventions
from conformance.engine.mutants import plpgsql
from conformance.engine.mutants.habits.conditions import some
from conformance.engine.mutants.habits.rewriting import (
    again,
    at_start,
    check_mutant,
    function_mutant,
    node,
    trigger_mutant,
)
from conformance.engine.mutants.syntax import expression, like, printed, statement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.engine.catalogue.schema import Schema
    from conformance.engine.mutants.mutant import Mutant
    from conformance.engine.mutants.plpgsql import Body, Branch

INSERT, DELETE, UPDATE = 4, 8, 16  # bits of a trigger's events, as the parser has them
BEFORE = 2
MOST = 2  # alternatives of one condition
# What makes of a condition to exempt the rest of a guard's own condition.
Weakened: TypeAlias = "Callable[[str], str]"
RAISES = re.compile(r"\bRAISE EXCEPTION\b")
RETURNS = re.compile(r"\bRETURN\b")
# A condition that any change of a column meets.
CHANGED = re.compile(r"old\.(\w+) IS DISTINCT FROM new\.\1")
ROW = re.compile(r"\b(?:NEW|OLD)\.(\w+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Guard:
    """One condition that refuses writes of a table.

    Attributes:
        name: its name and, among several of one object, its words.
        table: the table, with its schema.
        spoken: a text that names the columns that the guard is about.
        row: the name of the row in its conditions; '' where columns stand alone.
        unless: the mutant, of an operator, that lets pass whatever meets a condition.
        after: likewise, where an UPDATE meets a condition on `old` and `new`; None for no UPDATE.
    """

    name: str
    table: str
    spoken: str
    row: str
    unless: Callable[[str, str], Mutant]
    after: Callable[[str, str], Mutant] | None = None


def guards(schema: Schema) -> Iterator[Guard]:
    """Return all guards."""
    yield from checks(schema)
    yield from triggers(schema)
    yield from branches(schema)


def checks(schema: Schema) -> Iterator[Guard]:
    """Return the CHECKs of tables."""
    for constraint in schema.constraints:
        if constraint.kind == "c" and constraint.table:
            body = constraint.definition.removeprefix("CHECK ")

            def unless(
                operator: str, condition: str, of: Any = constraint, it: str = body
            ) -> Mutant:
                weaker = f"({condition}) IS TRUE OR {it}"
                return check_mutant(schema, of, operator, f"unless {condition}", weaker)

            yield Guard(constraint.name, constraint.table, body, "", unless)


def triggers(schema: Schema) -> Iterator[Guard]:
    """Return the triggers that reject, but those whose functions reject for several reasons."""
    functions = {each.name: each for each in schema.functions}
    for trigger in schema.triggers:
        function, tree = functions[trigger.function], _parsed(trigger)
        if not rejects(function) or len(_sites(function)) > 1:
            continue
        if tree.row:
            if not tree.events & DELETE or tree.events == DELETE:
                yield from _of_row(schema, trigger, function, tree)
        elif tree.transitionRels:
            yield _of_statement(schema, trigger, function, tree)


def branches(schema: Schema) -> Iterator[Guard]:
    """Return the conditions under which a function of one trigger rejects for several reasons."""
    for function in schema.functions:
        used = [each for each in schema.triggers if each.function == function.name]
        if len(used) != 1 or not rejects(function) or len(_sites(function)) < 2:  # noqa: PLR2004 - several
            continue
        tree = _parsed(used[0])
        if tree.row and tree.events in (INSERT, UPDATE):
            for body, branch in _sites(function):
                yield from _of_branch(schema, function, used[0], body, branch)


def fixed(schema: Schema, table: str) -> str:
    """Return a text that names the columns of which any change is refused by a trigger alone."""
    functions = {each.name: each for each in schema.functions}
    return " ".join(
        each
        for trigger in schema.triggers
        if trigger.table == table and _always_rejects(functions[trigger.function].body)
        for tree in [_parsed(trigger)]
        if tree.row and tree.timing == BEFORE and tree.events & UPDATE and tree.whenClause
        for each in _split(tree.whenClause)
        if CHANGED.fullmatch(each)
    )


def rejects(function: Any) -> bool:
    """Return whether a function ever rejects a write."""
    return is_rejection(function.body)


def is_rejection(text: str) -> bool:
    """Return whether some text rejects a write."""
    return conventions().rejection in text or bool(RAISES.search(text))


def _always_rejects(body: str) -> bool:
    """Return whether a function rejects before it returns."""
    before, found, _ = body.partition(conventions().rejection)
    return bool(found) and not RETURNS.search(before)


def _chosen(text: str) -> list[str]:
    """Return the variables that name what some text rejects by."""
    return re.findall(rf"{re.escape(conventions().rejection)}\s*(v_\w+)", text)


def exits(function: Any, trigger: Any, condition: str) -> str:
    """Return the body of a trigger's function that lets go at once where a condition holds."""
    tree = _parsed(trigger)
    row = "OLD" if tree.events == DELETE else "NEW"
    result = row if tree.row and tree.timing == BEFORE else "NULL"
    return at_start(function, f"IF {condition} THEN RETURN {result}; END IF;")


def _parsed(trigger: Any) -> Any:
    return statement(trigger.definition)


def _of_row(schema: Schema, trigger: Any, function: Any, tree: Any) -> Iterator[Guard]:
    row = "old" if tree.events == DELETE else "new"
    spoken = f"{trigger.definition} {' '.join(ROW.findall(function.body))}"
    if tree.whenClause is None:
        alternatives: list[tuple[str, Weakened]] = [
            (spoken, lambda condition: f"({condition}) IS NOT TRUE")
        ]
    else:
        alternatives = _alternatives(tree.whenClause, spoken)
    settled = _settled(schema, trigger.table) if tree.events == INSERT else ""
    for words, without in alternatives:
        brief = f" of {words[:80]}" if len(alternatives) > 1 else ""

        def unless(
            operator: str, condition: str, without: Weakened = without, brief: str = brief
        ) -> Mutant:
            when = node(without(condition))
            sql = again(trigger, like(tree, whenClause=when))
            return trigger_mutant(schema, trigger, operator, f"unless {condition}{brief}", *sql)

        def after(operator: str, condition: str) -> Mutant:
            test = f"TG_NAME = '{trigger.name}' AND TG_OP = 'UPDATE' AND {condition}"
            body = exits(function, trigger, test)
            return function_mutant(schema, function, operator, f"unless {condition}", body)

        changed = {UPDATE: unless, UPDATE | INSERT: after}.get(tree.events)
        spoken = f"{words} {settled}"
        yield Guard(f"{trigger.name}{brief}", trigger.table, spoken, row, unless, changed)


def _settled(schema: Schema, table: str) -> str:
    """Return what other conditions ask of a new row: none of these columns can exempt it."""
    functions = {each.name: each for each in schema.functions}
    trees = [
        _parsed(each)
        for each in schema.triggers
        if each.table == table and rejects(functions[each.function])
    ]
    return " ".join(
        printed(tree.whenClause) for tree in trees if tree.events == INSERT and tree.whenClause
    )


def _alternatives(condition: Any, spoken: str) -> list[tuple[str, Weakened]]:
    """Return the alternatives of a condition: as SQL, and what weakens one of them.

    Two of them, where there are more: a comparison of rows is one alternative for each column.
    """
    found = _split(condition)
    if len(found) == 1:
        return [(spoken, partial(_narrowed, (), printed(condition), ()))]
    return [
        (each, partial(_narrowed, found[:number], each, found[number + 1 :]))
        for number, each in some(spoken, enumerate(found), MOST)
    ]


def _split(condition: Any) -> tuple[str, ...]:
    parts = getattr(condition, "args", None)
    if type(condition).__name__ == "BoolExpr" and condition.boolop.name == "OR_EXPR":
        return tuple(map(printed, parts or ()))
    return (printed(condition),)


def _narrowed(before: tuple[str, ...], one: str, rest: tuple[str, ...], condition: str) -> str:
    narrow = f"(({one}) AND ({condition}) IS NOT TRUE)"
    return " OR ".join((*before, narrow, *rest))


def _of_statement(schema: Schema, trigger: Any, function: Any, tree: Any) -> Guard:
    rows = "|".join(each.name for each in tree.transitionRels)
    used = re.compile(rf"\b({rows}) AS (\w+)")

    def unless(operator: str, condition: str) -> Mutant:
        some = rf"(SELECT * FROM \1 AS r WHERE ({condition}) IS NOT TRUE) AS \2"
        body = used.sub(some, function.body)
        return function_mutant(schema, function, operator, f"unless {condition}", body)

    return Guard(function.name, trigger.table, function.body, "r", unless)


def _sites(function: Any) -> list[tuple[Body, Branch]]:
    """Return the branches of a function that reject, or choose what is rejected at its end."""
    if function.sql_body:
        return []
    body = plpgsql.parse(function.body)
    chosen = _chosen(function.body)
    found = []
    for _, one in plpgsql.each(body.block):
        for branch in one.branches:
            direct = [body.cut(each.span) for each in branch.statements if not each.branches]
            decides = any(
                (is_rejection(text) and not _chosen(text))
                or any(text.startswith(f"{name} :=") for name in chosen)
                for text in direct
            )
            if branch.condition and decides:
                found.append((body, branch))
    return found


def _of_branch(
    schema: Schema, function: Any, trigger: Any, body: Body, branch: Branch
) -> Iterator[Guard]:
    if branch.condition is None:
        return
    span, text = branch.condition, body.cut(branch.condition)
    tree: Any = expression(text)
    inserts = _parsed(trigger).events == INSERT
    settled = " ".join(ROW.findall(function.body)) if inserts else ""
    for words, without in _alternatives(tree.targetList[0].val, text):
        brief = " ".join(words.split())[:80]

        def unless(
            operator: str, condition: str, without: Weakened = without, brief: str = brief
        ) -> Mutant:
            change = f"unless {condition}, of {brief}"
            changed = body.put(span, without(condition))
            return function_mutant(schema, function, operator, change, changed)

        updates = unless if _parsed(trigger).events == UPDATE else None
        spoken = f"{words} {settled}"
        yield Guard(f"{function.name} {brief}", trigger.table, spoken, "new", unless, updates)
