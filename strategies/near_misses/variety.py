"""The rest of every row and statement varied, in all scenarios of all rules.

A rule that an engineer lifts by another column, for one label or where something is null, is only
found by a row that has that, and by a statement that changes that as well. So what a scenario
inserts gets columns that it says nothing of, and a violation is tried again beside changes that
are of no matter to any rule: it is a violation still.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from conformance.cases.scenario import Mixed, Plain, Scenario
from conformance.sql.writes import Insert, Update
from strategies.documents import Jsonb
from strategies.enums import INVITATION_ROLE
from strategies.instants import FUTURE_START
from strategies.world import NOW

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from conformance.cases.scenario import Transaction
    from conformance.sql.writes import Row, Write
    from strategies.near_misses.ways import Draw, Scenarios

_SOME: Final = Jsonb({"varied": True})
# What a row may hold beside what a scenario says of it, no matter which rule is tried: something,
# and nothing. What a rule needs (a job's output, say) is not here: its absence may be the point.
INSERTED: Final[Mapping[str, tuple[Row, ...]]] = {
    "users": (
        {"name": "Ada", "avatar_url": "https://a.io/a.png", "ephemeral_storage_bytes": 7},
        {"name": None, "avatar_url": None, "ephemeral_storage_bytes": 0},
    ),
    "teams": (
        {"credits": 7, "ephemeral_storage_bytes": 7, "settings": _SOME},
        {"credits": 0, "ephemeral_storage_bytes": 0, "settings": Jsonb({})},
    ),
    "invitations": tuple({"role": role} for role in INVITATION_ROLE),
    "api_keys": (
        {"name": "CI", "scopes": Jsonb([]), "last_used_at": NOW, "expires_at": FUTURE_START},
        {"name": "", "last_used_at": None, "expires_at": None},
    ),
    "projects": ({"spec": _SOME}, {"spec": None}),
    "jobs": (
        {"options": _SOME, "progress": _SOME, "output_size_bytes": 7},
        {"output_size_bytes": None, "idempotency_key": None},
    ),
    "job_events": ({"payload": _SOME}, {"payload": Jsonb({})}),
    "asset_files": ({"metadata": _SOME}, {"metadata": Jsonb({})}),
    "webhooks": (
        {"is_active": False, "last_triggered_at": NOW},
        {"is_active": True, "last_triggered_at": None},
    ),
    "webhook_deliveries": (
        {"response_status": 500, "response_body": "error", "next_retry_at": FUTURE_START},
        {"response_status": None, "response_body": None, "next_retry_at": None},
    ),
    "system_assets": (
        {"description": "A sound", "duration_seconds": 7, "tags": ["varied"]},
        {"description": None, "duration_seconds": None, "tags": []},
    ),
}
# What a statement that breaks a rule may change as well, and break it still.
CHANGED: Final[Mapping[str, tuple[Row, ...]]] = {
    "users": (
        {"name": "Bea", "avatar_url": "https://a.io/b.png", "ephemeral_storage_bytes": 8},
        {"name": None, "avatar_url": None, "ephemeral_storage_bytes": 0},
    ),
    "teams": (
        {"name": "Varied", "credits": 8, "ephemeral_storage_bytes": 8, "settings": _SOME},
        {"credits": 0, "settings": Jsonb({})},
    ),
    "invitations": tuple(
        {"role": role, "token": f"varied-{role}"} for role in (*INVITATION_ROLE[1:], "admin")
    ),
    "api_keys": (
        {"name": "Varied", "key_prefix": "va", "last_used_at": FUTURE_START},
        {"name": "", "key_prefix": "", "last_used_at": None},
    ),
    "projects": ({"name": "Varied", "spec": Jsonb([1])}, {"spec": None}),
    "jobs": (
        {
            "options": Jsonb([1]),
            "progress": Jsonb([1]),
            "output_size_bytes": 8,
            "idempotency_key": "varied",
        },
        {"output_size_bytes": None, "idempotency_key": None},
    ),
    "asset_files": (
        {"filename": "varied", "content_type": "video/mp4", "size_bytes": 8, "metadata": _SOME},
        {"metadata": Jsonb({})},
    ),
    "webhooks": (
        {
            "url": "https://a.io/varied",
            "events": ["job.failed"],
            "secret": "varied",
            "is_active": False,
            "last_triggered_at": FUTURE_START,
        },
        {"is_active": True, "last_triggered_at": None},
    ),
    "webhook_deliveries": (
        {
            "event_type": "varied",
            "payload": _SOME,
            "response_status": 404,
            "response_body": "varied",
            "next_retry_at": FUTURE_START,
        },
        {"response_status": None, "response_body": None, "next_retry_at": None},
    ),
    "usage": (
        dict.fromkeys(
            ("renders_count", "render_seconds", "credits_used", "credits_refunded", "api_calls"), 8
        ),
    ),
    "system_assets": (
        {"name": "Varied", "description": "Varied", "tags": ["v"], "duration_seconds": 8},
        {"description": None, "tags": [], "duration_seconds": None},
    ),
}
KEYS: Final = frozenset({"token", "idempotency_key"})
# One violation of a scenario is varied in all of one way's sets of columns; where there are so many
# violations, each of them is varied in one.
MANY: Final = 20
SETS: Final = 3  # that a table has at most
# What such a change may break as well: a finished job stays as it is, but for its refund.
ALSO: Final = {"jobs": frozenset({"STATE-JOB"})}


@st.composite
def varied(draw: Draw, scenarios: Scenarios) -> Scenario:
    """Draw a scenario, vary the rest of its rows, and try one of its violations in other ways."""
    scenario = draw(scenarios)
    rest = {
        table: draw(st.sampled_from(({}, *rows)))
        for table, rows in INSERTED.items()
        if table in _tables(scenario)
    }
    mixed = [one if isinstance(one, Mixed) else Mixed(one, frozenset()) for one in scenario.broken]
    if len(mixed) >= MANY:  # all there are of a kind, and the same each time
        first = draw(st.integers(0, len(_WAYS) * SETS - 1))
        again = [
            way[(first + number) % len(way)]
            for number, one in enumerate(mixed)
            if (way := [each for how in _WAYS for each in _again(one, how)])
        ]
    elif mixed:
        again = _again(draw(st.sampled_from(mixed)), draw(st.sampled_from(_WAYS)))
    else:
        again = []
    return replace(
        scenario,
        given=tuple(_filled(each, rest) for each in scenario.given),
        legal=tuple(_filled(each, rest) for each in scenario.legal),
        broken=(*scenario.broken, *again),
        plain=Plain(scenario),
    )


def _again(broken: Mixed, how: Callable[[Write, int], Transaction]) -> list[Mixed]:
    """Return a violation beside other changes or after them, and in rows that hold other things."""
    found: list[Mixed] = []
    for number in range(SETS):
        writes = tuple(each for write in broken.writes for each in how(write, number))
        if writes not in (broken.writes, *(each.writes for each in found)):
            tables = {write.table for write in writes if isinstance(write, Update)}
            also = frozenset[str]().union(*(ALSO.get(table, frozenset()) for table in tables))
            found.append(replace(broken, writes=writes, also=frozenset(broken.also) | also))
    return found


def _changes(write: Update, number: int) -> Row:
    """Return other changes of the rows of an update; no two of them get the same key."""
    rows = CHANGED.get(write.table, ({},))
    keys = frozenset() if "id" in write.key else KEYS
    return {name: value for name, value in rows[number % len(rows)].items() if name not in keys}


def _beside(write: Write, number: int) -> Transaction:
    """Change other columns in the same statement."""
    if isinstance(write, Update):
        return (replace(write, changes={**_changes(write, number), **write.changes}),)
    if isinstance(write, Insert) and write.table in INSERTED:
        rows = INSERTED[write.table]
        return (_with(write, rows[number % len(rows)]),)
    return (write,)


def _before(write: Write, number: int) -> Transaction:
    """Change other columns of the row before, so that it holds other things when it is asked."""
    if isinstance(write, Update) and (changes := _changes(write, number)):
        return (replace(write, changes=changes), write)
    return _beside(write, number)


def _filled(transaction: Transaction, rest: Mapping[str, Row]) -> Transaction:
    return tuple(
        _with(write, rest.get(write.table, {})) if isinstance(write, Insert) else write
        for write in transaction
    )


def _with(write: Insert, columns: Row) -> Insert:
    """Return an insert with columns of which none of its rows says anything."""
    said = {name for row in write.rows for name in row}
    more = {name: value for name, value in columns.items() if name not in said}
    return replace(write, rows=tuple({**row, **more} for row in write.rows))


def _tables(scenario: Scenario) -> set[str]:
    return {
        write.table
        for transaction in (*scenario.given, *scenario.legal)
        for write in transaction
        if isinstance(write, Insert)
    }


_WAYS: Final = (_before, _beside)
