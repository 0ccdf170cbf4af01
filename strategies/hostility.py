"""Raw writes by somebody who knows the schema and means it harm.

What tables and columns there are is given as data, the schema's own bookkeeping and generated
columns among them. Every draw depends on nothing but choices: rows that may be there are known from
the setup and from what was drawn before, never from a database.

Most writes are legal but for one thing, and most are about the same few rows, since writes that are
refused at once, or that never meet, break nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from conformance.engine.sql.writes import (
    Delete,
    Insert,
    Path,
    Statement,
    Truncate,
    Update,
    Write,
    carries,
    statements,
)
from strategies.hostile_rows import RowGenerator, Shape, a_key, a_row, some_changes
from strategies.hostile_values import Choices, Target
from strategies.hostile_worlds import SETUPS, Setup
from strategies.tables import COLUMNS
from strategies.world import steps_to

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hypothesis.strategies import DrawFn

# What one part of an attack is read from: more bytes than most parts need.
ENTROPY = st.binary(min_size=64, max_size=64)
ISOLATION = ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")
BOOKS = "bookkeeping"
MOST_TRANSACTIONS = 10
MOST_PARTS = 6


@dataclass(frozen=True, slots=True)
class HostileStatement:
    """One statement of an attack: what it is called in the tally, and what is sent."""

    kind: str
    table: str
    statement: Statement


@dataclass(frozen=True, slots=True)
class Part:
    """Statements of a transaction that stand together.

    `guarded`: they stand between a savepoint and its release, and an error among them undoes only
    them; `undone`: they are rolled back in any case.
    """

    steps: tuple[HostileStatement, ...]
    guarded: bool = False
    undone: bool = False


@dataclass(frozen=True, slots=True)
class Attack:
    """One transaction."""

    parts: tuple[Part, ...]
    isolation: str = ISOLATION[0]


@dataclass(frozen=True, slots=True)
class HostileRun:
    """A state that is legal, by its name and the transactions that make it; what is done to it."""

    name: str
    setup: tuple[tuple[Write, ...], ...]
    attacks: tuple[Attack, ...]


@st.composite
def hostile_runs(draw: DrawFn, shape: Shape, focus: str = "") -> HostileRun:
    """Draw a setup and up to ten transactions, the more part of them about one table.

    The focus is a table, or `BOOKS`: all that is no part of the domain. Anything else means no
    table in particular.
    """
    choices = Choices(draw(ENTROPY))
    make = choices([each for each in SETUPS if focus not in COLUMNS or focus in _tables(each)])
    setup = make()
    books = tuple(table for table in shape.tables if table not in COLUMNS)
    tables = books if focus == BOOKS else tuple({focus} & set(shape.tables))
    generator = RowGenerator(choices, shape, Target(choices, setup, shape.labels), tables)
    # Long lists, for a long hostile run costs little more than a short one; they shrink by what is
    # empty.
    attacks = draw(st.lists(_attacks(generator), min_size=6, max_size=MOST_TRANSACTIONS))
    some = tuple(attack for attack in attacks if attack.parts)
    return HostileRun(make.__name__, tuple(setup.transactions), some)


@cache
def _tables(make: Callable[[], Setup]) -> frozenset[str]:
    """Return the tables that a setup has rows in."""
    return frozenset(make().rows)


@st.composite
def _attacks(draw: DrawFn, generator: RowGenerator) -> Attack:
    choices = Choices(draw(ENTROPY))
    parts = draw(st.lists(_parts(generator), max_size=MOST_PARTS))
    return Attack(tuple(parts), choices((ISOLATION[0], ISOLATION[0], *ISOLATION)))


@st.composite
def _parts(draw: DrawFn, generator: RowGenerator) -> Part:
    choices = Choices(draw(ENTROPY))
    generator = replace(generator, choices=choices)
    # All is read whether or not it is needed, so that one of them can shrink without the others.
    guarded, undone, count = choices.once_in(2), choices.once_in(4), choices((1, 2))
    if not guarded:
        return Part((_step_of(generator),))
    return Part(tuple(_step_of(generator) for _ in range(count)), guarded, undone)


def _step_of(generator: RowGenerator) -> HostileStatement:
    return generator.choices(KINDS)(generator, generator.table())


# Statements that write rows


def _insert(generator: RowGenerator, table: str) -> HostileStatement:
    rows = [a_row(generator, table) for _ in range(generator.choices((1, 1, 2)))]
    manner = generator.choices(("", "", "merge", "cte", "copy", "nothing", "update"))
    insert = Insert(table, tuple(rows))
    # A COPY has no expressions.
    if manner in ("merge", "cte", "copy") and carries(Path(manner), insert):
        return HostileStatement(f"insert {manner}", table, statements(insert, Path(manner))[0])
    statement = statements(insert)[0]
    if manner == "nothing":
        return HostileStatement("on conflict", table, _and(statement, " ON CONFLICT DO NOTHING"))
    if manner == "update" and "id" in rows[0]:
        row = {**rows[0], "id": generator.target.id(generator.choices, table)}
        write = Update(table, {"id": row["id"]}, some_changes(generator, table, table), row)
        return HostileStatement("on conflict", table, statements(write, Path.ON_CONFLICT)[0])
    return HostileStatement("insert", table, statement)


def _update(generator: RowGenerator, table: str) -> HostileStatement:
    path = generator.choices((Path.UPDATE, Path.UPDATE, Path.MERGE, Path.CTE))
    name = "t" if path is Path.MERGE else table
    write = Update(table, a_key(generator, table), some_changes(generator, table, name))
    kind = "update" if path is Path.UPDATE else f"update {path}"
    return HostileStatement(kind, table, statements(write, path)[0])


def _delete(generator: RowGenerator, table: str) -> HostileStatement:
    path = generator.choices((Path.DELETE, Path.DELETE, Path.MERGE, Path.CTE))
    kind = "delete" if path is Path.DELETE else f"delete {path}"
    if generator.target.latest and generator.choices.once_in(3):
        table, latest = (
            generator.target.latest
        )  # what is only there for a moment may leave something
        return HostileStatement(kind, table, statements(Delete(table, {"id": latest}), path)[0])
    return HostileStatement(
        kind, table, statements(Delete(table, a_key(generator, table)), path)[0]
    )


def _move(generator: RowGenerator, _table: str) -> HostileStatement:
    """Return what the product does most: a step of a job, with all that it needs."""
    job = {"id": generator.target.id(generator.choices, "jobs")}
    status = generator.choices(("processing", "completed", "failed", "canceled"))
    return HostileStatement("move", "jobs", statements(steps_to(job, status)[-1])[0])


def _truncate(generator: RowGenerator, table: str) -> HostileStatement:
    if not generator.choices.once_in(3):
        return _update(generator, table)  # seldom: an empty database breaks nothing
    more = [generator.table()] if generator.choices.once_in(2) else []
    write = Truncate(tuple(dict.fromkeys((table, *more))))
    sql = statements(write)[0].sql
    sql = sql if generator.choices.once_in(2) else sql.removesuffix(" CASCADE")
    return HostileStatement("truncate", table, Statement(sql))


def _constraints(generator: RowGenerator, _table: str) -> HostileStatement:
    name = generator.choices(("ALL", "ALL", "ALL", *generator.shape.deferrable))
    when = generator.choices(("IMMEDIATE", "DEFERRED"))
    return HostileStatement("set constraints", "", Statement(f"SET CONSTRAINTS {name} {when}"))


def _replace(generator: RowGenerator, table: str) -> HostileStatement:
    """Return a statement that deletes a row and inserts another with its id."""
    row = a_row(generator, table)
    if "id" not in row:
        return _delete(generator, table)
    row = {**row, "id": generator.target.id(generator.choices, table)}
    return _together("replace", table, (Delete(table, {"id": row["id"]}), Insert(table, (row,))))


def _at_once(generator: RowGenerator, table: str) -> HostileStatement:
    """Return two or three writes to any tables in one statement.

    Memberships come first: what was allowed when a row was written is judged by the order in which
    rows were noted, and a statement's rows are noted one write after the other.
    """
    tables = [table, *(generator.table() for _ in range(generator.choices((1, 2))))]
    writes: list[Write] = []
    for each in sorted(tables, key=lambda name: name != "memberships"):
        manner = generator.choices((0, 1, 2))
        if manner == 0:
            writes.append(Insert(each, (a_row(generator, each),)))
        elif manner == 1:
            writes.append(Update(each, a_key(generator, each), some_changes(generator, each, each)))
        else:
            writes.append(Delete(each, a_key(generator, each)))
    return _together("at once", table, writes)


def _clean(generator: RowGenerator, _table: str) -> HostileStatement:
    table = generator.choices(("job_events", "webhook_deliveries"))
    limit = generator.choices(("", "1", "0", "NULL"))
    return HostileStatement(
        "clean up", table, Statement(f"SELECT public.delete_old_{table}({limit})")
    )


def _erase(generator: RowGenerator, _table: str) -> HostileStatement:
    user = generator.target.id(generator.choices, "users")
    return HostileStatement("erase", "users", Statement(f"SELECT public.erase_user('{user}')"))


KINDS: tuple[Callable[[RowGenerator, str], HostileStatement], ...] = (
    *(_update, _insert, _delete, _update, _insert, _move, _at_once, _replace),
    *(_update, _insert, _delete, _update, _insert, _constraints, _at_once),
    *(_update, _insert, _update, _clean, _erase, _truncate),
)


def _and(statement: Statement, more: str) -> Statement:
    return replace(statement, sql=statement.sql + more)


def _together(kind: str, table: str, writes: Sequence[Write]) -> HostileStatement:
    """Return one statement that carries out several writes, in this order."""
    parts = [statements(write)[0].sql for write in writes]
    named = ", ".join(f"w{n} AS ({sql} RETURNING 1)" for n, sql in enumerate(parts))
    counts = " + ".join(f"(SELECT count(*) FROM w{n})" for n in range(len(parts)))
    return HostileStatement(kind, table, Statement(f"WITH {named} SELECT {counts}"))
