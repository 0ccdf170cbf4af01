"""Raw writes by somebody who knows the schema and means it harm.

What tables and columns there are is given as data, the schema's own bookkeeping and generated
columns among them. Every draw depends on nothing but choices: rows that may be there are known from
the prelude and from what was drawn before, never from a database.

Most writes are legal but for one thing, and most are about the same few rows, since writes that are
refused at once, or that never meet, break nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from hypothesis import strategies as st

from conformance.writes import (
    Delete,
    Insert,
    Path,
    Row,
    Run,
    Statement,
    Update,
    Write,
    statements,
)
from strategies.hostile_values import Aim, values
from strategies.hostile_worlds import PRELUDES, Prelude
from strategies.world import steps_to, urn_of_member, urn_of_team, urn_of_user

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import DrawFn, SearchStrategy

ISOLATION = ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")
NOBODY = UUID(int=0)
MOST_TRANSACTIONS = 10
MOST_PARTS = 4


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, its type as `format_type` has it, and whether it is generated."""

    name: str
    type: str
    generated: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Shape:
    """What somebody who knows the schema knows of it.

    Attributes:
        tables: the columns of each table. The name has a schema where that is not `public`.
        labels: the labels of each enum type.
        deferrable: the names of the constraints that SET CONSTRAINTS can name.
    """

    tables: Mapping[str, tuple[Column, ...]]
    labels: Mapping[str, tuple[str, ...]]
    deferrable: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
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

    steps: tuple[Step, ...]
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

    A focus that is no table means no table in particular.
    """
    make = draw(st.sampled_from(PRELUDES))
    prelude = make()
    aim = _aim(draw, shape, prelude)
    attack = st.deferred(lambda: _attacks(shape, aim, focus))
    attacks = draw(st.lists(attack, min_size=1, max_size=MOST_TRANSACTIONS))
    return Raid(make.__name__, tuple(prelude.transactions), tuple(attacks))


def _aim(draw: DrawFn, shape: Shape, prelude: Prelude) -> Aim:
    """Choose the few rows of each table that most of the raid is about."""
    chosen = {
        table: draw(st.lists(st.sampled_from(rows), min_size=1, max_size=2))
        for table, rows in prelude.rows.items()
    }
    return Aim(prelude, chosen, shape.labels)


@st.composite
def _attacks(draw: DrawFn, shape: Shape, aim: Aim, focus: str) -> Attack:
    part = st.deferred(lambda: _parts(shape, aim, focus))
    parts = draw(st.lists(part, min_size=1, max_size=MOST_PARTS))
    isolation = draw(st.sampled_from((ISOLATION[0], ISOLATION[0], *ISOLATION)))
    return Attack(tuple(parts), isolation)


@st.composite
def _parts(draw: DrawFn, shape: Shape, aim: Aim, focus: str) -> Part:
    step = st.deferred(lambda: _steps(shape, aim, focus))
    manner = draw(st.integers(0, 5))
    if manner < 4:
        return Part((draw(step),))
    steps = draw(st.lists(step, min_size=1, max_size=2))
    return Part(tuple(steps), guarded=True, undone=manner == 5)


@st.composite
def _steps(draw: DrawFn, shape: Shape, aim: Aim, focus: str) -> Step:
    focused = focus in shape.tables and draw(st.integers(0, 9)) < 6
    table = focus if focused else draw(st.sampled_from(tuple(shape.tables)))
    kind = draw(st.sampled_from(tuple(KINDS)))
    return KINDS[kind](draw, shape, aim, table)


# Statements that write rows


def _insert(draw: DrawFn, shape: Shape, aim: Aim, table: str) -> Step:
    rows = draw(st.lists(st.deferred(lambda: _rows(shape, aim, table)), min_size=1, max_size=2))
    manner = draw(st.sampled_from(("plain", "merge", "cte", "copy", "nothing", "update")))
    if manner in ("merge", "cte", "copy"):
        path = Path(manner)
        return _step(f"insert {manner}", table, statements(Insert(table, tuple(rows)), path)[0])
    statement = statements(Insert(table, tuple(rows)))[0]
    if manner == "nothing":
        return _step("on conflict", table, _and(statement, " ON CONFLICT DO NOTHING"))
    if manner == "update" and "id" in rows[0]:
        row = {**rows[0], "id": draw(aim.ids(table))}
        changes = draw(_changes(shape, aim, table))
        write = Update(table, {"id": row["id"]}, changes, row)
        return _step("on conflict", table, statements(write, Path.ON_CONFLICT)[0])
    return _step("insert", table, statement)


def _update(draw: DrawFn, shape: Shape, aim: Aim, table: str) -> Step:
    write = Update(table, draw(_keys(shape, aim, table)), draw(_changes(shape, aim, table)))
    path = draw(st.sampled_from((Path.UPDATE, Path.UPDATE, Path.MERGE, Path.CTE)))
    return _step(_named("update", path, Path.UPDATE), table, statements(write, path)[0])


def _delete(draw: DrawFn, shape: Shape, aim: Aim, table: str) -> Step:
    write = Delete(table, draw(_keys(shape, aim, table)))
    path = draw(st.sampled_from((Path.DELETE, Path.DELETE, Path.MERGE, Path.CTE)))
    return _step(_named("delete", path, Path.DELETE), table, statements(write, path)[0])


def _move(draw: DrawFn, _shape: Shape, aim: Aim, _table: str) -> Step:
    """Draw what the product does most: a step of a job, with all that it needs."""
    job = draw(aim.rows("jobs"))
    status = draw(st.sampled_from(("processing", "completed", "failed", "canceled")))
    return _step("update", "jobs", statements(steps_to(job, status)[-1])[0])


def _truncate(draw: DrawFn, shape: Shape, aim: Aim, table: str) -> Step:
    more = draw(st.lists(st.sampled_from(tuple(shape.tables)), max_size=1))
    if draw(st.booleans()):
        return _update(draw, shape, aim, table)  # seldom: an empty database breaks nothing
    names = ", ".join(dict.fromkeys(name if "." in name else f"public.{name}"
                                    for name in (table, *more)))
    cascade = draw(st.sampled_from(("", " CASCADE")))
    return _step("truncate", table, Statement(f"TRUNCATE {names}{cascade}"))


def _constraints(draw: DrawFn, shape: Shape, _aim: Aim, _table: str) -> Step:
    names = st.sampled_from(("ALL", "ALL", *shape.deferrable))
    when = draw(st.sampled_from(("IMMEDIATE", "DEFERRED")))
    return _step("set constraints", "", Statement(f"SET CONSTRAINTS {draw(names)} {when}"))


def _replace(draw: DrawFn, shape: Shape, aim: Aim, table: str) -> Step:
    """Draw a statement that deletes a row and inserts another with its id."""
    row = draw(_rows(shape, aim, table))
    if "id" not in row:
        return _delete(draw, shape, aim, table)
    row = {**row, "id": draw(aim.ids(table))}
    return _together("replace", table, (Delete(table, {"id": row["id"]}), Insert(table, (row,))))


def _at_once(draw: DrawFn, shape: Shape, aim: Aim, table: str) -> Step:
    """Draw two or three writes to any tables in one statement.

    Memberships come first: what was allowed when a row was written is judged by the order in which
    rows were noted, and a statement's rows are noted one write after the other.
    """
    tables = [table, *draw(st.lists(st.sampled_from(tuple(shape.tables)), min_size=1, max_size=2))]
    writes: list[Write] = []
    for each in sorted(tables, key=lambda name: name != "memberships"):
        manner = draw(st.integers(0, 2))
        if manner == 0:
            writes.append(Insert(each, (draw(_rows(shape, aim, each)),)))
        elif manner == 1:
            keys, changes = draw(_keys(shape, aim, each)), draw(_changes(shape, aim, each))
            writes.append(Update(each, keys, changes))
        else:
            writes.append(Delete(each, draw(_keys(shape, aim, each))))
    return _together("at once", table, writes)


def _clean(draw: DrawFn, _shape: Shape, _aim: Aim, _table: str) -> Step:
    table, function = draw(
        st.sampled_from(
            (
                ("job_events", "delete_old_job_events"),
                ("webhook_deliveries", "delete_old_webhook_deliveries"),
            )
        )
    )
    limit = draw(st.sampled_from(("", "1", "0", "NULL")))
    return _step("clean up", table, Statement(f"SELECT public.{function}({limit})"))


KINDS: Mapping[str, Callable[[DrawFn, Shape, Aim, str], Step]] = {
    "insert": _insert,
    "insert again": _insert,
    "insert more": _insert,
    "update": _update,
    "update again": _update,
    "update more": _update,
    "delete": _delete,
    "move": _move,
    "set constraints": _constraints,
    "replace": _replace,
    "at once": _at_once,
    "clean up": _clean,
    "truncate": _truncate,
}


def _step(kind: str, table: str, statement: Statement) -> Step:
    return Step(kind, table, statement)


def _named(kind: str, path: Path, plain: Path) -> str:
    return kind if path is plain else f"{kind} {path}"


def _and(statement: Statement, more: str) -> Statement:
    return replace(statement, sql=statement.sql + more)


def _together(kind: str, table: str, writes: tuple[Write, ...] | list[Write]) -> Step:
    """Return one statement that carries out several writes, in this order."""
    parts = [statements(write)[0].sql for write in writes]
    named = ", ".join(f"w{n} AS ({sql} RETURNING 1)" for n, sql in enumerate(parts))
    counts = " + ".join(f"(SELECT count(*) FROM w{n})" for n in range(len(parts)))
    return _step(kind, table, Statement(f"WITH {named} SELECT {counts}"))


# Rows, keys and changes


@st.composite
def _rows(draw: DrawFn, shape: Shape, aim: Aim, table: str) -> Row:
    """Draw a row that is legal, or legal but for one or two columns; remember that it may be."""
    make = MAKERS.get(table)
    row = dict(make(draw, aim)) if make else {}
    columns = shape.tables[table]
    fewest = 0 if make else len(columns)
    most = 2 if make else len(columns)
    wrong = st.lists(st.sampled_from(columns), min_size=fewest, max_size=most, unique=True)
    if not make or draw(st.booleans()):
        for column in draw(wrong):
            row[column.name] = draw(values(aim, table, column.name, column.type, old=False))
    aim.remember(table, row)
    return row


@st.composite
def _keys(draw: DrawFn, shape: Shape, aim: Aim, table: str) -> Row:
    """Draw what tells the rows of a statement: an id, another id of theirs, or nothing at all."""
    ids = [column.name for column in shape.tables[table] if column.type == "uuid"]
    own = ("id",) * 4 if "id" in ids or table == "system_assets" else ()
    name = draw(st.sampled_from((*own, *ids, "")))
    if not name:
        return {}
    if name == "id":
        return {"id": draw(aim.ids(table))}
    if (table, name) in aim.known:
        return {name: draw(aim.column(table, name))}
    return {name: draw(values(aim, table, name, "uuid", old=False))}


@st.composite
def _changes(draw: DrawFn, shape: Shape, aim: Aim, table: str) -> Row:
    columns = st.sampled_from(shape.tables[table])
    chosen = draw(st.lists(columns, min_size=1, max_size=3, unique=True))
    return {
        column.name: draw(values(aim, table, column.name, column.type, old=True))
        for column in chosen
    }


# Legal rows


def _of_team(draw: DrawFn, aim: Aim) -> tuple[Row, Row]:
    """Draw a team and a user who is said to be in it; seldom another."""
    membership = draw(aim.rows("memberships"))
    team, user = ({"id": membership.get(f"{kind}_id", NOBODY)} for kind in ("team", "user"))
    if draw(st.integers(0, 5)) == 5:
        user = draw(aim.rows("users"))
    return team, user


def _urn(draw: DrawFn, team: Row, user: Row) -> str:
    return draw(st.sampled_from((urn_of_team(team), urn_of_member(team, user), urn_of_user(user))))


def _a_user(draw: DrawFn, aim: Aim) -> Row:
    made = draw(st.sampled_from((aim.world.a_starter, aim.world.a_creator)))()
    if draw(st.integers(0, 3)) == 3:
        return {**made, "email": draw(values(aim, "users", "email", "text", old=False))}
    return made


def _a_membership(draw: DrawFn, aim: Aim) -> Row:
    role = draw(st.sampled_from(("member", "owner", "admin", "viewer")))
    return aim.world.a_membership(draw(aim.rows("teams")), draw(aim.rows("users")), role=role)


def _an_owned(name: str) -> Callable[[DrawFn, Aim], Row]:
    def make(draw: DrawFn, aim: Aim) -> Row:
        team, user = _of_team(draw, aim)
        row: Row = getattr(aim.world, name)(user, _urn(draw, team, user))
        if name != "a_key" and draw(st.integers(0, 2)) == 2:
            project = draw(aim.rows("projects"))
            urn = urn_of_team({"id": project.get("team_id", NOBODY)})
            return {**row, "project_id": project.get("id"), "owner": urn}
        return row

    return make


def _a_teams(name: str) -> Callable[[DrawFn, Aim], Row]:
    def make(draw: DrawFn, aim: Aim) -> Row:
        row: Row = getattr(aim.world, name)(*_of_team(draw, aim))
        return row

    return make


def _an_invitation(draw: DrawFn, aim: Aim) -> Row:
    row = aim.world.an_invitation(*_of_team(draw, aim))
    if draw(st.booleans()):
        return {**row, "email": draw(values(aim, "users", "email", "text", old=False))}
    return row


def _a_usage(draw: DrawFn, aim: Aim) -> Row:
    return aim.world.a_usage(_urn(draw, *_of_team(draw, aim)))


MAKERS: Mapping[str, Callable[[DrawFn, Aim], Row]] = {
    "users": _a_user,
    "teams": lambda _draw, aim: aim.world.a_team(),
    "memberships": _a_membership,
    "invitations": _an_invitation,
    "api_keys": _an_owned("a_key"),
    "projects": _a_teams("a_project"),
    "jobs": _an_owned("a_job"),
    "job_events": lambda draw, aim: aim.world.an_event(draw(aim.rows("jobs"))),
    "asset_files": _an_owned("an_asset"),
    "webhooks": _a_teams("a_webhook"),
    "webhook_deliveries": lambda draw, aim: aim.world.a_delivery(draw(aim.rows("webhooks"))),
    "usage": _a_usage,
    "system_assets": lambda _draw, aim: aim.world.a_system_asset(),
}
