"""Time passes: every row gets older at once, and nobody waits.

That is no write of a client: triggers and keys sleep meanwhile, as they do for a restore, and so
does the suite's own record of changes. All times of all rows move together, so what was true
between them stays true.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.operations.choices import among
from conformance.operations.operation import Act, Operation
from conformance.writes import Run

if TYPE_CHECKING:
    from conformance.model import State

CREATED, BOTH = ("created_at",), ("created_at", "updated_at")
TIMES = {
    "users": (*BOTH, "upgraded_at"),
    "teams": BOTH,
    "memberships": CREATED,
    "invitations": (*CREATED, "expires_at", "accepted_at", "revoked_at"),
    "projects": BOTH,
    "jobs": (*BOTH, "started_at", "completed_at"),
    "job_events": CREATED,
    "api_keys": (*CREATED, "last_used_at", "expires_at", "revoked_at"),
    "asset_files": BOTH,
    "webhooks": (*BOTH, "last_triggered_at"),
    "webhook_deliveries": (*CREATED, "next_retry_at", "delivered_at"),
    "usage": ("updated_at",),
}


def _pass(state: State, days: int) -> Act:
    ages = [
        Run(
            f"UPDATE public.{table} SET "
            + ", ".join(f"{column} = {column} - interval '{days} days'" for column in columns)
        )
        for table, columns in TIMES.items()
        if getattr(state, table)
    ]
    asleep = Run("SET LOCAL session_replication_role = replica")
    return Act((asleep, *ages), replace(state, day=state.day + days))


PASS = Operation("let time pass", {"days": among(7, 30, 1, 6)}, _pass, alone=True)

OPERATIONS = (PASS,)
