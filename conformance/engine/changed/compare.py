"""Comparison of two schemas, object by object, and the rules that each difference may touch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.engine.catalogue.concerns import concern
from conformance.engine.catalogue.schema import Schema, short
from conformance.engine.catalogue.serving import served
from conformance.engine.domain.chosen import RULES, conventions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Difference:
    """One object that is in one schema only, or another one in each.

    Attributes:
        what: `added`, `removed` or `changed`, and the object.
        rules: ids of the rules that the object serves.
        tables: those that it is about, without `public.`.
        served: ids of the rules that it serves by what others make of its work.
    """

    what: str
    rules: tuple[str, ...]
    tables: tuple[str, ...]
    served: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Affected:
    """The rules that some differences may have changed.

    Attributes:
        differences: all of them.
        rules: ids of those that an object serves which is not the same in both; of an object that
            serves none, those that speak of its tables.
        near: further ones that speak of the tables of such an object.
    """

    differences: tuple[Difference, ...]
    rules: tuple[str, ...]
    near: tuple[str, ...]


def affected(old: Schema, new: Schema) -> Affected:
    """Return what differs between two schemas, and the rules that this may have changed."""
    differences = tuple(_differences(old, new))
    rules = dict.fromkeys(
        rule for each in differences for rule in (each.rules or _of_tables(each.tables))
    )
    tables = dict.fromkeys(table for each in differences for table in each.tables)
    near = tuple(rule for rule in _of_tables(tables) if rule not in rules)
    return Affected(differences, tuple(rules), near)


def concerned(schema: Schema, kind: str, row: Any) -> tuple[Iterable[str], Iterable[str]]:
    """Return the rules that an object serves, and the tables that it is about.

    Args:
        schema: whose object it is.
        kind: the attribute of the schema that holds it, such as `triggers`.
        row: the object.
    """
    say = {name: each for name, _, each in _KINDS}[kind]
    return say(schema, row)


def _of_tables(tables: Iterable[str]) -> Iterator[str]:
    some = frozenset(tables)
    return (rule.id for rule in RULES.values() if some.intersection(rule.tables))


def _differences(old: Schema, new: Schema) -> Iterator[Difference]:
    for name, key, say in _KINDS:
        before, after = (
            {key(row): row for row in getattr(schema, name) if _lasts(row)} for schema in (old, new)
        )
        for which in dict.fromkeys((*before, *after)):
            one, other = before.get(which), after.get(which)
            if _content(one) == _content(other):
                continue
            word = "added" if one is None else "removed" if other is None else "changed"
            rules: dict[str, None] = {}
            tables: dict[str, None] = {}
            serving: dict[str, None] = {}
            for schema, row in ((old, one), (new, other)):
                if row is not None:
                    serving.update(dict.fromkeys(served(schema, name, row)))
                    found, about = say(schema, row)
                    rules.update(dict.fromkeys(found))
                    tables.update(dict.fromkeys(about))
            yield Difference(f"{word}: {which}", tuple(rules), tuple(tables), tuple(serving))


def _lasts(row: Any) -> bool:
    """Return whether a row says something of the schema, and not of its database."""
    return getattr(row, "kind", "") != "database"


def _content(row: Any) -> object:
    """Return what a row says, without the number that its database gave an index."""
    return row._replace(index=None) if "index" in getattr(row, "_fields", ()) else row


def _constraint(schema: Schema, row: Any) -> tuple[Iterable[str], Iterable[str]]:
    tables = (*schema.about(row.table), *map(short, row.users))
    return schema.rules_of(row.name, row.comment), tables


def _column(schema: Schema, row: Any) -> tuple[Iterable[str], Iterable[str]]:
    return schema.rules_with(row), schema.about(row.table)


def _enum(schema: Schema, row: Any) -> tuple[Iterable[str], Iterable[str]]:
    return schema.rules_of(row.name), map(short, row.users)


def _of_table(schema: Schema, row: Any) -> tuple[Iterable[str], Iterable[str]]:
    return schema.rules_of(row.name, row.comment), schema.about(row.table)


def _trigger(schema: Schema, row: Any) -> tuple[Iterable[str], Iterable[str]]:
    return schema.rules_of(row.name, row.comment, row.table), schema.about(row.table)


def _function(schema: Schema, row: Any) -> tuple[Iterable[str], Iterable[str]]:
    found = concern(schema, row)
    return found.rules, found.tables


def _data(schema: Schema, row: Any) -> tuple[Iterable[str], Iterable[str]]:
    return schema.rules_of(row.table), schema.about(row.table)


def _right(schema: Schema, row: Any) -> tuple[Iterable[str], Iterable[str]]:
    return conventions().rights, schema.about(row.object) if row.kind in ("table", "column") else ()


def _other(schema: Schema, row: Any) -> tuple[Iterable[str], Iterable[str]]:
    if not row.table:
        return (), (table for rule in RULES.values() for table in rule.tables)
    return (), schema.about(row.table)


# The objects of a schema by their kind: what makes two the same one, and what it concerns.
_KINDS: tuple[
    tuple[str, Callable[[Any], str], Callable[[Schema, Any], tuple[Iterable[str], Iterable[str]]]],
    ...,
] = (
    ("constraints", lambda row: f"constraint {row.name} of {row.table or row.domain}", _constraint),
    ("columns", lambda row: f"column {row.table}.{row.name}", _column),
    ("enums", lambda row: f"type {row.name}", _enum),
    ("triggers", lambda row: f"trigger {row.name} of {row.table}", _trigger),
    ("functions", lambda row: f"function {row.signature}", _function),
    ("indexes", lambda row: f"index {row.name}", _of_table),
    ("data", lambda row: f"rows of {row.table}", _data),
    ("lacking", lambda row: f"lacking right {_told(row._asdict())}", _right),
    ("held", lambda row: f"right {_told(row._asdict())}", _right),
    ("others", lambda row: f"{row.kind} {row.name}{row.table and f' of {row.table}'}", _other),
)


def _told(right: Mapping[str, object]) -> str:
    return " ".join(str(part) for part in right.values() if part is not None)
