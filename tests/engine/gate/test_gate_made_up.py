"""SQL that blocks of pending files make up: read where its text can be told, and else a finding."""

from collections.abc import Callable

import pytest

from conformance.engine.audit.findings import Fault
from conformance.engine.gate import row_changes

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
    ],
)
def test_what_cannot_be_read_needs_a_reason(asked: Callable[[str], Asked], script: str) -> None:
    """SQL and functions of which no text tells what they do are a finding until waived."""
    [fault], _ = asked(script)
    waived, notes = asked(f"-- waives DATA teams: looked at by hand\n{script}")

    assert row_changes.UNREAD in fault.what
    assert [] == waived
    assert any("(excuses: " in note for note in notes)
