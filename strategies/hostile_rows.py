"""Rows, keys and changes for raw writes: legal, or legal but for one or two columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.sql.writes import Row, Sql
from strategies.hostile_values import NOBODY, Aim, Column, Dice, email, value
from strategies.world import urn_of_member, urn_of_team, urn_of_user

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


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


@dataclass(frozen=True, slots=True, repr=False)
class Mind:
    """What a raid is drawn with: choices, the schema, the rows, and the tables it is about."""

    dice: Dice
    shape: Shape
    aim: Aim
    focus: tuple[str, ...]

    def table(self) -> str:
        """Return the table of one write."""
        if self.focus and not self.dice.once_in(3):
            return self.dice(self.focus)
        # Seldom all tables: what the schema keeps for itself is refused at once.
        every = tuple(self.shape.tables)
        made = tuple(table for table in MAKERS if table in self.shape.tables) or every
        return self.dice(every if self.dice.once_in(4) else made)


def a_row(mind: Mind, table: str) -> Row:
    """Return a row that is legal, or legal but for one or two columns; remember that it may be."""
    make = MAKERS.get(table)
    row = dict(make(mind)) if make else {}
    columns = mind.shape.tables[table]
    wrong = mind.dice.some(columns, 0, 2) if mind.dice.once_in(2) or not make else ()
    for column in wrong if make else columns:
        row[column.name] = value(mind.dice, mind.aim, table, column, old=False)
    mind.aim.remember(table, row)
    return row


def a_key(mind: Mind, table: str) -> Row:
    """Return what tells the rows of a statement: an id, another id of theirs, or nothing at all."""
    ids = [column.name for column in mind.shape.tables[table] if column.type == "uuid"]
    own = ("id",) * 4 if "id" in ids or table == "system_assets" else ()
    name = mind.dice((*own, *ids, ""))
    return {name: mind.aim.id(mind.dice, table, name)} if name else {}


def some_changes(mind: Mind, table: str, alias: str) -> Row:
    """Return new values for one to three columns of a table that the statement calls `alias`."""
    changes: dict[str, object] = {}
    columns = mind.shape.tables[table]
    if not mind.dice.once_in(8):  # seldom: what is generated is refused at once
        columns = tuple(column for column in columns if not column.generated)
    told = tuple(column for column in columns if column.type in ("uuid", "owner_urn"))
    for column in mind.dice.some((*columns, *told), 1, mind.dice((1, 1, 3))):
        new = value(mind.dice, mind.aim, table, column, old=True)
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
    row = {**make(), **mind.aim.promised(mind.dice, "users")}
    return {**row, "email": email(mind.dice, mind.aim)} if mind.dice.once_in(3) else row


def _a_membership(mind: Mind) -> Row:
    role = mind.dice(("member", "owner", "admin", "viewer"))
    team, user = (_parent(mind, table) for table in ("teams", "users"))
    return mind.aim.world.a_membership(team, user, role=role)


def _parent(mind: Mind, table: str) -> Row:
    """Return a row that is there, or seldom one that comes after those that refer to it."""
    if mind.dice.once_in(6):
        return {"id": mind.aim.promise(table)}
    return {"id": mind.aim.id(mind.dice, table)}


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
    "teams": lambda mind: mind.aim.world.a_team(**mind.aim.promised(mind.dice, "teams")),
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
