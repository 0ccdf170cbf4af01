"""Rules that locks, bookkeeping and derived values serve, which none of them names.

An object that names no rule may still be what a rule rests on: a trigger that locks what another
one counts, keeps the number that another one reads, or sets what a constraint asks; a key that
others refer to. Such an object serves the rules of those others.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from conformance.engine.catalogue.concerns import concern
from conformance.engine.catalogue.schema import short
from conformance.engine.domain.chosen import COLUMNS, RULES, domain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from conformance.engine.catalogue.schema import Schema

COMMENT: Final = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
KEYS: Final = ("p", "u")
CALL: Final = re.compile(r"\b(\w+)\(")
WORD: Final = re.compile(r"\w+")
TABLE: Final = r'(?:ONLY\s+)?([a-z_"][\w"]*\.[a-z_"][\w"]*)(?!\w*\()'
ASSIGNED: Final = re.compile(r"(?<![\w.])NEW\.(\w+)\s*:=", re.IGNORECASE)
WRITTEN: Final = re.compile(rf"\b(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+{TABLE}", re.IGNORECASE)
READ: Final = re.compile(rf"(?<!DELETE )\b(?:FROM|JOIN)\s+{TABLE}", re.IGNORECASE)
WHOLE: Final = re.compile(r"\bold(?:\.\*|\s+IS\s+DISTINCT|\s*<>)", re.IGNORECASE)
LOCKS: Final = re.compile(
    r"\bFOR\s+(?:NO\s+KEY\s+|KEY\s+)?(?:UPDATE|SHARE)\b|\bLOCK\s+TABLE\b|\badvisory(?:_xact)?_lock",
    re.IGNORECASE,
)


def served(schema: Schema, kind: str, row: Any) -> tuple[str, ...]:
    """Return the rules that an object serves by what others make of its work.

    Args:
        schema: whose object it is.
        kind: the attribute of the schema that holds it; triggers, functions and constraints do.
        row: the object.
    """
    if kind == "triggers":
        found = _of_trigger(schema, row)
    elif kind == "functions":
        firing = (each for each in schema.triggers if each.function == row.name)
        found = (rule for each in firing for rule in _of_trigger(schema, each))
    elif kind == "constraints" and row.table:
        found = _of_constraint(schema, row)
    else:
        return ()
    some = frozenset(found)
    return tuple(rule for rule in RULES if rule in some)


def _of_trigger(schema: Schema, trigger: Any) -> Iterator[str]:
    text = _text(schema, trigger.function)
    yield from _speaking(schema, trigger.table, frozenset(ASSIGNED.findall(text)))
    written = {name for name in WRITTEN.findall(text) if name != trigger.table}
    books = frozenset(name for name in written if _is_book(name))
    yield from _reading(schema, books)
    waits = bool(written - books or LOCKS.search(text) or _is_guard(schema, books))
    if waits and not schema.rules_of(trigger.name, trigger.comment, trigger.table):
        yield from _guarded(schema, trigger.table)


def _of_constraint(schema: Schema, constraint: Any) -> Iterator[str]:
    """Yield the rules of what refers to a key, speaks of the same derived columns, uses books."""
    for other in schema.constraints:
        if other.kind == "f" and constraint.kind in KEYS and other.index == constraint.index:
            yield from schema.rules_of(other.name, other.comment)
    derived = frozenset(domain().derived.get(short(constraint.table), ()))
    asked = derived & _words(constraint.definition)
    yield from _speaking(schema, constraint.table, asked)
    for key in schema.constraints:  # by which others refer to such a column
        is_key = key.kind in KEYS and key.name != constraint.name
        if is_key and key.table == constraint.table and asked & _words(key.definition):
            yield from _of_constraint(schema, key)
    if _is_book(constraint.table):
        yield from _using(schema, constraint.table)


def _speaking(schema: Schema, table: str, columns: frozenset[str]) -> Iterator[str]:
    """Yield the rules of a table's constraints and triggers that speak of some columns, or all."""
    for constraint in schema.constraints:
        if constraint.table == table and columns & _words(constraint.definition):
            yield from schema.rules_of(constraint.name, constraint.comment)
    for trigger in schema.triggers if columns else ():
        if trigger.table == table and (
            WHOLE.search(trigger.definition)
            or columns & _words(trigger.definition)
            or columns & _words(_text(schema, trigger.function))
        ):
            yield from schema.rules_of(trigger.name, trigger.comment, trigger.table)


def _is_book(table: str) -> bool:
    """Return whether a table is none of the domain's: the schema keeps it for itself."""
    return short(table) not in COLUMNS


def _using(schema: Schema, book: str) -> Iterator[str]:
    """Yield the rules of the functions that read or write a table of the schema's bookkeeping."""
    for function in schema.functions:
        if book in _read(_body(function)) | _written(_body(function)):
            yield from concern(schema, function).rules


def _reading(schema: Schema, books: Iterable[str]) -> Iterator[str]:
    """Yield the rules of the functions that read some tables of the schema's own bookkeeping."""
    some = frozenset(books)
    for function in schema.functions:
        if some & _read(_body(function)):
            yield from concern(schema, function).rules


def _is_guard(schema: Schema, books: Iterable[str]) -> bool:
    """Return whether rules rest on a table that nobody reads: it is written to be waited for."""
    some = frozenset(books).difference(*(_read(_body(each)) for each in schema.functions))
    return any(
        some & _written(_body(each)) and concern(schema, each).rules for each in schema.functions
    )


def _guarded(schema: Schema, table: str) -> Iterator[str]:
    """Yield the rules whose triggers ask other rows of a table, and its rules that need locks."""
    for trigger in schema.triggers:
        if trigger.table == table and READ.search(_text(schema, trigger.function)):
            yield from schema.rules_of(trigger.name, trigger.comment, trigger.table)
    yield from (rule.id for rule in RULES.values() if rule.locks and short(table) in rule.tables)


def _text(schema: Schema, name: str) -> str:
    """Return the source of a function and of all that it calls, without comments."""
    bodies: dict[str, str] = {}
    left = [name]
    while left:
        called = left.pop()
        if called not in bodies:
            bodies[called] = "\n".join(
                _body(each) for each in schema.functions if each.name == called
            )
            left += CALL.findall(bodies[called])
    return "\n".join(bodies.values())


def _body(function: Any) -> str:
    return _bare(function.sql_body or function.body)


@cache
def _bare(text: str) -> str:
    return COMMENT.sub("", text)


@cache
def _read(text: str) -> frozenset[str]:
    return frozenset(READ.findall(text))


@cache
def _written(text: str) -> frozenset[str]:
    return frozenset(WRITTEN.findall(text))


@cache
def _words(text: str) -> frozenset[str]:
    return frozenset(WORD.findall(text))
