"""What of a state a database shows as well: a text a row, from either side.

So the model is compared with the rows, and not only with what was accepted: a project that did not
move with its job, or a key that outlived its membership, is seen at once.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from conformance.model.entities import uuid

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.model.state import State


@lru_cache(maxsize=4096)
def _id(number: int | None) -> str:
    return "" if number is None else str(uuid(number))


def _flag(value: object) -> str:
    return "t" if value is not None and value is not False else "f"


# By table: the columns as SQL, and the same of a row of the model.
COLUMNS: dict[str, tuple[tuple[str, ...], Callable[[Any], tuple[str, ...]]]] = {
    "users": (
        ("id", "email", "tier", "upgraded_at IS NOT NULL", "credits"),
        lambda u: (_id(u.id), u.email, u.tier, _flag(u.upgraded), str(u.credits)),
    ),
    "teams": (("id", "credits"), lambda t: (_id(t.id), str(t.credits))),
    "memberships": (
        ("id", "team_id", "user_id", "role"),
        lambda m: (_id(m.id), _id(m.team), _id(m.user), m.role),
    ),
    "invitations": (
        ("id", "role", "accepted_at IS NOT NULL", "revoked_at IS NOT NULL"),
        lambda i: (_id(i.id), i.role, _flag(i.accepted), _flag(i.revoked)),
    ),
    "projects": (("id", "status"), lambda p: (_id(p.id), p.status)),
    "jobs": (
        ("id", "owner", "project_id", "status", "credits_charged", "credits_refunded"),
        lambda j: (
            _id(j.id),
            j.owner.urn,
            _id(j.project),
            j.status,
            str(j.charged),
            str(j.refunded),
        ),
    ),
    "job_events": (("id", "sequence"), lambda e: (_id(e.id), str(e.number))),
    "api_keys": (
        ("id", "owner", "revoked_at IS NOT NULL"),
        lambda k: (_id(k.id), k.owner.urn, _flag(k.revoked)),
    ),
    "asset_files": (
        ("id", "project_id", "status"),
        lambda a: (_id(a.id), _id(a.project), a.status),
    ),
    "webhooks": (("id", "created_by"), lambda w: (_id(w.id), _id(w.creator))),
    "webhook_deliveries": (
        ("id", "job_id", "status", "attempts"),
        lambda d: (_id(d.id), _id(d.job), d.status, str(d.attempts)),
    ),
    "usage": (
        ("id", "renders_count", "credits_used"),
        lambda u: (_id(u.id), str(u.renders), str(u.used)),
    ),
}


def query(table: str) -> str:
    """Return a query for the table's name and its rows as texts."""
    columns = COLUMNS[table][0]
    form = "|".join(["%s"] * len(columns))
    return f"SELECT '{table}', format('{form}', {', '.join(columns)}) FROM public.{table}"


def rows(state: State, table: str) -> set[str]:
    """Return the same texts of the model's rows."""
    show = COLUMNS[table][1]
    return {"|".join(show(row)) for row in getattr(state, table).values()}
