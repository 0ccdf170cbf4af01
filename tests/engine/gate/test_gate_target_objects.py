"""Objects of a target that no migration has made: under the names of new ones, and as readers."""

from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.engine.audit.findings import Fault
from conformance.engine.audit.target import Limits, reading
from conformance.engine.deployment import migrations, waivers
from conformance.engine.gate import target_objects
from conformance.engine.postgres.scratch import Database, Scratch, Template
from tests.support.trials import described

THERE = (
    "CREATE TABLE memos (id int PRIMARY KEY, body text, size int, made date);"
    "CREATE TABLE lists (a int);"
)
OTHERS = """
CREATE TABLE reports (id int PRIMARY KEY, other text);
CREATE FUNCTION tally() RETURNS int LANGUAGE sql RETURN 1;
CREATE TYPE flavour AS ENUM ('x');
CREATE VIEW brief AS SELECT id, body FROM memos;
CREATE VIEW briefer AS SELECT id FROM brief;
CREATE TABLE likes (memo int REFERENCES memos);
CREATE FUNCTION log_it() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE NOTICE '%', NEW.size; RETURN NEW; END $$;
CREATE TRIGGER logs AFTER INSERT ON memos FOR EACH ROW EXECUTE FUNCTION log_it();
CREATE INDEX by_hand ON memos (body);
ALTER TABLE memos ADD COLUMN hot text;
"""
Asked = tuple[list[Fault], list[str]]


@pytest.fixture
def asked(
    scratch: Scratch, empty_template: Template, empty: Database, folder: Path
) -> Callable[[str], Asked]:
    """Return what asks a target that holds more than migrations have made."""
    with empty.connect() as conn:
        conn.execute(f"{THERE}{OTHERS}")

    def ask(script: str) -> Asked:
        (folder / "a.sql").write_text(script)
        files = migrations.load(folder)
        with scratch.cloned(empty_template, "trying") as trying:
            steps = [described(trying, each) for each in (THERE, script)]
        with reading(empty.conninfo, Limits()) as conn, conn.transaction():
            path = conn.execute("SHOW search_path").fetchone()
            found = target_objects.ask(conn, steps, files, waivers.of_files(files)[0])
            assert path == conn.execute("SHOW search_path").fetchone()
            return found

    return ask


@pytest.mark.parametrize(
    ("script", "about", "what"),
    [
        (
            "CREATE TABLE IF NOT EXISTS reports (id uuid)",
            "relation public.reports",
            target_objects.OTHER,
        ),
        ("CREATE VIEW reports AS SELECT 1 AS id", "relation public.reports", target_objects.OTHER),
        (
            "CREATE OR REPLACE FUNCTION tally() RETURNS int LANGUAGE sql RETURN 2",
            "function public.tally()",
            target_objects.OTHER,
        ),
        (
            "CREATE FUNCTION tally() RETURNS int LANGUAGE sql RETURN 1",
            "function public.tally()",
            target_objects.SAME,
        ),
        ("CREATE TYPE flavour AS ENUM ('y')", "type public.flavour", target_objects.OTHER),
        (
            "CREATE INDEX IF NOT EXISTS by_hand ON memos (size)",
            "index public.by_hand on public.memos",
            target_objects.OTHER,
        ),
        (
            "CREATE INDEX by_hand ON memos (body)",
            "index public.by_hand on public.memos",
            target_objects.SAME,
        ),
        ("ALTER TABLE memos ADD COLUMN hot int", "column public.memos.hot", target_objects.OTHER),
    ],
)
def test_what_is_there_under_a_new_name_is_told(
    asked: Callable[[str], Asked], script: str, about: str, what: str
) -> None:
    """A new object whose name the target has for another one is a finding."""
    faults, _ = asked(script)

    assert [(about, what)] == [(fault.about, fault.what) for fault in faults]


@pytest.mark.parametrize(
    ("script", "readers"),
    [
        ("ALTER TABLE memos DROP COLUMN body", {"brief"}),
        ("ALTER TABLE memos ALTER body TYPE varchar(9)", {"brief"}),
        ("ALTER TABLE memos ALTER id TYPE bigint", {"brief"}),
        ("DROP TABLE memos", {"brief", "likes"}),
        ("ALTER TABLE memos DROP COLUMN size", {"log_it"}),
        ("ALTER TABLE memos RENAME size TO extent", {"log_it"}),
        ("ALTER TABLE memos DISABLE TRIGGER USER", {"memos.logs"}),
        ("DROP TRIGGER IF EXISTS logs ON memos", {"memos.logs"}),
    ],
)
def test_what_others_read_is_told(
    asked: Callable[[str], Asked], script: str, readers: set[str]
) -> None:
    """Views and keys of the target alone are findings where a file takes away what they read."""
    faults, _ = asked(script)
    waived, notes = asked("".join(f"-- waives DATA {each}: it goes\n" for each in readers) + script)

    assert readers == {fault.about for fault in faults}
    assert [] == waived
    assert len(readers) == sum("it goes (excuses: " in note for note in notes)


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TABLE news (id int)",
        "ALTER TABLE memos DROP COLUMN made",
        "DROP TRIGGER IF EXISTS other ON memos; ALTER TABLE lists DISABLE TRIGGER USER",
        "ALTER TABLE memos ALTER size TYPE bigint",
        "ALTER TABLE memos ADD COLUMN IF NOT EXISTS hot text",
        "CREATE INDEX IF NOT EXISTS by_hand ON memos (body)",
        "-- outside a transaction: once more\nCREATE INDEX by_hand ON memos (body)",
        "CREATE OR REPLACE FUNCTION tally() RETURNS int LANGUAGE sql RETURN 1",
        "ALTER TABLE memos ALTER body SET NOT NULL",
    ],
)
def test_what_meets_nothing_is_no_finding(asked: Callable[[str], Asked], script: str) -> None:
    """New names, what nobody reads, and what is there just so, may pass."""
    assert ([], []) == asked(script)
