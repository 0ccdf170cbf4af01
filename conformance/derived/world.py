"""Legal rows of any table, made of what the catalogue has and of what rules say.

This is the only place that knows how a row is made. What is not given is drawn: a column takes one
of the values that the domain names for it, or else a value of its type that no other row has.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from uuid import UUID

from hypothesis import strategies as st

from conformance.derived.catalogue import ForeignKey
from conformance.kinds.fixed import Fixed
from conformance.kinds.keys import References
from conformance.kinds.same_as import SameAs
from conformance.kinds.transitions import Transitions
from conformance.sql.documents import Jsonb
from conformance.sql.writes import Insert, Row, Update

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from hypothesis.strategies import SearchStrategy

    from conformance.derived.catalogue import Column, Table
    from conformance.kinds.kind import Kind
    from conformance.kinds.rule import Rule

    Draw: TypeAlias = "Callable[[SearchStrategy[Any]], Any]"

# Legal values of a column, by `table.column`.
Values: TypeAlias = "Mapping[str, Sequence[object]]"

FIRST: Final = datetime(2026, 1, 1, tzinfo=UTC)


class NoValueError(Exception):
    """A column of a type for which no value can be made; its text says what to write."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules say that every legal row must heed, beside what the schema says.

    Attributes:
        values: legal values of columns, as the domain names them.
        moves: the state machines.
        keys: what names rows of other tables, by tables, whether the schema asks for it or not.
        fixed: the columns that never change, with the rule that says so, by tables.
    """

    values: Values
    moves: tuple[Transitions, ...]
    keys: Mapping[str, tuple[ForeignKey, ...]]
    fixed: Mapping[str, Mapping[str, str]]

    @classmethod
    def of(cls, rules: Iterable[Rule], values: Values) -> Facts:
        """Return what these rules say."""
        kinds = [(rule.id, rule.kind) for rule in rules]
        fixed: dict[str, dict[str, str]] = {}
        for rule, kind in kinds:
            if isinstance(kind, Fixed):
                for table, columns in kind.columns.items():
                    fixed.setdefault(table, {}).update(dict.fromkeys(columns, rule))
        moves = tuple(kind for _, kind in kinds if isinstance(kind, Transitions) and kind.column)
        return cls(values, moves, _keys([kind for _, kind in kinds]), fixed)

    def starts(self, table: str, column: str) -> tuple[str, ...]:
        """Return the states in which a row may begin; () where the column holds none."""
        return next((m.starts for m in self.moves if (m.table, m.column) == (table, column)), ())


@dataclass(slots=True)
class World:
    """The rows of one scenario.

    Attributes:
        tables: of the schema.
        facts: what rules say.
        draw: chooses.
        given: what is written before anything is tried, in its order.
    """

    tables: Mapping[str, Table]
    facts: Facts
    draw: Draw
    given: list[Insert | Update] = field(default_factory=list)
    _serial: int = 0

    def row(self, table: str, **given: object) -> Row:
        """Return a legal row that is not written, while its parents are."""
        row: dict[str, object] = {}
        known = self.tables[table]
        for key in self.keys_of(table):
            if self._is_drawn(known, key, given, row):
                parent = self.written(key.parent, **_of_parent(key, {**given, **row}))
                row |= {ours: parent[theirs] for ours, theirs in key.columns.items()}
        for column in known.columns.values():
            if column.name in given or column.name in row:
                continue
            if self._is_written(table, column):
                row[column.name] = self.value(table, column.name)
        return {**row, **given}

    def written(self, table: str, **given: object) -> Row:
        """Return a legal row that is written before anything is tried."""
        row = self.row(table, **given)
        self.given.append(Insert(table, (row,)))
        return row

    def changed(self, table: str, row: Row, changes: Row) -> Update:
        """Return the write that changes a row of these, for every shape of statement."""
        return Update(table, {"id": row["id"]}, changes, row)

    def keys_of(self, table: str) -> Sequence[ForeignKey]:
        """Return what names rows of other tables, by the schema or by rules, most columns first."""
        keys = [*self.tables[table].keys]
        for key in self.facts.keys.get(table, ()):
            if not any(key.columns.keys() <= each.columns.keys() for each in keys):
                keys.append(key)
        return sorted(keys, key=lambda each: -len(each.columns))

    def key_of(self, table: str, column: str) -> ForeignKey | None:
        """Return the key that a column belongs to."""
        return next((key for key in self.keys_of(table) if column in key.columns), None)

    def value(self, table: str, column: str, besides: Sequence[object] = ()) -> object:
        """Return a legal value of a column that is none of some others.

        Raises:
            NoValueError: There is none that we know.
        """
        known = self.tables[table].columns[column]
        named = self.facts.values.get(f"{table}.{column}") or self.facts.starts(table, column)
        some = [each for each in named or known.labels if each not in besides]
        if some:
            return self.draw(st.sampled_from(some))
        if not named and known.labels == ():
            return self._fresh(table, known)
        message = f"{table}.{column}: name a further legal value of it, beside {list(besides)}"
        raise NoValueError(message)

    def other_values(self, table: str, row: Row, columns: Iterable[str]) -> Row:
        """Return other legal values of some columns of a row: of a foreign key, another parent."""
        changes: dict[str, object] = {}
        for column in columns:
            key = self.key_of(table, column)
            if key is None:
                changes[column] = self.value(table, column, (row.get(column),))
            elif key.columns[column] != "id" and column in row:
                changes[column] = self.value(key.parent, key.columns[column], (row[column],))
            else:
                theirs = {t: row[o] for o, t in key.columns.items() if o not in columns}
                kept = {t: value for t, value in theirs.items() if t != "id"}
                changes[column] = self.written(key.parent, **kept)[key.columns[column]]
        return changes

    def beside(self, table: str, about: Iterable[str]) -> Row:
        """Return a change of a column that a rule does not speak of, or none."""
        known, taken = self.tables[table], {*about, *self.facts.fixed.get(table, ())}
        some = [
            name
            for name in known.columns
            if f"{table}.{name}" in self.facts.values
            and name not in taken
            and self.key_of(table, name) is None
            and not self.facts.starts(table, name)
        ]
        chosen = self.draw(st.sampled_from((None, *some)))
        return {} if chosen is None else {chosen: self.value(table, chosen)}

    def _is_drawn(
        self, table: Table, key: ForeignKey, given: Mapping[str, object], row: Row
    ) -> bool:
        """Return whether a row needs a parent by this key that it does not have yet."""
        if all(name in given or name in row for name in key.columns):
            return False
        if any(theirs == "id" and ours in given for ours, theirs in key.columns.items()):
            return False
        return any(table.columns[name].required for name in key.columns if name in table.columns)

    def _is_written(self, table: str, column: Column) -> bool:
        """Return whether a row gives a column: it must, or the domain names values to draw."""
        named = f"{table}.{column.name}" in self.facts.values
        return column.required or named or column.name == "id"

    def _fresh(self, table: str, column: Column) -> object:
        self._serial += 1
        number = self._serial
        made: dict[str, Callable[[], object]] = {
            "N": lambda: Decimal(number) if column.type == "numeric" else number,
            "S": lambda: f"{column.name} {number}"[-(column.most or 100) :],
            "B": lambda: self.draw(st.booleans()),
            "D": lambda: _instant(column, FIRST + timedelta(days=number)),
            "A": list,
        }
        if column.type == "uuid":
            return UUID(int=number)
        if column.type in ("json", "jsonb"):
            return Jsonb({})
        if column.category not in made:
            message = (
                f"{table}.{column.name} is of type {column.type}, of which no value can be made:"
                f' name some as values={{"{table}.{column.name}": (…)}}'
            )
            raise NoValueError(message)
        return made[column.category]()


def _keys(kinds: Sequence[Kind | None]) -> dict[str, tuple[ForeignKey, ...]]:
    """Return the keys that rules speak of, by tables, those of two columns first."""
    found: dict[str, list[ForeignKey]] = {}
    for kind in kinds:
        if isinstance(kind, SameAs):
            columns = {kind.via: "id", kind.column: kind.theirs}
            found.setdefault(kind.table, []).insert(0, ForeignKey(columns, kind.parent))
        elif isinstance(kind, References):
            key = ForeignKey({kind.column: "id"}, kind.parent)
            found.setdefault(kind.table, []).append(key)
    return {table: tuple(keys) for table, keys in found.items()}


def _of_parent(key: ForeignKey, row: Row) -> dict[str, object]:
    """Return what a row that is to be made says of its parent."""
    return {theirs: row[ours] for ours, theirs in key.columns.items() if ours in row}


def _instant(column: Column, at: datetime) -> object:
    return at.date().isoformat() if column.type == "date" else at
