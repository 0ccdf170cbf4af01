"""Time passes: every row gets older at once, and nobody waits.

That is no write of a client: triggers and keys are disabled meanwhile, as they are for a restore,
and so is the suite's change log. An owner of tables who is no superuser may disable triggers; keys,
which have no part in it, stay enabled. All times of all rows move together, so
what was true between them stays true.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.engine.database.disabled_triggers import triggers_of
from conformance.engine.sql.writes import RawSql
from conformance.framecast.operations.choices import among
from conformance.framecast.operations.operation import Act, Operation

if TYPE_CHECKING:
    from conformance.framecast.model import State

KEPT = 30  # days
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
    tables = [table for table in TIMES if getattr(state, table)]
    ages = [
        RawSql(
            f"UPDATE public.{table} SET "
            + ", ".join(f"{each} = {each} - interval '{days} days'" for each in TIMES[table])
        )
        for table in tables
    ]
    disabled, enabled = triggers_of(tables)
    return Act((disabled, *ages, enabled), replace(state, day=state.day + days))


PASS = Operation("let time pass", {"days": among(7, 30, 1, 6)}, _pass, alone=True)
# As long as anything is kept.
AGE = Operation("let a month pass", {}, lambda state: _pass(state, KEPT), alone=True)

OPERATIONS = (PASS,)
AGING = (PASS, AGE)
