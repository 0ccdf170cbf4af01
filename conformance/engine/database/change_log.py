"""A record of every change to every row, kept on the suite's own databases.

Rules on writes and transitions leave no trace in the rows: who was in the team when the job was
made, what the status was before. After each row's own triggers, a trigger notes the row before and
after in `conformance.changes`, and the catalogue's queries read that. It is no part of the schema
under test, and never goes to a database that is not the suite's.

Of tables outside `public`, which the schema keeps for itself, only what a client writes is noted,
under the name with its schema, and each TRUNCATE; what the schema's own triggers write is not.
Such a TRUNCATE has in `new`, for every table that the emptied one refers to, whether there are rows
in it now: {"public.parents": true}.

Columns of `conformance.changes`: seq bigint (the order), tbl, op (INSERT, UPDATE, DELETE,
TRUNCATE), old and new jsonb, began (the transaction's now()), at (the clock), via (of a DELETE, the
functions that it was done by).
`conformance.fresh` is those of them that come after the one that the setting `conformance.seen`
names, which is all where nobody has set it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.engine.domain.chosen import conventions

if TYPE_CHECKING:
    import psycopg

INSTALL = """
CREATE SCHEMA IF NOT EXISTS conformance;

CREATE TABLE conformance.changes (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tbl text NOT NULL,
    op text NOT NULL,
    old jsonb,
    new jsonb,
    began timestamptz NOT NULL DEFAULT now(),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    via text NOT NULL DEFAULT ''
);
-- What is read once and deleted is not worth compressing.
ALTER TABLE conformance.changes
    ALTER COLUMN old SET STORAGE EXTERNAL,
    ALTER COLUMN new SET STORAGE EXTERNAL,
    ALTER COLUMN via SET STORAGE EXTERNAL;

CREATE FUNCTION conformance.tg_note() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_via text := '';
    v_parent regclass;
    v_has_rows boolean;
    v_parents jsonb;
    v_table text := CASE TG_TABLE_SCHEMA WHEN 'public' THEN '' ELSE TG_TABLE_SCHEMA || '.' END
        || TG_TABLE_NAME;
BEGIN
    IF TG_OP = 'DELETE' THEN
        GET DIAGNOSTICS v_via = PG_CONTEXT;
    END IF;
    IF TG_OP = 'TRUNCATE' THEN
        IF TG_TABLE_SCHEMA <> 'public' THEN
            v_parents := '{}';
            FOR v_parent IN
                SELECT c.confrelid FROM pg_constraint AS c
                WHERE c.contype = 'f' AND c.conrelid = TG_RELID
            LOOP
                EXECUTE format('SELECT EXISTS (SELECT FROM %s)', v_parent) INTO v_has_rows;
                v_parents := v_parents || jsonb_build_object(v_parent::text, v_has_rows);
            END LOOP;
        END IF;
        INSERT INTO conformance.changes (tbl, op, new) VALUES (v_table, TG_OP, v_parents);
    ELSE
        INSERT INTO conformance.changes (tbl, op, old, new, via)
        VALUES (
            v_table,
            TG_OP,
            CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END,
            CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END,
            v_via
        );
    END IF;
    RETURN NULL;
END;
$$;

-- What a query need not have seen before: the changes after the one that `conformance.seen` names.
-- What a write alone may break, the rows before it aside, is asked of these.
CREATE VIEW conformance.fresh AS
SELECT * FROM conformance.changes
WHERE seq > coalesce(nullif(current_setting('conformance.seen', true), ''), '0')::bigint;

DO $$
DECLARE
    v_table regclass;
BEGIN
    FOR v_table IN
        SELECT c.oid FROM pg_class AS c
        WHERE c.relkind = 'r' AND c.relnamespace = to_regnamespace('public')
    LOOP
        EXECUTE format(
            'CREATE TRIGGER zzz_note AFTER INSERT OR UPDATE OR DELETE ON %s'
            ' FOR EACH ROW EXECUTE FUNCTION conformance.tg_note()', v_table
        );
        EXECUTE format(
            'CREATE TRIGGER zzz_note_truncate AFTER TRUNCATE ON %s'
            ' FOR EACH STATEMENT EXECUTE FUNCTION conformance.tg_note()', v_table
        );
    END LOOP;
    FOR v_table IN
        SELECT c.oid FROM pg_class AS c
        WHERE c.relkind = 'r' AND c.relpersistence IN ('p', 'u')
            AND c.relnamespace::regnamespace::text
                NOT IN ('public', 'conformance', 'pg_catalog', 'information_schema')
    LOOP
        EXECUTE format(
            'CREATE TRIGGER zzz_note_client AFTER INSERT OR UPDATE OR DELETE ON %s'
            ' FOR EACH ROW WHEN (pg_catalog.pg_trigger_depth() = 0)'
            ' EXECUTE FUNCTION conformance.tg_note()', v_table
        );
        EXECUTE format(
            'CREATE TRIGGER zzz_note_truncate AFTER TRUNCATE ON %s'
            ' FOR EACH STATEMENT EXECUTE FUNCTION conformance.tg_note()', v_table
        );
    END LOOP;
END;
$$;
"""


def install(connection: psycopg.Connection) -> None:
    """Put the change log beside the schema of a scratch database."""
    connection.execute((INSTALL + conventions().functions).encode())
