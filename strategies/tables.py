"""The thirteen tables as data: their columns, what an INSERT must give, and how long texts may be.

These are the shapes that the domain promises. A schema under test is compared with them; nothing
here is read from a database.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_CREATED = ("id", "created_at")
_UPDATED = ("id", "created_at", "updated_at")

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "users": (
            *_UPDATED,
            *("email", "name", "avatar_url", "tier", "credits"),
            *("ephemeral_storage_bytes", "upgraded_at"),
        ),
        "teams": (*_UPDATED, "name", "slug", "credits", "ephemeral_storage_bytes", "settings"),
        "memberships": (*_CREATED, "team_id", "user_id", "role"),
        "invitations": (
            *_CREATED,
            *("team_id", "invited_by", "email", "role", "token"),
            *("expires_at", "accepted_at", "revoked_at"),
        ),
        "api_keys": (
            *_CREATED,
            *("user_id", "owner", "name", "key_prefix", "key_hash", "scopes"),
            *("last_used_at", "expires_at", "revoked_at"),
        ),
        "projects": (*_UPDATED, "team_id", "created_by", "name", "status", "spec"),
        "jobs": (
            *_UPDATED,
            *("owner", "triggered_by", "project_id", "status", "spec_snapshot", "options"),
            *("progress", "output", "output_size_bytes", "error", "credits_charged"),
            *("failure_type", "credits_refunded", "idempotency_key", "started_at", "completed_at"),
        ),
        "job_events": (*_CREATED, "job_id", "sequence", "event_type", "payload"),
        "asset_files": (
            *_UPDATED,
            *("owner", "uploaded_by", "project_id", "filename", "s3_key", "content_type"),
            *("size_bytes", "status", "metadata"),
        ),
        "webhooks": (
            *_UPDATED,
            *("team_id", "created_by", "url", "events", "secret", "is_active"),
            "last_triggered_at",
        ),
        "webhook_deliveries": (
            *_CREATED,
            *("webhook_id", "job_id", "event_type", "status", "payload", "response_status"),
            *("response_body", "attempts", "max_attempts", "next_retry_at", "delivered_at"),
        ),
        "usage": (
            *("id", "owner", "period", "renders_count", "render_seconds", "credits_used"),
            *("credits_refunded", "api_calls", "updated_at"),
        ),
        "system_assets": (
            *_CREATED,
            *("category", "name", "description", "duration_seconds", "s3_key"),
            *("content_type", "size_bytes", "tags"),
        ),
    }
)
"""Every column of every table."""

DERIVED: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "users": ("is_erased",),
        "memberships": ("user_tier",),
        "api_keys": ("owner_tier", "live_member_team_id", "live_shared_team_id"),
        "projects": ("owner",),
    }
)
"""Columns beside those, which this project's schema derives from them whatever is given."""

UUIDS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        table: frozenset(each for each in columns if each == "id" or each.endswith(("_id", "_by")))
        for table, columns in COLUMNS.items()
        if table != "system_assets"  # whose ids are words
    }
)
"""The columns that hold the id of a row, which is a UUID."""

REQUIRED: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "users": frozenset({"email"}),
        "teams": frozenset({"name"}),
        "memberships": frozenset({"team_id", "user_id"}),
        "invitations": frozenset({"team_id", "invited_by", "email", "token"}),
        "api_keys": frozenset({"user_id", "owner", "key_prefix", "key_hash"}),
        "projects": frozenset({"team_id", "created_by", "name"}),
        "jobs": frozenset({"owner", "triggered_by", "spec_snapshot"}),
        "job_events": frozenset({"job_id", "event_type"}),
        "asset_files": frozenset(
            {"owner", "uploaded_by", "filename", "s3_key", "content_type", "size_bytes"}
        ),
        "webhooks": frozenset({"team_id", "created_by", "url", "events", "secret"}),
        "webhook_deliveries": frozenset({"webhook_id", "event_type", "payload"}),
        "usage": frozenset({"owner", "period"}),
        "system_assets": frozenset(
            {"id", "category", "name", "s3_key", "content_type", "size_bytes"}
        ),
    }
)
"""The columns that are not null and have no default: an INSERT that leaves one out is refused."""

LIMITS: Final[Mapping[tuple[str, str], tuple[int, int]]] = MappingProxyType(
    {
        ("users", "email"): (0, 255),
        ("users", "name"): (0, 100),
        ("teams", "name"): (1, 100),
        ("teams", "slug"): (1, 50),
        ("invitations", "email"): (0, 255),
        ("api_keys", "name"): (0, 100),
        ("api_keys", "key_prefix"): (0, 20),
        ("projects", "name"): (1, 200),
        ("jobs", "idempotency_key"): (0, 255),
        ("asset_files", "filename"): (1, 255),
        ("asset_files", "s3_key"): (0, 500),
        ("webhooks", "url"): (0, 2048),
        ("webhook_deliveries", "event_type"): (0, 50),
        ("webhook_deliveries", "response_body"): (0, 10_240),
        ("system_assets", "id"): (0, 100),
        ("system_assets", "name"): (0, 255),
        ("system_assets", "description"): (0, 500),
        ("system_assets", "s3_key"): (0, 500),
    }
)
"""(table, column) -> (fewest, most) characters that the domain allows, other rules apart."""


INDEXED: Final[Mapping[tuple[str, str], tuple[int, int]]] = MappingProxyType(
    {("invitations", "token"): (0, 255), ("api_keys", "key_hash"): (0, 255)}
)
"""The same for texts that are indexed, and that the domain does not bound: an index would."""


def limit(table: str, column: str) -> int:
    """Return the most characters that a bounded text column may hold."""
    return LIMITS[table, column][1]
