"""Legal rows of any table, made of what the catalogue has and of what rules say.

This is the only place that knows how a row is made. What is not given is drawn: a column takes one
of the values that the domain names for it, or else a value of its type that no other row has.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, TypeAlias

from hypothesis import strategies as st

from conformance.engine.derived.catalogue import ForeignKey
from conformance.engine.derived.fresh import NoValueError, fresh
from conformance.engine.derived.series import Series
from conformance.engine.kinds.at_least import AtLeast
from conformance.engine.kinds.fixed import Fixed
from conformance.engine.kinds.keys import Excludes, References, Unique
from conformance.engine.kinds.same_as import SameAs
from conformance.engine.kinds.transitions import Transitions
from conformance.engine.sql.writes import Insert, Row, Update

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from hypothesis.strategies import SearchStrategy

    from conformance.engine.derived.catalogue import Column, Table
    from conformance.engine.kinds.kind import Kind
    from conformance.engine.kinds.rule import Rule

    Draw: TypeAlias = "Callable[[SearchStrategy[Any]], Any]"

# Legal values of a column, by `table.column`; a series where no two rows may have the same.
Values: TypeAlias = "Mapping[str, Sequence[object] | Series]"


@dataclass(frozen=True, slots=True)
class Facts:
    """Demands of rules on every legal row, beside those of the schema.

    Attributes:
        values: legal values of columns, as the domain names them.
        moves: the state machines.
        keys: what names rows of other tables, by tables, whether the schema asks for it or not.
        fixed: the columns that never change, with the rule that says so, by tables.
        unique: what no two rows share, by tables.
        varies: whether columns that nothing names are drawn too, null or not.
        floors: the rows that others may not be without, by the tables of these.
    """

    values: Values
    moves: tuple[Transitions, ...]
    keys: Mapping[str, tuple[ForeignKey, ...]]
    fixed: Mapping[str, Mapping[str, str]]
    unique: Mapping[str, Sequence[Unique | Excludes]] = field(default_factory=dict)
    varies: bool = False
    floors: Mapping[str, Sequence[AtLeast]] = field(default_factory=dict)

    @classmethod
    def of(cls, rules: Iterable[Rule], values: Values, *, varies: bool = False) -> Facts:
        """Return what these rules say."""
        kinds = [(rule.id, rule.kind) for rule in rules]
        fixed: dict[str, dict[str, str]] = {}
        for rule, kind in kinds:
            if isinstance(kind, Fixed):
                for table, columns in kind.columns.items():
                    fixed.setdefault(table, {}).update(dict.fromkeys(columns, rule))
        moves = tuple(kind for _, kind in kinds if isinstance(kind, Transitions) and kind.column)
        unique: dict[str, list[Unique | Excludes]] = {}
        for _, kind in kinds:
            if isinstance(kind, Unique | Excludes):
                unique.setdefault(kind.table, []).append(kind)
        floors: dict[str, list[AtLeast]] = {}
        for _, kind in kinds:
            if isinstance(kind, AtLeast):
                floors.setdefault(kind.parent, []).append(kind)
        keys = _keys([kind for _, kind in kinds])
        return cls(values, moves, keys, fixed, unique, varies, floors)

    def shared_by_none(self, table: str) -> set[str]:
        """Return the columns of a table that are part of what no two rows share."""
        return {name for each in self.unique.get(table, ()) for name in each.columns}

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
        there: rows that are there already, by tables: those that are made may name them, or have
            values in common with them.
    """

    tables: Mapping[str, Table]
    facts: Facts
    draw: Draw
    given: list[Insert | Update] = field(default_factory=list)
    there: dict[str, list[Row]] = field(default_factory=dict)
    _serial: count[int] = field(default_factory=lambda: count(1))
    _series: dict[str, count[int]] = field(default_factory=dict)
    _depth: int = 0

    def row(self, table: str, **given: object) -> Row:
        """Return a legal row that is not written, while its parents are."""
        row: dict[str, object] = {}
        known, keys = self.tables[table], self.keys_of(table)
        self._depth += 1
        for key in keys:
            if self._is_drawn(known, key, given, row):
                parent = self._parent(key.parent, _of_parent(key, {**given, **row}))
                row |= {ours: parent[theirs] for ours, theirs in key.columns.items()}
        self._depth -= 1
        of_keys = {name for key in keys for name in key.columns}
        for column in known.columns.values():
            if column.name in given or column.name in row:
                continue
            if self._is_written(table, column):
                row[column.name] = self.value(table, column.name)
            elif self.facts.varies and column.name not in of_keys:
                row |= self._varied(table, column)
        return {**row, **given}

    def written(self, table: str, **given: object) -> Row:
        """Return a legal row that is written before anything is tried."""
        row = self.row(table, **given)
        self.given.append(Insert(table, (row,)))
        if table in self.there:
            self.there[table].append(row)
        return row

    def identity(self, table: str, row: Row) -> Row:
        """Return the columns that tell a row of these from others."""
        return {name: row[name] for name in self.tables[table].identity}

    def changed(self, table: str, row: Row, changes: Row) -> Update:
        """Return the write that changes a row of these, for every shape of statement."""
        return Update(table, self.identity(table, row), changes, row)

    def parent_of(self, key: ForeignKey) -> Row:
        """Return what a row has that names a parent; the parent itself is written."""
        parent = self._parent(key.parent, {})
        return {ours: parent[theirs] for ours, theirs in key.columns.items()}

    def pick(self, table: str) -> Row:
        """Return a row that is there already, one of the last three more often than others."""
        return self._one_of(self.there[table])

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
        old = [row for row in self.there.get(table, ()) if column in row]
        if old and column not in self._alone(table) and self._is_old():
            return self._one_of(old)[column]
        named = self.facts.values.get(f"{table}.{column}") or self.facts.starts(table, column)
        if isinstance(named, Series):
            return named.at(next(self._series.setdefault(f"{table}.{column}", count())))
        some = [each for each in named or known.labels if each not in besides]
        if some:
            return self.draw(st.sampled_from(some))
        if not named and known.labels == ():
            return fresh(table, known, next(self._serial), self.draw)
        message = f"{table}.{column}: name a further legal value of it, beside {list(besides)}"
        raise NoValueError(message)

    def other_values(self, table: str, row: Row, columns: Iterable[str]) -> Row:
        """Return other legal values of some columns of a row: of a foreign key, another parent."""
        names, changes = [*columns], dict[str, object]()
        for column in names:
            if column in changes:
                continue
            key = self.key_of(table, column)
            if key is None:
                changes[column] = self.value(table, column, (row.get(column),))
                continue
            about = {ours for ours in key.columns if ours in names}
            of_parent = self.tables[key.parent].identity
            kept = {t: row[o] for o, t in key.columns.items() if o not in about and o in row}
            if kept.keys() >= {*of_parent}:
                kept = {name: value for name, value in kept.items() if name not in of_parent}
            # A row of the same key in part must differ in the rest; one of another key does.
            is_part = any(name in of_parent for name in kept)
            for ours in about:
                theirs = key.columns[ours]
                if ours in row and (is_part or theirs not in of_parent):
                    kept |= self.other_values(key.parent, {theirs: row[ours]}, [theirs])
            parent = self.written(key.parent, **kept)
            changes |= {ours: parent[key.columns[ours]] for ours in about}
        return changes

    def lost(self, key: ForeignKey, row: Row) -> Row:
        """Return other values of a key of a row, such that no row has them."""
        for ours, theirs in key.columns.items():
            named = self.facts.values.get(f"{key.parent}.{theirs}")
            if named is None or isinstance(named, Series):
                return {ours: self.value(key.parent, theirs)}
        ours, theirs = next(iter(key.columns.items()))
        return {ours: self.value(key.parent, theirs, (row[ours],))}

    def beside(self, table: str, about: Iterable[str]) -> Row:
        """Return a change of a column that a rule does not speak of, or none."""
        known = self.tables[table]
        taken = {*about, *known.identity, *self.facts.fixed.get(table, ())}
        taken |= self.facts.shared_by_none(table)
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

    def _parent(self, table: str, given: Row) -> Row:
        """Return a row to name: one that is there, or a new one."""
        rows = self.there.get(table, ())
        fit = [row for row in rows if all(str(row.get(name)) == str(given[name]) for name in given)]
        if fit and self._is_old():
            return self._one_of(fit)
        return self.written(table, **given)

    def _one_of(self, rows: Sequence[Row]) -> Row:
        one: Row = self.draw(st.sampled_from([*rows, *rows[-3:], *[rows[-1]] * 4]))
        return one

    def _is_old(self) -> bool:
        """Draw whether something that is there already is taken again."""
        return bool(self.draw(st.sampled_from((True, True, True, False))))

    def _alone(self, table: str) -> set[str]:
        """Return the columns of a table that differ from row to row, or name rows of another."""
        named = {*self.tables[table].named, *self.facts.shared_by_none(table)}
        return named | {name for key in self.keys_of(table) for name in key.columns}

    def _is_drawn(
        self, table: Table, key: ForeignKey, given: Mapping[str, object], row: Row
    ) -> bool:
        """Return whether a row needs a parent by this key that it does not have yet."""
        if all(name in given or name in row for name in key.columns):
            return False
        if any(name in given and given[name] is None for name in key.columns):
            return False
        of_parent = {
            ours
            for ours, theirs in key.columns.items()
            if theirs in self.tables[key.parent].identity
        }
        if of_parent and all(ours in given for ours in of_parent):
            return False
        known = [table.columns[name] for name in key.columns if name in table.columns]
        # A key with a null in it names nothing.
        if any(each.required for each in known) and not any(each.nullable for each in known):
            return True
        if not self.facts.varies or self._depth > 1 or any(name in given for name in key.columns):
            return False
        return bool(self.draw(st.booleans()))

    def _is_written(self, table: str, column: Column) -> bool:
        """Return whether a row gives a column: it must, or the domain names values to draw."""
        named = f"{table}.{column.name}" in self.facts.values
        if self.facts.varies and column.name in self.facts.shared_by_none(table):
            # What is left out would be the same in all rows.
            return column.required or self.key_of(table, column.name) is None
        return column.required or named or column.name in self.tables[table].named

    def _varied(self, table: str, column: Column) -> Row:
        """Return a value of a column that nothing asks for, a null, or neither."""
        kinds = ("left out", "null", "value") if column.nullable else ("left out", "value")
        kind = self.draw(st.sampled_from(kinds))
        if kind == "left out":
            return {}
        try:
            return {column.name: None if kind == "null" else self.value(table, column.name)}
        except NoValueError:  # of a type of which we make none, and need none
            return {}


def _keys(kinds: Sequence[Kind | None]) -> dict[str, tuple[ForeignKey, ...]]:
    """Return the keys that rules speak of, by tables, those of two columns first."""
    found: dict[str, list[ForeignKey]] = {}
    for kind in kinds:
        if isinstance(kind, SameAs):
            columns = {kind.via: "id", kind.column: kind.theirs}
            found.setdefault(kind.table, []).insert(0, ForeignKey(columns, kind.parent))
        elif isinstance(kind, References):
            key = ForeignKey(kind.columns, kind.parent)
            found.setdefault(kind.table, []).append(key)
    return {table: tuple(keys) for table, keys in found.items()}


def _of_parent(key: ForeignKey, row: Row) -> dict[str, object]:
    """Return what a row that is to be made says of its parent."""
    return {theirs: row[ours] for ours, theirs in key.columns.items() if ours in row}
