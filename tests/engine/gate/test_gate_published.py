"""Tables that only the target publishes, and publications of tables that only the target has."""

from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.engine.audit.findings import Fault
from conformance.engine.audit.target import Limits, reading
from conformance.engine.deployment import migrations, waivers
from conformance.engine.gate import published
from conformance.engine.postgres.scratch import Database, Scratch, Template
from tests.support.trials import described

THERE = "CREATE TABLE memos (id int PRIMARY KEY, body text NOT NULL UNIQUE);"
OTHERS = "CREATE TABLE memos (id int PRIMARY KEY); CREATE TABLE loose (a int);"
FEED = "CREATE PUBLICATION feed FOR TABLE memos;"
ALL = "CREATE PUBLICATION feed FOR ALL TABLES;"
INSERTS = "CREATE PUBLICATION feed FOR ALL TABLES WITH (publish = 'insert');"
Asked = tuple[list[Fault], list[str]]


@pytest.fixture
def asked(
    scratch: Scratch, empty_template: Template, empty: Database, folder: Path
) -> Callable[[str, str], Asked]:
    """Return what asks a target on which something happened what a file does to publications."""

    def ask(happened: str, script: str) -> Asked:
        (folder / "a.sql").write_text(script)
        files = migrations.load(folder)
        with scratch.cloned(empty_template, "trying") as trying:
            steps = [described(trying, each) for each in (THERE, script)]
        with empty.connect() as conn:
            conn.execute("DROP TABLE IF EXISTS memos, loose; DROP PUBLICATION IF EXISTS feed")
            conn.execute(f"{OTHERS}{happened}")
        with reading(empty.conninfo, Limits()) as conn:
            return published.ask(conn, steps, files, waivers.of_files(files)[0])

    return ask


@pytest.mark.parametrize(
    ("happened", "script", "failing"),
    [
        (FEED, "ALTER TABLE memos REPLICA IDENTITY NOTHING", {"memos"}),
        (ALL, "ALTER TABLE memos REPLICA IDENTITY NOTHING", {"memos"}),
        (INSERTS, "ALTER TABLE memos REPLICA IDENTITY NOTHING", set()),
        ("", "ALTER TABLE memos REPLICA IDENTITY NOTHING", set()),
        (FEED, "ALTER TABLE memos REPLICA IDENTITY FULL", set()),
        (FEED, "ALTER TABLE memos DROP CONSTRAINT memos_pkey", {"memos"}),
        (
            FEED,
            (
                "ALTER TABLE memos DROP CONSTRAINT memos_pkey; "
                "ALTER TABLE memos REPLICA IDENTITY USING INDEX memos_body_key"
            ),
            set(),
        ),
        (FEED, "ALTER TABLE memos DROP CONSTRAINT memos_pkey, ADD PRIMARY KEY (body)", set()),
        (ALL, "CREATE TABLE lists (a int)", {"lists"}),
        (
            "CREATE PUBLICATION feed FOR TABLES IN SCHEMA public",
            "CREATE TABLE lists (a int); CREATE SCHEMA beside CREATE TABLE lists (a int)",
            {"lists"},
        ),
        (ALL, "CREATE TABLE lists (a int PRIMARY KEY)", set()),
        (ALL, "CREATE UNLOGGED TABLE lists (a int)", set()),
        (FEED, "CREATE TABLE lists (a int)", set()),
        ("", "CREATE PUBLICATION out FOR ALL TABLES", {"loose"}),
        ("", "CREATE PUBLICATION out FOR TABLE memos", set()),
        (
            "ALTER TABLE memos REPLICA IDENTITY NOTHING",
            "CREATE PUBLICATION out FOR TABLE memos",
            {"memos"},
        ),
    ],
)
def test_a_table_that_cannot_be_written_any_more_is_told(
    asked: Callable[[str, str], Asked], happened: str, script: str, failing: set[str]
) -> None:
    """A write that fails where rows are published without a key is found; a waiver excuses it."""
    faults, _ = asked(happened, script)
    waivers = "".join(f"-- waives DATA {table}: nobody changes them\n" for table in failing)
    waived, notes = asked(happened, f"{waivers}{script}")

    assert failing == {fault.what.partition(":")[0] for fault in faults}
    assert {"a.sql"} >= {fault.about for fault in faults}
    assert [] == waived
    assert len(failing) == sum("nobody changes them (excuses: " in note for note in notes)
