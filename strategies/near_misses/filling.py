"""Filling of a scenario's rows, beside what the scenario says of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar
from zlib import crc32

from conformance.engine.cases.scenario import ViolatesSeveral
from conformance.engine.sql.writes import Insert, PlainWrite, RawSql, Sql, Update
from strategies.instants import FUTURE_START
from strategies.near_misses.values import (
    AGED,
    ARRIVING,
    FORMS,
    FREE,
    NO_ROOM,
    TOGETHER,
    UPDATED,
    USUAL,
    Values,
)
from strategies.usual import is_usual
from strategies.world import NOW

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.engine.cases.scenario import Scenario, Transaction
    from conformance.engine.sql.writes import Row, Write

T = TypeVar("T")

Group: TypeAlias = tuple[Mapping[str, object], ...]

# Times of a job in their order, and those that bound others.
BOUND: Final = ("started_at", "completed_at")
TIMES: Final = frozenset({*BOUND, "created_at", "updated_at"})
# What a function answers by a time that has passed: where it is asked, none has.
ASKED: Final = {("api_keys", "expires_at"): "api_key_is_valid"}
# Of how many columns one is varied, by the width.
_EVERY: Final = {"one": 8, "half": 2, "all": 1}


def chosen(values: Sequence[T], number: int, *name: object) -> T:
    """Return one of some values: the number-th, counted from one that depends on a name."""
    return values[(_mixed(*name) + number) % len(values)]


def formed(value: object, name: object) -> object:
    """Return a text with a name in its place for one; anything else as it is."""
    return value.replace("{}", str(name)) if isinstance(value, str) else value


def _mixed(*name: object) -> int:
    return crc32(" ".join(map(str, name)).encode())


class Filling:
    """Values for the columns of a scenario's rows that it leaves open.

    The same row always gets the same. A column that a scenario changes, or tells of in SQL, never
    gets a value that could be what it is changed to.
    """

    def __init__(self, scenario: Scenario, first: int, width: str) -> None:
        """Take a scenario, what is drawn, and how much is to be varied (see `WIDTHS`)."""
        self._first, self._width = first, width
        self._named: set[tuple[str, str]] = set()
        self._assigned: dict[tuple[str, str], list[object]] = {}
        self._created: dict[str, list[object]] = {}
        self._statuses: dict[tuple[str, str], set[str]] = {}  # to which each row comes
        facts = [fact for one in scenario.within for fact in one.facts]
        facts += [fact for one in scenario.beside for fact in one.facts]
        texts = [f"{fact.query} {fact.expected}" for fact in (*scenario.facts, *facts)]
        self._is_asked = bool(texts)
        for write in _writes(scenario):
            texts += self._read(write)
        self._told = "\n".join(texts).lower()
        self._words = frozenset(re.findall(r"\w+", self._told))

    def _read(self, write: Write) -> Iterator[str]:
        """Note which columns a write names, and return its texts that are none of the usual."""
        if isinstance(write, RawSql):
            yield write.sql
        rows: Sequence[Row] = ()
        if isinstance(write, Insert):
            rows = write.rows
        elif isinstance(write, Update):
            rows = (write.changes, write.row or {}, write.key)
            if "status" in write.changes:
                moved = (write.table, str(write.key.get("id", "")))
                self._statuses.setdefault(moved, set()).add(str(write.changes["status"]))
            for column, value in write.changes.items():
                if not is_usual(value):
                    self._assigned.setdefault((write.table, column), []).append(value)
        if isinstance(write, Insert | Update):
            self._named |= {(write.table, column) for row in rows for column in row}
            made = [row["created_at"] for row in rows if "created_at" in row]
            self._created.setdefault(write.table, []).extend(made)
        yield from (
            value.text if isinstance(value, Sql) else str(value)
            for row in rows
            for value in row.values()
            if isinstance(value, Sql | str) and not is_usual(value)
        )

    def given(self, transaction: Transaction) -> Transaction:
        """Fill what makes the state to begin with: rows, and how they came into their states."""
        return tuple(self._arrived(each) for each in self.legal(transaction))

    def legal(self, transaction: Transaction) -> Transaction:
        """Fill rows that are inserted, and replace what is usual."""
        return tuple(
            self.inserted(each, 0) if isinstance(each, Insert) and self._width != "none" else each
            for each in self.usual(transaction)
        )

    def usual(self, transaction: Transaction) -> Transaction:
        """Replace what is usual by something else."""
        return tuple(map(self._replaced, transaction)) if self._width != "none" else transaction

    def inserted(self, write: Insert, number: int) -> Insert:
        """Return an insert with columns of which its rows say nothing."""
        rows = (
            {
                **row,
                **{name: v for name, v in self._more(write.table, row, number) if name not in row},
            }
            for row in write.rows
        )
        return replace(write, rows=tuple(rows))

    def _more(self, table: str, row: Row, number: int) -> Iterator[tuple[str, object]]:
        name = row.get("id", "")
        for column, values in FREE.get(table, {}).items():
            fit = self._fitting(table, column, values)
            if fit and self._is_varied(table, column, number):
                yield column, formed(chosen(fit, number, self._first, table, column, name), name)
        for group in self._groups(table):
            first = min(column for some in group for column in some)
            if self._is_varied(table, first, number):
                yield from chosen(group, number, self._first, table, first, name).items()
        if "status" not in row:
            yield from self._arriving(table, "", name)

    def _groups(self, table: str) -> Iterator[Group]:
        """Return the groups of columns of which a scenario says nothing."""
        groups = (*TOGETHER.get(table, ()), *(() if self._is_asked else AGED.get(table, ())))
        for group in groups:
            columns = {column for some in group for column in some}
            said = {each for each in columns if (table, each) in self._named}
            if not said and not columns & self._words:
                yield group
            elif said == {"created_at"} and "updated_at" in columns - self._words:
                made = self._created[table]
                yield from [UPDATED] if all(map(_is_past, made)) else []

    def _arrived(self, write: Write) -> Write:
        """Return an update to a status with columns that may come with it."""
        status = write.changes.get("status") if isinstance(write, Update) else None
        if not isinstance(write, Update) or status is None or self._width == "none":
            return write
        name = write.key.get("id", "")
        more: dict[str, object] = {}
        for column, values in FREE.get(write.table, {}).items():
            fit = self._fitting(write.table, column, values)
            is_named = (write.table, column) in self._named
            if fit and not is_named and self._is_varied(write.table, column):
                more[column] = formed(chosen(fit, 1, self._first, write.table, column, name), name)
        more |= self._arriving(write.table, str(status), name)
        return replace(write, changes={**more, **write.changes})

    def _arriving(self, table: str, status: str, name: object) -> Iterator[tuple[str, object]]:
        for column, values in ARRIVING.get((table, status), {}).items():
            if self._is_open(table, column, name) and self._is_varied(table, column):
                yield column, chosen(values, 0, self._first, table, column, name)

    def _is_open(self, table: str, column: str, name: object) -> bool:
        """Return whether a scenario says nothing that is at odds with what a status comes with."""
        some = (self._statuses.get((table, each), set()) for each in ("", str(name)))
        statuses = set[str]().union(*some)
        bound = BOUND if column in BOUND else (column,)
        is_late = any(
            not isinstance(at, datetime) or at >= FUTURE_START
            for at in self._created.get(table, ())
        )
        return not (
            self._words.intersection(bound)
            or any((table, each) in self._assigned for each in bound)
            or (column in BOUND and is_late)
            or NO_ROOM.get((table, column)) in statuses
        )

    def _replaced(self, write: Write) -> Write:
        if isinstance(write, PlainWrite):
            return PlainWrite(self._replaced(write.write))
        if isinstance(write, Insert):
            rows = tuple(self._row(write.table, row, row.get("id", "")) for row in write.rows)
            return replace(write, rows=rows)
        if isinstance(write, Update):
            name = write.key.get("id", "")
            row = None if write.row is None else self._row(write.table, write.row, name)
            key = self._row(write.table, write.key, name)
            return replace(
                write, key=key, row=row, changes=self._row(write.table, write.changes, name)
            )
        return write

    def _row(self, table: str, row: Row, name: object) -> Row:
        return {
            column: self._other(table, column, value, name) if is_usual(value) else value
            for column, value in row.items()
        }

    def _other(self, table: str, column: str, value: object, name: object) -> object:
        """Return what stands in the place of a usual value."""
        forms = FORMS.get(table, {}).get(column)
        if forms is not None:  # the same in each table that has it
            if str(value).lower() in self._told or not self._is_varied("", column):
                return value
            return formed(chosen(forms, 0, self._first, column, value), value)
        if not self._is_varied(table, column):
            return value
        fit = self._fitting(table, column, USUAL.get(table, {}).get(column, ()))
        return chosen(fit, 0, self._first, table, column, name, value) if fit else value

    def _fitting(self, table: str, column: str, values: Values) -> list[object]:
        """Return those of some values that a scenario does not tell apart from what it says."""
        assigned = self._assigned.get((table, column), [])
        # What is bounded by another column, or changed relative to what it was, stays as it is.
        kept: tuple[type, ...] = (Sql,) if column in FREE.get(table, {}) else (Sql, int, datetime)
        times = [at for (of, each), at in self._assigned.items() if of == table and each in TIMES]
        is_kept = any(isinstance(each, kept) for each in assigned) or (column in TIMES and times)
        if is_kept or column in self._words:
            return []
        asked = ASKED.get((table, column)) in self._words
        return [v for v in values if v not in assigned and not (asked and _is_past(v))]

    def _is_varied(self, table: str, column: str, number: int = 0) -> bool:
        every = 1 if number else _EVERY.get(self._width, 1)
        return _mixed(self._first, "varied", table, column) % every == 0


def _is_past(at: object) -> bool:
    return isinstance(at, datetime) and at <= NOW


def _writes(scenario: Scenario) -> Iterator[Write]:
    over = (one.writes if isinstance(one, ViolatesSeveral) else one for one in scenario.broken)
    within = (one.writes for one in scenario.within)
    beside = (one.writes for one in scenario.beside)
    for transaction in (*scenario.given, *scenario.legal, *over, *within, *beside):
        for write in transaction:
            yield write.write if isinstance(write, PlainWrite) else write
