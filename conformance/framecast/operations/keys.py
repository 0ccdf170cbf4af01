"""Operations of API keys: they are made, used, expire, and are revoked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.engine.sql.writes import Insert, Row, Sql, Update
from conformance.framecast.model.entities import MAKERS, Key, Owner, uuid
from conformance.framecast.operations.choices import actor, among, row
from conformance.framecast.operations.operation import Act, Operation

if TYPE_CHECKING:
    from conformance.framecast.model import State


def _make(
    state: State, by: tuple[int, int | None, int | None], hashed: str, lasts: int | None
) -> Act:
    user, team, member = by
    serial = state.serial + 1
    text = {"fresh": f"hash-{serial}", "used": "hash", "empty": ""}[hashed]
    expires = None if lasts is None else state.day + lasts
    key = Key(serial, user, Owner(team, member), text, expires)
    columns: Row = {
        "id": uuid(serial),
        "user_id": uuid(user),
        "owner": key.owner.urn,
        "key_prefix": "fc",
        "key_hash": text,
    }
    if lasts is not None:
        columns = {**columns, "expires_at": Sql(f"now() + interval '{lasts} days'")}
    broken: frozenset[str] = frozenset()
    if team is None and member != user:
        broken = frozenset({"URN-2"})
    elif team is not None and state.role(team, user) not in MAKERS:
        broken = frozenset({"ROLE-2"})
    return Act((Insert("api_keys", (columns,)),), state.put(key), broken)


def _use(state: State, key: int) -> Act:
    """Ask whether a key is valid; if so, it has been used."""
    before = state.api_keys[key]
    asked = Sql("CASE WHEN public.api_key_is_valid(id) THEN now() ELSE last_used_at END")
    return Act(
        (Update("api_keys", {"id": uuid(key)}, {"last_used_at": asked}),),
        state.put(replace(before, used=before.used or before.is_valid(state.day))),
    )


def _expire(state: State, key: int) -> Act:
    before = state.api_keys[key]
    change = Update("api_keys", {"id": uuid(key)}, {"expires_at": Sql("now()")})
    return Act((change,), state.put(replace(before, expires=state.day)))


def _revoke(state: State, key: int, *, revoked: bool) -> Act:
    """Revoke a key, or make it live again, which only those may who may make one."""
    before = state.api_keys[key]
    at = Sql("now()") if revoked else None
    is_made = before.revoked and not revoked and before.owner.team is not None
    may = state.role(before.owner.team, before.user) in MAKERS if is_made else True
    return Act(
        (Update("api_keys", {"id": uuid(key)}, {"revoked_at": at}),),
        state.put(replace(before, revoked=revoked)),
        frozenset() if may else frozenset({"ROLE-2"}),
    )


def _give(state: State, key: int, by: tuple[int, int | None, int | None]) -> Act:
    before = state.api_keys[key]
    owner = Owner(by[1], by[2])
    return Act(
        (Update("api_keys", {"id": uuid(key)}, {"owner": owner.urn}),),
        state.put(replace(before, owner=owner)),
        frozenset({"IMM-1"}) if before.owner != owner else frozenset(),
    )


MAKE = Operation(
    "make a key",
    {
        "by": actor,
        "hashed": among("fresh", "fresh", "fresh", "used", "empty"),
        "lasts": among(None, 7, 0),
    },
    _make,
)
USE = Operation("use a key", {"key": row("api_keys")}, _use)
EXPIRE = Operation("expire a key", {"key": row("api_keys")}, _expire)
REVOKE = Operation(
    "revoke a key", {"key": row("api_keys")}, lambda state, key: _revoke(state, key, revoked=True)
)
REVIVE = Operation(
    "revive a key",
    {"key": row("api_keys")},
    lambda state, key: _revoke(state, key, revoked=False),
)
GIVE = Operation("give a key away", {"key": row("api_keys"), "by": actor}, _give)

OPERATIONS = (MAKE, USE, EXPIRE, REVOKE, REVIVE, GIVE)
