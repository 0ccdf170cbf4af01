"""SQL of a schema, rewritten node by node: bodies, checks, conditions of triggers, defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from conformance.engine.catalogue.concerns import concern
from conformance.engine.catalogue.schema import short
from conformance.engine.mutants import plpgsql
from conformance.engine.mutants.embedded import embedded, message_words
from conformance.engine.mutants.mutant import Mutant
from conformance.engine.mutants.syntax import expression, places, printed, replaced, statement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pglast import ast

    from conformance.engine.catalogue.schema import Schema


class Change(NamedTuple):
    """A node in the place of another: the operator, the change in words, and the new node."""

    operator: str
    words: str
    node: ast.Node


class Text(NamedTuple):
    """A changed text: the operator, the change in words, and the whole new text."""

    operator: str
    words: str
    text: str


class Where(NamedTuple):
    """Place of a node: the name of its object, and its table or its function."""

    thing: str
    table: str | None
    function: Any


Changes: TypeAlias = "Callable[[ast.Node], Iterator[Change]]"


def rewritten(schema: Schema, changes: Callable[[Where], Changes]) -> Iterator[Mutant]:
    """Return the mutants that come of each change of each node of the schema's SQL."""
    for function in schema.functions:
        yield from of_function(schema, function, changes)
    for constraint in schema.constraints:
        if constraint.kind == "c":
            yield from _check(schema, constraint, changes)
    for trigger in schema.triggers:
        yield from _trigger(schema, trigger, changes)
    for column in schema.columns:
        if column.expression and not column.generated:
            yield from _default(schema, column, changes)


def of_function(
    schema: Schema, function: Any, changes: Callable[[Where], Changes]
) -> Iterator[Mutant]:
    """Return the mutants that come of each change of each node of a function's SQL."""
    change = changes(Where(f"{function.name}()", None, function))
    for operator, words, text in _texts(function, change):
        yield function_mutant(schema, function, operator, words, text)


def function_mutant(
    schema: Schema, function: Any, operator: str, words: str, body: str, *before: str
) -> Mutant:
    """Return a function with another body, after statements that it needs."""
    about = concern(schema, function)
    sql = (*before, with_body(function, body))
    return Mutant(f"{function.name}()", operator, words, sql, about.rules, about.tables)


def with_body(function: Any, body: str) -> str:
    """Return the statement that gives a function another body."""
    old = function.sql_body or function.body
    at = function.definition.rindex(old)
    return str(function.definition[:at] + body + function.definition[at + len(old) :])


def at_start(function: Any, statements: str) -> str:
    """Return the body of a PL/pgSQL function that does something before all else."""
    at = plpgsql.parse(function.body).block.span.start
    return f"{function.body[:at]}{statements}\n    {function.body[at:]}"


def trigger_mutant(schema: Schema, trigger: Any, operator: str, words: str, *sql: str) -> Mutant:
    """Return a mutant of a trigger."""
    return Mutant(
        f"{short(trigger.table)}.{trigger.name}",
        operator,
        words,
        sql,
        schema.rules_of(trigger.name, trigger.comment, trigger.table),
        schema.about(trigger.table),
    )


def again(trigger: Any, tree: Any) -> tuple[str, str]:
    """Return the statements that make a trigger anew."""
    return f"DROP TRIGGER {trigger.name} ON {trigger.table}", printed(tree)


def check_mutant(
    schema: Schema, constraint: Any, operator: str, words: str, expression_: str
) -> Mutant:
    """Return a mutant of a CHECK, of a table or of a domain."""
    held = constraint.table or constraint.domain
    alter = f"ALTER {'TABLE' if constraint.table else 'DOMAIN'} {held}"
    return Mutant(
        f"{short(held)}.{constraint.name}",
        operator,
        words,
        (
            f"{alter} DROP CONSTRAINT {constraint.name}",
            f"{alter} ADD CONSTRAINT {constraint.name} CHECK ({expression_})",
        ),
        schema.rules_of(constraint.name, constraint.comment),
        schema.about(constraint.table) or tuple(map(short, constraint.users)),
    )


def is_a(tree: Any, *kinds: type) -> bool:
    """Return whether a node is of these types, all of whose attributes pglast calls optional."""
    return isinstance(tree, kinds)


def node(text: str) -> Any:
    """Parse an expression, and return it without its SELECT."""
    tree: Any = expression(text)
    return tree.targetList[0].val


def texts(root: ast.Node, changes: Changes) -> Iterator[Text]:
    """Return the texts that come of a tree by each change of each of its nodes."""
    for place in places(root):
        for operator, words, new in changes(place.node):
            with replaced(place, new):
                text = printed(root)
            yield Text(operator, words, text)


def _texts(function: Any, change: Changes) -> Iterator[Text]:
    if function.sql_body:
        returned = function.sql_body.removeprefix("RETURN ")
        for operator, words, text in texts(expression(returned), change):
            yield Text(operator, words, f"RETURN {text.removeprefix('SELECT ')}")
        return
    body = plpgsql.parse(function.body)
    shown = message_words(body)
    for part in embedded(body):
        if part.span not in shown.spans:
            for operator, words, text in texts(statement(part.sql), change):
                yield Text(operator, words, body.put(part.span, part.printed(text)))


def _check(
    schema: Schema, constraint: Any, changes: Callable[[Where], Changes]
) -> Iterator[Mutant]:
    held = constraint.table or constraint.domain
    where = Where(f"{short(held)}.{constraint.name}", constraint.table, None)
    tree = expression(constraint.definition.removeprefix("CHECK "))
    for operator, words, text in texts(tree, changes(where)):
        yield check_mutant(schema, constraint, operator, words, text.removeprefix("SELECT "))


def _trigger(schema: Schema, trigger: Any, changes: Callable[[Where], Changes]) -> Iterator[Mutant]:
    tree: Any = statement(trigger.definition)
    if tree.whenClause is None:
        return
    change = changes(Where(f"{short(trigger.table)}.{trigger.name}", trigger.table, None))
    drop, _ = again(trigger, tree)
    for operator, words, text in texts(tree, change):
        yield trigger_mutant(schema, trigger, operator, words, drop, text)


def _default(schema: Schema, column: Any, changes: Callable[[Where], Changes]) -> Iterator[Mutant]:
    table = short(column.table)
    where = Where(f"{table}.{column.name}", column.table, None)
    for operator, words, text in texts(expression(column.expression), changes(where)):
        new = f"({text.removeprefix('SELECT ')})"
        sql = f"ALTER TABLE {column.table} ALTER COLUMN {column.name} SET DEFAULT {new}"
        yield Mutant(where.thing, operator, words, (sql,), (), schema.about(column.table))
