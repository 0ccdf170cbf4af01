"""Follow-ups of a run: the rows that it has just touched, and what they belong to.

A refund after a refund, or a cancellation of the job that was just started, is one of very many
things that may be done next: a walk that chooses freely among all of them hardly ever comes there.
So what was done is followed up now and then, by something else that speaks of the same rows, or by
the same thing once more.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from conformance.framecast.model.entities import Owner

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conformance.framecast.model import State
    from conformance.framecast.operations import Operation

# Arguments that are ids, and the tables of the rows that have them. Of other arguments only tuples
# hold ids.
ROWS = {
    "user": "users",
    "team": "teams",
    "membership": "memberships",
    "invitation": "invitations",
    "project": "projects",
    "job": "jobs",
    "event": "job_events",
    "key": "api_keys",
    "asset": "asset_files",
    "webhook": "webhooks",
    "delivery": "webhook_deliveries",
    "usage": "usage",
}
REFERENCES = frozenset({"user", "team", "inviter", "creator", "project", "job", "webhook"})
# A row that was touched weighs more than all that it may belong to; less than that is a relation.
TOUCHED, RELATED = 4, 2
MOST = 12  # rows of which one can still say that a transaction was about them
AGAIN = 3  # how often the same operation stands among those to go on with


@dataclass(frozen=True, slots=True)
class Focus:
    """Rows that were touched, and what they belong to, as ids, which no two tables share."""

    touched: frozenset[int] = frozenset()
    related: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        """Return whether there is anything to go on with."""
        return bool(self.touched or self.related)

    def score(self, ids: frozenset[int]) -> int:
        """Return how much something that has, or belongs to, these ids is about the focus."""
        return TOUCHED * len(ids & self.touched) + len(ids & self.related)


def focus(before: State, after: State) -> Focus:
    """Return what differs between two states; nothing where that is too much to go on with."""
    touched: set[int] = set()
    related: set[int] = set()
    for table in after.changed_since(before):
        old, new = getattr(before, table), getattr(after, table)
        for key in old.keys() | new.keys():
            if old.get(key) is not new.get(key):
                touched.add(key)
                related |= _ids(new.get(key) or old.get(key))
    if len(touched) > MOST:
        return Focus()
    return Focus(frozenset(touched), frozenset(related - touched))


def of_arguments(state: State, arguments: Mapping[str, Any]) -> Focus:
    """Return what an operation that changed nothing was about."""
    touched: set[int] = set()
    related: set[int] = set()
    for name, value in arguments.items():
        row = getattr(state, ROWS[name]).get(value) if name in ROWS else None
        if row is not None and not isinstance(value, bool):
            touched.add(value)
            related |= _ids(row)
    return Focus(frozenset(touched), frozenset(related - touched))


def follow_ups(
    state: State, about: Focus, operations: Sequence[Operation], last: Operation | None
) -> list[tuple[Operation, dict[str, Sequence[Any]]]]:
    """Return what to go on with: operations, each with the choices of its arguments.

    An argument that can be about the focus is nothing else; others are chosen freely.
    """
    found: list[tuple[int, Operation, dict[str, Sequence[Any]]]] = []
    for operation in operations:
        choices: dict[str, Sequence[Any]] = {
            name: tuple(choice(state)) for name, choice in operation.takes.items()
        }
        if not all(choices.values()):
            continue
        best = 0
        for name, values in choices.items():
            scores = [about.score(_meant(state, name, value)) for value in values]
            if max(scores):
                choices[name] = [v for v, s in zip(values, scores, strict=True) if s == max(scores)]
                best = max(best, *scores)
        found += [(best, operation, choices)] * (AGAIN if operation is last else 1)
    near = max((best for best, _, _ in found), default=0)
    return [(each, choices) for best, each, choices in found if best >= min(near, RELATED) > 0]


def _meant(state: State, name: str, value: Any) -> frozenset[int]:
    """Return the ids of what a value of an argument names, and of what that belongs to."""
    if isinstance(value, tuple):
        return frozenset(each for each in value if isinstance(each, int))
    if name not in ROWS or isinstance(value, bool):
        return frozenset()
    row = getattr(state, ROWS[name]).get(value)
    return frozenset() if row is None else _ids(row)


def _ids(row: Any) -> frozenset[int]:
    """Return the id of a row, and those of the rows that it belongs to."""
    ids = {row.id}
    for field in fields(row):
        value = getattr(row, field.name)
        if field.name in REFERENCES and value is not None:
            ids.add(value)
        elif isinstance(value, Owner):
            ids |= {each for each in (value.team, value.user) if each is not None}
    return frozenset(ids)
