"""Declarations of rules: what each constraint of a catalogue says, as one of the kinds."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from conformance.engine.init.catalogue import columns_in
from conformance.engine.init.choice import Choice, Condition
from conformance.engine.init.python import Call
from conformance.engine.kinds.rule import token_of
from conformance.engine.sql.names import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from conformance.engine.init.catalogue import (
        Catalogue,
        CheckOf,
        ExclusionOf,
        ReferenceOf,
        UniqueOf,
    )
    from conformance.engine.init.probe import Probe

# A name that already begins with the token of a rule, such as `ord_4__orders_total_is_positive`.
TOKEN: Final = re.compile(r"(?P<head>[a-z][a-z0-9]*(?:_[a-z0-9]+)*_[a-z]*[0-9]+[a-z]?)__.+")
NONSENSE: Final = ("nonsense", "")
STAYS: Final = {
    "no action": "which is not deleted while it is named",
    "restrict": "which is not deleted while it is named",
    "cascade": "and goes with it",
    "set null": "and loses it when that is deleted",
    "set default": "and gets the default when that is deleted",
}


@dataclass(frozen=True, slots=True)
class Declared:
    """A rule as source.

    Attributes:
        table: which it is about.
        names: of the constraints that enforce it.
        statement: the rule in words.
        kind: its declaration.
        enforced_by: as a rule has it.
    """

    table: str
    names: tuple[str, ...]
    statement: str
    kind: Call
    enforced_by: tuple[str, ...]


@dataclass(slots=True)
class Declarations:
    """Declarations of a catalogue, and what could not be declared.

    Attributes:
        catalogue: what was read.
        probe: asks the server.
        rules: the declarations, by tables and in the order in which they are shown.
        choices: the values, by tables.
        gaps: what was not derived, and why.
    """

    catalogue: Catalogue
    probe: Probe
    rules: list[Declared] = field(default_factory=list)
    choices: dict[str, Choice] = field(default_factory=dict)
    gaps: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Declare what there is."""
        self.choices = {name: self._choice(name) for name in self.catalogue.tables}
        for table in self.catalogue.tables:
            self.rules += self._of(table)
        for name, choice in self.choices.items():
            self.gaps += [
                (f"values of {name}.{column}", "no legal one was found: name some in VALUES")
                for column in choice.missing
            ]
            if not choice.table.identity:
                self.gaps.append((f"table {name}", "nothing tells its rows from others"))
        self.gaps += self.catalogue.further

    @property
    def values(self) -> dict[str, object]:
        """The values that were chosen, by `table.column`."""
        return {
            f"{table}.{column}": some if not isinstance(some, list) else tuple(some)
            for table, choice in self.choices.items()
            for column, some in sorted(choice.values.items())
        }

    def _of(self, table: str) -> Iterator[Declared]:
        yield from self._not_null(table)
        yield from (
            found
            for each in self.catalogue.unique
            if each.table == table
            for found in self._unique(each)
        )
        for each in self.catalogue.exclusions:
            if each.table == table:
                yield self._exclusion(each)
        for reference in self.catalogue.references:
            if reference.table == table:
                yield from self._reference(reference)
        yield from self._enums(table)
        for check in self.catalogue.checks:
            if check.table == table:
                yield self._check(check)

    def _choice(self, table: str) -> Choice:
        conditions = [
            Condition(each.text, each.columns)
            for each in self.catalogue.checks
            if each.table == table and each.columns
        ]
        apart = {
            name
            for each in self.catalogue.unique
            if each.table == table and len(each.columns) == 1
            for name in each.columns
        }
        apart |= {
            name
            for each in self.catalogue.exclusions
            if each.table == table
            for name in each.columns
        }
        known = self.catalogue.tables[table]
        return Choice(table, known, conditions, apart, self.probe, self.catalogue.scales)

    def _not_null(self, table: str) -> Iterator[Declared]:
        columns = self.catalogue.not_null.get(table, {})
        columns = {
            name: domain
            for name, domain in columns.items()
            if not self.catalogue.tables[table].columns[name].always
        }
        if not columns:
            return
        kind = self._kind("Required", table, (table, (*columns,)), {})
        types = tuple(dict.fromkeys(f"type {domain}" for domain in columns.values() if domain))
        named = tuple(f"column {table}.{name}" for name in columns) if types else ()
        said = f"{_listed([*columns])} {'is' if len(columns) == 1 else 'are'} never null"
        yield Declared(table, (), said, kind, (*named, *types))

    def _unique(self, each: UniqueOf) -> Iterator[Declared]:
        smaller = self._implied_by(each)
        if smaller:
            self.gaps.append((each.name, f"{smaller} already says more"))
            return
        said = f"no two have the same {_listed(each.by)}" + (
            f", where {each.where}" if each.where else ""
        )
        if each.nulls_are_alike or not each.columns:
            yield self._query(each, said, _alike(each))
            return
        named: dict[str, object] = {}
        choice = self.choices[each.table]
        if not each.is_plain:
            named["by"] = each.by
            pair = choice.alike(each.by, each.columns)
            if pair:
                named["alike"] = (pair,)
            else:
                self.gaps.append((f"what {each.name} takes for alike", "no two values were found"))
        folded = [name for name in each.columns if choice.table.columns[name].type == "citext"]
        if each.is_plain and folded:
            pair = choice.alike([f"lower({quoted(folded[0])}::text)"], folded)
            named |= {"alike": (pair,)} if pair else {}
        named |= self._where(each.table, each.where, each.columns)
        kind = self._kind("Unique", each.table, (each.table, each.columns), named)
        yield Declared(each.table, (each.name,), each.comment or said, kind, (each.name,))

    def _implied_by(self, each: UniqueOf) -> str:
        """Return the name of a key of fewer columns, without which this one cannot be broken."""
        return next(
            (
                other.name
                for other in self.catalogue.unique
                if other.table == each.table
                and other is not each
                and not other.where
                and other.is_plain
                and each.is_plain
                and ({*other.by} < {*each.by} or ({*other.by} == {*each.by} and each.where))
            ),
            "",
        )

    def _exclusion(self, each: ExclusionOf) -> Declared:
        said = "no two meet: " + " and ".join(
            f"{name or 'an expression'} {operator}"
            for name, operator in zip(each.columns, each.operators, strict=True)
        )
        if not all(each.columns):
            self.gaps.append((each.name, "it compares expressions: say its violation query"))
            query = f"SELECT NULL::text WHERE false -- {each.name}"
            kind = Call("Query", ((each.table,), query))
            return Declared(each.table, (each.name,), said, kind, (each.name,))
        named = self._where(each.table, each.where, each.columns)
        given = (each.table, each.columns, each.operators)
        kind = self._kind("Excludes", each.table, given, named)
        return Declared(each.table, (each.name,), each.comment or said, kind, (each.name,))

    def _reference(self, each: ReferenceOf) -> Iterator[Declared]:
        if not each.is_ours or each.parent not in self.catalogue.tables:
            self.gaps.append((each.name, f"{each.parent} is no table that is tried"))
            return
        first, *more = zip(each.columns, each.theirs, strict=True)
        named: dict[str, object] = {"null": False}
        if first[1] != "id":
            named["theirs"] = first[1]
        if more:
            named["also"] = dict(more)
        named |= {"on_delete": each.on_delete, "on_update": each.on_update}
        given = (each.table, first[0], each.parent)
        kind = self._kind("References", each.table, given, named)
        said = f"{_listed(each.columns)} names one of {each.parent}, {STAYS[each.on_delete]}"
        yield Declared(each.table, (each.name,), each.comment or said, kind, (each.name,))

    def _enums(self, table: str) -> Iterator[Declared]:
        for column in self.catalogue.tables[table].columns.values():
            if not column.labels or column.category != "E":
                continue
            choice = self.choices[table]
            always = Condition("true", (column.name,))
            legal, _ = choice.sides(always)
            kept = [each[column.name] for each in legal if each[column.name] is not None]
            labels = ", ".join(f"'{each.replace(chr(39), 2 * chr(39))}'" for each in column.labels)
            breaks = f"{quoted(column.name)}::text NOT IN ({labels})"
            named = {
                "legal": Call("each", (column.name, *kept)),
                "illegal": Call("each", (column.name, *NONSENSE)),
            }
            kind = self._kind("Check", table, (table, breaks), named)
            said = f"{column.name} is one of {', '.join(column.labels)}"
            yield Declared(table, (), said, kind, (f"type {column.type}",))

    def _check(self, each: CheckOf) -> Declared:
        named: dict[str, object] = {}
        if each.columns:
            legal, illegal = self.choices[each.table].sides(Condition(each.text, each.columns))
            sides = {"legal": legal, "illegal": illegal}
            named = {name: _rows(rows) for name, rows in sides.items() if rows}
        if "illegal" not in named:
            self.gaps.append((f"cases of {each.name}", "no row was found that breaks it alone"))
        given = (each.table, f"NOT ({each.text})")
        kind = self._kind("Check", each.table, given, named)
        said = each.comment or f"{_listed(each.columns)}: {' '.join(each.text.split())}"
        return Declared(each.table, (each.name,), said, kind, (each.name,))

    def _where(self, table: str, where: str, key: Sequence[str]) -> dict[str, object]:
        """Return of which rows a key speaks, and values of rows inside and outside."""
        if not where:
            return {}
        columns = tuple(columns_in(where, self.catalogue.tables[table].columns))
        named: dict[str, object] = {"where": where}
        if not {*columns} - {*key}:
            return named
        choice = self.choices[table]
        references = {name for other in choice.table.keys for name in other.columns}
        inside, outside = choice.sides(Condition(where, columns))
        rows = {"inside": inside[:2], "outside": outside[:2]}
        for name, some in rows.items():
            usable = [
                {column: value for column, value in row.items() if column not in key}
                for row in some
                if not any(row[column] is not None for column in references & {*row})
            ]
            if usable:
                named[name] = tuple(usable)
        return named

    def _query(self, each: UniqueOf, said: str, query: str) -> Declared:
        self.gaps.append((f"cases of {each.name}", "nulls are alike in it, or it has no column"))
        kind = Call("Query", ((each.table,), query))
        return Declared(each.table, (each.name,), each.comment or said, kind, (each.name,))

    def _kind(
        self, name: str, table: str, given: tuple[object, ...], named: Mapping[str, object]
    ) -> Call:
        identity = self.catalogue.tables[table].identity
        if identity == ("id",):
            return Call(name, given, named)
        key = ", ".join(map(quoted, identity)) or "ctid"
        return Call(name, given, {**named, "key": f"({key})" if len(identity) > 1 else key})


def ids(rules: Sequence[Declared]) -> list[str]:
    """Return an id for each rule: of a constraint's name, or else the table and a number."""
    taken: set[str] = set()
    counts: dict[str, int] = {}
    found = []
    for rule in rules:
        match = TOKEN.fullmatch(rule.names[0]) if rule.names else None
        wish = match["head"].replace("_", "-").upper() if match else ""
        stem = re.sub(r"[^A-Z0-9]+", "-", rule.table.upper()).strip("-") or "TABLE"
        while not wish or wish in taken:
            counts[stem] = counts.get(stem, 0) + 1
            wish = f"{stem}-{counts[stem]}"
        taken.add(wish)
        found.append(wish)
    return found


def enforced(rule: Declared, identity: str) -> tuple[str, ...]:
    """Return what a rule has to say of its enforcement; () where its token says all."""
    token = token_of(identity)
    if not rule.enforced_by:
        return ()
    return () if all(name.startswith(token) for name in rule.enforced_by) else rule.enforced_by


def _rows(rows: Sequence[Mapping[str, object]]) -> object:
    """Return rows as source: short where one column alone differs."""
    columns = {tuple(row) for row in rows}
    if len(columns) == 1 and len(next(iter(columns))) == 1:
        (column,) = next(iter(columns))
        return Call("each", (column, *(row[column] for row in rows)))
    return tuple({**row} for row in rows)


def _listed(names: Sequence[str]) -> str:
    *most, last = names or ("this",)
    return f"{', '.join(most)} and {last}" if most else last


def _alike(each: UniqueOf) -> str:
    shared = ", ".join(each.by)
    some = f"WHERE {each.where} " if each.where else ""
    return (
        f"SELECT ({shared})::text FROM {quoted(each.table)} {some}GROUP BY {shared}"
        " HAVING count(*) > 1"
    )
