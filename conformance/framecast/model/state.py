"""The state of the model: rows by table and id. A state never changes; a change makes another."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from conformance.framecast.model.entities import (
    TABLES,
    Asset,
    Delivery,
    Event,
    Invitation,
    Job,
    Key,
    Membership,
    Project,
    Team,
    Usage,
    User,
    Webhook,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class State:
    """All rows, the clock, and what is remembered of rows that are gone.

    `day` is the clock, `tick` the number of transactions, `serial` the last id that was given,
    `counters` the last number that each job gave to an event.
    """

    users: dict[int, User] = field(default_factory=dict)
    teams: dict[int, Team] = field(default_factory=dict)
    memberships: dict[int, Membership] = field(default_factory=dict)
    invitations: dict[int, Invitation] = field(default_factory=dict)
    projects: dict[int, Project] = field(default_factory=dict)
    jobs: dict[int, Job] = field(default_factory=dict)
    job_events: dict[int, Event] = field(default_factory=dict)
    api_keys: dict[int, Key] = field(default_factory=dict)
    asset_files: dict[int, Asset] = field(default_factory=dict)
    webhooks: dict[int, Webhook] = field(default_factory=dict)
    webhook_deliveries: dict[int, Delivery] = field(default_factory=dict)
    usage: dict[int, Usage] = field(default_factory=dict)
    counters: dict[int, int] = field(default_factory=dict)
    day: int = 0
    tick: int = 0
    serial: int = 0

    def put(self, *rows: Any) -> State:
        """Return the state with these rows in it, in the place of those with their ids."""
        changed: dict[str, Any] = {}
        for row in rows:
            table = TABLES[type(row)]
            if table not in changed:
                changed[table] = dict(getattr(self, table))
            changed[table][row.id] = row
        last = max((row.id for row in rows), default=0)
        return replace(self, **changed, serial=max(self.serial, last))

    def drop(self, *rows: Any) -> State:
        """Return the state without these rows. What goes with them is the caller's to drop."""
        changed: dict[str, Any] = {}
        for row in rows:
            table = TABLES[type(row)]
            if table not in changed:
                changed[table] = dict(getattr(self, table))
            del changed[table][row.id]
        return replace(self, **changed)

    def role(self, team: int | None, user: int | None) -> str | None:
        """Return the role that a user has in a team; None for none."""
        for each in self.memberships.values():
            if each.team == team and each.user == user:
                return each.role
        return None

    def members(self, team: int) -> list[Membership]:
        """Return the memberships of a team."""
        return [each for each in self.memberships.values() if each.team == team]

    def teams_of(self, user: int) -> list[Membership]:
        """Return the memberships of a user."""
        return [each for each in self.memberships.values() if each.user == user]

    def changed_since(self, before: State) -> frozenset[str]:
        """Return the tables in which the two states differ, or may differ."""
        return frozenset(
            table for table in TABLES.values() if getattr(self, table) is not getattr(before, table)
        )


def only(rows: Iterable[T], **columns: object) -> list[T]:
    """Return the rows with these values."""
    return [
        row
        for row in rows
        if all(getattr(row, column) == value for column, value in columns.items())
    ]
