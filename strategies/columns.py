"""Facts of each column beside the rules, as data: defaults, nulls, least values, types."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

NULLABLE: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "users": frozenset({"name", "avatar_url", "upgraded_at"}),
        "invitations": frozenset({"accepted_at", "revoked_at"}),
        "api_keys": frozenset({"last_used_at", "expires_at", "revoked_at"}),
        "projects": frozenset({"spec"}),
        "jobs": frozenset(
            {
                *("project_id", "output", "output_size_bytes", "error", "failure_type"),
                *("idempotency_key", "started_at", "completed_at"),
            }
        ),
        "asset_files": frozenset({"project_id"}),
        "webhooks": frozenset({"last_triggered_at"}),
        "webhook_deliveries": frozenset(
            {"job_id", "response_status", "response_body", "next_retry_at", "delivered_at"}
        ),
        "system_assets": frozenset({"description", "duration_seconds"}),
    }
)
"""The columns that may be null. What is null is not what its default is, save a team's slug."""

NAMED: Final = frozenset(
    {
        *(("memberships", "team_id"), ("memberships", "user_id")),
        *(("invitations", "team_id"), ("invitations", "email")),
    }
)
"""Columns of which a rule says that they are not null, by its name; see INV-M1 and INV-I1."""

DERIVED: Final = frozenset({("teams", "slug"), ("job_events", "sequence")})
"""Columns in which the database puts a value when it is given null."""

DEFAULTS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "users": {"tier": "'starter'", "credits": "0", "ephemeral_storage_bytes": "0"},
        "teams": {"credits": "0", "ephemeral_storage_bytes": "0", "settings": "'{}'"},
        "memberships": {"role": "'member'"},
        "invitations": {"role": "'member'", "expires_at": "created_at + interval '168 hours'"},
        "api_keys": {"name": "'Default'", "scopes": """'["*"]'"""},
        "projects": {"status": "'draft'"},
        "jobs": {
            "status": "'queued'",
            "options": "'{}'",
            "progress": "'{}'",
            "credits_charged": "0",
            "credits_refunded": "0",
        },
        "job_events": {"payload": "'{}'"},
        "asset_files": {"status": "'pending'", "metadata": "'{}'"},
        "webhooks": {"is_active": "true"},
        "webhook_deliveries": {"status": "'pending'", "attempts": "0", "max_attempts": "5"},
        "usage": dict.fromkeys(
            ("renders_count", "render_seconds", "credits_used", "credits_refunded", "api_calls"),
            "0",
        ),
        "system_assets": {"tags": "'{}'"},
    }
)
"""table -> column -> its default, as SQL; ids and times apart."""

LEAST: Final[Mapping[tuple[str, str], int]] = MappingProxyType(
    {
        ("teams", "ephemeral_storage_bytes"): 0,
        ("jobs", "output_size_bytes"): 0,
        ("webhook_deliveries", "attempts"): 0,
        ("webhook_deliveries", "max_attempts"): 1,
        ("usage", "render_seconds"): 0,
        ("usage", "credits_refunded"): 0,
        ("usage", "api_calls"): 0,
        ("system_assets", "size_bytes"): 1,
    }
)
"""(table, column) -> the least number that it holds, where no rule says so."""

TYPED: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "user_tier": ("users", "memberships"),
        "membership_role": ("memberships", "role_permissions"),
        "invitation_role": ("invitations",),
        "project_status": ("projects",),
        "job_status": ("jobs",),
        "job_failure_type": ("jobs",),
        "job_event_type": ("job_events",),
        "asset_status": ("asset_files",),
        "webhook_delivery_status": ("webhook_deliveries",),
        "system_asset_category": ("system_assets",),
        "webhook_event_type": ("webhooks",),
    }
)
"""enum type -> the tables that have columns of it."""

EMAILS: Final = (
    *("", "@", "a", "a@", "@b.co", "a@b", "a@.co", "a@b.", "a@@b.co", "a b@c.co", "a@b c.co"),
    *("a@b.c o", "a@b.c@d", "a@b@c.d", "\u00e9@b.co", "a@\u00e9.co", "a@b.\u00e9", "a@bxco"),
    *("@a@b.co", "a@b.co@", "abc.de.fg", "a@b.co ", " a@b.co"),
)
"""No emails, each in another way."""
