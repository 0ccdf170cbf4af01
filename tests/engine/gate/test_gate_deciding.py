"""Objects that decide who may do what, and guards that are other ones between two files."""

from pathlib import Path

import pytest

from conformance.engine.gate import changes
from conformance.engine.postgres.scratch import Scratch
from tests.support.trials import attempted, flipped

SESSIONS = "setting {} of framecast_app"
PATH, STRINGS, COMMITS = map(
    SESSIONS.format, ("search_path", "standard_conforming_strings", "synchronous_commit")
)
THERE = """
CREATE ROLE framecast_conformance_guest;
CREATE TABLE memos (id int, body text);
ALTER TABLE memos ENABLE ROW LEVEL SECURITY;
CREATE POLICY read ON memos TO framecast_app USING (true);
GRANT SELECT ON memos TO framecast_app;
CREATE VIEW busy WITH (security_invoker) AS SELECT id FROM jobs;
CREATE FUNCTION purge() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM job_events';
REVOKE EXECUTE ON FUNCTION purge() FROM PUBLIC;
"""


@pytest.mark.parametrize(
    ("script", "place"),
    [
        ("DROP POLICY read ON memos", "policy read on public.memos"),
        ("ALTER POLICY read ON memos USING (id > 0)", "policy read on public.memos"),
        ("ALTER POLICY read ON memos TO pg_monitor", "policy read on public.memos"),
        (
            "CREATE POLICY nobody ON memos AS RESTRICTIVE USING (false)",
            "policy nobody on public.memos",
        ),
        ("ALTER TABLE memos DISABLE ROW LEVEL SECURITY", "table public.memos"),
        (
            "GRANT SELECT ON memos TO framecast_app WITH GRANT OPTION",
            "SELECT on public.memos to framecast_app",
        ),
        ("GRANT SELECT ON memos TO PUBLIC", "SELECT on public.memos to PUBLIC"),
        ("ALTER VIEW busy RESET (security_invoker)", "view public.busy"),
        ("CREATE OR REPLACE VIEW busy AS SELECT id FROM jobs", "view public.busy"),
        (
            "GRANT EXECUTE ON FUNCTION purge() TO framecast_app",
            "EXECUTE on function public.purge() to framecast_app",
        ),
        ("DROP ROLE framecast_conformance_guest", "role framecast_conformance_guest"),
        ("GRANT framecast_app TO pg_monitor", "membership pg_monitor in framecast_app"),
        ("ALTER ROLE framecast_app SET search_path = spare, public", PATH),
        ("ALTER ROLE framecast_app SET standard_conforming_strings = off", STRINGS),
        ("ALTER ROLE framecast_app SET synchronous_commit = off", COMMITS),
        (
            (
                "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I CONNECTION LIMIT 1', "
                "current_database()); END $$"
            ),
            "limit of the database",
        ),
        (
            (
                "CREATE FUNCTION prune() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                "DELETE FROM public.memos WHERE id < NEW.id; RETURN NULL; END $$; "
                "CREATE TRIGGER prune AFTER INSERT ON memos FOR EACH ROW EXECUTE FUNCTION prune()"
            ),
            "trigger prune on public.memos",
        ),
        (
            (
                "CREATE FUNCTION prune() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                "PERFORM purge(); RETURN NULL; END $$; CREATE TRIGGER prune "
                "AFTER INSERT ON memos EXECUTE FUNCTION prune()"
            ),
            "trigger prune on public.memos",
        ),
        (
            (
                "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; "
                "END $$; CREATE TRIGGER keep BEFORE UPDATE ON memos FOR EACH ROW "
                "EXECUTE FUNCTION keep()"
            ),
            "trigger keep on public.memos",
        ),
        (
            (
                "CREATE FUNCTION never(text, varchar) RETURNS boolean RETURN false; "
                "CREATE OPERATOR = (LEFTARG = text, RIGHTARG = varchar, FUNCTION = never)"
            ),
            "namesake operator =(text,character varying)",
        ),
        (
            "CREATE FUNCTION length(varchar) RETURNS integer RETURN 0",
            "namesake function length(character varying)",
        ),
        ("CREATE RULE no AS ON INSERT TO memos DO INSTEAD NOTHING", "rule no on public.memos"),
    ],
)
def test_rights_that_objects_decide_are_told(
    scratch: Scratch, folder: Path, script: str, place: str
) -> None:
    """Policies, views, definer functions and rules of any table decide who may do something."""
    [fault] = [
        each
        for each in changes.look(*flipped(attempted(scratch, folder, THERE, script)))[0]
        if each.about == "901.sql"
    ]
    waived, notes = changes.look(
        *flipped(attempted(scratch, folder, THERE, f"-- waives RIGHT {place}: wanted\n{script}"))
    )

    assert fault.what.startswith(f"{place}: ")
    assert [] == [each for each in waived if each.about == "901.sql"]
    assert any(f" waives RIGHT {place}: wanted (excuses" in note for note in notes), notes


STATES = "trigger _300_state_job__jobs_states on public.jobs"
KEY = "function framecast.email_key(text)"


@pytest.mark.parametrize(
    ("scripts", "what"),
    [
        (
            [
                f"ALTER TABLE jobs {word} TRIGGER _300_state_job__jobs_states"
                for word in ("DISABLE", "ENABLE")
            ],
            f"{STATES} is another one",
        ),
        (
            [
                "CREATE OR REPLACE FUNCTION framecast.email_key(p_email text) RETURNS text "
                f"LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN {body}"
                for body in ("p_email", 'lower(p_email COLLATE "C")')
            ],
            f"{KEY} is another one",
        ),
    ],
)
def test_a_guard_that_is_another_one_between_two_files_is_told(
    scratch: Scratch, folder: Path, scripts: list[str], what: str
) -> None:
    """A trigger that is disabled, or a body that lets through, lies between two files as well."""
    _, notes = changes.look(*flipped(attempted(scratch, folder, *scripts)))

    assert [f"{what} between 900.sql and 901.sql: "] == [
        note.partition("if that one fails")[0] for note in notes if "if that one fails" in note
    ]
