"""Rows, keys and changes for raw writes: legal, or legal but for one or two columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.engine.sql.writes import Row, Sql
from strategies.hostile_values import NOBODY, Choices, Column, Target, email, value
from strategies.world import urn_of_member, urn_of_team, urn_of_user

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True, repr=False)
class Shape:
    """Knowledge of the schema that a hostile run is drawn with.

    Attributes:
        tables: the columns of each table. The name has a schema where that is not `public`.
        labels: the labels of each enum type.
        deferrable: the names of the constraints that SET CONSTRAINTS can name.
    """

    tables: Mapping[str, tuple[Column, ...]]
    labels: Mapping[str, tuple[str, ...]]
    deferrable: tuple[str, ...]


@dataclass(frozen=True, slots=True, repr=False)
class RowGenerator:
    """Everything a hostile run is drawn with: choices, the schema, rows, and its tables."""

    choices: Choices
    shape: Shape
    target: Target
    focus: tuple[str, ...]

    def table(self) -> str:
        """Return the table of one write."""
        if self.focus and not self.choices.once_in(3):
            return self.choices(self.focus)
        # Seldom all tables: what the schema keeps for itself is refused at once.
        every = tuple(self.shape.tables)
        made = tuple(table for table in MAKERS if table in self.shape.tables) or every
        return self.choices(every if self.choices.once_in(4) else made)


def a_row(generator: RowGenerator, table: str) -> Row:
    """Return a row that is legal, or legal but for one or two columns; remember that it may be."""
    make = MAKERS.get(table)
    row = dict(make(generator)) if make else {}
    columns = generator.shape.tables[table]
    wrong = (
        generator.choices.some(columns, 0, 2) if generator.choices.once_in(2) or not make else ()
    )
    for column in wrong if make else columns:
        row[column.name] = value(generator.choices, generator.target, table, column, old=False)
    generator.target.remember(table, row)
    return row


def a_key(generator: RowGenerator, table: str) -> Row:
    """Return what tells the rows of a statement: an id, another id of theirs, or nothing at all."""
    ids = [column.name for column in generator.shape.tables[table] if column.type == "uuid"]
    own = ("id",) * 4 if "id" in ids or table == "system_assets" else ()
    name = generator.choices((*own, *ids, ""))
    return {name: generator.target.id(generator.choices, table, name)} if name else {}


def some_changes(generator: RowGenerator, table: str, alias: str) -> Row:
    """Return new values for one to three columns of a table that the statement calls `alias`."""
    changes: dict[str, object] = {}
    columns = generator.shape.tables[table]
    if not generator.choices.once_in(8):  # seldom: what is generated is refused at once
        columns = tuple(column for column in columns if not column.generated)
    told = tuple(column for column in columns if column.type == "uuid" or column.name == "owner")
    for column in generator.choices.some((*columns, *told), 1, generator.choices((1, 1, 3))):
        new = value(generator.choices, generator.target, table, column, old=True)
        if isinstance(new, Sql):
            new = Sql(new.text.replace("{old}", alias.rpartition(".")[2]))
        changes[column.name] = new
    return changes


# Legal rows


def _of_team(generator: RowGenerator) -> tuple[Row, Row]:
    """Return a team and a user who is said to be in it; seldom another."""
    choices, target = generator.choices, generator.target
    membership = target.row(choices, "memberships")
    team, user = ({"id": membership.get(f"{kind}_id", NOBODY)} for kind in ("team", "user"))
    return team, {"id": target.id(choices, "users")} if choices.once_in(6) else user


def _urn(generator: RowGenerator, team: Row, user: Row) -> str:
    return generator.choices((urn_of_team(team), urn_of_member(team, user), urn_of_user(user)))


def _a_user(generator: RowGenerator) -> Row:
    make = generator.choices((generator.target.world.a_starter, generator.target.world.a_creator))
    row = {**make(), **generator.target.promised(generator.choices, "users")}
    return (
        {**row, "email": email(generator.choices, generator.target)}
        if generator.choices.once_in(3)
        else row
    )


def _a_membership(generator: RowGenerator) -> Row:
    role = generator.choices(("member", "owner", "admin", "viewer"))
    team, user = (_parent(generator, table) for table in ("teams", "users"))
    return generator.target.world.a_membership(team, user, role=role)


def _parent(generator: RowGenerator, table: str) -> Row:
    """Return a row that is there, or seldom one that comes after those that refer to it."""
    if generator.choices.once_in(6):
        return {"id": generator.target.promise(table)}
    return {"id": generator.target.id(generator.choices, table)}


def _an_owned(name: str) -> Callable[[RowGenerator], Row]:
    def make(generator: RowGenerator) -> Row:
        team, user = _of_team(generator)
        row: Row = getattr(generator.target.world, name)(user, _urn(generator, team, user))
        if name != "a_key" and generator.choices.once_in(3):
            project = generator.target.row(generator.choices, "projects")
            urn = urn_of_team({"id": project.get("team_id", NOBODY)})
            return {**row, "project_id": project.get("id"), "owner": urn}
        return row

    return make


def _a_teams(name: str) -> Callable[[RowGenerator], Row]:
    def make(generator: RowGenerator) -> Row:
        row: Row = getattr(generator.target.world, name)(*_of_team(generator))
        return row

    return make


def _an_invitation(generator: RowGenerator) -> Row:
    row = generator.target.world.an_invitation(*_of_team(generator))
    return (
        {**row, "email": email(generator.choices, generator.target)}
        if generator.choices.once_in(2)
        else row
    )


def _of(generator: RowGenerator, table: str) -> Row:
    return {"id": generator.target.id(generator.choices, table)}


MAKERS: Mapping[str, Callable[[RowGenerator], Row]] = {
    "users": _a_user,
    "teams": lambda generator: generator.target.world.a_team(
        **generator.target.promised(generator.choices, "teams")
    ),
    "memberships": _a_membership,
    "invitations": _an_invitation,
    "api_keys": _an_owned("a_key"),
    "projects": _a_teams("a_project"),
    "jobs": _an_owned("a_job"),
    "job_events": lambda generator: generator.target.world.an_event(_of(generator, "jobs")),
    "asset_files": _an_owned("an_asset"),
    "webhooks": _a_teams("a_webhook"),
    "webhook_deliveries": lambda generator: generator.target.world.a_delivery(
        _of(generator, "webhooks")
    ),
    "usage": lambda generator: generator.target.world.a_usage(
        _urn(generator, *_of_team(generator))
    ),
    "system_assets": lambda generator: generator.target.world.a_system_asset(),
}
