"""SQL that blocks of pending files make up: read where its text can be told, and else a finding."""

from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.engine.audit.findings import Fault
from conformance.engine.deployment import migrations
from conformance.engine.gate import row_changes, sections

OF_EACH = (
    "DO $$ DECLARE r record; BEGIN FOR r IN SELECT relname, oid FROM pg_class LOOP "
    "EXECUTE {}; END LOOP; END $$"
)
Asked = tuple[list[Fault], list[str]]


@pytest.mark.parametrize(
    ("script", "what"),
    [
        *(
            (f"DO $$ BEGIN EXECUTE {pieced}; END $$", "deletes 2 rows of today's in teams")
            for pieced in (
                "format('DELETE FROM %I', 'teams')",
                "replace('DXELETE FROM teams', 'X', '')",
                "concat_ws(' ', 'DELETE', 'FROM', upper('teams'))",
                "'DO $x$ BEGIN DELETE FROM teams; END $x$'",
                "(SELECT string_agg('SELECT 1', '; DELETE FROM teams; ') FROM bag)",
                "convert_from(decode('44454c4554452046524f4d207465616d73', 'hex'), 'UTF8')",
            )
        ),
        (
            (
                "DO $$ DECLARE kind framecast.urn; BEGIN "
                "EXECUTE 'CREATE FUNCTION made() RETURNS int AS ''DELETE FROM bag RETURNING 1'' "
                "LANGUAGE sql'; PERFORM made(); END $$"
            ),
            "deletes 4 rows of today's in bag",
        ),
    ],
)
def test_rows_that_it_takes_are_named(
    asked: Callable[[str], Asked], script: str, what: str
) -> None:
    """A text that can be told takes the rows that it would take in the file itself."""
    [fault], _ = asked(script)

    assert what == fault.what


@pytest.mark.parametrize(
    "script",
    [
        "DO $$ DECLARE r record; BEGIN FOR r IN EXECUTE 'SELECT ' || 1 LOOP END LOOP; END $$",
        "DO $$ DECLARE n int; BEGIN PERFORM 1; GET DIAGNOSTICS n = ROW_COUNT; END $$",
        *(
            OF_EACH.format(made)
            for made in (
                "format('ALTER TABLE %I OWNER TO metabase', r.relname)",
                "'COMMENT ON TABLE ' || r.oid::regclass || ' IS ' || quote_literal(r.relname)",
                "format('CREATE TABLE %I PARTITION OF days DEFAULT', to_char(now(), 'YYYY'))",
                "format('SELECT count(*) FROM %I', r.relname)",
                "format('INSERT INTO bag SELECT %L', r.relname)",
                "format('GRANT SELECT ON %s TO metabase', r.oid::regclass)",
            )
        ),
        (
            "DO $$ DECLARE s text; BEGIN FOR s IN "
            "SELECT format('ALTER INDEX %I RENAME TO %I', relname, relname || '_') FROM pg_class "
            "LOOP EXECUTE s; END LOOP; END $$"
        ),
    ],
)
def test_what_takes_nothing_is_no_finding(asked: Callable[[str], Asked], script: str) -> None:
    """Names and literals that are put in make no other statement of a text that takes no rows."""
    faults, _ = asked(script)

    assert [] == faults


@pytest.mark.parametrize(
    "script",
    [
        "DO $$ DECLARE n name := current_user; BEGIN EXECUTE format('DELETE FROM %I', n); END $$",
        (
            "DO $$ DECLARE r record; BEGIN FOR r IN SELECT relname FROM pg_class LOOP "
            "EXECUTE 'UPDATE ' || quote_ident(r.relname) || ' SET name = NULL'; END LOOP; END $$"
        ),
        (
            "DO $$ DECLARE s text; BEGIN FOR s IN "
            "SELECT concat('TRUN', 'CATE ', oid::regclass) FROM pg_class LOOP "
            "EXECUTE s; END LOOP; END $$"
        ),
        (
            "DO $$ DECLARE s text; BEGIN "
            "SELECT string_agg(format('DROP TABLE %I', relname), ';') INTO s FROM pg_class; "
            "EXECUTE s; END $$"
        ),
        "DO $$ BEGIN EXECUTE concat('DELETE FROM teams WHERE id > ', random()::int); END $$",
    ],
)
def test_a_string_that_takes_rows_needs_a_reason(
    asked: Callable[[str], Asked], script: str
) -> None:
    """SQL that is made up, and takes rows that only running tells, is a finding until waived."""
    [fault], _ = asked(script)
    waived, _ = asked(f"-- waives DATA teams: looked at by hand\n{script}")

    assert fault.what == row_changes.PIECED
    assert [] == waived


@pytest.mark.parametrize(
    "script",
    [
        (
            "CREATE FUNCTION go(p text) RETURNS void LANGUAGE plpgsql AS "
            "$$ BEGIN EXECUTE format('%s %s teams', p, 'FROM'); END $$; SELECT go('DELETE')"
        ),
        "DO $$ DECLARE s text := 'DEL'; BEGIN s := s || 'ETE FROM teams'; EXECUTE s; END $$",
        "DO $$ BEGIN EXECUTE current_setting('my.sql'); END $$",
        "DO $$ BEGIN EXECUTE reverse(version()); END $$",
        "DO $$ DECLARE r record; BEGIN FOR r IN EXECUTE random()::text LOOP END LOOP; END $$",
        "DO LANGUAGE plperl $$ 1 $$",
        "CALL tidy()",
        "DO $$ BEGIN PERFORM nowhere(1); END $$",
        "DO $$ DECLARE n int := nowhere(1); BEGIN NULL; END $$",
        "DO $$ BEGIN EXECUTE format('%s FROM %I', reverse(version()), 'coupons'); END $$",
        "CREATE FUNCTION p() RETURNS int LANGUAGE plperl AS '1'; SELECT p()",
        "SELECT nowhere(7), lower('x')",
        # What only looks as if its text could be told.
        *(
            f"DO $$ DECLARE r record; s text; BEGIN {body} END $$"
            for body in (
                (
                    "FOR r IN SELECT 'SELECT 1' AS q LOOP r.q := 'DELETE FROM teams'; EXECUTE r.q; "
                    "END LOOP;"
                ),
                "FOR s IN SELECT 'SELECT 1' LOOP s := 'DELETE FROM teams'; EXECUTE s; END LOOP;",
                (
                    "FOR r IN SELECT 'SELECT 1' AS q LOOP SELECT 'DELETE FROM teams' AS q INTO r; "
                    "EXECUTE r.q; END LOOP;"
                ),
                (
                    "FOR r IN SELECT 'SELECT 1' AS q LOOP EXECUTE (SELECT r.q FROM "
                    "(SELECT 'DEL' || 'ETE FROM teams' AS q) AS r); END LOOP;"
                ),
                "EXECUTE 'SELECT ' || to_char(now(), '\"1; DEL\"' || '\"ETE FROM teams\"');",
                "EXECUTE 'SELECT 1 -- ' || quote_literal(current_setting('my.sql'));",
                "EXECUTE 'SELECT $x$' || quote_literal(current_setting('my.sql')) || '$x$';",
                "EXECUTE format('SELECT 1 -- %*s', 1, current_setting('my.sql'));",
                "EXECUTE 'SELECT 1' OPERATOR(public.||) 'x';",
                "EXECUTE 'SELECT ' || 'x'::public.date;",
            )
        ),
        (
            "DO $$ #variable_conflict use_column\nDECLARE q text := 'SELECT 1'; BEGIN EXECUTE "
            "(SELECT q FROM (SELECT 'DEL' || 'ETE FROM teams' AS q) AS x); END $$"
        ),
        (
            "CREATE FUNCTION lower(text) RETURNS text LANGUAGE sql AS $$ SELECT 'DELETE' $$; "
            "DO $$ BEGIN EXECUTE lower('SELECT 1'); END $$"
        ),
    ],
)
def test_what_cannot_be_read_needs_a_reason(asked: Callable[[str], Asked], script: str) -> None:
    """SQL and functions of which no text tells what they do are a finding until waived."""
    [fault], _ = asked(script)
    waived, notes = asked(f"-- waives DATA teams: looked at by hand\n{script}")

    assert row_changes.UNREAD in fault.what
    assert [] == waived
    assert any("(excuses: " in note for note in notes)


@pytest.mark.parametrize(
    "script",
    [
        (
            "DO $$ DECLARE r record; BEGIN FOR r IN SELECT 0 AS id LOOP r.id := 1; "
            "DELETE FROM teams WHERE id = r.id; END LOOP; END $$"
        ),
        (
            "DO $$ DECLARE r record; BEGIN FOR r IN SELECT 0 AS id LOOP SELECT 1 AS id INTO r; "
            "DELETE FROM teams WHERE id = r.id; END LOOP; END $$"
        ),
    ],
)
def test_rows_of_a_loop_that_are_changed_cannot_be_asked(
    asked: Callable[[str], Asked], script: str
) -> None:
    """A row that a block gives another value is not the one that its loop found."""
    [fault], _ = asked(script)

    assert "what it does to rows of teams today cannot be asked" in fault.what


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("EXECUTE 'COPY t TO PRO' || 'GRAM ' || quote_literal('id');", "COPY TO PROGRAM"),
        ("EXECUTE format('SELECT %s_file(%L)', 'pg_read', 'x');", "pg_read_file()"),
        ("EXECUTE 'COPY t TO ' || quote_literal(current_user);", "COPY TO a file"),
    ],
)
def test_what_is_pieced_together_for_the_machine_is_refused(
    folder: Path, body: str, what: str
) -> None:
    """A text that can be told and reaches beyond the database is refused before anything is run."""
    (folder / "a.sql").write_text(f"SELECT 1;\nDO $$ BEGIN {body} END $$;")
    [file] = migrations.load(folder)
    [fault] = sections.refusals(file)

    assert fault.what == f"makes up {what}, which would reach the server's machine"
    assert fault.about == "a.sql:2"
