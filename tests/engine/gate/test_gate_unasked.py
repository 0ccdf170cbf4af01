"""What cannot be asked of a target is said: SQL that is pieced together, and calls of functions."""

from pathlib import Path

import pytest

from conformance.engine.deployment import migrations
from conformance.engine.gate import unasked
from conformance.engine.postgres.scratch import Database

PIECED = "DO $$ BEGIN EXECUTE format('%s FROM %I', 'DELETE', 'coupons'); END $$"
LOOP = "DO $$ DECLARE r record; BEGIN FOR r IN EXECUTE 'SELECT ' || 1 LOOP NULL; END LOOP; END $$"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (PIECED, ["a.sql:1: makes up SQL while it runs"]),
        (f"SELECT 1;\n{LOOP}", ["a.sql:2: makes up SQL while it runs"]),
        ("SELECT public.purge(7), lower('x')", ["a.sql:1: calls purge()"]),
        ("CALL tidy()", ["a.sql:1: calls tidy()"]),
        ("DO $$ BEGIN PERFORM purge(1); END $$", ["a.sql:1: calls purge()"]),
        ("DO $$ DECLARE n int := purge(1); BEGIN NULL; END $$", ["a.sql:1: calls purge()"]),
        ("DO $$ BEGIN EXECUTE 'SELECT 1'; END $$", []),
        ("DO LANGUAGE plperl $$ 1 $$", ["a.sql:1: makes up SQL while it runs"]),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; SELECT f()", []),
        ("SELECT now(), setval('s', 1); DELETE FROM coupons", []),
        ("DO $$ BEGIN IF now() > '2020-01-01' THEN DELETE FROM coupons; END IF; END $$", []),
    ],
)
def test_what_was_not_asked_is_said(
    script: str, said: list[str], tmp_path: Path, empty: Database
) -> None:
    """A block that makes up SQL, and a call of what is not PostgreSQL's own, are notes."""
    (tmp_path / "a.sql").write_text(script)
    with empty.connect() as conn:
        notes = unasked.ask(conn, migrations.load(tmp_path))

    assert [f"{each}: {unasked.UNASKED}" for each in said] == notes
