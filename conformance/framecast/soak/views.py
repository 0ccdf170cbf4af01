"""View of a client: a few teams and all about them, read from the database into the model.

A view is a part of the truth, and soon out of date: others write meanwhile. So what a client does
in good faith may be refused, as it is with the clients of a product.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from conformance.framecast.model import State
from conformance.framecast.model.entities import (
    Asset,
    Delivery,
    Event,
    Invitation,
    Job,
    Key,
    Membership,
    Owner,
    Project,
    Team,
    Usage,
    User,
    Webhook,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from random import Random

    import psycopg

# A view is of some teams and the people in them, a few others, and what those own; of what there is
# much of, the newest. The teams that are oldest are where clients meet.
HOT, SEEN = 4, 100
TEAMS = f"SELECT id FROM public.teams ORDER BY id LIMIT {SEEN}"
PEOPLE = """
(SELECT id FROM public.users WHERE tier = 'starter' ORDER BY id LIMIT 4)
UNION (SELECT id FROM public.users ORDER BY id DESC LIMIT 4)
UNION SELECT user_id FROM public.memberships WHERE team_id IN ({teams})
UNION SELECT invited_by FROM public.invitations WHERE team_id IN ({teams})
"""
# By table: which columns, which rows, and what they become.
QUERIES: dict[str, tuple[str, Callable[..., Any]]] = {
    "users": (
        (
            "SELECT id, email, tier::text, upgraded_at IS NOT NULL, credits FROM public.users"
            " WHERE id IN ({users}) ORDER BY id"
        ),
        lambda *row: User(_id(row[0]), *row[1:]),
    ),
    "teams": (
        "SELECT id, slug, credits FROM public.teams WHERE id IN ({teams}) ORDER BY id",
        lambda *row: Team(_id(row[0]), *row[1:]),
    ),
    "memberships": (
        (
            "SELECT id, team_id, user_id, role::text FROM public.memberships"
            " WHERE team_id IN ({teams}) ORDER BY id"
        ),
        lambda key, team, user, role: Membership(_id(key), _id(team), _id(user), role),
    ),
    "invitations": (
        (
            "SELECT id, team_id, invited_by, email, role::text,"
            " CASE WHEN expires_at > now() THEN 7 ELSE -1 END,"
            " accepted_at IS NOT NULL, revoked_at IS NOT NULL"
            " FROM public.invitations WHERE team_id IN ({teams}) ORDER BY id DESC LIMIT 60"
        ),
        lambda key, team, inviter, email, role, expires, accepted, revoked: Invitation(
            _id(key),
            _id(team),
            _id(inviter),
            email,
            role,
            created=0,
            expires=expires,
            accepted=0 if accepted else None,
            revoked=0 if revoked else None,
        ),
    ),
    "projects": (
        (
            "SELECT id, team_id, created_by, status::text FROM public.projects"
            " WHERE team_id IN ({teams}) ORDER BY id DESC LIMIT 12"
        ),
        lambda key, team, user, status: Project(_id(key), _id(team), _id(user), status),
    ),
    "jobs": (
        (
            "SELECT id, owner, triggered_by, project_id, status::text, credits_charged,"
            " credits_refunded, idempotency_key, output IS NOT NULL, error IS NOT NULL,"
            " failure_type::text FROM ("
            "(SELECT * FROM public.jobs WHERE owner IN ({owners}) AND status < 'completed'"
            " ORDER BY id DESC LIMIT 30)"
            " UNION "
            "(SELECT * FROM public.jobs WHERE owner IN ({owners}) ORDER BY id DESC LIMIT 15)"
            ") AS jobs ORDER BY id"
        ),
        lambda key, owner, user, project, status, charged, refunded, once, *rest: Job(
            _id(key),
            owner_of(owner),
            _id(user),
            _id(project),
            status,
            charged,
            refunded,
            once,
            0,
            *rest,
        ),
    ),
    "job_events": (
        (
            "SELECT id, job_id, sequence FROM public.job_events"
            " WHERE job_id IN (SELECT id FROM public.jobs WHERE owner IN ({owners})"
            " ORDER BY id DESC LIMIT 10) ORDER BY id DESC LIMIT 20"
        ),
        lambda key, job, number: Event(_id(key), _id(job), number, 0, 0),
    ),
    "api_keys": (
        (
            "SELECT id, user_id, owner, key_hash, revoked_at IS NOT NULL FROM public.api_keys"
            " WHERE user_id IN ({users}) ORDER BY id DESC LIMIT 20"
        ),
        lambda key, user, owner, text, revoked: Key(
            _id(key), _id(user), owner_of(owner), text, None, revoked
        ),
    ),
    "asset_files": (
        (
            "SELECT id, owner, uploaded_by, project_id, s3_key, content_type, size_bytes,"
            " status::text FROM public.asset_files WHERE owner IN ({owners})"
            " ORDER BY id DESC LIMIT 15"
        ),
        lambda key, owner, user, project, *rest: Asset(
            _id(key), owner_of(owner), _id(user), _id(project), *rest
        ),
    ),
    "webhooks": (
        (
            "SELECT id, team_id, created_by, url, events::text[] FROM public.webhooks"
            " WHERE team_id IN ({teams}) ORDER BY id DESC LIMIT 8"
        ),
        lambda key, team, user, url, events: Webhook(
            _id(key), _id(team), _id(user), url, tuple(events)
        ),
    ),
    "webhook_deliveries": (
        (
            "SELECT id, webhook_id, job_id, status::text, attempts, max_attempts,"
            " delivered_at IS NOT NULL FROM public.webhook_deliveries"
            " WHERE webhook_id IN (SELECT id FROM public.webhooks WHERE team_id IN ({teams}))"
            " ORDER BY id DESC LIMIT 20"
        ),
        lambda key, webhook, job, *rest: Delivery(_id(key), _id(webhook), 0, 0, _id(job), *rest),
    ),
    "usage": (
        (
            "SELECT id, owner, period, renders_count, credits_used FROM public.usage"
            " WHERE owner IN ({owners}) ORDER BY id DESC LIMIT 20"
        ),
        lambda key, owner, *rest: Usage(_id(key), owner_of(owner), *rest),
    ),
}


def load(connection: psycopg.Connection[Any], random: Random, meeting: int | None = None) -> State:
    """Read a view of a few teams, in three round trips.

    Args:
        connection: Outside a transaction.
        random: Draws one of the teams where clients meet, and one of all.
        meeting: Which team to look at instead, for all who were given the same number.
    """
    known = [row[0] for row in connection.execute(TEAMS)]
    if meeting is not None:
        drawn = {known[meeting % min(HOT, len(known))]} if known else set()
    else:
        drawn = {random.choice(known[:HOT]), random.choice(known)} if known else set()
    names = {"teams": _listed(drawn)}
    people = sorted(row[0] for row in connection.execute(PEOPLE.format(**names)))
    names["users"] = _listed(people)
    names["owners"] = (
        ", ".join(
            f"'framecast:{owner}'"
            for owner in (
                *(f"user:{user}" for user in people),
                *(f"team:{team}" for team in drawn),
                *(f"{team}:{user}" for team in drawn for user in people),
            )
        )
        or "''"
    )
    cursor = connection.execute(";".join(text.format(**names) for text, _ in QUERIES.values()))
    tables: dict[str, Any] = {}
    for table, (_, made) in QUERIES.items():
        rows = sorted((made(*row) for row in cursor.fetchall()), key=lambda row: row.id)
        tables[table] = {row.id: row for row in rows}
        cursor.nextset()
    return State(**tables)


def last_id(state: State) -> int:
    """Return the largest id that a view knows of; 0 where it is empty."""
    return max((key for table in QUERIES for key in getattr(state, table)), default=0)


def owner_of(urn: str) -> Owner:
    """Return what a URN names."""
    _, first, second = urn.split(":")
    if first == "user":
        return Owner(user=_id(UUID(second)))
    if first == "team":
        return Owner(team=_id(UUID(second)))
    return Owner(_id(UUID(first)), _id(UUID(second)))


def _id(key: UUID | None) -> Any:
    return None if key is None else key.int


def _listed(keys: Iterable[UUID]) -> str:
    return ", ".join(f"'{key}'" for key in sorted(keys)) or "NULL"
