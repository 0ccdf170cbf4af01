"""View of a state that a database can show as well: a text a row, from either side.

So the model is compared with the rows, and not only with what was accepted: a project that did not
move with its job, or a key that outlived its membership, is seen at once.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from conformance.framecast.model.entities import uuid

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from conformance.framecast.model.state import State


@lru_cache(maxsize=4096)
def _id(number: int | None) -> str:
    return "" if number is None else str(uuid(number))


def _flag(value: object) -> str:
    return "t" if value is not None and value is not False else "f"


# What a slug begins with that the database made up, as the name was taken. Nobody guesses the rest.
# The team of an account that was erased always gets one of those.
MADE_UP = "the-team-"
SLUG = f"CASE WHEN slug ~ '^({MADE_UP}|erased-account)' THEN '{MADE_UP}' ELSE slug END"
PROGRESS = "coalesce(progress ->> 'done', '0')"
VALID = "public.api_key_is_valid(id)"
# 1 and 1.00 are one number, whichever of the types of numbers a schema has for it.
NUMBERS = frozenset(
    {
        *("credits", "credits_charged", "credits_refunded", "credits_used", "sequence", "attempts"),
        *("size_bytes", "renders_count", "render_seconds", "api_calls"),
    }
)

# By table: the columns as SQL, and the same of a row of the model on a day.
COLUMNS: dict[str, tuple[tuple[str, ...], Callable[[Any, int], tuple[object, ...]]]] = {
    "users": (
        ("id", "email", "name", "tier", "upgraded_at IS NOT NULL", "credits"),
        lambda u, _: (_id(u.id), u.email, u.name, u.tier, _flag(u.upgraded), u.credits),
    ),
    "teams": (
        ("id", "name", SLUG, "credits"),
        lambda t, _: (_id(t.id), t.name, MADE_UP if t.slug is None else t.slug, t.credits),
    ),
    "memberships": (
        ("id", "team_id", "user_id", "role"),
        lambda m, _: (_id(m.id), _id(m.team), _id(m.user), m.role),
    ),
    "invitations": (
        ("id", "team_id", "email", "role", "accepted_at IS NOT NULL", "revoked_at IS NOT NULL"),
        lambda i, _: (
            *(_id(i.id), _id(i.team), i.email, i.role),
            *(_flag(i.accepted), _flag(i.revoked)),
        ),
    ),
    "projects": (
        ("id", "team_id", "created_by", "name", "status"),
        lambda p, _: (_id(p.id), _id(p.team), _id(p.creator), p.name, p.status),
    ),
    "jobs": (
        (
            *("id", "owner", "triggered_by", "project_id", "status", "idempotency_key"),
            *("credits_charged", "credits_refunded", PROGRESS),
            *("output IS NOT NULL", "error IS NOT NULL", "failure_type"),
        ),
        lambda j, _: (
            *(_id(j.id), j.owner.urn, _id(j.user), _id(j.project), j.status, j.key),
            *(j.charged, j.refunded, j.progress),
            *(_flag(j.output), _flag(j.error), j.failure),
        ),
    ),
    "job_events": (
        ("id", "job_id", "sequence"),
        lambda e, _: (_id(e.id), _id(e.job), e.number),
    ),
    "api_keys": (
        (
            *("id", "user_id", "owner", "key_hash", "revoked_at IS NOT NULL"),
            *("last_used_at IS NOT NULL", VALID),
        ),
        lambda k, day: (
            *(_id(k.id), _id(k.user), k.owner.urn, k.hash, _flag(k.revoked)),
            *(_flag(k.used), _flag(k.is_valid(day))),
        ),
    ),
    "asset_files": (
        ("id", "owner", "uploaded_by", "project_id", "s3_key", "size_bytes", "status"),
        lambda a, _: (
            *(_id(a.id), a.owner.urn, _id(a.user), _id(a.project), a.path, a.size, a.status),
        ),
    ),
    "webhooks": (
        ("id", "team_id", "created_by", "url"),
        lambda w, _: (_id(w.id), _id(w.team), _id(w.creator), w.url),
    ),
    "webhook_deliveries": (
        ("id", "webhook_id", "job_id", "status", "attempts", "delivered_at IS NOT NULL"),
        lambda d, _: (
            *(_id(d.id), _id(d.webhook), _id(d.job), d.status, d.attempts, _flag(d.arrived)),
        ),
    ),
    "usage": (
        (
            *("id", "owner", "period", "renders_count", "credits_used"),
            *("render_seconds", "credits_refunded", "api_calls"),
        ),
        # No operation counts the last three.
        lambda u, _: (_id(u.id), u.owner.urn, u.period, u.renders, u.used, 0, 0, 0),
    ),
}


def query(table: str, without: Collection[int] = ()) -> str:
    """Return a query for the table's name and its rows as texts, some columns left empty."""
    columns = [
        "''" if at in without else _as_text(each) for at, each in enumerate(COLUMNS[table][0])
    ]
    form = "|".join(["%s"] * len(columns))
    return f"SELECT '{table}', format('{form}', {', '.join(columns)}) FROM public.{table}"


def column(table: str, at: int) -> str:
    """Return a query for one of a table's columns."""
    return f"SELECT {_as_text(COLUMNS[table][0][at])} FROM public.{table}"


def _as_text(column: str) -> str:
    """Return a column as SQL whose text is the same for equal values of any type."""
    if column in NUMBERS:
        return f"trim_scale({column}::numeric)"
    return f"{column}::text" if column.isidentifier() else column


def rows(state: State, table: str, without: Collection[int] = ()) -> set[str]:
    """Return the same texts of the model's rows."""
    show = COLUMNS[table][1]
    if not without:
        return {
            "|".join("" if each is None else str(each) for each in show(row, state.day))
            for row in getattr(state, table).values()
        }
    return {
        "|".join(
            "" if each is None or at in without else str(each)
            for at, each in enumerate(show(row, state.day))
        )
        for row in getattr(state, table).values()
    }
