"""Copies of all rows, and the sweeping of what resets leave behind."""

from collections.abc import Iterator

import pytest

from conformance.engine.database.sandbox import Sandbox
from conformance.engine.database.sweeper import ALL_EVERY, CHANGES_EVERY, Sweeper
from conformance.engine.postgres.scratch import Scratch, Template

SWEPT = """
SELECT schemaname || '.' || relname FROM pg_stat_all_tables WHERE vacuum_count > 0
AND schemaname <> 'pg_catalog' ORDER BY 1
"""
ANN = "INSERT INTO users (id, email) VALUES ('00000000-0000-4000-8000-000000000001', 'ann@a.io')"
# A team with its owner, a job of hers, and what the schema keeps of them for itself.
MORE = """
BEGIN;
INSERT INTO users (id, email, tier, upgraded_at) VALUES
    ('00000000-0000-4000-8000-000000000002', 'bob@a.io', 'creator', now());
INSERT INTO teams (id, name, slug) VALUES ('00000000-0000-4000-8000-000000000003', 'a', 'a-team');
INSERT INTO memberships (team_id, user_id, role) VALUES (
    '00000000-0000-4000-8000-000000000003', '00000000-0000-4000-8000-000000000002', 'owner'
);
COMMIT;
"""


@pytest.fixture
def sandbox(scratch: Scratch, template: Template) -> Iterator[Sandbox]:
    """A sandbox on a database of its own."""
    with scratch.cloned(template, "swept") as database, Sandbox(database.conninfo) as sandbox:
        yield sandbox


def rows(sandbox: Sandbox) -> dict[str, list[tuple[object, ...]]]:
    """Return what is in each table, and the notes of it."""
    found = {table: sandbox.owner.fetch(f"TABLE {table}") for table in sandbox._columns}
    noted = sandbox.owner.fetch("SELECT tbl, op, old, new FROM conformance.changes ORDER BY seq")
    return {**found, "conformance.changes": noted}


def test_copies_are_not_swept(sandbox: Sandbox) -> None:
    """However many copies are kept, a sweep takes what it takes without them."""
    sandbox.owner.connection.execute(ANN)
    assert sandbox.keep("ann")
    sweeper = Sweeper(sandbox.owner.connection, ["public.users"])
    for _ in range(ALL_EVERY):
        sweeper.count()
    swept = [str(name) for (name,) in sandbox.owner.fetch(SWEPT)]
    assert ["conformance.changes", "public.users"] == [
        name for name in swept if not name.startswith("pg_toast.")
    ]


def test_the_change_log_is_swept_more_often(sandbox: Sandbox) -> None:
    """All violation queries read it: its dead rows are swept before those of other tables."""
    sweeper = Sweeper(sandbox.owner.connection, ["public.users"])
    for _ in range(CHANGES_EVERY):
        sweeper.count()
    swept = [str(name) for (name,) in sandbox.owner.fetch(SWEPT)]
    assert "conformance.changes" in swept
    assert "public.users" not in swept


def test_tables_that_were_empty_are_empty_again(sandbox: Sandbox) -> None:
    """A copy holds tables with rows only; what was written into others goes, from both ways."""
    sandbox.owner.connection.execute(ANN)
    sandbox.keep("ann")
    before = rows(sandbox)
    assert before["public.users"]
    assert not before["public.teams"]
    for way in ("all tables", "those that were written"):
        sandbox.owner.connection.execute(MORE)
        assert before != rows(sandbox), way
        sandbox.bring_back("ann")
        assert before == rows(sandbox), way
