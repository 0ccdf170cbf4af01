"""Choice of values: legal ones where a column has a condition, and both sides of each condition.

The conditions of a table are computed by the server for values that are proposed. What is written
into the rules has been seen to be legal, or to break one condition alone, with whatever else a row
may hold.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice, product
from typing import TYPE_CHECKING, Final, TypeAlias

from conformance.engine.derived.fresh import NoValueError, fresh
from conformance.engine.derived.series import Series
from conformance.engine.init import candidates
from conformance.engine.init.catalogue import columns_in
from conformance.engine.init.nearness import nearest
from conformance.engine.sql.names import quoted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from conformance.engine.derived.catalogue import Column, Table
    from conformance.engine.init.probe import Probe

    Some: TypeAlias = Mapping[str, object]

MOST_VALUES, MOST_LEGAL, MOST_ILLEGAL = 3, 4, 8
# Values of a column that are combined with those of others, by how many others there are.
BREADTH: Final = (60, 28, 12, 7)
MOST_ROWS: Final = 6000
# What stands for a key of another row: no rows are there to name one.
STANDS_FOR: Final = {
    "N": (20001, 20002),
    "S": ("standing 1", "standing 2"),
    "U": ("00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"),
}
TRIED_OF_SERIES: Final = 48


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on the columns of a table's rows: a CHECK, or where an index or key counts."""

    text: str
    columns: tuple[str, ...]


@dataclass(slots=True)
class Choice:
    """Legal values of one table's columns, as far as conditions are about them.

    Attributes:
        name: of the table.
        table: its columns and keys.
        conditions: all of its CHECKs.
        apart: columns of which no two rows may have the same value.
        probe: asks the server.
        scales: as the catalogue has them.
        values: what was chosen, by column.
        missing: columns for which nothing legal was found.
    """

    name: str
    table: Table
    conditions: Sequence[Condition]
    apart: Collection[str]
    probe: Probe
    scales: Mapping[str, int]
    values: dict[str, Sequence[object] | Series] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    _fixed: dict[str, list[object]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Choose."""
        for column in self.table.columns.values():
            if column.name in self._keys:
                self._fixed[column.name] = self._standing(column)
            elif column.name in self.apart and self._about(column.name):
                self._choose_apart(column)
        for group in self._groups():
            self._choose(group)

    def sides(self, condition: Condition) -> tuple[list[Some], list[Some]]:
        """Return values of a condition's columns that keep it, and values that break it alone."""
        legal, illegal = self._sides(condition, condition.columns)
        others = [each for each in self.conditions if {*each.columns} & {*condition.columns}]
        wide = {name for each in others for name in each.columns} | {*condition.columns}
        if not illegal and len(wide) > len(condition.columns):  # others have to change with them
            named = tuple(name for name in self.table.columns if name in wide)
            more, illegal = self._sides(condition, named)
            legal = more or legal
        return legal, illegal

    def _sides(
        self, condition: Condition, columns: tuple[str, ...]
    ) -> tuple[list[Some], list[Some]]:
        """Return both sides, said by values of some columns, whatever the others are."""
        others = [each for each in self.conditions if {*each.columns} & {*columns}]
        beside = {name for each in others for name in each.columns} - {*columns}
        pools = [self._pool(name) for name in columns]
        pools = [pool[: _breadth(len(columns))] for pool in pools]
        rest = [self._required(name) for name in sorted(beside)]
        while _size(pools) * _size(rest) > MOST_ROWS and any(len(each) > 1 for each in rest):
            rest = [each[:1] for each in rest]
        mine = list(islice(product(*pools), MOST_ROWS))
        theirs = list(product(*rest))
        answers = self._ask(
            (*columns, *sorted(beside)),
            (condition, *(each for each in others if each.text != condition.text)),
            [(*one, *other) for one in mine for other in theirs],
        )
        kept: list[tuple[object, ...]] = []
        broken: list[tuple[object, ...]] = []
        for number, one in enumerate(mine):
            about = answers[number * len(theirs) : (number + 1) * len(theirs)]
            if any(each is None for each in about):
                continue
            clean = all(all(value is not False for value in each[1:]) for each in about if each)
            if clean and all(each[0] is False for each in about if each):
                broken.append(one)
            elif clean and all(each[0] is not False for each in about if each):
                kept.append(one)
        return (
            self._legal(columns, kept, broken),
            self._illegal(columns, kept, broken),
        )

    def alike(self, expressions: Sequence[str], columns: Sequence[str]) -> tuple[Some, Some] | None:
        """Return two legal values of columns that differ, of which expressions are the same."""
        for name in columns:
            if name in self._keys or name not in "".join(expressions):
                continue
            rows = [(each,) for each in self._variants(name) if each is not None]
            about = [each for each in self.conditions if each.columns == (name,)]
            asked = [text for text in expressions if columns_in(text, {name: None})]
            answers = self.probe.of(
                [self._typed(name)], [*asked, *(each.text for each in about)], rows
            )
            seen: dict[object, object] = {}
            for (value,), answer in zip(rows, answers, strict=True):
                if answer is None or False in answer[len(asked) :]:
                    continue
                same = seen.setdefault(str(answer[: len(asked)]), value)
                if same != value:
                    return {name: same}, {name: value}
        return None

    @property
    def _keys(self) -> set[str]:
        return {name for key in self.table.keys for name in key.columns}

    def _variants(self, name: str) -> list[object]:
        """Return values that may be alike: far from those that rows are made with."""
        chosen = self.values.get(name)
        some: list[object] = [*self._pool(name)]
        if isinstance(chosen, Series):
            some = [chosen.at(chosen.size - 1), chosen.at(chosen.size - 2)]
        elif self.table.columns[name].category == "S" and name in self.apart:
            some = ["twin"]
        texts = [each for each in some if isinstance(each, str)]
        return [*some, *(form for each in texts for form in (each.upper(), each.swapcase()))]

    def _standing(self, column: Column) -> list[object]:
        some = STANDS_FOR.get(column.category, ())[:1]
        return [*([None] if column.nullable else []), *some]

    def _about(self, name: str) -> list[Condition]:
        return [each for each in self.conditions if name in each.columns]

    def _known(self, columns: Sequence[str]) -> list[Column]:
        return [self.table.columns[name] for name in columns]

    def _typed(self, name: str) -> tuple[str, str]:
        return name, quoted(self.table.columns[name].type)

    def _pool(self, name: str) -> list[object]:
        """Return what to try in a column: of a key, what stands for rows that are not there."""
        column = self.table.columns[name]
        some = STANDS_FOR.get(column.category, ())
        if name in self._keys:
            return [*([None] if column.nullable else []), *some]
        texts = [each.text for each in self._about(name)]
        found = candidates.of_column(column, texts, self.scales.get(f"{self.name}.{name}"))
        is_number = column.category == "N" and self.table.identity == (name,)
        return [*some, *found] if is_number else found

    def _required(self, name: str) -> list[object]:
        """Return the values of a column that rows are made with."""
        chosen = self.values.get(name)
        if isinstance(chosen, Series):
            return [chosen.at(0)]
        return [*(chosen or self._fixed.get(name) or self._pool(name)[:1])]

    def _ask(
        self, columns: Sequence[str], about: Iterable[Condition], rows: Sequence[Sequence[object]]
    ) -> list[tuple[object, ...] | None]:
        return self.probe.of(
            [self._typed(name) for name in columns], [each.text for each in about], rows
        )

    def _choose_apart(self, column: Column) -> None:
        """Choose values of a column of which each row has another one: fresh ones, or a series."""
        alone = [each for each in self._about(column.name) if len(each.columns) == 1]
        numbers = (*range(1, 40), 150)
        try:
            some: list[object] = [
                fresh(self.name, column, number, lambda _some: None) for number in numbers
            ]
        except NoValueError:
            some = []
        if some and self._are_legal(column, alone, [some]):
            self._fixed[column.name] = [some[0]]
            return
        texts = [each for each in self._pool(column.name) if isinstance(each, str) and each]
        answers = self._ask((column.name,), alone, [(each,) for each in texts])
        legal = [
            text
            for text, answer in zip(texts, answers, strict=True)
            if answer is not None and False not in answer
        ]
        for text in legal:
            for steady in range(len(text)):
                series = Series(text, steady)
                if series.size < TRIED_OF_SERIES:
                    break
                if self._are_legal(column, alone, [[*map(series.at, range(TRIED_OF_SERIES))]]):
                    self.values[column.name] = series
                    self._fixed[column.name] = [series.at(0)]
                    return
        self.missing.append(column.name)

    def _are_legal(
        self, column: Column, about: Sequence[Condition], somes: Sequence[Sequence[object]]
    ) -> bool:
        rows = [(value,) for some in somes for value in some]
        answers = self._ask((column.name,), about, rows)
        return all(each is not None and False not in each for each in answers)

    def _groups(self) -> list[list[str]]:
        """Return the columns that conditions speak of, those together that one speaks of."""
        groups: list[set[str]] = []
        for each in self.conditions:
            joined = {*each.columns}
            for other in [group for group in groups if group & joined]:
                groups.remove(other)
                joined |= other
            groups.append(joined)
        return [[name for name in self.table.columns if name in group] for group in groups]

    def _choose(self, group: Sequence[str]) -> None:
        """Choose values of columns such that each is legal beside each of the others."""
        free = [name for name in group if name not in self._fixed]
        if not free or any(name in self.missing for name in group):
            return
        conditions = [each for each in self.conditions if {*each.columns} <= {*group}]
        bound = [name for name in group if name in self._fixed]
        pools = {name: self._single(name)[: _breadth(len(free))] for name in free}
        rest = list(product(*(self._fixed[name] for name in bound)))
        mine = list(islice(product(*pools.values()), MOST_ROWS))
        answers = self._ask(
            (*free, *bound), conditions, [(*one, *other) for one in mine for other in rest]
        )
        legal = {
            one
            for number, one in enumerate(mine)
            if all(
                each is not None and False not in each
                for each in answers[number * len(rest) : (number + 1) * len(rest)]
            )
        }
        widest: list[list[object]] = []
        for base in [one for one in mine if one in legal][:60]:
            grown = _grown(base, list(pools.values()), legal)
            if sum(map(len, grown)) > sum(map(len, widest)):
                widest = grown
        if not widest:
            self.missing += free
            return
        self.values |= dict(zip(free, widest, strict=True))

    def _single(self, name: str) -> list[object]:
        """Return the values that conditions on this column alone let through."""
        pool = self._pool(name)
        alone = [each for each in self._about(name) if each.columns == (name,)]
        answers = self._ask((name,), alone, [(each,) for each in pool])
        return [
            value
            for value, answer in zip(pool, answers, strict=True)
            if answer is not None and False not in answer
        ]

    def _legal(
        self,
        columns: Sequence[str],
        kept: Sequence[tuple[object, ...]],
        broken: Sequence[tuple[object, ...]],
    ) -> list[Some]:
        """Return some of what keeps a condition, what is nearest to breaking it first."""
        decided = {*self._keys, *self.apart}
        if decided & {*columns}:
            return []  # other rows have a say in it: what a row is made with must do
        return [
            dict(zip(columns, one, strict=True))
            for one in nearest(self._known(columns), kept, broken)[:MOST_LEGAL]
        ]

    def _illegal(
        self,
        columns: Sequence[str],
        kept: Sequence[tuple[object, ...]],
        broken: Sequence[tuple[object, ...]],
    ) -> list[Some]:
        some = [
            one
            for one in broken
            if not any(
                value is None and not self.table.columns[name].nullable
                for name, value in zip(columns, one, strict=True)
            )
        ]
        near = nearest(self._known(columns), some, kept)[:MOST_ILLEGAL]
        return [dict(zip(columns, one, strict=True)) for one in near]


def _grown(
    base: tuple[object, ...], pools: Sequence[Sequence[object]], legal: Collection[object]
) -> list[list[object]]:
    """Return values of each column around a legal row, all of which are legal with all others."""
    chosen = [[value] for value in base]
    for place, pool in enumerate(pools):
        for value in pool:
            if len(chosen[place]) == MOST_VALUES:
                break
            if value in chosen[place]:
                continue
            tried = [[value] if at == place else some for at, some in enumerate(chosen)]
            if all(row in legal for row in product(*tried)):
                chosen[place].append(value)
    return chosen


def _breadth(columns: int) -> int:
    return BREADTH[min(columns, len(BREADTH)) - 1] if columns else 1


def _size(pools: Sequence[Sequence[object]]) -> int:
    size = 1
    for pool in pools:
        size *= max(1, len(pool))
    return size
