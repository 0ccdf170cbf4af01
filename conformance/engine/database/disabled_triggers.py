"""Disabling the triggers of some tables for a transaction; only enabled ones are enabled again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.engine.sql.writes import RawSql

if TYPE_CHECKING:
    from collections.abc import Sequence

# What wakes the triggers again is kept in a setting, for the rest of the transaction.
DISABLED = """DO $$
DECLARE
    v_enabled CONSTANT text[] := ARRAY(
        SELECT format(
            'ALTER TABLE %s %%s TRIGGER %s',
            t.tgrelid::regclass, replace(quote_ident(t.tgname), '%', '%%')
        )
        FROM pg_trigger AS t
        WHERE t.tgrelid = ANY ('{{{tables}}}'::regclass[])
            AND t.tgenabled = 'O' AND NOT t.tgisinternal
    );
    v_each text;
BEGIN
    SET LOCAL session_replication_role = replica;
EXCEPTION WHEN insufficient_privilege THEN
    FOREACH v_each IN ARRAY v_enabled LOOP
        EXECUTE format(v_each, 'DISABLE');
    END LOOP;
    PERFORM set_config('conformance.enabled', v_enabled::text, true);
END;
$$"""
ENABLED = """DO $$
DECLARE
    v_each text;
BEGIN
    IF current_setting('session_replication_role') <> 'replica' THEN
        FOREACH v_each IN ARRAY current_setting('conformance.enabled')::text[] LOOP
            EXECUTE format(v_each, 'ENABLE');
        END LOOP;
    END IF;
END;
$$"""


def triggers_of(tables: Sequence[str]) -> tuple[RawSql, RawSql]:
    """Return what puts the triggers of tables to sleep, and what wakes them.

    Where the role may set session_replication_role, no trigger is touched. Elsewhere those that are
    enabled are disabled, and enabled again.
    """
    named = ",".join(f"public.{table}" for table in tables)
    return RawSql(DISABLED.format(tables=named)), RawSql(ENABLED)
