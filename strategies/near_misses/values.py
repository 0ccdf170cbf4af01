"""Values of each column, whichever rule is tried: near and far ones, every label, and null.

What is not here is in `FIXED`, with the reason why: a test compares the two with the tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from conformance.engine.sql.documents import Jsonb
from strategies.enums import (
    INVITATION_ROLE,
    JOB_EVENT_TYPE,
    JOB_FAILURE_TYPE,
    WEBHOOK_EVENT_TYPE,
)
from strategies.files import CONTENT_TYPES
from strategies.instants import FIRST, FUTURE_START, LAST, PAST_END, TICK
from strategies.sizes import ASSET_LIMIT, INT32_MAX, INT64_MAX
from strategies.world import NOW

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.engine.sql.writes import Row

Values = tuple[object, ...]

_COUNTS: Final = (0, 1, 7, INT32_MAX)
_BYTES: Final = (0, 1, 7, INT64_MAX)
_DOCUMENTS: Final = (Jsonb({}), Jsonb({"varied": True}), Jsonb([1]))
_TIMES: Final = (NOW, FIRST, LAST)
_URLS: Final = ("https://a.io/varied", "https://example.com/hook", "https://[::1]:8443/?q#f")

# Columns that each hold any of some values in any row: no other column asks for more.
FREE: Final[Mapping[str, Mapping[str, Values]]] = {
    "users": {
        "name": (None, "Ada", "", "admin"),
        "avatar_url": (None, "https://a.io/a.png"),
        "credits": _COUNTS,
        "ephemeral_storage_bytes": _BYTES,
    },
    "teams": {
        "name": ("Varied", "Internal", "\u65e5\u672c", "x"),
        "credits": _COUNTS,
        "ephemeral_storage_bytes": _BYTES,
        "settings": _DOCUMENTS,
    },
    "memberships": {"role": ("member", "admin"), "created_at": (NOW, FIRST, LAST)},
    "invitations": {"role": INVITATION_ROLE},
    "api_keys": {
        "name": ("Default", "CI", "", "internal"),
        "key_prefix": ("fc", "", "fc_live_"),
        "scopes": (Jsonb(["*"]), Jsonb([]), Jsonb(["jobs:read"])),
        "last_used_at": (None, *_TIMES),
        "expires_at": (None, FUTURE_START, NOW, LAST),
        "created_at": (NOW, FIRST, PAST_END),
    },
    "projects": {
        "name": ("Project", "Varied", "x", "Template"),
        "spec": (None, *_DOCUMENTS, Jsonb(None)),
    },
    "jobs": {
        "options": _DOCUMENTS,
        "progress": _DOCUMENTS,
        "output_size_bytes": (None, *_BYTES),
        "idempotency_key": (None, "key-{}"),
    },
    "job_events": {
        "event_type": JOB_EVENT_TYPE,
        "payload": (*_DOCUMENTS, Jsonb(None)),
        "sequence": (0, 1, -1, INT64_MAX),
    },
    "asset_files": {
        "filename": ("file.png", "varied", "x", ".hidden"),
        "content_type": CONTENT_TYPES,
        "size_bytes": (1, 2, ASSET_LIMIT),
        "metadata": _DOCUMENTS,
    },
    "webhooks": {
        "url": _URLS,
        "events": (
            *([each] for each in WEBHOOK_EVENT_TYPE),
            list(WEBHOOK_EVENT_TYPE),
        ),
        "secret": ("secret", "varied", ""),
        "is_active": (True, False),
        "last_triggered_at": (None, *_TIMES),
    },
    "webhook_deliveries": {
        "event_type": ("job.completed", "job.failed", "", "ping"),
        "payload": (*_DOCUMENTS, Jsonb(None)),
        "response_status": (None, 200, 500, 0),
        "response_body": (None, "", "error"),
        "next_retry_at": (None, *_TIMES),
        "delivered_at": (None, *_TIMES),
        "attempts": (0, 1, 5),
        "max_attempts": (5, 6, INT32_MAX),
    },
    "usage": dict.fromkeys(
        ("renders_count", "render_seconds", "credits_used", "credits_refunded", "api_calls"),
        _COUNTS,
    ),
    "system_assets": {
        "name": ("Sound", "Varied", "", "x"),
        "description": (None, "", "A sound"),
        "duration_seconds": (None, 0, 7),
        "content_type": ("audio/wav", "audio/mpeg", "video/mp4"),
        "size_bytes": (1, 2, INT64_MAX),
        "tags": ([], ["varied"], ["a", "b"]),
        "created_at": (NOW, FIRST, LAST),
    },
}
# Columns that bound each other: all of a group are given, and only where a scenario gives none.
_STAMPS: Final = (
    {"created_at": FIRST},
    {"created_at": NOW, "updated_at": NOW},
    {"created_at": FIRST, "updated_at": PAST_END},
    {"created_at": FUTURE_START, "updated_at": FUTURE_START + TICK},
)
UPDATED: Final = ({"updated_at": NOW}, {"updated_at": LAST})
TOGETHER: Final[Mapping[str, tuple[tuple[Mapping[str, object], ...], ...]]] = {
    **dict.fromkeys(("users", "teams", "projects", "asset_files", "webhooks"), (_STAMPS,)),
    "usage": (({"updated_at": FIRST}, {"updated_at": NOW}),),
    "invitations": (
        (
            {"expires_at": FUTURE_START},
            {"created_at": FIRST, "expires_at": LAST},
            {"created_at": PAST_END, "expires_at": FUTURE_START},
        ),
    ),
    "jobs": (
        _STAMPS,
        (
            {"credits_charged": 7},
            {"credits_charged": 7, "credits_refunded": 1},
            {"credits_charged": 7, "credits_refunded": 7},
            {"credits_charged": INT32_MAX, "credits_refunded": 0},
        ),
    ),
}
# The same of rows that nothing asks the age of: what is old may be cleaned up, and nobody waits.
AGED: Final[Mapping[str, tuple[tuple[Mapping[str, object], ...], ...]]] = {
    table: (({"created_at": NOW}, {"created_at": FIRST}, {"created_at": FUTURE_START}),)
    for table in ("job_events", "webhook_deliveries")
}
# What a row may hold from its beginning, and what an update to a status may bring, beside what the
# status needs: nothing that some later status of the scenario has no room for.
_DONE: Final = (None, Jsonb({"varied": True}))
_STARTED: Final = (FUTURE_START + 2 * TICK,)
_ENDED: Final = (LAST, FUTURE_START + 3 * TICK)
_ACTIVE: Final[Mapping[str, Values]] = {
    "started_at": _STARTED,
    "completed_at": _ENDED,
    "output": _DONE,
    "error": _DONE,
    "failure_type": (None, *JOB_FAILURE_TYPE),
}
ARRIVING: Final[Mapping[tuple[str, str], Mapping[str, Values]]] = {
    ("jobs", ""): _ACTIVE,
    ("jobs", "processing"): _ACTIVE,
    ("jobs", "completed"): {"error": _DONE, "completed_at": _ENDED},
    ("jobs", "failed"): {"output": _DONE, "completed_at": _ENDED},
    ("jobs", "canceled"): {
        "started_at": _STARTED,
        "output": _DONE,
        "error": _DONE,
        "completed_at": _ENDED,
    },
}
# A column that some status has no room for.
NO_ROOM: Final = {("jobs", "failure_type"): "completed"}
# What may stand in the place of what a row holds because it must hold something.
USUAL: Final[Mapping[str, Mapping[str, Values]]] = {
    **{table: {**columns} for table, columns in FREE.items()},
    "users": {"upgraded_at": _TIMES},
    "api_keys": {"key_prefix": FREE["api_keys"]["key_prefix"], "revoked_at": _TIMES},
    "invitations": {
        "role": INVITATION_ROLE,
        "created_at": (FIRST - TICK, FIRST - 1000 * TICK),
        "expires_at": (FUTURE_START, LAST),
    },
    "jobs": {
        "created_at": (PAST_END, FIRST, NOW),
        "spec_snapshot": _DOCUMENTS,
        "output": (Jsonb({"frames": 1}), *_DOCUMENTS),
        "error": (Jsonb({"code": 1}), *_DOCUMENTS),
        "failure_type": JOB_FAILURE_TYPE,
    },
    "webhook_deliveries": {
        **FREE["webhook_deliveries"],
        "attempts": (1, 5, 0, 4),
        "delivered_at": _TIMES,
    },
}
# The same of texts that are like no other of their column: each becomes another one.
FORMS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "users": {"email": ("{}", "a.{}.io", "X+{}")},
    "teams": {"slug": ("{}", "x-{}")},
    "invitations": {"email": ("{}", "a.{}.io", "X+{}"), "token": ("{}", "{}.varied", "X{}")},
    "api_keys": {"key_hash": ("{}", "X{}", "$argon2id${}")},
    "asset_files": {"s3_key": ("{}", "\u65e5/{}")},
    "system_assets": {"s3_key": ("{}", "\u65e5/{}")},
}
# What an update that breaks a rule may change as well, and break it still: all that is free, and
# what is never fixed by IMM-1 (what a rule needs is not here: its absence may be the point).
NOT_CHANGED: Final = frozenset(
    {
        *(
            ("memberships", "role"),
            ("memberships", "created_at"),
            ("api_keys", "created_at"),
            ("api_keys", "scopes"),
        ),
        *(("api_keys", "expires_at"), ("system_assets", "created_at")),
        *(("webhook_deliveries", "delivered_at"), ("webhook_deliveries", "max_attempts")),
        ("webhook_deliveries", "attempts"),
    }
)
_CHANGEABLE: Final[Mapping[str, Mapping[str, Values]]] = {
    **FREE,
    "invitations": {**FREE["invitations"], "token": ("varied-{}", "{}")},
    "asset_files": {**FREE["asset_files"], "s3_key": ("varied/{}", "{}")},
    "system_assets": {**FREE["system_assets"], "s3_key": ("varied/{}", "{}")},
}
# The same for rules that do not ask for these columns.
UNASKED: Final[Mapping[str, Mapping[str, Values]]] = {
    "users": {"email": ("varied-{}@example.com",)},
    "api_keys": {"expires_at": FREE["api_keys"]["expires_at"]},
    "jobs": {"credits_charged": (INT32_MAX, INT32_MAX - 1)},
    "webhook_deliveries": {"max_attempts": (6, INT32_MAX), "delivered_at": _TIMES},
}
CHANGED: Final[Mapping[str, Mapping[str, Values]]] = {
    table: {
        column: values for column, values in columns.items() if (table, column) not in NOT_CHANGED
    }
    for table, columns in _CHANGEABLE.items()
}
# States that a row comes to by one step from its first, and that say nothing of other columns.
STATES: Final[Mapping[str, tuple[Row, ...]]] = {
    "asset_files": ({"status": "ready"}, {"status": "failed"}),
    "projects": ({"status": "archived"},),
    "webhook_deliveries": (
        {"status": "retrying"},
        {"status": "failed"},
        {"status": "delivered", "delivered_at": NOW},
    ),
}
# Moves from one state to the next, which change nothing that a row is about. IMM-1 speaks of that
# alone; of other rules such a change could be the cure.
MOVES: Final[Mapping[str, tuple[Mapping[str, object], ...]]] = {
    "users": ({"email": "moved@example.com"}, {"credits": 9}),
    "memberships": tuple({"role": role} for role in ("viewer", "admin", "member", "owner")),
    "invitations": ({"accepted_at": NOW}, {"revoked_at": NOW}, {"expires_at": LAST}),
    "api_keys": ({"revoked_at": NOW}, {"expires_at": FIRST}, {"expires_at": None}),
    "projects": ({"status": "archived"}, {"status": "draft"}, {"status": "rendering"}),
    "jobs": (
        {"status": "processing"},
        {"status": "canceled", "failure_type": "canceled"},
        {"credits_charged": 8, "credits_refunded": 8},
        {"failure_type": "system"},
        {"status": "completed", "output": Jsonb({})},
    ),
    "asset_files": ({"status": "ready"}, {"status": "failed"}),
    "webhooks": ({"is_active": False}, {"is_active": True}),
    "webhook_deliveries": (
        {"status": "retrying", "attempts": 1},
        {"status": "delivered", "delivered_at": NOW},
        {"status": "failed"},
        {"status": "pending", "attempts": 0},
        {"job_id": None},
    ),
}
