"""Logs that write down who wrote are let be; what decides by it is found."""

from collections.abc import Iterator
from typing import Any, Final

import psycopg
import pytest

from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.reading.switches import switches

LOG: Final = """
    CREATE TABLE public.audit_log (
        id bigint GENERATED ALWAYS AS IDENTITY, at timestamptz NOT NULL DEFAULT now(),
        by text NOT NULL DEFAULT current_user, about text, old jsonb, new jsonb,
        txid bigint DEFAULT txid_current()
    );
    CREATE FUNCTION public.audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = '' AS $$
    BEGIN
        IF TG_OP = 'DELETE' THEN
            INSERT INTO public.audit_log (by, about, old)
            VALUES (session_user, TG_TABLE_NAME, to_jsonb(OLD));
            RETURN OLD;
        END IF;
        INSERT INTO public.audit_log (by, about, new, at)
        VALUES (
            coalesce(nullif(current_setting('app.user', true), ''), current_user::text),
            TG_TABLE_NAME, to_jsonb(NEW), clock_timestamp()
        );
        RETURN NULL;
    END $$;
    CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON public.teams
    FOR EACH ROW EXECUTE FUNCTION public.audit();
"""
BEGIN: Final = "BEGIN\n        IF TG_OP"


@pytest.fixture(scope="module")
def database(scratch: Scratch, template: Template) -> Iterator[psycopg.Connection[Any]]:
    """Lend a connection to a database with the schema."""
    with scratch.cloned(template, "recording") as database, database.connect() as connection:
        yield connection


def found(connection: psycopg.Connection[Any], sql: str) -> set[str]:
    """Return what is found after some SQL, which is undone."""
    with connection.transaction(force_rollback=True):
        connection.execute(sql.encode())
        return {each.reads for each in switches(connection)}


def test_a_log_is_let_be(database: psycopg.Connection[Any]) -> None:
    """Role, setting and transaction go into its own rows, also as what these default to."""
    assert set() == found(database, LOG)


def test_logs_of_any_schema_are_let_be(database: psycopg.Connection[Any]) -> None:
    """The schema keeps its own books beside them, which it reads."""
    assert set() == found(database, LOG.replace("public.audit", "framecast.audit"))
    assert set() == found(
        database, LOG[: LOG.index("CREATE FUNCTION")].replace("public.", "framecast.")
    )


NOTED: Final = "ALTER TABLE public.users ADD noted_by name NOT NULL DEFAULT current_user;"


def test_a_default_counts_where_its_column_is_read(database: psycopg.Connection[Any]) -> None:
    """Who made a row may be written into it; a guard that asks it decides by who that was."""
    checked = "ALTER TABLE public.users ADD CHECK (noted_by <> 'x' OR credits = 0);"

    assert set() == found(database, NOTED)
    assert "CURRENT_USER" in found(database, NOTED + checked)


def test_a_log_that_is_read_back_is_none(database: psycopg.Connection[Any]) -> None:
    """A table that a guard writes and asks in one function is no log, in no schema."""
    log = LOG.replace("public.audit", "framecast.audit")
    asks = "PERFORM FROM framecast.audit_log WHERE by = 'x'; RETURN OLD;"

    assert {"CURRENT_USER", "SESSION_USER"} <= found(database, log.replace("RETURN OLD;", asks))


KEPT: Final = "VALUES (session_user,"
READ_BACK: Final = "IF EXISTS (SELECT FROM public.audit_log WHERE by = 'x') THEN RAISE 'x'; END IF;"
INSERTS: Final = """INSERT INTO public.audit_log (by, about, old)
            VALUES (session_user, TG_TABLE_NAME, to_jsonb(OLD))"""


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (
            BEGIN,
            BEGIN.replace("IF", "IF current_user = 'x' THEN RETURN NULL; ELSIF"),
            "CURRENT_USER",
        ),
        (KEPT, "VALUES (CASE session_user WHEN 'x' THEN 'y'::int::text END,", "SESSION_USER"),
        (KEPT, "VALUES (framecast.email_key(session_user),", "SESSION_USER"),
        ("RETURN OLD;", READ_BACK, "SESSION_USER"),
        (INSERTS, "UPDATE public.teams SET name = session_user", "SESSION_USER"),
    ],
)
def test_what_decides_by_it_is_found(
    old: str, new: str, what: str, database: psycopg.Connection[Any]
) -> None:
    """It is no log that compares what it reads, gives it to others, or reads its own rows."""
    assert old in LOG
    assert what in found(database, LOG.replace(old, new))
