"""Calls of functions that no text tells cannot be asked of a target, which is said."""

from pathlib import Path

import pytest

from conformance.engine.deployment import migrations
from conformance.engine.gate import unasked
from conformance.engine.postgres.scratch import Database


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("SELECT levenshtein('a', 'b'), lower('x')", ["a.sql:1: calls levenshtein()"]),
        (
            "SELECT 1;\nDO $$ BEGIN PERFORM levenshtein('a', 'b'); END $$",
            ["a.sql:2: calls levenshtein()"],
        ),
        ("DO $$ BEGIN EXECUTE 'SELECT 1'; END $$", []),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; SELECT f()", []),
        ("SELECT now(), setval('s', 1); DELETE FROM coupons", []),
        ("DO $$ BEGIN IF now() > '2020-01-01' THEN DELETE FROM coupons; END IF; END $$", []),
    ],
)
def test_what_was_not_asked_is_said(
    script: str, said: list[str], tmp_path: Path, empty: Database
) -> None:
    """A call of what an extension has is a note."""
    (tmp_path / "a.sql").write_text(script)
    with empty.connect() as conn:
        conn.execute("CREATE EXTENSION fuzzystrmatch")
        notes = unasked.ask(conn, migrations.load(tmp_path))

    assert [f"{each}: {unasked.UNASKED}" for each in said] == notes
