"""The rules and tables that a function of a schema is about."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.engine.catalogue.schema import short
from conformance.engine.domain.chosen import RULES, conventions

if TYPE_CHECKING:
    from conformance.engine.catalogue.schema import Schema

CALL = re.compile(r"\b(\w+)\(")
TOKEN = re.compile(r"'([a-z]+_?[a-z]*\d*__)")
TABLE = re.compile(r"\b(\w+)\.([a-z_]+)\b(?!\()")


class Concern(NamedTuple):
    """Tables and rules that a function is about."""

    rules: tuple[str, ...]
    tables: tuple[str, ...]


def concern(schema: Schema, function: Any) -> Concern:
    """Return the rules and tables of a function: its own, and those of all that calls it."""
    if function.signature not in schema.concerns:
        schema.concerns[function.signature] = _concern(schema, function, set())
    found: Concern = schema.concerns[function.signature]
    return found


def _concern(schema: Schema, function: Any, seen: set[str]) -> Concern:
    seen.add(function.name)
    source = function.sql_body or function.body
    rules = [*schema.rules_of(function.name, function.comment)]
    tokens = TOKEN.findall(source)
    rules += [rule.id for token in tokens for rule in RULES.values() if rule.token == token]
    ours = conventions().schemas
    tables = [
        name for place, name in TABLE.findall(source) if place in ours and _is_table(schema, name)
    ]
    for trigger in schema.triggers:
        if trigger.function == function.name or function.name in _called(trigger.definition):
            rules += schema.rules_of(trigger.name, trigger.comment, trigger.table)
            tables.append(short(trigger.table))
    for caller in schema.functions:
        text = caller.sql_body or caller.body
        if caller.name not in seen and function.name in _called(text):
            theirs = _concern(schema, caller, seen)
            rules += theirs.rules
            tables += theirs.tables
    for constraint in schema.constraints:
        if constraint.table and function.name in _called(constraint.definition):
            rules += schema.rules_of(constraint.name, constraint.comment)
            tables.append(short(constraint.table))
    tables += [
        short(column.table)
        for column in schema.columns
        if column.expression and function.name in _called(column.expression)
    ]
    return Concern(tuple(dict.fromkeys(rules)), tuple(dict.fromkeys(tables)))


@cache
def _called(text: str) -> frozenset[str]:
    """Return the names of the functions that a text calls."""
    return frozenset(CALL.findall(text))


def _is_table(schema: Schema, name: str) -> bool:
    return any(column.table.rpartition(".")[2] == name for column in schema.columns)
