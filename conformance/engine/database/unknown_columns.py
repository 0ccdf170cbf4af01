"""Columns that a schema has and the domain does not know, varied over the values of their types.

An engineer adds a column, and a check that lets pass what has it. Nobody who knows the domain alone
writes that column. So a scenario is tried again with rows that hold each of some values there, and
with violations that change it: a rule that does not speak of a column is broken whatever is in it.
What else such a value comes to is no matter: it may be illegal for reasons of the schema's own.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, NamedTuple
from zlib import crc32

from conformance.engine.cases.scenario import ViolatesSeveral
from conformance.engine.domain.chosen import COLUMNS as KNOWN
from conformance.engine.domain.chosen import DERIVED
from conformance.engine.sql.writes import Insert, PlainWrite, Update

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from conformance.engine.cases.scenario import Scenario, Transaction
    from conformance.engine.database.session import Session
    from conformance.engine.sql.writes import Write

# What the database computes, and numbers by itself, nobody gives it.
COLUMNS: Final = """
SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull,
    b.typcategory::text, (
        SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder)
        FROM pg_enum AS e WHERE e.enumtypid = b.oid
    )
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_type AS t ON t.oid = a.atttypid
JOIN pg_type AS b ON b.oid = CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END
WHERE c.relnamespace = to_regnamespace('public') AND c.relkind IN ('r', 'p') AND a.attnum > 0
    AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity = ''
ORDER BY c.relname, a.attnum
"""
# Of each category of types, as pg_type has them: texts that its types read.
VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    "B": ("true", "false"),
    "N": ("0", "1", "-1", "100"),
    "S": ("x", "", "true", "internal"),
    "D": ("2020-01-01", "2999-01-01"),
    "T": ("0", "1 year"),
    "A": ("{}",),
    "U": ("{}", '{"varied": true}', "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"),
}
# How many of all variants of a scenario are tried.
MOST: Final = 6


class Value(NamedTuple):
    """A value for a column that the domain does not know."""

    table: str
    column: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Spare:
    """Values for the columns that the domain does not know, by their tables."""

    values: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, session: Session) -> Spare:
        """Read which columns a schema has beside the domain's."""
        found: dict[str, list[Value]] = {}
        for table, column, kind, required, category, labels in session.fetch(COLUMNS):
            known = (*KNOWN.get(str(table), ()), *DERIVED.get(str(table), ()))
            if str(table) not in KNOWN or str(column) in known:
                continue
            texts = labels if isinstance(labels, list) else VALUES.get(str(category), ())
            shown = [text for text in texts if _is_read(session, text, str(kind))]
            found.setdefault(str(table), []).extend(
                Value(str(table), str(column), each)
                for each in (*shown, *(() if required else (None,)))
            )
        return cls({table: tuple(values) for table, values in found.items()})

    def variants(self, scenario: Scenario) -> Iterator[Scenario]:
        """Return scenarios in which a column holds a value from the start, or gets it at the end.

        Of many some, which are the same whenever the scenario is.
        """
        if not self.values:
            return
        every = [
            vary(scenario, value)
            for table in sorted(_tables(scenario))
            for value in self.values.get(table, ())
            for vary in (_held, _changed)
        ]
        first = crc32(repr(scenario).encode()) if len(every) > MOST else 0
        for number in range(min(len(every), MOST)):
            yield every[(first + number) % len(every)]


def _is_read(session: Session, text: object, kind: str) -> bool:
    return isinstance(session.ask(f"SELECT '{text}'::{kind}"), list)


def _held(scenario: Scenario, value: Value) -> Scenario:
    """Let the column hold the value in every row."""

    def held(write: Write) -> Write:
        if isinstance(write, Insert) and write.table == value.table:
            return replace(write, rows=tuple({value.column: value.value, **r} for r in write.rows))
        return PlainWrite(held(write.write)) if isinstance(write, PlainWrite) else write

    return _mapped(scenario, held, in_given=True)


def _changed(scenario: Scenario, value: Value) -> Scenario:
    """Let violations give the column the value, beside what they change."""

    def changed(write: Write) -> Write:
        if isinstance(write, Update) and write.table == value.table:
            return replace(write, changes={value.column: value.value, **write.changes})
        if isinstance(write, Insert) and write.table == value.table:
            return replace(write, rows=tuple({value.column: value.value, **r} for r in write.rows))
        return PlainWrite(changed(write.write)) if isinstance(write, PlainWrite) else write

    return _mapped(scenario, changed, in_given=False)


def _mapped(scenario: Scenario, of: Callable[[Write], Write], *, in_given: bool) -> Scenario:
    def each(transaction: Transaction) -> Transaction:
        return tuple(map(of, transaction))

    broken = tuple(
        replace(one, writes=each(one.writes)) if isinstance(one, ViolatesSeveral) else each(one)
        for one in scenario.broken
    )
    if not in_given:
        return replace(scenario, broken=broken)
    return replace(
        scenario,
        given=tuple(map(each, scenario.given)),
        legal=tuple(map(each, scenario.legal)),
        broken=broken,
        within=tuple(replace(one, writes=each(one.writes)) for one in scenario.within),
        beside=tuple(replace(one, writes=each(one.writes)) for one in scenario.beside),
    )


def _tables(scenario: Scenario) -> set[str]:
    transactions = [
        *scenario.given,
        *scenario.legal,
        *(one.writes if isinstance(one, ViolatesSeveral) else one for one in scenario.broken),
    ]
    return {
        inner.table
        for transaction in transactions
        for write in transaction
        for inner in (write.write if isinstance(write, PlainWrite) else write,)
        if isinstance(inner, Insert | Update)
    }
