"""Writes to tables that no rule speaks of, before and after a file."""

import pytest

from conformance.engine.gate import contents, rewriting
from conformance.engine.postgres.scratch import Database

THERE = """
CREATE TABLE memos (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text, twice text
    GENERATED ALWAYS AS (body || body) STORED);
CREATE TABLE likes (memo int REFERENCES memos, at date);
CREATE TABLE bare ();
INSERT INTO memos (body) VALUES ('one'), (NULL);
INSERT INTO likes VALUES (1, '2026-01-01');
INSERT INTO bare DEFAULT VALUES;
CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not now'; END $$;
CREATE FUNCTION ok() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
"""


@pytest.mark.parametrize(
    ("script", "verbs"),
    [
        ("CREATE TRIGGER t BEFORE INSERT ON likes FOR EACH ROW EXECUTE FUNCTION no()", {"INSERT"}),
        ("CREATE TRIGGER t AFTER UPDATE ON likes FOR EACH ROW EXECUTE FUNCTION no()", {"UPDATE"}),
        (
            (
                "CREATE CONSTRAINT TRIGGER t AFTER DELETE ON likes DEFERRABLE INITIALLY DEFERRED "
                "FOR EACH ROW EXECUTE FUNCTION no()"
            ),
            {"DELETE", "INSERT"},
        ),
        ("CREATE TRIGGER t BEFORE INSERT ON likes FOR EACH ROW EXECUTE FUNCTION ok()", set()),
        ("ALTER TABLE likes ADD CONSTRAINT c CHECK (at > '2027-01-01') NOT VALID", set()),
        ("ALTER TABLE likes ADD by text NOT NULL DEFAULT 'x'", set()),
        ("CREATE UNIQUE INDEX ON likes (at)", set()),
    ],
)
def test_what_can_be_written_no_more_is_told(empty: Database, script: str, verbs: set[str]) -> None:
    """Each verb is tried of a row that is there, and nothing of it stays."""
    with empty.connect() as conn:
        conn.execute(THERE)
        before = contents.read(conn)
        could = rewriting.refused(conn, before)
        conn.execute(script.encode())
        after = contents.read(conn)
        cannot = rewriting.refused(conn, after)

        assert {("public.memos", "DELETE"), ("public.memos", "INSERT")} >= could.keys()
        assert {("public.likes", verb): "not now" for verb in verbs} == {
            key: cannot[key] for key in cannot.keys() - could.keys()
        }
        assert [each.rows for each in contents.read(conn).values()] == [
            each.rows for each in after.values()
        ]
