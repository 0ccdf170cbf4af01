"""SQL that changes the schema in one place, which has to be there."""

from typing import Final

# Foreign keys that are asked at the end of each statement.
KEYS_AT_ONCE: Final = """
DO $$
DECLARE
    v_key record;
BEGIN
    FOR v_key IN
        SELECT conrelid::regclass AS tbl, conname FROM pg_constraint
        WHERE contype = 'f' AND condeferrable
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER CONSTRAINT %I NOT DEFERRABLE', v_key.tbl,
            v_key.conname);
    END LOOP;
END;
$$;
"""


def rewritten(function: str, old: str, new: str, schema: str = "framecast") -> str:
    """Return SQL that changes a function in one place, which has to be there."""
    old, new = (text.replace("'", "''") for text in (old, new))
    return f"""
        DO $do$
        DECLARE
            v_old text := pg_get_functiondef('{schema}.{function}'::regproc);
            v_new text := replace(v_old, '{old}', '{new}');
        BEGIN
            ASSERT v_old <> v_new, 'nothing to change in {function}';
            EXECUTE v_new;
        END;
        $do$;
    """


def rechecked(table: str, name: str, check: str) -> str:
    """Return SQL that says a check in other words, under its own name."""
    return (
        f"ALTER TABLE public.{table} DROP CONSTRAINT {name};"
        f"ALTER TABLE public.{table} ADD CONSTRAINT {name} CHECK ({check});"
    )


def retriggered(table: str, name: str, old: str, new: str) -> str:
    """Return SQL that changes a trigger in one place, which has to be there."""
    old, new = (text.replace("'", "''") for text in (old, new))
    return f"""
        DO $do$
        DECLARE
            v_old text := (
                SELECT pg_get_triggerdef(t.oid) FROM pg_trigger AS t
                WHERE t.tgrelid = '{table}'::regclass AND t.tgname = '{name}'
            );
            v_new text := replace(v_old, '{old}', '{new}');
        BEGIN
            ASSERT v_old <> v_new, 'nothing to change in {name}';
            EXECUTE format('DROP TRIGGER %I ON {table}', '{name}');
            EXECUTE v_new;
        END;
        $do$;
    """
