"""Raw writes by somebody who knows the schema and means it harm.

What tables and columns there are is given as data, the schema's own bookkeeping and generated
columns among them. Every draw depends on nothing but choices: rows that may be there are known from
the prelude and from what was drawn before, never from a database.

Most writes are legal but for one thing, and most are about the same few rows, since writes that are
refused at once, or that never meet, break nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from conformance.sql.writes import (
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
from strategies.hostile_rows import Mind, Shape, a_key, a_row, some_changes
from strategies.hostile_values import Aim, Dice
from strategies.hostile_worlds import PRELUDES, Prelude
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
class Blow:
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

    steps: tuple[Blow, ...]
    guarded: bool = False
    undone: bool = False


@dataclass(frozen=True, slots=True)
class Attack:
    """One transaction."""

    parts: tuple[Part, ...]
    isolation: str = ISOLATION[0]


@dataclass(frozen=True, slots=True)
class Raid:
    """A state that is legal, by its name and the transactions that make it; what is done to it."""

    name: str
    prelude: tuple[tuple[Write, ...], ...]
    attacks: tuple[Attack, ...]


@st.composite
def raids(draw: DrawFn, shape: Shape, focus: str = "") -> Raid:
    """Draw a prelude and up to ten transactions, the more part of them about one table.

    The focus is a table, or `BOOKS`: all that is no part of the domain. Anything else means no
    table in particular.
    """
    dice = Dice(draw(ENTROPY))
    make = dice([each for each in PRELUDES if focus not in COLUMNS or focus in _tables(each)])
    prelude = make()
    books = tuple(table for table in shape.tables if table not in COLUMNS)
    tables = books if focus == BOOKS else tuple({focus} & set(shape.tables))
    mind = Mind(dice, shape, Aim(dice, prelude, shape.labels), tables)
    # Long lists, for a long raid costs little more than a short one; they shrink by what is empty.
    attacks = draw(st.lists(_attacks(mind), min_size=6, max_size=MOST_TRANSACTIONS))
    some = tuple(attack for attack in attacks if attack.parts)
    return Raid(make.__name__, tuple(prelude.transactions), some)


@cache
def _tables(make: Callable[[], Prelude]) -> frozenset[str]:
    """Return the tables that a prelude has rows in."""
    return frozenset(make().rows)


@st.composite
def _attacks(draw: DrawFn, mind: Mind) -> Attack:
    dice = Dice(draw(ENTROPY))
    parts = draw(st.lists(_parts(mind), max_size=MOST_PARTS))
    return Attack(tuple(parts), dice((ISOLATION[0], ISOLATION[0], *ISOLATION)))


@st.composite
def _parts(draw: DrawFn, mind: Mind) -> Part:
    dice = Dice(draw(ENTROPY))
    mind = replace(mind, dice=dice)
    # All is read whether or not it is needed, so that one of them can shrink without the others.
    guarded, undone, count = dice.once_in(2), dice.once_in(4), dice((1, 2))
    if not guarded:
        return Part((_step_of(mind),))
    return Part(tuple(_step_of(mind) for _ in range(count)), guarded, undone)


def _step_of(mind: Mind) -> Blow:
    return mind.dice(KINDS)(mind, mind.table())


# Statements that write rows


def _insert(mind: Mind, table: str) -> Blow:
    rows = [a_row(mind, table) for _ in range(mind.dice((1, 1, 2)))]
    manner = mind.dice(("", "", "merge", "cte", "copy", "nothing", "update"))
    insert = Insert(table, tuple(rows))
    # A COPY has no expressions.
    if manner in ("merge", "cte", "copy") and carries(Path(manner), insert):
        return Blow(f"insert {manner}", table, statements(insert, Path(manner))[0])
    statement = statements(insert)[0]
    if manner == "nothing":
        return Blow("on conflict", table, _and(statement, " ON CONFLICT DO NOTHING"))
    if manner == "update" and "id" in rows[0]:
        row = {**rows[0], "id": mind.aim.id(mind.dice, table)}
        write = Update(table, {"id": row["id"]}, some_changes(mind, table, table), row)
        return Blow("on conflict", table, statements(write, Path.ON_CONFLICT)[0])
    return Blow("insert", table, statement)


def _update(mind: Mind, table: str) -> Blow:
    path = mind.dice((Path.UPDATE, Path.UPDATE, Path.MERGE, Path.CTE))
    name = "t" if path is Path.MERGE else table
    write = Update(table, a_key(mind, table), some_changes(mind, table, name))
    kind = "update" if path is Path.UPDATE else f"update {path}"
    return Blow(kind, table, statements(write, path)[0])


def _delete(mind: Mind, table: str) -> Blow:
    path = mind.dice((Path.DELETE, Path.DELETE, Path.MERGE, Path.CTE))
    kind = "delete" if path is Path.DELETE else f"delete {path}"
    if mind.aim.latest and mind.dice.once_in(3):
        table, latest = mind.aim.latest  # what is only there for a moment may leave something
        return Blow(kind, table, statements(Delete(table, {"id": latest}), path)[0])
    return Blow(kind, table, statements(Delete(table, a_key(mind, table)), path)[0])


def _move(mind: Mind, _table: str) -> Blow:
    """Return what the product does most: a step of a job, with all that it needs."""
    job = {"id": mind.aim.id(mind.dice, "jobs")}
    status = mind.dice(("processing", "completed", "failed", "canceled"))
    return Blow("move", "jobs", statements(steps_to(job, status)[-1])[0])


def _truncate(mind: Mind, table: str) -> Blow:
    if not mind.dice.once_in(3):
        return _update(mind, table)  # seldom: an empty database breaks nothing
    more = [mind.table()] if mind.dice.once_in(2) else []
    write = Truncate(tuple(dict.fromkeys((table, *more))))
    sql = statements(write)[0].sql
    sql = sql if mind.dice.once_in(2) else sql.removesuffix(" CASCADE")
    return Blow("truncate", table, Statement(sql))


def _constraints(mind: Mind, _table: str) -> Blow:
    name = mind.dice(("ALL", "ALL", "ALL", *mind.shape.deferrable))
    when = mind.dice(("IMMEDIATE", "DEFERRED"))
    return Blow("set constraints", "", Statement(f"SET CONSTRAINTS {name} {when}"))


def _replace(mind: Mind, table: str) -> Blow:
    """Return a statement that deletes a row and inserts another with its id."""
    row = a_row(mind, table)
    if "id" not in row:
        return _delete(mind, table)
    row = {**row, "id": mind.aim.id(mind.dice, table)}
    return _together("replace", table, (Delete(table, {"id": row["id"]}), Insert(table, (row,))))


def _at_once(mind: Mind, table: str) -> Blow:
    """Return two or three writes to any tables in one statement.

    Memberships come first: what was allowed when a row was written is judged by the order in which
    rows were noted, and a statement's rows are noted one write after the other.
    """
    tables = [table, *(mind.table() for _ in range(mind.dice((1, 2))))]
    writes: list[Write] = []
    for each in sorted(tables, key=lambda name: name != "memberships"):
        manner = mind.dice((0, 1, 2))
        if manner == 0:
            writes.append(Insert(each, (a_row(mind, each),)))
        elif manner == 1:
            writes.append(Update(each, a_key(mind, each), some_changes(mind, each, each)))
        else:
            writes.append(Delete(each, a_key(mind, each)))
    return _together("at once", table, writes)


def _clean(mind: Mind, _table: str) -> Blow:
    table = mind.dice(("job_events", "webhook_deliveries"))
    limit = mind.dice(("", "1", "0", "NULL"))
    return Blow("clean up", table, Statement(f"SELECT public.delete_old_{table}({limit})"))


def _erase(mind: Mind, _table: str) -> Blow:
    user = mind.aim.id(mind.dice, "users")
    return Blow("erase", "users", Statement(f"SELECT public.erase_user('{user}')"))


KINDS: tuple[Callable[[Mind, str], Blow], ...] = (
    *(_update, _insert, _delete, _update, _insert, _move, _at_once, _replace),
    *(_update, _insert, _delete, _update, _insert, _constraints, _at_once),
    *(_update, _insert, _update, _clean, _erase, _truncate),
)


def _and(statement: Statement, more: str) -> Statement:
    return replace(statement, sql=statement.sql + more)


def _together(kind: str, table: str, writes: Sequence[Write]) -> Blow:
    """Return one statement that carries out several writes, in this order."""
    parts = [statements(write)[0].sql for write in writes]
    named = ", ".join(f"w{n} AS ({sql} RETURNING 1)" for n, sql in enumerate(parts))
    counts = " + ".join(f"(SELECT count(*) FROM w{n})" for n in range(len(parts)))
    return Blow(kind, table, Statement(f"WITH {named} SELECT {counts}"))
