"""Operations of webhooks and deliveries: they are made, tried, retried, and cleaned up."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.engine.sql.documents import Jsonb
from conformance.engine.sql.writes import Delete, Insert, RawSql, Sql, Update
from conformance.framecast.model import effects, moves
from conformance.framecast.model.entities import MANAGERS, Delivery, Webhook, uuid
from conformance.framecast.operations.choices import among, place, row, row_or_none, varied
from conformance.framecast.operations.operation import Act, Operation
from strategies.enums import WEBHOOK_EVENT_TYPE

if TYPE_CHECKING:
    from conformance.framecast.model import State

STATES = moves.MOVES["delivery"].states
KEPT = 30  # days
PAYLOADS = (Jsonb({}), Jsonb({"job": 1}), Jsonb([]))
LIMITS = (2, 2, 3)  # attempts
# What a webhook is told of, where it is not one event, which its id decides.
EVENTS: dict[str, tuple[str | None, ...]] = {
    "none": (),
    "null": ("job.failed", None),
}
URLS = {"https": "https://example.com/hook", "http": "http://example.com/", "no host": "https:///x"}


def _make(state: State, by: tuple[int, int], url: str, events: str) -> Act:
    creator, team = by
    serial = state.serial + 1
    one = (varied(serial, WEBHOOK_EVENT_TYPE),)
    told = one if events == "one" else EVENTS[events]
    webhook = Webhook(serial, team, creator, URLS[url], told)
    columns = {
        "id": uuid(webhook.id),
        "team_id": uuid(team),
        "created_by": uuid(creator),
        "url": webhook.url,
        "events": list(webhook.events),
        "secret": "secret",
    }
    return Act(
        (Insert("webhooks", (columns,)),),
        state.put(webhook),
        frozenset() if state.role(team, creator) in MANAGERS else frozenset({"ROLE-1"}),
    )


def _give(state: State, webhook: int, user: int) -> Act:
    """Let another user stand for a webhook; who stands for it already has been asked before."""
    before = state.webhooks[webhook]
    may = user == before.creator or state.role(before.team, user) in MANAGERS
    return Act(
        (Update("webhooks", {"id": uuid(webhook)}, {"created_by": uuid(user)}),),
        state.put(replace(before, creator=user)),
        frozenset() if may else frozenset({"ROLE-1"}),
    )


def _remove(state: State, webhook: int) -> Act:
    gone = state.webhooks[webhook]
    return Act((Delete("webhooks", {"id": uuid(webhook)}),), effects.delete_webhook(state, gone))


def _queue(state: State, webhook: int, job: int | None, status: str) -> Act:
    delivery = Delivery(
        state.serial + 1,
        webhook,
        state.day,
        state.tick,
        job,
        status,
        limit=varied(state.serial + 1, LIMITS),
        arrived=status == "delivered",
    )
    columns = {
        "id": uuid(delivery.id),
        "webhook_id": uuid(webhook),
        "job_id": None if job is None else uuid(job),
        "event_type": varied(delivery.id, WEBHOOK_EVENT_TYPE),
        "payload": varied(delivery.id, PAYLOADS),
        "max_attempts": delivery.limit,
        "status": status,
        "delivered_at": Sql("now()") if delivery.arrived else None,
    }
    return Act(
        (Insert("webhook_deliveries", (columns,)),),
        state.put(delivery),
        moves.refused("delivery", None, status),
    )


def _try(state: State, delivery: int, status: str, lacking: str) -> Act:
    """Try to deliver: one more attempt, and what came of it."""
    before = state.webhook_deliveries[delivery]
    arrived = before.arrived or (status == "delivered" and lacking != "time")
    attempts = before.attempts + 1
    changes: dict[str, object] = {"status": status, "attempts": attempts}
    if arrived and not before.arrived:
        changes["delivered_at"] = Sql("now()")
    broken = moves.refused("delivery", before.status, status)
    if (before.status, status) == ("failed", "pending"):
        broken |= {"STATE-DELIVERY"}  # asked for again, but not from no attempts
    return Act(
        (Update("webhook_deliveries", {"id": uuid(delivery)}, changes),),
        state.put(replace(before, status=status, attempts=attempts, arrived=arrived)),
        broken,
    )


def _ask_again(state: State, delivery: int, attempts: int) -> Act:
    """Ask for a delivery again by hand: only after it failed, and from no attempts."""
    before = state.webhook_deliveries[delivery]
    changes = {"status": "pending", "attempts": attempts}
    broken = moves.refused("delivery", before.status, "pending")
    if before.status == "failed" and attempts:
        broken |= {"STATE-DELIVERY"}
    return Act(
        (Update("webhook_deliveries", {"id": uuid(delivery)}, changes),),
        state.put(replace(before, status="pending", attempts=attempts)),
        broken,
    )


def _clean_up(state: State, most: int) -> Act:
    old = sorted(
        (each for each in state.webhook_deliveries.values() if state.day - each.created >= KEPT),
        key=lambda each: (each.tick, each.id),
    )
    clean = RawSql(f"SELECT public.delete_old_webhook_deliveries({most})")
    return Act((clean,), state.drop(*old[:most]))


MAKE = Operation(
    "make a webhook",
    {
        "by": place,
        "url": among("https", "https", "https", "https", "http", "no host"),
        "events": among("one", "one", "one", "one", "none", "null"),
    },
    _make,
)
GIVE = Operation("give a webhook away", {"webhook": row("webhooks"), "user": row("users")}, _give)
REMOVE = Operation("delete a webhook", {"webhook": row("webhooks")}, _remove)
QUEUE = Operation(
    "queue a delivery",
    {
        "webhook": row("webhooks"),
        "job": row_or_none("jobs"),
        "status": among(*["pending"] * 6, *STATES),
    },
    _queue,
)
TRY = Operation(
    "try to deliver",
    {
        "delivery": row("webhook_deliveries"),
        "status": among("retrying", "delivered", "failed", "pending"),
        "lacking": among("nothing", "nothing", "nothing", "time"),
    },
    _try,
)
ASK_AGAIN = Operation(
    "ask for a delivery again",
    {"delivery": row("webhook_deliveries"), "attempts": among(0, 0, 1)},
    _ask_again,
)
CLEAN_UP = Operation(
    "clean up deliveries",
    {"most": among(10_000, 1, 0)},
    _clean_up,
    alone=True,
    says=("RET-1",),
)

OPERATIONS = (MAKE, GIVE, REMOVE, QUEUE, TRY, ASK_AGAIN, CLEAN_UP)
