"""How a transaction writes past all triggers: one that was disabled stays so, if the role may."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.writes import Run

if TYPE_CHECKING:
    from collections.abc import Sequence

ASLEEP = """DO $$
BEGIN
    SET LOCAL session_replication_role = replica;
EXCEPTION WHEN insufficient_privilege THEN
{disable}
END;
$$"""
AWAKE = """DO $$
BEGIN
    IF current_setting('session_replication_role') <> 'replica' THEN
{enable}
    END IF;
END;
$$"""


def triggers_of(tables: Sequence[str]) -> tuple[Run, Run]:
    """Return what puts the triggers of tables to sleep, and what wakes them.

    Where the role may set session_replication_role, no trigger is touched. Elsewhere all are
    disabled, and all enabled again, also what had been disabled before.
    """
    return (
        Run(ASLEEP.format(disable=_all(tables, "DISABLE"))),
        Run(AWAKE.format(enable=_all(tables, "ENABLE"))),
    )


def _all(tables: Sequence[str], action: str) -> str:
    lines = [f"ALTER TABLE public.{table} {action} TRIGGER USER;" for table in tables] or ["NULL;"]
    return "\n".join(f"        {line}" for line in lines)
