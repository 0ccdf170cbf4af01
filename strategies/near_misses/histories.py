"""Histories of the people and teams of a scenario, of which it says nothing itself.

A rule that is lifted for who has made something holds for who has made nothing, and scenarios make
no more than what they are about. So some of their users and teams get rows in tables that the
scenario does not touch: of each kind, and at their ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from conformance.engine.cases.scenario import ViolatesSeveral
from conformance.engine.sql.documents import Jsonb
from conformance.engine.sql.writes import Delete, Insert, PlainWrite, Update
from strategies.owners import team_urn, user_urn
from strategies.usual import usual
from strategies.world import NOW, steps_to

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from conformance.engine.cases.scenario import Scenario, Transaction
    from conformance.engine.sql.writes import Row, Write

# Ids that no scenario uses.
BASE: Final = 0xBEF0_0000
# Of how many users or teams the first ones get a past, and how many numbers draw none.
MOST: Final = 3
NONE: Final = 2
_ENDS: Final = ("completed", "failed", "canceled")


def history(scenario: Scenario, number: int) -> Transaction:
    """Return the writes that give the people of a scenario a past, of a kind by a number."""
    writes = _of_rows(scenario)
    if scenario.facts or scenario.within or scenario.beside or not writes:
        return ()
    touched = {write.table for write in writes}
    kinds = [kind for kind in _KINDS if kind not in touched]
    which = number % (len(kinds) + NONE)
    if which >= len(kinds):
        return ()
    make = _KINDS[kinds[which]]
    given = [write for transaction in scenario.given for write in transaction]
    people = _inserted(given, "users")[:MOST]
    teams = _founded(given)[:MOST] if "memberships" not in _changed(given) else []
    return tuple(
        write
        for place, (user, team) in enumerate([(user, None) for user in people] + teams)
        for write in make(UUID(int=BASE + place), user, team, number)
    )


def _of_rows(scenario: Scenario) -> list[Insert | Update | Delete]:
    """Return all writes, if all are of rows, and none takes or erases a user or a team."""
    writes = [*_writes(scenario)]
    rows = [write for write in writes if isinstance(write, Insert | Update | Delete)]
    if len(rows) < len(writes) or any(
        (isinstance(each, Delete) and each.table in {"users", "teams", "projects"})
        or "erased.invalid" in str(each).lower()
        for each in rows
    ):
        return []
    return rows


def _writes(scenario: Scenario) -> Iterator[Write]:
    over = (one.writes if isinstance(one, ViolatesSeveral) else one for one in scenario.broken)
    for transaction in (*scenario.given, *scenario.legal, *over):
        for write in transaction:
            yield write.write if isinstance(write, PlainWrite) else write


def _changed(given: Sequence[Write]) -> set[str]:
    return {write.table for write in given if isinstance(write, Update | Delete)}


def _inserted(given: Sequence[Write], table: str) -> list[object]:
    return [
        row["id"]
        for write in given
        if isinstance(write, Insert) and write.table == table
        for row in write.rows
    ]


def _founded(given: Sequence[Write]) -> list[tuple[object, object]]:
    """Return the first owner of each team, and the team."""
    owners: dict[object, object] = {}
    for write in given:
        if isinstance(write, Insert) and write.table == "memberships":
            for row in write.rows:
                if row.get("role") == "owner":
                    owners.setdefault(row["team_id"], row["user_id"])
    return [(user, team) for team, user in owners.items()]


def _owner(user: object, team: object) -> str:
    return user_urn(str(user)) if team is None else team_urn(str(team))


def _jobs(at: UUID, user: object, team: object, number: int) -> Iterator[Write]:
    row: Row = {
        "id": at,
        "owner": _owner(user, team),
        "triggered_by": user,
        "spec_snapshot": usual(Jsonb({})),
    }
    yield Insert("jobs", (row,))
    yield from steps_to(row, _ENDS[number % len(_ENDS)])


def _assets(at: UUID, user: object, team: object, number: int) -> Iterator[Write]:
    row: Row = {
        "id": at,
        "owner": _owner(user, team),
        "uploaded_by": user,
        "filename": usual("before.png"),
        "s3_key": usual(f"before/{at}"),
        "content_type": usual("image/png"),
        "size_bytes": usual(1),
    }
    yield Insert("asset_files", (row,))
    yield Update("asset_files", {"id": at}, {"status": ("ready", "failed")[number % 2]}, row)


def _keys(at: UUID, user: object, team: object, number: int) -> Iterator[Write]:
    row: Row = {
        "id": at,
        "user_id": user,
        "owner": _owner(user, team),
        "key_prefix": usual("fc"),
        "key_hash": usual(f"before-{at}"),
    }
    yield Insert("api_keys", (row,))
    if number % 2:
        yield Update("api_keys", {"id": at}, {"revoked_at": usual(NOW)}, row)


def _usage(at: UUID, user: object, team: object, _number: int) -> Iterator[Write]:
    row: Row = {"id": at, "owner": _owner(user, team), "period": "2025-12"}
    yield Insert("usage", (row,))


def _projects(at: UUID, user: object, team: object, number: int) -> Iterator[Write]:
    if team is not None:
        row: Row = {"id": at, "team_id": team, "created_by": user, "name": usual("Before")}
        yield Insert("projects", (row,))
        if number % 2:
            yield Update("projects", {"id": at}, {"status": "archived"}, row)


def _webhooks(at: UUID, user: object, team: object, _number: int) -> Iterator[Write]:
    if team is not None:
        row: Row = {
            "id": at,
            "team_id": team,
            "created_by": user,
            "url": usual("https://example.com/before"),
            "events": usual(["job.failed"]),
            "secret": usual("before"),
        }
        yield Insert("webhooks", (row,))


_KINDS: Final[dict[str, Callable[[UUID, object, object, int], Iterator[Write]]]] = {
    "jobs": _jobs,
    "asset_files": _assets,
    "api_keys": _keys,
    "usage": _usage,
    "projects": _projects,
    "webhooks": _webhooks,
}
