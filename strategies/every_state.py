"""Refusals that hold in every state of a row, and whatever else it holds."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from conformance.engine.cases.scenario import ColumnCase
from conformance.engine.sql.documents import Jsonb
from conformance.engine.sql.writes import Insert, Row, Update
from conformance.framecast.rules import RULES
from strategies.column_cases import CHECK, TOO_LONG, a_row
from strategies.enums import INVITATION_ROLE, JOB_EVENT_TYPE, JOB_FAILURE_TYPE, MEMBERSHIP_ROLE
from strategies.instants import FUTURE_START
from strategies.sizes import ASSET_LIMIT
from strategies.tables import limit
from strategies.world import NOW, World

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from conformance.engine.cases.scenario import Transaction

DOCUMENT: Final = Jsonb({"a": 1})
# What else a row may hold, by its table: nothing that a rule of another column speaks of.
BESIDE: Final[Mapping[str, tuple[Row, ...]]] = MappingProxyType(
    {
        "users": (
            {"name": "Name", "avatar_url": "https://a.io"},
            {"credits": 7},
            {"ephemeral_storage_bytes": 7},
        ),
        "teams": ({"settings": DOCUMENT}, {"credits": 7}, {"ephemeral_storage_bytes": 7}),
        "memberships": tuple({"role": role} for role in MEMBERSHIP_ROLE),
        "invitations": tuple({"role": role} for role in INVITATION_ROLE),
        "api_keys": (
            {"name": "Other", "last_used_at": NOW},
            {"expires_at": FUTURE_START},
            {"revoked_at": NOW},
        ),
        "projects": ({"spec": DOCUMENT}, {"name": "Other"}),
        "jobs": (
            {"options": DOCUMENT, "progress": DOCUMENT},
            {"output": DOCUMENT, "output_size_bytes": 7},
            {"error": DOCUMENT},
            *({"failure_type": each} for each in JOB_FAILURE_TYPE),
            {"credits_charged": 7, "credits_refunded": 7, "idempotency_key": "beside"},
        ),
        "job_events": (*({"event_type": each} for each in JOB_EVENT_TYPE), {"payload": DOCUMENT}),
        "asset_files": ({"metadata": DOCUMENT}, {"filename": "other"}),
        "webhooks": ({"is_active": False}, {"last_triggered_at": NOW}),
        "webhook_deliveries": (
            {"response_status": 200, "response_body": "body"},
            {"next_retry_at": NOW},
            {"delivered_at": NOW},
            {"attempts": 1, "max_attempts": 1},
        ),
        "usage": (
            {"renders_count": 7},
            {"api_calls": 7},
            {"credits_used": 7},
            {"credits_refunded": 7},
        ),
        "system_assets": (
            {"tags": ["tag"]},
            {"description": "text"},
            {"duration_seconds": 1},
        ),
    }
)


def varied(case: ColumnCase) -> ColumnCase:
    """Return a case that is refused whatever else its row holds."""
    column = case.name.partition(" ")[0].rpartition(".")[2]
    return replace(case, more=(*case.more, *_beside(case.refused or (), case.tables, column)))


def _beside(transaction: Transaction, tables: Sequence[str], column: str) -> Iterator[Transaction]:
    """Return a transaction with each of what else its row may hold, and with all at once.

    Its row is the last one of the tables that it is about. With nothing else beside, any two of
    these columns have been tried in each of four ways.
    """
    places = [
        (at, write.table, write.rows[0])
        for at, write in enumerate(transaction)
        if isinstance(write, Insert) and write.table in tables and len(write.rows) == 1
    ]
    for at, table, row in places[-1:]:
        beside = BESIDE.get(table, ())
        free = [each for each in beside if column not in each and not each.keys() & row.keys()]
        together = [{name: value for each in free for name, value in each.items()}]
        for changes in (*free, *(together if len(free) > 1 else ())):
            other = Insert(table, ({**row, **changes},))
            yield (*transaction[:at], other, *transaction[at + 1 :])


# By table, each state: the changes that lead there.
STATES: Final[Mapping[str, Mapping[str, tuple[Row, ...]]]] = MappingProxyType(
    {
        "asset_files": {"ready": ({"status": "ready"},), "failed": ({"status": "failed"},)},
        "jobs": {
            "queued": ({"started_at": NOW},),
            "processing": ({"status": "processing", "started_at": NOW},),
        },
        "webhook_deliveries": {
            "retrying": ({"status": "retrying"},),
            "delivered": ({"status": "delivered", "delivered_at": NOW},),
            "failed": ({"status": "failed"},),
        },
        "projects": {"archived": ({"status": "archived"},)},
    }
)
# Those in which nothing changes any more, with what they need.
PROCESSING: Final[Row] = {"status": "processing", "started_at": NOW}
ENDS: Final[Mapping[str, Mapping[str, tuple[Row, ...]]]] = MappingProxyType(
    {
        "jobs": {
            "completed": (PROCESSING, {"status": "completed", "output": DOCUMENT}),
            "failed": (
                PROCESSING,
                {"status": "failed", "error": DOCUMENT, "failure_type": "system"},
            ),
            "canceled": ({"status": "canceled", "failure_type": "canceled"},),
        }
    }
)
# By table, what is refused in all states, and the rule that says so, or none.
REFUSED: Final[Mapping[str, tuple[tuple[Row, str], ...]]] = MappingProxyType(
    {
        "asset_files": (
            *(({"size_bytes": size}, "INV-AF2") for size in (0, -1)),
            ({"size_bytes": ASSET_LIMIT + 1}, "INV-AF3"),
            ({"content_type": "text/plain"}, "INV-AF4"),
            ({"filename": ""}, ""),
            ({"s3_key": "x" * (limit("asset_files", "s3_key") + 1)}, ""),
        ),
        "jobs": (
            ({"completed_at": "2025-12-31 23:59:59.999999+00"}, "INV-TIME3"),
            ({"credits_refunded": 1}, "INV-J8"),
            ({"credits_charged": -1}, "INV-J9"),
            ({"output_size_bytes": -1}, ""),
        ),
        "webhook_deliveries": (
            ({"attempts": 6}, "INV-WD3"),
            ({"max_attempts": 0}, ""),
            ({"attempts": -1}, ""),
        ),
        "projects": (({"name": ""}, ""), ({"name": "x" * (limit("projects", "name") + 1)}, "")),
    }
)


def every_state() -> Iterator[ColumnCase]:
    """Return what is refused of rows in all their states, as facts of the tables' columns."""
    yield from _in_the_move()
    for table, states in STATES.items():
        for state, path in states.items():
            for number, (changes, rule) in enumerate(REFUSED[table]):
                yield _refused(table, path, changes, rule, f"{state} {number + 1}")


def _in_the_move() -> Iterator[ColumnCase]:
    """Return what is refused in the statement that brings a row to a state, whichever that is."""
    for table, states in STATES.items():
        ways = {**states, **ENDS.get(table, {})}
        for number, (changes, rule) in enumerate(REFUSED[table]):
            # What another rule says of the move itself is not asked here.
            if "completed_at" not in changes:
                yield _moving(table, ways, changes, rule, number + 1)


def _moving(
    table: str, ways: Mapping[str, tuple[Row, ...]], changes: Row, rule: str, number: int
) -> ColumnCase:
    world = World()
    rows = [world.insert(table, {**a_row(table, world), "created_at": NOW}) for _ in ways]
    before, moves = [], []
    for row, (*steps, last) in zip(rows, ways.values(), strict=True):
        key = {"id": row["id"]}
        before += [Update(table, key, step) for step in steps]
        moves.append((Update(table, key, {**last, **changes}),))
    return ColumnCase(
        f"{table}.{next(iter(changes))} of one that moves {number}",
        (tuple(world.given), tuple(before)),
        moves[0],
        (CHECK, ""),
        tables=(table,),
        more=tuple(moves[1:]),
        token=RULES[rule].token if rule else "",
        alike=() if rule else (TOO_LONG,),
    )


def _refused(table: str, path: Iterable[Row], changes: Row, rule: str, state: str) -> ColumnCase:
    world = World()
    row = world.insert(table, {**a_row(table, world), "created_at": NOW})
    key = {"id": row["id"]}
    return ColumnCase(
        f"{table}.{next(iter(changes))} of one that is {state}",
        (tuple(world.given), tuple(Update(table, key, each) for each in path)),
        (Update(table, key, changes),),
        (CHECK, ""),
        tables=(table,),
        token=RULES[rule].token if rule else "",
        alike=() if rule else (TOO_LONG,),  # a type may say how long a text may be
    )
