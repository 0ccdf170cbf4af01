"""Conditions that single out some rows of a table by a column that a guard does not speak of."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from conformance.engine.catalogue.schema import Schema

T = TypeVar("T")
# A default that is the same for every row; NULL is what no default is.
CONSTANT = re.compile(r"('(?:[^']|'')*'|-?[\d.]+|true|false)(::[\w. \[\]]+)?")
# A CHECK that forbids nulls, under a name of its own.
NEEDED = re.compile(r"num_nulls\(([\w, ]+)\) = 0")
ASSIGNED = re.compile(r"\bNEW\.(\w+)\s*:=", re.IGNORECASE)


class Condition(NamedTuple):
    """One condition on a row: by which property of which column, and as SQL with `{r}` for the row.

    `{r}` stands for a row's name with its point, or for nothing where columns stand alone.
    """

    kind: str
    column: str
    text: str

    def of(self, row: str = "") -> str:
        """Return it as SQL on a row of this name."""
        return self.text.replace("{r}", f"{row}." if row else "")


def conditions(schema: Schema, table: str, spoken: str) -> list[Condition]:
    """Return all conditions on rows of a table by columns that a text does not mention.

    Keys are left out, and so is what is generated, or assigned by a trigger on every write.
    """
    needed = {
        name
        for each in schema.constraints
        if each.table == table
        for found in NEEDED.findall(each.definition)
        for name in found.split(", ")
    }
    return [
        each
        for column in _others(schema, table, spoken)
        for each in _of(column.name, column)
        if each.kind != "null" or column.name not in needed
    ]


def changes(schema: Schema, table: str, spoken: str) -> list[Condition]:
    """Return for each of these columns that an UPDATE changes it.

    Where an application has rights of its own, those are left out that it may not update: what
    refuses a change of them refuses the whole statement.
    """
    may = {
        each.column
        for each in schema.held
        if (each.kind, each.object, each.privilege) == ("column", table, "UPDATE")
    }
    return [
        Condition("change", column.name, f"new.{column.name} IS DISTINCT FROM old.{column.name}")
        for column in _others(schema, table, spoken)
        if not schema.held or column.name in may
    ]


def one_of_each(name: str, found: Iterable[Condition], most: int) -> list[Condition]:
    """Pick one condition of each kind, of so many kinds, by a digest: all columns have a part.

    The same name picks the same conditions from the same columns; whether anything would notice
    them has no part in it.
    """
    kinds: dict[str, list[Condition]] = {}
    for each in found:
        kinds.setdefault(each.kind, []).append(each)
    first = [picked(name, of_kind) for _, of_kind in sorted(kinds.items())]
    return sorted(first, key=lambda each: _digest(name, each.kind))[:most]


def picked(name: str, among: Iterable[T]) -> T:
    """Pick one, always the same of the same ones.

    Raises:
        ValueError: There is none.
    """
    (one,) = some(name, among, 1)
    return one


def some(name: str, among: Iterable[T], most: int) -> list[T]:
    """Pick so many, always the same of the same ones, in their own order."""
    every = list(among)
    chosen = sorted(every, key=lambda each: _digest(name, repr(each)))[:most]
    return [each for each in every if each in chosen]


def _digest(name: str, text: str) -> str:
    return hashlib.sha256(f"{name}\n{text}".encode()).hexdigest()


def _others(schema: Schema, table: str, spoken: str) -> Iterator[Any]:
    words = set(re.findall(r"\w+", spoken))
    assigned = {
        found
        for trigger in schema.triggers
        for function in schema.functions
        if trigger.table == table and function.name == trigger.function
        for found in ASSIGNED.findall(function.body)
    }
    for column in schema.columns:
        is_plain = not column.is_key and not column.generated
        if column.table == table and is_plain and column.name not in words | assigned:
            yield column


def _of(name: str, column: Any) -> Iterator[Condition]:
    for label in column.labels:
        yield Condition("label", name, f"{{r}}{name} = '{label}'::{column.type}")
    if not column.required:
        yield Condition("null", name, f"{{r}}{name} IS NULL")
        yield Condition("null", name, f"{{r}}{name} IS NOT NULL")
    default = column.expression
    if default and not column.labels and CONSTANT.fullmatch(default) and column.type != "json":
        yield Condition("default", name, f"{{r}}{name} = {default}")
        yield Condition("default", name, f"{{r}}{name} <> {default}")
