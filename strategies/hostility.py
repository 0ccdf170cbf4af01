"""Raw writes by somebody who knows the schema and means it harm.

What tables and columns there are is given as data, the schema's own bookkeeping and generated
columns among them. Every draw depends on nothing but choices: rows that may be there are known from
the prelude and from what was drawn before, never from a database.

Most writes are legal but for one thing, and most are about the same few rows, since writes that are
refused at once, or that never meet, break nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from conformance.writes import (
    Delete,
    Insert,
    Path,
    Row,
    Sql,
    Statement,
    Truncate,
    Update,
    Write,
    statements,
)
from strategies.hostile_values import NOBODY, Aim, Dice, email, value
from strategies.hostile_worlds import PRELUDES
from strategies.world import steps_to, urn_of_member, urn_of_team, urn_of_user

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn

ISOLATION = ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")
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
    dice = Dice(draw)
    make = dice(PRELUDES)
    prelude = make()
    mind = Mind(dice, shape, Aim(dice, prelude, shape.labels), focus)
    attacks = draw(st.lists(_attacks(mind), min_size=1, max_size=MOST_TRANSACTIONS))
    return Raid(make.__name__, tuple(prelude.transactions), tuple(attacks))


@dataclass(frozen=True, slots=True, repr=False)
class Mind:
    """What a raid is drawn with: choices, the schema, the rows, and the table that it is about."""

    dice: Dice
    shape: Shape
    aim: Aim
    focus: str

    def table(self) -> str:
        """Return the table of one write."""
        focused = self.focus in self.shape.tables and not self.dice.once_in(3)
        return self.focus if focused else self.dice(tuple(self.shape.tables))


@st.composite
def _attacks(draw: DrawFn, mind: Mind) -> Attack:
    mind = replace(mind, dice=Dice(draw))
    parts = draw(st.lists(_parts(mind), min_size=1, max_size=MOST_PARTS))
    return Attack(tuple(parts), mind.dice((ISOLATION[0], ISOLATION[0], *ISOLATION)))


@st.composite
def _parts(draw: DrawFn, mind: Mind) -> Part:
    dice = Dice(draw)
    mind = replace(mind, dice=dice)
    if not dice.once_in(4):
        return Part((_step_of(mind),))
    steps = [_step_of(mind) for _ in range(dice((1, 2)))]
    return Part(tuple(steps), guarded=True, undone=dice.once_in(2))


def _step_of(mind: Mind) -> Step:
    return mind.dice(KINDS)(mind, mind.table())


# Statements that write rows


def _insert(mind: Mind, table: str) -> Step:
    rows = [_row(mind, table) for _ in range(mind.dice((1, 1, 2)))]
    manner = mind.dice(("", "", "merge", "cte", "copy", "nothing", "update"))
    if manner in ("merge", "cte", "copy"):
        path = Path(manner)
        return Step(f"insert {manner}", table, statements(Insert(table, tuple(rows)), path)[0])
    statement = statements(Insert(table, tuple(rows)))[0]
    if manner == "nothing":
        return Step("on conflict", table, _and(statement, " ON CONFLICT DO NOTHING"))
    if manner == "update" and "id" in rows[0]:
        row = {**rows[0], "id": mind.aim.id(mind.dice, table)}
        write = Update(table, {"id": row["id"]}, _changes(mind, table, table), row)
        return Step("on conflict", table, statements(write, Path.ON_CONFLICT)[0])
    return Step("insert", table, statement)


def _update(mind: Mind, table: str) -> Step:
    path = mind.dice((Path.UPDATE, Path.UPDATE, Path.MERGE, Path.CTE))
    name = "t" if path is Path.MERGE else table
    write = Update(table, _key(mind, table), _changes(mind, table, name))
    kind = "update" if path is Path.UPDATE else f"update {path}"
    return Step(kind, table, statements(write, path)[0])


def _delete(mind: Mind, table: str) -> Step:
    path = mind.dice((Path.DELETE, Path.DELETE, Path.MERGE, Path.CTE))
    kind = "delete" if path is Path.DELETE else f"delete {path}"
    return Step(kind, table, statements(Delete(table, _key(mind, table)), path)[0])


def _move(mind: Mind, _table: str) -> Step:
    """Return what the product does most: a step of a job, with all that it needs."""
    job = {"id": mind.aim.id(mind.dice, "jobs")}
    status = mind.dice(("processing", "completed", "failed", "canceled"))
    return Step("move", "jobs", statements(steps_to(job, status)[-1])[0])


def _truncate(mind: Mind, table: str) -> Step:
    if not mind.dice.once_in(3):
        return _update(mind, table)  # seldom: an empty database breaks nothing
    more = [mind.table()] if mind.dice.once_in(2) else []
    write = Truncate(tuple(dict.fromkeys((table, *more))))
    sql = statements(write)[0].sql
    sql = sql if mind.dice.once_in(2) else sql.removesuffix(" CASCADE")
    return Step("truncate", table, Statement(sql))


def _constraints(mind: Mind, _table: str) -> Step:
    name = mind.dice(("ALL", "ALL", "ALL", *mind.shape.deferrable))
    when = mind.dice(("IMMEDIATE", "DEFERRED"))
    return Step("set constraints", "", Statement(f"SET CONSTRAINTS {name} {when}"))


def _replace(mind: Mind, table: str) -> Step:
    """Return a statement that deletes a row and inserts another with its id."""
    row = _row(mind, table)
    if "id" not in row:
        return _delete(mind, table)
    row = {**row, "id": mind.aim.id(mind.dice, table)}
    return _together("replace", table, (Delete(table, {"id": row["id"]}), Insert(table, (row,))))


def _at_once(mind: Mind, table: str) -> Step:
    """Return two or three writes to any tables in one statement.

    Memberships come first: what was allowed when a row was written is judged by the order in which
    rows were noted, and a statement's rows are noted one write after the other.
    """
    tables = [table, *(mind.table() for _ in range(mind.dice((1, 2))))]
    writes: list[Write] = []
    for each in sorted(tables, key=lambda name: name != "memberships"):
        manner = mind.dice((0, 1, 2))
        if manner == 0:
            writes.append(Insert(each, (_row(mind, each),)))
        elif manner == 1:
            writes.append(Update(each, _key(mind, each), _changes(mind, each, each)))
        else:
            writes.append(Delete(each, _key(mind, each)))
    return _together("at once", table, writes)


def _clean(mind: Mind, _table: str) -> Step:
    table = mind.dice(("job_events", "webhook_deliveries"))
    limit = mind.dice(("", "1", "0", "NULL"))
    return Step("clean up", table, Statement(f"SELECT public.delete_old_{table}({limit})"))


KINDS: tuple[Callable[[Mind, str], Step], ...] = (
    *(_update, _insert, _delete, _update, _insert, _move, _at_once, _replace),
    *(_update, _insert, _constraints, _clean, _truncate),
)


def _and(statement: Statement, more: str) -> Statement:
    return replace(statement, sql=statement.sql + more)


def _together(kind: str, table: str, writes: Sequence[Write]) -> Step:
    """Return one statement that carries out several writes, in this order."""
    parts = [statements(write)[0].sql for write in writes]
    named = ", ".join(f"w{n} AS ({sql} RETURNING 1)" for n, sql in enumerate(parts))
    counts = " + ".join(f"(SELECT count(*) FROM w{n})" for n in range(len(parts)))
    return Step(kind, table, Statement(f"WITH {named} SELECT {counts}"))


# Rows, keys and changes


def _row(mind: Mind, table: str) -> Row:
    """Return a row that is legal, or legal but for one or two columns; remember that it may be."""
    make = MAKERS.get(table)
    row = dict(make(mind)) if make else {}
    columns = mind.shape.tables[table]
    wrong = mind.dice.some(columns, 0, 2) if mind.dice.once_in(2) or not make else ()
    for column in wrong if make else columns:
        row[column.name] = value(mind.dice, mind.aim, table, column.name, column.type, old=False)
    mind.aim.remember(table, row)
    return row


def _key(mind: Mind, table: str) -> Row:
    """Return what tells the rows of a statement: an id, another id of theirs, or nothing at all."""
    ids = [column.name for column in mind.shape.tables[table] if column.type == "uuid"]
    own = ("id",) * 4 if "id" in ids or table == "system_assets" else ()
    name = mind.dice((*own, *ids, ""))
    return {name: mind.aim.id(mind.dice, table, name)} if name else {}


def _changes(mind: Mind, table: str, alias: str) -> Row:
    """Return new values for one to three columns of a table that the statement calls `alias`."""
    changes: dict[str, object] = {}
    for column in mind.dice.some(mind.shape.tables[table], 1, 3):
        new = value(mind.dice, mind.aim, table, column.name, column.type, old=True)
        if isinstance(new, Sql):
            new = Sql(new.text.replace("{old}", alias.rpartition(".")[2]))
        changes[column.name] = new
    return changes


# Legal rows


def _of_team(mind: Mind) -> tuple[Row, Row]:
    """Return a team and a user who is said to be in it; seldom another."""
    dice, aim = mind.dice, mind.aim
    membership = aim.row(dice, "memberships")
    team, user = ({"id": membership.get(f"{kind}_id", NOBODY)} for kind in ("team", "user"))
    return team, {"id": aim.id(dice, "users")} if dice.once_in(6) else user


def _urn(mind: Mind, team: Row, user: Row) -> str:
    return mind.dice((urn_of_team(team), urn_of_member(team, user), urn_of_user(user)))


def _a_user(mind: Mind) -> Row:
    make = mind.dice((mind.aim.world.a_starter, mind.aim.world.a_creator))
    return {**make(), "email": email(mind.dice, mind.aim)} if mind.dice.once_in(3) else make()


def _a_membership(mind: Mind) -> Row:
    role = mind.dice(("member", "owner", "admin", "viewer"))
    team, user = ({"id": mind.aim.id(mind.dice, table)} for table in ("teams", "users"))
    return mind.aim.world.a_membership(team, user, role=role)


def _an_owned(name: str) -> Callable[[Mind], Row]:
    def make(mind: Mind) -> Row:
        team, user = _of_team(mind)
        row: Row = getattr(mind.aim.world, name)(user, _urn(mind, team, user))
        if name != "a_key" and mind.dice.once_in(3):
            project = mind.aim.row(mind.dice, "projects")
            urn = urn_of_team({"id": project.get("team_id", NOBODY)})
            return {**row, "project_id": project.get("id"), "owner": urn}
        return row

    return make


def _a_teams(name: str) -> Callable[[Mind], Row]:
    def make(mind: Mind) -> Row:
        row: Row = getattr(mind.aim.world, name)(*_of_team(mind))
        return row

    return make


def _an_invitation(mind: Mind) -> Row:
    row = mind.aim.world.an_invitation(*_of_team(mind))
    return {**row, "email": email(mind.dice, mind.aim)} if mind.dice.once_in(2) else row


def _of(mind: Mind, table: str) -> Row:
    return {"id": mind.aim.id(mind.dice, table)}


MAKERS: Mapping[str, Callable[[Mind], Row]] = {
    "users": _a_user,
    "teams": lambda mind: mind.aim.world.a_team(),
    "memberships": _a_membership,
    "invitations": _an_invitation,
    "api_keys": _an_owned("a_key"),
    "projects": _a_teams("a_project"),
    "jobs": _an_owned("a_job"),
    "job_events": lambda mind: mind.aim.world.an_event(_of(mind, "jobs")),
    "asset_files": _an_owned("an_asset"),
    "webhooks": _a_teams("a_webhook"),
    "webhook_deliveries": lambda mind: mind.aim.world.a_delivery(_of(mind, "webhooks")),
    "usage": lambda mind: mind.aim.world.a_usage(_urn(mind, *_of_team(mind))),
    "system_assets": lambda mind: mind.aim.world.a_system_asset(),
}
